//! Every key that there is.

use std::{path::PathBuf, time::Duration};

use ipnet::IpNet;
use watcher_core::rollup::{Commands, Glob};

use super::{
    Config, alerts,
    error::Problem,
    value::{Reason, Value},
};

/// One key of a `T`: the configuration, or one of the tables in it that there may be many of.
pub(super) struct Key<T: 'static = Config> {
    /// With its section: `upload.interval`.
    pub name: &'static str,
    /// What holds when it is not set, as TOML; `None` when that is nothing at all.
    pub default: Option<&'static str>,
    /// A value to show where there is no default.
    pub example: &'static str,
    /// What is expected, after "expected".
    pub expected: &'static str,
    /// What it is for, in lines for the default file.
    pub about: &'static [&'static str],
    pub apply: fn(&mut T, Value<'_>) -> Result<(), Reason>,
}

impl<T> Key<T> {
    pub fn set(&self, into: &mut T, value: Value<'_>) -> Result<(), Problem> {
        (self.apply)(into, value).map_err(|reason| value.problem(self.expected, reason))
    }

    /// `upload` of `upload.interval`.
    pub fn section(&self) -> &'static str {
        self.name.rsplit_once('.').map_or("", |(section, _)| section)
    }

    /// `interval` of `upload.interval`.
    pub fn short(&self) -> &'static str {
        self.name.rsplit_once('.').map_or(self.name, |(_, short)| short)
    }
}

/// A key by its full name.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The key or section whose name is most like an unknown one.
pub(super) fn nearest(unknown: &str) -> Option<&'static str> {
    let short = |name: &str| name.rsplit('.').next().map(str::to_owned).unwrap_or_default();
    let sections = KEYS.iter().map(Key::section).chain([alerts::SECTION]);
    let names = KEYS.iter().map(|key| key.name).chain(alerts::KEYS.iter().map(|key| key.name));
    // A key in the wrong section is as near as a slip in the right one.
    let distance = |name: &str| {
        let moved = strsim::osa_distance(&short(name), &short(unknown)) + 1;
        strsim::osa_distance(name, unknown).min(moved)
    };
    let best = names.chain(sections).min_by_key(|name| distance(name))?;
    (distance(best) <= 1 + short(unknown).chars().count() / 3).then_some(best)
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// In the order of the default file.
pub(super) const KEYS: &[Key] = &[
    Key {
        name: "upload.enabled",
        default: Some("false"),
        example: "true",
        expected: "true or false",
        about: &["Whether rollups are uploaded. Nothing ever is unless this is true or a url is set."],
        apply: |config, value| set(&mut config.upload.enabled, value.yes_or_no().map(Some)),
    },
    Key {
        name: "upload.url",
        default: None,
        example: "\"https://dialtoneapp.com/api/v1/watcher\"",
        expected: "a URL such as \"https://host/path\"",
        about: &["Where to. Setting it turns upload on, unless enabled is false."],
        apply: |config, value| set(&mut config.upload.url, value.url().map(Some)),
    },
    Key {
        name: "upload.interval",
        default: Some("\"15m\""),
        example: "\"15m\"",
        expected: "a duration from \"1s\" to \"1d\", such as \"15m\"",
        about: &["How long one window is. Each window becomes one upload of at most 32 KiB."],
        apply: |config, value| set(&mut config.upload.interval, value.duration(SECOND, DAY)),
    },
    Key {
        name: "upload.timeout",
        default: Some("\"10s\""),
        example: "\"10s\"",
        expected: "a duration from \"100ms\" to \"5m\", such as \"10s\"",
        about: &["How long one attempt may take."],
        apply: |config, value| set(&mut config.upload.timeout, value.duration(SECOND / 10, 5 * MINUTE)),
    },
    Key {
        name: "upload.token_file",
        default: None,
        example: "\"/etc/watcher/token\"",
        expected: "an absolute path such as \"/etc/watcher/token\"",
        about: &["A file with a bearer token, sent with each upload."],
        apply: |config, value| set(&mut config.upload.token_file, value.absolute_path().map(Some)),
    },
    Key {
        name: "upload.gzip",
        default: Some("false"),
        example: "true",
        expected: "true or false",
        about: &["Whether uploads are compressed. The receiver must be known to take that."],
        apply: |config, value| set(&mut config.upload.gzip, value.yes_or_no()),
    },
    Key {
        name: "upload.ca_file",
        default: None,
        example: "\"/etc/watcher/ca.pem\"",
        expected: "an absolute path such as \"/etc/watcher/ca.pem\"",
        about: &["Certificates to trust, PEM, instead of the system's."],
        apply: |config, value| set(&mut config.upload.ca_file, value.absolute_path().map(Some)),
    },
    Key {
        name: "privacy.commands",
        default: Some("\"name\""),
        example: "\"name\"",
        expected: "\"full\", \"name\" or \"none\"",
        about: &[
            "Command lines in uploads; they can hold secrets. \"full\": up to 256 characters, \"name\": the name of the",
            "process in their place, \"none\": nothing.",
        ],
        apply: |config, value| set(&mut config.privacy.commands, commands(value)),
    },
    Key {
        name: "privacy.hostname",
        default: Some("true"),
        example: "false",
        expected: "true or false",
        about: &["Whether uploads hold the name of this machine."],
        apply: |config, value| set(&mut config.privacy.hostname, value.yes_or_no()),
    },
    Key {
        name: "privacy.exclude.processes",
        default: Some("[]"),
        example: "[\"secret-*\"]",
        expected: "an array of process names such as [\"secret-*\"]",
        about: &[
            "Counted in the totals of uploads and never named. Names of processes; * stands for any text, ? for any",
            "character.",
        ],
        apply: |config, value| set(&mut config.privacy.exclude.processes, value.list(glob)),
    },
    Key {
        name: "privacy.exclude.domains",
        default: Some("[]"),
        example: "[\"corp.example\"]",
        expected: "an array of domains such as [\"corp.example\"]",
        about: &["Domains, with all below them; * and ? as above."],
        apply: |config, value| set(&mut config.privacy.exclude.domains, value.list(glob)),
    },
    Key {
        name: "privacy.exclude.networks",
        default: Some("[]"),
        example: "[\"10.0.0.0/8\"]",
        expected: "an array of networks such as [\"10.0.0.0/8\", \"2001:db8::1\"]",
        about: &["Networks and addresses."],
        apply: |config, value| set(&mut config.privacy.exclude.networks, value.list(network)),
    },
    Key {
        name: "collect.sample_interval",
        default: Some("\"5s\""),
        example: "\"5s\"",
        expected: "a duration from \"500ms\" to \"10m\", such as \"5s\"",
        about: &["How often the CPU and memory of processes are sampled. Bytes are counted always, never sampled."],
        apply: |config, value| set(&mut config.collect.sample_interval, value.duration(SECOND / 2, 10 * MINUTE)),
    },
    Key {
        name: "collect.list_loopback",
        default: Some("false"),
        example: "true",
        expected: "true or false",
        about: &["Whether uploads list traffic within this machine. Their totals always hold it."],
        apply: |config, value| set(&mut config.collect.list_loopback, value.yes_or_no()),
    },
    Key {
        name: "names.passive",
        default: Some("true"),
        example: "false",
        expected: "true or false",
        about: &["Whether names of remotes are learnt from DNS answers and TLS and QUIC greetings that pass by."],
        apply: |config, value| set(&mut config.names.passive, value.yes_or_no()),
    },
    Key {
        name: "names.ptr",
        default: Some("true"),
        example: "false",
        expected: "true or false",
        about: &[
            "Whether the system's resolver is asked for the names of public addresses that nothing else named. The remotes",
            "themselves are never contacted.",
        ],
        apply: |config, value| set(&mut config.names.ptr, value.yes_or_no()),
    },
    Key {
        name: "names.geo",
        default: Some("[]"),
        example: "[\"/var/lib/GeoIP/GeoLite2-Country.mmdb\"]",
        expected: "an array of absolute paths such as [\"/var/lib/GeoIP/GeoLite2-Country.mmdb\"]",
        about: &["Databases (.mmdb) of countries and of autonomous systems. watcher downloads none."],
        apply: |config, value| set(&mut config.names.geo, value.list(absolute_path)),
    },
    Key {
        name: "history.enabled",
        default: Some("true"),
        example: "false",
        expected: "true or false",
        about: &["Whether watcher keeps a history on this machine, for `watcher stats`."],
        apply: |config, value| set(&mut config.history.enabled, value.yes_or_no()),
    },
    Key {
        name: "history.interval",
        default: Some("\"10s\""),
        example: "\"10s\"",
        expected: "a duration from \"1s\" to \"10m\", such as \"10s\"",
        about: &["How often it is written. A kill costs at most so much of it; a stop costs nothing."],
        apply: |config, value| set(&mut config.history.interval, value.duration(SECOND, 10 * MINUTE)),
    },
    Key {
        name: "paths.state",
        default: None,
        example: "\"/var/lib/watcher\"",
        expected: "an absolute path such as \"/var/lib/watcher\"",
        about: &["Where the identity, the history and what is still to be uploaded are kept."],
        apply: |config, value| set(&mut config.paths.state, value.absolute_path().map(Some)),
    },
];

pub(super) fn set<T>(slot: &mut T, value: Result<T, Reason>) -> Result<(), Reason> {
    *slot = value?;
    Ok(())
}

fn commands(value: Value<'_>) -> Result<Commands, Reason> {
    match value.text()? {
        "full" => Ok(Commands::Full),
        "name" => Ok(Commands::Name),
        "none" => Ok(Commands::None),
        _ => Err(None),
    }
}

fn glob(text: &str) -> Result<Glob, Reason> {
    if text.is_empty() { Err(Some("an empty name excludes nothing".to_owned())) } else { Ok(Glob::new(text)) }
}

fn absolute_path(text: &str) -> Result<PathBuf, Reason> {
    let path = PathBuf::from(text);
    if path.is_absolute() { Ok(path) } else { Err(Some(format!("{text:?} is not absolute"))) }
}

/// A network, or one address.
fn network(text: &str) -> Result<IpNet, Reason> {
    let address = || text.parse().ok().map(|address: std::net::IpAddr| IpNet::from(address.to_canonical()));
    text.parse().ok().or_else(address).ok_or_else(|| Some(format!("{text:?} is no network")))
}
