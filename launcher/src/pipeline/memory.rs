//! Keeps what viewers change while a pipeline runs, for the next start.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use gst::prelude::*;
use tokio::sync::Notify;

use super::{assembly::Assembly, file::PropertyRef};
use crate::settings::{
    Saved,
    table::{TABLE, Variable},
};

/// A slider that is dragged changes many times; only where it stays is written.
const PAUSE: Duration = Duration::from_secs(1);

/// The properties in which viewers change something, and the file it is kept in. Dropping it writes what is not yet written.
pub(crate) struct Memory {
    saved: Saved,
    places: Vec<Place>,
    changed: Arc<Notify>,
    /// A change was heard of that is not written yet.
    pending: bool,
    /// It was said already that nothing can be written.
    complained: bool,
}

struct Place {
    variable: &'static Variable,
    element: gst::Element,
    property: String,
    /// What it was last. What the environment says is not a viewer's change.
    known: Option<String>,
}

impl Memory {
    /// `pipeline` was built from `assembly`.
    pub(crate) fn new(pipeline: &gst::Pipeline, assembly: &Assembly, saved: Saved) -> anyhow::Result<Self> {
        let changed = Arc::new(Notify::new());
        let mut places = Vec::new();
        for (name, PropertyRef { element, property }) in assembly.saved.iter().filter(|_| saved.is_kept()) {
            let element = pipeline.by_name(element).context("what is kept has left the pipeline")?;
            let variable =
                TABLE.iter().find(|variable| variable.name == name).context("an unknown variable is kept")?;
            let notify = changed.clone();
            // The thread that says it must not wait for a disk.
            element.connect_notify(Some(property), move |_, _| notify.notify_one());
            let mut place = Place { variable, element, property: property.clone(), known: None };
            place.known = place.read();
            places.push(place);
        }
        Ok(Self { saved, places, changed, pending: false, complained: false })
    }

    /// Writes each change after a pause; never returns. May be dropped at any point, and called again.
    pub(crate) async fn keep(&mut self) -> std::convert::Infallible {
        loop {
            if !self.pending {
                self.changed.notified().await;
                self.pending = true;
            }
            while tokio::time::timeout(PAUSE, self.changed.notified()).await.is_ok() {}
            self.write();
        }
    }

    fn write(&mut self) {
        self.pending = false;
        let mut is_new = false;
        for place in &mut self.places {
            let value = place.read();
            if value != place.known
                && let Some(text) = &value
            {
                is_new |= self.saved.put(place.variable, text);
                place.known = value;
            }
        }
        if !is_new {
            return;
        }
        match self.saved.write() {
            Ok(None) => tracing::debug!("saved what viewers changed"),
            Ok(Some(aside)) => {
                tracing::warn!("saved settings: the file that could not be read is {} now", aside.display())
            }
            Err(error) if !self.complained => {
                self.complained = true;
                tracing::warn!("saved settings: what viewers change is not kept: {error}");
            }
            Err(error) => tracing::debug!("saved settings: {error}"),
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.write();
    }
}

impl Place {
    fn read(&self) -> Option<String> {
        let value = self.element.property_value(&self.property);
        value.transform::<String>().ok()?.get::<Option<String>>().ok()?.map(|text| text.to_ascii_lowercase())
    }
}
