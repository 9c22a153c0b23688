//! Pipeline files: found (`library`), parsed (`file`), put together (`assemble`, `assembly`; its values by `value`, `control` and
//! `expand`), chosen among (`choose`, `check`, `trial`), built (`build`, `properties`), run (`player`) and changed while
//! they run (`live`, `branch`; the encoder by `switch`, `encoders` and `exchange`); what viewers change is kept (`memory`).

mod assemble;
mod assembly;
mod branch;
mod build;
mod check;
mod choose;
mod control;
mod encoders;
mod exchange;
mod expand;
mod file;
#[cfg(test)]
mod hardware;
mod library;
mod live;
mod memory;
mod player;
mod properties;
mod switch;
mod trial;
mod value;

pub(crate) use assemble::AssembleError;
pub(crate) use assembly::{Assembly, Property, Purpose};
pub(crate) use build::missing_elements;
pub(crate) use choose::{Choice, ChooseError, Chooser, Rejection};
pub(crate) use encoders::Encoders;
pub(crate) use expand::{Source, Variables};
pub(crate) use library::Library;
pub(crate) use player::{Handle, Player};
pub(crate) use trial::{ATTEMPT, report, run_in_child, try_here};
