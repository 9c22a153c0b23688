//! What is on the screen: a patch that changes its colour when told or clicked, and around it what moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    ChangeGCAux, ConnectionExt as _, CreateGCAux, CreateWindowAux, EventMask, Gcontext, ImageFormat, Rectangle, Window,
    WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::pattern::pattern;

/// The patch is a square of this size at the top left.
const PATCH: u16 = 96;
/// What moves is wider than the screen by this.
const PAN: u16 = 256;
/// By how many pixels it scrolls.
const STEP: u16 = 16;
const RED: u32 = 0xc8_1414;
const BLUE: u32 = 0x14_14c8;

/// What moves besides the patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// Nothing.
    None = 0,
    /// A character ten times a second.
    Typing = 1,
    /// Everything, 60 times a second.
    Full = 2,
    /// What most of the screen shows goes up by 16 pixels, 30 times a second.
    Scrolling = 3,
    /// 1280×720 pixels, 30 times a second.
    Video = 4,
}

#[derive(Debug)]
struct Shared {
    connection: RustConnection,
    window: Window,
    patch: Gcontext,
    blue: AtomicBool,
    motion: AtomicU32,
    presses: AtomicU64,
    ended: AtomicBool,
}

/// An X client that covers the screen; ends on drop.
#[derive(Debug)]
pub struct Screen {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Shared {
    /// Gives the patch the other colour; returns when, in milliseconds since 1970.
    fn flip(&self) -> Result<f64> {
        let colour = if self.blue.fetch_xor(true, Ordering::SeqCst) { RED } else { BLUE };
        self.connection.change_gc(self.patch, &ChangeGCAux::new().foreground(colour))?;
        let area = Rectangle { x: 0, y: 0, width: PATCH, height: PATCH };
        self.connection.poly_fill_rectangle(self.window, self.patch, &[area])?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64() * 1000.0;
        self.connection.flush()?;
        Ok(now)
    }

    fn listen(&self) -> Result<()> {
        while !self.ended.load(Ordering::SeqCst) {
            match self.connection.wait_for_event()? {
                Event::ButtonPress(_) => {
                    self.flip()?;
                    self.presses.fetch_add(1, Ordering::SeqCst);
                }
                Event::DestroyNotify(_) => break,
                _ => {}
            }
        }
        Ok(())
    }
}

impl Screen {
    /// Covers the screen of this display.
    pub fn start(display: &str) -> Result<Self> {
        let (connection, number) = x11rb::connect(Some(display))?;
        let screen = connection.setup().roots[number].clone();
        let (width, height, depth) = (screen.width_in_pixels, screen.height_in_pixels, screen.root_depth);
        let window = connection.generate_id()?;
        let attributes = CreateWindowAux::new()
            .background_pixel(0x40_4040)
            .override_redirect(1)
            .event_mask(EventMask::BUTTON_PRESS | EventMask::STRUCTURE_NOTIFY);
        let class = WindowClass::INPUT_OUTPUT;
        connection.create_window(depth, window, screen.root, 0, 0, width, height, 0, class, 0, &attributes)?;
        connection.map_window(window)?;
        let [patch, gc] = [connection.generate_id()?, connection.generate_id()?];
        for gc in [patch, gc] {
            connection.create_gc(gc, window, &CreateGCAux::new().graphics_exposures(0))?;
        }
        let texture = connection.generate_id()?;
        connection.create_pixmap(depth, texture, screen.root, width + PAN, height)?;
        // A request has to be shorter than 256 kB.
        for top in (0..height).step_by(16) {
            let rows = 16.min(height - top);
            let data = pattern(width + PAN, top, rows);
            let y = i16::try_from(top)?;
            connection.put_image(ImageFormat::Z_PIXMAP, texture, gc, width + PAN, rows, 0, y, 0, depth, &data)?;
        }
        connection.sync()?;
        let shared = Arc::new(Shared {
            connection,
            window,
            patch,
            blue: AtomicBool::new(false),
            motion: AtomicU32::new(Motion::None as u32),
            presses: AtomicU64::new(0),
            ended: AtomicBool::new(false),
        });
        shared.flip()?;
        let listener = Arc::clone(&shared);
        let mover = Arc::clone(&shared);
        let threads = vec![
            std::thread::spawn(move || {
                let _ = listener.listen();
            }),
            std::thread::spawn(move || {
                let _ = animate(&mover, texture, gc, (width, height));
            }),
        ];
        Ok(Self { shared, threads })
    }

    /// Gives the patch the other colour; returns when, in milliseconds since 1970, and whether it is blue now.
    pub fn flip(&self) -> Result<(f64, bool)> {
        let at = self.shared.flip()?;
        Ok((at, self.shared.blue.load(Ordering::SeqCst)))
    }

    /// Says what moves from now on.
    pub fn set_motion(&self, motion: Motion) {
        self.shared.motion.store(motion as u32, Ordering::SeqCst);
    }

    /// Clicks that have arrived.
    pub fn presses(&self) -> u64 {
        self.shared.presses.load(Ordering::SeqCst)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        let destroyed =
            self.shared.connection.destroy_window(self.shared.window).is_ok() && self.shared.connection.flush().is_ok();
        for thread in self.threads.drain(..).filter(|_| destroyed) {
            let _ = thread.join();
        }
    }
}

/// Draws what moves until the client ends.
fn animate(shared: &Shared, texture: u32, gc: Gcontext, size: (u16, u16)) -> Result<()> {
    let mut due = Instant::now();
    for frame in 0_u32.. {
        if shared.ended.load(Ordering::SeqCst) {
            break;
        }
        draw(shared, texture, gc, size, frame)?;
        due += Duration::from_nanos(1_000_000_000 / 60);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    Ok(())
}

/// One of 60 frames a second.
fn draw(shared: &Shared, texture: u32, gc: Gcontext, (width, height): (u16, u16), frame: u32) -> Result<()> {
    let (connection, window) = (&shared.connection, shared.window);
    let motion = shared.motion.load(Ordering::SeqCst);
    let moves = |kind: Motion, every: u32| motion == kind as u32 && frame.is_multiple_of(every);
    let offset = (frame.wrapping_mul(7) % u32::from(PAN)) as i16;
    if moves(Motion::Full, 1) {
        let patch = PATCH as i16;
        let (right, below) = (offset + patch, height - PATCH);
        connection.copy_area(texture, window, gc, right, 0, patch, 0, width - PATCH, PATCH)?;
        connection.copy_area(texture, window, gc, offset, patch, 0, patch, width, below)?;
    } else if moves(Motion::Video, 2) {
        connection.copy_area(texture, window, gc, offset, 200, 320, 200, 1280, 720)?;
    } else if moves(Motion::Scrolling, 2) {
        let (left, top, wide, high) = (200, 100, width - 400, height - 100);
        let (last, next) = (top + (high - STEP) as i16, frame.wrapping_mul(8) % u32::from(height - STEP));
        connection.copy_area(window, window, gc, left, top + STEP as i16, left, top, wide, high - STEP)?;
        connection.copy_area(texture, window, gc, left, next as i16, left, last, wide, STEP)?;
    } else if moves(Motion::Typing, 6) {
        let colour = if frame.is_multiple_of(12) { 0xff_ffff } else { 0x40_4040 };
        connection.change_gc(gc, &ChangeGCAux::new().foreground(colour))?;
        let x = 200 + (frame / 6 % 100) as i16 * 10;
        connection.poly_fill_rectangle(window, gc, &[Rectangle { x, y: 500, width: 8, height: 16 }])?;
    } else {
        return Ok(());
    }
    Ok(connection.sync()?)
}
