//! The RTP header extension that tells browsers to show each frame at once.
//!
//! <http://www.webrtc.org/experiments/rtp-hdrext/playout-delay>: three bytes, twelve bits for the smallest and twelve
//! for the largest delay in units of 10 ms. Zero for both takes the jitter buffer's smoothing out of the way: about
//! 60 ms of delay less for a desktop with sound.

use gst::glib;
use gst::subclass::prelude::*;
use gst_rtp::RTPHeaderExtensionFlags;
use gst_rtp::prelude::*;
use gst_rtp::subclass::prelude::*;

mod imp {
    use super::*;

    /// See the module.
    #[derive(Default)]
    pub struct PlayoutDelay;

    #[glib::object_subclass]
    impl ObjectSubclass for PlayoutDelay {
        const NAME: &'static str = "GstSelkiesPlayoutDelay";
        type Type = super::PlayoutDelay;
        type ParentType = gst_rtp::RTPHeaderExtension;
    }

    impl ObjectImpl for PlayoutDelay {}
    impl GstObjectImpl for PlayoutDelay {}

    impl ElementImpl for PlayoutDelay {
        fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
            use std::sync::LazyLock;
            static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
                gst::subclass::ElementMetadata::new(
                    "Playout delay",
                    gst_rtp::RTP_HDREXT_ELEMENT_CLASS,
                    "Tells the receiver to show each frame at once",
                    "The egldesktop authors",
                )
            });
            Some(&METADATA)
        }
    }

    impl RTPHeaderExtensionImpl for PlayoutDelay {
        const URI: &'static str = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";

        fn supported_flags(&self) -> RTPHeaderExtensionFlags {
            RTPHeaderExtensionFlags::ONE_BYTE | RTPHeaderExtensionFlags::TWO_BYTE
        }

        fn max_size(&self, _input: &gst::BufferRef) -> usize {
            3
        }

        fn write(
            &self,
            _input: &gst::BufferRef,
            _flags: RTPHeaderExtensionFlags,
            _output: &gst::BufferRef,
            data: &mut [u8],
        ) -> Result<usize, gst::LoggableError> {
            data[..3].fill(0);
            Ok(3)
        }
    }
}

glib::wrapper! {
    /// The header extension with both delays zero.
    pub struct PlayoutDelay(ObjectSubclass<imp::PlayoutDelay>)
        @extends gst_rtp::RTPHeaderExtension, gst::Element, gst::Object;
}

impl PlayoutDelay {
    /// What the extension is called in SDP.
    pub(super) fn uri() -> &'static str {
        imp::PlayoutDelay::URI
    }

    /// With the local identifier `id` (RFC 8285), 1 to 14.
    pub(super) fn new(id: u32) -> Self {
        let extension: Self = glib::Object::new();
        extension.set_id(id);
        extension
    }
}
