//! A CSV file that gets new columns while it is written.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use selkies_protocol::statistics::Medium;

/// Shorter rows are of a connection that is not up yet.
const LEAST_COLUMNS: usize = 15;
/// More names than browsers have; what comes then has no column.
const MOST_COLUMNS: usize = 2048;
/// Days of rows.
const MOST_BYTES: u64 = 256 << 20;
/// What stands where a row has nothing.
const NOTHING: &str = "NaN";

/// See the module.
pub(super) struct Table {
    path: PathBuf,
    file: File,
    /// The first is the time.
    columns: Vec<String>,
    bytes: u64,
}

impl Table {
    /// Makes a file of Selkies' name, that nobody else can read.
    pub(super) fn create(folder: &Path, medium: Medium, time: &str) -> io::Result<Self> {
        let medium = match medium {
            Medium::Video => "video",
            Medium::Audio => "audio",
        };
        // Viewers that come together have numbers.
        for number in 1..100 {
            let suffix = if number == 1 { String::new() } else { format!("-{number}") };
            let path = folder.join(format!("selkies-stats-{medium}-{time}{suffix}.csv"));
            match new_file(&path) {
                Ok(file) => return Ok(Self { path, file, columns: vec!["timestamp".to_owned()], bytes: 0 }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
            }
        }
        Err(io::Error::new(io::ErrorKind::AlreadyExists, "a hundred files in one second"))
    }

    /// Adds a row. Names that are new become columns, with nothing in the rows before.
    pub(super) fn add(&mut self, time: &str, fields: Vec<(String, String)>) -> io::Result<()> {
        if fields.len() + 1 < LEAST_COLUMNS {
            return Ok(());
        }
        if self.bytes > MOST_BYTES {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file is full"));
        }
        let known = self.columns.len();
        let mut fields: HashMap<_, _> = fields
            .into_iter()
            .inspect(|(name, _)| {
                if self.columns.len() < MOST_COLUMNS && !self.columns.contains(name) {
                    self.columns.push(name.clone());
                }
            })
            .collect();
        if self.columns.len() != known {
            self.widen(known)?;
        }
        let values = self.columns.iter().skip(1).map(|name| fields.remove(name).unwrap_or_else(|| NOTHING.to_owned()));
        let row = line(std::iter::once(time.to_owned()).chain(values));
        self.bytes += row.len() as u64;
        self.file.write_all(row.as_bytes())
    }

    /// Writes the file anew, with all columns instead of the first `known`.
    fn widen(&mut self, known: usize) -> io::Result<()> {
        let beside = self.path.with_extension("csv.new");
        let mut new = BufWriter::new(new_file(&beside)?);
        let head = line(self.columns.iter().cloned());
        new.write_all(head.as_bytes())?;
        let mut bytes = head.len() as u64;
        let padding = format!(",{NOTHING}").repeat(self.columns.len() - known);
        // No value holds the end of a line.
        for row in BufReader::new(File::open(&self.path)?).lines().skip(1) {
            let row = row? + &padding + "\n";
            bytes += row.len() as u64;
            new.write_all(row.as_bytes())?;
        }
        self.file = new.into_inner().map_err(io::IntoInnerError::into_error)?;
        self.bytes = bytes;
        std::fs::rename(&beside, &self.path)
    }
}

fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// RFC 4180, but with the line ends of the system.
fn line(values: impl Iterator<Item = String>) -> String {
    let mut line = String::new();
    for (at, value) in values.enumerate() {
        if at > 0 {
            line.push(',');
        }
        line.push_str(&cell(&value));
    }
    line + "\n"
}

/// Spreadsheets take text that begins like a formula for one, unless it is told to be text.
fn cell(value: &str) -> Cow<'_, str> {
    let formula = value.starts_with(['=', '+', '-', '@']) && value.parse::<f64>().is_err();
    let value = if formula { Cow::Owned(format!("'{value}")) } else { Cow::Borrowed(value) };
    if value.contains([',', '"', '\r', '\n']) {
        Cow::Owned(format!("\"{}\"", value.replace('"', "\"\"")))
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn fields(first: usize, count: usize) -> Vec<(String, String)> {
        (first..first + count).map(|number| (format!("a.f{number}"), number.to_string())).collect()
    }

    #[test]
    fn columns_come_while_it_is_written_and_short_rows_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let mut table = Table::create(folder.path(), Medium::Video, "2026-01-01:00:00:00").unwrap();
        table.add("t0", fields(0, 3)).unwrap();
        table.add("t1", fields(0, 15)).unwrap();
        table.add("t2", fields(2, 16)).unwrap();
        table.add("t3", fields(0, 15)).unwrap();
        let path = folder.path().join("selkies-stats-video-2026-01-01:00:00:00.csv");
        let text = std::fs::read_to_string(&path).unwrap();
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
        assert_eq!(rows.len(), 4);
        assert!(rows.iter().all(|row| row.len() == 19), "{text}");
        assert_eq!((rows[0][0], rows[0][1], rows[0][18]), ("timestamp", "a.f0", "a.f17"));
        assert_eq!((rows[1][0], rows[1][1], rows[1][18]), ("t1", "0", "NaN"));
        assert_eq!((rows[2][0], rows[2][1], rows[2][18]), ("t2", "NaN", "17"));
        assert_eq!((rows[3][0], rows[3][1], rows[3][18]), ("t3", "0", "NaN"));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn nobody_elses_file_is_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        let path = folder.path().join("selkies-stats-audio-now.csv");
        std::os::unix::fs::symlink(&victim, &path).unwrap();
        let mut table = Table::create(folder.path(), Medium::Audio, "now").unwrap();
        table.add("t", fields(0, 20)).unwrap();
        assert!(!victim.exists() && folder.path().join("selkies-stats-audio-now-2.csv").exists());
    }

    #[test]
    fn values_are_told_from_syntax() {
        let values = ["plain", "a,\"b\"", "=1+1", "-5", "-x"].map(str::to_owned);
        assert_eq!(line(values.into_iter()), "plain,\"a,\"\"b\"\"\",'=1+1,-5,'-x\n");
    }
}
