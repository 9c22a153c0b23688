//! What was drawn since the pixels were read last, as the X server tells it.
//!
//! There are two ways to hear of it, and this takes the cheaper one:
//!
//! - [`Level::Each`]: an event for each drawing operation, with its place. The pixels are there when the event is, so
//!   nothing has to be asked: one wake-up per frame, and no work for the X server beyond writing 32 bytes.
//! - [`Level::Region`]: one event until the region is fetched, which is a question and an answer. Bounded however much
//!   is drawn, and whether or not anybody reads.
//!
//! The X server keeps events that nobody reads in its own memory, without a limit. So the first way is only for a reader
//! who reads: not while the screen stands still, not while there are thousands of operations per frame, and a
//! [`Watchdog`] ends it when the pipeline is stuck.
//!
//! Either way the damage is known before the pixels are read, and what is drawn while they are being read is new damage.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tile_convert::{TileGrid, TileSet};
use x11rb::connection::Connection as _;
use x11rb::protocol::damage::{self, ConnectionExt as _, NotifyEvent, ReportLevel};
use x11rb::protocol::xfixes::{self, ConnectionExt as _};
use x11rb::protocol::xproto;
use x11rb::rust_connection::RustConnection;

use super::rhythm::Rhythm;
use super::watchdog::Watchdog;
use super::{Area, CaptureError};

/// So many events since the pixels were read last, and a region is cheaper.
const FLOOD: u32 = 4096;
/// So many rectangles in a region, and events are cheaper...
const FEW: usize = 512;
/// ...if it was so this many times in a row.
const CALM: u32 = 60;
/// How long a reader may take for one frame before he counts as stuck.
const STUCK: Duration = Duration::from_secs(2);

/// How the X server tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    /// Each operation.
    Each,
    /// That there is a region to be fetched.
    Region,
}

/// The X server's side of it; the watchdog has it too.
struct Reporter {
    connection: Arc<RustConnection>,
    drawable: xproto::Drawable,
    damage: damage::Damage,
    level: Level,
    /// The request that made `damage`. What is reported in answer to it is the whole window, drawn or not.
    made_by: Option<u16>,
}

impl Reporter {
    /// Changes the way. The new one is there before the old one ends, so nothing is lost in between. Returns the old one,
    /// which is the caller's to end.
    fn begin(&mut self, level: Level) -> Result<damage::Damage, CaptureError> {
        let damage = self.connection.generate_id()?;
        let report = if level == Level::Each { ReportLevel::RAW_RECTANGLES } else { ReportLevel::NON_EMPTY };
        let made_by = self.connection.damage_create(damage, self.drawable, report)?.sequence_number();
        // Events carry the lower half of the number.
        self.made_by = Some(made_by as u16);
        self.level = level;
        Ok(std::mem::replace(&mut self.damage, damage))
    }

    fn switch(&mut self, level: Level) -> Result<(), CaptureError> {
        let old = self.begin(level)?;
        if level == Level::Region {
            // It begins with the whole window in it.
            self.connection.damage_subtract(self.damage, x11rb::NONE, x11rb::NONE)?;
        }
        self.connection.damage_destroy(old)?;
        self.connection.flush()?;
        Ok(())
    }
}

/// See the module.
pub(crate) struct Damage {
    reporter: Arc<Mutex<Reporter>>,
    /// Where the X server puts what it is asked for.
    region: xfixes::Region,
    /// There is something to be fetched.
    notified: bool,
    /// What the events have told.
    tiles: TileSet,
    events: u32,
    rhythm: Rhythm,
    /// How many regions in a row must be small before events are taken again.
    calm_needed: u32,
    watchdog: Watchdog,
}

fn lock(reporter: &Mutex<Reporter>) -> MutexGuard<'_, Reporter> {
    reporter.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Damage {
    /// Begins with all of it damaged.
    pub(crate) fn new(
        connection: Arc<RustConnection>,
        drawable: xproto::Drawable,
        area: Area,
    ) -> Result<Self, CaptureError> {
        // The server answers requests of an extension only once it was told a version.
        super::screen::require(&connection, damage::X11_EXTENSION_NAME)?;
        connection.damage_query_version(1, 1)?.reply()?;
        let damage = connection.generate_id()?;
        connection.damage_create(damage, drawable, ReportLevel::NON_EMPTY)?.check()?;
        let region = connection.generate_id()?;
        connection.xfixes_create_region(region, &[])?;

        let reporter = Reporter { connection, drawable, damage, level: Level::Region, made_by: None };
        let reporter = Arc::new(Mutex::new(reporter));
        let watched = Arc::clone(&reporter);
        let watchdog = Watchdog::new(STUCK, move || {
            let mut reporter = lock(&watched);
            if reporter.level == Level::Each {
                // A broken connection is the reader's to report.
                let _ = reporter.switch(Level::Region);
            }
        });
        let tiles = TileSet::new(TileGrid::new(area.size.width, area.size.height));
        let watchdog = watchdog.map_err(CaptureError::Thread)?;
        Ok(Self {
            reporter,
            region,
            notified: false,
            tiles,
            events: 0,
            rhythm: Rhythm::default(),
            calm_needed: 0,
            watchdog,
        })
    }

    /// What is captured is another part, or has another size: all of it counts as damaged.
    pub(crate) fn set_area(&mut self, area: Area) {
        self.tiles = TileSet::new(TileGrid::new(area.size.width, area.size.height));
        self.tiles.mark_all();
        self.events += 1;
    }

    /// Whether something was drawn.
    pub(crate) fn is_there(&self) -> bool {
        self.notified || self.events > 0
    }

    /// Whether the X server is waiting for somebody to read, and must not wait for long.
    pub(crate) fn wants_a_reader(&self) -> bool {
        lock(&self.reporter).level == Level::Each
    }

    /// Whether more may have been asked of the X server than it has told of. A region is fetched behind all of it.
    pub(crate) fn is_composed(&self) -> bool {
        self.events > 0 && !self.notified && self.rhythm.is_composed()
    }

    /// How long it is worth waiting for the next drawing, if not longer than `limit`.
    pub(crate) fn patience(&self, limit: Duration) -> Option<Duration> {
        // Of a region there is one event, whatever is drawn; and who has stopped is not waited for.
        self.rhythm.patience(limit).filter(|_| self.events > 0 && !self.notified && self.wants_a_reader())
    }

    /// Takes note of an event.
    pub(crate) fn notice(&mut self, event: &NotifyEvent, area: Area) -> Result<(), CaptureError> {
        let mut reporter = lock(&self.reporter);
        if event.damage == reporter.damage && Some(event.sequence) == reporter.made_by {
            return Ok(());
        }
        // The highest bit says that more follow (damageproto, section 4).
        if u8::from(event.level) & 0x7f == u8::from(ReportLevel::NON_EMPTY) {
            self.notified |= event.damage == reporter.damage;
            return Ok(());
        }
        mark(&mut self.tiles, event.area, area);
        self.events += 1;
        self.rhythm.drawn(event.timestamp);
        if self.events >= FLOOD && reporter.level == Level::Each {
            self.calm_needed = CALM;
            reporter.switch(Level::Region)?;
        }
        Ok(())
    }

    /// Takes what was damaged: adds it to `tiles`.
    pub(crate) fn take(&mut self, tiles: &mut TileSet, area: Area) -> Result<(), CaptureError> {
        let mut reporter = lock(&self.reporter);
        if self.notified {
            self.notified = false;
            let old = reporter.damage;
            let calm = self.calm_needed == 0 && reporter.level == Level::Region;
            if calm {
                reporter.begin(Level::Each)?;
            }
            reporter.connection.damage_subtract(old, x11rb::NONE, self.region)?;
            let region = reporter.connection.xfixes_fetch_region(self.region)?;
            if calm {
                reporter.connection.damage_destroy(old)?;
            }
            let rectangles = region.reply()?.rectangles;
            self.calm_needed = if rectangles.len() > FEW { CALM } else { self.calm_needed.saturating_sub(1) };
            rectangles.into_iter().for_each(|rectangle| mark(tiles, rectangle, area));
        }
        if self.events > 0 {
            self.events = 0;
            self.rhythm.taken();
            tiles.union(&self.tiles);
            self.tiles.clear();
        }
        if reporter.level == Level::Each {
            self.watchdog.beat();
        }
        Ok(())
    }

    /// Nothing has been drawn for a while, and nobody need read.
    pub(crate) fn rest(&mut self) -> Result<(), CaptureError> {
        let mut reporter = lock(&self.reporter);
        if reporter.level == Level::Each {
            reporter.switch(Level::Region)?;
            self.watchdog.rest();
        }
        Ok(())
    }
}

/// Marks what belongs to the picture.
fn mark(tiles: &mut TileSet, rectangle: xproto::Rectangle, area: Area) {
    let (x, y) = (i32::from(rectangle.x) - i32::from(area.x), i32::from(rectangle.y) - i32::from(area.y));
    tiles.mark(x, y, rectangle.width.into(), rectangle.height.into());
}
