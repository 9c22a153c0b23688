//! Our own log: to standard error, so that standard output holds the address and the password only.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

use crate::settings::{Environment, table};

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// An object a line, for programs: `timestamp`, `level`, `message`, and `child` where one is concerned.
    Json,
}

impl Format {
    pub(crate) fn of(environment: &Environment) -> anyhow::Result<Self> {
        let json = environment.text(&table::LOG_FORMAT)?.as_deref() == Some("json");
        Ok(if json { Self::Json } else { Self::Text })
    }
}

pub(crate) fn init(environment: &Environment) -> anyhow::Result<()> {
    let directives = environment.text(&table::LOG)?.unwrap_or_default();
    let filter = EnvFilter::builder().parse(directives).context(table::LOG.name)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_target(false).with_writer(std::io::stderr);
    match Format::of(environment)? {
        Format::Text => builder.with_ansi(std::io::stderr().is_terminal()).init(),
        Format::Json => builder.json().flatten_event(true).with_current_span(false).with_span_list(false).init(),
    }
    Ok(())
}
