//! From a browser to the desktop and back, with the launcher in between.

mod access;
mod accessibility;
mod app;
mod command_line;
mod control;
mod encoder;
mod files;
mod hostile;
mod input;
mod picture;
mod reconnect;
mod screenshots;
mod sound;
mod touch;
mod turn;
mod viewers;
