//! What the benchmarks share.

pub mod eye;
pub mod machine;
pub mod output;
pub mod pattern;
pub mod peer;
pub mod plot;
pub mod quantile;
pub mod screen;
pub mod usage;
