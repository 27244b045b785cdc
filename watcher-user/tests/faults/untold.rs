//! An end that the kernel tells nobody of.

use std::{
    fs, io,
    net::UdpSocket,
    os::fd::{FromRawFd as _, OwnedFd},
    process,
};

use anyhow::{Context as _, Result, ensure};
use aya::programs::loaded_programs;
use libtest_mimic::Trial;

use crate::{
    netns::Netns,
    packets::Showing,
    scene::{Descriptor, descriptors, lost, trial},
    stage::Stage,
    state::State,
    suite::{Backend, Suite},
    watcher::Watcher,
};

pub fn trials() -> Vec<Trial> {
    vec![trial("sockets_that_end_without_a_program_being_run_are_counted", untold)]
}

/// What include/uapi/linux/bpf.h calls BPF_LINK_GET_FD_BY_ID and BPF_LINK_DETACH.
const GET_LINK: i64 = 30;
const DETACH: i64 = 34;

fn bpf(command: i64, word: u32) -> io::Result<i64> {
    let attr = [word, 0, 0, 0];
    // SAFETY: both commands take a word, then zeros, and the size says how many.
    let returned = unsafe { libc::syscall(libc::SYS_bpf, command, attr.as_ptr(), size_of_val(&attr)) };
    if returned < 0 { Err(io::Error::last_os_error()) } else { Ok(returned) }
}

/// Detaches the program at the release of sockets: the link stays, and does nothing any more.
fn detach_release(pid: u32) -> Result<()> {
    // Names are cut; of those at a cgroup only one begins so.
    let programs = loaded_programs().filter_map(Result::ok);
    let named = programs.filter(|p| p.name_as_str().is_some_and(|name| name.starts_with("watcher_sock_re")));
    let named: Vec<u32> = named.map(|p| p.id()).collect();
    let held = descriptors(pid)?;
    let number = |of: &Descriptor, key| of.get(key)?.parse::<u32>().ok();
    let is_it = |of: &&Descriptor| number(of, "prog_id").is_some_and(|program| named.contains(&program));
    let link = held.iter().filter(is_it).find_map(|of| number(of, "link_id"));
    let link = link.context("watcher holds no link to a program at the release of sockets")?;
    let fd = i32::try_from(bpf(GET_LINK, link)?)?;
    // SAFETY: the kernel has just given it, and nobody else knows of it.
    let _held = unsafe { OwnedFd::from_raw_fd(fd) };
    bpf(DETACH, u32::try_from(fd)?).context("detaching")?;
    Ok(())
}

/// Of sockets that are read by the files of processes nobody knows how many are open: see `Traits` in `watcher-user`.
fn is_read_by_file() -> Result<bool> {
    let symbols = fs::read_to_string("/proc/kallsyms")?;
    Ok(symbols.lines().any(|line| line.ends_with(" bpf_selem_unlink_nofail")))
}

fn send(suite: &Suite, netns: &Netns, times: u64) -> Result<()> {
    for _ in 0..times {
        let mut stage = Stage::new(suite);
        stage.leaky();
        let cue = stage.start_in(netns, "datagram-send 127.0.0.1:9 1111")?;
        stage.ended(cue)?;
    }
    Ok(())
}

/// Whether the one socket of this process is shown, with all it sent, and whether as open.
fn shown(state: &State, sent: usize) -> Option<bool> {
    let mut own = state.connections_of(process::id());
    own.find(|c| c.tx_bytes == sent as u64).map(|c| c.closed.is_none())
}

fn untold() -> Result<()> {
    const TOLD: u64 = 7;
    const UNTOLD: u64 = 5;
    let suite = Suite::with(Some(Watcher::start_with(&["--by", "connection"])?), Backend::Ebpf);
    suite.begin(Showing::Equal)?;
    let watcher = suite.watcher().context("no watcher")?;
    let netns = Netns::new()?;
    send(&suite, &netns, TOLD)?;
    watcher.two_more_objects()?;
    ensure!(lost(&watcher.state(), "untold_ends") == 0, "ends that were told are called untold");

    let held = UdpSocket::bind("127.0.0.1:0")?;
    held.connect(held.local_addr()?)?;
    let sent = held.send(&[0; 777])?;
    watcher.wait("a socket that is open", |s| shown(s, sent).filter(|open| *open))?;

    detach_release(watcher.pid())?;
    send(&suite, &netns, UNTOLD)?;
    drop(held);
    let expected = if is_read_by_file()? { 0 } else { UNTOLD + 1 };
    watcher.wait("the ends to be missed", |s| (lost(s, "untold_ends") >= expected).then_some(()))?;
    watcher.two_more_objects()?;
    let found = lost(&watcher.state(), "untold_ends");
    ensure!(found == expected, "{found} untold ends, not {expected}");
    if expected > 0 {
        // Its bytes were read while it was open, so they stay; that it is gone shows in the list of sockets.
        watcher.wait("the end of a socket that nobody told of", |s| shown(s, sent).filter(|open| !open))?;
    }
    Ok(())
}
