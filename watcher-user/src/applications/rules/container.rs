//! The container that a process runs in, by the cgroup that its engine made.

use std::borrow::Cow;

use watcher_core::{Application, NamedBy};

use crate::applications::{Books, Facts, decide::found, rules::desktop::unescaped};

/// Digits of an id that engines show where there is little room.
const SHORT: usize = 12;

/// What a path says of the container.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::applications) enum Container<'a> {
    /// Its whole id.
    Id(&'a str),
    /// Its name.
    Name(Cow<'a, str>),
}

/// By its name where that can be read; else by the short id that its engine shows.
pub fn name(facts: &Facts, books: &mut Books) -> Option<Application> {
    let (path, container) = facts.cgroups.iter().find_map(|path| Some((path, of(path)?)))?;
    let id = match container {
        Container::Name(name) => return Some(found(NamedBy::Container, name, &**path)),
        Container::Id(id) => id,
    };
    // Below their managers users make what cgroups they like: those may not borrow the names that root's engines gave.
    let is_of_user = path.split(id).next().is_some_and(|before| before.contains("/user@"));
    let named = if is_of_user { None } else { books.containers.name(id) };
    Some(match named {
        Some(named) => found(NamedBy::Container, named.name, format!("{path}, {}", named.file.display())),
        None => {
            found(NamedBy::Container, &id[..SHORT], format!("{path}; its name cannot be read, this is its short id"))
        }
    })
}

/// The outermost container of a path: one inside it is known to that one only.
pub(in crate::applications) fn of(path: &str) -> Option<Container<'_>> {
    let mut before = "";
    for part in path.split('/') {
        if let Some(found) = in_part(before, part) {
            return Some(found);
        }
        before = part;
    }
    None
}

fn in_part<'a>(before: &str, part: &'a str) -> Option<Container<'a>> {
    let named = |name: &'a str| (!name.is_empty()).then(|| Container::Name(unescaped(name)));
    let unit = part.strip_suffix(".scope").unwrap_or(part);
    // What watches a container (libpod-conmon-…, crio-conmon-…, lxc.monitor.…) is not in it.
    let engines = ["docker-", "libpod-", "cri-containerd-", "crio-", "nerdctl-"];
    let id = engines.iter().find_map(|engine| unit.strip_prefix(engine)).unwrap_or(unit);
    if is_id(id) {
        return Some(Container::Id(id));
    }
    if let Some(name) = part.strip_prefix("lxc.payload.") {
        return named(name);
    }
    if matches!(before, "lxc" | "lxc.payload") {
        return named(part);
    }
    if before != "machine.slice" {
        return None;
    }
    let machine = part.strip_prefix("machine-").and_then(|rest| rest.strip_suffix(".scope"));
    let machine = machine.or_else(|| part.strip_prefix("systemd-nspawn@")?.strip_suffix(".service"));
    named(machine?)
}

/// Every engine has ids of 256 bits.
fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
