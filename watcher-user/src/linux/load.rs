//! Loading the programs: resolve offsets, open the object, climb the ladder.

use std::{
    borrow::Cow,
    fs::File,
    os::fd::AsFd,
    path::{Path, PathBuf},
};

use aya::{
    Btf, Ebpf, EbpfLoader,
    programs::{CgroupAttachMode, CgroupSkbAttachType, Program as Loaded},
};

use super::{
    Config, Without,
    btf::Types,
    kprobes::{Function, Kprobes, Place, ProbeError},
    ladder::{Capability, FLOOR, Hook, LADDER, NAMES, Program, Side, Wanted, Way},
    maps::{Maps, runs},
    offsets,
    preallocate::preallocate,
    raw,
    refusal::{self, explain},
    traits::Traits,
};
pub use refusal::LoadError;

/// The compiled programs, embedded at build time.
pub static OBJECT: &[u8] = aya::include_bytes_aligned!(env!("WATCHER_EBPF_OBJECT_PATH"));
const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

/// How a capability was got.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The rung of the ladder.
    pub capability: &'static Capability,
    /// The way in use; `None` when there is none.
    pub way: Option<&'static Way>,
    /// Better ways and optional programs that did not load, and why.
    pub refused: Vec<(&'static str, String)>,
    /// Symbol, and instructions that the verifier processed (Linux 5.16).
    pub programs: Vec<(&'static str, Option<u32>)>,
}

/// Programs that run, and maps that fill.
pub struct Probes {
    /// Owns programs, links and maps: dropping it detaches everything.
    pub ebpf: Ebpf,
    /// One for each capability.
    pub outcomes: Vec<Outcome>,
    /// Reads the maps.
    pub maps: Maps,
    /// What kind of kernel this is.
    pub traits: Traits,
    /// Programs at functions.
    pub kprobes: Option<Kprobes>,
}

/// The ring of heads, bytes.
const HEADS_BYTES: u32 = 1 << 19;

/// What every step of the loading needs.
struct Ground {
    btf: Btf,
    cgroup: File,
    traits: Traits,
    knows_length_record: bool,
    flags: Option<offsets::ReceiveFlags>,
    without: Vec<Without>,
}

/// What is being put in place.
struct Load<'e> {
    ebpf: &'e mut Ebpf,
    kprobes: Option<Kprobes>,
    ground: Ground,
}

/// Loads and attaches everything, then seeds the sockets that exist.
///
/// # Errors
/// When a capability that nothing goes without cannot be had.
pub fn load(config: &Config) -> Result<Probes, LoadError> {
    if !privileged() {
        return Err(LoadError::Privilege { verb: "top" });
    }
    let types = Types::load(Path::new(VMLINUX))?;
    let offsets = offsets::resolve(&types)?;
    let ground = Ground {
        btf: Btf::from_sys_fs().map_err(|e| LoadError::Refused(e.to_string()))?,
        cgroup: cgroup_root()?,
        traits: if config.assume_traits { Traits::ALL } else { Traits::of(&types) },
        knows_length_record: offsets::knows_length_record(&types),
        flags: offsets::receive_flags(&types),
        without: config.without.clone(),
    };
    drop(types);
    let preemptible = u64::from(ground.traits.preemptible_tracepoints);
    let flags_fifth = u64::from(ground.flags == Some(offsets::ReceiveFlags::Fifth));
    // Memory that is taken at once is not taken for what most machines never need.
    let preallocated = ground.traits.warns_of_run_time_allocation;
    let max_flows = config.max_flows.unwrap_or(if preallocated { 32_768 } else { 131_072 });
    let object = object(preallocated)?;
    let log_level: u8 = config.log.map_or(0, |level| level as u8);
    let wake_at = u64::from(config.ring_bytes / 4);
    let mut ebpf = EbpfLoader::new()
        .btf(Some(&ground.btf))
        .allow_unsupported_maps()
        .override_global("OFFSETS", &offsets, true)
        .override_global("WAKE_AT", &wake_at, false)
        .override_global("PREEMPTIBLE", &preemptible, false)
        .override_global("FLAGS_FIFTH", &flags_fifth, false)
        .override_global("AYA_LOG_LEVEL", &log_level, false)
        .map_max_entries("EVENTS", config.ring_bytes)
        .map_max_entries("HEADS", if config.names { HEADS_BYTES } else { 4096 })
        .map_max_entries("FLOWS", max_flows)
        .map_max_entries("WAITING", config.max_waiting)
        .map_max_entries("OVERFLOW", config.max_overflow)
        .load(&object)
        .map_err(|e| refusal::object(&e))?;
    let traits = ground.traits;
    let mut load = Load { ebpf: &mut ebpf, kprobes: None, ground };
    let wanted = LADDER.iter().filter(|capability| config.names || capability.name != NAMES);
    let outcomes = wanted.map(|capability| load.climb(capability)).collect::<Result<Vec<_>, _>>()?;
    if config.floor {
        load.attach(&FLOOR).map_err(|e| LoadError::Refused(e.to_string()))?;
    }
    let kprobes = load.kprobes;
    let io = |source| LoadError::Io { doing: "binding the reading programs to the maps", source };
    let maps = Maps::bind(&ebpf).map_err(io)?;
    let probes = Probes { ebpf, outcomes, maps, traits, kprobes };
    probes.seed()?;
    give_back_memory();
    Ok(probes)
}

/// The programs as this kernel wants their maps.
fn object(preallocated: bool) -> Result<Cow<'static, [u8]>, LoadError> {
    if !preallocated {
        return Ok(Cow::Borrowed(OBJECT));
    }
    let mut object = OBJECT.to_vec();
    preallocate(&mut object, &["FLOWS", "WAITING", "OVERFLOW"])
        .ok_or_else(|| LoadError::Refused("the object file has no maps to preallocate".to_owned()))?;
    Ok(Cow::Owned(object))
}

/// One heap for all threads. The others do little, and glibc would give each a heap of its own, which keeps what it was once
/// given. And large lists stay out of it: the first one that is freed would raise the size from which glibc asks the system for
/// memory, and gives it back, so that those of each reading would be kept (mallopt(3), `M_MMAP_THRESHOLD`). To be called before
/// there are others.
pub fn share_one_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: mallopt has no preconditions.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
        libc::mallopt(libc::M_MMAP_THRESHOLD, 128 << 10);
    }
}

/// Gives free memory back to the system: glibc would keep what was needed for a moment (the kernel's type information, a burst
/// of connections) for the life of the process.
pub fn give_back_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: malloc_trim has no preconditions.
    unsafe {
        libc::malloc_trim(0);
    }
}

impl Probes {
    /// Whether a capability was got, in whatever way.
    pub fn has(&self, capability: &str) -> bool {
        self.outcomes.iter().any(|outcome| outcome.capability.name == capability && outcome.way.is_some())
    }

    /// Gives every socket that has no slot one; those that have are left alone.
    ///
    /// # Errors
    /// When the iterator cannot be run.
    pub fn seed(&self) -> Result<(), LoadError> {
        let Some(Loaded::Iter(program)) = self.ebpf.program("watcher_seed") else { return Ok(()) };
        let Ok(fd) = program.fd() else { return Ok(()) };
        let io = |source| LoadError::Io { doing: "seeding the sockets that exist", source };
        let link = raw::iterate(fd.as_fd()).map_err(io)?;
        let mut run = File::from(raw::run_iterator(link.as_fd()).map_err(io)?);
        std::io::copy(&mut run, &mut std::io::sink()).map_err(io)?;
        Ok(())
    }
}

fn privileged() -> bool {
    // CAP_PERFMON 38, CAP_BPF 39; CAP_SYS_ADMIN 21 stands for both (capabilities(7)).
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return nix::unistd::geteuid().is_root() };
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let bits = effective.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0);
    let has = |bit: u32| bits >> bit & 1 == 1;
    has(21) || (has(38) && has(39) && has(12))
}

/// The root of the cgroup v2 tree: on hybrid systems not at /sys/fs/cgroup.
fn cgroup_root() -> Result<File, LoadError> {
    let mounts = std::fs::read_to_string("/proc/mounts")
        .map_err(|source| LoadError::Io { doing: "reading /proc/mounts (is /proc mounted?)", source })?;
    let path = cgroup2_mount(&mounts).ok_or(LoadError::NoCgroup)?;
    File::open(&path).map_err(|source| LoadError::Io { doing: "opening the cgroup v2 root", source })
}

/// The first cgroup2 mount point of a mount table.
#[must_use]
pub fn cgroup2_mount(mounts: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let mut fields = line.split(' ');
        let (path, kind) = (fields.nth(1)?, fields.next()?);
        (kind == "cgroup2").then(|| PathBuf::from(path.replace("\\040", " ")))
    })
}

/// Why a program could not be had.
#[derive(Debug, thiserror::Error)]
enum AttachError {
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Probe(#[from] ProbeError),
}

impl AttachError {
    fn is_not_loaded(&self) -> bool {
        matches!(self, Self::Probe(ProbeError::NotLoaded(_)))
    }
}

impl Load<'_> {
    fn climb(&mut self, capability: &'static Capability) -> Result<Outcome, LoadError> {
        let mut outcome = Outcome { capability, way: None, refused: Vec::new(), programs: Vec::new() };
        for way in capability.ways {
            match way.wanted {
                Wanted::If(one) if !self.ground.traits.have(one) => continue,
                Wanted::Unless(one) if self.ground.traits.have(one) => {
                    outcome.refused.push((way.name, one.objection().to_owned()));
                    continue;
                }
                _ => {}
            }
            if self.ground.without.iter().any(|what| way.is_by(*what)) {
                outcome.refused.push((way.name, "left out by --without".to_owned()));
                continue;
            }
            match self.take(way, &mut outcome) {
                Ok(()) => {
                    outcome.way = Some(way);
                    return Ok(outcome);
                }
                Err((what, why)) => {
                    outcome.programs.clear();
                    outcome.refused.push((what, why));
                }
            }
        }
        if capability.without.is_none() {
            let why = outcome.refused.iter().map(|(s, w)| format!("{s}: {w}")).collect::<Vec<_>>().join("; ");
            return Err(LoadError::Capability { capability: capability.name, why });
        }
        Ok(outcome)
    }

    /// Loads and attaches all programs of a way, or none.
    fn take(&mut self, way: &'static Way, outcome: &mut Outcome) -> Result<(), (&'static str, String)> {
        for (at, program) in way.programs.iter().enumerate() {
            let attached = self.attach(program).and_then(|verified| self.prove(program).map(|()| verified));
            match attached {
                Ok(verified) => outcome.programs.push((program.label(), verified)),
                // A function that is not there is called by nobody.
                Err(AttachError::Probe(ProbeError::Missing(_))) if program.optional => {}
                // Any other that is there and not hooked would be calls that nobody counts.
                Err(why) if program.optional && (!program.is_probe() || why.is_not_loaded()) => {
                    outcome.refused.push((program.label(), why.to_string()));
                }
                Err(why) => {
                    for taken in &way.programs[..=at] {
                        self.detach(taken);
                    }
                    return Err((program.label(), why.to_string()));
                }
            }
        }
        Ok(())
    }

    /// Loads and attaches one program; returns what the verifier processed.
    fn attach(&mut self, program: &Program) -> Result<Option<u32>, AttachError> {
        match program.hook {
            Hook::Entry(function) => self.probe(Place::Entry, function, program.symbol),
            // The entry first: no exit comes without one.
            Hook::Call { function, ends } => {
                let begins = self.probe(Place::Entry, function, program.symbol)?;
                Ok(begins.max(self.probe(Place::Exit, function, ends)?))
            }
            _ => attach(self.ebpf, program, &self.ground).map_err(AttachError::Refused),
        }
    }

    /// Loads a program, unless that was done for another function, and puts it at one.
    fn probe(&mut self, place: Place, function: Function, symbol: &'static str) -> Result<Option<u32>, AttachError> {
        let refused = |why: &str| AttachError::Refused(why.to_owned());
        if self.ground.flags.is_none() {
            return Err(refused("this kernel does not tell which arguments its receiving functions take"));
        }
        let Some(Loaded::KProbe(program)) = self.ebpf.program_mut(symbol) else {
            return Err(refused("has another type in the object file"));
        };
        if program.fd().is_err() {
            program.load().map_err(|e| AttachError::Refused(explain(&e)))?;
        }
        let verified = program.info().ok().and_then(|info| info.verified_instruction_count());
        let fd = program.fd().map_err(|e| AttachError::Refused(e.to_string()))?;
        if self.kprobes.is_none() {
            self.kprobes = Some(Kprobes::new(!self.ground.without.contains(&Without::Tracefs))?);
        }
        let kprobes = self.kprobes.as_mut().expect("made above");
        kprobes.attach(place, function, symbol, fd.as_fd())?;
        Ok(verified)
    }

    /// Those that nothing goes without are tried.
    fn prove(&self, program: &Program) -> Result<(), AttachError> {
        let Some(kprobes) = self.kprobes.as_ref().filter(|_| program.is_probe() && !program.optional) else {
            return Ok(());
        };
        let runs = runs(self.ebpf).map_err(|e| AttachError::Refused(e.to_string()))?;
        if kprobes.fires(program.label(), || runs.sum()) {
            return Ok(());
        }
        Err(AttachError::Refused("calls went by that did not come through this function".to_owned()))
    }

    /// Takes a program out again. If that fails, it ends with the process.
    fn detach(&mut self, program: &Program) {
        let mut symbols = vec![program.symbol];
        if let Hook::Call { ends, .. } = program.hook {
            symbols.push(ends);
        }
        for symbol in symbols {
            if let Some(kprobes) = &mut self.kprobes {
                kprobes.detach(symbol);
            }
            unload(self.ebpf, symbol);
        }
    }
}

/// Loads and attaches one program that aya can attach; returns what the verifier processed.
fn attach(ebpf: &mut Ebpf, program: &Program, ground: &Ground) -> Result<Option<u32>, String> {
    let Ground { btf, cgroup, .. } = ground;
    if matches!(program.hook, Hook::Perf(..)) && !ground.knows_length_record {
        return Err("this kernel lays the tracepoint's record out in another way".to_owned());
    }
    let loaded = ebpf.program_mut(program.symbol).ok_or("not in the object file")?;
    let result = match (program.hook, &mut *loaded) {
        (Hook::Tracepoint(name), Loaded::BtfTracePoint(p)) => p.load(name, btf).and_then(|()| p.attach().map(drop)),
        (Hook::Perf(category, name), Loaded::TracePoint(p)) => {
            p.load().and_then(|()| p.attach(category, name).map(drop))
        }
        (Hook::Exit(name), Loaded::FExit(p)) => p.load(name, btf).and_then(|()| p.attach().map(drop)),
        (Hook::CgroupSock, Loaded::CgroupSock(p)) => {
            p.load().and_then(|()| p.attach(cgroup, CgroupAttachMode::Single).map(drop))
        }
        (Hook::CgroupSkb(side), Loaded::CgroupSkb(p)) => {
            let way = match side {
                Side::Egress => CgroupSkbAttachType::Egress,
                Side::Ingress => CgroupSkbAttachType::Ingress,
            };
            p.load().and_then(|()| p.attach(cgroup, way, CgroupAttachMode::Single).map(drop))
        }
        (Hook::CgroupSockAddr, Loaded::CgroupSockAddr(p)) => {
            p.load().and_then(|()| p.attach(cgroup, CgroupAttachMode::Single).map(drop))
        }
        (Hook::Iterator(name), Loaded::Iter(p)) => p.load(name, btf),
        (Hook::Called, Loaded::RawTracePoint(p)) => p.load(),
        _ => return Err("has another type in the object file".to_owned()),
    };
    result.map_err(|e| explain(&e))?;
    Ok(loaded.info().ok().and_then(|info| info.verified_instruction_count()))
}

fn unload(ebpf: &mut Ebpf, symbol: &str) {
    let _ = match ebpf.program_mut(symbol) {
        Some(Loaded::BtfTracePoint(p)) => p.unload(),
        Some(Loaded::TracePoint(p)) => p.unload(),
        Some(Loaded::FExit(p)) => p.unload(),
        Some(Loaded::CgroupSock(p)) => p.unload(),
        Some(Loaded::CgroupSkb(p)) => p.unload(),
        Some(Loaded::CgroupSockAddr(p)) => p.unload(),
        Some(Loaded::Iter(p)) => p.unload(),
        Some(Loaded::RawTracePoint(p)) => p.unload(),
        Some(Loaded::KProbe(p)) => p.unload(),
        _ => Ok(()),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cgroup2_mount_is_found_on_hybrid_systems() {
        let mounts = "tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n\
                      cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        assert_eq!(cgroup2_mount(mounts), Some(PathBuf::from("/sys/fs/cgroup/unified")));
        assert_eq!(cgroup2_mount("proc /proc proc rw 0 0\n"), None);
        assert_eq!(cgroup2_mount("a /with\\040space cgroup2 rw 0 0"), Some(PathBuf::from("/with space")));
    }
}
