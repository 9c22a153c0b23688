//! NV12 on the GPU: a framebuffer in memory or in a dma-buf, converted by a shader, only where it is stale.
//!
//! EGL and OpenGL ES are loaded at run time, so a program with this crate starts on machines that have neither.
//!
//! - [`Egl`] is the library, [`Device`] a GPU, [`Context`] a context of our own on one of them, without any display
//!   server. [`Gl`] is whatever context is current, made here or by somebody else (GStreamer).
//! - [`Shadow`] follows a framebuffer in memory and knows what changed; [`Picture`] is the texture of it, or of a
//!   [`DmaBuf`]; [`Frame`] is a pair of NV12 textures, and [`Nv12Shader`] brings its stale tiles up to date.
//! - [`Frame::download`] and [`Frame::export`] take the result out of GL; [`Fence`] tells when it is there.
//!
//! The arithmetic is that of `tile-convert`, in integers: both write the same bytes.
//!
//! ```
//! use egl_convert::{Choice, Context, Egl, Frame, Nv12Shader, Picture, Shadow};
//! use tile_convert::{Matrix, Source, TileGrid, TileSet};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (width, height) = (100, 30);
//! let context = Context::open(&Egl::load()?, &Choice::Any)?;
//! let gl = context.make_current()?;
//!
//! let framebuffer = vec![0_u8; 400 * 30];
//! let mut damage = TileSet::new(TileGrid::new(width, height));
//! damage.mark_all();
//! let mut shadow = Shadow::new(width, height);
//! let changed = shadow.update(&Source::from_slice(&framebuffer, 400, width, height)?, &damage)?.clone();
//! let mut picture = Picture::new(&gl, width, height)?;
//! picture.upload(&shadow, &changed)?;
//!
//! let frame = Frame::new(&gl, width, height)?;
//! Nv12Shader::new(&picture, Matrix::Bt709Limited)?.convert(&picture, &frame, &changed)?;
//! let (mut luma, mut chroma) = (vec![0; 100 * 30], vec![0; 100 * 15]);
//! frame.download(&changed, (&mut luma, 100), (&mut chroma, 100))?;
//! assert!(luma.iter().all(|luma| *luma == 16) && chroma.iter().all(|chroma| *chroma == 128));
//! # Ok(())
//! # }
//! ```

mod context;
mod device;
mod display;
mod dmabuf;
mod egl;
mod error;
mod export;
mod fence;
mod frame;
mod gbm;
mod gl;
mod picture;
mod program;
mod renderer;
mod shader;
mod shadow;

pub use context::Context;
pub use device::{Choice, Device};
pub use display::Platform;
pub use dmabuf::{DmaBuf, LINEAR, Plane};
pub use egl::Egl;
pub use error::Error;
pub use fence::Fence;
pub use frame::Frame;
pub use gl::Gl;
pub use picture::Picture;
pub use renderer::Renderer;
pub use shader::Nv12Shader;
pub use shadow::Shadow;
