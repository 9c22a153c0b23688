//! The memory of a frame that goes downstream.

use egl_convert::{DmaBuf, Frame};
use gst::prelude::*;
use gst_allocators::prelude::*;
use gst_video::VideoInfo;
use tile_convert::{TileGrid, TileSet};

use super::frames::GlError;
use super::thread::GlThread;

/// Where frames go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Output {
    /// Textures, for elements that use OpenGL.
    Textures,
    /// Dma-bufs, for elements that use the GPU in another way.
    DmaBuf,
    /// Memory, for all others.
    Memory,
}

/// Memory that keeps its picture while it is on its way, and is used again when it is back.
#[derive(Debug)]
pub(super) struct Slot {
    memories: Vec<gst::Memory>,
    /// Strides, and the place of each plane in all of the memories together, in bytes.
    strides: [i32; 2],
    offsets: [usize; 2],
    /// To draw to. Memory has none: it is written to, not drawn to.
    pub(super) frame: Option<Frame>,
    /// What is out of date in it.
    pub(super) stale: TileSet,
}

impl Slot {
    pub(super) fn new(thread: &GlThread, output: Output, info: &VideoInfo) -> Result<Self, GlError> {
        let (width, height) = (info.width() as u16, info.height() as u16);
        let mut stale = TileSet::new(TileGrid::new(width, height));
        stale.mark_all();
        let (strides, offsets) = ([info.stride()[0], info.stride()[1]], [info.offset()[0], info.offset()[1]]);
        match output {
            Output::Textures => {
                let memories = textures(thread, info)?;
                let names = [0, 1].map(|plane| {
                    memories.get(plane).and_then(|memory| memory.downcast_memory_ref::<gst_gl::GLMemory>())
                });
                let [Some(luma), Some(chroma)] = names else { return Err(GlError::Memory) };
                let names = [luma.texture_id(), chroma.texture_id()];
                let frame = thread.run(|gl| Frame::of_textures(gl, names, width, height))??;
                let offsets = [0, memories[0].size()];
                Ok(Self { memories, strides, offsets, frame: Some(frame), stale })
            }
            Output::DmaBuf => {
                let (frame, planes) = thread.run(|gl| {
                    let frame = Frame::new(gl, width, height)?;
                    let planes = frame.export()?;
                    Ok::<_, egl_convert::Error>((frame, planes))
                })??;
                let [luma, chroma] = planes.map(shared);
                let ((luma, luma_place), (chroma, chroma_place)) = (luma?, chroma?);
                let offsets = [luma_place.offset, luma.size() + chroma_place.offset];
                let strides = [luma_place.stride, chroma_place.stride];
                Ok(Self { memories: vec![luma, chroma], strides, offsets, frame: Some(frame), stale })
            }
            Output::Memory => {
                let memories = vec![gst::Memory::with_size(info.size())];
                Ok(Self { memories, strides, offsets, frame: None, stale })
            }
        }
    }

    /// Whether nobody else has it.
    pub(super) fn is_free(&mut self) -> bool {
        self.memories.iter_mut().all(|memory| memory.get_mut().is_some())
    }

    /// Luma and chroma with their strides, to write to.
    pub(super) fn write<T>(
        &mut self,
        write: impl FnOnce((&mut [u8], usize), (&mut [u8], usize)) -> T,
    ) -> Result<T, GlError> {
        let (strides, middle) = (self.strides.map(|stride| stride as usize), self.offsets[1]);
        let memory = self.memories.first_mut().and_then(|memory| memory.get_mut()).ok_or(GlError::Memory)?;
        let mut map = memory.map_writable().map_err(|_| GlError::Memory)?;
        let (luma, chroma) = map.split_at_mut_checked(middle).ok_or(GlError::Memory)?;
        Ok(write((luma, strides[0]), (chroma, strides[1])))
    }

    /// A buffer of it.
    pub(super) fn buffer(
        &mut self,
        thread: &GlThread,
        output: Output,
        info: &VideoInfo,
    ) -> Result<gst::Buffer, GlError> {
        let mut buffer = gst::Buffer::new();
        let writable = buffer.make_mut();
        for memory in self.memories.drain(..) {
            writable.append_memory(memory);
        }
        gst_video::VideoMeta::add_full(
            writable,
            gst_video::VideoFrameFlags::empty(),
            info.format(),
            info.width(),
            info.height(),
            &self.offsets,
            &self.strides,
        )
        .map_err(|_| GlError::Memory)?;
        if output == Output::Textures {
            // GStreamer must know that its copy in memory, if there is one, is older than the texture.
            let mapped = gst_gl::GLVideoFrame::from_buffer_writable(buffer, info).map_err(|_| GlError::Memory)?;
            buffer = mapped.into_buffer();
            let sync = gst_gl::GLSyncMeta::add(buffer.make_mut(), thread.context());
            sync.set_sync_point(thread.context());
        }
        self.memories.extend(buffer.iter_memories_owned());
        Ok(buffer)
    }
}

/// Textures of GStreamer's, in its own format for each plane.
fn textures(thread: &GlThread, info: &VideoInfo) -> Result<Vec<gst::Memory>, GlError> {
    let caps = info.to_caps().map_err(|_| GlError::Memory)?;
    let pool = gst_gl::GLBufferPool::new(thread.context());
    let mut config = pool.config();
    config.set_params(Some(&caps), info.size() as u32, 0, 0);
    pool.set_config(config).map_err(|_| GlError::Memory)?;
    pool.set_active(true).map_err(|_| GlError::Memory)?;
    let buffer = pool.acquire_buffer(None).map_err(|_| GlError::Memory)?;
    // The pool gives the buffer up when it comes back without having its memory for itself.
    let memories = buffer.iter_memories_owned().collect();
    drop(buffer);
    pool.set_active(false).map_err(|_| GlError::Memory)?;
    Ok(memories)
}

/// Where a plane is in its memory.
struct Place {
    offset: usize,
    stride: i32,
}

fn shared(buffer: DmaBuf) -> Result<(gst::Memory, Place), GlError> {
    let plane = buffer.planes.into_iter().next().ok_or(GlError::Memory)?;
    let place =
        Place { offset: plane.offset as usize, stride: i32::try_from(plane.stride).map_err(|_| GlError::Memory)? };
    let size = place.offset + plane.stride as usize * usize::from(buffer.height);
    // SAFETY: a dma-buf of at least this size.
    let memory = unsafe { gst_allocators::DmaBufAllocator::new().alloc_dmabuf(plane.fd, size) };
    Ok((memory.map_err(|_| GlError::Memory)?, place))
}
