//! `watcher doctor --verify` beside real traffic whose octets can be reckoned by hand, in network namespaces where nothing
//! else happens. The rest of the machine may do what it likes: only these namespaces are looked at.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "exactness/netns.rs"]
#[expect(dead_code, reason = "the exactness suite uses all of it")]
mod netns;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    os::unix::fs::MetadataExt as _,
    process::{Child, ChildStderr, Command, Stdio},
    thread,
};

use netns::Netns;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_watcher");

/// One that looks, until it is asked.
struct Verify {
    child: Child,
    complaints: BufReader<ChildStderr>,
}

impl Verify {
    fn start() -> Self {
        assert!(nix::unistd::geteuid().is_root(), "loading programs and entering namespaces wants root");
        let mut child = Command::new(PROGRAM)
            .args(["doctor", "--verify", "--json", "--for", "1h"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut complaints = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        complaints.read_line(&mut line).unwrap();
        assert!(line.contains("looking for 3600 s"), "{line}");
        Self { child, complaints }
    }

    /// Ctrl-C, and what it has found. Its exit code must be what it says.
    fn verdict(mut self) -> Value {
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGINT).unwrap();
        let mut text = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        let mut complaints = String::new();
        self.complaints.read_to_string(&mut complaints).unwrap();
        let verdict: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{complaints}"));
        let unexplained = !verdict["unexplained"].as_array().unwrap().is_empty();
        assert_eq!(self.child.wait().unwrap().code(), Some(i32::from(unexplained)), "{text}");
        verdict
    }
}

/// Its number.
fn number(netns: &Netns) -> u64 {
    std::fs::metadata(format!("/run/netns/{}", netns.name())).unwrap().ino()
}

fn of<'a>(verdict: &'a Value, netns: &Netns) -> &'a Value {
    let reports = verdict["namespaces"].as_array().unwrap();
    reports.iter().find(|report| report["netns"] == number(netns)).unwrap_or_else(|| panic!("{verdict:#}"))
}

/// What is said to be unexplained there.
fn unexplained(verdict: &Value, netns: &Netns) -> Vec<String> {
    let beginning = format!("namespace {}:", number(netns));
    let reasons = verdict["unexplained"].as_array().unwrap().iter().filter_map(Value::as_str);
    reasons.filter(|reason| reason.starts_with(&beginning)).map(str::to_owned).collect()
}

/// One figure, not a span.
fn exact(span: &Value) -> i64 {
    assert_eq!(span["least"], span["most"], "{span}");
    span["least"].as_i64().unwrap()
}

/// What this process moved there, received and sent.
fn moved(verdict: &Value, netns: &Netns) -> (u64, u64) {
    let programs = verdict["programs"].as_array().unwrap().iter();
    let own: Vec<_> = programs.filter(|program| program["netns"] == number(netns)).collect();
    assert_eq!(own.len(), 1, "one program was there: {own:?}");
    (own[0]["rx"].as_u64().unwrap(), own[0]["tx"].as_u64().unwrap())
}

/// In a thread that ends there.
fn within<T: Send + 'static>(netns: &Netns, act: impl FnOnce() -> T + Send + 'static) -> T {
    let name = netns.name().to_owned();
    let inside = move || {
        netns::enter(&name).unwrap();
        act()
    };
    thread::spawn(inside).join().unwrap()
}

fn datagrams_arrive(sender: &UdpSocket, reader: &UdpSocket, number: u64, payload: usize) {
    let to = reader.local_addr().unwrap();
    let mut buffer = vec![0; payload + 1];
    for _ in 0..number {
        assert_eq!(sender.send_to(&vec![1; payload], to).unwrap(), payload);
        assert_eq!(reader.recv_from(&mut buffer).unwrap().0, payload);
    }
}

/// A veth pair without IPv6 and ARP: only what is sent is sent.
fn quiet_pair() -> (Netns, Netns) {
    let (a, b) = (Netns::new().unwrap(), Netns::new().unwrap());
    for netns in [&a, &b] {
        netns.sysctl("net.ipv6.conf.all.disable_ipv6", "1").unwrap();
        netns.sysctl("net.ipv6.conf.default.disable_ipv6", "1").unwrap();
    }
    a.ip(&format!("link add veth0 type veth peer name veth0 netns {}", b.name())).unwrap();
    for (netns, n) in [(&a, 1), (&b, 2)] {
        netns.ip(&format!("addr add 10.78.0.{n}/24 dev veth0")).unwrap();
        netns.ip("link set veth0 up").unwrap();
    }
    for (netns, other, n) in [(&a, &b, 2), (&b, &a, 1)] {
        let address = other.link_address("veth0").unwrap();
        netns.ip(&format!("neigh replace 10.78.0.{n} lladdr {address} dev veth0 nud permanent")).unwrap();
    }
    (a, b)
}

#[test]
fn datagrams_over_a_cable_are_octets_of_ip_and_frames_to_the_byte() {
    const NUMBER: u64 = 2_345;
    const PAYLOAD: u64 = 567;
    let (a, b) = quiet_pair();
    let verify = Verify::start();
    let reader = within(&b, || UdpSocket::bind("10.78.0.2:0").unwrap());
    let sender = within(&a, || UdpSocket::bind("10.78.0.1:0").unwrap());
    datagrams_arrive(&sender, &reader, NUMBER, PAYLOAD as usize);
    let verdict = verify.verdict();
    for (netns, way, payload) in [(&a, "sent", (0, NUMBER * PAYLOAD)), (&b, "received", (NUMBER * PAYLOAD, 0))] {
        let side = &of(&verdict, netns)[way];
        assert_eq!(exact(&side["octets"]), (NUMBER * (PAYLOAD + 28)).cast_signed(), "{side}");
        assert_eq!(exact(&side["datagrams"]), NUMBER.cast_signed());
        assert_eq!(side["datagram_calls"], NUMBER);
        assert_eq!((exact(&side["rest"]), exact(&side["allowed"]), exact(&side["queues"])), (0, 0, 0), "{side}");
        assert_eq!(moved(&verdict, netns), payload);
        assert_eq!(unexplained(&verdict, netns), [""; 0]);
    }
    let frames = NUMBER * (PAYLOAD + 28 + 14);
    let (sent, received) = (&of(&verdict, &a)["devices"]["veth0"], &of(&verdict, &b)["devices"]["veth0"]);
    assert_eq!((sent["bytes"]["tx"].as_u64(), sent["tx_packets"].as_u64()), (Some(frames), Some(NUMBER)));
    assert_eq!((received["bytes"]["rx"].as_u64(), received["rx_packets"].as_u64()), (Some(frames), Some(NUMBER)));
}

#[test]
fn datagrams_of_ipv6_have_forty_bytes_before_them() {
    const NUMBER: u64 = 1_000;
    const PAYLOAD: u64 = 100;
    let netns = Netns::new().unwrap();
    let verify = Verify::start();
    let bind = || UdpSocket::bind("[::1]:0").unwrap();
    let (sender, reader) = (within(&netns, bind), within(&netns, bind));
    datagrams_arrive(&sender, &reader, NUMBER, PAYLOAD as usize);
    let verdict = verify.verdict();
    for way in ["sent", "received"] {
        let side = &of(&verdict, &netns)[way];
        assert_eq!(exact(&side["octets"]), (NUMBER * (PAYLOAD + 48)).cast_signed(), "{side}");
        assert_eq!(side["datagram_calls"], NUMBER);
    }
    assert_eq!(unexplained(&verdict, &netns), [""; 0]);
}

/// Both ends of a connection in the namespace.
fn connection(netns: &Netns) -> (TcpStream, TcpStream) {
    within(netns, || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let a = TcpStream::connect(address).unwrap();
        (a, listener.accept().unwrap().0)
    })
}

#[test]
fn connections_that_ended_and_that_did_not_are_what_the_kernel_says() {
    const ENDED: u64 = 3_000_000;
    const OPEN: u64 = 77_777;
    let netns = Netns::new().unwrap();
    let verify = Verify::start();
    let (mut sender, mut reader) = connection(&netns);
    let sent = thread::spawn(move || sender.write_all(&vec![1; ENDED as usize]).unwrap());
    let mut all = Vec::new();
    reader.read_to_end(&mut all).unwrap();
    sent.join().unwrap();
    assert_eq!(all.len() as u64, ENDED);
    drop(reader);
    // One byte of this one stays unread.
    let (mut sender, mut reader) = connection(&netns);
    sender.write_all(&vec![2; OPEN as usize]).unwrap();
    reader.read_exact(&mut vec![0; OPEN as usize - 1]).unwrap();
    let verdict = verify.verdict();
    assert_eq!(moved(&verdict, &netns), (ENDED + OPEN - 1, ENDED + OPEN));
    let report = of(&verdict, &netns);
    // The one that waits, in bounds: TCP counts a FIN as received on either end of the ended one, if one came.
    let queues = ["least", "most"].map(|bound| report["received"]["queues"][bound].as_u64().unwrap());
    assert!(queues[0] <= 1 && queues[1] >= 1 && queues[1] - queues[0] == 2, "{report}");
    assert_eq!(exact(&report["sent"]["queues"]), 0, "{report}");
    assert_eq!(unexplained(&verdict, &netns), [""; 0]);
    assert!(verdict["open"]["equal"].as_u64().unwrap() >= 2, "{}", verdict["open"]);
    assert!(verdict["ended"]["truth"]["checked"].as_u64().unwrap() >= 2, "{}", verdict["ended"]);
    assert_eq!(verdict["ended"]["truth"]["unbalanced"], 0);
    assert_eq!(verdict["attributed_percent"], "100.0000");
}

#[test]
fn a_call_that_waits_for_room_is_told_as_under_way() {
    let netns = Netns::new().unwrap();
    let verify = Verify::start();
    let (mut sender, reader) = connection(&netns);
    let thread = thread::spawn(move || sender.write_all(&vec![3; 64 << 20]).is_err());
    // What it can take is taken when as much waits to be read as before.
    let mut before = 0;
    loop {
        let waits = waiting(&reader);
        if waits > 0 && waits == before {
            break;
        }
        before = waits;
        thread::sleep(std::time::Duration::from_millis(200));
    }
    let verdict = verify.verdict();
    drop(reader);
    assert!(thread.join().unwrap(), "nobody read it");
    let open = &verdict["open"];
    assert!(open["calls_under_way"].as_u64().unwrap() >= 1 && open["under_way"].as_u64().unwrap() > 0, "{open}");
    let own = format!("\"pid\":{}", std::process::id());
    assert!(!open["unexplained"].to_string().contains(&own), "{open}");
    assert_eq!(unexplained(&verdict, &netns), [""; 0]);
}

/// Bytes that wait to be read.
fn waiting(socket: &TcpStream) -> u64 {
    let mut buffer = vec![0; 16 << 20];
    socket.peek(&mut buffer).unwrap() as u64
}

#[test]
fn what_no_counted_call_explains_is_unexplained() {
    const EMPTY: u64 = 5;
    let netns = Netns::new().unwrap();
    let verify = Verify::start();
    let bind = || UdpSocket::bind("127.0.0.1:0").unwrap();
    let (sender, reader) = (within(&netns, bind), within(&netns, bind));
    datagrams_arrive(&sender, &reader, 10, 10);
    // A datagram without payload moves no byte, and no call that moved bytes is counted for it.
    datagrams_arrive(&sender, &reader, EMPTY, 0);
    let verdict = verify.verdict();
    for way in ["sent", "received"] {
        assert_eq!(of(&verdict, &netns)[way]["unexplained_datagrams"], EMPTY);
        assert_eq!(of(&verdict, &netns)[way]["unexplained_bytes"], 0);
    }
    assert_eq!(unexplained(&verdict, &netns).len(), 2);
}

#[test]
fn a_time_without_verify_and_a_time_that_is_none_are_wrong_usage() {
    for args in [&["--for", "5s"][..], &["--verify", "--for", "5"], &["--verify", "--for", "2d"], &["--verify", "-v"]] {
        let out = Command::new(PROGRAM).arg("doctor").args(args).output().unwrap();
        assert_eq!(out.status.code(), Some(2), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    }
}
