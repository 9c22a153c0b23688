//! What a process has used.

use std::fs;
use std::io::ErrorKind;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::time::{ClockId, clock_gettime};

/// CPU time of this process, with the threads that have ended.
pub(crate) fn own_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// CPU time of another process. Its `stat` has ticks of 10 ms, which is more than some captures use in a run; this has
/// nanoseconds. Threads that have ended are missing: an X server's don't.
pub(crate) fn cpu(process: u32) -> Result<Duration> {
    let nanoseconds = sum(process, "schedstat", |text| text.split_ascii_whitespace().next()?.parse().ok())?;
    Ok(Duration::from_nanos(nanoseconds))
}

/// How often the threads of a process have gone to sleep.
pub(crate) fn sleeps(process: u32) -> Result<u64> {
    sum(process, "status", |text| {
        text.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?.trim().parse().ok()
    })
}

/// The sum of what a file says for each thread.
fn sum(process: u32, file: &str, read: impl Fn(&str) -> Option<u64>) -> Result<u64> {
    let folder = format!("/proc/{process}/task");
    let threads = fs::read_dir(&folder).with_context(|| format!("cannot read {folder}"))?;
    let mut sum = 0;
    for thread in threads {
        let path = thread?.path().join(file);
        match fs::read_to_string(&path) {
            Ok(text) => sum += read(&text).with_context(|| format!("{} is not understood", path.display()))?,
            // The thread ended in between.
            Err(error) if error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(3) => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_agree() {
        let id = std::process::id();
        let (before, own_before) = (cpu(id).unwrap(), own_cpu());
        let start = std::time::Instant::now();
        while start.elapsed() < Duration::from_millis(100) {
            std::hint::black_box(0);
        }
        // Sleeping makes the kernel write down what was used until now.
        std::thread::sleep(Duration::from_millis(1));
        let (used, own_used) = (cpu(id).unwrap() - before, own_cpu() - own_before);
        assert!(own_used > Duration::from_millis(5), "{own_used:?}");
        assert!(used.abs_diff(own_used) < Duration::from_millis(50), "{used:?} {own_used:?}");
    }

    #[test]
    fn sleeping_is_counted() {
        let id = std::process::id();
        let before = sleeps(id).unwrap();
        (0..5).for_each(|_| std::thread::sleep(Duration::from_millis(1)));
        assert!(sleeps(id).unwrap() >= before + 5);
    }
}
