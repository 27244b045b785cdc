//! The desktop entry that a process was started from, or that names its executable.

use std::borrow::Cow;

use watcher_core::{Application, NamedBy};

use crate::applications::{Books, Facts, decide::found};

/// By the scope that a desktop made, else by the executable.
pub fn name(facts: &Facts, books: &mut Books) -> Option<Application> {
    let scoped = facts.cgroups.iter().find_map(|path| by_scope(path, books));
    scoped.or_else(|| {
        let path = facts.executable.as_deref()?;
        let entry = books.desktop.of_program(path)?;
        Some(found(NamedBy::DesktopEntry, &*entry.name, format!("{path}, {}", entry.file.display())))
    })
}

fn by_scope(path: &str, books: &mut Books) -> Option<Application> {
    let started = started(path)?;
    match books.desktop.of_id(&started.id) {
        // Whatever is typed into a terminal is no part of it.
        Some(entry) if entry.is_terminal => None,
        Some(entry) => Some(found(NamedBy::DesktopEntry, &*entry.name, format!("{path}, {}", entry.file.display()))),
        None => {
            Some(found(NamedBy::DesktopEntry, started.shown, format!("{path}; no desktop entry of that id was found")))
        }
    }
}

/// What a desktop started.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::applications) struct Started {
    /// The id of its desktop entry.
    pub id: String,
    /// What it is called where there is no entry.
    pub shown: String,
}

/// From the units that desktops make (systemd.io/DESKTOP_ENVIRONMENTS), below a user's manager; and from snapd's scopes.
pub(in crate::applications) fn started(path: &str) -> Option<Started> {
    let (_, below) = path.split_once("/user@")?;
    below.split('/').skip(1).find_map(|part| snap(part).or_else(|| scope(part)))
}

/// `app[-<launcher>]-<id>-<random>.scope`, `app[-<launcher>]-<id>[@<random>].service`. Dashes in the parts are escaped.
fn scope(part: &str) -> Option<Started> {
    let same = |id: Cow<'_, str>| Started { id: id.clone().into_owned(), shown: id.into_owned() };
    if let Some(launched) = part.strip_prefix("gnome-launched-").and_then(|rest| rest.strip_suffix(".scope")) {
        return Some(same(launched.rsplit_once(".desktop-")?.0.into()));
    }
    let rest = part.strip_prefix("app-")?;
    let id = if let Some(scope) = rest.strip_suffix(".scope") {
        let (name, _random) = scope.rsplit_once('-')?;
        last_of_two(name)?
    } else {
        let service = rest.strip_suffix(".service")?;
        last_of_two(service.split_once('@').map_or(service, |(name, _random)| name))?
    };
    Some(same(unescaped(id)))
}

/// The id, after a launcher or alone.
fn last_of_two(name: &str) -> Option<&str> {
    let mut parts = name.split('-');
    let (first, second) = (parts.next()?, parts.next());
    let id = second.unwrap_or(first);
    (parts.next().is_none() && !id.is_empty()).then_some(id)
}

/// `snap.<snap>.<app>-<uuid>.scope`; older ones have a dot before the UUID. snapd calls its desktop entry `<snap>_<app>`, and
/// the command `<snap>.<app>`, or `<snap>` where both are the same.
fn snap(part: &str) -> Option<Started> {
    let name = part.strip_prefix("snap.")?.strip_suffix(".scope")?;
    let at = name.len().checked_sub(37)?;
    let (name, uuid) = (name.get(..at)?, name.get(at + 1..)?);
    uuid::Uuid::try_parse(uuid).ok()?;
    let (snap, app) = name.split_once('.')?;
    let shown = if snap == app { snap.to_owned() } else { format!("{snap}.{app}") };
    (!snap.is_empty() && !app.is_empty() && !app.contains('.')).then(|| Started { id: format!("{snap}_{app}"), shown })
}

/// `\x2d` is a dash: see systemd-escape. What is not escaped as systemd does it stays as it is.
pub(in crate::applications) fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains("\\x") {
        return text.into();
    }
    let (mut bytes, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once("\\x") {
        let Some(byte) = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) else {
            return text.into();
        };
        bytes.extend(before.bytes().chain([byte]));
        rest = &after[2..];
    }
    bytes.extend(rest.bytes());
    String::from_utf8(bytes).map_or(text.into(), Cow::Owned)
}
