//! The table, for people: in `--help` and in the README.

use std::fmt::Write as _;

use super::table::{Kind, TABLE, Variable};

/// The list of variables at the end of `--help`.
pub(crate) fn plain() -> String {
    let mut text = String::from("Environment variables:\n");
    for variable in TABLE {
        let default = default_of(variable).replace('`', "");
        let aliases = variable.aliases.join(", ");
        let or = if aliases.is_empty() { String::new() } else { format!(" (or {aliases})") };
        let default = if default.is_empty() { default } else { format!(" [default: {default}]") };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {}{or}{default}\n      {}", variable.name, variable.meaning.replace('`', ""));
    }
    text
}

/// The table for the README.
pub(crate) fn markdown() -> String {
    let mut text = String::from("| Variable | Older names | Default | Meaning |\n| --- | --- | --- | --- |\n");
    for variable in TABLE {
        let aliases: Vec<_> = variable.aliases.iter().map(|alias| format!("`{alias}`")).collect();
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} |",
            variable.name,
            aliases.join(", "),
            default_of(variable),
            meaning_with_range(variable),
        );
    }
    text
}

fn default_of(variable: &Variable) -> String {
    match (variable.default_note, variable.default) {
        (Some(note), _) => note.to_owned(),
        (None, Some(default)) => format!("`{default}`"),
        (None, None) => String::new(),
    }
}

fn meaning_with_range(variable: &Variable) -> String {
    match variable.kind {
        Kind::Number { min, max } => format!("{} ({min} to {max})", variable.meaning),
        Kind::Decimal { min, max } => format!("{} ({min} to {max})", variable.meaning),
        Kind::Boolean => format!("{} (`true` or `false`)", variable.meaning),
        Kind::Text | Kind::Choice(_) => variable.meaning.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_list_every_name() {
        let (plain, markdown) = (plain(), markdown());
        for name in TABLE.iter().flat_map(|variable| variable.names()) {
            assert!(plain.contains(name) && markdown.contains(name), "{name}");
        }
        assert!(markdown.lines().all(|line| line.matches(" | ").count() == 3), "a cell holds a bar");
    }
}
