//! Capabilities after the programs are loaded. They are a thread's own.

use caps::{CapSet, Capability, CapsHashSet, errors::CapsError};

/// What the collecting thread still calls: `bpf(2)` (before Linux 5.19 every command wants CAP_BPF where
/// unprivileged_bpf_disabled is set; afterwards none that is used here does), and `/proc/PID/fd` and `/proc/PID/exe` of others.
const COLLECTOR: [Capability; 3] = [Capability::CAP_BPF, Capability::CAP_SYS_PTRACE, Capability::CAP_DAC_READ_SEARCH];
/// An interface that comes later is captured, too.
const PACKETS: [Capability; 2] = [Capability::CAP_NET_RAW, Capability::CAP_NET_ADMIN];
/// Root on a state directory of another user.
const FOREIGN_STATE: Capability = Capability::CAP_DAC_OVERRIDE;

/// For the thread that collects.
pub fn of_collector(packets: bool, foreign_state: bool) -> CapsHashSet {
    let mut wanted = of_threads(foreign_state);
    wanted.extend(COLLECTOR);
    if packets {
        wanted.extend(PACKETS);
        wanted.remove(&Capability::CAP_BPF);
    }
    wanted
}

/// For that thread while it opens what it captures: the control socket's group is yet to be set.
pub fn before_packets(foreign_state: bool) -> CapsHashSet {
    let mut wanted = of_collector(true, foreign_state);
    wanted.insert(Capability::CAP_CHOWN);
    wanted
}

/// For the others.
pub fn of_threads(foreign_state: bool) -> CapsHashSet {
    foreign_state.then_some(FOREIGN_STATE).into_iter().collect()
}

/// Keeps of these what this thread has, and nothing else, for good. Tells their names.
pub fn keep(wanted: &CapsHashSet) -> Result<Vec<String>, CapsError> {
    let kept: CapsHashSet = caps::read(None, CapSet::Permitted)?.intersection(wanted).copied().collect();
    // Those that an executed program would get, first; the bounding set may only be reduced with CAP_SETPCAP, and nobody executes.
    if caps::has_cap(None, CapSet::Effective, Capability::CAP_SETPCAP)? {
        caps::clear(None, CapSet::Bounding)?;
    }
    caps::clear(None, CapSet::Ambient).ok();
    caps::set(None, CapSet::Inheritable, &CapsHashSet::new())?;
    caps::set(None, CapSet::Effective, &kept)?;
    caps::set(None, CapSet::Permitted, &kept)?;
    let mut names: Vec<String> = kept.iter().map(ToString::to_string).collect();
    names.sort();
    Ok(names)
}
