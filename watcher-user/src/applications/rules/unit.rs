//! The service of systemd that a process belongs to.

use watcher_core::{Application, NamedBy};

use crate::applications::{Facts, decide::found};

const SERVICE: &str = ".service";

/// Services that start what others ask for: jobs, logins, programs that were called by bus. Their cgroup says who started a
/// process, not what it is. The daemons themselves go by their executables.
const HOSTS: &[&str] = &[
    "anacron",
    "atd",
    "autovt",
    "console-getty",
    "container-getty",
    "cron",
    "crond",
    "cronie",
    "dbus",
    "dbus-broker",
    "debug-shell",
    "emergency",
    "getty",
    "inetd",
    "rescue",
    "serial-getty",
    "ssh",
    "sshd",
    "user",
    "xinetd",
];

/// The innermost service, by its name without `.service`: `nginx`, `postgresql@15-main`.
pub fn name(facts: &Facts) -> Option<Application> {
    facts.cgroups.iter().find_map(|path| {
        let name = unit(path)?.strip_suffix(SERVICE)?;
        (!is_host(name) && !is_transient(name)).then(|| found(NamedBy::Unit, name, &**path))
    })
}

/// The innermost unit that holds processes. In a scope are those that somebody else started: a session, a terminal.
fn unit(path: &str) -> Option<&str> {
    // systemd escapes names that look like files of the kernel ("cgroup.service") with an underscore.
    let part = |part: &'_ str| part.ends_with(SERVICE) || part.ends_with(".scope");
    let unit = path.rsplit('/').find(|name| part(name))?;
    let unit = unit.strip_prefix('_').unwrap_or(unit);
    (unit.len() > SERVICE.len()).then_some(unit)
}

fn is_host(name: &str) -> bool {
    let template = name.split('@').next().unwrap_or(name);
    HOSTS.contains(&template)
}

/// `systemd-run` without a name makes one up: `run-r0123…`, `run-u12`, `run-p12-i34`.
fn is_transient(name: &str) -> bool {
    let is_made_up = |rest: &str| {
        let mut chars = rest.chars();
        matches!(chars.next(), Some('r' | 'u' | 'p')) && chars.all(|c| c.is_ascii_hexdigit() || matches!(c, '-' | 'i'))
    };
    name.strip_prefix("run-").is_some_and(is_made_up)
}
