//! What is known of a process when it is named.

use std::sync::Arc;

use watcher_core::Application;

/// What rules go by. All of it is as processes, packages and containers set it: hostile.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Its own name: whole, as it is shown in rows of processes.
    pub name: String,
    /// The path of its executable, absolute; `None` where it is not known for sure.
    pub executable: Option<String>,
    /// What it was started with, argument 0 first; empty where that is not known. An argument that was cut is left out.
    pub arguments: Vec<String>,
    /// The paths of its cgroups, that of version 2 first, then that of systemd; the root is left out.
    pub cgroups: Vec<String>,
    /// The process that forked it, where that is known.
    pub parent: Option<Parent>,
}

/// A process that may have helpers.
#[derive(Debug, Clone, Default)]
pub struct Parent {
    /// The path of its executable, absolute.
    pub executable: Option<String>,
    /// Its application.
    pub application: Option<Arc<Application>>,
}

impl Facts {
    /// Argument 0, which a process may have chosen freely; empty where it is not known.
    #[must_use]
    pub fn first(&self) -> &str {
        self.arguments.first().map_or("", String::as_str)
    }
}

/// The last part of a path; of a program that was replaced since, without the kernel's word for that.
pub(super) fn base(path: &str) -> &str {
    let path = path.strip_suffix(" (deleted)").unwrap_or(path);
    path.rsplit('/').next().unwrap_or(path)
}

/// The folder of a path; empty for a path without.
pub(super) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}
