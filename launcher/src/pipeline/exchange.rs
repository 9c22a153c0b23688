//! Exchanges the elements between two others of a pipeline that plays: another encoder, with all that belongs to it.

use std::{collections::VecDeque, sync::mpsc, time::Duration};

use anyhow::{Context as _, ensure};
use gst::prelude::*;

/// The longest that a source may take to hand its frame on.
const LIMIT: Duration = Duration::from_secs(5);

/// Takes what stands between the elements `from` and `to` out of `running`, and puts what stands there in `fresh`, which was
/// never started, in its place. Blocks. After an error the pipeline is of no use any more.
pub(super) fn exchange(running: &gst::Pipeline, fresh: &gst::Pipeline, from: &str, to: &str) -> anyhow::Result<()> {
    let (source, sink) = find(running, from, to)?;
    let (left, right) = find(fresh, from, to)?;
    let (old, way) = between(&source, &sink)?;
    let (new, new_way) = between(&left, &right)?;
    new_way.first.0.unlink(&new_way.first.1)?;
    new_way.last.0.unlink(&new_way.last.1)?;
    for element in &new {
        fresh.remove(element)?;
    }

    // From here on the source waits with its next frame. It does so at once where it is idle: that alone would not hold the
    // frame after.
    let (idle, waiting) = mpsc::channel();
    let kinds = gst::PadProbeType::IDLE | gst::PadProbeType::BLOCK_DOWNSTREAM;
    let probe = way.first.0.add_probe(kinds, move |_, _| {
        let _ = idle.send(());
        gst::PadProbeReturn::Ok
    });
    let probe = match probe {
        Some(probe) => {
            waiting.recv_timeout(LIMIT).context("the capture does not come to rest")?;
            probe
        }
        None => anyhow::bail!("the capture cannot be held"),
    };
    for element in old.iter().rev() {
        element.set_state(gst::State::Null).with_context(|| format!("{} does not stop", element.name()))?;
    }
    way.first.0.unlink(&way.first.1)?;
    way.last.0.unlink(&way.last.1)?;
    for element in &old {
        running.remove(element)?;
    }
    running.add_many(&new)?;
    // Who leaves a bin loses its links.
    for (from, to) in &new_way.inner {
        from.link(to)?;
    }
    way.first.0.link(&new_way.first.1)?;
    new_way.last.0.link(&way.last.1)?;
    for element in new.iter().rev() {
        element.sync_state_with_parent().with_context(|| format!("{} does not start", element.name()))?;
    }
    way.first.0.remove_probe(probe);
    // Where the screen is still, a picture to show all the same.
    let request = gst::Structure::builder("GstForceKeyUnit").field("all-headers", true).build();
    way.first.0.send_event(gst::event::CustomUpstream::new(request));
    Ok(())
}

fn find(pipeline: &gst::Pipeline, from: &str, to: &str) -> anyhow::Result<(gst::Element, gst::Element)> {
    let find = |name: &str| pipeline.by_name(name).with_context(|| format!("there is no element named \"{name}\""));
    Ok((find(from)?, find(to)?))
}

/// Links, source pad first: into and out of what stands between, and inside of it.
struct Way {
    inner: Vec<(gst::Pad, gst::Pad)>,
    first: (gst::Pad, gst::Pad),
    last: (gst::Pad, gst::Pad),
}

/// The elements from the one to the other, in their order, and their links.
fn between(from: &gst::Element, to: &gst::Element) -> anyhow::Result<(Vec<gst::Element>, Way)> {
    let first = from.static_pad("src").with_context(|| format!("{} has no pad \"src\"", from.name()))?;
    let entry = first.peer().with_context(|| format!("nothing follows {}", from.name()))?;
    let start = entry.parent_element().context("a pad without an element")?;
    let mut found = Vec::new();
    let (mut exits, mut inner) = (Vec::new(), Vec::new());
    let mut rest = VecDeque::from([start]);
    while let Some(element) = rest.pop_front() {
        ensure!(&element != to, "nothing stands between {} and {}", from.name(), to.name());
        if found.contains(&element) {
            continue;
        }
        for pad in element.src_pads() {
            let peer = pad.peer().with_context(|| format!("nothing follows {}", element.name()))?;
            match peer.parent_element().context("a pad without an element")? {
                next if &next == to => exits.push((pad, peer)),
                next => {
                    inner.push((pad, peer));
                    rest.push_back(next);
                }
            }
        }
        found.push(element);
    }
    ensure!(exits.len() == 1, "{} ways lead from {} to {}", exits.len(), from.name(), to.name());
    let last = exits.remove(0);
    Ok((found, Way { inner, first: (first, entry), last }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipeline(text: &str) -> gst::Pipeline {
        gst::parse::launch(text).unwrap().downcast().unwrap()
    }

    /// Buffers go on to arrive, through what is new, and nothing fails.
    #[test]
    fn a_pipeline_plays_on_through_what_is_new() {
        gst::init().unwrap();
        let text = |middle: &str| {
            format!(
                "videotestsrc is-live=true ! identity name=from ! queue name=q ! {middle} ! fakesink name=to sync=false"
            )
        };
        let running = pipeline(&text("video/x-raw,format=I420 ! identity name=middle"));
        running.set_state(gst::State::Playing).unwrap();
        let (sender, arrived) = mpsc::channel();
        let pad = running.by_name("to").unwrap().static_pad("sink").unwrap();
        pad.add_probe(gst::PadProbeType::BUFFER, move |pad, _| {
            let caps = pad.current_caps().unwrap();
            let _ = sender.send(caps.structure(0).unwrap().get::<String>("format").unwrap());
            gst::PadProbeReturn::Ok
        });
        let wait_for = |format: &str| while arrived.recv_timeout(LIMIT).unwrap() != format {};
        wait_for("I420");
        for format in ["NV12", "I420", "NV12"] {
            let fresh = pipeline(&text(&format!("video/x-raw,format={format} ! identity name=middle")));
            exchange(&running, &fresh, "from", "to").unwrap();
            wait_for(format);
            wait_for(format);
        }
        let error = running.bus().unwrap().pop_filtered(&[gst::MessageType::Error]);
        assert!(error.is_none(), "{error:?}");
        running.set_state(gst::State::Null).unwrap();
    }

    #[test]
    fn what_cannot_be_found_is_told() {
        gst::init().unwrap();
        let running = pipeline("fakesrc ! identity name=from ! identity ! fakesink name=to");
        let error = |fresh: &str| exchange(&running, &pipeline(fresh), "from", "to").unwrap_err().to_string();
        assert!(error("fakesrc ! fakesink name=to").contains("\"from\""));
        assert!(error("fakesrc ! identity name=from ! fakesink name=to").contains("nothing stands between"));
    }
}
