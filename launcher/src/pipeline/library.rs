//! Where pipeline files are found: built in, and in the user's folder.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    fs,
    path::{Component, Path, PathBuf},
};

use super::file::PipelineFile;

/// Nobody writes more than this by hand; whatever is larger is not a pipeline file.
const SIZE_LIMIT: u64 = 256 * 1024;

#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("there is no pipeline file {name}; it is neither built in{}", folder_note(.folder))]
    NotFound { name: String, folder: Option<PathBuf> },
    #[error("\"{0}\" is not the name of a pipeline file: a path inside the folder of pipelines, ending in .toml")]
    BadName(String),
    #[error("{}: {error}", .path.display())]
    Read { path: PathBuf, error: std::io::Error },
    #[error("{}: more than {SIZE_LIMIT} bytes", .0.display())]
    TooLarge(PathBuf),
    #[error("{file}: {error}")]
    Syntax { file: String, error: Box<toml::de::Error> },
}

fn folder_note(folder: &Option<PathBuf>) -> String {
    match folder {
        Some(folder) => format!(" nor in {} (EGLDESKTOP_PIPELINES)", folder.display()),
        None => ", and EGLDESKTOP_PIPELINES is not set".to_owned(),
    }
}

#[derive(rust_embed::Embed)]
#[folder = "../pipelines"]
#[include = "*.toml"]
struct BuiltIn;

/// The built-in files and, before them, those of the user's folder.
#[derive(Debug, Clone)]
pub(crate) struct Library {
    folder: Option<PathBuf>,
}

/// The text of a file, and how errors call it.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) label: String,
    pub(crate) text: String,
}

impl Library {
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// The names that WEBRTC_ENCODER takes: the files at the top of the folder.
    pub(crate) fn encoders(&self) -> Result<BTreeSet<String>, FileError> {
        let mut names: BTreeSet<String> =
            BuiltIn::iter().filter_map(|path| encoder_name(Path::new(path.as_ref()))).collect();
        if let Some(folder) = &self.folder {
            let error = |error| FileError::Read { path: folder.clone(), error };
            for entry in fs::read_dir(folder).map_err(error)? {
                let entry = entry.map_err(error)?;
                names.extend(encoder_name(Path::new(&entry.file_name())));
            }
        }
        Ok(names)
    }

    /// The same with what each is, for `--list-encoders`.
    pub(crate) fn descriptions(&self) -> Result<String, FileError> {
        let mut text = format!("{:<12} the best of these that works\n", "auto");
        for name in self.encoders()? {
            let (_, file) = self.load(&format!("{name}.toml"))?;
            text.push_str(&format!("{name:<12} {}\n", file.description));
        }
        Ok(text)
    }

    pub(crate) fn load(&self, name: &str) -> Result<(Source, PipelineFile), FileError> {
        let source = self.source(name)?;
        let file = toml::from_str(&source.text)
            .map_err(|error| FileError::Syntax { file: source.label.clone(), error: Box::new(error) })?;
        Ok((source, file))
    }

    fn source(&self, name: &str) -> Result<Source, FileError> {
        let inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        if !inside || !name.ends_with(".toml") {
            return Err(FileError::BadName(name.to_owned()));
        }
        if let Some(path) = self.folder.as_ref().map(|folder| folder.join(name)) {
            match read_limited(&path) {
                Ok(text) => return Ok(Source { label: path.display().to_string(), text }),
                Err(FileError::Read { error, .. }) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        match BuiltIn::get(name).map(|file| file.data) {
            Some(data) => Ok(Source { label: format!("pipelines/{name}"), text: utf8(data, name)? }),
            None => Err(FileError::NotFound { name: name.to_owned(), folder: self.folder.clone() }),
        }
    }
}

impl Source {
    /// The line on which a span begins.
    pub(crate) fn line(&self, span: std::ops::Range<usize>) -> usize {
        let start = span.start.min(self.text.len());
        1 + self.text.as_bytes()[..start].iter().filter(|&&byte| byte == b'\n').count()
    }
}

fn encoder_name(path: &Path) -> Option<String> {
    let top = path.components().count() == 1 && path.extension().is_some_and(|extension| extension == "toml");
    if top { path.file_stem()?.to_str().map(str::to_owned) } else { None }
}

fn read_limited(path: &Path) -> Result<String, FileError> {
    let error = |error| FileError::Read { path: path.to_owned(), error };
    let size = fs::metadata(path).map_err(error)?.len();
    if size > SIZE_LIMIT {
        return Err(FileError::TooLarge(path.to_owned()));
    }
    fs::read_to_string(path).map_err(error)
}

fn utf8(data: Cow<'static, [u8]>, name: &str) -> Result<String, FileError> {
    String::from_utf8(data.into_owned()).map_err(|error| FileError::Read {
        path: PathBuf::from(name),
        error: std::io::Error::new(std::io::ErrorKind::InvalidData, error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, Library) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let library = Library::new(Some(folder.path().to_owned()));
        (folder, library)
    }

    #[test]
    fn every_built_in_file_parses() {
        let library = Library::new(None);
        let names: Vec<_> = BuiltIn::iter().filter(|name| name.ends_with(".toml")).collect();
        assert!(names.len() >= 20, "{names:?}");
        for name in names {
            let (_, file) = library.load(&name).unwrap();
            assert!(!file.description.is_empty(), "{name}");
        }
    }

    #[test]
    fn encoders_are_the_files_at_the_top() {
        let (_folder, library) = folder(&[("mine.toml", ""), ("notes.txt", "")]);
        let encoders = library.encoders().unwrap();
        assert!(["mine", "vp8enc", "x264enc"].iter().all(|name| encoders.contains(*name)), "{encoders:?}");
        assert!(!encoders.contains("capture") && !encoders.contains("notes") && !encoders.contains("README"));
    }

    #[test]
    fn a_file_of_the_users_folder_stands_in_for_the_built_in_one() {
        let (_folder, library) = folder(&[("x264enc.toml", "description = 'mine'")]);
        assert_eq!(library.load("x264enc.toml").unwrap().1.description, "mine");
        assert_ne!(library.load("vp8enc.toml").unwrap().1.description, "mine");
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_file_and_line() {
        let (_folder, library) = folder(&[("a.toml", "description = 'a'\nlunch = 'fakesrc'\n")]);
        let error = library.load("a.toml").unwrap_err().to_string();
        assert!(error.contains("a.toml") && error.contains("line 2") && error.contains("lunch"), "{error}");
    }

    #[test]
    fn names_cannot_leave_the_folder() {
        for name in ["../x264enc.toml", "/etc/passwd.toml", "x264enc", "common/../../a.toml"] {
            assert!(matches!(Library::new(None).load(name), Err(FileError::BadName(_))), "{name}");
        }
    }

    #[test]
    fn a_file_that_is_too_large_is_not_read() {
        let (_folder, library) = folder(&[("a.toml", &"#".repeat(300 * 1024))]);
        assert!(matches!(library.load("a.toml"), Err(FileError::TooLarge(_))));
    }
}
