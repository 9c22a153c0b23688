//! Gives the plugin its version, release date and commit.
fn main() {
    gst_plugin_version_helper::info()
}
