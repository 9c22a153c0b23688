//! Whether the machine has what an encoder needs, and what it means where it has not.

use std::fs::File;

use super::{
    assembly::Assembly,
    file::{Check, CheckKind},
};

/// The reason why the assembly's encoder cannot work, as far as that can be seen without trying it.
pub(crate) fn first_failure(assembly: &Assembly) -> Result<(), String> {
    assembly.checks.iter().try_for_each(|check| {
        let name = assembly.variables.expand(&check.name).map_err(|error| format!("{}: {error}", check.name))?;
        run(check, name.expose()).map_err(|found| format!("{} ({found})", check.otherwise))
    })
}

/// An error says what was found in its place.
fn run(check: &Check, name: &str) -> Result<(), String> {
    match check.kind {
        CheckKind::Plugin => {
            let found = gst::Registry::get().find_plugin(name).is_some();
            if found { Ok(()) } else { Err(format!("GStreamer has no plug-in {name}")) }
        }
        // Being there is not enough: a container may show it without letting anybody in.
        CheckKind::Device => {
            let opened = File::options().read(true).write(true).open(name);
            opened.map(drop).map_err(|error| format!("{name}: {error}"))
        }
        CheckKind::Library => {
            // SAFETY: the libraries that files name are those of drivers, which GStreamer loads as well; their
            // initialisers need nothing from us. Nothing of the library is used here.
            let loaded = unsafe { libloading::Library::new(name) };
            loaded.map(drop).map_err(|error| source_of(&error))
        }
    }
}

/// libloading's own text says only that it failed; the loader's says why.
fn source_of(error: &libloading::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: CheckKind, name: &str) -> Result<(), String> {
        gst::init().unwrap();
        run(&Check { kind, name: name.to_owned(), otherwise: String::new() }, name)
    }

    #[test]
    fn what_is_there_passes_and_what_is_not_is_named() {
        assert_eq!(check(CheckKind::Plugin, "coreelements"), Ok(()));
        assert_eq!(check(CheckKind::Device, "/dev/null"), Ok(()));
        assert_eq!(check(CheckKind::Library, "libc.so.6"), Ok(()));
        for (kind, name) in [
            (CheckKind::Plugin, "nosuchplugin"),
            (CheckKind::Device, "/dev/nosuchdevice"),
            (CheckKind::Library, "libnosuch.so.1"),
        ] {
            let error = check(kind, name).unwrap_err();
            assert!(error.contains(name), "{error}");
        }
    }
}
