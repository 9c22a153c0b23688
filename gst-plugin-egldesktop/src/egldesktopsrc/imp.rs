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
use gst_video::VideoFormat;

use crate::capture::{Cadence, CaptureError, Grabber, Screen, Size, Step, Waker, open_grabber};
use crate::events;

static CAT: LazyLock<gst::DebugCategory> =
    LazyLock::new(|| gst::DebugCategory::new("egldesktopsrc", gst::DebugColorFlags::empty(), Some("X screen capture")));

const DEFAULT_FRAMERATE: i32 = 60;

/// What the streaming thread works with while started.
struct Capture {
    screen: Screen,
    grabber: Box<dyn Grabber>,
    cadence: Cadence,
    /// The last picture and the size it has, to send again.
    last: Option<(gst::Buffer, Size)>,
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
    capture: Mutex<Option<Capture>>,
    /// Size of the screen while started, for caps queries from any thread.
    size: Mutex<Option<Size>>,
    waker: Mutex<Option<std::sync::Arc<Waker>>>,
    flushing: AtomicBool,
    refresh: AtomicBool,
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
            let template = gst::PadTemplate::new("src", gst::PadDirection::Src, gst::PadPresence::Always, &caps(None));
            template.into_iter().collect()
        });
        &TEMPLATES
    }
}

/// Variable rate first: time-true for encoders that support it. A fixed rate for those that insist; frames then come
/// at that rate at most.
fn caps(size: Option<Size>) -> gst::Caps {
    let any = || gst::IntRange::new(1, i32::from(u16::MAX));
    let rate = || gst::FractionRange::new(gst::Fraction::new(1, 1), gst::Fraction::new(1000, 1));
    let picture = || {
        let builder = gst::Structure::builder("video/x-raw").field("format", VideoFormat::Bgrx.to_str());
        let builder = builder.field("pixel-aspect-ratio", gst::Fraction::new(1, 1));
        match size {
            Some(size) => builder.field("width", i32::from(size.width)).field("height", i32::from(size.height)),
            None => builder.field("width", any()).field("height", any()),
        }
    };
    let variable = picture().field("framerate", gst::Fraction::new(0, 1)).field("max-framerate", rate());
    let fixed = picture().field("framerate", rate());
    [variable.build(), fixed.build()].into_iter().collect()
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
        let grabber = open_grabber(&screen, |name, reason| {
            gst::info!(CAT, imp = self, "not capturing by {name}: {reason}");
        });
        gst::info!(CAT, imp = self, "capturing {:?} by {}", screen.size(), grabber.name());

        *lock(&self.size) = Some(screen.size());
        *lock(&self.waker) = Some(waker.into());
        let cadence = Cadence::new(DEFAULT_FRAMERATE.into());
        *lock(&self.capture) = Some(Capture { screen, grabber, cadence, last: None });
        Ok(())
    }

    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        *lock(&self.capture) = None;
        *lock(&self.size) = None;
        *lock(&self.waker) = None;
        Ok(())
    }

    fn is_seekable(&self) -> bool {
        false
    }

    fn caps(&self, filter: Option<&gst::Caps>) -> Option<gst::Caps> {
        let caps = caps(*lock(&self.size));
        Some(match filter {
            Some(filter) => filter.intersect_with_mode(&caps, gst::CapsIntersectMode::First),
            None => caps,
        })
    }

    fn fixate(&self, mut caps: gst::Caps) -> gst::Caps {
        caps.truncate();
        if let Some(structure) = caps.make_mut().structure_mut(0) {
            let rate = gst::Fraction::new(DEFAULT_FRAMERATE, 1);
            structure.fixate_field_nearest_fraction("framerate", rate);
            if structure.has_field("max-framerate") {
                structure.fixate_field_nearest_fraction("max-framerate", rate);
            }
        }
        self.parent_fixate(caps)
    }

    fn set_caps(&self, caps: &gst::Caps) -> Result<(), gst::LoggableError> {
        let rate = rate_of(caps).ok_or_else(|| gst::loggable_error!(CAT, "no frame rate in {caps}"))?;
        gst::info!(CAT, imp = self, "at most {rate} frames per second");
        // Called by the streaming thread itself (negotiation), outside of create().
        if let Some(capture) = lock(&self.capture).as_mut() {
            capture.cadence.set_rate(rate);
        }
        Ok(())
    }

    fn event(&self, event: &gst::Event) -> bool {
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

/// The highest rate that these fixed caps allow, in frames per second.
fn rate_of(caps: &gst::Caps) -> Option<f64> {
    let structure = caps.structure(0)?;
    let fps = |field| structure.get::<gst::Fraction>(field).ok().filter(|rate| rate.numer() > 0);
    let rate = fps("framerate").or_else(|| fps("max-framerate"))?;
    Some(f64::from(rate.numer()) / f64::from(rate.denom()))
}

impl PushSrcImpl for EglDesktopSrc {
    fn create(&self, _buffer: Option<&mut gst::BufferRef>) -> Result<CreateSuccess, gst::FlowError> {
        loop {
            // Taken anew for each picture: a change of caps calls back into set_caps.
            let (buffer, size) = self.next_picture()?;
            if *lock(&self.size) != Some(size) {
                self.resize(size)?;
            }
            if let Some(buffer) = self.stamped(buffer) {
                return Ok(CreateSuccess::NewBuffer(buffer));
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

    /// Waits for the next picture, new or repeated.
    fn next_picture(&self) -> Result<(gst::Buffer, Size), gst::FlowError> {
        let waker = lock(&self.waker).clone().ok_or(gst::FlowError::Flushing)?;
        let mut guard = lock(&self.capture);
        let capture = guard.as_mut().ok_or(gst::FlowError::Flushing)?;
        loop {
            if self.flushing.load(Ordering::SeqCst) {
                return Err(gst::FlowError::Flushing);
            }
            match capture.advance(&waker, self.refresh.swap(false, Ordering::SeqCst)) {
                Ok(Some(picture)) => return Ok(picture),
                Ok(None) => {}
                Err(CaptureError::Resized) => gst::debug!(CAT, imp = self, "resized while capturing"),
                Err(error) => {
                    gst::element_imp_error!(
                        self,
                        gst::ResourceError::Read,
                        ("Capturing the X display failed: {error}")
                    );
                    return Err(gst::FlowError::Error);
                }
            }
        }
    }

    /// New caps for a new size of the screen, with everything else as negotiated.
    fn resize(&self, size: Size) -> Result<(), gst::FlowError> {
        gst::info!(CAT, imp = self, "the screen is {size:?} now");
        *lock(&self.size) = Some(size);
        let obj = self.obj();
        let mut caps = obj.src_pad().current_caps().ok_or(gst::FlowError::NotNegotiated)?;
        if let Some(structure) = caps.make_mut().structure_mut(0) {
            structure.set("width", i32::from(size.width));
            structure.set("height", i32::from(size.height));
        }
        obj.set_caps(&caps).map_err(|_| gst::FlowError::NotNegotiated)
    }

    /// The same memory with the time of now. `None` before there is a clock.
    fn stamped(&self, buffer: gst::Buffer) -> Option<gst::Buffer> {
        let mut buffer = buffer;
        let now = self.obj().current_running_time()?;
        buffer.make_mut().set_pts(now);
        Some(buffer)
    }
}

impl Capture {
    /// Does the next thing that the cadence wants; returns the picture to push, if it was time for one.
    fn advance(&mut self, waker: &Waker, refresh: bool) -> Result<Option<(gst::Buffer, Size)>, CaptureError> {
        self.screen.process_events()?;
        if refresh {
            self.cadence.request_refresh();
        }
        let now = Instant::now();
        match (self.cadence.step(now, self.screen.damaged()), &self.last) {
            (Step::Wait(due), _) => {
                self.screen.wait(waker, due)?;
                Ok(None)
            }
            (Step::Repeat, Some((buffer, size))) => {
                self.cadence.repeated(now);
                Ok(Some((buffer.copy(), *size)))
            }
            (Step::Capture, _) | (Step::Repeat, None) => {
                self.screen.take_damage()?;
                let size = self.screen.size();
                let frame = self.grabber.grab(&self.screen, size)?;
                let buffer = gst::Buffer::from_slice(Picture(frame));
                self.last = Some((buffer.clone(), size));
                self.cadence.captured(now);
                Ok(Some((buffer, size)))
            }
        }
    }
}

/// Gives a frame the type that GStreamer wraps.
struct Picture(crate::capture::Frame);

impl AsRef<[u8]> for Picture {
    fn as_ref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}
