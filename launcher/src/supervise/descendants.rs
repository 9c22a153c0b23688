//! Processes below us that we did not start ourselves: a desktop session's children's children. As their subreaper we
//! inherit them when their parents end, and so can reap them, and end them before we end.

use std::{
    collections::BTreeSet,
    fs, io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, wait, waitpid};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{Instant, sleep},
};

/// Process ids of children that tokio waits for. Reaping one of those from here would take its exit status away.
pub(crate) type Owned = Arc<Mutex<BTreeSet<i32>>>;

const POLL: Duration = Duration::from_millis(20);

#[derive(Debug, PartialEq, Eq)]
struct Process {
    pid: i32,
    parent: i32,
    zombie: bool,
}

/// Orphans below us become our children, as they do for PID 1.
pub(crate) fn become_subreaper() -> io::Result<()> {
    Ok(set_child_subreaper(Some(getpid()))?)
}

/// Reaps orphans as they end, until dropped.
pub(crate) async fn reap_forever(owned: Owned) -> io::Result<()> {
    let mut ended = signal(SignalKind::child())?;
    loop {
        ended.recv().await;
        reap(&owned);
        // A burst of exits costs one walk through /proc, not one each.
        sleep(Duration::from_millis(100)).await;
    }
}

/// Asks every process below us to end, and ends those that do not.
pub(crate) async fn terminate_all(owned: &Owned, patience: Duration) {
    terminate(owned, patience, false).await;
}

/// The same, without the children that somebody keeps running.
pub(crate) async fn terminate_strays(owned: &Owned, patience: Duration) {
    terminate(owned, patience, true).await;
}

async fn terminate(owned: &Owned, patience: Duration, spare_owned: bool) {
    let wanted = || {
        let mut found = descendants();
        if spare_owned {
            let owned = owned.lock().unwrap_or_else(PoisonError::into_inner);
            found.retain(|pid| !owned.contains(pid));
        }
        found
    };
    for (signal, patience) in [(Signal::TERM, patience), (Signal::KILL, Duration::from_secs(2))] {
        let deadline = Instant::now() + patience;
        let mut asked = BTreeSet::new();
        loop {
            reap(owned);
            let rest = wanted();
            if rest.is_empty() {
                return;
            }
            // Whoever is new was forked while we asked the others.
            for pid in rest.into_iter().filter(|pid| asked.insert(*pid)) {
                send(pid, signal);
            }
            if Instant::now() >= deadline {
                break;
            }
            sleep(POLL).await;
        }
    }
    let rest = wanted();
    if !rest.is_empty() {
        tracing::warn!("processes that do not end: {rest:?}");
    }
}

/// Ends every process below us at once, and reaps them: nobody waits for anything any more.
pub(crate) fn kill_all() {
    // Several rounds, because a process can fork while we look.
    for _ in 0..100 {
        descendants().into_iter().for_each(|pid| send(pid, Signal::KILL));
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some(_)) => {}
                Ok(None) => break,
                // There are no children left.
                Err(_) => return,
            }
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn reap(owned: &Owned) {
    let owned = owned.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let me = getpid().as_raw_nonzero().get();
    for process in processes().into_iter().filter(|process| process.zombie && process.parent == me) {
        if owned.contains(&process.pid) {
            continue;
        }
        if let Some(pid) = Pid::from_raw(process.pid) {
            // An error means that somebody else has reaped it.
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }
}

fn send(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        // It may have ended since we looked.
        let _ = kill_process(pid, signal);
    }
}

/// Living processes below us.
fn descendants() -> Vec<i32> {
    let me = getpid().as_raw_nonzero().get();
    let first = below(me, &processes());
    // A walk through /proc takes its time. A process whose parent ends meanwhile seems to be nobody's, and only a second
    // walk finds it again, as ours.
    if first.is_empty() { below(me, &processes()) } else { first }
}

fn below(root: i32, processes: &[Process]) -> Vec<i32> {
    let mut found = BTreeSet::from([root]);
    // Parents can have higher numbers than their children, so until nothing is added.
    loop {
        let before = found.len();
        found.extend(
            processes
                .iter()
                .filter(|process| found.contains(&process.parent))
                .map(|process| process.pid)
                .collect::<Vec<_>>(),
        );
        if found.len() == before {
            break;
        }
    }
    let lives = |process: &&Process| !process.zombie && process.pid != root && found.contains(&process.pid);
    processes.iter().filter(lives).map(|process| process.pid).collect()
}

fn processes() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let numbered = entries.flatten().filter(|entry| entry.file_name().as_encoded_bytes()[0].is_ascii_digit());
    // A process can end between being listed and being read.
    numbered.filter_map(|entry| parse_stat(&fs::read_to_string(entry.path().join("stat")).ok()?)).collect()
}

/// `pid (name) state parent …`, where the name can hold anything, parentheses and spaces too.
fn parse_stat(stat: &str) -> Option<Process> {
    let (pid, rest) = stat.split_once(' ')?;
    let (_, rest) = rest.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    Some(Process { pid: pid.parse().ok()?, parent: fields.next()?.parse().ok()?, zombie: matches!(state, "Z" | "X") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_lines_are_read_whatever_the_process_is_called() {
        let process = parse_stat("42 (a) b (c) S 7 42 42 0 -1").unwrap();
        assert_eq!(process, Process { pid: 42, parent: 7, zombie: false });
        assert!(parse_stat("42 (x) Z 7 42").unwrap().zombie);
        assert_eq!(parse_stat("garbage"), None);
    }

    #[test]
    fn everything_below_is_found_in_any_order() {
        let process = |pid, parent, zombie| Process { pid, parent, zombie };
        let all = [
            process(5, 9, false),
            process(9, 2, false),
            process(3, 2, true),
            process(4, 1, false),
            process(2, 1, false),
        ];
        assert_eq!(below(2, &all), [5, 9]);
    }
}
