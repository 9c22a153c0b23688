//! One OpenGL context for all elements of a pipeline that use one (GStreamer's `gst.gl.…` contexts).

use std::sync::{Mutex, MutexGuard, PoisonError};

use gst::glib;
use gst::prelude::*;
use gst_gl::prelude::*;

use super::gpu::{Declined, Gpu, Mode};

const LOCAL_CONTEXT: &str = "gst.gl.local_context";

/// What the application and the other elements have told.
#[derive(Debug, Default)]
struct Known {
    display: Option<gst_gl::GLDisplay>,
    /// The application's, to share with.
    application: Option<gst_gl::GLContext>,
    /// The one in use.
    context: Option<gst_gl::GLContext>,
}

/// The OpenGL of the application, of the other elements, and ours.
#[derive(Debug, Default)]
pub(super) struct Sharing(Mutex<Known>);

/// Why there is no context.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum SharingError {
    /// GStreamer could not make one.
    #[error("GStreamer can't make an OpenGL context: {0}")]
    Create(#[from] glib::Error),
    /// GStreamer can't use ours.
    #[error("GStreamer can't use the EGL display: {0}")]
    Display(#[from] glib::BoolError),
    /// GLX, or something else that is not ours.
    #[error("the other elements use OpenGL through {0:?}: set GST_GL_PLATFORM=egl")]
    Platform(gst_gl::GLPlatform),
}

impl Sharing {
    // Others call back while they are asked: it is never held across a call of theirs.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what the application or another element gives.
    pub(super) fn set_context(&self, element: &gst::Element, context: &gst::Context) {
        let (display, application) = gst_gl::functions::gl_handle_set_context(element, context);
        let mut known = self.known();
        known.display = display.or(known.display.take());
        known.application = application.or(known.application.take());
    }

    /// Answers another element that asks. Elements downstream start before this one and ask for a display: where the
    /// `choice` of a GPU is ours, they get its display rather than make one of whatever `DISPLAY` is.
    pub(super) fn answer(&self, element: &gst::Element, query: &mut gst::query::Context, choice: Option<&str>) -> bool {
        let wanted = query.context_type() == gst_gl::GL_DISPLAY_CONTEXT_TYPE.as_str();
        let missing = wanted && self.known().display.is_none();
        if let (true, Some(choice)) = (missing, choice) {
            let gpu = choice.parse().map_err(Declined::from).and_then(|choice| Gpu::open(Mode::Require, &choice));
            // What does not work is told at the start.
            if let Some(display) = gpu.ok().and_then(|gpu| own_display(&gpu).ok()) {
                self.known().display = Some(display);
            }
        }
        let Known { display, application, context } = &*self.known();
        let (display, context) = (display.as_ref(), context.as_ref());
        gst_gl::functions::gl_handle_context_query(element, query, display, context, application.as_ref())
    }

    /// Forgets all of it, at the end of a run of the pipeline.
    pub(super) fn close(&self) {
        let known = std::mem::take(&mut *self.known());
        drop(known);
    }

    /// The context to use: that of the elements downstream, or one on their display, or one on the display of the GPU,
    /// which they are told of.
    pub(super) fn open(&self, element: &gst::Element, gpu: &Gpu) -> Result<gst_gl::GLContext, SharingError> {
        // Not locked while others are asked: they answer by set_context.
        let is_missing = || self.known().display.is_none();
        if is_missing()
            && let Some(context) = ask_downstream(element, gst_gl::GL_DISPLAY_CONTEXT_TYPE)
        {
            element.set_context(&context);
        }
        if is_missing() {
            let message = gst::message::NeedContext::builder(gst_gl::GL_DISPLAY_CONTEXT_TYPE).src(element).build();
            // Refused only where there is no bus: then there is no application that could answer.
            let _ = element.post_message(message);
        }
        let known = self.known().display.clone();
        let display = match known {
            Some(display) => display,
            None => {
                let display = own_display(gpu)?;
                self.known().display = Some(display.clone());
                gst_gl::functions::gl_element_propagate_display_context(element, &display);
                display
            }
        };
        // The context of the elements downstream saves changing between two.
        let theirs = ask_downstream(element, LOCAL_CONTEXT)
            .and_then(|context| context.structure().get::<gst_gl::GLContext>("context").ok())
            .filter(|context| context.display() == display);
        let context = match theirs {
            Some(context) => context,
            None => {
                let application = self.known().application.clone();
                make_context(&display, application.as_ref())?
            }
        };
        if context.gl_platform() != gst_gl::GLPlatform::EGL {
            return Err(SharingError::Platform(context.gl_platform()));
        }
        self.known().context = Some(context.clone());
        Ok(context)
    }
}

/// What the elements downstream have of this type.
fn ask_downstream(element: &gst::Element, kind: &str) -> Option<gst::Context> {
    let mut query = gst::query::Context::new(kind);
    let found = element.src_pads().iter().any(|pad| pad.peer_query(query.query_mut()));
    found.then(|| query.context_owned()).flatten()
}

fn make_context(
    display: &gst_gl::GLDisplay,
    application: Option<&gst_gl::GLContext>,
) -> Result<gst_gl::GLContext, SharingError> {
    let guard = display.object_lock();
    if let Some(context) = gst_gl::GLDisplay::get_gl_context_for_current_thread(&guard) {
        return Ok(context);
    }
    let context = gst_gl::GLDisplay::create_context(&guard, application)?;
    gst_gl::GLDisplay::add_context(&guard, &context)?;
    Ok(context)
}

/// Made of our `EGLDisplay` rather than of the device: a display that GStreamer opens itself is terminated with the last
/// element that uses it, and EGL has but one for each device, so all others in this process would lose it.
fn own_display(gpu: &Gpu) -> Result<gst_gl::GLDisplay, SharingError> {
    // SAFETY: an initialised display that is never terminated.
    let display = unsafe { gst_gl_egl::GLDisplayEGL::with_egl_display(gpu.display() as usize) }?;
    let display: gst_gl::GLDisplay = display.upcast();
    // The only kind of OpenGL that can show every dma-buf.
    display.filter_gl_api(gst_gl::GLAPI::GLES2);
    Ok(display)
}
