//! tcpdump, from when it listens to when it has seen the last packet.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{IpAddr, UdpSocket};
use std::process::{Child, ChildStdout, Command, Stdio};

/// What the last packet carries.
const LAST: &[u8] = b"nothing comes after this datagram";

/// A capture under way.
pub struct Tcpdump {
    child: Child,
    out: ChildStdout,
    err: BufReader<std::process::ChildStderr>,
}

impl Tcpdump {
    /// Captures everything, as its options say.
    pub fn start(options: &[&str]) -> Self {
        Self::of(Command::new("tcpdump"), options)
    }

    /// The same in a network namespace.
    pub fn inside(namespace: &str, options: &[&str]) -> Self {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", namespace, "tcpdump"]);
        Self::of(command, options)
    }

    fn of(mut command: Command, options: &[&str]) -> Self {
        // Standard output rather than a file: that is read until the last packet is there. What others do on loopback
        // meanwhile is in it too.
        command.args(["-U", "-n", "-B", "65536", "--immediate-mode", "-w", "-"]).args(options);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("tcpdump runs");
        let out = child.stdout.take().expect("a pipe");
        let mut err = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut said = String::new();
        while !said.contains("listening on") {
            assert_ne!(err.read_line(&mut said).expect("text"), 0, "tcpdump ended: {said}");
        }
        Self { child, out, err }
    }

    /// Sends the last datagram from an address of this namespace and waits for it; everything captured.
    pub fn end(self, last_to: IpAddr) -> Vec<u8> {
        let socket = UdpSocket::bind((last_to, 0)).expect("a socket");
        socket.send_to(LAST, socket.local_addr().expect("an address")).expect("sent");
        self.until_last()
    }

    /// Everything captured up to the last datagram, which somebody has sent.
    pub fn until_last(mut self) -> Vec<u8> {
        let mut file = Vec::new();
        let mut buffer = vec![0; 1 << 16];
        while !file.windows(LAST.len()).rev().take(2 * buffer.len()).any(|window| window == LAST) {
            let read = self.out.read(&mut buffer).expect("readable");
            assert_ne!(read, 0, "tcpdump ended too early");
            file.extend_from_slice(&buffer[..read]);
        }
        let pid = nix::unistd::Pid::from_raw(self.child.id().cast_signed());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).expect("told to end");
        self.out.read_to_end(&mut file).expect("readable");
        self.child.wait().expect("ended");
        let mut said = String::new();
        self.err.read_to_string(&mut said).expect("text");
        assert!(said.contains("\n0 packets dropped by kernel"), "{said}");
        file
    }
}

/// The last datagram, to `to`.
pub fn send_last(to: IpAddr) {
    UdpSocket::bind((if to.is_ipv4() { "0.0.0.0" } else { "::" }, 0))
        .and_then(|socket| socket.send_to(LAST, (to, 9)))
        .expect("sent");
}
