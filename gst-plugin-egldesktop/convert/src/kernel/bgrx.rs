//! BGRx to BGRx: a comparing copy. Simple enough for the compiler to vectorise, for whatever CPU the caller is
//! compiled for.

use super::{BLOCK, RowPair};

const PADDING: u32 = u32::from_ne_bytes([0, 0, 0, 255]);

/// Copies a block, and returns whether it was another one before.
///
/// # Safety
///
/// As for [`super::PairFn`].
#[inline(always)]
pub(super) unsafe fn copy(pair: RowPair) -> bool {
    let mut changed = false;
    for (source, target) in pair.source.into_iter().zip(pair.rows) {
        let target = target.cast::<[u32; BLOCK]>();
        // SAFETY: the caller vouches for both; nothing is assumed of the alignment. The source is copied out once, so
        // that what is compared is what is written even if another process draws meanwhile.
        let (new, old) = unsafe { (source.cast::<[u32; BLOCK]>().read_unaligned(), target.read_unaligned()) };
        let new = new.map(|pixel| pixel | PADDING);
        let difference = new.iter().zip(&old).fold(0, |difference, (new, old)| difference | (new ^ old));
        if difference != 0 {
            // SAFETY: as above.
            unsafe { target.write_unaligned(new) };
            changed = true;
        }
    }
    changed
}
