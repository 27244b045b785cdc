//! What may leave the machine by name. The one place that decides it: the text of everything sensitive in a rollup is
//! [`Disclosed`], and outside of reading a rollup back only [`Policy`] makes that.
//!
//! What is excluded is counted in the totals of the window and appears nowhere else: an excluded process is not listed, and
//! what it exchanged is not listed under its remotes either; an excluded remote is neither a domain nor part of a
//! connection, while the processes that talk to it keep their bytes.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{
    Glob,
    schema::{ConnectionNames, DomainNames, Hostname, ProcessNames},
};
use crate::names::{Name, NameSource};

/// Characters of a command line that leave the machine, at most.
pub const MAX_COMMAND_CHARS: usize = 256;
/// Characters of a process name.
pub const MAX_NAME_CHARS: usize = 128;
/// Characters of a host name (RFC 1035 allows 253).
const MAX_HOSTNAME_CHARS: usize = 253;

/// Text that the policy has let out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Disclosed(String);

impl Disclosed {
    fn cut(text: &str, chars: usize) -> Self {
        Self(first_chars(text, chars).to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Shortens it to at most so many characters.
    pub(super) fn shorten(&mut self, chars: usize) {
        self.0.truncate(first_chars(&self.0, chars).len());
    }
}

/// The first `chars` characters of `text`; a character is never cut.
pub(super) fn first_chars(text: &str, chars: usize) -> &str {
    text.char_indices().nth(chars).map_or(text, |(end, _)| &text[..end])
}

/// How much of a command line leaves the machine. It can hold secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Commands {
    /// All of it, up to [`MAX_COMMAND_CHARS`] characters.
    Full,
    /// The name of the process in its place.
    #[default]
    Name,
    /// The field is absent.
    None,
}

/// What is counted and never named.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exclude {
    /// Processes by name.
    pub processes: Vec<Glob>,
    /// Remotes by name. One without wildcards stands for its subdomains too.
    pub domains: Vec<Glob>,
    /// Remotes by address.
    pub networks: Vec<IpNet>,
}

/// What may leave the machine by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Command lines.
    pub commands: Commands,
    /// Whether the name of the machine is told.
    pub hostname: bool,
    /// Counted and never named.
    pub exclude: Exclude,
}

impl Default for Policy {
    fn default() -> Self {
        Self { commands: Commands::default(), hostname: true, exclude: Exclude::default() }
    }
}

impl Policy {
    /// Whether a process of this name goes unnamed.
    #[must_use]
    pub fn hides_process(&self, name: &str) -> bool {
        self.exclude.processes.iter().any(|glob| glob.matches(name))
    }

    /// Whether a remote goes unnamed.
    #[must_use]
    pub fn hides_remote(&self, address: IpAddr, name: Option<&Name>) -> bool {
        let address = address.to_canonical();
        self.exclude.networks.iter().any(|network| network.contains(&address))
            || name.is_some_and(|name| self.hides_name(name))
    }

    /// Whether a remote of this name goes unnamed.
    pub(super) fn hides_name(&self, name: &Name) -> bool {
        let parts = [Some(name.domain()), name.display()];
        parts.into_iter().flatten().any(|domain| self.hides_domain(domain))
    }

    fn hides_domain(&self, domain: &str) -> bool {
        // `corp.example` stands for `a.corp.example` as well: try every suffix.
        let suffixes = std::iter::successors(Some(domain), |rest| rest.split_once('.').map(|(_, rest)| rest));
        self.exclude.domains.iter().any(|glob| suffixes.clone().any(|suffix| glob.matches(suffix)))
    }

    /// The name of the machine.
    pub(super) fn hostname(&self, raw: &str) -> Hostname {
        if self.hostname { Disclosed::cut(raw, MAX_HOSTNAME_CHARS) } else { Disclosed::default() }
    }

    /// A process; `None` when it goes unnamed.
    pub(super) fn process(&self, pid: u32, name: &str, command: &str) -> Option<ProcessNames> {
        if self.hides_process(name) {
            return None;
        }
        let command = match self.commands {
            Commands::Full => Some(command).filter(|command| !command.is_empty()),
            Commands::Name => Some(name),
            Commands::None => None,
        };
        let command = command.map(|text| Disclosed::cut(text, MAX_COMMAND_CHARS));
        Some(ProcessNames { pid, name: Disclosed::cut(name, MAX_NAME_CHARS), command })
    }

    /// A remote by its name; `None` when it goes unnamed.
    pub(super) fn named(&self, name: &Name) -> Option<DomainNames> {
        let full = |text: &str| Disclosed(text.to_owned());
        let shown = || DomainNames { domain: full(name.domain()), display_name: name.display().map(full) };
        (!self.hides_name(name)).then(shown)
    }

    /// A remote by its address, with the name that was found for it afterwards; `None` when it goes unnamed.
    pub(super) fn address(&self, address: IpAddr, name: Option<&Name>) -> Option<DomainNames> {
        let display_name = name.map(|name| Disclosed(name.display().unwrap_or(name.domain()).to_owned()));
        let shown = || DomainNames { domain: Disclosed(address.to_string()), display_name };
        (!self.hides_remote(address, name)).then(shown)
    }

    /// A process with a remote; `None` when either goes unnamed.
    pub(super) fn connection(
        &self,
        pid: u32,
        process: &str,
        remote: Option<DomainNames>,
        source: NameSource,
    ) -> Option<ConnectionNames> {
        let process = self.process(pid, process, "")?;
        // The contract has one word for both.
        let source = if source == NameSource::HostDns { NameSource::Dns } else { source };
        Some(ConnectionNames { pid, process_name: process.name, remote: remote?, name_source: Some(source) })
    }
}
