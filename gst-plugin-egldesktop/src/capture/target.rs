//! What is captured: the screen or a window of it, all of it or a part.

use x11rb::connection::Connection;
use x11rb::protocol::xproto::{self, AtomEnum, ConnectionExt as _};

use super::{CaptureError, Size};

/// Longer titles are compared by their first 4096 bytes.
const TITLE_LENGTH: u32 = 1024;
/// Who nests windows deeper than that means no good.
const DEPTH: usize = 64;

/// Which window, as a user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WindowChoice {
    /// The whole screen.
    Root,
    /// By its X resource id.
    Id(u64),
    /// By its title, the first one that has it.
    Title(String),
}

impl WindowChoice {
    /// The window's id.
    pub(crate) fn find(
        &self,
        connection: &impl Connection,
        root: xproto::Window,
    ) -> Result<xproto::Window, CaptureError> {
        match self {
            Self::Root => Ok(root),
            Self::Id(id) => u32::try_from(*id).map_err(|_| CaptureError::NoWindow(format!("id {id:#x}"))),
            Self::Title(title) => {
                by_title(connection, root, title)?.ok_or_else(|| CaptureError::NoWindow(format!("title \"{title}\"")))
            }
        }
    }
}

/// Level by level, so that what is on top of an application comes before what it is made of. All questions about a level
/// are on their way before the first answer is read.
fn by_title(connection: &impl Connection, root: xproto::Window, title: &str) -> Result<Option<u32>, CaptureError> {
    let atom = |name: &str| connection.intern_atom(false, name.as_bytes());
    let (name, utf8) = (atom("_NET_WM_NAME")?, atom("UTF8_STRING")?);
    let (name, utf8) = (name.reply()?.atom, utf8.reply()?.atom);
    let mut level = vec![root];
    for _ in 0..DEPTH {
        let mut questions = Vec::new();
        for &window in &level {
            let new = connection.get_property(false, window, name, utf8, 0, TITLE_LENGTH)?;
            let old = connection.get_property(false, window, AtomEnum::WM_NAME, AtomEnum::ANY, 0, TITLE_LENGTH)?;
            questions.push((window, new, old, connection.query_tree(window)?));
        }
        level.clear();
        for (window, new, old, children) in questions {
            // Errors are windows that have gone in between.
            let titles = [new.reply(), old.reply()];
            let is_it = titles.into_iter().flatten().any(|reply| !title.is_empty() && reply.value == title.as_bytes());
            if is_it {
                return Ok(Some(window));
            }
            level.extend(children.reply().map(|tree| tree.children).unwrap_or_default());
        }
    }
    Ok(None)
}

/// A part of what is captured, by two corners that both belong to it, in pixels. As ximagesrc has it, zero for the second
/// one is the last pixel there is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) start: (u32, u32),
    pub(crate) end: (u32, u32),
}

/// Where the picture is in the screen or window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Area {
    /// From the left.
    pub(crate) x: u16,
    /// From the top.
    pub(crate) y: u16,
    pub(crate) size: Size,
}

impl Region {
    /// The part of something of this size; what lies beyond is cut off.
    pub(crate) fn within(self, size: Size) -> Result<Area, CaptureError> {
        let side = |start: u32, end: u32, length: u16| {
            let last = u32::from(length).checked_sub(1)?;
            let end = if end == 0 { last } else { end.min(last) };
            let length = end.checked_sub(start)? + 1;
            Some((u16::try_from(start).ok()?, u16::try_from(length).ok()?))
        };
        let (x, y) = (side(self.start.0, self.end.0, size.width), side(self.start.1, self.end.1, size.height));
        let ((x, width), (y, height)) = x.zip(y).ok_or(CaptureError::Region { region: self, size })?;
        Ok(Area { x, y, size: Size { width, height } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_belong_to_the_part() {
        let size = Size { width: 800, height: 600 };
        let area = |start, end| Region { start, end }.within(size).ok().map(|area| (area.x, area.y, area.size));
        assert_eq!(area((0, 0), (0, 0)), Some((0, 0, size)));
        assert_eq!(area((10, 20), (10, 29)), Some((10, 20, Size { width: 1, height: 10 })));
        assert_eq!(area((700, 0), (9000, 0)), Some((700, 0, Size { width: 100, height: 600 })));
        assert_eq!(area((799, 599), (0, 0)), Some((799, 599, Size { width: 1, height: 1 })));
        for (start, end) in [((800, 0), (0, 0)), ((11, 0), (10, 0)), ((u32::MAX, 0), (u32::MAX, 0))] {
            assert_eq!(area(start, end), None);
        }
    }
}
