//! Processes that a browser or an Electron application starts of itself.

use watcher_core::{Application, NamedBy};

use crate::applications::{
    Facts,
    decide::found,
    facts::{base, folder},
};

/// What it says it is, and its parent is of the same program: then it is of the parent's application.
pub fn name(facts: &Facts) -> Option<Application> {
    let sign = sign(facts)?;
    let parent = facts.parent.as_ref()?;
    let (own, above) = (facts.executable.as_deref()?, parent.executable.as_deref()?);
    let plain = |path: &'_ str| path.strip_suffix(" (deleted)").unwrap_or(path).to_owned();
    let is_same = plain(own) == plain(above) || (is_private(folder(own)) && folder(own) == folder(above));
    let application = parent.application.as_ref().filter(|_| is_same)?;
    Some(found(NamedBy::Helper, &*application.name, format!("{} {sign} of {above}", base(own))))
}

/// Arguments are the process's own word: only beside the same executable as the parent's do they mean anything.
fn sign(facts: &Facts) -> Option<&str> {
    let of_crashes = ["chrome_crashpad_handler", "crashpad_handler", "crashhelper"];
    let mut arguments = facts.arguments.iter().skip(1).map(String::as_str);
    // Chromium: renderer, gpu-process, utility, zygote, ppapi, broker …; Firefox: -contentproc.
    let is_kind = |kind: &str| !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    let says = |argument: &&str| {
        argument.strip_prefix("--type=").is_some_and(is_kind) || matches!(*argument, "-contentproc" | "--contentproc")
    };
    arguments.find(says).or_else(|| of_crashes.into_iter().find(|name| *name == facts.name))
}

/// Whether programs of one folder belong together: not where everything lies.
fn is_private(folder: &str) -> bool {
    let is_common = ["bin", "sbin"].contains(&base(folder)) || base(folder).is_empty();
    !is_common && folder.starts_with('/')
}
