//! The unit as systemd judges it, the property list as a parser of property lists reads it.

use std::{fs, path::Path};

use watcher_user::setup::plan;

use crate::{WATCHER, run, words};

/// systemd's scale, times ten: 30 is 3.0.
const EXPOSURE_AT_MOST: &str = "30";

#[test]
fn systemd_verifies_the_unit() {
    let dir = tempfile::tempdir().unwrap();
    let unit = dir.path().join("watcher.service");
    fs::write(&unit, plan::unit(Path::new(WATCHER))).unwrap();
    let out = run("systemd-analyze", &["verify", "--man=no", unit.to_str().unwrap()]);
    assert_eq!(words(&out), (Some(0), String::new(), String::new()));
}

#[test]
fn its_exposure_is_at_most_three() {
    let dir = tempfile::tempdir().unwrap();
    let unit = dir.path().join("watcher.service");
    fs::write(&unit, plan::unit(Path::new(plan::BINARY))).unwrap();
    let threshold = format!("--threshold={EXPOSURE_AT_MOST}");
    let out = run("systemd-analyze", &["security", "--offline=true", &threshold, unit.to_str().unwrap()]);
    let (code, table, complaints) = words(&out);
    let overall = table.lines().find(|line| line.contains("Overall exposure level")).unwrap_or_default();
    println!("{overall}");
    assert!(code == Some(0) && !overall.is_empty(), "{table}{complaints}");
}

#[test]
fn only_five_capabilities_are_left() {
    let unit = plan::unit(Path::new(plan::BINARY));
    let value = |key: &str| {
        let values: Vec<_> = unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect();
        assert_eq!(values.len(), 1, "{key}");
        values[0].to_owned()
    };
    let five = "CAP_BPF CAP_PERFMON CAP_NET_ADMIN CAP_SYS_PTRACE CAP_DAC_READ_SEARCH";
    assert_eq!((value("CapabilityBoundingSet").as_str(), value("AmbientCapabilities").as_str()), (five, five));
    // Each is explained.
    for capability in five.split(' ') {
        assert!(unit.lines().any(|line| line.starts_with(&format!("# {capability} "))), "{capability}");
    }
}

#[test]
fn python_reads_the_property_list() {
    let dir = tempfile::tempdir().unwrap();
    let plist = dir.path().join("watcher.plist");
    let odd = "/Applications/A & B <x>/watcher";
    fs::write(&plist, plan::plist(Path::new(odd))).unwrap();
    let script = "import json, plistlib, sys; print(json.dumps(plistlib.load(open(sys.argv[1], 'rb'))))";
    let (code, json, complaints) = words(&run("python3", &["-c", script, plist.to_str().unwrap()]));
    assert_eq!(code, Some(0), "{complaints}");
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["Label"], plan::LABEL);
    assert!(plan::PLIST.ends_with(&format!("/{}.plist", plan::LABEL)));
    assert_eq!(value["ProgramArguments"], serde_json::json!([odd, "run"]));
    assert_eq!((&value["RunAtLoad"], &value["KeepAlive"]), (&true.into(), &true.into()));
    assert_eq!(value["Umask"], 0o077);
    // launchd.plist(5): a Background process gets less of the processors than a capture needs.
    assert_eq!(value["ProcessType"], "Standard");
}
