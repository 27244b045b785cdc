//! The file: TOML, walked against the table of keys.

use std::path::Path;

use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use super::{
    Config, ConfigError, Place,
    alerts::{self, Alert, Draft},
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
        for (name, value) in in_order(table) {
            let short = name.get_ref();
            let key = if section.is_empty() { short.to_string() } else { format!("{section}.{short}") };
            let place = || self.place(name.span().start);
            if key == alerts::SECTION {
                config.alerts = self.alerts(name.span().start, value.get_ref())?;
            } else if let Some(known) = keys::find(&key) {
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

    /// All of `[[alert]]`.
    fn alerts(&self, offset: usize, value: &DeValue<'_>) -> Result<Vec<Alert>, ConfigError> {
        let wrong = |offset: usize, problem: Problem| ConfigError::Wrong {
            place: self.place(offset),
            key: Some(alerts::SECTION.to_owned()),
            problem,
        };
        let no_tables = |offset, value| {
            let found = Value::Toml(value).shown();
            wrong(offset, Problem::NoTables { section: alerts::SECTION, found })
        };
        let DeValue::Array(items) = value else { return Err(no_tables(offset, value)) };
        let mut all: Vec<Alert> = Vec::new();
        for item in items {
            let begin = item.span().start;
            let DeValue::Table(table) = item.get_ref() else { return Err(no_tables(begin, item.get_ref())) };
            let alert = self.alert(table)?.finish().map_err(|why| wrong(begin, Problem::Together(why.to_owned())))?;
            let is_taken = |other: &Alert| other.rule.name == alert.rule.name;
            if all.iter().any(is_taken) {
                let why = format!("there is one called {:?} already: give each a name", alert.rule.name);
                return Err(wrong(begin, Problem::Together(why)));
            }
            if all.len() == alerts::MOST {
                return Err(wrong(begin, Problem::Together(format!("there are more than {}", alerts::MOST))));
            }
            all.push(alert);
        }
        Ok(all)
    }

    fn alert(&self, table: &DeTable<'_>) -> Result<Draft, ConfigError> {
        let mut draft = Draft::default();
        for (name, value) in in_order(table) {
            let key = format!("{}.{}", alerts::SECTION, name.get_ref());
            let place = self.place(name.span().start);
            let Some(known) = alerts::KEYS.iter().find(|known| known.name == key) else {
                return Err(ConfigError::unknown(place, &key));
            };
            let set = known.set(&mut draft, Value::Toml(value.get_ref()));
            set.map_err(|problem| ConfigError::Wrong { place, key: Some(key), problem })?;
        }
        Ok(draft)
    }

    fn place(&self, offset: usize) -> Place {
        let before = self.text.as_bytes().get(..offset).unwrap_or(self.text.as_bytes());
        let line = 1 + before.iter().filter(|&&b| b == b'\n').count();
        Place::Line { path: self.path.to_owned(), line }
    }
}

/// In the order of the text: the first fault of a reader is the first that is told.
fn in_order<'t, 'a>(table: &'t DeTable<'a>) -> Vec<(&'t Spanned<DeString<'a>>, &'t Spanned<DeValue<'a>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    entries
}

fn is_section(name: &str) -> bool {
    KEYS.iter()
        .any(|key| key.section() == name || key.section().strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
}
