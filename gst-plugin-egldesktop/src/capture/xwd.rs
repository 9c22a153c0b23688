//! The header of the file that `Xvfb -fbdir` keeps its screen in (X11/XWDFile.h). Pure.

/// Bytes of the header that matter here.
pub(crate) const HEADER: usize = 100;
const VERSION: u32 = 7;
const Z_PIXMAP: u32 = 2;
const LSB_FIRST: u32 = 0;
/// Bytes of an entry of the colour map that follows the header.
const COLOUR: usize = 12;

/// Where the pixels are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Bytes before the first pixel.
    pub(crate) offset: usize,
    /// Bytes from a row to the next.
    pub(crate) stride: usize,
    /// Width of the screen at its largest.
    pub(crate) width: u32,
    /// Height of the screen at its largest.
    pub(crate) height: u32,
}

/// Reads the header; an error says what does not fit.
pub(crate) fn parse(file: &[u8]) -> Result<Layout, &'static str> {
    // All numbers are big endian.
    let number = |index: usize| {
        let bytes = file.get(index * 4..index * 4 + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    let field = |index: usize| number(index).ok_or("the file is shorter than its header");
    if field(1)? != VERSION || field(2)? != Z_PIXMAP {
        return Err("it is no XWD file of a ZPixmap");
    }
    if field(7)? != LSB_FIRST || field(11)? != 32 || field(3)? != 24 {
        return Err("its pixels are not BGRx");
    }
    let size = |index: usize| field(index).map(|value| value as usize);
    let colours = size(19)?.checked_mul(COLOUR).ok_or("its colour map is too large")?;
    let offset = size(0)?.checked_add(colours).ok_or("its header is too large")?;
    let layout = Layout { offset, stride: size(12)?, width: field(4)?, height: field(5)? };
    if layout.width as usize > layout.stride / 4 || layout.height > u32::from(u16::MAX) {
        return Err("its rows are longer than their distance");
    }
    Ok(layout)
}

impl Layout {
    /// Length of the file, as the header has it.
    pub(crate) fn length(&self) -> Option<usize> {
        self.stride.checked_mul(self.height as usize)?.checked_add(self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> [u32; 25] {
        let mut header = [0; 25];
        for (index, value) in [(0, 160), (1, 7), (2, 2), (3, 24), (4, 1280), (5, 720), (11, 32), (12, 5120), (19, 256)]
        {
            header[index] = value;
        }
        header
    }

    fn bytes(header: [u32; 25]) -> Vec<u8> {
        header.iter().flat_map(|value| value.to_be_bytes()).collect()
    }

    #[test]
    fn as_xvfb_writes_it() {
        let layout = parse(&bytes(header())).unwrap();
        assert_eq!(layout, Layout { offset: 160 + 256 * 12, stride: 5120, width: 1280, height: 720 });
        assert_eq!(layout.length(), Some(160 + 3072 + 5120 * 720));
    }

    #[test]
    fn everything_else_is_refused() {
        for (index, value) in [(1, 6), (2, 1), (3, 16), (7, 1), (11, 16), (12, 5119), (5, 70_000), (0, u32::MAX)] {
            let mut header = header();
            header[index] = value;
            let result =
                parse(&bytes(header)).ok().and_then(|layout| layout.length()).filter(|length| *length < 1 << 31);
            assert_eq!(result, None, "{index} = {value}");
        }
        for length in 0..80 {
            assert!(parse(&bytes(header())[..length]).is_err());
        }
    }
}
