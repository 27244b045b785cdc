//! The environment: the same keys under other names, and two switches of their own.

use std::ffi::OsString;

use super::{Config, ConfigError, Place, Secret, error::Problem, keys, value::Value};

/// Turns upload off, whatever else says on.
const DISABLE_UPLOAD: &str = "DIALTONE_WATCHER_DISABLE_UPLOAD";
/// The bearer token itself.
const UPLOAD_TOKEN: &str = "DIALTONE_WATCHER_UPLOAD_TOKEN";

/// Variables that stand for a key of the file.
const VARIABLES: &[(&str, &str)] = &[
    ("DIALTONE_WATCHER_UPLOAD_URL", "upload.url"),
    ("DIALTONE_WATCHER_UPLOAD_INTERVAL", "upload.interval"),
    ("DIALTONE_WATCHER_UPLOAD_TIMEOUT", "upload.timeout"),
    ("DIALTONE_WATCHER_HOME", "paths.state"),
];

pub(super) fn apply(config: &mut Config, variable: impl Fn(&str) -> Option<OsString>) -> Result<(), ConfigError> {
    let text = |name: &'static str| -> Result<Option<String>, ConfigError> {
        let no_text = |raw: OsString| wrong(name, "text", format!("{raw:?}"));
        variable(name).map(|raw| raw.into_string().map_err(no_text)).transpose()
    };
    for &(name, key) in VARIABLES {
        let Some(value) = text(name)? else { continue };
        let key = keys::find(key).expect("every variable stands for a key of the table");
        key.set(config, Value::Plain(&value)).map_err(|problem| ConfigError::Wrong {
            place: Place::Variable(name),
            key: None,
            problem,
        })?;
        // Setting the URL opts in, whatever the file says.
        if key.name == "upload.url" {
            config.upload.enabled = Some(true);
        }
    }
    if let Some(value) = text(DISABLE_UPLOAD)? {
        let expected = "1, true or yes to turn upload off, else 0, false or no";
        let disabled = Value::Plain(&value).yes_or_no();
        config.upload.vetoed = disabled.map_err(|_| wrong(DISABLE_UPLOAD, expected, Value::Plain(&value).shown()))?;
    }
    if let Some(token) = text(UPLOAD_TOKEN)? {
        // What stands there is not shown: it may be nearly right.
        let is_token = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
        if !is_token {
            return Err(wrong(UPLOAD_TOKEN, "a token of visible ASCII characters", "something else".to_owned()));
        }
        config.upload.token = Some(Secret(token));
    }
    Ok(())
}

fn wrong(name: &'static str, expected: &'static str, found: String) -> ConfigError {
    let problem = Problem::Value { expected, found, reason: None };
    ConfigError::Wrong { place: Place::Variable(name), key: None, problem }
}
