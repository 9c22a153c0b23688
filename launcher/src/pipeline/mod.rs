//! Pipeline files: found and parsed (`file`), put together (`assemble`, `expand`), built (`build`, `properties`) and
//! run (`player`).

mod assemble;
mod build;
mod expand;
mod file;
mod player;
mod properties;

pub(crate) use assemble::{AssembleError, Assembly};
pub(crate) use build::{build, missing_elements};
pub(crate) use expand::Variables;
pub(crate) use file::Library;
pub(crate) use player::{Handle, Player};
