//! The whole way, with a real systemd: set up, counting, killed, reloaded, set up again, uninstalled.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
};

use serde_json::Value;

use crate::{
    WATCHER, alone,
    namespaces::{Systemd, until},
};

fn property(systemd: &Systemd, name: &str) -> String {
    systemd.good(&format!("systemctl show watcher --property {name} --value")).trim().to_owned()
}

#[test]
fn a_service_is_set_up_counts_survives_and_goes() {
    let systemd = Systemd::boot("service", WATCHER.as_ref());
    let said = systemd.good("/tmp/watcher setup --yes");
    assert!(
        said.contains("counting  1048576 bytes sent and received by this very program, and every one counted"),
        "{said}"
    );

    // It is who it should be, with what it should have, and nothing else.
    let pid = property(&systemd, "MainPID");
    let status = systemd.good(&format!("cat /proc/{pid}/status"));
    let field = |name: &str| {
        let line =
            status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name} in {status}"));
        line.trim().to_owned()
    };
    // CAP_BPF, CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH once it counts; of the unit's five, CAP_PERFMON and CAP_NET_ADMIN are
    // given up. The bounding set stays: reducing it takes CAP_SETPCAP.
    let three = 1_u64 << 39 | 1 << 19 | 1 << 2;
    let five = three | 1 << 38 | 1 << 12;
    assert_eq!(
        ["CapEff:", "CapPrm:", "CapBnd:", "CapAmb:"].map(field),
        [three, three, five, 0].map(|set| format!("{set:016x}"))
    );
    assert_eq!((field("NoNewPrivs:").as_str(), field("Seccomp:").as_str()), ("1", "2"));
    let uid = systemd.good("id -u watcher").trim().to_owned();
    assert_ne!(uid, "0");
    assert_eq!(field("Uid:"), [&*uid; 4].join("\t"));
    assert_eq!(
        systemd.good("stat -c '%U:%G %a' /run/watcher/control.sock /var/lib/watcher"),
        "watcher:watcher 660\nwatcher:watcher 700\n"
    );

    // Under exactly these restrictions all is well, and a figure is exact.
    let state = systemd.good("/tmp/watcher status --json");
    let state: Value = serde_json::from_str(&state).expect("JSON");
    assert_eq!(
        (&state["exact"], &state["degraded"]),
        (&Value::from(true), &Value::from(Vec::<String>::new())),
        "{state}"
    );

    // Killed, it is back, and counts.
    systemd.good(&format!("kill -9 {pid}"));
    assert!(until(|| {
        let now = property(&systemd, "MainPID");
        now != pid && now != "0" && property(&systemd, "ActiveState") == "active"
    }));
    systemd.good("systemctl reload watcher");
    let again = systemd.good("/usr/local/bin/watcher setup --yes --upload-url http://127.0.0.1:9/x");
    for line in
        ["unchanged /etc/systemd/system/watcher.service", "replaced  /etc/watcher/config.toml", "counting  1048576"]
    {
        assert!(again.contains(line), "{again}");
    }
    assert!(systemd.good("watcher status").contains("upload     to http://127.0.0.1:9/x"));

    // The words for it go through systemd too, and say which process they meant.
    let pid = property(&systemd, "MainPID");
    let stopped = systemd.good("watcher stop");
    assert_eq!(stopped, format!("watcher is stopped (process {pid}, a service of systemd)\n"));
    assert_eq!(property(&systemd, "ActiveState"), "inactive");
    let started = systemd.good("watcher start");
    let pid = property(&systemd, "MainPID");
    assert!(started.contains(&format!("watcher runs (process {pid})")), "{started}");
    let restarted = systemd.good("watcher restart");
    let now = property(&systemd, "MainPID");
    assert!(now != pid && restarted.contains(&format!("watcher runs (process {now})")), "{restarted}");

    // What root leaves behind in its state does not stop it.
    systemd.good("systemctl stop watcher && chown -R root:root /var/lib/watcher/* && systemctl start watcher");

    let gone = systemd.good("watcher uninstall --yes");
    assert!(gone.contains("kept      /var/lib/watcher") && gone.contains("kept      /etc/watcher"), "{gone}");
    assert!(!systemd.run("systemctl status watcher").status.success());
    let nothing = systemd.good("/tmp/watcher uninstall --yes --purge");
    assert!(nothing.contains("removed   user and group watcher"), "{nothing}");
    assert!(systemd.good("/tmp/watcher uninstall --yes --purge").contains("There was nothing to remove."));
    let left = "find /etc /usr /var /run -xdev -name '*watcher*' -newer /run/console; getent passwd watcher; getent group watcher; true";
    assert_eq!(systemd.good(left), "");
}

#[test]
fn the_unit_restricts_a_collector_that_is_exact_all_the_same() {
    let systemd = Systemd::boot("confined", WATCHER.as_ref());
    systemd.good("/tmp/watcher setup --yes --no-start");
    assert_eq!(property(&systemd, "UnitFileState"), "disabled");
    instead(&systemd, "doctor");
    systemd.good("systemctl start watcher");
    let doctor = systemd.good("cat /run/said");
    assert!(doctor.contains("privilege        capabilities suffice") && doctor.ends_with("all is well\n"), "{doctor}");

    // Bytes of this very process, outside of all that, while it looks.
    let alone = alone();
    let me = std::process::id();
    instead(&systemd, &format!("top --json --include-loopback --interval 1 --count 4 --pid {me}"));
    systemd.good("systemctl start --no-block watcher");
    let lines = || -> Vec<Value> {
        let said = String::from_utf8_lossy(&systemd.run("cat /run/said").stdout).into_owned();
        said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    };
    assert!(until(|| !lines().is_empty()), "it begins to count: {}", systemd.console());
    move_bytes();
    assert!(until(|| lines().len() == 5), "{}", systemd.console());
    drop(alone);
    let last = lines().pop().expect("a line");
    assert_eq!(last["exact"], Value::from(true), "{last}");
    let mine = &last["processes"][0];
    assert_eq!((&mine["tx_bytes"], &mine["rx_bytes"]), (&Value::from(BYTES), &Value::from(BYTES)), "{last}");

    // The service itself writes a history, interfaces and all.
    systemd.good("rm -r /etc/systemd/system/watcher.service.d && systemctl daemon-reload && systemctl restart watcher");
    move_bytes();
    let stats = |by: &str| -> Value {
        let said = systemd.good(&format!("watcher stats {by} --json --include-loopback"));
        serde_json::from_str(&said).expect("an object")
    };
    let processes = stats("processes");
    let rows = processes["rows"].as_array().expect("rows");
    let mine = rows.iter().find(|row| row["pid"] == me).unwrap_or_else(|| panic!("{processes}"));
    assert_eq!((&mine["tx_bytes"], &mine["rx_bytes"]), (&Value::from(BYTES), &Value::from(BYTES)), "{mine}");
    assert!(
        until(|| stats("interfaces")["rows"].as_array().is_some_and(|rows| !rows.is_empty())),
        "{}",
        systemd.console()
    );
    let modes = systemd.good("stat -c '%a %U %n' /var/lib/watcher/history.db*");
    assert!(modes.lines().all(|line| line.starts_with("600 watcher ")), "{modes}");
}

/// The same unit, but for what it starts.
fn instead(systemd: &Systemd, arguments: &str) {
    let lines = format!(
        "[Service]\\nType=oneshot\\nRestart=no\\nWatchdogSec=0\\nStandardOutput=truncate:/run/said\\nExecStart=\\n\
         ExecStart=/usr/local/bin/watcher {arguments}\\n"
    );
    systemd.good(&format!(
        "folder=/etc/systemd/system/watcher.service.d; mkdir -p $folder && printf '{lines}' >$folder/what.conf && \
         : >/run/said && systemctl daemon-reload"
    ));
}

/// An odd number.
const BYTES: usize = 3_141_593;

fn move_bytes() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut sender = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    let mut receiver = listener.accept().expect("a connection").0;
    let writer = std::thread::spawn(move || sender.write_all(&vec![7; BYTES]));
    let mut received = Vec::new();
    receiver.read_to_end(&mut received).expect("bytes");
    writer.join().expect("a thread").expect("bytes");
    assert_eq!(received.len(), BYTES);
}
