//! Runs of programs that the kernel passed over, and what that cost.

use std::{collections::HashMap, os::fd::AsFd};

use aya::Ebpf;

use super::{
    kprobes::Profile,
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

/// Hits of probes for which no program ran.
///
/// Each program counts its runs, the kernel counts its hits: what these are more by than they were at first is lost. That catches
/// what no counter of the kernel tells: before Linux 6.7 a program that is passed over because this CPU's `bpf_prog_active` is
/// raised is not counted (trace_call_bpf, kernel/trace/bpf_trace.c).
#[derive(Debug, Default)]
pub struct Hits {
    /// Hits before the programs were in place, at most.
    at_first: Option<u64>,
    /// Lost as of the last look, were it not for a program that had been hit and had not begun.
    before: u64,
    /// Lost, at least.
    pub lost: u64,
}

impl Hits {
    /// Looks again: what the kernel counted, and the runs before and after it was asked.
    pub fn look(&mut self, profile: Profile, runs: (u64, u64)) {
        let at_most = profile.hits.saturating_sub(runs.0);
        let at_first = self.at_first.map_or(at_most, |at_first| at_first.min(at_most));
        self.at_first = Some(at_first);
        let now = profile.missed + profile.hits.saturating_sub(runs.1).saturating_sub(at_first);
        self.lost = self.lost.max(now.min(self.before));
        self.before = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(hits: u64, missed: u64) -> Profile {
        Profile { hits, missed }
    }

    #[test]
    fn hits_before_the_programs_were_in_place_are_not_lost() {
        let mut hits = Hits::default();
        hits.look(profile(10, 0), (4, 6));
        hits.look(profile(100, 0), (96, 100));
        hits.look(profile(200, 0), (196, 196));
        hits.look(profile(200, 0), (196, 196));
        assert_eq!(hits.lost, 0);
    }

    #[test]
    fn a_hit_without_a_run_is_lost_once_two_looks_agree() {
        let mut hits = Hits::default();
        hits.look(profile(10, 0), (10, 10));
        hits.look(profile(21, 0), (20, 20));
        assert_eq!(hits.lost, 0, "it may be about to run");
        hits.look(profile(21, 0), (21, 21));
        assert_eq!(hits.lost, 0, "it ran");
        hits.look(profile(30, 0), (28, 28));
        hits.look(profile(40, 0), (37, 38));
        assert_eq!(hits.lost, 2);
    }

    #[test]
    fn what_the_kernel_missed_is_lost() {
        let mut hits = Hits::default();
        hits.look(profile(10, 3), (10, 10));
        hits.look(profile(10, 3), (10, 10));
        assert_eq!(hits.lost, 3);
    }
}
