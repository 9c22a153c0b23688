//! The pointer, for pictures that show it.
//!
//! X draws it over everything, or not at all (`Xvfb -nocursor`), and tells of its moves to nobody but who asks: XFixes of
//! its shape, XInput 2 of raw motion. Its place in the frame is damage like any other.

use tile_convert::{Rect, Source, TileGrid, TileSet};
use x11rb::connection::RequestConnection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xfixes::{ConnectionExt as _, CursorNotifyMask};
use x11rb::protocol::xinput::{self, ConnectionExt as _, XIEventMask};
use x11rb::protocol::xproto::{self, ConnectionExt as _};
use x11rb::rust_connection::RustConnection;

use super::{Area, BYTES_PER_PIXEL, CaptureError};

/// See the module.
pub(crate) struct Pointer {
    shape: Shape,
    /// Where its upper left corner is in the picture; `None` while it is on another screen.
    place: Option<(i32, i32)>,
    /// The tiles that the last picture shows it in.
    shown: Option<Rect>,
    new_shape: bool,
    moved: bool,
}

/// An image of a pointer, as XFixes gives it: premultiplied ARGB.
#[derive(Default)]
struct Shape {
    width: u16,
    height: u16,
    hotspot: (i32, i32),
    pixels: Vec<u32>,
}

/// A pointer over a part of the picture.
pub(crate) struct Overlay<'a> {
    /// The part, which begins and ends with a tile.
    pub(crate) part: Rect,
    shape: &'a Shape,
    place: (i32, i32),
}

impl Pointer {
    /// Asks to be told of its changes.
    pub(crate) fn watch(connection: &RustConnection, root: xproto::Window) -> Result<Self, CaptureError> {
        connection.xfixes_select_cursor_input(root, CursorNotifyMask::DISPLAY_CURSOR)?;
        // Without XInput 2 it moves with the next damage, which is better than no picture.
        if connection.extension_information(xinput::X11_EXTENSION_NAME)?.is_some()
            && connection.xinput_xi_query_version(2, 0)?.reply().is_ok()
        {
            let deviceid = xinput::Device::ALL_MASTER.into();
            let mask = xinput::EventMask { deviceid, mask: vec![XIEventMask::RAW_MOTION] };
            connection.xinput_xi_select_events(root, &[mask])?;
        }
        Ok(Self { shape: Shape::default(), place: None, shown: None, new_shape: true, moved: true })
    }

    /// Takes note of an event.
    pub(crate) fn notice(&mut self, event: &Event) {
        match event {
            Event::XfixesCursorNotify(_) => self.new_shape = true,
            Event::XinputRawMotion(_) => self.moved = true,
            _ => {}
        }
    }

    /// Whether it looks different from the last picture.
    pub(crate) fn is_there(&self) -> bool {
        self.new_shape || self.moved
    }

    /// It may have been moved in a way that nobody is told of (WarpPointer).
    pub(crate) fn suspect(&mut self) {
        self.moved = true;
    }

    /// Asks where it is and what it looks like, and adds the tiles that this changes.
    pub(crate) fn take(
        &mut self,
        connection: &RustConnection,
        drawable: xproto::Window,
        area: Area,
        tiles: &mut TileSet,
    ) -> Result<(), CaptureError> {
        if !self.is_there() {
            return Ok(());
        }
        let place = connection.query_pointer(drawable)?;
        let shape = if self.new_shape { Some(connection.xfixes_get_cursor_image()?) } else { None };
        let place = place.reply()?;
        if let Some(shape) = shape {
            let shape = shape.reply()?;
            self.shape = Shape {
                width: shape.width,
                height: shape.height,
                hotspot: (shape.xhot.into(), shape.yhot.into()),
                pixels: shape.cursor_image,
            };
        }
        let corner = |at: i16, start: u16, hotspot: i32| i32::from(at) - i32::from(start) - hotspot;
        let corner =
            (corner(place.win_x, area.x, self.shape.hotspot.0), corner(place.win_y, area.y, self.shape.hotspot.1));
        let place = Some(corner).filter(|_| place.same_screen);
        let changed = self.new_shape || place != self.place;
        (self.place, self.new_shape, self.moved) = (place, false, false);
        if changed {
            let shown = self.covered(tiles.grid());
            for part in [self.shown, shown].into_iter().flatten() {
                tiles.mark(part.x.into(), part.y.into(), part.width.into(), part.height.into());
            }
            self.shown = shown;
        }
        Ok(())
    }

    /// The tiles that it lies over.
    fn covered(&self, grid: TileGrid) -> Option<Rect> {
        let (x, y) = self.place?;
        let mut tiles = TileSet::new(grid);
        tiles.mark(x, y, self.shape.width.into(), self.shape.height.into());
        tiles.bounds()
    }

    /// What is to be drawn over the picture.
    pub(crate) fn overlay(&self) -> Option<Overlay<'_>> {
        Some(Overlay { part: self.shown?, shape: &self.shape, place: self.place? })
    }

    /// The picture is another one, with nothing of the pointer in it yet.
    pub(crate) fn forget(&mut self) {
        (self.shown, self.place, self.moved) = (None, None, true);
    }
}

impl Overlay<'_> {
    /// The part of the picture with the pointer over it, as BGRx rows without gaps.
    pub(crate) fn draw(&self, source: &Source<'_>, pixels: &mut Vec<u8>) -> Result<(), CaptureError> {
        let (width, height) = (usize::from(self.part.width), usize::from(self.part.height));
        pixels.resize(width * height * BYTES_PER_PIXEL, 0);
        source.read(self.part, pixels)?;
        let left = self.place.0 - i32::from(self.part.x);
        let top = self.place.1 - i32::from(self.part.y);
        let rows = self.shape.pixels.chunks_exact(usize::from(self.shape.width).max(1));
        for (row, line) in rows.enumerate() {
            let Some(y) = usize::try_from(top + row as i32).ok().filter(|&y| y < height) else { continue };
            let target = &mut pixels[y * width * BYTES_PER_PIXEL..][..width * BYTES_PER_PIXEL];
            for (column, &colour) in line.iter().enumerate() {
                let Some(x) = usize::try_from(left + column as i32).ok().filter(|&x| x < width) else { continue };
                blend(&mut target[x * BYTES_PER_PIXEL..][..BYTES_PER_PIXEL], colour);
            }
        }
        Ok(())
    }
}

/// Premultiplied ARGB over BGRx.
fn blend(pixel: &mut [u8], colour: u32) {
    let [blue, green, red, alpha] = colour.to_le_bytes();
    for (below, above) in pixel.iter_mut().zip([blue, green, red]) {
        // Rounded division by 255. Saturating: the server does not check what clients call premultiplied.
        let rest = (u32::from(*below) * u32::from(255 - alpha) + 127) / 255;
        *below = above.saturating_add(rest as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_cut_off_at_the_edges() {
        let (width, height) = (100, 20);
        let grey = [100, 100, 100, 255].repeat(width * height);
        let source = Source::from_slice(&grey, width * 4, width as u16, height as u16).unwrap();
        // Opaque red, half blue, nothing, and a colour that is no premultiplied one.
        let pixels = vec![0xffff_0000, 0x8000_0080, 0, 0x00ff_ffff];
        let shape = Shape { width: 2, height: 2, hotspot: (0, 0), pixels };
        let grid = TileGrid::new(width as u16, height as u16);
        let drawn = |place: (i32, i32)| {
            let pointer = Pointer {
                shape: Shape { pixels: shape.pixels.clone(), ..shape },
                place: Some(place),
                shown: None,
                new_shape: false,
                moved: false,
            };
            let part = pointer.covered(grid)?;
            let mut pixels = Vec::new();
            Overlay { part, shape: &pointer.shape, place }.draw(&source, &mut pixels).unwrap();
            let at = move |x: usize, y: usize| {
                let start = (y * usize::from(part.width) + x) * 4;
                [pixels[start], pixels[start + 1], pixels[start + 2]]
            };
            Some((part, at))
        };
        let (part, at) = drawn((0, 0)).unwrap();
        assert_eq!((part.x, part.y, part.width, part.height), (0, 0, 64, 16));
        assert_eq!([at(0, 0), at(1, 0), at(0, 1), at(1, 1)], [[0, 0, 255], [178, 50, 50], [100; 3], [255; 3]]);
        let (part, at) = drawn((99, 19)).unwrap();
        assert_eq!((part.x, part.y, part.width, part.height), (64, 16, 36, 4));
        assert_eq!([at(35, 3), at(34, 3)], [[0, 0, 255], [100; 3]]);
        let (_, at) = drawn((-1, -1)).unwrap();
        assert_eq!([at(0, 0), at(1, 1)], [[255; 3], [100; 3]]);
        assert!(drawn((-2, 0)).is_none() && drawn((100, 0)).is_none());
    }
}
