//! Two networks, each behind a router that translates addresses, and an internet between them.
//!
//! `near 10.77.1.2 ─ router ─ 10.99.1.1 internet 10.99.2.1 ─ router ─ 10.77.2.2 far`

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use anyhow::{Context as _, Result, ensure};

use crate::firewall::MEDIA_PORTS;
use crate::namespace;

/// An address in the internet.
pub const INTERNET: &str = "10.99.1.1";
/// The outside of the near router; its TCP port 8080 leads to the near network.
pub const NEAR_ROUTER: &str = "10.99.1.2";

/// What a router does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Router {
    /// Translates addresses as the worst ones do (a symmetric NAT), and lets in only answers, and TCP to port 8080.
    Symmetric,
    /// The same, and it lets no UDP through.
    WithoutUdp,
    /// Its outside stands for the one machine inside, port by port (NAT 1:1); it lets in answers, TCP to port 8080, and UDP
    /// to [`MEDIA_PORTS`].
    OneToOne,
}

type Work = Box<dyn FnOnce() + Send>;

/// A network namespace: a thread that lives in it, and what is run there.
#[derive(Debug)]
pub struct Place {
    work: Option<Sender<Work>>,
    thread: Option<JoinHandle<()>>,
    /// Of the thread, by which `ip` finds the namespace.
    id: i32,
}

/// See the module.
#[derive(Debug)]
pub struct Networks {
    /// Where the desktop is.
    pub near: Place,
    /// Where the browser is.
    pub far: Place,
    /// Where everybody can be reached.
    pub internet: Place,
    _routers: [Place; 2],
}

impl Place {
    fn new() -> Result<Self> {
        let (work, received) = channel::<Work>();
        let (sender, id) = channel();
        let thread = std::thread::spawn(move || {
            namespace::run(async move || {
                sender.send(rustix::thread::gettid().as_raw_nonzero().get())?;
                received.iter().for_each(|work| work());
                Ok(())
            });
        });
        let id = id.recv().context("no permission to make a network namespace")?;
        Ok(Self { work: Some(work), thread: Some(thread), id })
    }

    /// Runs something there, and waits for it.
    pub fn run<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let (sender, result) = channel();
        let work: Work = Box::new(move || {
            let _ = sender.send(work());
        });
        self.work.as_ref().and_then(|place| place.send(work).ok()).context("it has ended")?;
        result.recv().context("it has ended")?
    }

    /// The same for what waits for something.
    pub fn run_async(&self, work: impl AsyncFnOnce() -> Result<()> + Send + 'static) -> Result<()> {
        // A thread in a runtime makes no other one; what this one starts is in the same namespace.
        self.run(move || {
            let thread = std::thread::spawn(move || {
                tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work())
            });
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn ip(&self, lines: Vec<String>) -> Result<()> {
        self.run(move || lines.iter().try_for_each(|line| namespace::ip(line)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.work = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Networks {
    /// Makes them.
    pub fn new(near: Router, far: Router) -> Result<Self> {
        let internet = Place::new()?;
        internet.run(forward)?;
        let mut sides = Vec::new();
        for (number, kind) in [(1, near), (2, far)] {
            let (router, inside) = (Place::new()?, Place::new()?);
            internet.ip(vec![
                format!("link add side{number} type veth peer name wan netns {}", router.id),
                format!("address add 10.99.{number}.1/24 dev side{number}"),
                format!("link set side{number} up"),
            ])?;
            router.ip(vec![
                format!("link add lan type veth peer name lan netns {}", inside.id),
                format!("address add 10.77.{number}.1/24 dev lan"),
                "link set lan up".into(),
                format!("address add 10.99.{number}.2/24 dev wan"),
                "link set wan up".into(),
                format!("route add default via 10.99.{number}.1"),
            ])?;
            inside.ip(vec![
                // See namespace.rs.
                "link set lan addrgenmode none".into(),
                format!("address add 10.77.{number}.2/24 dev lan"),
                "link set lan up".into(),
                format!("route add default via 10.77.{number}.1"),
            ])?;
            router.run(move || {
                forward()?;
                translate(number, kind)
            })?;
            sides.push((inside, router));
        }
        let (far, far_router) = sides.pop().context("no far side")?;
        let (near, near_router) = sides.pop().context("no near side")?;
        Ok(Self { near, far, internet, _routers: [near_router, far_router] })
    }
}

/// Lets this namespace pass packets on.
fn forward() -> Result<()> {
    // The file is that of the namespace of the thread which opens it.
    fs::write("/proc/sys/net/ipv4/ip_forward", "1").context("cannot turn on forwarding")
}

/// Makes a router of this namespace.
fn translate(number: u8, kind: Router) -> Result<()> {
    let (incoming, outgoing, passing) = match kind {
        Router::Symmetric => ("tcp dport 8080", "masquerade fully-random".into(), String::new()),
        Router::WithoutUdp => ("tcp dport 8080", "masquerade fully-random".into(), "meta l4proto udp drop".into()),
        Router::OneToOne => ("", format!("snat to 10.99.{number}.2"), format!("udp dport {MEDIA_PORTS} accept")),
    };
    let rules = format!(
        "table ip nat {{
           chain pre {{ type nat hook prerouting priority dstnat;
             iifname \"wan\" {incoming} dnat to 10.77.{number}.2
           }}
           chain post {{ type nat hook postrouting priority srcnat;
             oifname \"wan\" {outgoing}
           }}
           chain forw {{ type filter hook forward priority 0; policy drop;
             {passing}
             iifname \"lan\" accept
             tcp dport 8080 accept
             ct state established,related accept
           }}
         }}"
    );
    nft(&rules)
}

/// Runs `nft` with these rules in the namespace of this thread.
pub(crate) fn nft(rules: &str) -> Result<()> {
    let mut nft = Command::new("nft").args(["-f", "-"]).stdin(Stdio::piped()).spawn().context("package nftables")?;
    nft.stdin.take().context("no input")?.write_all(rules.as_bytes())?;
    let status = nft.wait()?;
    ensure!(status.success(), "nft: {status}");
    Ok(())
}
