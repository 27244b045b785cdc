//! `watcher replay` of what tcpdump captured.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

use crate::files;
use crate::namespace::Namespace;
use crate::tcpdump::{Tcpdump, send_last};
use crate::traffic::{self, Moved};

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

struct File {
    path: PathBuf,
    _folder: tempfile::TempDir,
}

fn file(bytes: &[u8]) -> File {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("capture");
    std::fs::write(&path, bytes).expect("written");
    File { path, _folder: folder }
}

fn replay(file: &File, options: &[&str]) -> Output {
    let mut watcher = Command::new(env!("CARGO_BIN_EXE_watcher"));
    watcher.arg("replay").args(options).arg(&file.path).output().expect("watcher runs")
}

fn good(file: &File, options: &[&str]) -> String {
    let output = replay(file, options);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn connections(file: &File, options: &[&str]) -> Vec<Value> {
    let lines = good(file, &[options, &["--connections", "--json"]].concat());
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Received and sent by the end with this address.
fn counted(connections: &[Value], local: SocketAddr) -> (u64, u64) {
    let of = |row: &&Value| row["local"] == local.to_string();
    let rows: Vec<&Value> = connections.iter().filter(of).collect();
    assert_eq!(rows.len(), 1, "one flow of {local}: {rows:?}");
    (rows[0]["rx_bytes"].as_u64().expect("bytes"), rows[0]["tx_bytes"].as_u64().expect("bytes"))
}

/// Both ends are seen on loopback.
fn agrees(connections: &[Value], moved: &Moved) {
    assert_eq!(counted(connections, moved.client), (moved.back, moved.there), "client of {moved:?}");
    assert_eq!(counted(connections, moved.server), (moved.there, moved.back), "server of {moved:?}");
}

/// What was captured on loopback while three pairs of sockets were at it.
fn loopback(options: &[&str]) -> (Vec<u8>, Vec<Moved>) {
    let namespace = Namespace::new();
    let tcpdump = Tcpdump::inside(&namespace.0, options);
    let moved = namespace.run(|| {
        let moved = vec![
            traffic::connection(V4, 300_000, 70_001),
            traffic::connection(V6, 1, 500_000),
            traffic::datagrams(V4, &[1, 700, 1400, 60_000]),
        ];
        send_last(V4);
        moved
    });
    (tcpdump.until_last(), moved)
}

#[test]
fn what_sockets_moved_is_what_a_replay_counts_whatever_the_capture_is_like() {
    let cases: [&[&str]; 5] = [
        &["-i", "lo"],
        &["-i", "lo", "--time-stamp-precision", "nano"],
        &["-i", "lo", "-s", "128"],
        &["-i", "any", "-y", "LINUX_SLL"],
        &["-i", "any", "-y", "LINUX_SLL2"],
    ];
    for case in cases {
        let (bytes, moved) = loopback(case);
        let connections = connections(&file(&bytes), &[]);
        for moved in &moved {
            agrees(&connections, moved);
        }
        let of = |row: &&Value| row["local"] == moved[0].client.to_string();
        let client = connections.iter().find(of).expect("the client");
        assert_eq!((&client["state"], &client["reason"]), (&"closed".into(), &"fin".into()), "{case:?}");
        assert_eq!((&client["direction"], &client["loopback"]), (&"outgoing".into(), &true.into()), "{case:?}");
    }
}

#[test]
fn every_view_tells_the_same_sums() {
    let (bytes, _) = loopback(&["-i", "lo"]);
    let file = file(&bytes);
    let rows = connections(&file, &[]);
    let sum = |name: &str| rows.iter().map(|row| row[name].as_u64().expect("bytes")).sum::<u64>();
    let object: Value = serde_json::from_str(&good(&file, &["--json"])).expect("JSON");
    let rollup: Value = serde_json::from_str(&good(&file, &["--rollup"])).expect("JSON");
    for (in_rows, in_rollup) in [("rx_bytes", "total_rx_bytes"), ("tx_bytes", "total_tx_bytes")] {
        assert_eq!(object["totals"][in_rows], sum(in_rows));
        assert_eq!(rollup["summary"][in_rollup], sum(in_rows));
    }
    assert_eq!((&object["backend"], &object["exact"]), (&"pcap".into(), &false.into()));
    assert_eq!(object["connections"].as_array().map(Vec::len), Some(rows.len()));
    let text = good(&file, &[]);
    assert!(text.contains("not exact") && text.contains("Connections"), "{text}");
}

#[test]
fn pcapng_in_either_order_says_what_the_classic_file_says() {
    let (bytes, moved) = loopback(&["-i", "lo"]);
    let taken = files::take_apart(&bytes);
    let classic = connections(&file(&bytes), &[]);
    for is_big in [false, true] {
        let found = connections(&file(&files::pcapng(&taken, is_big)), &[]);
        assert_eq!(found, classic);
        moved.iter().for_each(|moved| agrees(&found, moved));
    }
}

#[test]
fn where_pktap_names_every_process_the_replay_is_exact_and_has_their_names() {
    let (bytes, moved) = loopback(&["-i", "lo"]);
    let file = file(&files::pktap(&files::take_apart(&bytes), 4242, "Some App"));
    let object: Value = serde_json::from_str(&good(&file, &["--json"])).expect("JSON");
    assert_eq!(object["exact"], true);
    let rows = object["connections"].as_array().expect("a list").clone();
    moved.iter().for_each(|moved| agrees(&rows, moved));
    assert!(rows.iter().all(|row| (&row["pid"], &row["name"]) == (&4242.into(), &"Some App".into())), "{rows:?}");
}

#[test]
fn a_file_that_ends_within_a_frame_is_shown_as_far_as_it_goes_and_fails() {
    let (bytes, moved) = loopback(&["-i", "lo"]);
    let last = files::take_apart(&bytes).frames.last().expect("frames").offset;
    for length in [last + 3, last + 16, bytes.len() - 1] {
        let output = replay(&file(&bytes[..length]), &["--connections", "--json"]);
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(&format!("cut off at byte {last}")), "{said}");
        let text = String::from_utf8(output.stdout).expect("text");
        let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        moved.iter().for_each(|moved| agrees(&rows, moved));
    }
}

#[test]
fn what_is_no_capture_or_is_damaged_says_so_and_fails() {
    let (mut bytes, _) = loopback(&["-i", "lo"]);
    let middle = files::take_apart(&bytes).frames[20].offset;
    // A frame of 4 GiB.
    bytes[middle + 8..middle + 12].fill(0xff);
    // Found by fuzzing: a process information block of four bytes, which its own length does not fit into.
    let short: &[u8] = include_bytes!("../../../fuzz/seeds/files/process-information-of-4.pcapng");
    let cases: [(&[u8], String); 5] = [
        (&bytes, format!("damaged at byte {middle}")),
        (b"", "the file is empty".to_owned()),
        (b"neither of the two kinds of capture files", "no pcap and no pcapng".to_owned()),
        (&bytes[..10], "cut off at byte 0".to_owned()),
        (short, "damaged at byte 28".to_owned()),
    ];
    for (bytes, why) in cases {
        let output = replay(&file(bytes), &[]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(&why), "{said}");
    }
}

#[test]
fn between_two_machines_each_is_seen_from_its_own_side() {
    let (here, there) = (Namespace::new(), Namespace::new());
    here.connect("v0", &there, "v1");
    let [a, b] = [1, 2].map(|n| IpAddr::V4(Ipv4Addr::new(10, 77, 0, n)));
    here.address("v0", a);
    there.address("v1", b);
    let tcpdump = Tcpdump::inside(&here.0, &["-i", "v0"]);
    let listener = there.run(|| TcpListener::bind((b, 0)).expect("a listener"));
    let server = listener.local_addr().expect("an address");
    // Segments are as large as the interface's offload makes them: 64 KiB, many MTUs.
    let serving = std::thread::spawn(move || traffic::serve(&listener, 2_000_000, 900));
    let client = here.run(|| traffic::connect(server, 2_000_000, 900));
    serving.join().expect("it ends");
    here.run(|| send_last(b));
    let file = file(&tcpdump.until_last());
    let seen = |host: IpAddr, end: SocketAddr| counted(&connections(&file, &["--host", &host.to_string()]), end);
    assert_eq!(seen(a, client), (900, 2_000_000));
    assert_eq!(seen(b, server), (2_000_000, 900));
    // Both have all packets: whoever spoke first is taken for the machine.
    assert_eq!(counted(&connections(&file, &[]), client), (900, 2_000_000));
    let stranger = good(&file, &["--host", "192.0.2.1"]);
    assert!(stranger.contains("bytes between other machines"), "{stranger}");
}

#[test]
fn times_are_the_files_own() {
    let before = jiff::Timestamp::now();
    let (bytes, moved) = loopback(&["-i", "lo", "--time-stamp-precision", "nano"]);
    let rows = connections(&file(&bytes), &[]);
    let row = rows.iter().find(|row| row["local"] == moved[0].client.to_string()).expect("the client");
    let opened: jiff::Timestamp = row["opened"].as_str().expect("a time").parse().expect("a time");
    assert!(opened >= before - jiff::SignedDuration::from_millis(1) && opened <= jiff::Timestamp::now(), "{opened}");
}
