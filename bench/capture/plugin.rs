//! The plug-in that was built together with this program.

use anyhow::{Context as _, Result};

/// GStreamer, with the plug-in that lies beside this program and not with one that is installed.
pub(crate) fn init() -> Result<gst::Plugin> {
    gst::init().context("GStreamer does not start")?;
    let path = std::env::current_exe()?.with_file_name("libgstegldesktop.so");
    let plugin = gst::Plugin::load_file(&path)
        .with_context(|| format!("cannot load {}: `make bench-capture` builds it", path.display()))?;
    gst::Registry::get().add_plugin(&plugin)?;
    Ok(plugin)
}
