//! DRI3: a pixmap on the GPU that we share with the X server. It copies what was damaged there, in one request, without
//! any pixel coming near the CPU. For X servers whose screen is on the GPU: Xorg and Xwayland, not Xvfb.

use egl_convert::{DmaBuf, Plane};
use tile_convert::TileSet;
use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::protocol::dri3::{self, ConnectionExt as _};
use x11rb::protocol::sync::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{self, ConnectionExt as _, CreateGCAux, SubwindowMode};

use super::pixmap::copy_damage;
use super::{CaptureError, Framebuffer, Importer, Method, Pixels, Screen, Size};

/// `DRM_FORMAT_MOD_INVALID`: only the driver knows how the pixels lie.
const UNKNOWN: u64 = 0x00FF_FFFF_FFFF_FFFF;

/// A copy of the screen in a dma-buf.
pub(crate) struct GpuFramebuffer {
    pixmap: xproto::Pixmap,
    gc: xproto::Gcontext,
    fence: sync::Fence,
    buffer: DmaBuf,
    size: Size,
}

impl GpuFramebuffer {
    /// Fails where the X server has nothing on the GPU, or can't share it, or OpenGL can't read it.
    pub(crate) fn new(screen: &Screen, importer: Option<Importer<'_>>) -> Result<Self, CaptureError> {
        let importer = importer.ok_or(CaptureError::Declined("frames are not converted on the GPU"))?;
        let (connection, size) = (&screen.connection, screen.area().size);
        for name in [dri3::X11_EXTENSION_NAME, sync::X11_EXTENSION_NAME] {
            if connection.extension_information(name)?.is_none() {
                return Err(CaptureError::Missing(name));
            }
        }
        let version = connection.dri3_query_version(1, 2)?.reply()?;
        if (version.major_version, version.minor_version) < (1, 2) {
            return Err(CaptureError::Declined("DRI3 is older than 1.2"));
        }
        if screen.shows_pointer() {
            return Err(CaptureError::Declined("the pointer is drawn in memory; set show-pointer=false"));
        }
        connection.sync_initialize(3, 1)?.reply()?;

        let (pixmap, gc, fence) = (connection.generate_id()?, connection.generate_id()?, connection.generate_id()?);
        let Size { width, height } = size;
        connection.create_pixmap(screen.depth, pixmap, screen.drawable, width, height)?.check()?;
        // With what the windows show, not only what is behind them.
        let values = CreateGCAux::new().subwindow_mode(SubwindowMode::INCLUDE_INFERIORS).graphics_exposures(0);
        connection.create_gc(gc, pixmap, &values)?.check()?;
        connection.sync_create_fence(pixmap, fence, false)?.check()?;
        let reply = connection.dri3_buffers_from_pixmap(pixmap)?.reply()?;
        let buffer = dma_buf(reply).ok_or(CaptureError::Declined("DRI3 shares no pixmap of 32 bits per pixel"))?;
        importer(&buffer)?;
        Ok(Self { pixmap, gc, fence, buffer, size })
    }
}

impl Framebuffer for GpuFramebuffer {
    fn method(&self) -> Method {
        Method::Gpu
    }

    /// Copies what was damaged, and waits until the GPU has done it: the pixels are not read before.
    fn pixels(&mut self, screen: &Screen, damage: &TileSet) -> Result<Pixels<'_>, CaptureError> {
        if screen.area().size != self.size {
            return Err(CaptureError::Resized);
        }
        let connection = &screen.connection;
        copy_damage(screen, self.gc, self.pixmap, damage)?;
        connection.sync_trigger_fence(self.fence)?;
        // The X server holds our requests back until the fence is passed: so the reply says that it is.
        connection.sync_await_fence(&[self.fence])?;
        connection.sync_reset_fence(self.fence)?;
        connection.get_input_focus()?.reply()?;
        Ok(Pixels::Gpu)
    }

    fn dma_buf(&self) -> Option<&DmaBuf> {
        Some(&self.buffer)
    }

    fn close(&mut self, screen: &Screen) {
        // Nothing to do about an error: the server frees it all with the connection.
        let _ = screen.connection.sync_destroy_fence(self.fence);
        let _ = screen.connection.free_gc(self.gc);
        let _ = screen.connection.free_pixmap(self.pixmap);
    }
}

/// What the X server shares, if it is pixels as the screen has them.
fn dma_buf(reply: dri3::BuffersFromPixmapReply) -> Option<DmaBuf> {
    let planes: Vec<_> = reply
        .buffers
        .into_iter()
        .zip(reply.strides.into_iter().zip(reply.offsets))
        .map(|(fd, (stride, offset))| Plane { fd, offset, stride })
        .collect();
    (reply.bpp == 32 && matches!(reply.depth, 24 | 32) && (1..=4).contains(&planes.len())).then_some(DmaBuf {
        fourcc: u32::from_le_bytes(*b"XR24"),
        width: reply.width,
        height: reply.height,
        modifier: Some(reply.modifier).filter(|modifier| *modifier != UNKNOWN),
        planes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(bpp: u8, planes: usize, modifier: u64) -> dri3::BuffersFromPixmapReply {
        let fd = || std::fs::File::open("/dev/null").unwrap().into();
        dri3::BuffersFromPixmapReply {
            width: 641,
            height: 479,
            modifier,
            depth: 24,
            bpp,
            strides: vec![2688; planes],
            offsets: vec![4096; planes],
            buffers: (0..planes).map(|_| fd()).collect(),
            sequence: 0,
            length: 0,
        }
    }

    #[test]
    fn what_the_x_server_shares_is_checked() {
        let buffer = dma_buf(reply(32, 2, 0x0100_0000_0000_0001)).unwrap();
        assert_eq!((buffer.width, buffer.height, buffer.modifier), (641, 479, Some(0x0100_0000_0000_0001)));
        assert_eq!((buffer.planes.len(), buffer.planes[1].stride, buffer.planes[1].offset), (2, 2688, 4096));
        assert_eq!(dma_buf(reply(32, 1, UNKNOWN)).unwrap().modifier, None);
        for (bpp, planes) in [(16, 1), (32, 0), (32, 5)] {
            assert!(dma_buf(reply(bpp, planes, 0)).is_none(), "{bpp} bits, {planes} planes");
        }
    }
}
