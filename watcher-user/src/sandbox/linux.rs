//! The three steps, on Linux.

use std::{os::unix::fs::MetadataExt as _, path::Path, sync::OnceLock};

use landlock::{
    ABI, AccessFs, AccessNet, PathBeneath, PathFd, Ruleset, RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _,
    RulesetError, RulesetStatus,
};

use super::{InForce, calls, capabilities};
use crate::text::with_causes;

/// The rules that threads take on.
struct Rules {
    /// `None` where there is no Landlock.
    files: Option<RulesetCreated>,
    /// The state directory is somebody else's: root needs its power over files.
    foreign_state: bool,
}

static RULES: OnceLock<Rules> = OnceLock::new();

/// Truncating came with the third version, binding ports with the fourth; older kernels do what they know.
const KNOWN: ABI = ABI::V5;

/// From now on this process and its children gain no privilege by executing, and threads that begin can be sealed. `state`
/// is where they may write. Call it before there are threads that are to be sealed.
#[must_use]
pub fn prepare(state: Option<&Path>) -> InForce {
    let mut force = InForce::default();
    let euid = nix::unistd::geteuid().as_raw();
    let foreign_state = state.and_then(|state| state.metadata().ok()).is_some_and(|meta| meta.uid() != euid);
    if let Err(e) = nix::sys::prctl::set_no_new_privs() {
        force.missing.push(format!("no new privileges: {e}"));
    }
    let files = match rules(state) {
        Ok(rules) => try_on_a_thread(&rules).map(|()| rules),
        Err(e) => Err(with_causes(&e)),
    };
    let files = files.map_err(|why| force.missing.push(format!("Landlock: {why}"))).ok();
    force.files = files.is_some();
    RULES.set(Rules { files, foreign_state }).ok();
    force
}

fn rules(state: Option<&Path>) -> Result<RulesetCreated, RulesetError> {
    let writing = AccessFs::from_write(KNOWN);
    let rules =
        Ruleset::default().handle_access(writing | AccessFs::Execute)?.handle_access(AccessNet::BindTcp)?.create()?;
    match state.map(PathFd::new) {
        Some(Ok(state)) => rules.add_rule(PathBeneath::new(state, writing)),
        // Nothing may be written then.
        _ => Ok(rules),
    }
}

/// Whether the kernel enforces any of it: a thread that ends again finds out.
fn try_on_a_thread(rules: &RulesetCreated) -> Result<(), String> {
    let rules = rules.try_clone().map_err(|e| e.to_string())?;
    let tried = std::thread::spawn(move || rules.restrict_self());
    match tried.join() {
        Ok(Ok(status)) if status.ruleset != RulesetStatus::NotEnforced => Ok(()),
        Ok(Ok(_)) => Err("this kernel has it not, or not turned on (lsm=)".to_owned()),
        Ok(Err(e)) => Err(with_causes(&e)),
        Err(_) => Err("the thread that tried it panicked".to_owned()),
    }
}

/// Gives up everything that a thread needs only to look at other processes or into the kernel. Does nothing unless
/// [`prepare`] was called.
pub fn seal_thread() {
    let Some(rules) = RULES.get() else { return };
    capabilities::keep(&capabilities::of_threads(rules.foreign_state)).ok();
    if let Some(files) = rules.files.as_ref().and_then(|files| files.try_clone().ok()) {
        files.restrict_self().ok();
    }
}

/// Threads that capture begin with what this one has: what it needs until [`close`], and no more.
pub fn before_packets() {
    if let Some(rules) = RULES.get() {
        capabilities::keep(&capabilities::before_packets(rules.foreign_state)).ok();
    }
}

/// The last step, by the collecting thread. `packets` is whether it may have to open another interface.
pub fn close(force: &mut InForce, packets: bool) {
    let foreign_state = RULES.get().is_some_and(|rules| rules.foreign_state);
    match capabilities::keep(&capabilities::of_collector(packets, foreign_state)) {
        Ok(kept) => force.capabilities = kept,
        Err(e) => force.missing.push(format!("capabilities: {e}")),
    }
    match calls::filter() {
        Ok(()) => force.calls = true,
        Err(why) => force.missing.push(format!("the filter for system calls: {why}")),
    }
}
