//! `watcher top` without a kernel: a few hundred made-up processes, the same in every run.
//!
//! `cargo run --example tui_demo [processes [seconds-per-interval [panic|error]]]`: with the last, it fails after a
//! while, to see that the terminal is given back.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use watcher_core::{
    Batch, BootTime, CloseReason, Counters, Direction, FlowId, FlowSample, FlowState, Grade, KernelCounters,
    ProcessEvent, ProcessId, ProcessInfo, Protocol, Quality, Scope, SocketId, SocketInfo, Source, TcpState,
};
use watcher_user::{
    by::By,
    filter::Filter,
    sort::Key,
    top::Local,
    tui::{self, Options},
    units::Units,
};

const PROGRAMS: [(&str, u32); 14] = [
    ("nginx", 33),
    ("postgres", 1000),
    ("firefox", 1000),
    ("curl", 1000),
    ("sshd", 0),
    ("rsync", 0),
    ("java", 1001),
    ("containerd-shim-runc-v2", 0),
    ("node", 1001),
    ("systemd-resolved", 104),
    ("evil\u{1b}[31m\u{202e}exe.txt\n", 65534),
    ("名前の長いプロセス", 1000),
    ("chronyd", 105),
    ("iperf3", 1000),
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let processes = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(300);
    let interval = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1.0);
    let options = Options {
        interval: Duration::from_secs_f64(interval),
        by: By::Process,
        sort: Key::Rate,
        filter: Filter::default(),
        pids: Vec::new(),
        limit: None,
        names: true,
        geo: Default::default(),
        units: Units::Bytes,
        include_loopback: false,
    };
    let mut made = Made::new(processes);
    made.end = arguments.next();
    tui::run(Local::new(made), options).await
}

/// A xorshift: deterministic, and enough for a picture.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides.max(1)
    }
}

struct Made {
    dice: Dice,
    round: u64,
    news: Vec<ProcessEvent>,
    flows: Vec<(FlowSample, u64)>,
    next: u32,
    quality: Quality,
    end: Option<String>,
}

impl Made {
    fn new(processes: u32) -> Self {
        let quality = Quality { backend: "ebpf".into(), grade: Grade::Pid, degraded: Vec::new() };
        let dice = Dice(0x9e37_79b9_7f4a_7c15);
        let mut made = Self { dice, round: 0, news: Vec::new(), flows: Vec::new(), next: 1, quality, end: None };
        made.news.push(seen(made.process(1), "systemd", "/sbin/init", 0, None));
        for _ in 0..processes {
            made.born();
        }
        made
    }

    fn now(&self) -> BootTime {
        BootTime((5_000 + self.round) * 1_000_000_000)
    }

    fn process(&self, tgid: u32) -> ProcessId {
        ProcessId { tgid, start: BootTime(u64::from(tgid)) }
    }

    fn born(&mut self) {
        self.next += 1;
        let (name, uid) = PROGRAMS[self.dice.roll(PROGRAMS.len() as u64) as usize];
        let id = self.process(self.next);
        let parent = if self.next < 8 { 1 } else { 1 + self.dice.roll(u64::from(self.next / 3)) as u32 };
        let command = format!("/usr/bin/{name} --worker {} --config /etc/{name}.conf", self.next);
        self.news.push(seen(id, name, &command, uid, Some(self.process(parent))));
        // A few are loud, most are quiet.
        let loud = 1 << (4 + self.dice.roll(20));
        for _ in 0..=self.dice.roll(4) {
            let flow = self.flow(id);
            let volume = if self.dice.roll(3) == 0 { 0 } else { loud };
            self.flows.push((flow, volume));
        }
    }

    fn flow(&mut self, process: ProcessId) -> FlowSample {
        let cookie = self.flows.len() as u64 + 1 + (self.round << 32);
        let port = [443, 443, 80, 22, 53, 5432, 8443, 123][self.dice.roll(8) as usize];
        let host = self.dice.roll(60) as u8;
        let far: SocketAddr = match self.dice.roll(10) {
            0 => (Ipv4Addr::LOCALHOST, port).into(),
            1..4 => (Ipv6Addr::new(0x2001, 0xdb8, 0x85a3, 0, 0, 0x8a2e, 0x370, host.into()), port).into(),
            _ => (Ipv4Addr::new(198, 51, 100, host), port).into(),
        };
        let near: SocketAddr = match far {
            _ if far.ip().is_loopback() => (Ipv4Addr::LOCALHOST, 40_000).into(),
            SocketAddr::V4(_) => (Ipv4Addr::new(10, 0, 0, 5), 40_000 + cookie as u16 % 20_000).into(),
            SocketAddr::V6(_) => {
                (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 5), 40_000 + cookie as u16 % 20_000).into()
            }
        };
        let protocol = if port == 53 || port == 123 { Protocol::Udp } else { Protocol::Tcp };
        let direction = [Direction::Outgoing, Direction::Outgoing, Direction::Incoming, Direction::Unknown];
        let opened = BootTime(self.now().0 - self.dice.roll(4_000) * 1_000_000_000);
        let socket = SocketInfo {
            protocol,
            local: near,
            remote: Some(far),
            direction: direction[self.dice.roll(4) as usize],
            netns: 1,
            seeded: self.dice.roll(5) == 0,
            owner: process,
            opened: Some(opened),
            established: Some(opened),
        };
        let scope = match self.dice.roll(200) {
            0 => Scope::Packet,
            _ if far.ip().is_loopback() => Scope::Loopback,
            _ => Scope::Network,
        };
        let state = if protocol == Protocol::Tcp { FlowState::Tcp(TcpState::Established) } else { FlowState::Open };
        let id = FlowId { socket: SocketId { cookie, epoch: 0 }, process, remote: None };
        FlowSample { id, socket, scope, counters: Counters::default(), state, kernel: None, wire: None }
    }

    /// One of the flows ends, and sometimes its process.
    fn end(&mut self) -> Option<FlowSample> {
        let at = self.dice.roll(self.flows.len() as u64) as usize;
        let (mut sample, _) = self.flows.swap_remove(at);
        let reasons = [CloseReason::Fin, CloseReason::Fin, CloseReason::ResetByPeer, CloseReason::TimedOut];
        sample.state = FlowState::Closed { reason: reasons[self.dice.roll(4) as usize], at: self.now() };
        let counters = sample.counters;
        sample.kernel = (sample.socket.protocol == Protocol::Tcp).then_some(KernelCounters {
            expected_tx: counters.tx_bytes,
            expected_rx: counters.rx_bytes,
            counted_tx: counters.tx_bytes,
            counted_rx: counters.rx_bytes,
            ..KernelCounters::default()
        });
        let process = sample.id.process;
        if !self.flows.iter().any(|(other, _)| other.id.process == process) {
            self.news.push(ProcessEvent::Exited { id: process, at: self.now() });
        }
        Some(sample)
    }
}

fn seen(id: ProcessId, name: &str, command: &str, uid: u32, parent: Option<ProcessId>) -> ProcessEvent {
    ProcessEvent::Seen {
        id,
        info: ProcessInfo { name: name.into(), command: command.into(), uid, parent, application: None },
    }
}

impl Source for Made {
    type Error = std::io::Error;

    async fn collect(&mut self) -> Result<Batch, Self::Error> {
        self.round += 1;
        match self.end.as_deref().filter(|_| self.round > 5) {
            Some("panic") => panic!("as asked for"),
            Some(_) => return Err(std::io::Error::other("as asked for")),
            None => {}
        }
        let mut flows = Vec::new();
        for at in 0..self.flows.len() {
            let wobble = 70 + self.dice.roll(60);
            let (sample, volume) = &mut self.flows[at];
            let bytes = *volume * wobble / 100;
            sample.counters.rx_bytes += bytes;
            sample.counters.tx_bytes += bytes / 7;
            flows.push(sample.clone());
        }
        if self.round > 3 {
            flows.extend(self.end());
            flows.extend(self.end());
            self.born();
        }
        Ok(Batch { at: self.now(), processes: std::mem::take(&mut self.news), flows, ..Batch::default() })
    }

    fn quality(&self) -> &Quality {
        &self.quality
    }
}
