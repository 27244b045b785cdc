//! One watcher, what is done to it, and what must hold afterwards.

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
        state.inexact_objects,
    ];
    ensure!(
        faults == [0; 6],
        "unbalanced, excess tx and rx, unattributed tx and rx, inexact objects: {faults:?}: {totals:?}"
    );
    Ok(())
}

/// How often something was lost, by its name in `losses`.
pub fn lost(state: &State, what: &str) -> u64 {
    state.totals.losses[what].as_u64().unwrap_or_default()
}
