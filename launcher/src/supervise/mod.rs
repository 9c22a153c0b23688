//! Child processes: started so that none outlives us, listened to, stopped in order, and their orphans reaped.

mod backoff;
mod child;
mod descendants;
mod keeper;
mod lines;
mod signals;

pub(crate) use backoff::{Backoff, Limit};
pub(crate) use child::{Child, ChildEnvironment, Spawner, Spec};
pub(crate) use descendants::{become_subreaper, kill_all, reap_forever, terminate_all, terminate_strays};
pub(crate) use keeper::{Keeper, Stopped};
pub(crate) use signals::Signals;
