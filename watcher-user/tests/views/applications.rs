//! Real programs under the names that people have for them.

use std::fs;

use serde_json::Value;

use crate::{
    daemon::{Home, objects},
    far::Far,
};

/// Not a round number: it is looked for in text.
const BYTES: u64 = 1_234_567;

const SCRIPT: &str = "\
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as remote:
    remote.sendall(b'x' * int(sys.argv[3]))
    sys.stdin.readline()
";

#[test]
fn a_script_is_an_application_and_its_interpreter_a_process() {
    let home = Home::new();
    let _daemon = home.run();
    let far = Far::new();
    let script = home.folder().join("app.py");
    fs::write(&script, SCRIPT).expect("a script");
    let path = script.to_str().expect("a path");
    let (ip, port) = (far.address().ip().to_string(), far.address().port().to_string());
    let sender = far.send_by(&["python3", "-u", path, &ip, &port, &BYTES.to_string()], BYTES);

    let once = |verb: &[&str]| home.say(&[&["top", "--attach", "--once", "-d", "0.2"], verb].concat());
    let top = objects(&once(&["--json", "--by", "app"])).remove(0);
    let row = |list: &str, field: &str, value: Value| {
        let rows = top[list].as_array().expect("a list");
        rows.iter().find(|row| row[field] == value).cloned().unwrap_or_else(|| panic!("{list}: {rows:#?}"))
    };
    let app = row("apps", "name", "app.py".into());
    assert_eq!((&app["tx_bytes"], &app["application_rule"]), (&BYTES.into(), &"script".into()), "{app}");
    let process = row("processes", "pid", sender.pid().into());
    assert_eq!((&process["application"], &process["tx_bytes"]), (&"app.py".into(), &BYTES.into()), "{process}");
    assert!(process["name"].as_str().is_some_and(|name| name.starts_with("python3")), "{process}");
    let evidence = process["application_evidence"].as_str().expect("text");
    assert!(evidence.starts_with("python3") && evidence.ends_with(path), "{evidence}");

    let table = String::from_utf8(once(&["--plain", "--by", "app", "--explain"]).stdout).expect("text");
    let line = table.lines().find(|line| line.starts_with("app.py ")).unwrap_or_else(|| panic!("{table}"));
    assert!(line.contains("1.18 MiB") && line.contains("script") && line.ends_with(evidence), "{table}");
    sender.end();
}
