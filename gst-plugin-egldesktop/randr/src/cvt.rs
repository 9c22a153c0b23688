//! Timings of a video mode by VESA's Coordinated Video Timings with reduced blanking (CVT 1.2, version 1). Pure.

/// Pixels of the horizontal blanking, of its sync pulse, and before that.
const H_BLANK: u32 = 160;
const H_SYNC: u32 = 32;
const H_FRONT_PORCH: u32 = 48;
/// Lines before the vertical sync pulse, and the least after it.
const V_FRONT_PORCH: u32 = 3;
const V_BACK_PORCH: u32 = 6;
/// The least time of the vertical blanking, in seconds.
const MIN_V_BLANK: f64 = 460e-6;
/// Pixel clocks are multiples of this, in Hz.
const CLOCK_STEP: f64 = 250e3;

/// The numbers of a mode line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timings {
    /// Hz
    pub(crate) clock: u32,
    /// Visible pixels, start and end of the sync pulse, and all.
    pub(crate) horizontal: [u16; 4],
    /// The same in lines.
    pub(crate) vertical: [u16; 4],
}

/// The timings of a picture of this size, in pixels, at `refresh` Hz; `None` where they exceed what RandR can say.
pub(crate) fn reduced_blanking(width: u16, height: u16, refresh: u32) -> Option<Timings> {
    let (width, height) = (u32::from(width), u32::from(height));
    if width == 0 || height == 0 || refresh == 0 {
        return None;
    }
    let period = (1.0 / f64::from(refresh) - MIN_V_BLANK) / f64::from(height);
    if period <= 0.0 {
        return None;
    }
    let sync = vertical_sync(width, height);
    let blank = ((MIN_V_BLANK / period) as u32 + 1).max(V_FRONT_PORCH + sync + V_BACK_PORCH);
    let (total_width, total_height) = (width + H_BLANK, height + blank);
    let exact = f64::from(refresh) * f64::from(total_width) * f64::from(total_height);
    let clock = (exact / CLOCK_STEP).floor() * CLOCK_STEP;
    if !(1.0..=f64::from(u32::MAX)).contains(&clock) {
        return None;
    }
    let line = |visible: u32, front: u32, sync: u32, total: u32| {
        let numbers = [visible, visible + front, visible + front + sync, total];
        let [a, b, c, d] = numbers.map(|number| u16::try_from(number).ok());
        Some([a?, b?, c?, d?])
    };
    Some(Timings {
        clock: clock as u32,
        horizontal: line(width, H_FRONT_PORCH, H_SYNC, total_width)?,
        vertical: line(height, V_FRONT_PORCH, sync, total_height)?,
    })
}

/// Lines of the sync pulse: they tell the aspect ratio.
fn vertical_sync(width: u32, height: u32) -> u32 {
    match (width, height) {
        (w, h) if w * 3 == h * 4 => 4,
        (w, h) if w * 9 == h * 16 => 5,
        (w, h) if w * 10 == h * 16 => 6,
        (w, h) if w * 4 == h * 5 || w * 9 == h * 15 => 7,
        _ => 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `cvt -r` prints them.
    #[test]
    fn known_modes() {
        for (size, clock, horizontal, vertical) in [
            ((1920, 1080, 60), 138_500_000, [1920, 1968, 2000, 2080], [1080, 1083, 1088, 1111]),
            ((2560, 1440, 60), 241_500_000, [2560, 2608, 2640, 2720], [1440, 1443, 1448, 1481]),
            ((1024, 768, 60), 56_000_000, [1024, 1072, 1104, 1184], [768, 771, 775, 790]),
        ] {
            let (width, height, refresh) = size;
            let expected = Timings { clock, horizontal, vertical };
            assert_eq!(reduced_blanking(width, height, refresh), Some(expected), "{size:?}");
        }
    }

    #[test]
    fn every_size_and_rate_gives_timings_that_add_up_or_none() {
        for width in (0..=u16::MAX).step_by(1021) {
            for height in (0..=u16::MAX).step_by(1013) {
                for refresh in [0, 1, 60, 240, 600, 3000] {
                    let Some(timings) = reduced_blanking(width, height, refresh) else { continue };
                    assert!(timings.horizontal.is_sorted() && timings.vertical.is_sorted());
                    let total = f64::from(timings.horizontal[3]) * f64::from(timings.vertical[3]);
                    let rate = f64::from(timings.clock) / total;
                    assert!((rate - f64::from(refresh)).abs() <= CLOCK_STEP / total, "{timings:?}");
                }
            }
        }
        assert!(reduced_blanking(16384, 16384, 60).is_none(), "more than 4.29 GHz");
    }
}
