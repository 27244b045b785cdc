//! Alerts of a running daemon: real bytes, a real command, and once means once.

use std::{
    collections::HashMap,
    fs,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc,
};

use nix::sys::signal::Signal;
use serde_json::Value;
use zbus::OwnedVariant;

use crate::{
    daemon::{Home, code_and_words, objects, wait_for},
    far::Far,
};

/// An application that no other test is: the daemon sees all of the machine.
fn shell(home: &Home, name: &str) -> PathBuf {
    let path = home.folder().join(name);
    fs::copy("/bin/bash", &path).expect("a copy");
    path
}

/// The alert, and whatever else; each time it fires it adds a line to `fired`.
fn configuration(home: &Home, more: &str) -> String {
    let script = "echo \"$WATCHER_SUBJECT $WATCHER_DIRECTION $WATCHER_BYTES $WATCHER_LIMIT\" >> \"$0\"";
    format!(
        "[collect]\nsample_interval = \"1s\"\n{more}\n[[alert]]\nname = \"sends\"\napp = \"limited\"\ndirection = \"tx\"\n\
         over = \"1 MB\"\ncommand = [\"/bin/sh\", \"-c\", '{script}', \"{}\"]\n",
        fired(home).display()
    )
}

fn fired(home: &Home) -> PathBuf {
    home.folder().join("fired")
}

fn told(home: &Home) -> Vec<String> {
    fs::read_to_string(fired(home)).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// How the alert `sends` stands: bytes, and whether it has fired.
fn standing(home: &Home) -> Option<(u64, bool)> {
    let all = objects(&home.say(&["alerts", "--json"]));
    let one = all.iter().find(|one| one["rule"]["name"] == "sends").expect("the alert");
    let limited = one["names"].as_array().expect("a list").iter().find(|name| name["name"] == "limited")?;
    Some((limited["bytes"].as_u64()?, !limited["fired"].is_null()))
}

fn wait_for_sum(home: &Home, bytes: u64, has_fired: bool) {
    wait_for("the sum", || (standing(home)? == (bytes, has_fired)).then_some(()));
}

/// What the state directory holds of it.
fn wait_for_kept_sum(home: &Home, bytes: u64) {
    wait_for("the sum on the disk", || {
        let state: Value = serde_json::from_slice(&fs::read(home.state().join("alerts.json")).ok()?).ok()?;
        let names =
            state["alerts"].as_array()?.iter().find(|one| one["rule"]["name"] == "sends")?["periods"][0]["names"]
                .as_array()?
                .clone();
        names.iter().any(|name| name["bytes"] == bytes).then_some(())
    });
}

#[test]
fn a_limit_fires_once_at_its_byte_across_restarts_and_reloads() {
    let home = Home::new();
    home.configure(&configuration(&home, ""));
    let (far, limited) = (Far::new(), shell(&home, "limited"));

    let daemon = home.run();
    far.send_by_bash(&limited, 600_000).end();
    wait_for_sum(&home, 600_000, false);
    // Killed: what was saved is what it goes on with.
    wait_for_kept_sum(&home, 600_000);
    daemon.end(Signal::SIGKILL);

    let daemon = home.run();
    far.send_by_bash(&limited, 399_999).end();
    wait_for_sum(&home, 999_999, false);
    assert!(told(&home).is_empty());
    far.send_by_bash(&limited, 1).end();
    wait_for_sum(&home, 1_000_000, true);
    wait_for("the command", || (told(&home) == ["limited tx 1000000 1000000"]).then_some(()));

    // Another alert comes, this one stays.
    home.configure(&configuration(&home, "[[alert]]\napp = \"*\"\nover = \"1 TB\"\n"));
    assert_eq!(code_and_words(&home.say(&["reload"])), (Some(0), String::new()));
    far.send_by_bash(&limited, 1_500_000).end();
    wait_for_sum(&home, 2_500_000, true);
    assert_eq!(objects(&home.say(&["alerts", "--json"])).len(), 2);
    let text = String::from_utf8(home.say(&["alerts"]).stdout).expect("text");
    assert!(text.contains("limited") && text.contains("2,500,000") && text.contains("250%"), "{text}");
    daemon.end(Signal::SIGTERM);

    let daemon = home.run();
    far.send_by_bash(&limited, 1_500_000).end();
    wait_for_sum(&home, 4_000_000, true);
    // A daemon that ends has done what its alerts ask for.
    daemon.end(Signal::SIGTERM);
    assert_eq!(told(&home), ["limited tx 1000000 1000000"]);
    let mode = fs::metadata(home.state().join("alerts.json")).expect("the state").permissions();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600);
}

#[test]
fn a_command_inherits_no_capability_of_the_service() {
    let home = Home::new();
    let out = fired(&home);
    let script = "grep ^CapAmb: /proc/$$/status > \"$0.part\"; mv \"$0.part\" \"$0\"";
    home.configure(&format!(
        "[[alert]]\napp = \"*\"\nover = \"1 B\"\ncommand = [\"/bin/sh\", \"-c\", '{script}', \"{}\"]\n",
        out.display()
    ));
    // The service's daemon gives them up by itself: this one is to hold on to them.
    let run = home.command(&["run", "--no-sandbox"]);
    let mut command = Command::new("setpriv");
    command.args(["--inh-caps", "+net_raw", "--ambient-caps", "+net_raw"]).arg(run.get_program()).args(run.get_args());
    let daemon = home.run_by(command);
    let own = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).expect("the daemon's status");
    assert!(own.contains("CapAmb:\t0000000000002000\n"), "{own}");
    Far::new().send(1).end();
    wait_for("the command", || (told(&home) == ["CapAmb:\t0000000000000000"]).then_some(()));
}

#[test]
fn a_rate_that_lasts_fires_while_it_does() {
    let home = Home::new();
    let script = "echo \"$WATCHER_SUBJECT $WATCHER_CONDITION $WATCHER_LIMIT\" >> \"$0\"";
    home.configure(&format!(
        "[[alert]]\napp = \"rated\"\nrate = \"1 B/s\"\nfor = \"3s\"\ncommand = [\"/bin/sh\", \"-c\", '{script}', \"{}\"]\n",
        fired(&home).display()
    ));
    let (daemon, far, rated) = (home.run(), Far::new(), shell(&home, "rated"));
    // As many transfers as it takes: each second has some of them.
    wait_for("the command", || {
        far.send_by_bash(&rated, 10_000).end();
        (told(&home) == ["rated rate 1"]).then_some(())
    });
    daemon.end(Signal::SIGTERM);
    assert_eq!(told(&home), ["rated rate 1"]);
}

#[test]
fn an_alert_can_be_looked_at_and_tried_without_a_daemon() {
    let home = Home::new();
    home.configure(&configuration(&home, ""));
    let out = home.say(&["alerts", "--dry-run"]);
    assert_eq!(code_and_words(&out), (Some(0), String::new()));
    let text = String::from_utf8(out.stdout).expect("text");
    assert!(
        text.starts_with("sends: limited, sent, 1 MB per day\n  log      alert sends: limited sent 1,000,000 bytes"),
        "{text}"
    );
    assert!(text.contains("\n           WATCHER_SUBJECT=limited\n"), "{text}");
    assert!(told(&home).is_empty(), "nothing was done");

    assert_eq!(code_and_words(&home.say(&["alerts", "--fire", "sends"])), (Some(0), String::new()));
    assert_eq!(told(&home), ["limited tx 1000000 1000000"]);
    let (code, words) = code_and_words(&home.say(&["alerts", "--fire", "send"]));
    assert_eq!((code, words.as_str()), (Some(1), "watcher: no alert is called \"send\"; there are: sends\n"));
}

#[test]
fn a_desktop_that_is_not_there_is_said_and_the_command_runs_all_the_same() {
    let home = Home::new();
    home.configure(&format!("{}notify = [\"log\", \"desktop\"]\n", configuration(&home, "")));
    let mut command = home.command(&["alerts", "--fire", "sends"]);
    command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus").stdin(Stdio::null());
    let (code, words) = code_and_words(&command.output().expect("watcher starts"));
    assert_eq!(code, Some(1));
    assert!(words.starts_with("watcher: no desktop takes it: "), "{words}");
    assert_eq!(told(&home), ["limited tx 1000000 1000000"]);
}

/// A session bus of its own.
struct Bus {
    daemon: Child,
    address: String,
}

impl Bus {
    fn start() -> Self {
        let mut command = Command::new("dbus-daemon");
        command.args(["--session", "--nofork", "--nopidfile", "--nosyslog", "--print-address"]).stdout(Stdio::piped());
        let mut daemon = command.spawn().expect("dbus-daemon: `cargo xtask setup` installs it");
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().expect("stdout")).read_line(&mut address).expect("an address");
        Self { daemon, address: address.trim().to_owned() }
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.daemon.kill().ok();
        self.daemon.wait().ok();
    }
}

/// A desktop: takes notifications, and hands out title and body.
struct Desktop(mpsc::Sender<(String, String)>);

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Desktop {
    #[expect(clippy::too_many_arguments, reason = "the protocol's")]
    fn notify(
        &mut self,
        _app: String,
        _replaces: u32,
        _icon: String,
        summary: String,
        body: String,
        _actions: Vec<String>,
        _hints: HashMap<String, OwnedVariant>,
        _timeout: i32,
    ) -> u32 {
        self.0.send((summary, body)).expect("the test listens");
        1
    }
}

#[test]
fn a_desktop_shows_it_and_interprets_nothing() {
    let home = Home::new();
    home.configure(
        "[[alert]]\nname = \"A <b>name</b>\"\napp = \"<img src='x'>&\"\nover = \"1 MB\"\nnotify = [\"desktop\"]\n",
    );
    let (bus, (sender, shown)) = (Bus::start(), mpsc::channel());
    let mut command = home.command(&["alerts", "--fire", "A <b>name</b>"]);
    command.env("DBUS_SESSION_BUS_ADDRESS", &bus.address);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let out = runtime.block_on(async {
        let desktop = zbus::connection::Builder::address(bus.address.as_str()).name("org.freedesktop.Notifications");
        let desktop = desktop.serve_at("/org/freedesktop/Notifications", Desktop(sender)).build().await;
        let _desktop = desktop.expect("the bus takes it");
        tokio::process::Command::from(command).output().await
    });
    assert_eq!(code_and_words(&out.expect("watcher starts")), (Some(0), String::new()));
    let (title, body) = shown.try_recv().expect("a notification");
    assert_eq!(title, "A <b>name</b>", "a title has no markup");
    assert!(body.starts_with("&lt;img src=&apos;x&apos;&gt;&amp; moved 1,000,000 bytes since "), "{body}");
    assert!(body.ends_with("; the limit is 1 MB per day"), "{body}");
}
