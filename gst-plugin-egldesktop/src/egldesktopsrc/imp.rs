//! GObject side of `egldesktopsrc`: properties, caps, and the loop that turns the cadence into buffers.

// The derive writes public accessors; what they mean stands in the properties' blurbs.
#![allow(missing_docs)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use gst_base::subclass::base_src::CreateSuccess;
use gst_base::subclass::prelude::*;
use tile_convert::{TileGrid, TileSet};

use super::caps;
use crate::capture::{
    Cadence, CaptureError, Frame, Framebuffer, Layout, Method, Ring, Screen, Size, Step, Waker, open_framebuffer,
};
use crate::events;

static CAT: LazyLock<gst::DebugCategory> =
    LazyLock::new(|| gst::DebugCategory::new("egldesktopsrc", gst::DebugColorFlags::empty(), Some("X screen capture")));

/// What the streaming thread works with while started.
struct Capture {
    screen: Screen,
    framebuffer: Box<dyn Framebuffer>,
    cadence: Cadence,
    /// From the first negotiation on.
    frames: Option<Frames>,
}

/// The frames of the negotiated caps.
struct Frames {
    ring: Ring,
    damage: TileSet,
    /// The last picture, to send again.
    last: Option<gst::Buffer>,
}

/// What a step of the capture came to.
enum Progress {
    /// A picture to push.
    Picture(gst::Buffer),
    /// The screen has this size now, which needs new caps.
    Resized(Size),
    /// Nothing yet.
    Nothing,
}

// Lock order: `capture` before `size`. `capture` is held by the streaming thread while it waits, so nothing
// that another thread calls may take it, but for start and stop, which basesrc calls without a streaming thread.
#[derive(Default, glib::Properties)]
#[properties(wrapper_type = super::EglDesktopSrc)]
pub struct EglDesktopSrc {
    /// The X display to capture.
    #[property(
        get, set, name = "display-name", nick = "Display name",
        blurb = "X display to capture, such as :0 (unset = the environment's DISPLAY)",
        builder().mutable_ready()
    )]
    display_name: Mutex<Option<String>>,
    /// How the screen is captured.
    #[property(
        get, set, name = "capture-method", nick = "Capture method",
        blurb = "How to read the screen; a method that can't be taken is an error, unless it is auto",
        builder(Method::Auto).mutable_ready()
    )]
    capture_method: Mutex<Method>,
    /// What `auto` came to.
    #[property(
        get,
        name = "active-method",
        nick = "Active method",
        blurb = "How the screen is read at present (auto while stopped)",
        builder(Method::Auto)
    )]
    active_method: Mutex<Method>,
    /// Why not a better one.
    #[property(
        get,
        name = "declined-methods",
        nick = "Declined methods",
        blurb = "Which better methods could not be taken, and why (unset = none)"
    )]
    declined_methods: Mutex<Option<String>>,
    capture: Mutex<Option<Capture>>,
    /// Size of the screen while started, for caps queries from any thread.
    size: Mutex<Option<Size>>,
    waker: Mutex<Option<std::sync::Arc<Waker>>>,
    flushing: AtomicBool,
    refresh: AtomicBool,
    /// Nobody watches.
    idle: AtomicBool,
}

/// A panic under a lock leaves plain values behind that stay valid.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[glib::object_subclass]
impl ObjectSubclass for EglDesktopSrc {
    const NAME: &'static str = "GstEglDesktopSrc";
    type Type = super::EglDesktopSrc;
    type ParentType = gst_base::PushSrc;
}

#[glib::derived_properties]
impl ObjectImpl for EglDesktopSrc {
    fn constructed(&self) {
        self.parent_constructed();
        let obj = self.obj();
        obj.set_live(true);
        obj.set_format(gst::Format::Time);
    }
}

impl GstObjectImpl for EglDesktopSrc {}

impl ElementImpl for EglDesktopSrc {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "EGL desktop source",
                "Source/Video",
                "Captures an X screen; pushes a frame when something was drawn",
                "The egldesktop authors",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let template =
                gst::PadTemplate::new("src", gst::PadDirection::Src, gst::PadPresence::Always, &caps::all(None));
            template.into_iter().collect()
        });
        &TEMPLATES
    }
}

impl BaseSrcImpl for EglDesktopSrc {
    fn start(&self) -> Result<(), gst::ErrorMessage> {
        let display_name = lock(&self.display_name).clone();
        let screen = Screen::open(display_name.as_deref()).map_err(|error| {
            let display = display_name.or_else(|| std::env::var("DISPLAY").ok()).unwrap_or_default();
            gst::error_msg!(
                gst::ResourceError::OpenRead,
                ("Cannot capture X display \"{display}\": {error}"),
                ["set display-name or DISPLAY to a running X server, and XAUTHORITY to its cookie"]
            )
        })?;
        let waker = Waker::new()
            .map_err(|error| gst::error_msg!(gst::ResourceError::Failed, ("Cannot make an eventfd: {error}")))?;
        let framebuffer = self.open_framebuffer(&screen).map_err(|error| {
            let method = lock(&self.capture_method);
            gst::error_msg!(gst::ResourceError::OpenRead, ("Cannot capture by the method {method:?}: {error}"))
        })?;

        *lock(&self.size) = Some(screen.size());
        *lock(&self.waker) = Some(waker.into());
        self.idle.store(false, Ordering::SeqCst);
        let cadence = Cadence::new(caps::DEFAULT_FRAMERATE.into());
        *lock(&self.capture) = Some(Capture { screen, framebuffer, cadence, frames: None });
        Ok(())
    }

    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        *lock(&self.capture) = None;
        *lock(&self.size) = None;
        *lock(&self.waker) = None;
        *lock(&self.active_method) = Method::Auto;
        Ok(())
    }

    fn is_seekable(&self) -> bool {
        false
    }

    fn caps(&self, filter: Option<&gst::Caps>) -> Option<gst::Caps> {
        let caps = caps::all(*lock(&self.size));
        Some(match filter {
            Some(filter) => filter.intersect_with_mode(&caps, gst::CapsIntersectMode::First),
            None => caps,
        })
    }

    fn fixate(&self, caps: gst::Caps) -> gst::Caps {
        self.parent_fixate(caps::fixate(caps))
    }

    /// Called by the streaming thread itself (negotiation), outside of create().
    fn set_caps(&self, caps: &gst::Caps) -> Result<(), gst::LoggableError> {
        let rate = caps::rate(caps).ok_or_else(|| gst::loggable_error!(CAT, "no frame rate in {caps}"))?;
        let layout = caps::layout(caps).ok_or_else(|| gst::loggable_error!(CAT, "no known format in {caps}"))?;
        gst::info!(CAT, imp = self, "{:?}, at most {rate} frames per second", layout.format);
        if let Some(capture) = lock(&self.capture).as_mut() {
            capture.cadence.set_rate(rate);
            if capture.frames.as_ref().is_none_or(|frames| *frames.ring.layout() != layout) {
                capture.frames = Some(Frames::new(layout));
            }
        }
        Ok(())
    }

    fn event(&self, event: &gst::Event) -> bool {
        if let Some(idle) = events::parse_idle(event) {
            gst::debug!(CAT, imp = self, "{}", if idle { "nobody watches" } else { "somebody watches" });
            self.idle.store(idle, Ordering::SeqCst);
            self.wake();
            return true;
        }
        let wanted = events::is_refresh(event) || gst_video::UpstreamForceKeyUnitEvent::parse(event).is_ok();
        if wanted {
            gst::debug!(CAT, imp = self, "a picture is wanted");
            self.refresh.store(true, Ordering::SeqCst);
            self.wake();
        }
        wanted || self.parent_event(event)
    }

    fn query(&self, query: &mut gst::QueryRef) -> bool {
        if let gst::QueryViewMut::Latency(query) = query.view_mut() {
            // A frame goes out as soon as it is taken.
            query.set(true, gst::ClockTime::ZERO, gst::ClockTime::NONE);
            return true;
        }
        BaseSrcImplExt::parent_query(self, query)
    }

    fn unlock(&self) -> Result<(), gst::ErrorMessage> {
        self.flushing.store(true, Ordering::SeqCst);
        self.wake();
        Ok(())
    }

    fn unlock_stop(&self) -> Result<(), gst::ErrorMessage> {
        self.flushing.store(false, Ordering::SeqCst);
        Ok(())
    }
}

impl PushSrcImpl for EglDesktopSrc {
    fn create(&self, _buffer: Option<&mut gst::BufferRef>) -> Result<CreateSuccess, gst::FlowError> {
        loop {
            // Taken anew for each step: new caps call back into set_caps.
            match self.advance()? {
                Progress::Picture(buffer) => {
                    if let Some(buffer) = self.stamped(buffer) {
                        return Ok(CreateSuccess::NewBuffer(buffer));
                    }
                }
                Progress::Resized(size) => self.resize(size)?,
                Progress::Nothing => {}
            }
        }
    }
}

impl EglDesktopSrc {
    fn wake(&self) {
        if let Some(waker) = lock(&self.waker).as_ref() {
            waker.wake();
        }
    }

    /// The framebuffer to read from; tells in the properties which, and why no better one.
    fn open_framebuffer(&self, screen: &Screen) -> Result<Box<dyn Framebuffer>, CaptureError> {
        let mut declined = Vec::new();
        let framebuffer = open_framebuffer(screen, *lock(&self.capture_method), |method, reason| {
            declined.push(format!("{method:?}: {reason}"));
        })?;
        let declined = declined.join("; ");
        gst::info!(CAT, imp = self, "capturing {:?} by {:?} ({declined})", screen.size(), framebuffer.method());
        *lock(&self.active_method) = framebuffer.method();
        *lock(&self.declined_methods) = Some(declined).filter(|text| !text.is_empty());
        Ok(framebuffer)
    }

    /// Does the next thing that is due, or waits for it.
    fn advance(&self) -> Result<Progress, gst::FlowError> {
        let waker = lock(&self.waker).clone().ok_or(gst::FlowError::Flushing)?;
        if self.flushing.load(Ordering::SeqCst) {
            return Err(gst::FlowError::Flushing);
        }
        let mut guard = lock(&self.capture);
        let capture = guard.as_mut().ok_or(gst::FlowError::Flushing)?;
        capture.cadence.set_idle(self.idle.load(Ordering::SeqCst));
        match capture.advance(&waker, self.refresh.swap(false, Ordering::SeqCst)) {
            Ok(progress) => Ok(progress),
            Err(CaptureError::Resized) => {
                gst::debug!(CAT, imp = self, "resized while capturing");
                Ok(Progress::Nothing)
            }
            Err(error) => {
                gst::element_imp_error!(self, gst::ResourceError::Read, ("Capturing the X display failed: {error}"));
                Err(gst::FlowError::Error)
            }
        }
    }

    /// New caps for a new size of the screen, with everything else as negotiated.
    fn resize(&self, size: Size) -> Result<(), gst::FlowError> {
        gst::info!(CAT, imp = self, "the screen is {size:?} now");
        *lock(&self.size) = Some(size);
        if let Some(Capture { screen, framebuffer, .. }) = lock(&self.capture).as_mut() {
            framebuffer.close(screen);
            *framebuffer = self.open_framebuffer(screen).map_err(|error| {
                gst::element_imp_error!(self, gst::ResourceError::Read, ("Capturing after a resize failed: {error}"));
                gst::FlowError::Error
            })?;
        }
        let obj = self.obj();
        let caps = obj.src_pad().current_caps().ok_or(gst::FlowError::NotNegotiated)?;
        obj.set_caps(&caps::resized(caps, size)).map_err(|_| gst::FlowError::NotNegotiated)
    }

    /// The same memory with the time of now. `None` before there is a clock.
    fn stamped(&self, buffer: gst::Buffer) -> Option<gst::Buffer> {
        let mut buffer = buffer;
        let now = self.obj().current_running_time()?;
        buffer.make_mut().set_pts(now);
        Some(buffer)
    }
}

impl Frames {
    fn new(layout: Layout) -> Self {
        let damage = TileSet::new(TileGrid::new(layout.size.width, layout.size.height));
        Self { ring: Ring::new(layout), damage, last: None }
    }
}

impl Capture {
    /// Does the next thing that the cadence wants.
    fn advance(&mut self, waker: &Waker, refresh: bool) -> Result<Progress, CaptureError> {
        self.screen.process_events()?;
        if refresh {
            self.cadence.request_refresh();
        }
        // Negotiation comes before the first buffer.
        let Some(Frames { ring, damage, last }) = &mut self.frames else { return Ok(Progress::Nothing) };
        let (now, size) = (Instant::now(), self.screen.size());
        if ring.layout().size != size {
            return Ok(Progress::Resized(size));
        }
        match (self.cadence.step(now, self.screen.damaged()), &last) {
            (Step::Wait(due), Some(_)) => {
                self.screen.wait(waker, due)?;
                Ok(Progress::Nothing)
            }
            (Step::Repeat, Some(last)) => {
                self.cadence.repeated(now);
                Ok(Progress::Picture(last.copy()))
            }
            _ => {
                damage.clear();
                match last {
                    Some(_) => self.screen.take_damage(damage)?,
                    None => self.screen.take_all(damage)?,
                }
                let source = self.framebuffer.source(&self.screen, size, damage)?;
                let previous = last.as_ref().and_then(|last| last.map_readable().ok());
                let frame = ring.render(&source, damage, previous.as_deref())?;
                drop(previous);
                match frame {
                    Some(frame) => {
                        let buffer = gst::Buffer::from_slice::<Frame>(frame);
                        *last = Some(buffer.clone());
                        self.cadence.captured(now);
                        Ok(Progress::Picture(buffer))
                    }
                    None => {
                        self.cadence.looked(now);
                        Ok(Progress::Nothing)
                    }
                }
            }
        }
    }
}
