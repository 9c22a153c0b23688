//! What a user sets.

use super::gl::Mode as GlMode;
use crate::capture::{CaptureError, Choice, Method, Region, WindowChoice};

/// The properties that say what is captured; those of ximagesrc have its names, meanings and defaults.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) display_name: Option<String>,
    pub(super) capture_method: Method,
    pub(super) xid: u64,
    pub(super) xname: Option<String>,
    pub(super) startx: u32,
    pub(super) starty: u32,
    pub(super) endx: u32,
    pub(super) endy: u32,
    pub(super) show_pointer: bool,
    pub(super) use_damage: bool,
    pub(super) gl: GlMode,
    pub(super) gl_device: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            display_name: None,
            capture_method: Method::Auto,
            xid: 0,
            xname: None,
            startx: 0,
            starty: 0,
            endx: 0,
            endy: 0,
            show_pointer: true,
            use_damage: true,
            gl: GlMode::Auto,
            gl_device: None,
        }
    }
}

impl Settings {
    /// What is captured.
    pub(super) fn choice(&self) -> Choice {
        let window = match (self.xid, &self.xname) {
            (0, None) => WindowChoice::Root,
            (0, Some(title)) => WindowChoice::Title(title.clone()),
            (id, _) => WindowChoice::Id(id),
        };
        Choice {
            display_name: self.display_name.clone(),
            window,
            region: Region { start: (self.startx, self.starty), end: (self.endx, self.endy) },
            damage: self.use_damage,
            pointer: self.show_pointer,
        }
    }
    /// Why the capture cannot start, and what to do about it.
    pub(super) fn open_error(&self, error: &CaptureError) -> gst::ErrorMessage {
        let display = self.display_name.clone().or_else(|| std::env::var("DISPLAY").ok()).unwrap_or_default();
        match error {
            CaptureError::NoWindow(_) | CaptureError::Region { .. } => {
                gst::error_msg!(gst::ResourceError::NotFound, ("Cannot capture X display \"{display}\": {error}"))
            }
            CaptureError::Declined(_) => gst::error_msg!(
                gst::ResourceError::OpenRead,
                ("Cannot capture by the method {:?}: {error}", self.capture_method)
            ),
            _ => gst::error_msg!(
                gst::ResourceError::OpenRead,
                ("Cannot capture X display \"{display}\": {error}"),
                ["set display-name or DISPLAY to a running X server, and XAUTHORITY to its cookie"]
            ),
        }
    }
}
