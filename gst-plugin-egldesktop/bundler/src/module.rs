//! One module: its imports, its exports, and the rest.

/// A module in its parts.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) imports: Vec<Import>,
    /// The names that it exports.
    pub(crate) exports: Vec<String>,
    /// Without what says that something is imported or exported.
    pub(crate) body: String,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Import {
    pub(crate) names: Names,
    /// As it stands there: a relative path.
    pub(crate) specifier: String,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Names {
    /// `* as name`
    All(String),
    /// The name there, and the name here.
    Some(Vec<(String, String)>),
}

impl Module {
    /// Errors are the number of a line, from 1, and its text.
    pub(crate) fn parse(source: &str) -> Result<Self, (usize, String)> {
        let mut module = Self { imports: Vec::new(), exports: Vec::new(), body: String::new() };
        let mut lines = source.lines().enumerate();
        while let Some((index, line)) = lines.next() {
            let unknown = || (index + 1, line.to_owned());
            if keyword(line, "import").is_some() && !line.starts_with("import.meta") {
                let mut statement = line.to_owned();
                while !statement.contains(';') {
                    statement += lines.next().ok_or_else(unknown)?.1;
                }
                module.imports.push(import(&statement).ok_or_else(unknown)?);
            } else if let Some(declaration) = keyword(line, "export") {
                module.exports.push(declared(declaration).ok_or_else(unknown)?.to_owned());
                module.body += declaration;
                module.body.push('\n');
            } else {
                module.body += line;
                module.body.push('\n');
            }
        }
        Ok(module)
    }

    /// The same in a file from which `path` leads to where this module was.
    pub(crate) fn seen_from(mut self, path: &str) -> Self {
        self.body = self.body.replace("import.meta.url", &format!("new URL('{path}', import.meta.url).href"));
        self
    }
}

/// What follows a keyword at the beginning of a line.
fn keyword<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(word)?;
    (!rest.starts_with(is_of_name)).then(|| rest.trim_start())
}

fn is_of_name(char: char) -> bool {
    char.is_alphanumeric() || char == '_' || char == '$'
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_of_name)
}

/// One import, of `import … from '…';`.
fn import(statement: &str) -> Option<Import> {
    let (what, from) = statement.strip_prefix("import")?.rsplit_once(" from ")?;
    let from = from.trim().strip_suffix(';')?;
    let specifier = from.strip_prefix('\'').and_then(|from| from.strip_suffix('\''))?;
    let what = what.trim();
    let names = if let Some(name) = what.strip_prefix("* as ") {
        is_name(name).then(|| Names::All(name.to_owned()))?
    } else {
        let list = what.strip_prefix('{')?.strip_suffix('}')?;
        let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
        let names = names.map(|name| {
            let (there, here) = name.split_once(" as ").unwrap_or((name, name));
            (is_name(there) && is_name(here)).then(|| (there.to_owned(), here.to_owned()))
        });
        Names::Some(names.collect::<Option<_>>()?)
    };
    specifier.starts_with('.').then(|| Import { names, specifier: specifier.to_owned() })
}

/// The name that a declaration declares, where it is one of a single name that never means anything else afterwards.
fn declared(declaration: &str) -> Option<&str> {
    let rest = ["const", "class", "function", "async function"].iter().find_map(|kind| keyword(declaration, kind))?;
    // A generator.
    let rest = rest.trim_start_matches('*').trim_start();
    let name = rest.split(|char| !is_of_name(char)).next()?;
    is_name(name).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports() {
        let some = |names: &[(&str, &str)]| {
            Names::Some(names.iter().map(|(there, here)| ((*there).to_owned(), (*here).to_owned())).collect())
        };
        let module = Module::parse(
            "import { a, b as c } from './x.js';\nimport * as all from '../y.js';\nimport {\n  d,\n  e,\n} from './z.js';\nrest();\n",
        );
        let module = module.unwrap();
        let of = |names, specifier: &str| Import { names, specifier: specifier.to_owned() };
        let wanted = [
            of(some(&[("a", "a"), ("b", "c")]), "./x.js"),
            of(Names::All("all".to_owned()), "../y.js"),
            of(some(&[("d", "d"), ("e", "e")]), "./z.js"),
        ];
        assert_eq!((module.imports.as_slice(), module.body.as_str()), (&wanted[..], "rest();\n"));
    }

    #[test]
    fn exports() {
        let module = Module::parse(
            "export const a = 1, x = 2;\nexport class B extends C {}\nexport function* d() {}\nexport async function e() {}\nexporter();\n",
        );
        let module = module.unwrap();
        assert_eq!(module.exports, ["a", "B", "d", "e"]);
        assert_eq!(module.body.lines().last(), Some("exporter();"));
        assert!(!module.body.contains("export "), "{}", module.body);
    }

    #[test]
    fn what_is_unknown() {
        for text in [
            "export default 1;",
            "export let a;",
            "export { a };",
            "export * from './a.js';",
            "export const { a } = b;",
            "import a from './a.js';",
            "import './a.js';",
            "import { a } from 'a';",
            "import { 'a' as b } from './a.js';",
            "import { a }",
        ] {
            assert_eq!(Module::parse(text).unwrap_err(), (1, text.to_owned()));
        }
    }
}
