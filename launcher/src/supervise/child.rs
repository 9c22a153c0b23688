//! One child process.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    ffi::OsString,
    io,
    os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use rustix::process::{Pid, Signal, getpid, getppid, kill_process_group, set_parent_process_death_signal};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::Command,
    sync::watch,
    time::timeout,
};

use super::{descendants::Owned, lines::Lines};

/// How many of its last lines an error about a child shows.
const TAIL: usize = 8;

/// What to start.
#[derive(Debug)]
pub(crate) struct Spec {
    pub(crate) name: &'static str,
    pub(crate) program: &'static str,
    pub(crate) arguments: Vec<OsString>,
    /// Kept open in the child under their own numbers, and closed here once it runs.
    pub(crate) pass: Vec<OwnedFd>,
    /// On top of the environment that all children get.
    pub(crate) environment: Vec<(&'static str, OsString)>,
    /// What to install when the program is not there.
    pub(crate) package: &'static str,
}

/// What is different in the environment of the children.
#[derive(Debug, Clone, Default)]
pub(crate) struct ChildEnvironment {
    set: BTreeMap<&'static str, OsString>,
    unset: BTreeSet<&'static str>,
}

/// Starts children. Must stay on the main thread: a child is told of its parent's death when the *thread* that started
/// it ends, and of all threads only the main one lives as long as the process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spawner {
    pub(crate) environment: ChildEnvironment,
    pub(crate) owned: Owned,
}

/// A running (or ended) child.
#[derive(Debug, Clone)]
pub(crate) struct Child {
    pub(crate) name: &'static str,
    pid: Pid,
    status: watch::Receiver<Option<ExitStatus>>,
    tail: Arc<Mutex<VecDeque<String>>>,
    /// We have asked it to end.
    stopping: Arc<AtomicBool>,
}

impl ChildEnvironment {
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<OsString>) {
        self.unset.remove(name);
        self.set.insert(name, value.into());
    }

    /// Puts a library before those that programs are to load already (ld.so(8), LD_PRELOAD).
    pub(crate) fn preload(&mut self, library: &Path) {
        const NAME: &str = "LD_PRELOAD";
        let others = self.set.get(NAME).cloned().or_else(|| std::env::var_os(NAME));
        let mut libraries = library.as_os_str().to_owned();
        if let Some(others) = others.filter(|others| !others.is_empty()) {
            libraries.push(":");
            libraries.push(others);
        }
        self.set(NAME, libraries);
    }

    pub(crate) fn unset(&mut self, name: &'static str) {
        self.set.remove(name);
        self.unset.insert(name);
    }
}

impl Spawner {
    pub(crate) fn spawn(&self, spec: Spec) -> anyhow::Result<Child> {
        let mut command = Command::new(spec.program);
        command.args(&spec.arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.environment.unset.iter().for_each(|name| _ = command.env_remove(name));
        command.envs(&self.environment.set).envs(spec.environment);
        // A terminal on the desktop opens where its user is at home, not where somebody started the desktop.
        if let Some(home) = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_dir()) {
            command.current_dir(home);
        }
        // Ctrl-C in a terminal goes to the whole foreground group; the children end when we tell them, in our order.
        command.process_group(0);
        let parent = getpid();
        let pass: Vec<RawFd> = spec.pass.iter().map(AsRawFd::as_raw_fd).collect();
        // SAFETY: between fork and exec only async-signal-safe calls are allowed: `prepare` makes system calls only, and
        // neither allocates nor locks.
        unsafe {
            command.pre_exec(move || prepare(parent, &pass));
        }
        let mut process = command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => anyhow!("{} is not installed (Debian package {})", spec.program, spec.package),
            _ => anyhow!("{} cannot be started: {error}", spec.program),
        })?;
        let pid = process
            .id()
            .and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?))
            .context("a child without a process id")?;
        let raw_pid = pid.as_raw_nonzero().get();
        self.owned.lock().unwrap_or_else(PoisonError::into_inner).insert(raw_pid);
        tracing::debug!(child = spec.name, "started as process {raw_pid}");

        let tail = Arc::new(Mutex::new(VecDeque::new()));
        if let Some(output) = process.stdout.take() {
            tokio::spawn(log(spec.name, output, tail.clone()));
        }
        if let Some(output) = process.stderr.take() {
            tokio::spawn(log(spec.name, output, tail.clone()));
        }
        let (sender, status) = watch::channel(None);
        let owned = self.owned.clone();
        tokio::spawn(async move {
            let ended = process.wait().await;
            owned.lock().unwrap_or_else(PoisonError::into_inner).remove(&raw_pid);
            match ended {
                Ok(status) => _ = sender.send(Some(status)),
                Err(error) => tracing::warn!("waiting for process {raw_pid} failed: {error}"),
            }
        });
        Ok(Child { name: spec.name, pid, status, tail, stopping: Arc::default() })
    }
}

impl Child {
    /// How it ended, once it has.
    pub(crate) async fn wait(&self) -> anyhow::Result<ExitStatus> {
        let mut status = self.status.clone();
        let status = status.wait_for(Option::is_some).await.context("nobody waits for the process any more")?;
        (*status).context("no exit status")
    }

    /// Waits for `ready`, for the child's end or for the deadline, whichever comes first.
    pub(crate) async fn until_ready<T>(
        &self,
        limit: Duration,
        ready: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        tokio::select! {
            ready = timeout(limit, ready) => match ready {
                // A pipe that closes without a word is the child's end, seen from the other side.
                Ok(Err(error)) => match timeout(Duration::from_secs(1), self.wait()).await {
                    Ok(Ok(status)) => Err(self.ended(status)),
                    _ => Err(error.context(format!("{} does not get ready", self.name))),
                },
                Ok(ready) => ready,
                Err(_) => Err(anyhow!("{} was not ready after {} s{}", self.name, limit.as_secs(), self.last_words())),
            },
            status = self.wait() => Err(self.ended(status?)),
        }
    }

    /// That it ended, as an error with its last words.
    pub(crate) fn ended(&self, status: ExitStatus) -> anyhow::Error {
        anyhow!("{} ended ({status}){}", self.name, self.last_words())
    }

    /// Waits for its end; tells of it when nobody asked for that.
    pub(crate) async fn unexpected_end(&self) -> Option<anyhow::Error> {
        match self.wait().await {
            Ok(_) if self.stopping.load(Ordering::Relaxed) => None,
            Ok(status) => Some(self.ended(status)),
            Err(error) => Some(error),
        }
    }

    /// SIGTERM to its whole group, and SIGKILL when that takes too long.
    pub(crate) async fn stop(&self, patience: Duration) {
        self.stopping.store(true, Ordering::Relaxed);
        self.signal_group(Signal::TERM);
        if timeout(patience, self.wait()).await.is_err() {
            tracing::debug!(child = self.name, "it does not end when asked to; killing it");
            self.signal_group(Signal::KILL);
            if timeout(patience, self.wait()).await.is_err() {
                tracing::warn!(child = self.name, "it does not even end when killed");
            }
        }
    }

    /// Ends what an ended child has left in its group. To be called as soon as its end is known: as long as the group has
    /// members its number belongs to nobody else, but an empty group's number can be given away.
    pub(crate) fn end_group(&self) {
        // There is mostly nothing left.
        let _ = kill_process_group(self.pid, Signal::TERM);
    }

    fn signal_group(&self, signal: Signal) {
        // Once it has been reaped its number may be somebody else's.
        if self.status.borrow().is_none() {
            let _ = kill_process_group(self.pid, signal);
        }
    }

    fn last_words(&self) -> String {
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.iter().map(|line| format!("\n  {}: {line}", self.name)).collect()
    }
}

/// In the child, before its program.
fn prepare(parent: Pid, pass: &[RawFd]) -> io::Result<()> {
    // SIGTERM rather than SIGKILL: an X server removes its lock and socket then.
    set_parent_process_death_signal(Some(Signal::TERM))?;
    // Had the parent died before that call, no signal would ever come.
    if getppid() != Some(parent) {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    for &fd in pass {
        // SAFETY: the descriptor is open: the parent holds its OwnedFd until spawn returns.
        let fd = unsafe { BorrowedFd::borrow_raw(fd) };
        rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::empty())?;
    }
    Ok(())
}

async fn log(name: &'static str, mut output: impl AsyncRead + Unpin, tail: Arc<Mutex<VecDeque<String>>>) {
    let mut lines = Lines::default();
    let mut buffer = [0; 4096];
    let line = |line: &str| {
        tracing::debug!(child = name, "{line}");
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        if tail.len() == TAIL {
            tail.pop_front();
        }
        tail.push_back(line.to_owned());
    };
    // An error of a pipe means what its end means: nothing more comes.
    while let Ok(count @ 1..) = output.read(&mut buffer).await {
        lines.push(&buffer[..count], line);
    }
    lines.finish(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Spec {
        Spec {
            name: "shell",
            program: "sh",
            arguments: vec!["-c".into(), script.into()],
            pass: Vec::new(),
            environment: vec![("GREETING", "hello".into())],
            package: "dash",
        }
    }

    #[tokio::test]
    async fn an_early_end_is_told_with_the_last_words() {
        let child = Spawner::default().spawn(shell("echo $GREETING; echo oops >&2; exit 3")).unwrap();
        let never = std::future::pending::<anyhow::Result<()>>();
        let error = child.until_ready(Duration::from_secs(10), never).await.unwrap_err().to_string();
        assert!(error.starts_with("shell ended (exit status: 3)"), "{error}");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_told_with_its_package() {
        let spec = Spec { program: "no-such-program", package: "some-package", ..shell("") };
        let error = Spawner::default().spawn(spec).unwrap_err().to_string();
        assert_eq!(error, "no-such-program is not installed (Debian package some-package)");
    }

    #[tokio::test]
    async fn stopping_reaches_the_whole_group() {
        let child = Spawner::default().spawn(shell("sleep 100 & sleep 100; echo not reached")).unwrap();
        child.stop(Duration::from_secs(5)).await;
        assert!(child.wait().await.is_ok());
        // The one that was not our child is gone once whoever inherited it has noticed.
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while rustix::process::test_kill_process_group(child.pid).is_ok() {
            assert!(std::time::Instant::now() < deadline, "the group is still there");
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn secrets_can_be_kept_from_children() {
        let mut spawner = Spawner::default();
        spawner.environment.unset("PATH_TO_NOWHERE");
        spawner.environment.set("SEEN", "yes");
        let child = spawner.spawn(shell("test \"$SEEN\" = yes && test -z \"${PATH_TO_NOWHERE+x}\"")).unwrap();
        assert!(child.wait().await.unwrap().success());
    }
}
