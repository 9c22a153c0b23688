//! An X client that draws all over the screen, or nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use egldesktop_tests::random::Random;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{ChangeGCAux, ConnectionExt as _, CreateGCAux, CreateWindowAux, Rectangle, WindowClass};
use x11rb::rust_connection::RustConnection;

/// The client; ends on drop.
pub(crate) struct Motion {
    moving: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Motion {
    pub(crate) fn start(display: &str) -> Result<Self> {
        let (connection, number) = x11rb::connect(Some(display))?;
        let root = connection.setup().roots[number].root;
        let (window, gc) = (connection.generate_id()?, connection.generate_id()?);
        let attributes = CreateWindowAux::new().background_pixel(0x20_4060).override_redirect(1);
        connection.create_window(0, window, root, 0, 0, 1920, 1080, 0, WindowClass::INPUT_OUTPUT, 0, &attributes)?;
        connection.map_window(window)?;
        connection.create_gc(gc, window, &CreateGCAux::new())?;
        connection.flush()?;
        let (moving, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let flags = (moving.clone(), over.clone());
        let thread = std::thread::spawn(move || {
            // Ends with the X server, too.
            let _ = draw(&connection, window, gc, &flags.0, &flags.1);
        });
        Ok(Self { moving, over, thread: Some(thread) })
    }

    /// Draws from now on, or no more.
    pub(crate) fn set(&self, moving: bool) {
        self.moving.store(moving, Ordering::SeqCst);
    }
}

fn draw(connection: &RustConnection, window: u32, gc: u32, moving: &AtomicBool, over: &AtomicBool) -> Result<()> {
    let mut random = Random(7);
    while !over.load(Ordering::SeqCst) {
        if moving.load(Ordering::SeqCst) {
            connection.change_gc(gc, &ChangeGCAux::new().foreground(random.below(0xff_ffff)))?;
            let (x, y) = (random.below(1600) as i16, random.below(900) as i16);
            let area = Rectangle { x, y, width: 320, height: 180 };
            connection.poly_fill_rectangle(window, gc, &[area])?;
            connection.flush()?;
        }
        std::thread::sleep(Duration::from_millis(16));
    }
    Ok(())
}

impl Drop for Motion {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
