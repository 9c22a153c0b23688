//! From a browser to the desktop and back, with the launcher in between.

mod access;
mod clipboard;
mod command_line;
mod control;
mod encoder;
mod gamepad;
mod hostile;
mod input;
mod picture;
mod random_input;
mod saved;
mod screen;
mod sound;
mod statistics;
mod turn;
mod viewers;
