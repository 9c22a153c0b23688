//! Finding our GStreamer plug-in without any variable set: beside the executable, or where a package puts it.

use std::path::{Path, PathBuf};

const NAME: &str = "egldesktop";
const FILE: &str = "libgstegldesktop.so";

/// What became of it.
#[derive(Debug)]
pub(crate) enum Plugin {
    /// GStreamer knew it already, through its own folders or GST_PLUGIN_PATH: the user's choice goes first.
    Known(Option<PathBuf>),
    Loaded(PathBuf),
    /// A file is there, but GStreamer does not take it.
    Broken {
        path: PathBuf,
        error: String,
    },
    NotFound {
        looked: Vec<PathBuf>,
    },
}

impl Plugin {
    /// Needs an initialised GStreamer. That it is not there is not yet an error: a pipeline of other elements runs too.
    pub(crate) fn load(executable: &Path) -> Self {
        if let Some(plugin) = gst::Registry::get().find_plugin(NAME) {
            return Self::Known(plugin.filename());
        }
        let looked = candidates(executable);
        let Some(path) = looked.iter().find(|path| path.is_file()).cloned() else {
            return Self::NotFound { looked };
        };
        match gst::Plugin::load_file(&path) {
            Ok(_) => Self::Loaded(path),
            Err(error) => Self::Broken { path, error: error.to_string() },
        }
    }

    /// The end of a sentence about elements that are missing.
    pub(crate) fn note(&self) -> String {
        match self {
            Self::Known(_) | Self::Loaded(_) => String::new(),
            _ => format!(". {self}"),
        }
    }
}

impl std::fmt::Display for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Known(Some(path)) => write!(f, "{}, found by GStreamer", path.display()),
            Self::Known(None) => f.write_str("found by GStreamer"),
            Self::Loaded(path) => write!(f, "{}", path.display()),
            Self::Broken { path, error } => write!(f, "GStreamer does not load {}: {error}", path.display()),
            Self::NotFound { looked } => {
                let looked: Vec<_> = looked.iter().map(|path| path.display().to_string()).collect();
                write!(f, "{FILE} is neither in GST_PLUGIN_PATH nor at {}", looked.join(", "))
            }
        }
    }
}

fn candidates(executable: &Path) -> Vec<PathBuf> {
    let Some(folder) = executable.parent() else { return Vec::new() };
    // Debian's folder for libraries of this machine's kind, such as x86_64-linux-gnu.
    let triplet = format!("{}-linux-gnu", std::env::consts::ARCH);
    let lib = folder.parent().unwrap_or(folder).join("lib");
    vec![folder.join(FILE), lib.join("gstreamer-1.0").join(FILE), lib.join(triplet).join("gstreamer-1.0").join(FILE)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_looked_for_beside_the_executable_and_where_packages_put_it() {
        let looked = candidates(Path::new("/opt/egldesktop/bin/egldesktop"));
        assert_eq!(looked[0], Path::new("/opt/egldesktop/bin/libgstegldesktop.so"));
        assert_eq!(looked[1], Path::new("/opt/egldesktop/lib/gstreamer-1.0/libgstegldesktop.so"));
        assert!(looked[2].to_str().unwrap().ends_with("-linux-gnu/gstreamer-1.0/libgstegldesktop.so"));
        let note = Plugin::NotFound { looked }.note();
        assert!(note.contains("/opt/egldesktop/bin/libgstegldesktop.so"), "{note}");
    }
}
