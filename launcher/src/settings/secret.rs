//! Strings that do not show themselves.

use std::fmt;

/// A password or a shared secret. Neither `Debug` nor `Display` gives it away: whoever needs it has to ask for it by name.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// A value that may be a secret: what a pipeline file gets for `${NAME}`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Value {
    text: String,
    pub(crate) secret: bool,
}

impl Value {
    pub(crate) fn new(text: impl Into<String>, secret: bool) -> Self {
        Self { text: text.into(), secret }
    }

    pub(crate) fn public(text: impl Into<String>) -> Self {
        Self::new(text, false)
    }

    pub(crate) fn expose(&self) -> &str {
        &self.text
    }

    /// The value, fit for a terminal or a log.
    pub(crate) fn shown(&self) -> &str {
        match (self.secret, self.text.is_empty()) {
            (true, false) => "(hidden)",
            _ => &self.text,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.shown())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_hides_it() {
        let shown = format!("{:?} {:#?}", Secret::new("hunter2"), Some(Secret::new("hunter2")));
        assert!(!shown.contains("hunter2"), "{shown}");
        let shown = format!("{:?} {}", Value::new("hunter2", true), Value::new("hunter2", true).shown());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
