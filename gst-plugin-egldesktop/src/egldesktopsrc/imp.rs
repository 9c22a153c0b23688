//! GObject side of `egldesktopsrc`: properties, caps, and the loop that turns the cadence into buffers.

// The derive writes public accessors; what they mean stands in the properties' blurbs.
#![allow(missing_docs)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use super::caps::Place;
use super::frames::Frames;
use super::gl::{GlFrames, Mode as GlMode, Output, Session};
use super::grabber::{GrabError, Grabber, Progress};
use super::maker::Maker;
use super::settings::Settings;
use super::tally::Tally;
use super::{allocation, caps};
use crate::capture::{CaptureError, Method, Size, Waker};
use crate::events;
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use gst_base::subclass::base_src::CreateSuccess;
use gst_base::subclass::prelude::*;

pub(super) static CAT: LazyLock<gst::DebugCategory> =
    LazyLock::new(|| gst::DebugCategory::new("egldesktopsrc", gst::DebugColorFlags::empty(), Some("X screen capture")));

// Lock order: `grabber` before the others. It is held by the streaming thread while it waits, so nothing that another
// thread calls may take it, but for start and stop, which basesrc calls without a streaming thread.
#[derive(Default, glib::Properties)]
#[properties(wrapper_type = super::EglDesktopSrc)]
pub struct EglDesktopSrc {
    #[property(
        name = "display-name", nick = "Display name", get, set, type = Option<String>, member = display_name,
        blurb = "X display to capture, such as :0 (unset = the environment's DISPLAY)",
        builder().mutable_ready()
    )]
    #[property(
        name = "capture-method", nick = "Capture method", get, set, type = Method, member = capture_method,
        blurb = "How to read the screen; a method that can't be taken is an error, unless it is auto",
        builder(Method::Auto).mutable_ready()
    )]
    #[property(
        name = "xid", nick = "Window id", get, set, type = u64, member = xid,
        blurb = "The window to capture, by its X id (0 = the whole screen)",
        builder().mutable_ready()
    )]
    #[property(
        name = "xname", nick = "Window title", get, set, type = Option<String>, member = xname,
        blurb = "The window to capture, by its title; xid goes first (unset = the whole screen)",
        builder().mutable_ready()
    )]
    #[property(
        name = "startx", nick = "Start X", get, set, type = u32, member = startx,
        blurb = "Left edge of the part to capture, in pixels",
        builder().maximum(i32::MAX as u32).mutable_ready()
    )]
    #[property(
        name = "starty", nick = "Start Y", get, set, type = u32, member = starty,
        blurb = "Upper edge of the part to capture, in pixels",
        builder().maximum(i32::MAX as u32).mutable_ready()
    )]
    #[property(
        name = "endx", nick = "End X", get, set, type = u32, member = endx,
        blurb = "Last column of the part to capture, which belongs to it (0 = the right edge)",
        builder().maximum(i32::MAX as u32).mutable_ready()
    )]
    #[property(
        name = "endy", nick = "End Y", get, set, type = u32, member = endy,
        blurb = "Last row of the part to capture, which belongs to it (0 = the lower edge)",
        builder().maximum(i32::MAX as u32).mutable_ready()
    )]
    #[property(
        name = "show-pointer", nick = "Show pointer", get, set, type = bool, member = show_pointer,
        blurb = "Whether the picture shows the mouse pointer",
        builder().default_value(true).mutable_ready()
    )]
    #[property(
        name = "use-damage", nick = "Use damage", get, set, type = bool, member = use_damage,
        blurb = "Push what was drawn when it was drawn; otherwise at a fixed rate, whether or not something was",
        builder().default_value(true).mutable_ready()
    )]
    #[property(
        name = "gl", nick = "OpenGL", get, set, type = GlMode, member = gl,
        blurb = "Whether frames are converted on the GPU, and stay there for elements that can use them there",
        builder(GlMode::Auto).mutable_ready()
    )]
    #[property(
        name = "gl-device", nick = "OpenGL device", get, set, type = Option<String>, member = gl_device,
        blurb = "GPU to use: its number, its PCI address such as 0000:01:00.0, or its file such as /dev/dri/renderD128, \
                 for the elements downstream too (unset = theirs, or the first one that is hardware)",
        builder().mutable_ready()
    )]
    settings: Mutex<Settings>,
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
    #[property(
        name = "gl-renderer", nick = "OpenGL renderer", get = Self::gl_renderer, type = Option<String>,
        blurb = "What frames on the GPU are converted with (unset = nothing, see gl-declined)"
    )]
    #[property(
        name = "gl-declined", nick = "OpenGL declined", get = Self::gl_declined, type = Option<String>,
        blurb = "Why frames are not converted on the GPU (unset = they are, or the element is stopped)"
    )]
    gl: Session,
    tally: std::sync::Arc<Tally>,
    grabber: Mutex<Option<Grabber>>,
    /// Size of the picture while started, for caps queries from any thread.
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
    fn properties() -> &'static [glib::ParamSpec] {
        static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
            let stats = glib::ParamSpecBoxed::builder::<gst::Structure>("stats")
                .nick("Statistics")
                .blurb(
                    "What was done so far: frames with something new, repeats of the last one, looks at damage that \
                     changed nothing (unchanged), and how much of the screen the CPU has read (bytes-read)",
                )
                .read_only()
                .build();
            EglDesktopSrc::derived_properties().iter().cloned().chain([stats]).collect()
        });
        &PROPERTIES
    }

    fn property(&self, id: usize, spec: &glib::ParamSpec) -> glib::Value {
        if spec.name() == "stats" { self.tally.structure().to_value() } else { self.derived_property(id, spec) }
    }

    fn set_property(&self, id: usize, value: &glib::Value, spec: &glib::ParamSpec) {
        self.derived_set_property(id, value, spec);
    }

    fn constructed(&self) {
        self.parent_constructed();
        let obj = self.obj();
        obj.set_live(true);
        obj.set_format(gst::Format::Time);
    }
}

impl GstObjectImpl for EglDesktopSrc {}

impl ElementImpl for EglDesktopSrc {
    fn set_context(&self, context: &gst::Context) {
        self.gl.set_context(self.obj().upcast_ref(), context);
        self.parent_set_context(context);
    }

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
            let template = gst::PadTemplate::new(
                "src",
                gst::PadDirection::Src,
                gst::PadPresence::Always,
                &caps::all(None, true, &Place::ALL),
            );
            template.into_iter().collect()
        });
        &TEMPLATES
    }
}

impl BaseSrcImpl for EglDesktopSrc {
    fn start(&self) -> Result<(), gst::ErrorMessage> {
        let settings = lock(&self.settings).clone();
        let waker = Waker::new()
            .map_err(|error| gst::error_msg!(gst::ResourceError::Failed, ("Cannot make an eventfd: {error}")))?;
        let device = settings.gl_device.as_deref().unwrap_or_default();
        self.gl.open(settings.gl, device, self.obj().upcast_ref()).map_err(|declined| {
            gst::error_msg!(gst::ResourceError::NotFound, ("Cannot convert with OpenGL: {declined}"))
        })?;
        gst::info!(CAT, imp = self, "OpenGL: {:?} ({:?})", self.gl.renderer(), self.gl.declined());
        let (rate, engine) = (caps::DEFAULT_FRAMERATE.into(), self.gl.engine());
        let grabber = Grabber::open(&settings.choice(), settings.capture_method, rate, engine, self.tally.clone());
        let grabber = grabber.map_err(|error| settings.open_error(&error))?;
        *lock(&self.waker) = Some(waker.into());
        self.idle.store(false, Ordering::SeqCst);
        self.tell(&grabber);
        *lock(&self.grabber) = Some(grabber);
        Ok(())
    }

    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        *lock(&self.grabber) = None;
        *lock(&self.size) = None;
        *lock(&self.waker) = None;
        *lock(&self.active_method) = Method::Auto;
        self.gl.close();
        Ok(())
    }

    fn is_seekable(&self) -> bool {
        false
    }

    fn caps(&self, filter: Option<&gst::Caps>) -> Option<gst::Caps> {
        let (size, varies) = (*lock(&self.size), lock(&self.settings).use_damage);
        let caps = caps::all(size, varies, &self.places(size.is_some()));
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
        let info = caps::info(caps).ok_or_else(|| gst::loggable_error!(CAT, "no video in {caps}"))?;
        let picture = caps::picture(&info).ok_or_else(|| gst::loggable_error!(CAT, "no known format in {caps}"))?;
        let output = self.output(caps);
        gst::info!(CAT, imp = self, "{:?} by {output:?}, at most {rate} frames per second", picture.format);
        if let Some(grabber) = lock(&self.grabber).as_mut() {
            grabber.cadence.set_rate(rate);
            // Also for the same picture: a new pool comes with new caps.
            grabber.maker = Some(match output.zip(self.gl.engine()) {
                None => Maker::Cpu(Frames::new(info, picture).into()),
                Some((output, engine)) => {
                    let frames = GlFrames::new(&engine, output, info, picture, grabber.dma_buf());
                    let frames = frames.map_err(|error| gst::loggable_error!(CAT, "no frames on the GPU: {error}"))?;
                    Maker::Gl(frames.into())
                }
            });
        }
        Ok(())
    }

    fn decide_allocation(&self, query: &mut gst::query::Allocation) -> Result<(), gst::LoggableError> {
        let is_on_gpu = query.get_owned().0.and_then(|caps| self.output(&caps)).is_some();
        if is_on_gpu { allocation::decline(query) } else { allocation::decide(query) }
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
        let answered = match query.view_mut() {
            gst::QueryViewMut::Latency(query) => {
                // A frame goes out as soon as it is taken.
                query.set(true, gst::ClockTime::ZERO, gst::ClockTime::NONE);
                true
            }
            gst::QueryViewMut::Context(query) => {
                let Settings { gl, gl_device, .. } = lock(&self.settings).clone();
                self.gl.answer(self.obj().upcast_ref(), query, gl, gl_device.as_deref())
            }
            _ => false,
        };
        answered || BaseSrcImplExt::parent_query(self, query)
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

    fn gl_renderer(&self) -> Option<String> {
        self.gl.renderer()
    }

    fn gl_declined(&self) -> Option<String> {
        self.gl.declined()
    }

    /// Whether frames are made on the GPU even for elements that want them in memory.
    fn is_on_gpu(&self) -> bool {
        lock(&self.settings).gl == GlMode::Require || *lock(&self.active_method) == Method::Gpu
    }

    /// Where frames can be made, best first.
    fn places(&self, started: bool) -> Vec<Place> {
        if !started {
            // Nobody knows yet what the machine has.
            return Place::ALL.into();
        }
        let Some(engine) = self.gl.engine() else { return vec![Place::Memory] };
        let mut places = vec![Place::Textures];
        places.extend(engine.modifier().filter(|modifier| caps::has_name(*modifier)).map(Place::DmaBuf));
        places.push(if self.is_on_gpu() { Place::Downloaded } else { Place::Memory });
        places
    }

    /// Where the GPU puts frames of these caps; `None` if the CPU makes them.
    fn output(&self, caps: &gst::Caps) -> Option<Output> {
        caps::output(caps).or(self.is_on_gpu().then_some(Output::Memory))
    }

    /// Tells in the properties how the screen is captured, and how large it is.
    fn tell(&self, grabber: &Grabber) {
        let (size, method, declined) = (grabber.size(), grabber.active_method(), grabber.declined_methods());
        gst::info!(CAT, imp = self, "capturing {size:?} by {method:?} ({})", declined.as_deref().unwrap_or("the best"));
        *lock(&self.size) = Some(size);
        *lock(&self.active_method) = method;
        *lock(&self.declined_methods) = declined;
    }

    /// Does the next thing that is due, or waits for it.
    fn advance(&self) -> Result<Progress, gst::FlowError> {
        let waker = lock(&self.waker).clone().ok_or(gst::FlowError::Flushing)?;
        if self.flushing.load(Ordering::SeqCst) {
            return Err(gst::FlowError::Flushing);
        }
        let pool = self.obj().buffer_pool();
        let mut guard = lock(&self.grabber);
        let grabber = guard.as_mut().ok_or(gst::FlowError::Flushing)?;
        grabber.set_idle(self.idle.load(Ordering::SeqCst));
        match grabber.advance(&waker, self.refresh.swap(false, Ordering::SeqCst), pool.as_ref()) {
            Ok(progress) => Ok(progress),
            Err(GrabError::Capture(CaptureError::Resized)) => {
                gst::debug!(CAT, imp = self, "resized while capturing");
                Ok(Progress::Nothing)
            }
            Err(GrabError::Capture(error)) => {
                gst::element_imp_error!(self, gst::ResourceError::Read, ("Capturing the X display failed: {error}"));
                Err(gst::FlowError::Error)
            }
            Err(GrabError::Flow(error)) => Err(error),
        }
    }

    /// New caps for a new size of the picture.
    fn resize(&self, size: Size) -> Result<(), gst::FlowError> {
        gst::info!(CAT, imp = self, "the picture is {size:?} now");
        if let Some(grabber) = lock(&self.grabber).as_mut() {
            grabber.reopen().map_err(|error| {
                gst::element_imp_error!(self, gst::ResourceError::Read, ("Capturing after a resize failed: {error}"));
                gst::FlowError::Error
            })?;
            self.tell(grabber);
        }
        // Caps and pool: what downstream has agreed to for another size it agrees to again.
        if self.obj().negotiate() { Ok(()) } else { Err(gst::FlowError::NotNegotiated) }
    }

    /// The same memory with the time of now. `None` before there is a clock.
    fn stamped(&self, mut buffer: gst::Buffer) -> Option<gst::Buffer> {
        let now = self.obj().current_running_time()?;
        buffer.make_mut().set_pts(now);
        Some(buffer)
    }
}
