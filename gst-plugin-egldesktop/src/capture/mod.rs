//! Capturing an X screen, without a word of GStreamer.
//!
//! [`Screen`] watches the X server (damage, pointer, size), [`Cadence`] decides when a picture is due, a [`Framebuffer`]
//! gives access to the pixels, and a [`Renderer`] brings frames up to date with what changed in them. The framebuffers
//! are the rungs of a ladder, best first; [`open_framebuffer`] takes the first one that works.

mod cadence;
mod damage;
mod fence;
mod getimage;
mod gpu;
mod mapped;
mod mapping;
mod pixmap;
mod pointer;
mod render;
mod rhythm;
mod screen;
mod segment;
mod target;
mod waker;
mod watchdog;
pub(crate) mod xwd;

pub(crate) use cadence::{Cadence, Pace, Step};
pub(crate) use pointer::Overlay;
pub(crate) use render::{Picture, Renderer, View};
pub(crate) use screen::{Choice, Screen};
pub(crate) use target::{Area, Region, WindowChoice};
pub(crate) use waker::Waker;

use egl_convert::DmaBuf;
use gst::glib;
use tile_convert::{Source, TileSet};

use x11rb::errors::{ConnectError, ConnectionError, ReplyError, ReplyOrIdError};

/// Bytes of one pixel: BGRx, as every TrueColor screen of depth 24 has it on a little-endian machine.
pub(crate) const BYTES_PER_PIXEL: usize = 4;

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) width: u16,
    pub(crate) height: u16,
}

impl Size {
    /// Bytes of a row of pixels that is not padded.
    pub(crate) fn stride(self) -> usize {
        usize::from(self.width) * BYTES_PER_PIXEL
    }

    /// Bytes of the whole picture.
    pub(crate) fn bytes(self) -> usize {
        self.stride() * usize::from(self.height)
    }
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CaptureError {
    /// No X server at that name.
    #[error("cannot connect to the X display: {0}")]
    Connect(#[from] ConnectError),
    /// The X server went away.
    #[error("the connection to the X server broke: {0}")]
    Connection(#[from] ConnectionError),
    /// The X server refused a request.
    #[error("the X server refused a request: {0:?}")]
    Request(x11rb::x11_utils::X11Error),
    /// Something that capturing needs is not there.
    #[error("the X server has no {0} extension")]
    Missing(&'static str),
    /// A screen whose pixels are not BGRx.
    #[error("the screen has depth {depth} with {bits_per_pixel} bits per pixel; start the X server with depth 24")]
    Depth {
        /// Significant bits of a pixel.
        depth: u8,
        /// Bits of a pixel in memory.
        bits_per_pixel: u8,
    },
    /// No window of that id or title.
    #[error("there is no window with the {0}; \"xwininfo -root -tree\" lists those that there are")]
    NoWindow(String),
    /// The window that was captured.
    #[error("the window was closed")]
    WindowGone,
    /// A part of the screen or window that it doesn't have.
    #[error(
        "from {},{} to {},{} there is nothing: startx and starty must lie within {}x{} pixels, and not behind endx and endy",
        region.start.0, region.start.1, region.end.0, region.end.1, size.width, size.height
    )]
    Region {
        /// What was asked for.
        region: Region,
        /// What there is.
        size: Size,
    },
    /// A way to capture that can't be taken here.
    #[error("{0}")]
    Declined(&'static str),
    /// A buffer that can't be written to, or is no frame.
    #[error("a buffer of the pool can't be mapped")]
    Buffer,
    /// The pixels do not fit into where they should go.
    #[error("conversion failed: {0}")]
    Convert(#[from] tile_convert::Error),
    /// The GPU does not do its part.
    #[error("OpenGL: {0}")]
    Gl(String),
    /// The screen changed its size while the picture was taken: take it again.
    #[error("the screen changed its size")]
    Resized,
    /// The kernel refused memory or waiting.
    #[error("system call failed: {0}")]
    System(#[from] rustix::io::Errno),
    /// The system refused a thread.
    #[error("a thread can't be started: {0}")]
    Thread(std::io::Error),
}

impl From<ReplyError> for CaptureError {
    fn from(error: ReplyError) -> Self {
        match error {
            ReplyError::ConnectionError(error) => Self::Connection(error),
            ReplyError::X11Error(error) => Self::Request(error),
        }
    }
}

impl From<ReplyOrIdError> for CaptureError {
    fn from(error: ReplyOrIdError) -> Self {
        match error {
            ReplyOrIdError::ConnectionError(error) => Self::Connection(error),
            ReplyOrIdError::X11Error(error) => Self::Request(error),
            ReplyOrIdError::IdsExhausted => Self::Connection(ConnectionError::UnknownError),
        }
    }
}

/// A rung of the ladder, best first.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstEglDesktopSrcCaptureMethod")]
#[repr(i32)]
pub enum Method {
    /// The best one that works.
    #[default]
    #[enum_value(name = "The best one that works", nick = "auto")]
    Auto = 0,
    /// See [`mapped`].
    #[enum_value(name = "Read the framebuffer of a local Xvfb -fbdir or -shmem in place", nick = "mapped")]
    Mapped = 1,
    /// See [`pixmap`].
    #[enum_value(name = "MIT-SHM pixmap: any local X server, free of tearing", nick = "pixmap")]
    Pixmap = 2,
    /// See [`getimage`].
    #[enum_value(name = "GetImage: any X server, slow", nick = "getimage")]
    GetImage = 3,
    /// See [`gpu`].
    #[enum_value(name = "DRI3: an X server whose screen is on the GPU, with OpenGL", nick = "gpu")]
    Gpu = 4,
}

/// Where the pixels of the screen are.
pub(crate) enum Pixels<'a> {
    /// In memory.
    Memory(Source<'a>),
    /// In the framebuffer's dma-buf.
    Gpu,
}

/// Access to the pixels of the screen.
pub(crate) trait Framebuffer: Send {
    /// Which rung it is.
    fn method(&self) -> Method;

    /// The screen, up to date where `damage` says that something was drawn; elsewhere as it was before.
    fn pixels(&mut self, screen: &Screen, damage: &TileSet) -> Result<Pixels<'_>, CaptureError>;

    /// What the pixels are in, if they are on the GPU.
    fn dma_buf(&self) -> Option<&DmaBuf> {
        None
    }

    /// Frees what the X server holds for it.
    fn close(&mut self, _screen: &Screen) {}
}

/// Tries whether OpenGL can read a dma-buf.
pub(crate) type Importer<'a> = &'a dyn Fn(&DmaBuf) -> Result<(), CaptureError>;

/// The best way to capture this screen, or the one that is asked for. `importer` is there if frames are converted on the
/// GPU. `declined` hears which way could not be taken, and why.
pub(crate) fn open_framebuffer(
    screen: &Screen,
    method: Method,
    importer: Option<Importer<'_>>,
    mut declined: impl FnMut(Method, &CaptureError),
) -> Result<Box<dyn Framebuffer>, CaptureError> {
    let open = |rung: Method| -> Result<Box<dyn Framebuffer>, CaptureError> {
        Ok(match rung {
            Method::Gpu => Box::new(gpu::GpuFramebuffer::new(screen, importer)?),
            Method::Mapped => Box::new(mapped::MappedFramebuffer::new(screen)?),
            Method::Pixmap => Box::new(pixmap::PixmapFramebuffer::new(screen)?),
            Method::GetImage | Method::Auto => Box::new(getimage::GetImageFramebuffer::new(screen)),
        })
    };
    if method != Method::Auto {
        return open(method);
    }
    for rung in [Method::Gpu, Method::Mapped, Method::Pixmap] {
        match open(rung) {
            Ok(framebuffer) => return Ok(framebuffer),
            Err(error) => declined(rung, &error),
        }
    }
    open(Method::GetImage)
}
