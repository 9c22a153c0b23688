//! What copying a picture costs on this machine, now: the yardstick for everything that touches every pixel.

use std::hint::black_box;
use std::time::{Duration, Instant};

use egldesktop_bench::machine;
use rustix::time::{ClockId, clock_gettime};

/// More pairs say nothing new, and the memory has to be there.
const MOST_BYTES: usize = 1 << 30;
const TIME: Duration = Duration::from_millis(200);

/// CPU time of one copy, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Copy {
    /// The same two buffers again and again: in the cache as far as they fit.
    pub(crate) hot: f64,
    /// Each time others, so that all comes from memory and goes there.
    pub(crate) cold: f64,
}

/// Buffers to copy between.
pub(crate) struct Copier {
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Copier {
    /// For pictures of so many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        let far_more_than_the_cache = 4 * machine::last_level_cache();
        let pairs = far_more_than_the_cache.min(MOST_BYTES).div_ceil(2 * bytes).max(3);
        // Not zero: the kernel would give out one page of zeros for all of it.
        Self { pairs: (0..pairs).map(|_| (vec![1; bytes], vec![2; bytes])).collect() }
    }

    /// Copies for a while.
    pub(crate) fn measure(&mut self) -> Copy {
        Copy { hot: time(&mut self.pairs[..1]), cold: time(&mut self.pairs) }
    }
}

fn time(pairs: &mut [(Vec<u8>, Vec<u8>)]) -> f64 {
    let (start, cpu) = (Instant::now(), thread_cpu());
    let mut copies = 0;
    while start.elapsed() < TIME {
        for (from, to) in &mut *pairs {
            to.copy_from_slice(black_box(from));
            black_box(to);
            copies += 1;
        }
    }
    (thread_cpu() - cpu).as_secs_f64() * 1e3 / f64::from(copies)
}

fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
