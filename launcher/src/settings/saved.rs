//! What viewers changed while a desktop ran, kept for the next start: Selkies' JSON file, with its keys.
//!
//! The file may be older than this program, or somebody else's: keys that are not known stay in it, and one that cannot
//! be read is put aside, not written over.

use std::{
    collections::BTreeMap,
    fs::{DirBuilder, Metadata},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, FileTypeExt as _},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Map, Value};

use super::{
    environment::{Environment, SettingError, canonical},
    table::{self, Kind, TABLE, Variable},
};

/// Selkies' has a few hundred bytes.
const MAX_SIZE: u64 = 64 * 1024;
const DEFAULT: &str = ".config/selkies/selkies-gstreamer-conf.json";

/// The file, as it was read and changed since.
#[derive(Debug, Clone, Default)]
pub(crate) struct Saved {
    /// None where nothing is kept.
    path: Option<PathBuf>,
    object: Map<String, Value>,
    /// What is there now is no JSON object.
    broken: bool,
}

impl Saved {
    /// Reads the file that the environment names, with what is to be said about it.
    pub(crate) fn read(environment: &Environment) -> Result<(Self, Vec<String>), SettingError> {
        let path = match environment.find(&table::SAVED)? {
            Some((_, path)) => Some(PathBuf::from(path)),
            None => environment.raw("HOME")?.map(|home| Path::new(home).join(DEFAULT)),
        };
        Ok(path.map_or_else(Default::default, Self::at))
    }

    fn at(path: PathBuf) -> (Self, Vec<String>) {
        // A link stays one: what it points to is written.
        let path = path.canonicalize().unwrap_or(path);
        let named = path.display().to_string();
        match load(&path) {
            Ok(Some(object)) => (Self { path: Some(path), object, broken: false }, Vec::new()),
            Ok(None) => Default::default(),
            Err(LoadError::Read(error)) if error.kind() == io::ErrorKind::NotFound => {
                (Self { path: Some(path), ..Self::default() }, Vec::new())
            }
            Err(LoadError::Read(error)) => {
                (Self::default(), vec![format!("saved settings: {named}: {error}; what viewers change is not kept")])
            }
            Err(LoadError::Content(reason)) => (
                Self { path: Some(path), object: Map::new(), broken: true },
                vec![format!(
                    "saved settings: {named} is ignored: {reason}; it is put aside when a viewer changes something"
                )],
            ),
        }
    }

    /// By the names of their variables, with what is to be said about those that cannot be.
    pub(crate) fn values(&self) -> (BTreeMap<&'static str, String>, Vec<String>) {
        let (mut values, mut wrong) = (BTreeMap::new(), Vec::new());
        for (variable, key) in TABLE.iter().filter_map(|variable| Some((variable, variable.saved_as?))) {
            let Some(value) = self.object.get(key) else { continue };
            // Selkies itself has written both 60 and "60".
            let text = match value {
                Value::String(text) => text.clone(),
                value => value.to_string(),
            };
            match canonical(variable.kind, &text) {
                Ok(text) if text.is_empty() => {}
                Ok(text) => drop(values.insert(variable.name, text)),
                Err(expected) => {
                    let path = self.path.as_deref().unwrap_or(Path::new("")).display();
                    let shown: String = text.chars().take(40).collect();
                    wrong.push(format!("saved settings: {key} in {path} is {shown:?}, but must be {expected}"));
                }
            }
        }
        (values, wrong)
    }

    /// Whether anything is kept.
    pub(crate) fn is_kept(&self) -> bool {
        self.path.is_some()
    }

    /// Changes a value, which [`Self::write`] keeps. Says whether it is another one than before.
    pub(crate) fn put(&mut self, variable: &Variable, text: &str) -> bool {
        let Some(key) = variable.saved_as else { return false };
        let value = match variable.kind {
            Kind::Number { .. } => text.parse::<u32>().map_or_else(|_| text.into(), Value::from),
            Kind::Boolean => Value::from(text == "true"),
            _ => Value::from(text),
        };
        let before = self.object.insert(key.to_owned(), value);
        before.as_ref() != self.object.get(key)
    }

    /// Writes the file, readable by its user alone, so that it is the old one or the new one at every moment. Returns
    /// where a file is kept that could not be read.
    pub(crate) fn write(&mut self) -> io::Result<Option<PathBuf>> {
        let Some(path) = &self.path else { return Ok(None) };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let aside = if self.broken { put_aside(path)? } else { None };
        self.broken = false;
        let mut file = tempfile::Builder::new().prefix(".selkies-").tempfile_in(folder)?;
        file.write_all(format!("{:#}\n", Value::from(self.object.clone())).as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(aside)
    }
}

enum LoadError {
    Read(io::Error),
    Content(String),
}

/// None for a device such as /dev/null, which is how one says that nothing shall be kept.
fn load(path: &Path) -> Result<Option<Map<String, Value>>, LoadError> {
    let metadata: Metadata = path.metadata().map_err(LoadError::Read)?;
    if metadata.file_type().is_char_device() {
        return Ok(None);
    }
    if !metadata.is_file() {
        return Err(LoadError::Read(io::Error::other("not a file")));
    }
    let file = std::fs::File::open(path).map_err(LoadError::Read)?;
    let mut text = String::new();
    match file.take(MAX_SIZE + 1).read_to_string(&mut text) {
        Ok(size) if size as u64 > MAX_SIZE => return Err(LoadError::Content(format!("longer than {MAX_SIZE} bytes"))),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(LoadError::Content("not UTF-8".to_owned()));
        }
        Err(error) => return Err(LoadError::Read(error)),
    }
    match serde_json::from_str(&text) {
        Ok(Value::Object(object)) => Ok(Some(object)),
        Ok(_) => Err(LoadError::Content("not a JSON object".to_owned())),
        Err(error) => Err(LoadError::Content(format!("not JSON ({error})"))),
    }
}

/// Under a name that nothing has yet.
fn put_aside(path: &Path) -> io::Result<Option<PathBuf>> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".broken-{seconds}"));
    let aside = PathBuf::from(name);
    // A link, unlike a renaming, replaces nothing; the new file then takes the old name.
    match std::fs::hard_link(path, &aside) {
        Ok(()) => Ok(Some(aside)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn read(path: &Path) -> (Saved, Vec<String>) {
        Saved::read(&Environment::from([("JSON_CONFIG", path.to_str().unwrap())])).unwrap()
    }

    #[test]
    fn what_is_written_is_read_again_and_what_is_not_known_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("selkies/conf.json");
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        std::fs::write(&path, r#"{"framerate": "60", "video_bitrate": 4000, "enable_audio": true}"#).unwrap();
        let (mut saved, warnings) = read(&path);
        assert_eq!((saved.values().0["SELKIES_FRAMERATE"].as_str(), warnings.len()), ("60", 0));
        assert!(saved.put(&table::VIDEO_BITRATE, "2500"));
        assert!(!saved.put(&table::VIDEO_BITRATE, "2500"));
        assert_eq!(saved.write().unwrap(), None);
        let text = std::fs::read_to_string(&path).unwrap();
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json, serde_json::json!({"framerate": "60", "video_bitrate": 2500, "enable_audio": true}));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read(&path).0.values().0["SELKIES_VIDEO_BITRATE"], "2500");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_file_that_is_none_yet_is_made_with_its_folder() {
        let home = tempfile::tempdir().unwrap();
        let environment = Environment::from([("HOME", home.path().to_str().unwrap())]);
        let (mut saved, warnings) = Saved::read(&environment).unwrap();
        assert!(saved.is_kept() && warnings.is_empty());
        saved.put(&table::FRAMERATE, "30");
        saved.write().unwrap();
        assert_eq!(Saved::read(&environment).unwrap().0.values().0["SELKIES_FRAMERATE"], "30");
    }

    #[test]
    fn a_broken_file_is_ignored_with_a_warning_and_put_aside() {
        let long = format!("{{\"x\": \"{}\"}}", "x".repeat(MAX_SIZE as usize));
        for broken in [b"{\"framerate\": 3".as_slice(), b"[1]", b"\xff", long.as_bytes()] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("conf.json");
            std::fs::write(&path, broken).unwrap();
            let (mut saved, warnings) = read(&path);
            assert!(warnings.len() == 1 && warnings[0].contains("is ignored: "), "{warnings:?}");
            assert!(saved.values().0.is_empty());
            assert_eq!(std::fs::read(&path).unwrap(), broken, "reading changes nothing");
            saved.put(&table::FRAMERATE, "30");
            let aside = saved.write().unwrap().unwrap();
            assert_eq!(std::fs::read(aside).unwrap(), broken);
            assert_eq!(read(&path).0.values().0["SELKIES_FRAMERATE"], "30");
        }
    }

    #[test]
    fn a_value_that_cannot_be_is_left_out_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("conf.json");
        std::fs::write(&path, r#"{"framerate": 30, "video_bitrate": -1, "audio_bitrate": {}, "encoder": "vp8enc"}"#)
            .unwrap();
        let (values, wrong) = read(&path).0.values();
        let expected = [("SELKIES_FRAMERATE", "30"), ("WEBRTC_ENCODER", "vp8enc")];
        assert_eq!(values, expected.map(|(name, value)| (name, value.to_owned())).into());
        assert!(wrong.len() == 2 && wrong.iter().any(|text| text.contains("video_bitrate")), "{wrong:?}");
    }

    #[test]
    fn nothing_is_kept_in_a_device_or_a_folder() {
        let (mut saved, warnings) = read(Path::new("/dev/null"));
        saved.put(&table::FRAMERATE, "30");
        assert!(!saved.is_kept() && warnings.is_empty() && saved.write().unwrap().is_none());
        let (saved, warnings) = read(Path::new("/dev"));
        assert!(!saved.is_kept() && warnings[0].contains("not a file"), "{warnings:?}");
    }
}
