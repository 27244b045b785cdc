//! Network namespaces of this test's own.

use std::net::IpAddr;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A namespace, removed with everything in it when dropped.
pub struct Namespace(pub String);

impl Namespace {
    pub fn new() -> Self {
        let name = format!("wp{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        ip(&["netns", "add", &name]);
        let this = Self(name);
        this.ip(&["link", "set", "lo", "up"]);
        this
    }

    /// ip(8) inside.
    pub fn ip(&self, arguments: &[&str]) {
        ip(&[&["-n", &self.0], arguments].concat());
    }

    /// A veth pair, one end in each, without addresses.
    pub fn connect(&self, own: &str, other: &Self, others: &str) {
        ip(&["link", "add", own, "netns", &self.0, "type", "veth", "peer", "name", others, "netns", &other.0]);
        self.ip(&["link", "set", own, "up"]);
        other.ip(&["link", "set", others, "up"]);
    }

    pub fn address(&self, device: &str, address: IpAddr) {
        let prefix = if address.is_ipv4() { 24 } else { 64 };
        self.ip(&["address", "add", &format!("{address}/{prefix}"), "dev", device]);
    }

    /// Runs `work` on a thread that is inside.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let file = std::fs::File::open(format!("/run/netns/{}", self.0)).expect("the namespace");
        std::thread::scope(|scope| {
            let inside = || {
                nix::sched::setns(file, nix::sched::CloneFlags::CLONE_NEWNET).expect("root may enter");
                work()
            };
            scope.spawn(inside).join().expect("it ends well")
        })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        ip(&["netns", "delete", &self.0]);
    }
}

fn ip(arguments: &[&str]) {
    let status = Command::new("ip").args(arguments).status().expect("ip runs");
    assert!(status.success() || std::thread::panicking(), "ip {arguments:?}");
}
