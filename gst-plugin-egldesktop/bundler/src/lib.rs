//! Puts a module of ECMAScript and all that it imports into one file: a browser asks once, and not once for each module.
//!
//! It takes the part of the language that the web client keeps to, and says where something else stands: `import { a, b as c }`
//! and `import * as name` from relative paths, and `export` before a declaration of one name, each at the beginning of a line.
//! Modules run in the order in which a browser runs them (ECMA-262, 16.2.1.5), each in a scope of its own. What is exported
//! does not change afterwards, so there is no `export let`, and no module imports itself in a circle.
//!
//! There are bundlers as crates (rolldown, `swc_bundler`); they do all of the language, with some hundred crates below them,
//! to be built before this project is.

mod module;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use module::{Import, Module, Names};

/// What cannot be bundled, and where.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A module is not there, or cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// Below the root.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// An import or export that this does not know.
    #[error("{path}:{line}: the bundler does not know this: {text}")]
    Unknown {
        /// Below the root.
        path: String,
        /// From 1.
        line: usize,
        /// The line.
        text: String,
    },
    /// A name is imported that the module does not export.
    #[error("{path} imports {name} from {from}, which does not export it")]
    Missing {
        /// Below the root.
        path: String,
        /// The name.
        name: String,
        /// The module that lacks it, below the root.
        from: String,
    },
    /// A module imports itself, by way of others.
    #[error("{0} imports itself, in a circle")]
    Circle(String),
    /// A path leads out of the root.
    #[error("{path} imports {specifier}, which is not below the root")]
    Outside {
        /// Below the root.
        path: String,
        /// What it imports.
        specifier: String,
    },
}

/// The source of `entry`, a path below `root` with slashes, with all that it imports. It is a module itself, without imports.
pub fn bundle(root: &Path, entry: &str) -> Result<String, Error> {
    let mut bundle = Bundle { root, entry, text: String::new(), added: HashMap::new() };
    let main = bundle.load(entry)?;
    bundle.imports(entry, &main)?;
    for import in &main.imports {
        bundle.bind(entry, import)?;
    }
    bundle.text.push_str(&main.body);
    Ok(bundle.text)
}

struct Bundle<'a> {
    root: &'a Path,
    entry: &'a str,
    text: String,
    /// The modules that are in the text already; `None` for those whose imports are being put there.
    added: HashMap<String, Option<Added>>,
}

struct Added {
    /// The constant that has what it exports.
    name: String,
    exports: Vec<String>,
}

impl Bundle<'_> {
    fn load(&self, path: &str) -> Result<Module, Error> {
        let source = std::fs::read_to_string(self.root.join(path))
            .map_err(|source| Error::Read { path: path.to_owned(), source })?;
        let module =
            Module::parse(&source).map_err(|(line, text)| Error::Unknown { path: path.to_owned(), line, text })?;
        Ok(if path == self.entry { module } else { module.seen_from(&relative(self.entry, path)) })
    }

    /// Puts a module into the text, after what it imports.
    fn add(&mut self, path: &str) -> Result<(), Error> {
        match self.added.get(path) {
            Some(Some(_)) => return Ok(()),
            Some(None) => return Err(Error::Circle(path.to_owned())),
            None => self.added.insert(path.to_owned(), None),
        };
        // No name of the language's, and none that a module has.
        let name = format!("$module{}", self.added.len());
        let module = self.load(path)?;
        self.imports(path, &module)?;
        let _ = writeln!(self.text, "const {name} = (() => {{");
        for import in &module.imports {
            self.bind(path, import)?;
        }
        let _ = writeln!(self.text, "{}\nreturn {{ {} }};\n}})();", module.body, module.exports.join(", "));
        self.added.insert(path.to_owned(), Some(Added { name, exports: module.exports }));
        Ok(())
    }

    fn imports(&mut self, path: &str, module: &Module) -> Result<(), Error> {
        module.imports.iter().try_for_each(|import| self.add(&resolve(path, &import.specifier)?))
    }

    /// Names what `path` imports.
    fn bind(&mut self, path: &str, import: &Import) -> Result<(), Error> {
        let from = resolve(path, &import.specifier)?;
        let Some(Some(Added { name: module, exports })) = self.added.get(&from) else {
            return Err(Error::Circle(from));
        };
        let _ = match &import.names {
            Names::All(name) => writeln!(self.text, "const {name} = {module};"),
            Names::Some(names) => {
                if let Some((name, _)) = names.iter().find(|(name, _)| !exports.contains(name)) {
                    return Err(Error::Missing { path: path.to_owned(), name: name.clone(), from });
                }
                let names = names.iter().map(|(name, here)| format!("{name}: {here}"));
                writeln!(self.text, "const {{ {} }} = {module};", names.collect::<Vec<_>>().join(", "))
            }
        };
        Ok(())
    }
}

/// Where a relative path leads from a module.
fn resolve(from: &str, specifier: &str) -> Result<String, Error> {
    let outside = || Error::Outside { path: from.to_owned(), specifier: specifier.to_owned() };
    let mut parts: Vec<_> = from.split('/').collect();
    parts.pop();
    for part in specifier.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop().ok_or_else(outside)?),
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// The path to `to` from the folder of `from`.
fn relative(from: &str, to: &str) -> String {
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let (mut folder, mut to) = (folder.split('/').filter(|part| !part.is_empty()).peekable(), to.split('/').peekable());
    while folder.peek().is_some() && folder.peek() == to.peek() {
        folder.next();
        to.next();
    }
    let up = folder.map(|_| "..");
    std::iter::once(".").chain(up).chain(to).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundled(files: &[(&str, &str)]) -> Result<String, String> {
        let root = tempfile::tempdir().map_err(|error| error.to_string())?;
        for (path, source) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().ok_or("no folder")?).map_err(|error| error.to_string())?;
            std::fs::write(path, source).map_err(|error| error.to_string())?;
        }
        bundle(root.path(), files[0].0).map_err(|error| error.to_string())
    }

    #[test]
    fn modules_run_once_and_before_those_that_import_them() {
        let text = bundled(&[
            ("js/main.js", "import { b } from './b.js';\nimport * as c from './x/c.js';\nb(c);\n"),
            ("js/b.js", "import { c as d } from './x/c.js';\nexport function b() {\n  return d;\n}\n"),
            ("js/x/c.js", "export const c = 1;\n"),
        ]);
        let wanted = "const $module2 = (() => {\n\
                      const c = 1;\n\nreturn { c };\n})();\n\
                      const $module1 = (() => {\nconst { c: d } = $module2;\n\
                      function b() {\n  return d;\n}\n\nreturn { b };\n})();\n\
                      const { b: b } = $module1;\nconst c = $module2;\nb(c);\n";
        assert_eq!(text.unwrap(), wanted);
    }

    #[test]
    fn a_module_knows_where_it_is() {
        let text = bundled(&[
            ("js/main.js", "import { a } from './x/a.js';\nimport.meta.url;\n"),
            ("js/x/a.js", "export const a = new URL('../a', import.meta.url);\n"),
        ]);
        let text = text.unwrap();
        assert!(text.contains("new URL('../a', new URL('./x/a.js', import.meta.url).href)"), "{text}");
        assert!(text.ends_with("import.meta.url;\n"), "{text}");
        assert_eq!(relative("js/a/main.js", "js/b/c.js"), "./../b/c.js");
        assert_eq!(relative("main.js", "js/b.js"), "./js/b.js");
    }

    #[test]
    fn what_it_cannot_do_is_said_with_its_place() {
        let error = |files: &[(&str, &str)]| bundled(files).unwrap_err();
        assert!(error(&[("a.js", "import { b } from './b.js';")]).starts_with("b.js: "));
        assert!(error(&[("a.js", "\nexport let a;\n")]).starts_with("a.js:2: "));
        let circle = [("a.js", "import { b } from './b.js';"), ("b.js", "import { b } from './b.js';")];
        assert_eq!(error(&circle), "b.js imports itself, in a circle");
        assert!(error(&[("a.js", "import { b } from '../b.js';")]).contains("not below the root"));
        let missing = [("a.js", "import { b } from './b.js';"), ("b.js", "export const a = 1, b = 2;")];
        assert_eq!(error(&missing), "a.js imports b from b.js, which does not export it");
    }
}
