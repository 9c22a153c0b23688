//! The requests, in the order that keeps every state valid.

use x11rb::connection::Connection;
use x11rb::errors::{ConnectionError, ReplyError};
use x11rb::protocol::randr::{self, Connection as Link, ConnectionExt as _, ModeFlag, ModeInfo, Rotation, SetConfig};
use x11rb::protocol::xproto::{ConnectionExt as _, Window};

use crate::cvt::{Timings, reduced_blanking};

const MM_PER_INCH: f64 = 25.4;

/// What the names of the modes that we make begin with.
const NAME: &str = "egldesktop-";

/// A screen as somebody wants it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wanted {
    /// Width and height in pixels. What is larger than the screen can be becomes the largest of the same shape; an odd
    /// number becomes even, because encoders need it.
    pub size: (u32, u32),
    /// Pictures per second.
    pub refresh: u32,
    /// Dots per inch, which give the size in millimetres that the server tells its clients.
    pub dpi: f64,
}

/// Why the screen keeps its size.
#[derive(Debug, thiserror::Error)]
pub enum ResizeError {
    /// RandR is missing, or too old.
    #[error("the X server has no RandR 1.3")]
    NoRandr,
    /// There is nothing that shows the screen.
    #[error("no output of the X server is on")]
    NoOutput,
    /// The timings exceed what RandR can say.
    #[error("no video mode has {width} × {height} pixels at {refresh} Hz")]
    NoMode {
        /// Pixels
        width: u16,
        /// Pixels
        height: u16,
        /// Pictures per second
        refresh: u32,
    },
    /// The server's answer to `SetCrtcConfig`.
    #[error("the X server does not set the mode ({0:?})")]
    Refused(SetConfig),
    /// The connection broke: there is nothing to be asked any more.
    #[error("the connection to the X server broke: {0}")]
    Connection(#[from] ConnectionError),
    /// The server answered a request with an error.
    #[error("the X server refused a request: {0}")]
    Request(#[source] ReplyError),
}

impl From<ReplyError> for ResizeError {
    fn from(error: ReplyError) -> Self {
        match error {
            ReplyError::ConnectionError(error) => Self::Connection(error),
            error @ ReplyError::X11Error(_) => Self::Request(error),
        }
    }
}

/// Gives the screen of `root` the wanted size, and returns the one that it has then, in pixels.
///
/// # Errors
///
/// Says why the screen keeps its size.
pub fn resize(connection: &impl Connection, root: Window, wanted: Wanted) -> Result<(u16, u16), ResizeError> {
    let Wanted { size, refresh, dpi } = wanted;
    let version = connection.randr_query_version(1, 3)?.reply()?;
    if (version.major_version, version.minor_version) < (1, 3) {
        return Err(ResizeError::NoRandr);
    }
    let current = connection.get_geometry(root)?;
    let range = connection.randr_get_screen_size_range(root)?.reply()?;
    let current = current.reply()?;
    let current = (current.width, current.height);
    let (width, height) = fit(size, (range.max_width, range.max_height));
    let resources = connection.randr_get_screen_resources_current(root)?.reply()?;
    let modes = named_modes(&resources);
    let (output, info) = find_output(connection, root, &resources)?;
    let old = connection.randr_get_crtc_info(info.crtc, resources.config_timestamp)?.reply()?;
    if (old.width, old.height) == (width, height) && current == (width, height) {
        return Ok((width, height));
    }

    let fits = |mode: &ModeInfo| (mode.width, mode.height) == (width, height) && has_rate(mode, refresh);
    let mode = match modes.iter().find(|(mode, _)| fits(mode)) {
        Some((mode, _)) => mode.id,
        None => {
            let timings =
                reduced_blanking(width, height, refresh).ok_or(ResizeError::NoMode { width, height, refresh })?;
            let name = format!("{NAME}{width}x{height}-{refresh}");
            let info = mode_info(timings, name.len() as u16);
            connection.randr_create_mode(root, info, name.as_bytes())?.reply()?.mode
        }
    };
    if !info.modes.contains(&mode) {
        connection.randr_add_output_mode(output, mode)?.check()?;
    }

    // A screen must hold its modes at every moment: first the larger of both in each direction, then the mode.
    let between = (current.0.max(width), current.1.max(height));
    let set_size = |(width, height): (u16, u16)| {
        let mm = |pixels: u16| (f64::from(pixels) / dpi * MM_PER_INCH).round() as u32;
        connection.randr_set_screen_size(root, width, height, mm(width), mm(height))
    };
    if between != current {
        set_size(between)?.check()?;
    }
    let (time, rotation) = (resources.config_timestamp, Rotation::ROTATE0);
    let set =
        connection.randr_set_crtc_config(info.crtc, x11rb::CURRENT_TIME, time, 0, 0, mode, rotation, &[output])?;
    let status = set.reply()?.status;
    let size = if status == SetConfig::SUCCESS { (width, height) } else { current };
    if between != size {
        set_size(size)?.check()?;
    }
    if status != SetConfig::SUCCESS {
        return Err(ResizeError::Refused(status));
    }
    // The modes that we made before would add up.
    for (old, _) in modes.iter().filter(|(old, name)| old.id != mode && name.starts_with(NAME.as_bytes())) {
        connection.randr_delete_output_mode(output, old.id)?;
        connection.randr_destroy_mode(old.id)?;
    }
    Ok(size)
}

/// The modes, each with its name: the server sends all names as one text.
fn named_modes(resources: &randr::GetScreenResourcesCurrentReply) -> Vec<(ModeInfo, &[u8])> {
    let mut names = resources.names.as_slice();
    let mut take = |length: u16| {
        let (name, rest) = names.split_at_checked(length.into()).unwrap_or((names, &[]));
        names = rest;
        name
    };
    resources.modes.iter().map(|mode| (*mode, take(mode.name_len))).collect()
}

/// Within one Hz; servers without a monitor have modes without a clock.
fn has_rate(mode: &ModeInfo, refresh: u32) -> bool {
    let total = f64::from(mode.htotal) * f64::from(mode.vtotal);
    mode.dot_clock == 0 || total > 0.0 && (f64::from(mode.dot_clock) / total - f64::from(refresh)).abs() < 1.0
}

/// The size itself, or the largest of the same shape within the limit; even, because encoders need it.
fn fit((width, height): (u32, u32), limit: (u16, u16)) -> (u16, u16) {
    let (width, height) = (f64::from(width.max(1)), f64::from(height.max(1)));
    let scale = (f64::from(limit.0) / width).min(f64::from(limit.1) / height).min(1.0);
    let side = |wanted: f64| ((wanted * scale / 2.0).floor() as u16 * 2).max(2);
    (side(width), side(height))
}

/// The output that is on; the primary one where there are several.
fn find_output(
    connection: &impl Connection,
    root: Window,
    resources: &randr::GetScreenResourcesCurrentReply,
) -> Result<(randr::Output, randr::GetOutputInfoReply), ResizeError> {
    let primary = connection.randr_get_output_primary(root)?.reply()?.output;
    let others = resources.outputs.iter().copied().filter(|&output| output != primary);
    for output in std::iter::once(primary).chain(others).filter(|&output| output != x11rb::NONE) {
        let info = connection.randr_get_output_info(output, resources.config_timestamp)?.reply()?;
        if info.connection == Link::CONNECTED && info.crtc != x11rb::NONE {
            return Ok((output, info));
        }
    }
    Err(ResizeError::NoOutput)
}

fn mode_info(timings: Timings, name_len: u16) -> ModeInfo {
    let Timings { clock, horizontal: [width, hsync_start, hsync_end, htotal], vertical } = timings;
    let [height, vsync_start, vsync_end, vtotal] = vertical;
    ModeInfo {
        id: 0,
        width,
        height,
        dot_clock: clock,
        hsync_start,
        hsync_end,
        htotal,
        hskew: 0,
        vsync_start,
        vsync_end,
        vtotal,
        name_len,
        mode_flags: ModeFlag::HSYNC_POSITIVE | ModeFlag::VSYNC_NEGATIVE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_keeps_its_shape() {
        assert_eq!(fit((1366, 768), (7680, 4320)), (1366, 768));
        assert_eq!(fit((7680, 4320), (1920, 1200)), (1920, 1080));
        assert_eq!(fit((1000, 4000), (1920, 1000)), (250, 1000));
        assert_eq!(fit((0, u32::MAX), (800, 600)), (2, 600));
    }
}
