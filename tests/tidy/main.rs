//! What is written in two places is the same in both, and nothing is in the tree that must not be.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn the_variables_of_the_readme_are_those_of_the_program() -> Result<()> {
    let program = egldesktop_tests::process::built("egldesktop")?;
    let output = Command::new(program).arg("--print-variables-markdown").output()?;
    let table = String::from_utf8(output.stdout)?;
    let readme = std::fs::read_to_string(root().join("README.md"))?;
    let (_, rest) = readme.split_once("<!-- variables -->\n").context("no table in README.md")?;
    let (written, _) = rest.split_once("<!-- /variables -->").context("the table in README.md does not end")?;
    assert_eq!(written.trim(), table.trim(), "put what `egldesktop --print-variables-markdown` prints into README.md");
    Ok(())
}

/// Licences that ask for nothing but to be named, and MPL-2.0, which is ours.
const LICENCES: &[&str] = &[
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "0BSD",
    "CC0-1.0",
    "BSL-1.0",
];

/// Whether an SPDX expression allows us to use the crate under one of [`LICENCES`].
fn is_allowed(expression: &str) -> bool {
    // "A OR B": one of them is enough. "A AND B": both. The slash is an older way to write OR.
    let expression = expression.replace(['(', ')'], " ").replace('/', " OR ");
    let allowed = |licence: &str| LICENCES.contains(&licence.split(" WITH ").next().unwrap_or_default().trim());
    expression.split(" OR ").any(|part| part.split(" AND ").all(allowed))
}

#[test]
fn every_dependency_has_a_licence_that_we_can_pass_on() -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform"];
    // Offline, only the crates of this platform are there; and only these are built.
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = Command::new(cargo).args(arguments).arg(platform).current_dir(root()).output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("no packages")?;
    assert!(packages.len() > 50, "only {} packages", packages.len());
    let refused: Vec<_> = packages
        .iter()
        .filter(|package| !package["license"].as_str().is_some_and(is_allowed))
        .map(|package| format!("{} {}: {}", package["name"], package["version"], package["license"]))
        .collect();
    assert!(refused.is_empty(), "{refused:#?}");
    Ok(())
}

#[test]
fn expressions_of_licences() {
    for good in [
        "MIT",
        "MIT OR GPL-3.0",
        "GPL-2.0/MIT",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(is_allowed(good), "{good}");
    }
    for bad in ["GPL-3.0", "MIT AND GPL-3.0", "", "AGPL-3.0 OR SSPL-1.0"] {
        assert!(!is_allowed(bad), "{bad}");
    }
}
