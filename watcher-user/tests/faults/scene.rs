//! One watcher, what is done to it, and what must hold afterwards.

use std::{collections::BTreeMap, fs};

use anyhow::{Result, anyhow, ensure};
use libtest_mimic::Trial;

use crate::{
    packets::Showing,
    state::State,
    suite::{Backend, Suite},
    watcher::Watcher,
};

/// A claim and how it is shown.
pub fn trial(name: &str, show: impl FnOnce() -> Result<()> + Send + 'static) -> Trial {
    Trial::test(name, move || {
        let shown =
            if nix::unistd::geteuid().is_root() { show() } else { Err(anyhow!("this needs root: `cargo xtask test`")) };
        shown.map_err(|e| format!("{e:#}").into())
    })
}

/// Starts a watcher with these arguments, lets `show` do what it does, and demands the truth equations and a good end.
pub fn watched(args: &[&str], show: impl FnOnce(&Suite) -> Result<()>) -> Result<()> {
    let suite = Suite::with(Some(Watcher::start_with(args)?), Backend::Ebpf);
    suite.begin(Showing::Equal)?;
    show(&suite)?;
    if let Some(watcher) = suite.watcher() {
        watcher.two_more_objects()?;
        sound(&watcher.state())?;
    }
    suite.stop()
}

/// Nothing that the kernel counted is unexplained, nothing was made up, and no byte found no room.
pub fn sound(state: &State) -> Result<()> {
    let totals = &state.totals;
    let faults = [
        totals.truth.sockets_unbalanced,
        totals.truth.excess_tx_bytes,
        totals.truth.excess_rx_bytes,
        totals.unattributed_tx_bytes,
        totals.unattributed_rx_bytes,
        lost(state, "untold_ends"),
        state.inexact_objects,
    ];
    ensure!(
        faults == [0; 7],
        "unbalanced, excess tx and rx, unattributed tx and rx, untold ends, inexact objects: {faults:?}: {totals:?}"
    );
    Ok(())
}

/// How often something was lost, by its name in `losses`.
pub fn lost(state: &State, what: &str) -> u64 {
    state.totals.losses[what].as_u64().unwrap_or_else(|| panic!("there is no loss `{what}`"))
}

/// What the kernel says of a descriptor: the lines `key: value` of its fdinfo.
pub type Descriptor = BTreeMap<String, String>;

/// All that a process holds. One that is closed meanwhile is left out.
pub fn descriptors(pid: u32) -> Result<Vec<Descriptor>> {
    let mut descriptors = Vec::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fdinfo"))? {
        let Ok(text) = fs::read_to_string(entry?.path()) else { continue };
        let fields = text.lines().filter_map(|line| line.split_once(':'));
        descriptors.push(fields.map(|(key, value)| (key.to_owned(), value.trim().to_owned())).collect());
    }
    Ok(descriptors)
}
