//! Gives the plugin its version, release date and commit, and makes the web client small.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sha1::{Digest as _, Sha1};

/// What there is to serve. What is not named stays out: tests, and the tools they are run with.
const CLIENT: &[&str] = &["index.html", "sw.js", "favicon.svg", "icons", "locales", "css"];
const SCRIPTS: &str = "js";

/// The modules that browsers ask for; those that they import are in them.
const MODULES: &[&str] = &["js/main.js", "js/worker/worker.js", "js/worker/worklet.js"];

const PAGE: &str = "index.html";
/// Stands in the page itself, so that it is there whenever the page is.
const BOOT: &str = "js/boot.js";

fn main() -> Result<()> {
    gst_plugin_version_helper::info();
    embed_client(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../web"))
}

/// Writes `client.rs` for `http/embedded.rs`: the version of the client, and each file with what it is compressed to.
fn embed_client(root: &Path) -> Result<()> {
    let mut paths = Vec::new();
    for name in CLIENT {
        collect(&root.join(name), &mut paths)?;
    }
    paths.sort();
    let mut files = Vec::new();
    for path in &paths {
        let name = path.strip_prefix(root)?.to_str().context("a name that is not UTF-8")?;
        files.push((name, std::fs::read(path)?));
    }
    files.push((BOOT, std::fs::read(root.join(BOOT))?));
    for name in MODULES {
        files.push((name, module_bundler::bundle(root, name)?.into_bytes()));
    }
    for (name, data) in &mut files {
        if name.ends_with(".js") {
            // Half of it is comments. Who wants to read them finds the sources.
            *data = minifier::js::minify(&String::from_utf8(std::mem::take(data))?).to_string().into_bytes();
        }
    }
    for name in CLIENT.iter().chain([&SCRIPTS]) {
        // Cargo looks into folders.
        println!("cargo:rerun-if-changed={}", root.join(name).display());
    }
    let version = version(&files);
    let boot = files.iter().find(|(name, _)| *name == BOOT).context("no boot script")?.1.clone();
    let page = files.iter_mut().find(|(name, _)| *name == PAGE).context("no page")?;
    page.1 = place(&String::from_utf8(page.1.clone())?, &String::from_utf8(boot)?, &version)?.into_bytes();
    write_table(&files, &version)
}

/// A hash of all of them.
fn version(files: &[(&str, Vec<u8>)]) -> String {
    let mut version = Sha1::new();
    for (name, data) in files {
        version.update(name.as_bytes());
        version.update(Sha1::digest(data));
    }
    version.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The page with the places of its files, below `v/<version>/`, and the boot script in it.
fn place(page: &str, boot: &str, version: &str) -> Result<String> {
    let tag = format!("<script src=\"{BOOT}\"");
    anyhow::ensure!(!boot.contains("</"), "the boot script cannot stand in the page");
    let (before, after) = page.split_once(&tag).context("the page has no boot script")?;
    let (attributes, after) = after.split_once('>').context("the tag of the boot script has no end")?;
    let mut page = format!("{before}<script{attributes}>{boot}{after}");
    for folder in ["css/", "js/"] {
        page = page.replace(&format!("=\"{folder}"), &format!("=\"v/{version}/{folder}"));
    }
    Ok(page)
}

fn write_table(files: &[(&str, Vec<u8>)], version: &str) -> Result<()> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?);
    let mut table = String::new();
    for (number, (name, data)) in files.iter().enumerate() {
        let include = |suffix: &str, data: &[u8]| -> Result<String> {
            let file = out.join(format!("client-{number}{suffix}"));
            std::fs::write(&file, data)?;
            Ok(format!("include_bytes!({file:?})"))
        };
        write!(table, "File {{ name: {name:?}, data: {}", include("", data)?)?;
        for (field, compressed) in [("brotli", brotli(data)?), ("gzip", gzip(data)?)] {
            // Pictures, for example, become no smaller.
            let smaller = compressed.len() < data.len();
            let value = if smaller { format!("Some({})", include(field, &compressed)?) } else { "None".to_owned() };
            write!(table, ", {field}: {value}")?;
        }
        writeln!(table, " }},")?;
    }
    let text = format!("const VERSION: &str = {version:?};\nstatic FILES: &[File] = &[\n{table}];\n");
    std::fs::write(out.join("client.rs"), text)?;
    Ok(())
}

fn collect(path: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_dir() {
        for entry in std::fs::read_dir(path)? {
            collect(&entry?.path(), paths)?;
        }
    } else {
        anyhow::ensure!(path.exists(), "{} is missing", path.display());
        paths.push(path.to_owned());
    }
    Ok(())
}

fn brotli(data: &[u8]) -> Result<Vec<u8>> {
    let mut compressed = Vec::new();
    brotli::CompressorReader::new(data, 4096, 11, 22).read_to_end(&mut compressed)?;
    Ok(compressed)
}

fn gzip(data: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(data)?;
    Ok(encoder.finish()?)
}
