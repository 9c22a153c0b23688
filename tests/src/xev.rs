//! `xev`: what a program that uses Xlib makes of the keys.

use std::process::{Command, Stdio};
use std::sync::mpsc::Receiver;

use anyhow::{Context as _, Result};
use x11rb::protocol::xproto::{ConnectionExt as _, InputFocus};
use x11rb::wrapper::ConnectionExt as _;

use crate::process::{Process, wait_for_line};

/// A window with the keyboard focus.
#[derive(Debug)]
pub struct Xev {
    _process: Process,
    lines: Receiver<String>,
}

impl Xev {
    /// Starts it, and returns when it gets the keys.
    pub fn start(display: &str) -> Result<Self> {
        // A line at a time, or a pipe would get none before it has a page full of them.
        let command = &mut Command::new("stdbuf");
        command.args(["-oL", "xev", "-display", display, "-event", "keyboard"]).env("LC_ALL", "C.UTF-8");
        let mut process = Process::start(command.stdin(Stdio::null()).stdout(Stdio::piped()))
            .context("package x11-utils is needed")?;
        let lines = process.lines()?;
        let window = wait_for_line(&lines, |line| {
            let id = line.strip_prefix("Outer window is 0x")?.split(',').next()?;
            u32::from_str_radix(id, 16).ok()
        })?;
        let (connection, _) = x11rb::connect(Some(display))?;
        // It says so before the window is mapped, and only what is mapped takes the focus.
        while connection.get_window_attributes(window)?.reply()?.map_state
            != x11rb::protocol::xproto::MapState::VIEWABLE
        {}
        connection.set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME)?;
        connection.sync()?;
        Ok(Self { _process: process, lines })
    }

    /// The next keysym of a key press that is none of a modifier.
    pub fn pressed(&self) -> Result<u32> {
        // The event's type stands two lines above its keysym.
        let press = std::cell::Cell::new(false);
        wait_for_line(&self.lines, |line| {
            if line.starts_with("Key") {
                press.set(line.starts_with("KeyPress"));
            }
            let hex = line.split_once("(keysym 0x")?.1.split(',').next()?;
            let keysym = u32::from_str_radix(hex, 16).ok()?;
            let modifier = (0xffe1..=0xffee).contains(&keysym) || keysym == 0xfe03 || keysym == 0xff7e;
            (press.get() && !modifier).then_some(keysym)
        })
    }
}
