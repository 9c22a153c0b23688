//! Compiling and linking shaders.

use std::sync::Arc;

use glow::HasContext as _;

use crate::gl::object;
use crate::{Error, Gl};

/// The attribute of the one input that the vertex shaders here have.
pub(crate) const TILE: u32 = 0;

/// A linked program; deleted on drop.
#[derive(Debug)]
pub(crate) struct Program {
    gl: Arc<Gl>,
    pub(crate) name: glow::Program,
}

impl Program {
    /// From sources without their first line, which differs between OpenGL and OpenGL ES.
    pub(crate) fn new(gl: &Arc<Gl>, vertex: &str, fragment: &str) -> Result<Self, Error> {
        let api = gl.api()?;
        // SAFETY: the context is current.
        let name = unsafe { api.create_program() }.map_err(object("shader program"))?;
        let program = Self { gl: Arc::clone(gl), name };
        for (kind, source) in [(glow::VERTEX_SHADER, vertex), (glow::FRAGMENT_SHADER, fragment)] {
            let version = if gl.is_embedded() { "#version 300 es" } else { "#version 330" };
            // SAFETY: as above. A shader that is marked for deletion goes with the program that it is attached to.
            unsafe {
                let shader = api.create_shader(kind).map_err(object("shader"))?;
                api.shader_source(shader, &format!("{version}\n{source}"));
                api.compile_shader(shader);
                api.attach_shader(name, shader);
                api.delete_shader(shader);
                if !api.get_shader_compile_status(shader) {
                    return Err(Error::Object { what: "shader", reason: api.get_shader_info_log(shader) });
                }
            }
        }
        // SAFETY: as above.
        unsafe {
            api.bind_attrib_location(name, TILE, "tile");
            api.link_program(name);
            if !api.get_program_link_status(name) {
                return Err(Error::Object { what: "shader program", reason: api.get_program_info_log(name) });
            }
        }
        Ok(program)
    }

    /// The place of a uniform.
    pub(crate) fn uniform(&self, name: &'static str) -> Result<glow::UniformLocation, Error> {
        // SAFETY: the context is current, and the program linked.
        unsafe { self.gl.api()?.get_uniform_location(self.name, name) }
            .ok_or_else(|| Error::Object { what: "uniform", reason: name.into() })
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Ok(api) = self.gl.api() {
            // SAFETY: the context is current, and the name ours.
            unsafe { api.delete_program(self.name) };
        }
    }
}
