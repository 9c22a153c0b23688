//! Capturing an X screen, without a word of GStreamer.
//!
//! [`Screen`] watches the X server (damage, size), [`Cadence`] decides when a picture is due, a [`Grabber`] takes it.
//! The grabbers are the rungs of a ladder, best first; [`open_grabber`] takes the first one that works.

mod cadence;
mod getimage;
mod screen;
mod shm;
mod waker;

pub(crate) use cadence::{Cadence, Step};
pub(crate) use screen::Screen;
pub(crate) use waker::Waker;

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
    /// Bytes of a row; rows are not padded.
    pub(crate) fn stride(self) -> usize {
        usize::from(self.width) * BYTES_PER_PIXEL
    }

    /// Bytes of the whole picture.
    pub(crate) fn bytes(self) -> usize {
        self.stride() * usize::from(self.height)
    }
}

/// A picture of the whole screen: BGRx, rows of [`Size::stride`] bytes. Dropping it recycles its memory.
pub(crate) type Frame = Box<dyn AsRef<[u8]> + Send>;

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
    /// The screen changed its size while the picture was taken: take it again.
    #[error("the screen changed its size")]
    Resized,
    /// The kernel refused memory or waiting.
    #[error("system call failed: {0}")]
    System(#[from] rustix::io::Errno),
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

/// One way to take a picture of the screen.
pub(crate) trait Grabber: Send {
    /// Short name of the method.
    fn name(&self) -> &'static str;

    /// Takes a picture of the whole screen, which has this size now.
    fn grab(&mut self, screen: &Screen, size: Size) -> Result<Frame, CaptureError>;
}

/// The best way to capture this screen. `declined` hears which way could not be taken, and why.
pub(crate) fn open_grabber(screen: &Screen, declined: impl Fn(&'static str, &CaptureError)) -> Box<dyn Grabber> {
    match shm::ShmGrabber::new(screen) {
        Ok(grabber) => Box::new(grabber),
        Err(error) => {
            declined("shm", &error);
            Box::new(getimage::GetImageGrabber)
        }
    }
}
