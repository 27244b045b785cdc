//! `watcher top --backend pcap`, while sockets move bytes.

use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::namespace::Namespace;
use crate::traffic::{self, Moved};

/// A watcher in a namespace of its own, so that nobody else's packets are there.
struct Watcher {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Watcher {
    /// Once it counts.
    fn start(namespace: &Namespace) -> Self {
        let mut child = Command::new("ip")
            .args(["netns", "exec", &namespace.0, env!("CARGO_BIN_EXE_watcher"), "top", "--standalone", "--json"])
            .args(["--backend", "pcap", "--by", "connection", "--include-loopback", "-d", "0.2"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("watcher runs");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut this = Self { child, lines };
        let first = this.next();
        assert_eq!((&first["backend"], &first["exact"]), (&"pcap".into(), &false.into()));
        this
    }

    fn next(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().expect("a line").expect("text")).expect("JSON")
    }

    /// The second report from now: its reading began after this call.
    fn report(&mut self) -> Value {
        self.next();
        let report = self.next();
        assert_eq!(report["totals"]["losses"]["frames"], 0);
        report
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn counted(report: &Value, local: SocketAddr) -> (u64, u64) {
    let rows = report["connections"].as_array().expect("a list");
    let rows: Vec<&Value> = rows.iter().filter(|row| row["local"] == local.to_string()).collect();
    assert_eq!(rows.len(), 1, "one flow of {local}: {report}");
    (rows[0]["rx_bytes"].as_u64().expect("bytes"), rows[0]["tx_bytes"].as_u64().expect("bytes"))
}

fn agrees(report: &Value, moved: &Moved) {
    assert_eq!(counted(report, moved.client), (moved.back, moved.there), "client of {moved:?}");
    assert_eq!(counted(report, moved.server), (moved.there, moved.back), "server of {moved:?}");
}

#[test]
fn what_sockets_move_on_loopback_is_counted_once_on_each_side() {
    let namespace = Namespace::new();
    let mut watcher = Watcher::start(&namespace);
    let moved = namespace.run(|| {
        [
            traffic::connection(IpAddr::V4(Ipv4Addr::LOCALHOST), 3_000_000, 70_001),
            traffic::connection(IpAddr::V6(Ipv6Addr::LOCALHOST), 1, 500_000),
            traffic::datagrams(IpAddr::V4(Ipv4Addr::LOCALHOST), &[1, 700, 1400, 60_000]),
        ]
    });
    let report = watcher.report();
    moved.iter().for_each(|moved| agrees(&report, moved));
    let all: u64 = moved.iter().map(|moved| moved.there + moved.back).sum();
    assert_eq!((&report["totals"]["rx_bytes"], &report["totals"]["tx_bytes"]), (&all.into(), &all.into()));
}

/// One datagram of 1,000 bytes from `there` to `to`, answered with 10.
fn ask(here: &Namespace, to: SocketAddr, there: &Namespace) -> SocketAddr {
    let server = here.run(|| UdpSocket::bind(to).expect("a socket"));
    let client = there.run(|| UdpSocket::bind(("0.0.0.0", 0)).expect("a socket"));
    client.send_to(&[1; 1000], to).expect("sent");
    let (length, from) = server.recv_from(&mut [0; 2000]).expect("received");
    assert_eq!(length, 1000);
    server.send_to(&[2; 10], from).expect("sent");
    assert_eq!(client.recv(&mut [0; 100]).expect("received"), 10);
    from
}

#[test]
fn a_packet_that_several_interfaces_show_is_counted_once() {
    let (here, there) = (Namespace::new(), Namespace::new());
    let mut watcher = Watcher::start(&here);
    // Interfaces come while it runs: a bridge and its port.
    here.connect("v0", &there, "v1");
    here.ip(&["link", "add", "br0", "type", "bridge"]);
    here.ip(&["link", "set", "v0", "master", "br0"]);
    here.ip(&["link", "set", "br0", "up"]);
    for (namespace, device, host) in [(&here, "br0", 1), (&there, "v1", 2)] {
        namespace.address(device, Ipv4Addr::new(10, 77, 0, host).into());
    }
    // Addresses and interfaces are asked for every two seconds.
    for _ in 0..15 {
        watcher.next();
    }
    let to = SocketAddr::from(([10, 77, 0, 1], 4000));
    ask(&here, to, &there);
    assert_eq!(counted(&watcher.report(), to), (1000, 10));
}
