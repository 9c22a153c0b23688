//! A network of one's own, with nothing but the loopback.
//!
//! libnice and Chromium talk to every interface they find (UPnP, mDNS); in here there is none. And every test can use
//! the same ports.

use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use rustix::thread::{UnshareFlags, unshare_unsafe};

/// No test takes this long. One that waits forever fails, and does not keep the others from being seen.
const LIMIT: Duration = Duration::from_secs(300);

/// Runs a test in a network namespace of its own. What it starts is in there as well.
///
/// # Panics
/// When the test does or takes too long, and when there is no permission to make a namespace.
pub fn isolated(test: impl AsyncFnOnce() -> anyhow::Result<()> + Send + 'static) {
    isolated_however_long(async || limited(test).await);
}

/// Ends a test that waits forever.
pub(crate) async fn limited(test: impl AsyncFnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let result = tokio::time::timeout(LIMIT, test()).await;
    result.with_context(|| format!("it waits for something that does not come: it was ended after {LIMIT:?}"))?
}

/// The same for what takes as long as it takes: a benchmark, a soak.
///
/// # Panics
/// As [`isolated`], without a limit of time.
pub fn isolated_however_long(program: impl AsyncFnOnce() -> anyhow::Result<()> + Send + 'static) {
    // A thread of its own: the namespace is the thread's, and of what it starts from then on.
    let thread = std::thread::spawn(|| run(program));
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Moves this thread to a namespace of its own, for good, and runs a test there.
pub(crate) fn run(test: impl AsyncFnOnce() -> anyhow::Result<()>) {
    // SAFETY: only the network namespace is unshared, which no other thread's memory or files depend on.
    let unshared = unsafe { unshare_unsafe(UnshareFlags::NEWNET) };
    unshared.expect("making a network namespace needs root; as another user: unshare --user --map-root-user make e2e");
    ip("link set lo up").expect("the loopback does not come up");
    // One thread, so that everything stays inside.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("no runtime");
    if let Err(error) = runtime.block_on(test()) {
        panic!("{error:?}");
    }
}

/// Runs `ip` in the namespace of this thread.
pub(crate) fn ip(arguments: &str) -> anyhow::Result<()> {
    let status = Command::new("ip").args(arguments.split(' ')).status().context("cannot run ip (package iproute2)")?;
    anyhow::ensure!(status.success(), "ip {arguments}: {status}");
    Ok(())
}

/// Runs a test in a network namespace that looks like one with a way to everywhere, for [`crate::firefox`]: it takes the
/// address that packets to the internet would go out from, and has no WebRTC where there is none. Nothing gets out.
///
/// # Panics
/// As [`isolated`] does.
pub fn routed(test: impl AsyncFnOnce() -> anyhow::Result<()> + Send + 'static) {
    isolated(async || {
        add_address()?;
        ip("route add default dev lan0")?;
        test().await
    });
}

/// What [`add_ipv6_address`] adds: a unique local address (RFC 4193).
pub const IPV6: &str = "fd77::1";

/// Gives the namespace an address that is not the loopback's, which libnice leaves out: for [`crate::native`].
pub fn add_address() -> anyhow::Result<()> {
    add_link()?;
    ip("address add 10.77.0.1/24 dev lan0")
}

/// The same of IPv6: [`IPV6`].
pub fn add_ipv6_address() -> anyhow::Result<()> {
    add_link()?;
    // Nobody else can have it, so nobody is asked.
    ip(&format!("address add {IPV6}/64 dev lan0 nodad"))?;
    // Browsers offer no address that leads nowhere.
    ip("route add default via fd77::2 dev lan0")
}

fn add_link() -> anyhow::Result<()> {
    ip("link add lan0 type veth peer name lan1")?;
    for end in ["lan0", "lan1"] {
        // Else it gets an address of IPv6, a second or two later, and a browser that loads a page then lets its requests fail.
        ip(&format!("link set {end} addrgenmode none"))?;
        ip(&format!("link set {end} up"))?;
    }
    Ok(())
}
