//! What the records say that a process runs: all that is left of one that has ended.

use std::sync::Arc;

use watcher_common::{FILENAME_LEN, ProcessExec};

use crate::program_name::ITSELF;

/// What execve was given.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ran {
    path: String,
    /// The arguments, each ended by NUL.
    arguments: Box<[u8]>,
    is_cut: bool,
}

/// Where a process comes from.
#[derive(Debug, Clone, Default)]
pub(super) struct Origin {
    /// Its program; `None` while nobody saw it executed.
    pub ran: Option<Arc<Ran>>,
    /// The id of its cgroup when it began; 0 where nobody saw that.
    pub cgroup: u64,
}

impl Ran {
    pub fn of(exec: &ProcessExec) -> Self {
        let arguments = &exec.args[..(exec.args_len as usize).min(exec.args.len())];
        let is_cut = arguments.len() == exec.args.len() && !arguments.ends_with(&[0]);
        Self { path: text(&exec.filename), arguments: arguments.into(), is_cut }
    }

    /// Whether it was told to run what it already ran.
    pub fn is_itself(&self) -> bool {
        self.path == ITSELF
    }

    /// With the path that a link to itself led to: what the process ran `before`.
    pub fn after(self, before: Option<&Self>) -> Self {
        let path = before.filter(|_| self.is_itself()).and_then(Self::executable);
        Self { path: path.unwrap_or(self.path), ..self }
    }

    /// The path of the executable. Of a script with `#!` the kernel was given the script; it made argument 0 of the
    /// interpreter, and put the script behind it.
    pub fn executable(&self) -> Option<String> {
        if self.path.len() >= FILENAME_LEN - 1 {
            return None;
        }
        let arguments = self.arguments();
        let is_script = arguments.iter().skip(1).take(2).any(|argument| *argument == self.path);
        let path = arguments.into_iter().next().filter(|_| is_script).unwrap_or_else(|| self.path.clone());
        // A link to itself, or a descriptor, is no path of an executable.
        (path.starts_with('/') && !path.starts_with("/proc/") && !path.starts_with("/dev/fd/")).then_some(path)
    }

    /// Those that are whole.
    pub fn arguments(&self) -> Vec<String> {
        split(&self.arguments, self.is_cut)
    }

    /// Whether there were more than fit.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// The command line, as far as it is known.
    pub fn command(&self) -> String {
        joined(&self.arguments)
    }
}

/// Bytes up to the first NUL.
pub(super) fn text(bytes: &[u8]) -> String {
    let len = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..len]).into_owned()
}

/// Arguments that are each ended by NUL, apart. The last one is left out if it `is_cut`.
pub(super) fn split(arguments: &[u8], is_cut: bool) -> Vec<String> {
    let arguments = arguments.strip_suffix(&[0]).unwrap_or(arguments);
    if arguments.is_empty() {
        return Vec::new();
    }
    let mut parts: Vec<_> =
        arguments.split(|&b| b == 0).map(|part| String::from_utf8_lossy(part).into_owned()).collect();
    if is_cut {
        parts.pop();
    }
    parts
}

/// Arguments that are each ended by NUL, joined by spaces.
pub(super) fn joined(args: &[u8]) -> String {
    let args = args.strip_suffix(&[0]).unwrap_or(args);
    let parts: Vec<_> = args.split(|&b| b == 0).map(String::from_utf8_lossy).collect();
    parts.join(" ")
}
