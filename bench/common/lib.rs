//! What the benchmarks share.

pub mod machine;
pub mod pattern;
pub mod usage;
