//! The frames that go downstream. Each keeps its content when it comes back, and only what has changed since is brought
//! up to date: a frame costs what changed, not what exists.

use std::sync::mpsc::{Receiver, Sender, channel};

use tile_convert::{Converter, Format, Matrix, Plane, Planes, Rect, Source, TileGrid, TileSet};

use super::mapping::Memory;
use super::{CaptureError, Size};

/// How a frame lies in memory; offsets and strides in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) format: Format,
    pub(crate) matrix: Matrix,
    pub(crate) size: Size,
    pub(crate) offsets: [usize; 3],
    pub(crate) strides: [usize; 3],
    /// Bytes of the whole frame.
    pub(crate) length: usize,
}

impl Layout {
    /// Whether two frames differ inside of a rectangle that begins and ends at tiles.
    fn differs(&self, one: &[u8], other: &[u8], area: Rect) -> bool {
        (0..3).any(|plane| {
            let (whole, _) = self.format.plane_size(plane, self.size.width, self.size.height);
            if whole == 0 {
                return false;
            }
            // Chroma has half the rows, and rows of which a part belongs to the rectangle.
            let half = usize::from(plane > 0);
            let row_bytes = |pixels: u16| self.format.plane_size(plane, pixels, 1).0;
            let (start, length) = (row_bytes(area.x), row_bytes(area.width));
            let rows = usize::from(area.y) >> half..(usize::from(area.y + area.height) + half) >> half;
            rows.into_iter().any(|row| {
                let start = self.offsets[plane] + row * self.strides[plane] + start;
                one.get(start..start + length) != other.get(start..start + length)
            })
        })
    }
}

/// A set of frames that are recycled.
pub(crate) struct Ring {
    layout: Layout,
    converter: Converter,
    /// What is out of date in each frame, also in those that are on their way.
    stale: Vec<TileSet>,
    changed: TileSet,
    /// What the frame at hand had to catch up with before the newest damage.
    outdated: TileSet,
    free: Vec<Slot>,
    returned: Receiver<Slot>,
    give_back: Sender<Slot>,
}

#[derive(Debug)]
struct Slot {
    index: usize,
    memory: Memory,
}

/// A frame on its way downstream; recycled on drop.
#[derive(Debug)]
pub(crate) struct Frame {
    slot: Option<Slot>,
    give_back: Sender<Slot>,
}

impl AsRef<[u8]> for Frame {
    fn as_ref(&self) -> &[u8] {
        self.slot.as_ref().map_or(&[], |slot| slot.memory.as_ref())
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            // Fails when the ring is gone; then the memory goes as well.
            let _ = self.give_back.send(slot);
        }
    }
}

impl Ring {
    pub(crate) fn new(layout: Layout) -> Self {
        let (give_back, returned) = channel();
        let grid = TileGrid::new(layout.size.width, layout.size.height);
        Self {
            layout,
            converter: Converter::new(layout.matrix),
            stale: Vec::new(),
            changed: TileSet::new(grid),
            outdated: TileSet::new(grid),
            free: Vec::new(),
            returned,
            give_back,
        }
    }

    /// How its frames lie in memory.
    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// A frame with what `source` shows now, where `damage` is what may have changed since the `last` one. `None` when
    /// nothing did: much of what X calls damage draws the same pixels again.
    pub(crate) fn render(
        &mut self,
        source: &Source<'_>,
        damage: &TileSet,
        last: Option<&[u8]>,
    ) -> Result<Option<Frame>, CaptureError> {
        let mut slot = self.take_slot()?;
        self.outdated.clear();
        self.outdated.union(&self.stale[slot.index]);
        for stale in &mut self.stale {
            stale.union(damage);
        }
        let stale = &mut self.stale[slot.index];
        let mut planes = planes(slot.memory.as_mut(), &self.layout);
        self.converter.update(source, &mut planes, stale, &mut self.changed)?;
        stale.clear();
        // Where this memory was older than the last frame, the comparison was with something else: a cursor that
        // blinks is back to what it was two frames ago. So there it is made again, with the last frame; where the
        // picture moves, the first row tells.
        self.changed.union(&self.outdated);
        self.changed.intersect(damage);
        let differs = |last: &[u8]| self.changed.runs().any(|run| self.layout.differs(slot.memory.as_ref(), last, run));
        if last.is_none_or(differs) {
            return Ok(Some(Frame { slot: Some(slot), give_back: self.give_back.clone() }));
        }
        self.free.push(slot);
        Ok(None)
    }

    /// The free frame that has the least to catch up with, or a new one.
    fn take_slot(&mut self) -> Result<Slot, CaptureError> {
        self.free.extend(self.returned.try_iter());
        let best = (0..self.free.len()).min_by_key(|&position| self.stale[self.free[position].index].count());
        if let Some(position) = best {
            return Ok(self.free.swap_remove(position));
        }
        let mut stale = TileSet::new(self.changed.grid());
        stale.mark_all();
        self.stale.push(stale);
        Ok(Slot { index: self.stale.len() - 1, memory: Memory::new(self.layout.length)? })
    }
}

/// The planes of a frame. The converter checks that they are large enough.
fn planes<'a>(memory: &'a mut [u8], layout: &Layout) -> Planes<'a> {
    let [_, second, third] = layout.offsets;
    let [first_stride, second_stride, third_stride] = layout.strides;
    // Planes follow each other. An offset outside of the memory leaves an empty plane, which is too small.
    let split = |memory: &'a mut [u8], at: usize| {
        let at = at.min(memory.len());
        memory.split_at_mut(at)
    };
    match layout.format {
        Format::Bgrx => Planes::Bgrx(Plane::new(memory, first_stride)),
        Format::Nv12 => {
            let (y, uv) = split(memory, second);
            Planes::Nv12 { y: Plane::new(y, first_stride), uv: Plane::new(uv, second_stride) }
        }
        Format::I420 => {
            let (y, rest) = split(memory, second);
            let (u, v) = split(rest, third.saturating_sub(second));
            Planes::I420 {
                y: Plane::new(y, first_stride),
                u: Plane::new(u, second_stride),
                v: Plane::new(v, third_stride),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 131, height: 35 };

    fn layout(format: Format) -> Layout {
        let (y, chroma) = (usize::from(SIZE.height), usize::from(SIZE.height).div_ceil(2));
        let (offsets, strides, length) = match format {
            Format::Bgrx => ([0; 3], [SIZE.stride(), 0, 0], SIZE.bytes()),
            Format::Nv12 => ([0, 132 * y, 0], [132, 132, 0], 132 * (y + chroma)),
            Format::I420 => ([0, 132 * y, 132 * y + 68 * chroma], [132, 68, 68], 132 * y + 2 * 68 * chroma),
        };
        Layout { format, matrix: Matrix::Bt709Limited, size: SIZE, offsets, strides, length }
    }

    /// A screen, and a ring that follows it.
    struct World {
        ring: Ring,
        screen: Vec<u8>,
        last: Option<Vec<u8>>,
    }

    impl World {
        fn new(format: Format) -> Self {
            // The fourth byte of BGRx is written as 255.
            Self { ring: Ring::new(layout(format)), screen: vec![255; SIZE.bytes()], last: None }
        }

        fn draw(&mut self, x: usize, y: usize, value: u8) -> TileSet {
            let offset = y * SIZE.stride() + x * 4;
            self.screen[offset..offset + 3].fill(value);
            let mut damage = TileSet::new(TileGrid::new(SIZE.width, SIZE.height));
            damage.mark(x as i32, y as i32, 1, 1);
            damage
        }

        fn render(&mut self, damage: &TileSet) -> Option<Frame> {
            let source = Source::from_slice(&self.screen, SIZE.stride(), SIZE.width, SIZE.height).unwrap();
            let frame = self.ring.render(&source, damage, self.last.as_deref()).unwrap();
            // What a ring that has no history makes of the screen.
            let mut fresh = Ring::new(*self.ring.layout());
            let mut all = TileSet::new(TileGrid::new(SIZE.width, SIZE.height));
            all.mark_all();
            let expected = fresh.render(&source, &all, None).unwrap().unwrap();
            if let Some(frame) = &frame {
                self.last = Some(frame.as_ref().to_vec());
            }
            assert!(self.last.as_deref() == Some(expected.as_ref()), "the last frame is not the screen");
            frame
        }
    }

    #[test]
    fn every_frame_is_the_screen_however_old_its_memory_is() {
        for format in Format::ALL {
            let mut world = World::new(format);
            let mut held = std::collections::VecDeque::new();
            for step in 0..200_usize {
                let mut damage = world.draw(step * 37 % 131, step * 11 % 35, step as u8);
                if step == 0 {
                    damage.mark_all();
                }
                held.extend(world.render(&damage));
                // Downstream keeps up to four, and sometimes lets them all go.
                while held.len() > step % 5 {
                    held.pop_front();
                }
            }
            assert!(world.ring.stale.len() <= 6, "{} frames", world.ring.stale.len());
        }
    }

    #[test]
    fn what_blinks_is_a_frame_each_time() {
        for format in Format::ALL {
            let mut world = World::new(format);
            let mut all = world.draw(70, 20, 0);
            all.mark_all();
            assert!(world.render(&all).is_some());
            for step in 1..20 {
                let damage = world.draw(70, 20, if step % 2 == 0 { 0 } else { 200 });
                assert!(world.render(&damage).is_some(), "{format:?}, step {step}");
            }
        }
    }

    #[test]
    fn the_same_pixels_again_are_no_frame() {
        for format in Format::ALL {
            let mut world = World::new(format);
            let mut all = world.draw(130, 34, 9);
            all.mark_all();
            let mut held = vec![world.render(&all)];
            // Steps that 8 bits of limited range can tell apart.
            for value in (20..60).step_by(4) {
                for _ in 0..3 {
                    // The first one, with the last pixel of the picture, is a change; the others are none.
                    let damage = world.draw(130, 34, value);
                    held.push(world.render(&damage));
                }
            }
            assert_eq!(held.iter().flatten().count(), 11, "{format:?}");
        }
    }
}
