//! One value, from a file, a variable or a flag, on its way to what it means.

use std::{path::PathBuf, time::Duration};

use toml::de::DeValue;

use super::{duration, error::Problem};

/// A value as it was given.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    /// From a file: with a type.
    Toml(&'a DeValue<'a>),
    /// From a variable or a flag: text that stands for any type.
    Plain(&'a str),
}

/// Why a value does not do, in addition to what was expected; empty when the type says all.
pub(super) type Reason = Option<String>;

impl<'a> Value<'a> {
    pub fn text(self) -> Result<&'a str, Reason> {
        match self {
            Self::Toml(DeValue::String(text)) => Ok(text),
            Self::Plain(text) => Ok(text),
            Self::Toml(_) => Err(None),
        }
    }

    pub fn yes_or_no(self) -> Result<bool, Reason> {
        match self {
            Self::Toml(DeValue::Boolean(value)) => Ok(*value),
            Self::Plain(text) => match text.to_ascii_lowercase().as_str() {
                "1" | "true" | "yes" => Ok(true),
                "0" | "false" | "no" => Ok(false),
                _ => Err(None),
            },
            Self::Toml(_) => Err(None),
        }
    }

    /// From `shortest` to `longest`.
    pub fn duration(self, shortest: Duration, longest: Duration) -> Result<Duration, Reason> {
        let duration = duration::parse(self.text()?).ok_or(None)?;
        if (shortest..=longest).contains(&duration) { Ok(duration) } else { Err(None) }
    }

    pub fn absolute_path(self) -> Result<PathBuf, Reason> {
        let path = PathBuf::from(self.text()?);
        if path.is_absolute() { Ok(path) } else { Err(None) }
    }

    /// An HTTP URL. One with a password would end up in logs.
    pub fn url(self) -> Result<String, Reason> {
        let text = self.text()?;
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).ok_or(None)?;
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if host.contains('@') {
            return Err(Some("a URL must not hold a password; see token_file".to_owned()));
        }
        let is_clean = !text.chars().any(|c| c.is_whitespace() || c.is_control());
        if host.is_empty() || host.starts_with(':') || !is_clean { Err(None) } else { Ok(text.to_owned()) }
    }

    /// Each element through `parse`. A variable or a flag separates them by commas.
    pub fn list<T>(self, parse: impl Fn(&str) -> Result<T, Reason>) -> Result<Vec<T>, Reason> {
        match self {
            Self::Toml(DeValue::Array(items)) => {
                let text = |item: &'a toml::Spanned<DeValue<'a>>| Value::Toml(item.get_ref()).text();
                items.iter().map(|item| parse(text(item)?)).collect()
            }
            Self::Plain(text) => text.split(',').map(|item| parse(item.trim())).collect(),
            Self::Toml(_) => Err(None),
        }
    }

    /// What stands there, for an error, which may end up in a log.
    pub fn shown(self) -> String {
        if self.text().is_ok_and(|text| text.contains("://") && text.contains('@')) {
            return "a URL with a name or a password in it".to_owned();
        }
        match self {
            Self::Plain("") => "nothing".to_owned(),
            Self::Plain(text) => format!("{text:?}"),
            Self::Toml(value) => match value {
                DeValue::String(text) => format!("{:?}", &**text),
                DeValue::Integer(number) => format!("the integer {number}"),
                DeValue::Float(number) => format!("the float {number}"),
                DeValue::Boolean(value) => format!("{value}"),
                DeValue::Datetime(_) => "a date".to_owned(),
                DeValue::Array(_) => "an array".to_owned(),
                DeValue::Table(_) => "a table".to_owned(),
            },
        }
    }

    pub fn problem(self, expected: &'static str, reason: Reason) -> Problem {
        Problem::Value { expected, found: self.shown(), reason }
    }
}
