//! A network namespace that is a thread: gone when the thread is.

use std::{
    path::Path,
    process::Command,
    sync::mpsc::{Sender, channel},
    thread::JoinHandle,
};

use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
};

type Job = Box<dyn FnOnce() + Send>;

pub struct Namespace {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    /// What `ip` takes as the name of the namespace.
    pub id: String,
}

impl Namespace {
    /// With its loopback up, its own /sys, and no IPv6: nobody but the test says anything.
    pub fn new() -> Self {
        let (jobs, todo) = channel::<Job>();
        let thread = std::thread::spawn(move || todo.into_iter().for_each(|job| job()));
        let mut it = Self { jobs: Some(jobs), thread: Some(thread), id: String::new() };
        it.id = it.run(|| {
            unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).unwrap();
            let none = None::<&Path>;
            mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_SLAVE, none).unwrap();
            mount(Some("sysfs"), "/sys", Some("sysfs"), MsFlags::empty(), none).unwrap();
            std::fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1").ok();
            std::fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1").ok();
            nix::unistd::gettid().to_string()
        });
        it.ip("link set lo up");
        it
    }

    /// Two, joined by a veth pair `veth0` in each: 10.77.0.1/24 here, .2 there.
    pub fn pair() -> (Self, Self) {
        let (a, b) = (Self::new(), Self::new());
        a.ip(&format!("link add veth0 type veth peer name veth0 netns {}", b.id));
        for (namespace, n) in [(&a, 1), (&b, 2)] {
            namespace.ip(&format!("addr add 10.77.0.{n}/24 dev veth0"));
            namespace.ip("link set veth0 up");
        }
        (a, b)
    }

    /// Does it inside.
    pub fn run<T: Send + 'static>(&self, what: impl FnOnce() -> T + Send + 'static) -> T {
        let (tell, told) = channel();
        let job = Box::new(move || tell.send(what()).unwrap());
        self.jobs.as_ref().unwrap().send(job).unwrap();
        told.recv().expect("the thread of the namespace panicked")
    }

    /// `ip words`, inside.
    pub fn ip(&self, words: &str) {
        self.batch(vec![words.to_owned()]);
    }

    /// Each line as by `ip`, inside, by one process.
    pub fn batch(&self, lines: Vec<String>) {
        self.run(move || {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(&file, lines.join("\n") + "\n").unwrap();
            let out = Command::new("ip").arg("-batch").arg(file.path()).output().expect("iproute2");
            assert!(out.status.success(), "ip {lines:?}: {}", String::from_utf8_lossy(&out.stderr));
        });
    }

    /// What /sys says of a counter.
    pub fn counter(&self, interface: &str, name: &str) -> u64 {
        let path = format!("/sys/class/net/{interface}/statistics/{name}");
        self.run(move || std::fs::read_to_string(&path).unwrap().trim().parse().unwrap())
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.jobs.take());
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || matches!(ended, Some(Ok(()))));
    }
}
