//! What a process has used.

use std::fs;
use std::io::ErrorKind;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::time::{ClockId, clock_gettime};

/// CPU time of this process, with the threads that have ended.
pub fn own_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// CPU time of another process. Its `stat` has ticks of 10 ms, which is more than some captures use in a run; this has
/// nanoseconds. Threads that have ended are missing: an X server's don't.
pub fn cpu(process: u32) -> Result<Duration> {
    let nanoseconds = sum(process, "schedstat", |text| text.split_ascii_whitespace().next()?.parse().ok())?;
    Ok(Duration::from_nanos(nanoseconds))
}

/// How often the threads of a process have gone to sleep.
pub fn sleeps(process: u32) -> Result<u64> {
    sum(process, "status", |text| {
        text.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?.trim().parse().ok()
    })
}

/// CPU time of a process and of all that it has started and that run now. In ticks of 10 ms, with the threads that have
/// ended.
pub fn tree_cpu(process: u32) -> Result<Duration> {
    let ticks: u64 = tree(process)?.into_iter().filter_map(ticks).sum();
    Ok(Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second()))
}

/// Time that all CPUs together have spent doing nothing since the machine started, and time in all (proc(5): `stat`).
pub fn machine_idle() -> Result<(Duration, Duration)> {
    let text = fs::read_to_string("/proc/stat")?;
    let line = text.lines().next().context("/proc/stat is empty")?;
    // Guests' time, the ninth and tenth, is in the first two.
    let ticks: Vec<u64> = line.split_ascii_whitespace().skip(1).take(8).filter_map(|it| it.parse().ok()).collect();
    let duration = |ticks: u64| Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second());
    let idle = ticks.get(3..5).context("/proc/stat is not understood")?.iter().sum();
    Ok((duration(idle), duration(ticks.iter().sum())))
}

/// Bytes of memory of a process and of all that it has started: what they share counts once.
pub fn tree_memory(process: u32) -> Result<u64> {
    let of_one = |id: u32| {
        let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()
    };
    Ok(tree(process)?.into_iter().filter_map(of_one).sum::<u64>() << 10)
}

/// User and system time of a process (proc(5): `stat`, fields 14 and 15).
fn ticks(process: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, in parentheses, may have spaces.
    let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace();
    let user: u64 = fields.nth(11)?.parse().ok()?;
    Some(user + fields.next()?.parse::<u64>().ok()?)
}

/// A process and what it has started, directly or not.
fn tree(root: u32) -> Result<Vec<u32>> {
    let parent = |id: u32| {
        let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        text.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse::<u32>().ok()
    };
    let mut others: Vec<(u32, u32)> = fs::read_dir("/proc")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|id| Some((id, parent(id)?)))
        .collect();
    let mut found = vec![root];
    loop {
        let before = found.len();
        others.retain(|(id, parent)| {
            let ours = found.contains(parent);
            if ours {
                found.push(*id);
            }
            !ours
        });
        if found.len() == before {
            return Ok(found);
        }
    }
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
