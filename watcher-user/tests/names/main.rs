//! Names: real programs speak real protocols over networks of their own, and watcher must say what they asked for: the name,
//! how it is known, the protocol and the handshake, on both sides, with the bytes as exact as ever.
//!
//! `cargo test -p watcher-user --test names [filter]`. One watcher looks on during the whole run. Tests run at the same time:
//! each has network namespaces of its own, and rows are found by namespace and port.

#[cfg(target_os = "linux")]
mod cases;
#[cfg(target_os = "linux")]
mod certificate;
#[cfg(target_os = "linux")]
mod message;
#[cfg(target_os = "linux")]
#[path = "../exactness/netns.rs"]
#[expect(dead_code, reason = "the exactness suite uses more of it")]
mod netns;
#[cfg(target_os = "linux")]
mod place;
#[cfg(target_os = "linux")]
mod program;
#[cfg(target_os = "linux")]
mod row;
#[cfg(target_os = "linux")]
mod scene;
#[cfg(target_os = "linux")]
mod serving;
#[cfg(target_os = "linux")]
mod watcher;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    cases::run(&libtest_mimic::Arguments::from_args())
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("names is a test of the eBPF collector: Linux only");
}
