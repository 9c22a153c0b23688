//! What the pointer looks like.

use std::collections::VecDeque;

use x11rb::protocol::xfixes::{ConnectionExt as _, CursorNotifyMask};

use super::display::{Display, InputError};
use super::imp::CAT;
use crate::events::DesktopEvent;

/// The largest side of an image, in pixels: browsers show the arrow instead of anything larger.
const MAX_SIDE: usize = 128;
/// Images that are kept. A busy pointer is animated, some twenty images over and over.
const CACHE: usize = 64;

/// The pointer's image, followed.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    changed: bool,
    /// By serial, the one that was used longest ago first.
    known: VecDeque<(u32, DesktopEvent)>,
}

impl Cursor {
    pub(super) fn open(display: &Display) -> Result<Self, InputError> {
        display.connection.xfixes_query_version(5, 0)?.reply()?;
        display.connection.xfixes_select_cursor_input(display.root, CursorNotifyMask::DISPLAY_CURSOR)?.check()?;
        Ok(Self::default())
    }

    /// The pointer has another image, or somebody asked for it.
    pub(super) fn changed(&mut self) {
        self.changed = true;
    }

    /// The image, if it has changed. Several changes in a row are one: only the last can be seen.
    pub(super) fn take(&mut self, display: &Display) -> Result<Option<DesktopEvent>, InputError> {
        if !std::mem::take(&mut self.changed) {
            return Ok(None);
        }
        let reply = display.connection.xfixes_get_cursor_image()?.reply()?;
        let serial = reply.cursor_serial;
        let event = match self.known.iter().position(|(known, _)| *known == serial) {
            Some(index) => self.known.remove(index).map(|(_, event)| event),
            None => {
                let image = Image { width: reply.width.into(), pixels: reply.cursor_image };
                to_event(serial, image, (reply.xhot, reply.yhot))
            }
        };
        if let Some(event) = &event {
            self.known.push_back((serial, event.clone()));
            if self.known.len() > CACHE {
                self.known.pop_front();
            }
        }
        Ok(event)
    }
}

/// Rows of pixels: alpha, red, green, blue from the highest byte down, colours multiplied by alpha.
struct Image {
    width: usize,
    pixels: Vec<u32>,
}

impl Image {
    fn height(&self) -> usize {
        self.pixels.len().checked_div(self.width).unwrap_or(0)
    }

    /// Smaller by a whole number, each pixel the mean of those it covers.
    fn shrunk(&self, by: usize) -> Self {
        let (width, height) = (self.width / by, self.height() / by);
        let mean = |x: usize, y: usize, shift: usize| {
            let rows = (y * by..(y + 1) * by).flat_map(|y| &self.pixels[y * self.width + x * by..][..by]);
            rows.map(|pixel| pixel >> shift & 0xff).sum::<u32>() / (by * by) as u32
        };
        let pixel = |x, y| [24, 16, 8, 0].into_iter().fold(0, |pixel, shift| pixel | mean(x, y, shift) << shift);
        Self {
            width,
            pixels: (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| pixel(x, y)).collect(),
        }
    }

    /// Bytes of red, green, blue and alpha, colours as they are, as PNG wants them.
    fn to_rgba(&self) -> Vec<u8> {
        let straight =
            |colour: u32, alpha: u32| (colour * 255 + alpha / 2).checked_div(alpha).unwrap_or(0).min(255) as u8;
        let bytes = |&pixel: &u32| {
            let [alpha, red, green, blue] = pixel.to_be_bytes().map(u32::from);
            [straight(red, alpha), straight(green, alpha), straight(blue, alpha), alpha as u8]
        };
        self.pixels.iter().flat_map(bytes).collect()
    }
}

fn to_event(serial: u32, image: Image, (x, y): (u16, u16)) -> Option<DesktopEvent> {
    let by = image.width.max(image.height()).div_ceil(MAX_SIDE).max(1);
    let image = if by > 1 { image.shrunk(by) } else { image };
    let scaled = |n: u16| n / by as u16;
    let visible = image.pixels.iter().any(|pixel| pixel >> 24 != 0);
    let png = if visible { to_png(&image) } else { Ok(Vec::new()) };
    match png {
        Ok(png) => Some(DesktopEvent::Cursor { serial, png, hotspot: (scaled(x), scaled(y)) }),
        Err(error) => {
            gst::warning!(CAT, "cannot encode a cursor of {} × {}: {error}", image.width, image.height());
            None
        }
    }
}

fn to_png(image: &Image) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, image.width as u32, image.height() as u32);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&image.to_rgba())?;
    writer.finish()?;
    Ok(bytes)
}

/// See [`crate::fuzz::cursor_image`].
#[cfg(feature = "fuzz")]
pub(crate) fn fuzz(data: &[u8]) {
    let Some(([width_low, width_high, x, y], pixels)) = data.split_first_chunk::<4>() else { return };
    let width = usize::from(u16::from_be_bytes([*width_high, *width_low]));
    let pixels = pixels.chunks_exact(4).map(|bytes| bytes.iter().fold(0, |pixel, byte| pixel << 8 | u32::from(*byte)));
    let image = Image { width, pixels: pixels.collect() };
    let Some(DesktopEvent::Cursor { png, .. }) = to_event(1, image, (u16::from(*x), u16::from(*y))) else { return };
    if !png.is_empty() {
        let reader = png::Decoder::new(std::io::Cursor::new(&png[..])).read_info();
        let (width, height) = reader.map(|reader| reader.info().size()).unwrap_or_default();
        let range = 1..=MAX_SIDE as u32;
        assert!(range.contains(&width) && range.contains(&height), "{width} × {height}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(png: &[u8]) -> (u32, u32, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        (info.width, info.height, bytes)
    }

    #[test]
    fn colours_are_not_multiplied_by_alpha_any_more() {
        let image = Image { width: 2, pixels: vec![0xff10_2030, 0x8040_0080] };
        let Some(DesktopEvent::Cursor { png, hotspot, .. }) = to_event(1, image, (1, 0)) else { panic!() };
        assert_eq!(hotspot, (1, 0));
        assert_eq!(decode(&png), (2, 1, vec![0x10, 0x20, 0x30, 0xff, 0x80, 0x00, 0xff, 0x80]));
    }

    #[test]
    fn hidden_and_empty_cursors_have_no_image() {
        for image in [Image { width: 1, pixels: vec![0] }, Image { width: 0, pixels: vec![] }] {
            let hidden = DesktopEvent::Cursor { serial: 1, png: vec![], hotspot: (0, 0) };
            assert_eq!(to_event(1, image, (0, 0)), Some(hidden));
        }
    }

    #[test]
    fn what_browsers_would_not_show_is_shrunk() {
        let image = Image { width: 200, pixels: vec![0xff00_00ff; 200 * 256] };
        let Some(DesktopEvent::Cursor { png, hotspot, .. }) = to_event(1, image, (100, 51)) else { panic!() };
        let (width, height, bytes) = decode(&png);
        assert_eq!((width, height, hotspot), (100, 128, (50, 25)));
        assert!(bytes.chunks(4).all(|pixel| pixel == [0, 0, 255, 255]));
    }
}
