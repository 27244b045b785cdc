//! The size of a rollup: at most [`MAX_ENCODED`] bytes, always.

use super::{
    Rollup,
    privacy::{Disclosed, MAX_COMMAND_CHARS, MAX_NAME_CHARS},
};

/// The most bytes that a rollup is as JSON.
pub const MAX_ENCODED: usize = 32 * 1024;

/// What describes the machine is cut to this many characters: it is text from files, and leaves room for the lists.
const MAX_FACT_CHARS: usize = 128;

impl Rollup {
    /// As JSON: what is sent, to the byte. At most [`MAX_ENCODED`] for a rollup that [`super::Window::finish`] made.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        crate::json::to_string(self).expect("a rollup has string keys and cannot fail to be written").into_bytes()
    }
}

/// Takes away until it fits, what says least first: the ends of long command lines, whole command lines, the ends of long
/// names, then the last of the longest list. Typical rollups lose nothing; for the others it is text full of characters
/// that JSON must escape.
pub(super) fn fit(rollup: &mut Rollup) {
    let system = &mut rollup.machine.system;
    let facts = [
        &mut system.os,
        &mut system.platform,
        &mut system.platform_version,
        &mut system.kernel_version,
        &mut rollup.machine.hardware.cpu.model,
        &mut rollup.machine.hardware.cpu.model_normalized,
    ];
    for fact in facts {
        fact.truncate(super::privacy::first_chars(fact, MAX_FACT_CHARS).len());
    }
    for chars in [MAX_COMMAND_CHARS / 2, MAX_COMMAND_CHARS / 4, 0] {
        if fits(rollup) {
            return;
        }
        shorten_commands(rollup, chars);
    }
    for chars in [MAX_NAME_CHARS / 2, MAX_NAME_CHARS / 4] {
        if fits(rollup) {
            return;
        }
        shorten_names(rollup, chars);
    }
    while !fits(rollup) && drop_last(rollup) {}
}

fn fits(rollup: &Rollup) -> bool {
    rollup.to_json().len() <= MAX_ENCODED
}

fn shorten_commands(rollup: &mut Rollup, chars: usize) {
    for process in &mut rollup.processes {
        if let Some(command) = &mut process.names.command {
            command.shorten(chars);
        }
        if chars == 0 {
            process.names.command = None;
        }
    }
}

fn shorten_names(rollup: &mut Rollup, chars: usize) {
    let processes = rollup.processes.iter_mut().map(|process| &mut process.names.name);
    let connections = rollup.connections.iter_mut().map(|connection| &mut connection.names.process_name);
    processes.chain(connections).for_each(|name: &mut Disclosed| name.shorten(chars));
}

/// Whether there was anything to drop.
fn drop_last(rollup: &mut Rollup) -> bool {
    let (processes, domains, connections) = (rollup.processes.len(), rollup.domains.len(), rollup.connections.len());
    if connections >= domains.max(processes) {
        rollup.connections.pop().is_some()
    } else if domains >= processes {
        rollup.domains.pop().is_some()
    } else {
        rollup.processes.pop().is_some()
    }
}
