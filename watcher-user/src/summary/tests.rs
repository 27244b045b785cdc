//! The report in words, and the page about its fields.

use jiff::tz::TimeZone;
use watcher_core::rollup::{Rollup, schema::ProcessCounters};

use super::{Report, Running, choice, text};
use crate::agent::{Flow, Summary};

fn process(pid: u32, name: &str, moved: u64, cpu: f64) -> serde_json::Value {
    serde_json::json!({
        "pid": pid, "name": name, "command": format!("{name} --flag"),
        "average_cpu_percent": cpu, "peak_cpu_percent": cpu * 2.0,
        "average_memory_rss_mb": 12.5, "peak_memory_rss_mb": 14.0, "polls_seen": 506,
        "rx_bytes": moved, "tx_bytes": moved / 7, "connections": 2, "started_at": "2026-01-02T03:00:00.000Z",
    })
}

const HOSTILE: &str = "evil\n\u{1b}[2J\u{202e}exe.txt";

fn rollup() -> Rollup {
    let domain = |domain: &str, bytes: u64| {
        serde_json::json!({
            "domain": domain, "display_name": if domain.ends_with("org") { "example.org" } else { domain },
            "rx_bytes": bytes, "tx_bytes": bytes / 9, "polls_seen": 12,
        })
    };
    let mut processes: Vec<_> = [
        process(4242, "firefox", 1_500_000_000, 12.34),
        process(810, "nginx", 70_000_000, 3.0),
        process(6666, HOSTILE, 120_000, 0.1),
        process(4300, "rsync", 90_000, 0.0),
        process(11, "idle-talker", 80_000, 0.0),
        process(12, "whisper", 70_000, 0.0),
        process(900, "cruncher", 0, 180.0),
        process(901, "compiler", 0, 95.5),
    ]
    .into();
    // It lived between two polls.
    processes[3]["polls_seen"] = 0.into();
    serde_json::from_value(serde_json::json!({
        "schema_version": 1,
        "upload_id": "6f9619ff-8b86-4d01-b42d-00c04fc964ff",
        "sent_at": "2026-01-02T05:03:00.000Z",
        "period": {
            "started_at": "2026-01-02T03:00:00.000Z", "ended_at": "2026-01-02T05:03:00.000Z",
            "duration_seconds": 7380, "polls": 506,
        },
        "machine": {
            "hostname": "box", "os": "linux", "platform": "debian", "platform_version": "13", "kernel_version": "6.18.5",
            "hardware": {
                "cpu": {
                    "model": "AMD EPYC 7B13", "model_normalized": "amd_epyc_7b13", "physical_cores": 1,
                    "logical_cores": 2, "frequency_mhz": 0,
                },
                "memory": {"total_gb": 7.77}, "disk": {"total_gb": 251.9},
            },
        },
        "collector": {
            "name": "watcher", "version": "0.1.0", "backend": "ebpf", "exact": true, "unattributed_rx_bytes": 0,
            "unattributed_tx_bytes": 0, "dropped_events": 0,
        },
        "summary": {
            "running": true, "poll_count": 506, "tracked_process_count": 1312, "tracked_domain_count": 41,
            "tracked_connection_count": 128, "total_rx_bytes": 1_570_210_000, "total_tx_bytes": 224_000_000,
            "loopback_rx_bytes": 1024, "loopback_tx_bytes": 1024, "packet_rx_bytes": 0, "packet_tx_bytes": 0,
        },
        "processes": processes,
        "domains": [domain("www.example.org", 1_500_000_000), domain("2001:db8:85a3:1234:5678:8a2e:370:7334", 7)],
        "connections": [{
            "pid": 4242, "process_name": "firefox", "domain": "www.example.org", "display_name": "example.org",
            "name_source": "sni", "protocol": "HTTPS", "rx_bytes": 1, "tx_bytes": 2, "polls_seen": 3, "opened": 1,
            "closed": 1, "failed": 0, "mean_duration_ms": 1200,
        }],
    }))
    .expect("a rollup")
}

fn summary() -> Summary {
    let flow = |process_name: &str, remote: &str, open| Flow {
        pid: 4242,
        process_name: process_name.to_owned(),
        protocol: "tcp".to_owned(),
        remote: Some(remote.to_owned()),
        remote_name: None,
        name_source: None,
        application_protocol: None,
        rx_bytes: 1_500_000_000,
        tx_bytes: 23_400,
        seconds: Some(7_380.5),
        open,
    };
    Summary {
        pid: 31_337,
        running: true,
        started_at: "2026-01-02T03:00:00Z".parse().expect("a time"),
        updated_at: "2026-01-02T05:03:00.25Z".parse().expect("a time"),
        since_start: rollup(),
        flows: vec![
            flow("firefox", "198.51.100.23:443", true),
            flow(HOSTILE, "[2001:db8:85a3:1234:5678:8a2e:370:7334]:443", false),
        ],
    }
}

fn words(summary: Summary, running: Running, room: Option<usize>) -> String {
    let text = text::write(&Report { summary, running }, &TimeZone::UTC, room);
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    if let Some(room) = room {
        let widest = text
            .lines()
            .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
            .map(crate::text::width)
            .max();
        assert!(widest <= Some(room), "{widest:?}: {text}");
    }
    text
}

#[test]
fn the_report() {
    insta::assert_snapshot!("running_80", words(summary(), Running::Yes, Some(80)));
    insta::assert_snapshot!("running_in_a_file", words(summary(), Running::Yes, None));
    insta::assert_snapshot!("stopped", words(Summary { running: false, ..summary() }, Running::No, Some(80)));
    insta::assert_snapshot!("killed", words(summary(), Running::No, Some(80)));
    let forbidden = "/run/watcher/control.sock may not be opened: be root, or in the group 'watcher'";
    insta::assert_snapshot!("forbidden", words(summary(), Running::Unasked(forbidden.to_owned()), Some(80)));
}

#[test]
fn the_report_of_the_first_second() {
    let mut summary = summary();
    summary.flows.clear();
    summary.since_start.processes.clear();
    summary.since_start.domains.clear();
    summary.since_start.machine.hardware = Default::default();
    insta::assert_snapshot!("nothing_yet", words(summary, Running::Yes, Some(80)));
}

#[test]
fn six_processes_by_bytes_and_by_processor_in_turns() {
    let all = rollup().processes;
    let pids: Vec<u32> = choice::processes(&all).iter().map(|process| process.names.pid).collect();
    // By bytes 4242, 810, 6666; by processor 900, 901, 4242 again, so 810 again, 6666 again: then the next by bytes.
    assert_eq!(pids, [4242, 810, 6666, 4300, 900, 901]);
    let mut idle = all.clone();
    idle.iter_mut().for_each(|process| process.counters = ProcessCounters::default());
    assert_eq!(choice::processes(&idle).len(), 6);
    assert_eq!(choice::processes(&idle[..2]).len(), 2);
    assert!(choice::processes(&[]).is_empty());
}

#[test]
fn what_was_written_is_read_back() {
    let folder = tempfile::tempdir().expect("a folder");
    summary().write(folder.path()).expect("written");
    assert_eq!(Summary::read(folder.path()).expect("readable"), Some(summary()));
}

/// `a.b`, and `list[].field` for what lists hold.
fn paths(value: &serde_json::Value, prefix: &str, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            let dot = if prefix.is_empty() { "" } else { "." };
            fields.iter().for_each(|(name, field)| paths(field, &format!("{prefix}{dot}{name}"), found));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| paths(item, &format!("{prefix}[]"), found)),
        _ => found.push(prefix.to_owned()),
    }
}

#[test]
fn the_pages_about_it_have_every_field() {
    let page = include_str!("../../../docs/summary.md");
    let about_rollups = include_str!("../../../docs/rollup.md");
    let mut found = Vec::new();
    paths(&serde_json::to_value(summary()).expect("an object"), "", &mut found);
    assert!(found.len() > 60, "{found:?}");
    for path in found {
        let documented = match path.strip_prefix("since_start.") {
            Some(of_rollup) => about_rollups.contains(&format!("`{of_rollup}`")),
            None => page.contains(&format!("`{path}`")),
        };
        assert!(documented, "{path}");
    }
}
