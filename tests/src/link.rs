//! A link between two network namespaces, with the delay, loss and rate that a test wants.
//!
//! Kernels differ in what traffic control they have, so the link is in here: two TUN devices, one in each namespace, and
//! a thread for each direction that reads packets from one and, in its own time, writes them to the other.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::namespace;

/// Address of the near end, where the desktop is.
pub const NEAR: &str = "10.88.0.1";
/// Address of the far end, where the browser is.
pub const FAR: &str = "10.88.0.2";

/// The bottleneck's buffer, in time: what cannot be sent within it is dropped.
const BUFFER: Duration = Duration::from_millis(300);
/// How often an idle thread looks whether the link is gone.
const IDLE: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// How the link is at the moment; the way back has the same delay and loss, and no limit.
#[derive(Debug, Clone, Copy, Default)]
pub struct Profile {
    /// One way.
    pub delay: Duration,
    /// Share of packets, from 0 to 1.
    pub loss: f64,
    /// From the near to the far end, in bit/s; `None` for no limit.
    pub rate: Option<u64>,
}

/// The link; ends on drop.
#[derive(Debug)]
pub struct Link {
    profile: Arc<Mutex<Profile>>,
    delivered: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Link {
    /// Changes how the link is.
    pub fn set(&self, profile: Profile) {
        *lock(&self.profile) = profile;
    }

    /// How many bytes have arrived at the far end.
    pub fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::SeqCst)
    }

    fn new(near: &File, far: &File) -> Result<Self> {
        let profile = Arc::new(Mutex::new(Profile::default()));
        let delivered = Arc::new(AtomicU64::new(0));
        let ended = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        for (from, to, is_forward) in [(near, far, true), (far, near, false)] {
            let (sender, receiver) = channel();
            let mut from = from.try_clone()?;
            let mut to = to.try_clone()?;
            let (profile, over) = (profile.clone(), ended.clone());
            threads.push(std::thread::spawn(move || {
                let mut shaper = Shaper { profile, is_forward, free_at: Instant::now(), random: 1 };
                while !over.load(Ordering::SeqCst) && forward(&mut from, &mut shaper, &sender).is_ok() {}
            }));
            let count = if is_forward { delivered.clone() } else { Arc::default() };
            threads.push(std::thread::spawn(move || deliver(&receiver, &mut to, &count)));
        }
        Ok(Self { profile, delivered, ended, threads })
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Runs `near` in one namespace and then `far` in another one, with a link between the two. What `near` returns stays
/// until `far` has ended, and may be used there.
///
/// # Panics
/// When one of them does or fails, and when there is no permission to make namespaces or no `/dev/net/tun`.
pub fn between<T: Send + 'static>(
    near: impl FnOnce() -> Result<T> + Send + 'static,
    far: impl AsyncFnOnce(&Link, &T) -> Result<()> + Send + 'static,
) {
    namespace::run(async move || {
        let near_end = device(NEAR)?;
        let thing = near()?;
        let far_thread = std::thread::spawn(move || {
            namespace::run(async move || {
                let far_end = device(FAR)?;
                let link = Link::new(&near_end, &far_end)?;
                namespace::limited(async || far(&link, &thing).await).await
            });
        });
        far_thread.join().map_err(|panic| std::panic::resume_unwind(panic))
    });
}

/// One packet from the device, if there is one.
fn forward(from: &mut File, shaper: &mut Shaper, to: &Sender<(Instant, Vec<u8>)>) -> Result<()> {
    let mut fds = [PollFd::from_borrowed_fd(from.as_fd(), PollFlags::IN)];
    if poll(&mut fds, Some(&IDLE))? == 0 {
        return Ok(());
    }
    let mut packet = vec![0; 2048];
    let length = from.read(&mut packet)?;
    packet.truncate(length);
    if let Some(due) = shaper.due(length) {
        to.send((due, packet))?;
    }
    Ok(())
}

fn deliver(packets: &Receiver<(Instant, Vec<u8>)>, to: &mut File, delivered: &AtomicU64) {
    for (due, packet) in packets {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        // A device that is not up yet refuses.
        if let Ok(length) = to.write(&packet) {
            delivered.fetch_add(length as u64, Ordering::SeqCst);
        }
    }
}

struct Shaper {
    profile: Arc<Mutex<Profile>>,
    is_forward: bool,
    free_at: Instant,
    random: u64,
}

impl Shaper {
    /// When a packet of this length arrives; `None` if it does not.
    fn due(&mut self, length: usize) -> Option<Instant> {
        let profile = *lock(&self.profile);
        let now = Instant::now();
        if self.random() < profile.loss {
            return None;
        }
        let Some(rate) = profile.rate.filter(|_| self.is_forward) else { return Some(now + profile.delay) };
        let start = self.free_at.max(now);
        if start > now + BUFFER {
            return None;
        }
        self.free_at = start + Duration::from_secs_f64(length as f64 * 8.0 / rate as f64);
        Some(self.free_at + profile.delay)
    }

    /// From 0 to 1; xorshift, so that each run is alike.
    fn random(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random % 10_000) as f64 / 10_000.0
    }
}

/// A TUN device with this address, in the namespace of this thread, and the way to everywhere: browsers offer no address
/// that leads nowhere.
fn device(address: &str) -> Result<File> {
    const NAME: &str = "link0";
    let file = File::options().read(true).write(true).open("/dev/net/tun").context("/dev/net/tun is needed")?;
    let mut request = Request { name: [0; 16], flags: IFF_TUN | IFF_NO_PI, padding: [0; 22] };
    request.name[..NAME.len()].copy_from_slice(NAME.as_bytes());
    // SAFETY: TUNSETIFF reads and writes a `struct ifreq`, which `Request` has the size and layout of; the kernel keeps
    // no pointer to it.
    unsafe { rustix::ioctl::ioctl(&file, rustix::ioctl::Updater::<{ TUNSETIFF }, Request>::new(&mut request)) }
        .context("cannot make a TUN device")?;
    namespace::ip(&format!("address add {address}/24 dev {NAME}"))?;
    namespace::ip(&format!("link set {NAME} up"))?;
    namespace::ip(&format!("route add default dev {NAME}"))?;
    Ok(file)
}

/// `linux/if_tun.h`
const TUNSETIFF: rustix::ioctl::Opcode = rustix::ioctl::opcode::write::<std::ffi::c_int>(b'T', 202);
const IFF_TUN: u16 = 0x0001;
const IFF_NO_PI: u16 = 0x1000;

/// `struct ifreq` with its flags.
#[repr(C)]
struct Request {
    name: [u8; 16],
    flags: u16,
    padding: [u8; 22],
}
