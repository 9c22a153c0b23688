//! Turns of a wheel that are parts of a tick. Pure sums, one for each browser: what one has left over is none of
//! another's.

/// Parts that a tick has where the desktop takes them, as in the Linux kernel's `REL_WHEEL_HI_RES`.
const PARTS: f64 = 120.0;

/// `ws,dx,dy` (extension): the wheel turns by this many ticks, right and down. For a desktop that has said
/// `smooth_wheel,True`; others do whole ticks of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Turn {
    /// To the right.
    pub dx: f64,
    /// Down.
    pub dy: f64,
}

impl Turn {
    /// Parses what follows the verb; `None` where it does not fit.
    pub(crate) fn parse(fields: &str) -> Option<Self> {
        let ticks = |text: &str| {
            let limit = f64::from(crate::input::MAX_TICKS);
            text.parse().ok().filter(|value: &f64| value.is_finite()).map(|value: f64| value.clamp(-limit, limit))
        };
        let (dx, dy) = fields.split_once(',')?;
        Some(Self { dx: ticks(dx)?, dy: ticks(dy)? })
    }
}

/// What is left over in both directions.
#[derive(Debug, Default)]
pub(crate) struct Remainder {
    x: f64,
    y: f64,
}

impl Remainder {
    /// The part of a turn that can be done now, in ticks: multiples of 1/120 where `smooth`, else whole ones.
    pub(crate) fn take(&mut self, turn: Turn, smooth: bool) -> Turn {
        let parts = if smooth { PARTS } else { 1.0 };
        Turn { dx: take(&mut self.x, turn.dx, parts), dy: take(&mut self.y, turn.dy, parts) }
    }
}

fn take(rest: &mut f64, more: f64, parts: f64) -> f64 {
    // What is left from scrolling down must not eat into the first tick of scrolling up.
    let sum = if *rest * more < 0.0 { more } else { *rest + more };
    // A third and a third and a third are one, whatever binary fractions think of it.
    let (scaled, rounded) = (sum * parts, (sum * parts).round());
    let done = if (scaled - rounded).abs() < 1e-6 { rounded } else { scaled.trunc() } / parts;
    *rest = sum - done;
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn turns_are_parsed_and_bounded() {
        assert_eq!(Turn::parse("0.25,-1"), Some(Turn { dx: 0.25, dy: -1.0 }));
        assert_eq!(Turn::parse("1e9,-1e9"), Some(Turn { dx: 10.0, dy: -10.0 }));
        for bad in ["", "1", "1,NaN", "inf,1", "1,1,1", "x,1"] {
            assert_eq!(Turn::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn parts_add_up_to_ticks() {
        let mut rest = Remainder::default();
        let third = Turn { dx: -1.0 / 3.0, dy: 1.0 / 3.0 };
        let mut ticks = std::iter::repeat_with(|| rest.take(third, false));
        let ticks: Vec<_> = ticks.by_ref().take(3).map(|turn| (turn.dx, turn.dy)).collect();
        assert_eq!(ticks, [(0.0, 0.0), (0.0, 0.0), (-1.0, 1.0)]);
    }

    #[test]
    fn a_change_of_direction_starts_afresh_on_its_axis_alone() {
        let mut rest = Remainder::default();
        rest.take(Turn { dx: 0.75, dy: 0.75 }, false);
        assert_eq!(rest.take(Turn { dx: 0.25, dy: -0.5 }, false), Turn { dx: 1.0, dy: 0.0 });
        assert_eq!(rest.take(Turn { dx: 0.0, dy: -0.5 }, false), Turn { dx: 0.0, dy: -1.0 });
    }

    proptest! {
        /// Nothing is lost or doubled while the direction stays.
        #[test]
        fn no_part_is_lost(turns in prop::collection::vec(0.0f64..3.0, 1..50), smooth: bool) {
            let mut rest = Remainder::default();
            let wanted: f64 = turns.iter().sum();
            let done: f64 = turns.iter().map(|&dy| rest.take(Turn { dx: 0.0, dy }, smooth).dy).sum();
            let least = if smooth { 1.0 / PARTS } else { 1.0 };
            prop_assert!((wanted - done).abs() < least + 1e-6);
        }
    }
}
