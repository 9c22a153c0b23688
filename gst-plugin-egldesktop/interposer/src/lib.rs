//! Shows programs gamepads that are no devices of the kernel: preloaded (`LD_PRELOAD`), it connects whoever opens
//! `/dev/input/js0` … `js3` or `/dev/input/event1000` … `event1003` with the server's socket of that device, and answers
//! the `ioctl`s of joydev and evdev. The sockets are in the folder that `SELKIES_JS_SOCKET_PATH` names, else in `/tmp`; the
//! protocol is the second version of Selkies' joystick interposer, see `selkies_protocol::joystick`.
//!
//! What a program opens is the socket itself, so reading, writing and waiting need no help, and neither do copies of the
//! descriptor or forks: whether a descriptor is a gamepad is asked of the kernel, by the name of its peer. Where a program
//! looks what devices there are, by listing or watching `/dev/input`, it sees the server's folder [`LISTING`] instead.
//!
//! It lives in every program of a desktop session, and most have nothing to do with gamepads. So each function begins with
//! a look that costs nothing, and anything that is not ours goes on as if nobody had looked; a panic ends in the same way.
//!
//! [`LISTING`]: selkies_protocol::joystick::LISTING

#![cfg(all(target_os = "linux", target_pointer_width = "64"))]

mod device;
mod evdev;
mod exports;
mod ioctl;
mod joydev;
mod names;
mod real;
mod status;
