//! What fuzzers call: bytes in, and what must hold whatever they are. Only with the feature `fuzz`.

use std::sync::LazyLock;

use crate::password::Access;
use crate::pipeline::{Assembly, Library, Purpose, Variables};
use crate::settings::{Environment, Settings};

struct World {
    folder: tempfile::TempDir,
    variables: Variables,
}

static WORLD: LazyLock<Option<World>> = LazyLock::new(|| {
    let environment = Environment::from([("PASSWD", "a password"), ("SELKIES_VIDEO_BITRATE", "500")]);
    let settings = Settings::read(&environment).ok()?;
    let access = Access::of(&settings).ok()?;
    let variables = Variables::new(&environment, &settings, &access, "");
    Some(World { folder: tempfile::tempdir().ok()?, variables })
});

/// A pipeline file, beside the built-in ones, which it may include.
///
/// # Panics
/// Where something does not hold.
pub fn pipeline_file(data: &[u8]) {
    let Some(World { folder, variables }) = WORLD.as_ref() else { return };
    if std::fs::write(folder.path().join("fuzzed.toml"), data).is_err() {
        return;
    }
    let library = Library::new(Some(folder.path().to_owned()));
    match Assembly::of(&library, "fuzzed", 0, variables) {
        Ok(assembly) => {
            for purpose in [Purpose::Run, Purpose::Trial] {
                drop(assembly.properties(purpose));
            }
        }
        Err(error) => assert!(!error.to_string().contains("a password"), "an error tells a secret"),
    }
}
