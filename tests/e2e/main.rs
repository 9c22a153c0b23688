//! From a browser to the desktop and back, with the launcher in between.

mod access;
mod clipboard;
mod command_line;
mod control;
mod encoder;
mod hostile;
mod input;
mod novnc;
mod picture;
mod random_input;
mod screen;
mod sound;
mod turn;
mod viewers;
