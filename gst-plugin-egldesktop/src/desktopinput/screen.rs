//! The size of the screen, as viewers want it.

use screen_resize::{ResizeError, Wanted};

use super::display::{Display, InputError};
use super::imp::CAT;

/// Gives the screen the wanted size. What the server refuses is logged: a desktop of another size is still a desktop.
pub(super) fn resize(display: &Display, wanted: Wanted) -> Result<(), InputError> {
    match screen_resize::resize(&display.connection, display.root, wanted) {
        Ok((width, height)) => gst::info!(CAT, "the screen has {width} × {height} pixels now"),
        Err(ResizeError::Connection(error)) => return Err(error.into()),
        Err(error) => {
            gst::warning!(CAT, "cannot give the screen {} × {} pixels: {error}", wanted.size.0, wanted.size.1)
        }
    }
    Ok(())
}
