//! The frames on the GPU: as those in memory, each keeps its picture, and only what is stale is drawn.

use egl_convert::{DmaBuf, Frame, Nv12Shader, Picture as Texture, Shadow};
use gst_video::VideoInfo;
use tile_convert::{Format, TileGrid, TileSet};

use super::engine::Engine;
use super::frame::{Output, Slot};
use super::thread::GlThread;
use crate::capture::{CaptureError, Overlay, Picture, Pixels, Renderer, Size};
use crate::egldesktopsrc::frames::mark_regions;

/// Why there is no frame.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum GlError {
    /// OpenGL or EGL.
    #[error(transparent)]
    Gl(#[from] egl_convert::Error),
    /// GStreamer's side of it.
    #[error("GStreamer has no memory for a frame on the GPU")]
    Memory,
    /// The thread of the context has ended.
    #[error("the OpenGL context is gone")]
    Thread,
}

/// See the module.
pub(in super::super) struct GlFrames {
    thread: GlThread,
    output: Output,
    info: VideoInfo,
    /// Brings the shadow up to date, with the pointer in it.
    renderer: Renderer,
    /// `None` where the picture is not in memory.
    shadow: Option<Shadow>,
    /// What is out of date in the shadow.
    stale: TileSet,
    /// `None` only when it is being dropped.
    objects: Option<Objects>,
    slots: Vec<Slot>,
    /// The frame that went out last.
    last: Option<gst::Buffer>,
    /// What was damaged since.
    pub(in super::super) damage: TileSet,
}

/// What lives on the GPU beside the frames.
struct Objects {
    texture: Texture,
    shader: Nv12Shader,
    /// What goes to memory is drawn here before.
    frame: Option<Frame>,
}

impl GlFrames {
    /// Frames of a screen in memory, or of a dma-buf that shows it.
    pub(in super::super) fn new(
        engine: &Engine,
        output: Output,
        info: VideoInfo,
        picture: Picture,
        imported: Option<&DmaBuf>,
    ) -> Result<Self, GlError> {
        let thread = engine.thread().clone();
        let Size { width, height } = picture.size;
        let matrix = picture.matrix;
        let objects = thread.run(|gl| {
            let texture = match imported {
                Some(buffer) => Texture::import(gl, buffer)?,
                None => Texture::new(gl, width, height)?,
            };
            let shader = Nv12Shader::new(&texture, matrix)?;
            let frame = (output == Output::Memory).then(|| Frame::new(gl, width, height)).transpose()?;
            Ok::<_, egl_convert::Error>(Objects { texture, shader, frame })
        })??;
        let shadow = imported.is_none().then(|| Shadow::new(width, height));
        let damage = TileSet::new(TileGrid::new(width, height));
        let mut stale = damage.clone();
        stale.mark_all();
        let renderer = Renderer::new(Picture { format: Format::Bgrx, ..picture });
        let (objects, slots, last) = (Some(objects), Vec::new(), None);
        Ok(Self { thread, output, info, renderer, shadow, stale, objects, slots, last, damage })
    }

    /// The size of the frames.
    pub(in super::super) fn size(&self) -> Size {
        self.renderer.picture().size
    }

    /// Whether there is a frame to send again.
    pub(in super::super) fn has_last(&self) -> bool {
        self.last.is_some()
    }

    /// See [`Renderer::take_read`].
    pub(in super::super) fn take_read(&mut self) -> u64 {
        self.renderer.take_read()
    }

    /// The last frame once more, without copying it.
    pub(in super::super) fn last(&self) -> Option<gst::Buffer> {
        self.last.as_ref().map(|last| last.copy())
    }

    /// A frame with what the screen shows now; [`Self::damage`] is what may have changed since the last one. `None` when
    /// nothing has. Of a picture that is on the GPU all damage counts as change.
    pub(in super::super) fn render(
        &mut self,
        pixels: &Pixels<'_>,
        overlay: Option<&Overlay<'_>>,
    ) -> Result<Option<gst::Buffer>, CaptureError> {
        let mut changed = match (&mut self.shadow, pixels) {
            (Some(shadow), Pixels::Memory(source)) => {
                self.renderer.update(&mut shadow.planes(), &mut self.stale, &self.damage, source, overlay)?;
                self.renderer.candidates(&self.damage).clone()
            }
            (None, Pixels::Gpu) => self.damage.clone(),
            // Only while the size changes: the caps that come with it bring other frames.
            _ => return Err(CaptureError::Resized),
        };
        self.damage.clear();
        if self.last.is_none() {
            changed.mark_all();
        }
        if changed.is_empty() {
            return Ok(None);
        }
        let mut buffer = self.draw_next(&changed).map_err(|error| CaptureError::Gl(error.to_string()))?;
        mark_regions(buffer.make_mut(), &changed);
        self.last = Some(buffer.clone());
        Ok(Some(buffer))
    }

    fn draw_next(&mut self, changed: &TileSet) -> Result<gst::Buffer, GlError> {
        let mut slot = self.take_slot()?;
        for stale in self.slots.iter_mut().chain([&mut slot]).map(|slot| &mut slot.stale) {
            stale.union(changed);
        }
        let done = self.draw(&mut slot, changed);
        let buffer = done.and_then(|()| slot.buffer(&self.thread, self.output, &self.info));
        self.slots.push(slot);
        buffer
    }

    /// Brings the picture and the frame up to date.
    fn draw(&mut self, slot: &mut Slot, changed: &TileSet) -> Result<(), GlError> {
        let (shadow, output) = (self.shadow.as_ref(), self.output);
        let Some(Objects { texture, shader, frame }) = self.objects.as_mut() else { return Err(GlError::Thread) };
        self.thread.run(|gl| {
            if let Some(shadow) = shadow {
                texture.upload(shadow, changed)?;
            }
            match (&slot.frame, frame) {
                (Some(frame), _) => shader.convert(texture, frame, &slot.stale)?,
                (None, Some(frame)) => {
                    shader.convert(texture, frame, changed)?;
                    let stale = slot.stale.clone();
                    slot.write(|luma, chroma| frame.download(&stale, luma, chroma))??;
                }
                (None, None) => return Err(GlError::Memory),
            }
            if output == Output::DmaBuf {
                // Who reads a dma-buf does not know of our context.
                egl_convert::Fence::new(gl)?.wait()?;
            }
            slot.stale.clear();
            Ok(())
        })?
    }

    /// The free frame that has the least to catch up with, or a new one.
    fn take_slot(&mut self) -> Result<Slot, GlError> {
        let mut free: Vec<usize> = Vec::new();
        for (index, slot) in self.slots.iter_mut().enumerate() {
            if slot.is_free() {
                free.push(index);
            }
        }
        match free.into_iter().min_by_key(|&index| self.slots[index].stale.count()) {
            Some(index) => Ok(self.slots.swap_remove(index)),
            None => Slot::new(&self.thread, self.output, &self.info),
        }
    }
}

impl Drop for GlFrames {
    fn drop(&mut self) {
        self.last = None;
        let (objects, slots) = (self.objects.take(), std::mem::take(&mut self.slots));
        // Elsewhere they could not free what they have on the GPU. If the context is gone, all of that is gone too.
        let _ = self.thread.run(move |_| drop((objects, slots)));
    }
}
