//! The connections of one viewer to the element's streams.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::CAT;
use super::branch::Branch;
use super::webrtcbin::WebRtcBin;
use crate::selkiessignal::metrics::{ViewerStats, read_webrtc};
use crate::selkiessignal::stream::{Stream, Subscription};

/// How long webrtcbin may take to tell.
const STATS_TIMEOUT: Duration = Duration::from_secs(1);

/// See the module. Empty until the browser can receive.
#[derive(Default)]
pub(super) struct Links(Mutex<Vec<Link>>);

struct Link {
    subscription: Subscription,
    appsrc: gst_app::AppSrc,
}

impl Links {
    /// Lets the streams flow, once.
    pub(super) fn connect(&self, branches: &[(Branch, Arc<Stream>)]) {
        let mut links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !links.is_empty() {
            return;
        }
        for (branch, stream) in branches {
            match stream.subscribe(&branch.appsrc) {
                Ok(subscription) => links.push(Link { subscription, appsrc: branch.appsrc.clone() }),
                Err(error) => gst::error!(CAT, "cannot connect a stream: {error}"),
            }
            if let Some(feedback) = &branch.feedback {
                feedback.limit_repairs();
            }
            if branch.is_video {
                stream.request_keyframe();
            }
        }
    }

    /// Lets one stream flow into `appsrc`.
    pub(super) fn add(&self, stream: &Stream, appsrc: &gst_app::AppSrc) {
        match stream.subscribe(appsrc) {
            Ok(subscription) => {
                let link = Link { subscription, appsrc: appsrc.clone() };
                self.0.lock().unwrap_or_else(PoisonError::into_inner).push(link);
            }
            Err(error) => gst::error!(CAT, "cannot connect a stream: {error}"),
        }
    }

    /// What became of the streams of viewer `id`, and what its `webrtcbin` says of their way.
    pub(super) fn stats(&self, id: u64, control: bool, webrtcbin: &WebRtcBin) -> ViewerStats {
        let mut stats = ViewerStats { id, control, ..ViewerStats::default() };
        self.count(&mut stats);
        if let Some(reply) = webrtcbin.stats(STATS_TIMEOUT) {
            read_webrtc(&mut stats, &reply);
        }
        stats
    }

    /// What became of the streams.
    pub(super) fn count(&self, stats: &mut ViewerStats) {
        let links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for link in links.iter() {
            let (sent, dropped) = link.subscription.counts();
            stats.frames_sent += sent;
            stats.frames_dropped += dropped;
            stats.queued += link.appsrc.current_level_bytes();
        }
    }

    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
