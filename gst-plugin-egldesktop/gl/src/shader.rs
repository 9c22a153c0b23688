//! RGB to NV12 on the GPU, in the integers of `tile-convert`.

use std::sync::Arc;

use glow::HasContext as _;
use tile_convert::{CHROMA_BITS, CHROMA_OFFSET, LUMA_BITS, LUMA_OFFSET, Matrix, TileSet, Weights};

use crate::gl::{check, object, size};
use crate::picture::Sampler;
use crate::program::{Program, TILE};
use crate::{Error, Frame, Gl, Picture};

/// Draws tiles of a [`Picture`] into a [`Frame`].
#[derive(Debug)]
pub struct Nv12Shader {
    gl: Arc<Gl>,
    sampler: Sampler,
    /// One for each plane.
    passes: [Pass; 2],
    layout: glow::VertexArray,
    tiles: glow::Buffer,
}

#[derive(Debug)]
struct Pass {
    program: Program,
    /// Width and height of the plane.
    plane: glow::UniformLocation,
}

/// A rectangle for each run of tiles: in pixels of the picture, `SHIFT` is 1 where the plane has half of them.
const VERTEX: &str = "
precision highp float;
precision highp int;
in ivec4 tile;
uniform ivec2 plane;
void main() {
    ivec2 corner = tile.xy + ivec2(gl_VertexID & 1, gl_VertexID >> 1) * tile.zw;
    vec2 place = vec2((corner + SHIFT) >> SHIFT);
    gl_Position = vec4(place / vec2(plane) * 2.0 - 1.0, 0.0, 1.0);
}
";

/// Bytes of a pixel, as they were before the sampler made fractions of them.
const PIXEL: &str = "
precision highp float;
precision highp int;
uniform highp SAMPLER picture;
out vec4 colour;
ivec3 pixel(ivec2 place) {
    return ivec3(texelFetch(picture, place, 0).rgb * 255.0 + 0.5);
}
";

fn weigh(weights: Weights, offset: i32, bits: u32) -> String {
    let Weights { blue, green, red } = weights;
    format!("(({offset} + rgb.b * ({blue}) + rgb.g * ({green}) + rgb.r * ({red})) >> {bits})")
}

impl Nv12Shader {
    /// For pictures like this one: plain, or of an imported layout.
    ///
    /// # Errors
    ///
    /// If the driver can't compile it.
    pub fn new(picture: &Picture, matrix: Matrix) -> Result<Self, Error> {
        let (gl, sampler) = (picture.gl(), picture.sampler());
        let api = gl.api()?;
        let (extension, kind) = match sampler {
            Sampler::Plain => ("", "sampler2D"),
            Sampler::External => {
                gl.require_gl("GL_OES_EGL_image_external_essl3")?;
                ("#extension GL_OES_EGL_image_external_essl3 : require\n", "samplerExternalOES")
            }
        };
        let pass = |shift: u32, main: String| -> Result<Pass, Error> {
            let vertex = VERTEX.replace("SHIFT", &shift.to_string());
            let fragment = format!("{extension}{}{main}", PIXEL.replace("SAMPLER", kind));
            let program = Program::new(gl, &vertex, &fragment)?;
            Ok(Pass { plane: program.uniform("plane")?, program })
        };
        let coefficients = matrix.coefficients();
        let luma = format!(
            "void main() {{
                ivec3 rgb = pixel(ivec2(gl_FragCoord.xy));
                colour = vec4(float({}) / 255.0, 0.0, 0.0, 1.0);
            }}",
            weigh(coefficients.luma, LUMA_OFFSET, LUMA_BITS)
        );
        // The last column or row of an odd size is its own partner.
        let chroma = format!(
            "void main() {{
                ivec2 last = textureSize(picture, 0) - 1;
                ivec2 one = 2 * ivec2(gl_FragCoord.xy);
                ivec2 next = min(one + 1, last);
                ivec3 rgb = pixel(one) + pixel(ivec2(next.x, one.y)) + pixel(ivec2(one.x, next.y)) + pixel(next);
                colour = vec4(float({}) / 255.0, float({}) / 255.0, 0.0, 1.0);
            }}",
            weigh(coefficients.cb, CHROMA_OFFSET, CHROMA_BITS),
            weigh(coefficients.cr, CHROMA_OFFSET, CHROMA_BITS)
        );
        let passes = [pass(0, luma)?, pass(1, chroma)?];
        // SAFETY: the context is current.
        let (layout, tiles) = unsafe {
            let layout = api.create_vertex_array().map_err(object("vertex array"))?;
            let tiles = api.create_buffer().map_err(object("vertex buffer"))?;
            api.bind_vertex_array(Some(layout));
            api.bind_buffer(glow::ARRAY_BUFFER, Some(tiles));
            api.enable_vertex_attrib_array(TILE);
            api.vertex_attrib_pointer_i32(TILE, 4, glow::UNSIGNED_SHORT, 0, 0);
            api.vertex_attrib_divisor(TILE, 1);
            api.bind_vertex_array(None);
            api.bind_buffer(glow::ARRAY_BUFFER, None);
            (layout, tiles)
        };
        check(api, "glVertexAttribIPointer")?;
        Ok(Self { gl: Arc::clone(gl), sampler, passes, layout, tiles })
    }

    /// Draws the tiles, and nothing else. The GPU may still be at it when this returns: GL keeps the order of what is
    /// done in one context, for everybody else there is [`Fence`](crate::Fence).
    ///
    /// # Errors
    ///
    /// If picture, frame and tiles are of different sizes, or the picture of another kind than the first one.
    pub fn convert(&self, picture: &Picture, frame: &Frame, tiles: &TileSet) -> Result<(), Error> {
        if picture.grid() != frame.grid() || tiles.grid() != frame.grid() || picture.sampler() != self.sampler {
            return Err(Error::Size("picture, frame and tiles"));
        }
        let api = self.gl.api()?;
        let runs: Vec<u8> =
            tiles.runs().flat_map(|run| [run.x, run.y, run.width, run.height]).flat_map(u16::to_ne_bytes).collect();
        let count = (runs.len() / size_of::<[u16; 4]>()) as i32;
        let target = self.sampler.target();
        // SAFETY: the context is current, and the buffer has four numbers for each of the instances.
        unsafe {
            api.bind_vertex_array(Some(self.layout));
            api.bind_buffer(glow::ARRAY_BUFFER, Some(self.tiles));
            api.buffer_data_u8_slice(glow::ARRAY_BUFFER, &runs, glow::STREAM_DRAW);
            api.active_texture(glow::TEXTURE0);
            api.bind_texture(target, Some(picture.texture()));
            // Whoever else uses the context may have left these on.
            for state in [glow::BLEND, glow::CULL_FACE, glow::DEPTH_TEST, glow::SCISSOR_TEST, glow::DITHER] {
                api.disable(state);
            }
            api.color_mask(true, true, true, true);
            for (plane, pass) in self.passes.iter().enumerate() {
                let (width, height) = frame.plane_size(plane);
                let (width, height) = size(width, height);
                api.bind_framebuffer(glow::FRAMEBUFFER, Some(frame.framebuffer(plane)));
                api.viewport(0, 0, width, height);
                api.use_program(Some(pass.program.name));
                api.uniform_2_i32(Some(&pass.plane), width, height);
                api.draw_arrays_instanced(glow::TRIANGLE_STRIP, 0, 4, count);
            }
            api.use_program(None);
            api.bind_framebuffer(glow::FRAMEBUFFER, None);
            api.bind_texture(target, None);
            api.bind_vertex_array(None);
            api.bind_buffer(glow::ARRAY_BUFFER, None);
        }
        check(api, "glDrawArraysInstanced")
    }
}

impl Drop for Nv12Shader {
    fn drop(&mut self) {
        if let Ok(api) = self.gl.api() {
            // SAFETY: the context is current, and the names ours.
            unsafe {
                api.delete_vertex_array(self.layout);
                api.delete_buffer(self.tiles);
            }
        }
    }
}
