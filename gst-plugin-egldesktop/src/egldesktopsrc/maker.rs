//! What makes the frames of the negotiated caps: the CPU or the GPU.

use tile_convert::TileSet;

use super::frames::{Frames, Free};
use super::gl::GlFrames;
use crate::capture::{CaptureError, Overlay, Pixels, Size};

/// See the module.
pub(super) enum Maker {
    /// In buffers of the pool that was agreed on.
    Cpu(Box<Frames>),
    /// On the GPU, in memory of its own.
    Gl(Box<GlFrames>),
}

impl Maker {
    /// The size of the frames.
    pub(super) fn size(&self) -> Size {
        match self {
            Self::Cpu(frames) => frames.picture().size,
            Self::Gl(frames) => frames.size(),
        }
    }

    /// Whether there is a frame to send again.
    pub(super) fn has_last(&self) -> bool {
        match self {
            Self::Cpu(frames) => frames.has_last(),
            Self::Gl(frames) => frames.has_last(),
        }
    }

    /// The last frame once more, without copying it.
    pub(super) fn last(&self) -> Option<gst::Buffer> {
        match self {
            Self::Cpu(frames) => frames.last(),
            Self::Gl(frames) => frames.last(),
        }
    }

    /// How many pixels of the screen the CPU has read since this was called last.
    pub(super) fn take_read(&mut self) -> u64 {
        match self {
            Self::Cpu(frames) => frames.take_read(),
            Self::Gl(frames) => frames.take_read(),
        }
    }

    /// What was damaged since the last frame.
    pub(super) fn damage(&mut self) -> &mut TileSet {
        match self {
            Self::Cpu(frames) => &mut frames.damage,
            Self::Gl(frames) => &mut frames.damage,
        }
    }

    /// Finds a buffer for the next frame; `None` where that takes no waiting for downstream.
    pub(super) fn free(&mut self, pool: Option<&gst::BufferPool>) -> Result<Option<Free>, gst::FlowError> {
        match self {
            Self::Cpu(frames) => frames.free(pool.ok_or(gst::FlowError::NotNegotiated)?).map(Some),
            Self::Gl(_) => Ok(None),
        }
    }

    /// A frame with what `pixels` show now, or `None` when that is what the last one showed.
    pub(super) fn render(
        &mut self,
        free: Option<Free>,
        pixels: &Pixels<'_>,
        overlay: Option<&Overlay<'_>>,
    ) -> Result<Option<gst::Buffer>, CaptureError> {
        match (self, free, pixels) {
            (Self::Cpu(frames), Some(free), Pixels::Memory(source)) => frames.render(free, source, overlay),
            (Self::Gl(frames), None, pixels) => frames.render(pixels, overlay),
            // Only while the size changes: the caps that come with it bring the right one.
            _ => Err(CaptureError::Resized),
        }
    }
}
