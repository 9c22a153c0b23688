//! The thread that a GStreamer OpenGL context lives on.

use std::sync::Arc;

use egl_convert::{Egl, Gl};
use gst_gl::prelude::*;

use super::frames::GlError;

/// The only thread on which OpenGL may be used.
#[derive(Debug, Clone)]
pub(super) struct GlThread {
    context: gst_gl::GLContext,
    gl: Arc<Gl>,
}

impl GlThread {
    pub(super) fn new(context: gst_gl::GLContext) -> Result<Self, GlError> {
        let egl = Egl::load()?;
        let gl = run(&context, || Gl::of_current_context(&egl))??;
        Ok(Self { context, gl })
    }

    /// Waits until it has been done there.
    pub(super) fn run<T: Send>(&self, work: impl FnOnce(&Arc<Gl>) -> T + Send) -> Result<T, GlError> {
        run(&self.context, || work(&self.gl))
    }

    pub(super) fn context(&self) -> &gst_gl::GLContext {
        &self.context
    }

    pub(super) fn gl(&self) -> &Arc<Gl> {
        &self.gl
    }
}

fn run<T: Send>(context: &gst_gl::GLContext, work: impl FnOnce() -> T + Send) -> Result<T, GlError> {
    let mut done = None;
    context.thread_add(|_| done = Some(work()));
    done.ok_or(GlError::Thread)
}
