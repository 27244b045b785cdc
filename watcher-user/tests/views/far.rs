//! A peer that is not this host: the other end of a veth pair, in another network namespace.

use std::{
    ffi::OsStr,
    fs::File,
    io::Read as _,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU8, Ordering},
};

use nix::sched::{CloneFlags, setns};

/// Two network namespaces, and who listens in one of them, at an address that no other of the tests beside it has: a
/// daemon sees what is sent in all of them.
pub struct Far {
    /// Their names: this end's, and the other's.
    pub near: String,
    pub far: String,
    listener: TcpListener,
}

impl Far {
    pub fn new() -> Self {
        static NEXT: AtomicU8 = AtomicU8::new(0);
        let which = NEXT.fetch_add(1, Ordering::Relaxed);
        let names = ["near", "far"].map(|end| format!("views-{end}-{}-{which}", std::process::id()));
        for name in &names {
            ip(&format!("netns add {name}"));
        }
        let [near, far] = names;
        ip(&format!("-n {near} link add veth0 type veth peer name veth0 netns {far}"));
        for (name, n) in [(&near, 1), (&far, 2)] {
            ip(&format!("-n {name} addr add 10.78.{which}.{n}/24 dev veth0"));
            ip(&format!("-n {name} link set veth0 up"));
        }
        let listen = {
            let path = format!("/run/netns/{far}");
            // Only this thread goes there; its socket stays.
            std::thread::spawn(move || {
                setns(File::open(path).expect("a namespace"), CloneFlags::CLONE_NEWNET).expect("setns");
                TcpListener::bind((Ipv4Addr::new(10, 78, which, 2), 0)).expect("a port")
            })
        };
        Self { near, far, listener: listen.join().expect("no panic") }
    }

    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("an address")
    }

    /// The next connection.
    pub fn accept(&self) -> TcpStream {
        self.listener.accept().expect("a connection").0
    }

    /// A process here sends so many bytes there, all of which have arrived, and keeps its connection open.
    pub fn send(&self, bytes: u64) -> Sender {
        self.send_by_bash(Path::new("bash"), bytes)
    }

    /// The same by a bash of another name.
    pub fn send_by_bash(&self, bash: &Path, bytes: u64) -> Sender {
        let (to, port) = (self.address().ip(), self.address().port());
        let script = format!("exec 3<>/dev/tcp/{to}/{port}; printf '%*s' {bytes} x >&3; read -r line");
        self.send_by(&[&bash.to_string_lossy(), "-c", &script], bytes)
    }

    /// The same by a program of the caller's, which ends when it has read a line.
    pub fn send_by(&self, words: &[impl AsRef<OsStr>], bytes: u64) -> Sender {
        let child = Command::new("ip")
            .args(["netns", "exec", &self.near])
            .args(words)
            .stdin(Stdio::piped())
            .spawn()
            .expect("ip starts");
        let mut stream = self.accept();
        let taken = std::io::copy(&mut (&mut stream).take(bytes), &mut std::io::sink()).expect("bytes");
        assert_eq!(taken, bytes);
        Sender { child, stream }
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        for name in [&self.near, &self.far] {
            Command::new("ip").args(["netns", "del", name]).status().ok();
        }
    }
}

/// Who sent, and where it arrived.
pub struct Sender {
    child: Child,
    stream: TcpStream,
}

impl Sender {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it and its connection, in good order; which process it was.
    pub fn end(mut self) -> u32 {
        drop(self.child.stdin.take());
        self.child.wait().expect("bash ends");
        // Its FIN has come by then, and ours goes back.
        assert_eq!(self.stream.read(&mut [0; 1]).expect("the end"), 0);
        self.child.id()
    }
}

fn ip(words: &str) {
    let out = Command::new("ip").args(words.split_whitespace()).output();
    let out = out.expect("iproute2: `cargo xtask setup` installs it");
    assert!(out.status.success(), "ip {words}: {}", String::from_utf8_lossy(&out.stderr));
}
