//! What keeps our secrets from the programs on the desktop, which run as the same user.

use anyhow::Context as _;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

use crate::settings::table;

/// Takes the secrets out of the environment that children inherit, and closes our memory, and the environment that we were
/// started with, to other processes of our user (`/proc/PID/environ`, `/proc/PID/mem`, ptrace; see PR_SET_DUMPABLE in
/// prctl(2)). Must be called while this process has one thread, and once the environment has been read.
pub(crate) fn withdraw_secrets() -> anyhow::Result<()> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable).context("PR_SET_DUMPABLE")?;
    for name in table::secrets() {
        // SAFETY: there is no other thread that could read the environment meanwhile.
        unsafe { std::env::remove_var(name) };
    }
    Ok(())
}
