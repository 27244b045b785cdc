//! The contract, field by field.

use serde::Deserialize;
use serde_json::json;

use super::make::{Rig, closed, flow, frame, quality, runs};
use crate::rollup::{Profile, Rollup, schema};

fn machine() -> Profile {
    Profile {
        hostname: "laptop".into(),
        system: schema::System {
            os: "linux".into(),
            platform: "debian".into(),
            platform_version: "13".into(),
            kernel_version: "6.12.0".into(),
        },
        hardware: schema::Hardware {
            cpu: schema::Cpu {
                model: "AMD EPYC 9R14".into(),
                model_normalized: "amd_epyc_9r14".into(),
                physical_cores: 2,
                logical_cores: 4,
                frequency_mhz: 2_600,
            },
            memory: schema::Capacity { total_gb: 15.5 },
            disk: schema::Capacity { total_gb: 100.0 },
        },
    }
}

fn example() -> Rollup {
    let mut rig = Rig::default();
    rig.apply(1, vec![runs(7, "curl", "curl https://x")], vec![flow(7, 1, 1_000, 50)]);
    rig.poll(&[(7, 12.345, 20)]);
    rig.apply(5, vec![], vec![closed(flow(7, 1, 1_000, 50), 4)]);
    let (machine, quality) = (machine(), quality());
    rig.window.finish(&frame(&machine, &quality), &())
}

#[test]
fn every_field_has_the_name_and_the_form_of_the_contract() {
    let wanted = json!({
        "schema_version": 1,
        "upload_id": "00000000-0000-0000-0000-000000001234",
        "sent_at": "2026-01-02T03:15:00.250Z",
        "period": {
            "started_at": "2026-01-02T03:00:00.000Z",
            "ended_at": "2026-01-02T03:15:00.250Z",
            "duration_seconds": 900,
            "polls": 1,
        },
        "machine": {
            "hostname": "laptop",
            "os": "linux",
            "platform": "debian",
            "platform_version": "13",
            "kernel_version": "6.12.0",
            "hardware": {
                "cpu": {
                    "model": "AMD EPYC 9R14",
                    "model_normalized": "amd_epyc_9r14",
                    "physical_cores": 2,
                    "logical_cores": 4,
                    "frequency_mhz": 2600,
                },
                "memory": { "total_gb": 15.5 },
                "disk": { "total_gb": 100.0 },
            },
        },
        "collector": {
            "name": "watcher",
            "version": "0.1.0",
            "backend": "ebpf",
            "exact": true,
            "unattributed_rx_bytes": 0,
            "unattributed_tx_bytes": 0,
            "dropped_events": 0,
        },
        "summary": {
            "running": true,
            "poll_count": 1,
            "tracked_process_count": 1,
            "tracked_domain_count": 1,
            "tracked_connection_count": 1,
            "total_rx_bytes": 1000,
            "total_tx_bytes": 50,
            "loopback_rx_bytes": 0,
            "loopback_tx_bytes": 0,
            "packet_rx_bytes": 0,
            "packet_tx_bytes": 0,
        },
        "processes": [{
            "pid": 7,
            "name": "curl",
            "command": "curl",
            "average_cpu_percent": 12.35,
            "peak_cpu_percent": 12.35,
            "average_memory_rss_mb": 20.0,
            "peak_memory_rss_mb": 20.0,
            "polls_seen": 1,
            "rx_bytes": 1000,
            "tx_bytes": 50,
            "connections": 1,
            "started_at": "2026-01-01T00:00:00.000Z",
        }],
        "domains": [{ "domain": "10.0.0.2", "rx_bytes": 1000, "tx_bytes": 50, "polls_seen": 1 }],
        "connections": [{
            "pid": 7,
            "process_name": "curl",
            "domain": "10.0.0.2",
            "name_source": "address",
            "protocol": "HTTPS",
            "protocol_source": "port",
            "rx_bytes": 1000,
            "tx_bytes": 50,
            "polls_seen": 1,
            "opened": 1,
            "closed": 1,
            "failed": 0,
            "mean_duration_ms": 3000,
        }],
    });
    let sent: serde_json::Value = serde_json::from_slice(&example().to_json()).unwrap();
    assert_eq!(sent, wanted, "{sent:#}");
}

#[test]
fn a_rollup_can_be_read_back() {
    let rollup = example();
    let back: Rollup = serde_json::from_slice(&rollup.to_json()).unwrap();
    assert_eq!(back.to_json(), rollup.to_json());
}

#[test]
fn an_empty_window_has_empty_lists_and_no_null_anywhere() {
    let rollup = Rig::default().finish();
    let text = String::from_utf8(rollup.to_json()).unwrap();
    assert!(text.ends_with(r#""processes":[],"domains":[],"connections":[]}"#), "{text}");
    assert!(!text.contains("null"));
    assert!(!String::from_utf8(example().to_json()).unwrap().contains("null"));
}

#[test]
fn the_time_of_sending_does_not_change_the_size() {
    let mut rollup = example();
    let before = rollup.to_json().len();
    for at in ["2026-01-02T03:15:00Z", "2027-11-12T13:14:15.123456789Z", "2026-01-02T03:15:00.5Z"] {
        rollup.sent_at = at.parse().unwrap();
        assert_eq!(rollup.to_json().len(), before);
    }
}

/// A reader that knows only the first table of the contract.
mod first_table {
    use super::Deserialize;

    #[derive(Deserialize)]
    pub struct Upload {
        pub schema_version: u32,
        pub summary: Summary,
        pub processes: Vec<Process>,
        pub connections: Vec<Connection>,
    }

    #[derive(Deserialize)]
    pub struct Summary {
        pub total_rx_bytes: u64,
    }

    #[derive(Deserialize)]
    pub struct Process {
        pub name: String,
        pub average_cpu_percent: f64,
    }

    #[derive(Deserialize)]
    pub struct Connection {
        pub domain: String,
        pub tx_bytes: u64,
    }
}

#[test]
fn a_reader_of_the_first_table_reads_it() {
    let read: first_table::Upload = serde_json::from_slice(&example().to_json()).unwrap();
    assert_eq!((read.schema_version, read.summary.total_rx_bytes), (1, 1_000));
    assert_eq!((read.processes[0].name.as_str(), read.processes[0].average_cpu_percent), ("curl", 12.35));
    assert_eq!((read.connections[0].domain.as_str(), read.connections[0].tx_bytes), ("10.0.0.2", 50));
}

#[test]
fn an_upload_without_the_added_fields_is_read() {
    let mut value: serde_json::Value = serde_json::from_slice(&example().to_json()).unwrap();
    let remove = |object: &mut serde_json::Value, fields: &[&str]| {
        for field in fields {
            object.as_object_mut().unwrap().remove(*field);
        }
    };
    remove(&mut value, &["upload_id", "collector"]);
    let added = ["loopback_rx_bytes", "loopback_tx_bytes", "packet_rx_bytes", "packet_tx_bytes"];
    remove(&mut value["summary"], &added);
    remove(&mut value["processes"][0], &["rx_bytes", "tx_bytes", "started_at", "connections", "command"]);
    remove(
        &mut value["connections"][0],
        &["opened", "closed", "failed", "mean_duration_ms", "name_source", "protocol_source"],
    );
    let read: Rollup = serde_json::from_value(value).unwrap();
    assert_eq!((read.collector, read.processes[0].counters.connections), (None, 0));
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
fn the_page_about_it_has_every_field() {
    let page = include_str!("../../../../docs/rollup.md");
    let sent = serde_json::from_slice(&example().to_json()).unwrap();
    let mut found = Vec::new();
    paths(&sent, "", &mut found);
    assert!(found.len() > 50);
    for path in found {
        assert!(page.contains(&format!("`{path}`")), "{path}");
    }
}
