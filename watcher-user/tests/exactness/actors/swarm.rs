//! Processes that come and go by the thousand.

use std::{
    collections::{HashSet, VecDeque},
    fs,
    net::SocketAddr,
    os::fd::{AsFd as _, OwnedFd},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use nix::{
    sched::CloneFlags,
    sys::{
        signal::{Signal, kill, raise},
        wait::{Id, WaitPidFlag, waitid, waitpid},
    },
    unistd::Pid,
};

use super::{
    Actor, Args, Play,
    calls::BYTES,
    fork, say,
    socket::{Host, Transport, accept, local},
};
use crate::{
    report::{Line, Report},
    sys,
};

/// Actors of this file.
pub const CAST: &[(&str, Play)] = &[
    ("swarm-server", server),
    ("swarm", swarm),
    ("hold", hold),
    ("same-pid", same_pid),
    ("small-pidns", small_pidns),
    ("slow-end", slow_end),
    ("namespaces", namespaces),
];

/// So many children of a swarm at once.
const AT_ONCE: usize = 16;

/// `host connections`: takes what comes on each, one after the other.
fn server(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let listener = Transport::Tcp.bind(args.next::<Host>("host")?.port(0))?;
    let connections: u32 = args.next("connections")?;
    actor.announce(local(&listener)?)?;
    let mut buf = [0; 8_192];
    for _ in 0..connections {
        let socket = accept(&listener)?;
        loop {
            let got = sys::recv(socket.as_fd(), &mut buf, 0)?;
            if got == 0 {
                break;
            }
            actor.received(got);
        }
    }
    Ok(())
}

/// What the child of this number sends: less than a segment, so in one call.
fn portion(number: u64) -> usize {
    usize::try_from(1 + number % 997).unwrap_or(1)
}

/// One process's life: connects, sends its portion, ends. 0 when all of it was taken.
fn live(address: SocketAddr, number: u64) -> i32 {
    let bytes = &BYTES[..portion(number)];
    let sent = Transport::Tcp.connect(address).and_then(|socket| Ok(sys::send(socket.as_fd(), bytes, 0)?));
    i32::from(!sent.is_ok_and(|sent| sent == bytes.len()))
}

/// The parent counts for a child that has ended well.
fn tell_of(pid: Pid, number: u64) -> Result<()> {
    say(&Line::Report(Report { pid: pid.as_raw().cast_unsigned(), tx: portion(number) as u64, ..Report::default() }))
}

/// `address processes`: so many children, each of which sends once.
fn swarm(_: &mut Actor, args: &mut Args) -> Result<()> {
    let (address, processes): (SocketAddr, u64) = (args.next("address")?, args.next("processes")?);
    let mut running: VecDeque<(sys::Forked, u64)> = VecDeque::new();
    for number in 0..processes {
        if running.len() == AT_ONCE
            && let Some((child, number)) = running.pop_front()
        {
            child.join()?;
            tell_of(child.0, number)?;
        }
        running.push_back((sys::fork(|| live(address, number))?, number));
    }
    running.into_iter().try_for_each(|(child, number)| {
        child.join()?;
        tell_of(child.0, number)
    })
}

/// `address connections`: opens so many, sends a byte on each, and closes them when told to.
fn hold(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let address: SocketAddr = args.next("address")?;
    let sockets = (0..args.next::<u32>("connections")?).map(|_| Transport::Tcp.connect(address));
    let sockets = sockets.collect::<Result<Vec<_>>>()?;
    for socket in &sockets {
        actor.sent(sys::send(socket.as_fd(), &BYTES[..1], 0)?);
    }
    actor.announce("held")?;
    actor.await_go().map(|_| ())
}

/// `address processes`: children one after the other that all have the same pid, which it says.
fn same_pid(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let (address, processes): (SocketAddr, u64) = (args.next("address")?, args.next("processes")?);
    // A pid that has just become free.
    let free = sys::fork(|| 0)?;
    free.join()?;
    actor.announce(free.0)?;
    for number in 0..processes {
        sys::fork_as(free.0, || live(address, number)).with_context(|| format!("pid {}", free.0))?.join()?;
    }
    Ok(())
}

/// `address most processes`: inside a PID namespace that has only so many pids; notes how many children had one that another had
/// before, and reports each by the pid that it has outside.
fn small_pidns(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let address: SocketAddr = args.next("address")?;
    let (most, processes): (String, u64) = (args.next("most")?, args.next("processes")?);
    let (read, write) = nix::unistd::pipe()?;
    let first = sys::fork_in_small_pidns(&most, || match in_small_pidns(address, processes, &write) {
        Ok(()) => 0,
        Err(e) => {
            eprintln!("inside: {e:#}");
            1
        }
    })?;
    drop(write);
    // What the first process there says of its children, whose pids out here only /proc knows.
    let mut seen = HashSet::new();
    let mut again = 0_u64;
    let mut line = [0; 16];
    while sys::read(read.as_fd(), &mut line)? == line.len() {
        let [inner, number] = [0, 8].map(|at| u64::from_ne_bytes(line[at..at + 8].try_into().unwrap_or_default()));
        again += u64::from(!seen.insert(inner));
        let outer = only_child(first.0)?;
        tell_of(outer, number)?;
        // It stays until it has been looked up.
        kill(outer, Signal::SIGCONT)?;
    }
    first.join()?;
    actor.note("again", again);
    Ok(())
}

fn only_child(parent: Pid) -> Result<Pid> {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))?;
    let mut pids = children.split_whitespace().map(str::parse);
    let pid = pids.next().context("no child")??;
    ensure!(pids.next().is_none(), "several children: {children}");
    Ok(Pid::from_raw(pid))
}

/// Children one after the other, each of which stops when it has sent.
fn in_small_pidns(address: SocketAddr, processes: u64, told: &OwnedFd) -> Result<()> {
    for number in 0..processes {
        let child = sys::fork(|| {
            let code = live(address, number);
            raise(Signal::SIGSTOP).map_or(1, |()| code)
        })?;
        waitpid(child.0, Some(WaitPidFlag::WUNTRACED))?;
        let inner = u64::from(child.0.as_raw().cast_unsigned());
        sys::write(told.as_fd(), &[inner.to_ne_bytes(), number.to_ne_bytes()].concat())?;
        child.join()?;
    }
    Ok(())
}

/// `address`: the first process of a PID namespace sends, and ends when told to. That takes until the other one there, which is
/// killed by it, has been waited for (zap_pid_ns_processes, kernel/pid_namespace.c).
fn slow_end(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let address: SocketAddr = args.next("address")?;
    let (read, write) = nix::unistd::pipe()?;
    sys::unshare(CloneFlags::CLONE_NEWPID)?;
    let first = sys::fork(|| {
        let code = live(address, 0);
        sys::read(read.as_fd(), &mut [0]).map_or(1, |_| code)
    })?;
    let other = sys::fork(|| {
        nix::unistd::pause();
        1
    })?;
    actor.announce(first.0)?;
    actor.await_go()?;
    sys::write(write.as_fd(), &[0])?;
    waitid(Id::Pid(other.0), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT)?;
    actor.announce("ending")?;
    actor.await_go()?;
    waitpid(other.0, None)?;
    first.join()?;
    tell_of(first.0, 0)
}

/// A cgroup that is gone with this.
struct Cgroup(PathBuf);

impl Cgroup {
    fn new(at: &Path, name: String) -> Result<Self> {
        let path = at.join(name);
        fs::create_dir(&path).with_context(|| path.display().to_string())?;
        Ok(Self(path))
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        if let Err(e) = fs::remove_dir(&self.0) {
            eprintln!("{}: {e}", self.0.display());
        }
    }
}

/// Where cgroup v2 is.
fn cgroups() -> Result<PathBuf> {
    let mounts = fs::read_to_string("/proc/mounts")?;
    let mut fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    Ok(fields.find(|f| f[2] == "cgroup2").context("cgroup v2 is mounted nowhere")?[1].into())
}

/// `times`: a cgroup, a network namespace and a PID namespace, in which a process talks to itself; and all of it gone again.
fn namespaces(_: &mut Actor, args: &mut Args) -> Result<()> {
    let parent = Cgroup::new(&cgroups()?, format!("exactness-{}", std::process::id()))?;
    for number in 0..args.next::<u64>("times")? {
        let group = Cgroup::new(&parent.0, number.to_string())?;
        fork(|actor| in_namespaces(actor, &group.0, number))?.join()?;
    }
    Ok(())
}

/// Reports for its child, and counts nothing itself.
fn in_namespaces(_: &mut Actor, group: &Path, number: u64) -> Result<()> {
    fs::write(group.join("cgroup.procs"), "0").context("entering the cgroup")?;
    sys::unshare(CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWNET)?;
    sys::loopback_up().context("lo up")?;
    let n = portion(number);
    let child = sys::fork(|| i32::from(talk_to_itself(n).is_err()))?;
    child.join()?;
    let bytes = n as u64;
    say(&Line::Report(Report {
        pid: child.0.as_raw().cast_unsigned(),
        tx: 2 * bytes,
        rx: 2 * bytes,
        ..Report::default()
    }))
}

/// By TCP and by UDP.
fn talk_to_itself(n: usize) -> Result<()> {
    let mut buf = [0; 1_000];
    for transport in [Transport::Tcp, Transport::Udp] {
        let here = transport.bind(Host(std::net::Ipv4Addr::LOCALHOST.into()).port(0))?;
        let there = transport.connect(local(&here)?)?;
        let here = if transport == Transport::Tcp { accept(&here)? } else { here };
        ensure!(sys::send(there.as_fd(), &BYTES[..n], 0)? == n, "not all was sent");
        ensure!(sys::recv(here.as_fd(), &mut buf[..n], libc::MSG_WAITALL)? == n, "not all came");
    }
    Ok(())
}
