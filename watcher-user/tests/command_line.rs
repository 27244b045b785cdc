//! The binary from outside, as far as it goes without a collector.

use std::{
    io::Read as _,
    process::{Command, Output, Stdio},
};

fn watcher(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_watcher")).args(args).stdin(Stdio::null()).output().expect("watcher starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[test]
fn help_and_version_are_good() {
    for args in [&["help"][..], &["--help"], &["top", "--help"], &["help", "top"], &["--version"], &["version"]] {
        let output = watcher(args);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()), "{args:?}");
        assert!(!output.stdout.is_empty());
    }
    assert_eq!(text(&watcher(&["version"]).stdout), format!("watcher {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn mistakes_are_wrong_usage_and_say_what_is_right() {
    for (args, says) in [
        (&["top", "--sort", "nose"][..], "the keys are: rate, rx-rate,"),
        (&["top", "-d", "0"], "must be from 0.1 to 86400 seconds"),
        (&["top", "--nose"], "unexpected argument '--nose'"),
        (&["dctor"], "a similar subcommand exists: 'doctor'"),
        (&["top", "--filter", "!("], "unclosed group"),
    ] {
        let output = watcher(args);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), String::new()), "{args:?}");
        assert!(text(&output.stderr).contains(says), "{args:?}: {}", text(&output.stderr));
    }
    assert_eq!(watcher(&[]).status.code(), Some(2));
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_watcher"))
        .args(["completions", "zsh"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("watcher starts");
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("UTF-8");
    assert_eq!((child.wait().expect("it ends").code(), stderr), (Some(0), String::new()));
}
