//! Other programs that press keys, kept running and told by their standard input: starting them would cost far more.

use std::io::Write as _;
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context as _, Result};

/// One line in, one XTEST request out, as Selkies' server does it: a round trip after each.
const PYTHON: &str = "
import sys
from Xlib import X, XK, display
from Xlib.ext import xtest
d = display.Display()
code = d.keysym_to_keycode(XK.XK_a)
for line in sys.stdin:
    xtest.fake_input(d, X.KeyPress if line.startswith('keydown') else X.KeyRelease, code)
    d.sync()
";

/// A program that waits for lines that begin with `keydown` or `keyup`.
pub(crate) struct Injector {
    child: Child,
    input: ChildStdin,
}

impl Injector {
    /// `xdotool`, which runs each line of a script as it comes.
    pub(crate) fn xdotool(display: &str) -> Result<Self> {
        Self::start(Command::new("xdotool").arg("-"), display).context("package xdotool is needed")
    }

    /// python-xlib, of the Python that Debian's packages are for.
    pub(crate) fn python(display: &str) -> Result<Self> {
        Self::start(Command::new("/usr/bin/python3").args(["-u", "-c", PYTHON]), display)
            .context("package python3-xlib is needed")
    }

    fn start(command: &mut Command, display: &str) -> Result<Self> {
        let mut child = command.env("DISPLAY", display).stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        let input = child.stdin.take().context("no standard input")?;
        Ok(Self { child, input })
    }

    pub(crate) fn press(&mut self) -> Result<()> {
        self.tell("keydown --delay 0 a\n")
    }

    pub(crate) fn release(&mut self) -> Result<()> {
        self.tell("keyup --delay 0 a\n")
    }

    fn tell(&mut self, line: &str) -> Result<()> {
        self.input.write_all(line.as_bytes())?;
        Ok(self.input.flush()?)
    }
}

impl Drop for Injector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
