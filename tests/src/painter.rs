//! An X client that shows a known picture and writes down what it gets.

use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    ConnectionExt as _, CreateGCAux, CreateWindowAux, EventMask, InputFocus, Rectangle, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::PATIENCE;
use crate::keymap::Keymap;

/// What the client got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// The pointer is here now.
    Motion(i16, i16),
    /// A button went down (`true`) or up.
    Button(u8, bool),
    /// A key that types this character went down.
    Char(char),
    /// A key went down (`true`) or up; X11 keysym.
    Key(u32, bool),
}

/// One colour of the picture, at a place where it fills the surroundings.
#[derive(Debug, Clone, Copy)]
pub struct Patch {
    /// Pixels from the left.
    pub x: u32,
    /// Pixels from the top.
    pub y: u32,
    /// Red, green, blue.
    pub rgb: [u8; 3],
}

/// The client; ends on drop.
#[derive(Debug)]
pub struct Painter {
    seen: Receiver<Seen>,
    patches: Vec<Patch>,
    window: u32,
    display: String,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// Four quarters and a middle: told apart by every test, and none of them grey.
const COLOURS: [[u8; 3]; 5] = [[200, 40, 40], [40, 170, 60], [40, 70, 200], [230, 200, 50], [160, 60, 190]];

impl Painter {
    /// Covers the whole screen and takes the keyboard focus.
    pub fn start(display: &str) -> Result<Self> {
        let (connection, number) = x11rb::connect(Some(display))?;
        let screen = connection.setup().roots[number].clone();
        let (width, height) = (screen.width_in_pixels, screen.height_in_pixels);
        let areas = areas(width, height);

        let pixmap = connection.generate_id()?;
        connection.create_pixmap(screen.root_depth, pixmap, screen.root, width, height)?;
        let gc = connection.generate_id()?;
        connection.create_gc(gc, pixmap, &CreateGCAux::new())?;
        for (area, [red, green, blue]) in areas.iter().zip(COLOURS) {
            let pixel = u32::from_be_bytes([0, red, green, blue]);
            connection.change_gc(gc, &x11rb::protocol::xproto::ChangeGCAux::new().foreground(pixel))?;
            connection.poly_fill_rectangle(pixmap, gc, &[*area])?;
        }

        let window = connection.generate_id()?;
        let events = EventMask::POINTER_MOTION
            | EventMask::BUTTON_PRESS
            | EventMask::BUTTON_RELEASE
            | EventMask::KEY_PRESS
            | EventMask::KEY_RELEASE
            | EventMask::STRUCTURE_NOTIFY;
        let attributes = CreateWindowAux::new().background_pixmap(pixmap).override_redirect(1).event_mask(events);
        let class = WindowClass::INPUT_OUTPUT;
        connection.create_window(
            screen.root_depth,
            window,
            screen.root,
            0,
            0,
            width,
            height,
            0,
            class,
            0,
            &attributes,
        )?;
        connection.map_window(window)?;
        connection.flush()?;
        while !matches!(connection.wait_for_event()?, Event::MapNotify(_)) {}
        connection.set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME)?;
        connection.sync()?;

        let (width, height) = (u32::from(width), u32::from(height));
        let places = [(1, 1), (7, 1), (1, 7), (7, 7), (4, 4)];
        let patches = places.into_iter().zip(COLOURS);
        let patches = patches.map(|((x, y), rgb)| Patch { x: width * x / 8, y: height * y / 8, rgb }).collect();
        let (sender, seen) = channel();
        let thread = std::thread::spawn(move || {
            // Ends when the window is destroyed or the server goes away.
            let _ = record(&connection, window, &sender);
        });
        Ok(Self { seen, patches, window, display: display.to_owned(), thread: Some(thread) })
    }

    /// What the picture has where.
    pub fn patches(&self) -> &[Patch] {
        &self.patches
    }

    /// Waits until `pick` likes what was seen; everything before is forgotten.
    pub fn wait_for<T>(&self, pick: impl Fn(&Seen) -> Option<T>) -> Result<T> {
        self.wait_with(PATIENCE, || Ok(()), pick)
    }

    /// The same for something that is done again after each such time without an event, since it may get lost on the way.
    pub fn wait_with<T>(
        &self,
        every: Duration,
        mut again: impl FnMut() -> Result<()>,
        pick: impl Fn(&Seen) -> Option<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + PATIENCE;
        let mut others = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(seen) = self.seen.recv_timeout(left.min(every).max(Duration::from_millis(1))) else {
                // The last ones tell most; a key that repeats fills pages.
                ensure!(Instant::now() < deadline, "not seen; but {:?}", &others[others.len().saturating_sub(20)..]);
                again()?;
                continue;
            };
            if let Some(value) = pick(&seen) {
                return Ok(value);
            }
            others.push(seen);
        }
    }

    /// Waits until exactly this was seen; everything before is forgotten.
    pub fn wait_for_seen(&self, expected: &Seen) -> Result<()> {
        self.wait_for(|seen| (seen == expected).then_some(())).with_context(|| format!("waiting for {expected:?}"))
    }

    /// Collects typed characters until there are `count`.
    pub fn typed(&self, count: usize) -> Result<String> {
        let mut text = String::new();
        while text.chars().count() < count {
            let next = self.wait_for(|seen| match seen {
                Seen::Char(char) => Some(*char),
                _ => None,
            });
            text.push(next.with_context(|| format!("after {text:?}"))?);
        }
        Ok(text)
    }
}

impl Drop for Painter {
    fn drop(&mut self) {
        let destroyed = x11rb::connect(Some(&self.display))
            .is_ok_and(|(connection, _)| connection.kill_client(self.window).is_ok() && connection.sync().is_ok());
        if let Some(thread) = self.thread.take().filter(|_| destroyed) {
            let _ = thread.join();
        }
    }
}

fn areas(width: u16, height: u16) -> [Rectangle; 5] {
    let (half_x, half_y) = (width / 2, height / 2);
    let area = |x: u16, y: u16, width, height| Rectangle { x: x as i16, y: y as i16, width, height };
    [
        area(0, 0, half_x, half_y),
        area(half_x, 0, width - half_x, half_y),
        area(0, half_y, half_x, height - half_y),
        area(half_x, half_y, width - half_x, height - half_y),
        area(width / 2 - width / 8, height / 2 - height / 8, width / 4, height / 4),
    ]
}

fn record(connection: &RustConnection, window: u32, sender: &std::sync::mpsc::Sender<Seen>) -> Result<()> {
    let mut keymap = Keymap::fetch(connection)?;
    loop {
        let seen = match connection.wait_for_event()? {
            Event::MotionNotify(event) => Seen::Motion(event.root_x, event.root_y),
            Event::ButtonPress(event) => Seen::Button(event.detail, true),
            Event::ButtonRelease(event) => Seen::Button(event.detail, false),
            Event::KeyPress(event) => {
                let keysym = keymap.keysym(event.detail, event.state);
                if let Some(char) = xkeysym::Keysym::new(keysym).key_char().filter(|char| !char.is_control()) {
                    sender.send(Seen::Char(char))?;
                }
                Seen::Key(keysym, true)
            }
            Event::KeyRelease(event) => Seen::Key(keymap.keysym(event.detail, event.state), false),
            // As Xlib's clients do.
            Event::MappingNotify(_) => {
                keymap = Keymap::fetch(connection)?;
                continue;
            }
            Event::DestroyNotify(event) if event.window == window => return Ok(()),
            _ => continue,
        };
        sender.send(seen)?;
    }
}
