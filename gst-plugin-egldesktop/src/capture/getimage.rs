//! GetImage: pixels through the socket. Slow, and works with every X server, remote ones too.

use tile_convert::{Source, TileSet};
use x11rb::errors::ReplyError;
use x11rb::protocol::ErrorKind;
use x11rb::protocol::xproto::{ConnectionExt as _, ImageFormat};

use super::{Area, CaptureError, Framebuffer, Method, Pixels, Screen, Size};

/// A copy of the screen, kept up to date in bands of whole rows.
pub(crate) struct GetImageFramebuffer {
    pixels: Vec<u8>,
    size: Size,
}

impl GetImageFramebuffer {
    pub(crate) fn new(screen: &Screen) -> Self {
        let size = screen.area().size;
        Self { pixels: vec![0; size.bytes()], size }
    }
}

impl Framebuffer for GetImageFramebuffer {
    fn method(&self) -> Method {
        Method::GetImage
    }

    fn pixels(&mut self, screen: &Screen, damage: &TileSet) -> Result<Pixels<'_>, CaptureError> {
        let Area { x, y, size } = screen.area();
        if size != self.size {
            return Err(CaptureError::Resized);
        }
        // All requests first: one wait for the way there and back, however many bands there are.
        let (stride, width) = (size.stride(), size.width);
        let request = |&(top, height): &(u16, u16)| {
            let (left, top) = (x as i16, (y + top) as i16);
            screen.connection.get_image(ImageFormat::Z_PIXMAP, screen.drawable, left, top, width, height, !0)
        };
        let bands = bands(damage);
        let cookies = bands.iter().map(request).collect::<Result<Vec<_>, _>>()?;
        for (cookie, (top, height)) in cookies.into_iter().zip(bands) {
            let data = cookie.reply().map_err(resized_on_bad_match)?.data;
            let (start, length) = (usize::from(top) * stride, usize::from(height) * stride);
            let rows = data.get(..length).ok_or(CaptureError::Resized)?;
            self.pixels[start..start + length].copy_from_slice(rows);
        }
        Ok(Pixels::Memory(Source::from_slice(&self.pixels, stride, size.width, size.height)?))
    }
}

/// The rows that hold damage, as (first row, number of rows); neighbours together.
fn bands(damage: &TileSet) -> Vec<(u16, u16)> {
    let mut bands: Vec<(u16, u16)> = Vec::new();
    for run in damage.runs() {
        match bands.last_mut() {
            Some((top, height)) if run.y <= *top + *height => *height = (run.y + run.height).max(*top + *height) - *top,
            _ => bands.push((run.y, run.height)),
        }
    }
    bands
}

/// BadMatch is how the X server says that the area is not inside the screen (X protocol, GetImage).
fn resized_on_bad_match(error: ReplyError) -> CaptureError {
    match error {
        ReplyError::X11Error(error) if error.error_kind == ErrorKind::Match => CaptureError::Resized,
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tile_convert::TileGrid;

    #[test]
    fn bands_cover_the_damage_and_nothing_twice() {
        let mut damage = TileSet::new(TileGrid::new(200, 100));
        assert_eq!(bands(&damage), []);
        damage.mark(10, 5, 5, 5);
        damage.mark(150, 5, 5, 20);
        damage.mark(10, 90, 5, 10);
        assert_eq!(bands(&damage), [(0, 32), (80, 20)]);
        damage.mark_all();
        assert_eq!(bands(&damage), [(0, 100)]);
    }
}
