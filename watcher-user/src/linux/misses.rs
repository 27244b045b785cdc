//! Runs of programs that the kernel passed over, and what that cost.

use std::{collections::HashMap, os::fd::AsFd};

use aya::Ebpf;

use super::{
    ladder::{Missed, Program},
    raw,
};

/// What has been seen so far: at most.
#[derive(Debug, Default)]
pub struct Misses {
    /// By symbol, as of the last look.
    before: HashMap<&'static str, u64>,
    /// Calls that no program counted.
    pub calls: u64,
    /// Events that no program told of.
    pub events: u64,
}

impl Misses {
    /// Looks again. Of two programs that stand in for each other, no more can be lost between two looks than the one that
    /// missed fewer has missed.
    pub fn look<'p>(&mut self, ebpf: &Ebpf, programs: impl Iterator<Item = &'p Program>, preemptible: bool) {
        for program in programs {
            match program.missed {
                Missed::Nothing => {}
                Missed::Late if preemptible => {}
                Missed::Late | Missed::Lost => self.calls += self.grown(ebpf, program.symbol),
                Missed::Untold => self.events += self.grown(ebpf, program.symbol),
                Missed::LostWith(other) => self.calls += self.both(ebpf, program.symbol, other),
                Missed::UntoldWith(other) => self.events += self.both(ebpf, program.symbol, other),
            }
        }
    }

    fn both(&mut self, ebpf: &Ebpf, one: &'static str, other: &'static str) -> u64 {
        self.grown(ebpf, one).min(self.grown(ebpf, other))
    }

    fn grown(&mut self, ebpf: &Ebpf, symbol: &'static str) -> u64 {
        let fd = ebpf.program(symbol).and_then(|program| program.fd().ok());
        let Some(now) = fd.and_then(|fd| raw::recursion_misses(fd.as_fd()).ok()) else { return 0 };
        now - self.before.insert(symbol, now).unwrap_or(0)
    }
}
