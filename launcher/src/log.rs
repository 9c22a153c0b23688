//! Our own log: to standard error, so that standard output holds the address and the password only.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

use crate::settings::{Environment, table};

pub(crate) fn init(environment: &Environment) -> anyhow::Result<()> {
    let directives = environment.text(&table::LOG)?.unwrap_or_default();
    let filter = EnvFilter::builder().parse(directives).context(table::LOG.name)?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    Ok(())
}
