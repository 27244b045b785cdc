//! Why the kernel said no, in words for people.

use aya::{EbpfError, maps::MapError, programs::ProgramError};
use thiserror::Error;

use super::btf::BtfError;
use crate::text::with_causes;

/// Why the collector cannot start.
#[derive(Debug, Error)]
pub enum LoadError {
    /// Not enough privilege.
    #[error(
        "watching needs root, or the capabilities CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN and CAP_SYS_PTRACE; \
         try: sudo watcher {verb}"
    )]
    Privilege {
        /// What was being attempted.
        verb: &'static str,
    },
    /// No usable kernel type information.
    #[error(transparent)]
    Btf(#[from] BtfError),
    /// The object or its maps were refused as a whole.
    #[error("the kernel refused the eBPF maps: {0}")]
    Refused(String),
    /// A kind of map that this kernel does not have.
    #[error("this kernel has no {what} (they came with Linux {since}), and nothing here counts without: {why}")]
    TooOld {
        /// Which maps.
        what: &'static str,
        /// The first version that has them.
        since: &'static str,
        /// What the kernel said.
        why: String,
    },
    /// A capability without which nothing goes.
    #[error("this kernel cannot give '{capability}': {why}")]
    Capability {
        /// Its name in the ladder.
        capability: &'static str,
        /// What the kernel said to every way.
        why: String,
    },
    /// No cgroup v2 mount.
    #[error("no cgroup v2 tree is mounted (looked in /proc/mounts); try: mount -t cgroup2 none /sys/fs/cgroup")]
    NoCgroup,
    /// A map or link could not be used.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Maps by kind, what a kind is called, and the first version that lets the programs use it as they do. Only for the
/// message: whether a kernel has it is found by trying. Which map of a kind is tried first is chance.
const KINDS: &[(&[&str], &str, &str)] = &[
    (&["SOCKETS"], "socket storage that accepted sockets inherit", "5.4"),
    (&["EVENTS", "HEADS"], "ring buffers", "5.8"),
    (&["PENDING", "MARKS", "CALLS"], "task storage, nor socket storage for tracing programs", "5.11"),
];

/// The object was refused as a whole: because of a map, if the kernel is too old for one.
pub fn object(error: &EbpfError) -> LoadError {
    if let EbpfError::MapError(MapError::CreateError { name, io_error }) = error
        && io_error.raw_os_error() == Some(libc::EINVAL)
        && let Some((_, what, since)) = KINDS.iter().find(|(maps, ..)| maps.contains(&name.as_str()))
    {
        return LoadError::TooOld { what, since, why: format!("map {name}: {io_error}") };
    }
    LoadError::Refused(with_causes(error))
}

/// The kernel's words, without the verifier's thousand lines.
pub fn explain(error: &ProgramError) -> String {
    if let ProgramError::LoadError { io_error, verifier_log } = error {
        if std::env::var_os("WATCHER_VERIFIER_LOG").is_some() {
            eprintln!("{verifier_log}");
        }
        let log = verifier_log.to_string();
        // What follows the verdict is statistics.
        let statistics = ["processed ", "stack depth ", "verification time "];
        let last = log.lines().rev().find(|l| !l.trim().is_empty() && !statistics.iter().any(|s| l.starts_with(s)));
        return match last {
            Some(line) => format!("{io_error}: {}", line.trim()),
            None => io_error.to_string(),
        };
    }
    with_causes(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_without_a_kind_of_map_is_told_so() {
        let refused = |name: &str, errno| {
            let io_error = std::io::Error::from_raw_os_error(errno);
            object(&EbpfError::MapError(MapError::CreateError { name: name.to_owned(), io_error }))
        };
        for map in ["PENDING", "MARKS", "CALLS"] {
            assert!(matches!(refused(map, libc::EINVAL), LoadError::TooOld { since: "5.11", .. }), "{map}");
        }
        assert!(matches!(refused("PENDING", libc::ENOMEM), LoadError::Refused(_)));
        assert!(matches!(refused("FLOWS", libc::EINVAL), LoadError::Refused(_)));
    }
}
