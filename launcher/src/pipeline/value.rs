//! The value of a property as a pipeline file writes it. Pure.

use serde::Deserialize;

use super::{control::Controlled, expand::Variables};
use crate::settings::Value;

/// What a property's value can be; only the schema needs it as one type.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "the schema is made from it")]
pub(crate) enum PropertyValue {
    /// Text; `${NAME}` stands for a variable.
    Text(String),
    Number(f64),
    Truth(bool),
    Computed(Number),
    Controlled(Controlled),
}

/// A whole number that is computed: the value times `scale`, then held between `min` and `max`.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Number {
    /// A whole number, or text that expands to one.
    #[cfg_attr(test, schemars(with = "super::file::Default"))]
    value: toml::Value,
    #[serde(default = "one")]
    scale: i64,
    #[serde(default)]
    min: Option<i64>,
    #[serde(default)]
    max: Option<i64>,
}

fn one() -> i64 {
    1
}

/// The value, by what the variables are now.
pub(crate) fn evaluate(value: &toml::Value, variables: &Variables) -> Result<Value, String> {
    match value {
        toml::Value::Table(table) if table.contains_key("control") => parse::<Controlled>(table)?.value(variables),
        toml::Value::Table(table) => parse::<Number>(table)?.value(variables),
        value => plain(value, variables),
    }
}

/// The variables that the value is made of.
pub(crate) fn names(value: &toml::Value) -> Vec<String> {
    match value {
        toml::Value::String(text) => Variables::names(text),
        toml::Value::Table(table) => match parse::<Controlled>(table) {
            Ok(controlled) => {
                let own = controlled.variables().into_iter().map(|variable| variable.name.to_owned());
                own.chain(controlled.format.iter().flat_map(|text| Variables::names(text))).collect()
            }
            Err(_) => table.values().flat_map(names).collect(),
        },
        _ => Vec::new(),
    }
}

fn parse<T: serde::de::DeserializeOwned>(table: &toml::Table) -> Result<T, String> {
    table.clone().try_into().map_err(|error: toml::de::Error| error.message().to_owned())
}

fn plain(value: &toml::Value, variables: &Variables) -> Result<Value, String> {
    match value {
        toml::Value::String(text) => variables.expand(text).map_err(|error| error.to_string()),
        toml::Value::Integer(number) => Ok(Value::public(number.to_string())),
        toml::Value::Float(number) => Ok(Value::public(number.to_string())),
        toml::Value::Boolean(truth) => Ok(Value::public(truth.to_string())),
        other => Err(format!("a {} cannot be a property's value", other.type_str())),
    }
}

impl Number {
    fn value(self, variables: &Variables) -> Result<Value, String> {
        let value = plain(&self.value, variables)?;
        if value.expose().is_empty() {
            return Ok(value);
        }
        let number: i64 = value.expose().parse().map_err(|_| format!("\"{}\" is not a whole number", value.shown()))?;
        let number = number.checked_mul(self.scale).ok_or("the number is too large")?;
        let number = number.max(self.min.unwrap_or(i64::MIN)).min(self.max.unwrap_or(i64::MAX));
        Ok(Value::new(number.to_string(), value.secret))
    }
}
