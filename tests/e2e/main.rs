//! From a browser to the desktop and back, with the launcher in between.

mod access;
mod accessibility;
mod app;
mod chaos;
mod clipboard;
mod command_line;
mod control;
mod encoder;
mod files;
mod gamepad;
mod hostile;
mod input;
mod microphone;
mod novnc;
mod picture;
mod random_input;
mod reconnect;
mod saved;
mod screen;
mod screenshots;
mod sound;
mod statistics;
mod touch;
mod turn;
mod viewers;
mod websocket;
