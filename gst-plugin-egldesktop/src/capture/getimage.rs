//! GetImage: pixels through the socket. Slow, and works with every X server, remote ones too.

use x11rb::protocol::xproto::{ConnectionExt as _, ImageFormat};

use super::{CaptureError, Frame, Grabber, Screen, Size};

pub(crate) struct GetImageGrabber;

impl Grabber for GetImageGrabber {
    fn name(&self) -> &'static str {
        "getimage"
    }

    fn grab(&mut self, screen: &Screen, size: Size) -> Result<Frame, CaptureError> {
        let (width, height) = (size.width, size.height);
        let cookie = screen.connection.get_image(ImageFormat::Z_PIXMAP, screen.root, 0, 0, width, height, !0)?;
        let data = cookie.reply().map_err(super::shm::resized_on_bad_match)?.data;
        if data.len() < size.bytes() { Err(CaptureError::Resized) } else { Ok(Box::new(data)) }
    }
}
