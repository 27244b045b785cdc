//! A process that opens a socket, says so, and does as it is told until nobody tells it anything.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use nix::sched::{CloneFlags, unshare};
use socket2::{Domain, Protocol, Socket, Type};
use watcher_core::{BootTime, ProcessId};

/// The argument that makes an actor.
pub const WORD: &str = "--actor";

/// One that runs.
pub struct Actor {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    /// What it said of its socket.
    pub address: SocketAddr,
}

impl Actor {
    pub fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg(WORD).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let any = "0.0.0.0:0".parse().unwrap();
        let mut actor = Self { input: child.stdin.take(), child, output, address: any };
        actor.address = actor.hear().parse().unwrap();
        actor
    }

    /// Its next line.
    pub fn hear(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the actor {} has ended", self.child.id());
        line.trim().to_owned()
    }

    pub fn tell(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn id(&self) -> ProcessId {
        id(self.pid())
    }

    /// Ends it, and waits for that.
    pub fn end(mut self) {
        self.finish();
    }

    fn finish(&mut self) {
        drop(self.input.take());
        self.child.wait().unwrap();
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        self.finish();
    }
}

/// By the 22nd field of /proc/PID/stat: ticks of 10 ms.
pub fn id(pid: u32) -> ProcessId {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let ticks: u64 = stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().nth(19).unwrap().parse().unwrap();
    ProcessId { tgid: pid, start: BootTime(ticks * 10_000_000) }
}

/// What the actor does.
pub fn main(arguments: &[String]) {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *words {
        ["apart", ref rest @ ..] => {
            unshare(CloneFlags::CLONE_NEWNET).unwrap();
            assert!(Command::new("ip").args(["link", "set", "lo", "up"]).status().unwrap().success());
            // icmp(7): in a new namespace nobody may open a ping socket.
            fs::write("/proc/sys/net/ipv4/ping_group_range", "0 2147483647").unwrap();
            play(rest);
        }
        ref words => play(words),
    }
}

fn play(words: &[&str]) {
    match *words {
        ["listen", at] => listen(&TcpListener::bind(at).unwrap()),
        ["connect", to] => {
            let stream = TcpStream::connect(to).unwrap();
            say(stream.local_addr().unwrap());
            until_told();
        }
        ["udp", at] => hold(&UdpSocket::bind(at).unwrap()),
        ["udp", at, to] => {
            let socket = UdpSocket::bind(at).unwrap();
            socket.connect(to).unwrap();
            hold(&socket);
        }
        ["icmp", kind] => {
            let kind = if kind == "raw" { Type::RAW } else { Type::DGRAM };
            let socket = Socket::new(Domain::IPV4, kind, Some(Protocol::ICMPV4)).unwrap();
            let at: SocketAddr = "127.0.0.7:0".parse().unwrap();
            socket.bind(&at.into()).unwrap();
            say(at);
            until_told();
        }
        ["inherited"] => {
            say("0.0.0.0:0".parse().unwrap());
            until_told();
        }
        ref other => panic!("{other:?}"),
    }
}

fn hold(socket: &UdpSocket) {
    say(socket.local_addr().unwrap());
    until_told();
}

fn listen(listener: &TcpListener) {
    say(listener.local_addr().unwrap());
    let mut accepted = Vec::new();
    let mut children = Vec::new();
    for line in std::io::stdin().lines() {
        match line.unwrap().as_str() {
            "accept" => {
                let (stream, from) = listener.accept().unwrap();
                accepted.push(stream);
                say(from);
            }
            "share" => {
                // The child gets the connections that were accepted: Rust opens them so that it would not.
                for stream in &accepted {
                    let flags = nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty());
                    nix::fcntl::fcntl(stream, flags).unwrap();
                    assert!(stream.as_raw_fd() > 2);
                }
                children.push(Actor::start(&["inherited"]));
                println!("{}", children.last().unwrap().pid());
            }
            other => panic!("{other}"),
        }
    }
}

fn say(address: SocketAddr) {
    println!("{address}");
}

fn until_told() {
    std::io::stdin().lines().for_each(drop);
}
