//! The pipeline files are embedded by a macro, and cargo does not see a *new* file in their folder without being told.

fn main() {
    println!("cargo::rerun-if-changed=../pipelines");
}
