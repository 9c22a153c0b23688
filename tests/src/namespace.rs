//! A network of one's own, with nothing but the loopback.
//!
//! libnice and Chromium talk to every interface they find (UPnP, mDNS); in here there is none. And every test can use
//! the same ports.

use std::process::Command;

use rustix::thread::{UnshareFlags, unshare_unsafe};

/// Runs a test in a network namespace of its own. What it starts is in there as well.
///
/// # Panics
/// When the test does, and when there is no permission to make a namespace.
pub fn isolated(test: impl AsyncFnOnce() -> anyhow::Result<()> + Send + 'static) {
    // A thread of its own: the namespace is the thread's, and of what it starts from then on.
    let thread = std::thread::spawn(|| {
        // SAFETY: only the network namespace is unshared, which no other thread's memory or files depend on.
        let unshared = unsafe { unshare_unsafe(UnshareFlags::NEWNET) };
        unshared
            .expect("making a network namespace needs root; as another user: unshare --user --map-root-user make e2e");
        let up =
            Command::new("ip").args(["link", "set", "lo", "up"]).status().expect("cannot run ip (package iproute2)");
        assert!(up.success(), "the loopback does not come up");
        // One thread, so that everything stays inside.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("no runtime");
        runtime.block_on(test())
    });
    match thread.join() {
        Ok(Ok(())) => {}
        Ok(Err(error)) => panic!("{error:?}"),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Gives the namespace an address that is not the loopback's, which libnice leaves out: for [`crate::native`].
pub fn add_address() -> anyhow::Result<()> {
    for arguments in [
        "link add lan0 type veth peer name lan1",
        "address add 10.77.0.1/24 dev lan0",
        "link set lan0 up",
        "link set lan1 up",
    ] {
        let status = Command::new("ip").args(arguments.split(' ')).status()?;
        anyhow::ensure!(status.success(), "ip {arguments}: {status}");
    }
    Ok(())
}
