//! The frames that go downstream, in buffers of the pool that was agreed on.
//!
//! Buffers are kept with their content, so that a frame costs what has changed. Downstream gets shallow copies: the same
//! memory, which is free again when nobody else has it. While somebody has, nobody can write to it, neither we nor an
//! element that works in place.

use gst::prelude::*;
use gst_video::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo};
use tile_convert::{Format, Plane, Planes, Source, TileGrid, TileSet};

use crate::capture::{CaptureError, Overlay, Picture, Renderer, View};

/// More damage than that is told as one region.
const REGIONS: usize = 16;
/// The name of a region that has changed, in `GstVideoRegionOfInterestMeta`.
const REGION_TYPE: &str = "damage";

/// See the module.
pub(super) struct Frames {
    info: VideoInfo,
    renderer: Renderer,
    slots: Vec<Slot>,
    /// The frame that went out last.
    last: Option<usize>,
    /// What was damaged since.
    pub(super) damage: TileSet,
}

/// A buffer, and what is out of date in it.
struct Slot {
    buffer: gst::Buffer,
    stale: TileSet,
}

/// A slot that can be written to.
#[derive(Clone, Copy)]
pub(super) struct Free(usize);

impl Frames {
    pub(super) fn new(info: VideoInfo, picture: Picture) -> Self {
        let damage = TileSet::new(TileGrid::new(picture.size.width, picture.size.height));
        Self { info, renderer: Renderer::new(picture), slots: Vec::new(), last: None, damage }
    }

    /// What the frames look like.
    pub(super) fn picture(&self) -> &Picture {
        self.renderer.picture()
    }

    /// Whether there is a frame to send again.
    pub(super) fn has_last(&self) -> bool {
        self.last.is_some()
    }

    /// See [`Renderer::take_read`].
    pub(super) fn take_read(&mut self) -> u64 {
        self.renderer.take_read()
    }

    /// The last frame once more, without copying it.
    pub(super) fn last(&self) -> Option<gst::Buffer> {
        Some(self.slots[self.last?].buffer.copy())
    }

    /// Finds a buffer to write the next frame to: the one that has the least to catch up with, which is that of the last
    /// frame if nobody needs it any more. May wait for downstream if the pool is limited.
    pub(super) fn free(&mut self, pool: &gst::BufferPool) -> Result<Free, gst::FlowError> {
        let writable = |slot: &Slot| slot.buffer.is_writable() && slot.buffer.is_all_memory_writable();
        let free = (0..self.slots.len()).filter(|&index| writable(&self.slots[index]));
        if let Some(index) = free.min_by_key(|&index| self.slots[index].stale.count()) {
            return Ok(Free(index));
        }
        let no_wait = gst::BufferPoolAcquireParams::with_flags(gst::BufferPoolAcquireFlags::DONTWAIT);
        let mut buffer = match pool.acquire_buffer(Some(&no_wait)) {
            Err(gst::FlowError::Eos) => {
                // All are downstream. Those that we let go of come back to the pool one by one; the last is still ours.
                let last = self.last.take().map(|last| self.slots.swap_remove(last));
                self.slots.clear();
                self.slots.extend(last);
                self.last = (!self.slots.is_empty()).then_some(0);
                pool.acquire_buffer(None)?
            }
            acquired => acquired?,
        };
        // What is written is compared with what was there before: that must be something.
        buffer.get_mut().and_then(|memory| memory.memset(.., 0).ok()).ok_or(gst::FlowError::Error)?;
        let mut stale = TileSet::new(self.damage.grid());
        stale.mark_all();
        self.slots.push(Slot { buffer, stale });
        Ok(Free(self.slots.len() - 1))
    }

    /// Brings the free buffer up to date with what `source` shows now; [`Self::damage`] is what may have changed since
    /// the last frame. Returns the frame, or `None` when nothing has: much of what X calls damage draws the same pixels
    /// again.
    pub(super) fn render(
        &mut self,
        Free(free): Free,
        source: &Source<'_>,
        overlay: Option<&Overlay<'_>>,
    ) -> Result<Option<gst::Buffer>, CaptureError> {
        for (index, slot) in self.slots.iter_mut().enumerate() {
            if index != free {
                slot.stale.union(&self.damage);
            }
        }
        let Slot { buffer, stale } = &mut self.slots[free];
        let buffer = buffer.get_mut().ok_or(CaptureError::Buffer)?;
        let mut frame =
            VideoFrameRef::from_buffer_ref_writable(buffer, &self.info).map_err(|_| CaptureError::Buffer)?;
        let format = self.renderer.picture().format;
        self.renderer.update(&mut planes(&mut frame, format), stale, &self.damage, source, overlay)?;
        drop(frame);

        let changed = self.renderer.candidates(&self.damage).clone();
        let new = match self.last {
            None => true,
            // Compared while it was written.
            Some(last) if last == free => !changed.is_empty(),
            Some(last) => !changed.is_empty() && self.differs(free, last)?,
        };
        self.damage.clear();
        if !new {
            return Ok(None);
        }
        self.last = Some(free);
        let mut buffer = self.slots[free].buffer.copy();
        mark_regions(buffer.make_mut(), &changed);
        Ok(Some(buffer))
    }

    /// Whether two frames differ where the last damage says that they may.
    fn differs(&mut self, one: usize, other: usize) -> Result<bool, CaptureError> {
        let map = |index: usize| {
            let buffer: &gst::BufferRef = &self.slots[index].buffer;
            VideoFrameRef::from_buffer_ref_readable(buffer, &self.info).map_err(|_| CaptureError::Buffer)
        };
        let (one, other) = (map(one)?, map(other)?);
        Ok(self.renderer.differ(view(&one), view(&other)))
    }
}

/// Tells downstream what has changed.
pub(super) fn mark_regions(buffer: &mut gst::BufferRef, changed: &TileSet) {
    for rect in changed.rects(REGIONS) {
        let rect = (rect.x.into(), rect.y.into(), rect.width.into(), rect.height.into());
        gst_video::VideoRegionOfInterestMeta::add(buffer, REGION_TYPE, rect);
    }
}

/// The planes of a frame to write to.
fn planes<'a>(frame: &'a mut VideoFrameRef<&mut gst::BufferRef>, format: Format) -> Planes<'a> {
    let strides = strides(frame);
    let [first, second, third, _] = frame.planes_data_mut();
    match format {
        Format::Bgrx => Planes::Bgrx(Plane::new(first, strides[0])),
        Format::Nv12 => Planes::Nv12 { y: Plane::new(first, strides[0]), uv: Plane::new(second, strides[1]) },
        Format::I420 => Planes::I420 {
            y: Plane::new(first, strides[0]),
            u: Plane::new(second, strides[1]),
            v: Plane::new(third, strides[2]),
        },
    }
}

/// The same to read from.
fn view<'a>(frame: &'a VideoFrameRef<&gst::BufferRef>) -> View<'a> {
    let [first, second, third, _] = frame.planes_data();
    View { planes: [first, second, third], strides: strides(frame) }
}

/// Bytes from one row to the next, for each plane. None of our formats has its last row first, and 0 is refused by the
/// converter.
fn strides<T>(frame: &VideoFrameRef<T>) -> [usize; 3] {
    let mut strides = [0; 3];
    for (to, from) in strides.iter_mut().zip(frame.plane_stride()) {
        *to = usize::try_from(*from).unwrap_or(0);
    }
    strides
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::capture::Size;

    const SIZE: Size = Size { width: 131, height: 35 };

    /// A screen, and frames that follow it.
    struct World {
        frames: Frames,
        pool: gst::BufferPool,
        screen: Vec<u8>,
        last: Option<gst::Buffer>,
    }

    impl World {
        /// With at most so many buffers; 0 is no limit.
        fn new(format: Format, most: u32) -> Self {
            gst::init().unwrap();
            let name = match format {
                Format::Bgrx => gst_video::VideoFormat::Bgrx,
                Format::Nv12 => gst_video::VideoFormat::Nv12,
                Format::I420 => gst_video::VideoFormat::I420,
            };
            let info = VideoInfo::builder(name, SIZE.width.into(), SIZE.height.into()).build().unwrap();
            let picture = Picture { format, matrix: tile_convert::Matrix::Bt709Limited, size: SIZE };
            // The fourth byte of BGRx is written as 255.
            let screen = vec![255; SIZE.bytes()];
            Self { frames: Frames::new(info.clone(), picture), pool: pool(&info, most), screen, last: None }
        }

        fn draw(&mut self, x: usize, y: usize, value: u8) {
            let offset = y * SIZE.stride() + x * 4;
            self.screen[offset..offset + 3].fill(value);
            self.frames.damage.mark(x as i32, y as i32, 1, 1);
        }

        fn render(&mut self) -> Option<gst::Buffer> {
            let source = Source::from_slice(&self.screen, SIZE.stride(), SIZE.width, SIZE.height).unwrap();
            let free = self.frames.free(&self.pool).unwrap();
            let frame = self.frames.render(free, &source, None).unwrap();
            // What frames that have no history make of the screen.
            let mut fresh = Frames::new(self.frames.info.clone(), *self.frames.picture());
            fresh.damage.mark_all();
            let free = fresh.free(&pool(&fresh.info, 0)).unwrap();
            let expected = fresh.render(free, &source, None).unwrap().unwrap();
            if let Some(frame) = &frame {
                self.last = Some(frame.copy_deep().unwrap());
            }
            let last = self.pixels(self.last.as_ref().unwrap());
            assert!(last == self.pixels(&expected), "the last frame is not the screen");
            frame
        }
    }

    impl World {
        /// What belongs to the picture, without what lies between the rows.
        fn pixels(&self, buffer: &gst::Buffer) -> Vec<u8> {
            let frame = VideoFrameRef::from_buffer_ref_readable(buffer, &self.frames.info).unwrap();
            let View { planes, strides } = view(&frame);
            let format = self.frames.picture().format;
            let rows = |plane: usize| {
                let (row_bytes, rows) = format.plane_size(plane, SIZE.width, SIZE.height);
                (0..rows).flat_map(move |row| planes[plane][row * strides[plane]..][..row_bytes].iter().copied())
            };
            (0..3).flat_map(rows).collect()
        }
    }

    fn pool(info: &VideoInfo, most: u32) -> gst::BufferPool {
        let pool = gst_video::VideoBufferPool::new();
        let mut config = pool.config();
        config.set_params(Some(&info.to_caps().unwrap()), info.size() as u32, 0, most);
        pool.set_config(config).unwrap();
        pool.set_active(true).unwrap();
        pool.upcast()
    }

    #[test]
    fn every_frame_is_the_screen_however_old_its_memory_is() {
        for (format, most) in Format::ALL.into_iter().flat_map(|format| [(format, 0), (format, 6)]) {
            let mut world = World::new(format, most);
            let mut held = VecDeque::new();
            for step in 0..200_usize {
                world.draw(step * 37 % 131, step * 11 % 35, step as u8);
                if step == 0 {
                    world.frames.damage.mark_all();
                }
                held.extend(world.render());
                // Downstream keeps up to four, and sometimes lets them all go.
                while held.len() > step % 5 {
                    held.pop_front();
                }
            }
            assert!(world.frames.slots.len() <= 6, "{} frames", world.frames.slots.len());
        }
    }

    #[test]
    fn memory_that_nobody_has_is_used_again() {
        let mut world = World::new(Format::Nv12, 0);
        world.frames.damage.mark_all();
        for step in 0..10 {
            drop(world.render());
            world.draw(70, 20, 10 * step);
        }
        assert_eq!(world.frames.slots.len(), 1);
    }

    #[test]
    fn a_limited_pool_gives_what_downstream_lets_go_of() {
        let mut world = World::new(Format::Nv12, 3);
        world.frames.damage.mark_all();
        let mut held: VecDeque<_> = world.render().into_iter().collect();
        for step in 1..20 {
            // With two of three downstream and the last one kept, one is free.
            while held.len() > 1 {
                held.pop_front();
            }
            world.draw(70, 20, 10 * step);
            held.extend(world.render());
        }
    }

    #[test]
    fn what_blinks_is_a_frame_each_time() {
        for format in Format::ALL {
            let mut world = World::new(format, 0);
            world.draw(70, 20, 0);
            world.frames.damage.mark_all();
            let mut held = VecDeque::from([world.render().unwrap()]);
            for step in 1..20 {
                world.draw(70, 20, if step % 2 == 0 { 0 } else { 200 });
                let frame = world.render().unwrap_or_else(|| panic!("{format:?}, step {step}"));
                let regions: Vec<_> = frame
                    .iter_meta::<gst_video::VideoRegionOfInterestMeta>()
                    .map(|meta| (meta.roi_type().to_owned(), meta.rect()))
                    .collect();
                assert_eq!(regions, [("damage".to_owned(), (64, 16, 64, 16))]);
                held.push_back(frame);
                if held.len() > 2 {
                    held.pop_front();
                }
            }
        }
    }

    #[test]
    fn the_same_pixels_again_are_no_frame() {
        for format in Format::ALL {
            let mut world = World::new(format, 0);
            world.draw(130, 34, 9);
            world.frames.damage.mark_all();
            let mut held = vec![world.render()];
            // Steps that 8 bits of limited range can tell apart.
            for value in (20..60).step_by(4) {
                for _ in 0..3 {
                    // The first one, with the last pixel of the picture, is a change; the others are none.
                    world.draw(130, 34, value);
                    held.push(world.render());
                }
            }
            assert_eq!(held.iter().flatten().count(), 11, "{format:?}");
        }
    }
}
