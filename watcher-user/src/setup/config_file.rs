//! Puts answers into the text of a configuration: comments and everything else in it stay.

use std::path::Path;

use anyhow::{Context as _, bail};

use crate::config::{Config, FILE, Mode};

/// One answer: a key of the configuration, and its value as TOML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// With its section: `upload.enabled`.
    pub key: &'static str,
    /// `true`, `"text"`.
    pub value: String,
}

impl Setting {
    /// A key that is text.
    #[must_use]
    pub fn text(key: &'static str, value: &str) -> Self {
        // A TOML basic string takes what a JSON string takes, but for DEL, which no key here accepts.
        Self { key, value: serde_json::Value::from(value).to_string() }
    }

    /// A key that is true or false.
    #[must_use]
    pub fn flag(key: &'static str, value: bool) -> Self {
        Self { key, value: value.to_string() }
    }
}

/// `text` with every setting, valid.
///
/// # Errors
/// `text` is wrong, before or after: the error names the line.
pub fn with_settings(text: &str, settings: &[Setting]) -> anyhow::Result<String> {
    let path = Path::new(FILE);
    let before = Config::defaults(Mode::Normal).text(path, text)?;
    let mut result = text.to_owned();
    let mut wanted = before;
    for setting in settings {
        result = set(&result, setting);
        let alone = format!("{} = {}\n", setting.key, setting.value);
        wanted = wanted.text(Path::new("the answer"), &alone)?;
    }
    let after = Config::defaults(Mode::Normal).text(path, &result);
    if after.as_ref().is_ok_and(|after| *after == wanted) {
        return Ok(result);
    }
    let lines: Vec<_> = settings.iter().map(|setting| format!("{} = {}", setting.key, setting.value)).collect();
    let advice = format!("{FILE} is written in a way that cannot be edited safely; set by hand: {}", lines.join(", "));
    match after {
        Err(error) => Err(error).context(advice),
        Ok(_) => bail!(advice),
    }
}

/// The setting in its section: in the place of its line, commented out or not, else as a new one.
fn set(text: &str, setting: &Setting) -> String {
    let (section, short) = setting.key.rsplit_once('.').unwrap_or(("", setting.key));
    let line = format!("{short} = {}", setting.value);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let header = |line: &str| line.trim().strip_prefix('[').and_then(|rest| Some(rest.split_once(']')?.0.to_owned()));
    let Some(begin) = lines.iter().position(|line| header(line).is_some_and(|name| name.trim() == section)) else {
        lines.extend([String::new(), format!("[{section}]"), line, String::new()]);
        return lines.join("\n");
    };
    let inside = &lines[begin + 1..];
    let length = inside.iter().position(|line| header(line).is_some()).unwrap_or(inside.len());
    let is_key = |line: &str| line.split_once('=').is_some_and(|(key, _)| key.trim() == short);
    let live = inside[..length].iter().position(|line| is_key(line));
    let commented = || inside[..length].iter().position(|line| line.strip_prefix('#').is_some_and(is_key));
    match live.or_else(commented) {
        Some(at) => lines[begin + 1 + at] = line,
        None => lines.insert(begin + 1, line),
    }
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::{Setting, with_settings};
    use crate::config::template;

    #[test]
    fn alerts_stay_as_they_are() {
        let alerts = "[[alert]]\napp = \"a\"\nover = \"1 GB\"\n\n[[alert]]\napp = \"b\"\nover = \"1 GB\"\n";
        for text in [alerts.to_owned(), template() + alerts, format!("[upload]\n{alerts}[names]\nptr = true\n")] {
            let after = with_settings(&text, &[Setting::flag("upload.enabled", true)]).unwrap();
            assert!(after.contains(alerts) && after.contains("\nenabled = true\n"), "{after}");
        }
    }

    #[test]
    fn an_answer_takes_the_place_of_its_commented_line() {
        let text = with_settings(
            &template(),
            &[Setting::flag("upload.enabled", true), Setting::flag("privacy.hostname", false)],
        )
        .unwrap();
        let expected =
            template().replace("#enabled = false", "enabled = true").replace("#hostname = true", "hostname = false");
        assert_eq!(text, expected);
        assert_eq!(with_settings(&text, &[Setting::flag("upload.enabled", true)]).unwrap(), text);
    }

    #[test]
    fn what_somebody_wrote_stays() {
        let mine = "# mine\n[upload]\nenabled = false # not yet\ninterval = \"1m\"\n[privacy]\ncommands = \"none\"\n";
        let text = with_settings(
            mine,
            &[Setting::flag("upload.enabled", true), Setting::text("upload.url", "https://x/?a=\"b")],
        )
        .unwrap();
        assert_eq!(
            text,
            "# mine\n[upload]\nurl = \"https://x/?a=\\\"b\"\nenabled = true\ninterval = \"1m\"\n[privacy]\ncommands = \"none\"\n"
        );
    }

    #[test]
    fn a_section_that_is_missing_is_added() {
        for before in ["", "[names]\npassive = false\n"] {
            let text = with_settings(before, &[Setting::text("privacy.commands", "none")]).unwrap();
            assert!(text.ends_with("[privacy]\ncommands = \"none\"\n"), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_edited_is_left_and_said() {
        let odd = "upload.enabled = false\n";
        let error = with_settings(odd, &[Setting::flag("upload.enabled", true)]).unwrap_err();
        assert!(error.to_string().contains("set by hand: upload.enabled = true"), "{error}");
        let wrong = with_settings("[upload]\nenabeld = true\n", &[]).unwrap_err().to_string();
        assert_eq!(wrong, "/etc/watcher/config.toml:2: upload.enabeld: no such key; did you mean upload.enabled?");
    }
}
