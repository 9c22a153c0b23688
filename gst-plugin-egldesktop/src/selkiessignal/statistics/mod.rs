//! What browsers measure, written to files as Selkies does: one for each viewer and medium, a row a second.
//!
//! A thread of its own writes: those that messages come on must not wait for a disk. What it cannot keep up with is lost.

mod table;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use selkies_protocol::statistics::{Medium, Statistics};

use super::imp::CAT;
use table::Table;

/// Rows that wait to be written.
const WAITING: usize = 32;
/// A browser that sends more rows than this apart is not Selkies' client, and its rows are left out.
const LEAST_INTERVAL: Duration = Duration::from_millis(500);
/// Who is silent for so long has left.
const SILENCE: Duration = Duration::from_secs(60);

/// Writes what viewers measure, until it is dropped.
pub(super) struct Recorder(SyncSender<Row>);

/// Of this viewer.
type Row = (u64, Statistics);

/// A viewer's file, and when its last row came; none where it cannot be written.
struct Journal {
    table: Option<Table>,
    last: Instant,
}

impl Recorder {
    /// Writes into `folder`, which must be there.
    pub(super) fn start(folder: &Path) -> io::Result<Self> {
        if !folder.is_dir() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "there is no such folder"));
        }
        let (sender, rows) = sync_channel(WAITING);
        let folder = folder.to_owned();
        std::thread::Builder::new().name("statistics".to_owned()).spawn(move || write(&folder, &rows))?;
        Ok(Self(sender))
    }

    /// What viewer `id` has measured.
    pub(super) fn row(&self, id: u64, statistics: Statistics) {
        drop(self.0.try_send((id, statistics)));
    }
}

fn write(folder: &Path, rows: &Receiver<Row>) {
    let mut journals = HashMap::<(u64, Medium), Journal>::new();
    while let Ok((id, statistics)) = rows.recv() {
        let now = Instant::now();
        journals.retain(|_, journal| now.duration_since(journal.last) < SILENCE);
        let journal = match journals.entry((id, statistics.medium)) {
            Entry::Occupied(entry) if now.duration_since(entry.get().last) < LEAST_INTERVAL => continue,
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let table = Table::create(folder, statistics.medium, &local_time("%Y-%m-%d:%H:%M:%S"));
                let table = table.inspect_err(|error| gst::warning!(CAT, "no statistics of viewer {id}: {error}")).ok();
                entry.insert(Journal { table, last: now })
            }
        };
        journal.last = now;
        let Some(table) = &mut journal.table else { continue };
        if let Err(error) = table.add(&local_time("%d/%B/%Y:%H:%M:%S"), statistics.fields) {
            gst::warning!(CAT, "the statistics of viewer {id} end: {error}");
            journal.table = None;
        }
    }
}

fn local_time(format: &str) -> String {
    let now = gst::glib::DateTime::now_local().and_then(|now| now.format(format));
    now.map_or_else(|_| "unknown".to_owned(), Into::into)
}
