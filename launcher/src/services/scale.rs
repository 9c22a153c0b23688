//! The scale of a MATE session: its settings daemon, not X, decides how large its programs draw.

use crate::plan::{Display, Plan};
use crate::supervise::{Spawner, Spec};

/// MATE's pointer at 96 dpi, in pixels.
const CURSOR: f64 = 24.0;
const UNSCALED: f64 = 96.0;

/// Where the settings of the session are, if it has any.
pub(crate) struct Scale(Option<Spawner>);

impl Scale {
    /// `spawner` starts programs in the session.
    pub(super) fn new(spawner: &Spawner, plan: &Plan) -> Self {
        let mate = match &plan.display {
            Display::Existing(_) => false,
            Display::Private(programs) => programs.iter().any(|it| it.program == "mate-session"),
        };
        Self(mate.then(|| spawner.clone()))
    }

    /// Sets the session's dots per inch.
    pub(crate) fn set(&self, dpi: f64) {
        let Some(spawner) = &self.0 else { return };
        for [schema, key, value] in settings(dpi) {
            let spec = Spec {
                name: "gsettings",
                program: "gsettings",
                arguments: ["set".to_owned(), schema, key, value].map(Into::into).into(),
                pass: Vec::new(),
                environment: Vec::new(),
                package: "libglib2.0-bin",
            };
            match spawner.spawn(spec) {
                // Reaped by its own task; what it complains about is in the log.
                Ok(_) => {}
                Err(error) => tracing::warn!("the session keeps its scale: {error:#}"),
            }
        }
    }
}

/// Schema, key and value, as gsettings takes them.
fn settings(dpi: f64) -> [[String; 3]; 2] {
    let cursor = (CURSOR * dpi / UNSCALED).round();
    [
        ["org.mate.font-rendering", "dpi", &format!("{dpi:.1}")].map(str::to_owned),
        ["org.mate.peripherals-mouse", "cursor-size", &format!("{cursor}")].map(str::to_owned),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_types_of_their_keys() {
        let [fonts, pointer] = settings(144.0);
        assert_eq!((fonts[2].as_str(), pointer[2].as_str()), ("144.0", "36"));
    }
}
