//! The X client that draws the load.
//!
//! Motion is CopyArea out of a larger pixmap, at another place each time: to the X server one copy of what changes,
//! which is the least that changing every pixel to something that an encoder finds natural can cost, and to this process
//! nothing. PutImage, with shared memory or not, costs the server the same and us a copy more.

use std::io::Write as _;
use std::time::Instant;

use anyhow::{Context as _, Result};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    ChangeGCAux, ConnectionExt as _, CreateGCAux, CreateWindowAux, Drawable, Gcontext, ImageFormat, Pixmap, Rectangle,
    Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use egldesktop_bench::pattern::{Random, pattern};

use crate::stamp::{self, Stamp};
use crate::workload::Workload;

/// The pixmap is wider than the screen by this; no two frames in so many show the same part of it.
const PAN: u16 = 256;
/// Pixels per frame; odd, so that the pan visits every offset.
const SPEED: u32 = 7;
const RECTS: usize = 500;
/// Rows of one PutImage: far below the longest request at any width.
const BAND: u16 = 32;

/// Draws until the process is killed or the X server goes away. Prints a line as soon as the screen is there.
pub(crate) fn paint(display: &str, workload: Workload) -> Result<()> {
    let mut canvas = Canvas::new(display)?;
    writeln!(std::io::stdout(), "ready")?;
    let Some(interval) = workload.interval() else {
        loop {
            // Keeps the window.
            canvas.connection.wait_for_event()?;
        }
    };
    let mut due = Instant::now();
    for frame in 0u32.. {
        let late = interval.mul_f64(workload.jitter() * canvas.random.fraction());
        std::thread::sleep((due + late).saturating_duration_since(Instant::now()));
        canvas.draw(workload, frame)?;
        due += interval;
        // A server that can't keep up gets a slower load, not a burst when it can again.
        due = due.max(Instant::now().checked_sub(interval).unwrap_or(due));
    }
    Ok(())
}

struct Canvas {
    connection: RustConnection,
    window: Window,
    /// What moves.
    texture: Pixmap,
    gc: Gcontext,
    width: u16,
    height: u16,
    random: Random,
}

impl Canvas {
    fn new(display: &str) -> Result<Self> {
        let (connection, number) = x11rb::connect(Some(display))?;
        let screen = connection.setup().roots[number].clone();
        let (width, height) = (screen.width_in_pixels, screen.height_in_pixels);
        let (depth, root) = (screen.root_depth, screen.root);

        let window = connection.generate_id()?;
        let attributes = CreateWindowAux::new().background_pixel(screen.black_pixel).override_redirect(1);
        let class = WindowClass::INPUT_OUTPUT;
        connection.create_window(depth, window, root, 0, 0, width, height, 0, class, 0, &attributes)?;
        connection.map_window(window)?;
        let gc = connection.generate_id()?;
        // Without this the server tells of each CopyArea that it went well.
        connection.create_gc(gc, window, &CreateGCAux::new().graphics_exposures(0))?;

        let texture = connection.generate_id()?;
        let texture_width = width.checked_add(PAN).context("the screen is too wide")?;
        connection.create_pixmap(depth, texture, root, texture_width, height)?;
        for top in (0..height).step_by(BAND.into()) {
            let rows = BAND.min(height - top);
            let data = pattern(texture_width, top, rows);
            let place = i16::try_from(top)?;
            connection.put_image(ImageFormat::Z_PIXMAP, texture, gc, texture_width, rows, 0, place, 0, depth, &data)?;
        }
        connection.copy_area(texture, window, gc, 0, 0, 0, 0, width, height)?;
        connection.sync()?;
        Ok(Self { connection, window, texture, gc, width, height, random: Random::new(0x9e37_79b9_7f4a_7c15) })
    }

    /// Draws a frame and waits until the X server has drawn it: a queue of requests would not be a load of 60 frames a
    /// second any more.
    fn draw(&mut self, workload: Workload, frame: u32) -> Result<()> {
        match workload {
            Workload::Idle => {}
            Workload::Typing => self.fill(1, 10, 20, frame)?,
            Workload::Rects => self.fill(RECTS, 8, 8, frame)?,
            Workload::Half => {
                // 181 / 256 of each side is half of the area.
                let scale = |side: u16| (u32::from(side) * 181 / 256) as u16;
                self.pan(frame, scale(self.width), scale(self.height))?;
            }
            Workload::Full | Workload::Full144 => self.pan(frame, self.width, self.height)?,
        }
        self.connection.sync()?;
        Ok(())
    }

    /// The stamps come with the picture, in one request: between two, the server may serve somebody else. One is at the
    /// top and one at the bottom; who sees different ones has looked while the server was copying.
    fn pan(&self, frame: u32, width: u16, height: u16) -> Result<()> {
        let offset = (frame.wrapping_mul(SPEED) % u32::from(PAN)) as i16;
        let stamp = Stamp::now(frame as u16);
        self.put(stamp, self.texture, offset, i16::try_from(height - stamp::HEIGHT)?)?;
        self.put(stamp, self.texture, offset, 0)?;
        self.connection.copy_area(self.texture, self.window, self.gc, offset, 0, 0, 0, width, height)?;
        Ok(())
    }

    fn fill(&mut self, count: usize, width: u16, height: u16, frame: u32) -> Result<()> {
        let colour = ChangeGCAux::new().foreground(self.random.next() as u32 & 0xff_ffff);
        self.connection.change_gc(self.gc, &colour)?;
        let (right, bottom) = (self.width - width, self.height - height);
        let rectangles: Vec<Rectangle> = (0..count)
            .map(|_| Rectangle {
                x: self.random.below(right) as i16,
                y: self.random.below(bottom) as i16,
                width,
                height,
            })
            .collect();
        self.connection.poly_fill_rectangle(self.window, self.gc, &rectangles)?;
        // Last, so that who sees the new stamp sees everything.
        self.put(Stamp::now(frame as u16), self.window, 0, 0)
    }

    fn put(&self, stamp: Stamp, target: Drawable, x: i16, y: i16) -> Result<()> {
        let (format, pixels) = (ImageFormat::Z_PIXMAP, stamp.pixels());
        self.connection.put_image(format, target, self.gc, stamp::WIDTH, stamp::HEIGHT, x, y, 0, 24, &pixels)?;
        Ok(())
    }
}
