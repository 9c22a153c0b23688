//! OpenGL, ready to make frames with: in the context of the elements downstream if they have one.

use egl_convert::{Choice, DmaBuf, Frame, Picture, Renderer};
use gst::prelude::*;

use super::frames::GlError;
use super::gpu::{Declined, Gpu, Mode};
use super::sharing::Sharing;
use super::thread::GlThread;

/// The size of the frame that is exported to see how it lies in memory: drivers treat small ones differently.
const PROBE: (u16, u16) = (1920, 1080);

/// See the module.
#[derive(Debug, Clone)]
pub(in super::super) struct Engine {
    thread: GlThread,
    /// The DRM modifier of frames that the driver exports, if it does that.
    modifier: Option<u64>,
}

impl Engine {
    /// Opens it, if the mode wants that here. `element` has to be linked by now.
    pub(super) fn open(mode: Mode, device: &str, element: &gst::Element, sharing: &Sharing) -> Result<Self, Declined> {
        if mode == Mode::Never {
            return Err(Declined::Never);
        }
        if mode == Mode::Auto && !takes_gpu_memory(element) {
            return Err(Declined::MemoryOnly);
        }
        let gpu = Gpu::open(mode, &device.parse::<Choice>()?)?;
        let thread = GlThread::new(sharing.open(element, &gpu)?)?;
        // The display of the others may be on something else than our GPU.
        if mode == Mode::Auto && thread.gl().renderer().is_software() {
            return Err(Declined::Software(thread.gl().renderer().clone()));
        }
        let modifier = thread.run(|gl| {
            let [luma, chroma] = Frame::new(gl, PROBE.0, PROBE.1).and_then(|frame| frame.export()).ok()?;
            // Both planes in one layout, or there is no name for it.
            luma.modifier.filter(|_| luma.modifier == chroma.modifier)
        })?;
        Ok(Self { thread, modifier })
    }

    pub(in super::super) fn renderer(&self) -> &Renderer {
        self.thread.gl().renderer()
    }

    /// The DRM modifier of exported frames; `None` if there can't be any.
    pub(in super::super) fn modifier(&self) -> Option<u64> {
        self.modifier
    }

    /// Tries whether the driver can read a dma-buf.
    pub(in super::super) fn try_import(&self, buffer: &DmaBuf) -> Result<(), GlError> {
        Ok(self.thread.run(|gl| Picture::import(gl, buffer).map(drop))??)
    }

    pub(super) fn thread(&self) -> &GlThread {
        &self.thread
    }
}

/// Whether the elements downstream can use anything that is not plain memory.
fn takes_gpu_memory(element: &gst::Element) -> bool {
    let features = [gst_gl::CAPS_FEATURE_MEMORY_GL_MEMORY, gst_allocators::CAPS_FEATURE_MEMORY_DMABUF];
    let mut wanted = gst::Caps::new_empty();
    for feature in features {
        let structure = gst::Structure::new_empty("video/x-raw");
        wanted.make_mut().append_structure_full(structure, Some(gst::CapsFeatures::new([feature])));
    }
    element.src_pads().iter().any(|pad| !pad.peer_query_caps(Some(&wanted)).is_empty())
}
