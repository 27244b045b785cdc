//! The file: TOML, walked against the table of keys.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::{
    Config, ConfigError, Place,
    error::Problem,
    keys::{self, KEYS},
    value::Value,
};

pub(super) fn apply(config: &mut Config, path: &Path, text: &str) -> Result<(), ConfigError> {
    let walk = Walk { path, text };
    let document = DeTable::parse(text).map_err(|error| {
        let place = walk.place(error.span().map_or(0, |span| span.start));
        ConfigError::Wrong { place, key: None, problem: Problem::Syntax(error.message().to_owned()) }
    })?;
    walk.table(config, "", document.get_ref())
}

struct Walk<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Walk<'_> {
    fn table(&self, config: &mut Config, section: &str, table: &DeTable<'_>) -> Result<(), ConfigError> {
        // In the order of the text: the first fault of a reader is the first that is told.
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        for (name, value) in entries {
            let short = name.get_ref();
            let key = if section.is_empty() { short.to_string() } else { format!("{section}.{short}") };
            let place = || self.place(name.span().start);
            if let Some(known) = keys::find(&key) {
                known.set(config, Value::Toml(value.get_ref())).map_err(|problem| ConfigError::Wrong {
                    place: place(),
                    key: Some(key),
                    problem,
                })?;
            } else if !is_section(&key) {
                return Err(ConfigError::unknown(place(), &key));
            } else if let DeValue::Table(inner) = value.get_ref() {
                self.table(config, &key, inner)?;
            } else {
                let problem = Problem::NoTable { found: Value::Toml(value.get_ref()).shown() };
                return Err(ConfigError::Wrong { place: place(), key: Some(key), problem });
            }
        }
        Ok(())
    }

    fn place(&self, offset: usize) -> Place {
        let before = self.text.as_bytes().get(..offset).unwrap_or(self.text.as_bytes());
        let line = 1 + before.iter().filter(|&&b| b == b'\n').count();
        Place::Line { path: self.path.to_owned(), line }
    }
}

fn is_section(name: &str) -> bool {
    KEYS.iter()
        .any(|key| key.section() == name || key.section().strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
}
