//! The way through the GPU: frames stay there for encoders that work there.
//!
//! [`Session`] is what the element has of it: whether it is used, and what is told of that. [`Engine`] is OpenGL ready to
//! use, in the context of the elements downstream if they have one ([`sharing`]). [`GlFrames`] keeps the frames, as
//! [`Frames`] does in memory.
//!
//! [`Frames`]: super::frames::Frames

mod engine;
mod frame;
mod frames;
mod gpu;
mod session;
mod sharing;
mod thread;

pub use gpu::Mode;

pub(super) use engine::Engine;
pub(super) use frame::Output;
pub(super) use frames::GlFrames;
pub(super) use session::Session;
