//! An X client that paints noise without end: what no encoder can make small, in every frame.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{ConnectionExt as _, CreateGCAux, CreateWindowAux, ImageFormat, WindowClass};

/// Small enough for one request without BIG-REQUESTS.
const SIZE: (u16, u16) = (320, 192);
/// Shorter than a frame at 60 a second.
const PAUSE: Duration = Duration::from_millis(12);

/// The client; ends on drop.
#[derive(Debug)]
pub struct Noise {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Noise {
    /// Paints in the upper left corner of the screen.
    pub fn start(display: &str) -> Result<Self> {
        let (connection, screen) = x11rb::connect(Some(display))?;
        let screen = connection.setup().roots.get(screen).context("no screen")?;
        let (window, gc) = (connection.generate_id()?, connection.generate_id()?);
        let (depth, root) = (screen.root_depth, screen.root);
        let values = CreateWindowAux::new().override_redirect(1);
        connection.create_window(
            depth,
            window,
            root,
            0,
            0,
            SIZE.0,
            SIZE.1,
            0,
            WindowClass::INPUT_OUTPUT,
            0,
            &values,
        )?;
        connection.create_gc(gc, window, &CreateGCAux::new())?;
        connection.map_window(window)?.check()?;

        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut state = 0x9e37_79b9_7f4a_7c15_u64;
            let mut pixels = vec![0; usize::from(SIZE.0) * usize::from(SIZE.1) * 4];
            while !stopped.load(Ordering::SeqCst) {
                for eight in pixels.chunks_exact_mut(8) {
                    // xorshift64
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    eight.copy_from_slice(&state.to_ne_bytes());
                }
                let put =
                    connection.put_image(ImageFormat::Z_PIXMAP, window, gc, SIZE.0, SIZE.1, 0, 0, 0, depth, &pixels);
                if put.map_err(drop).and_then(|cookie| cookie.check().map_err(drop)).is_err() {
                    return;
                }
                std::thread::sleep(PAUSE);
            }
        });
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Noise {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
