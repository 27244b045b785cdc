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
    /// Captures everything in a network namespace, as its options say.
    pub fn inside(namespace: &str, options: &[&str]) -> Self {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", namespace, "tcpdump"]);
        // Standard output rather than a file: that is read until the last packet is there.
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

    /// Everything captured up to the last datagram, which somebody has sent.
    pub fn until_last(mut self) -> Vec<u8> {
        let mut file = Vec::new();
        let mut buffer = vec![0; 1 << 16];
        let end = loop {
            let read = self.out.read(&mut buffer).expect("readable");
            assert_ne!(read, 0, "tcpdump ended too early");
            // It may lie across two readings.
            let from = file.len().saturating_sub(LAST.len());
            file.extend_from_slice(&buffer[..read]);
            if let Some(at) = file[from..].windows(LAST.len()).position(|window| window == LAST) {
                break from + at + LAST.len();
            }
        };
        let pid = nix::unistd::Pid::from_raw(self.child.id().cast_signed());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).expect("told to end");
        self.out.read_to_end(&mut Vec::new()).expect("readable");
        // A frame ends with its payload. An answer to it may follow.
        file.truncate(end);
        self.child.wait().expect("ended");
        let mut said = String::new();
        self.err.read_to_string(&mut said).expect("text");
        assert!(said.contains("\n0 packets dropped by kernel"), "{said}");
        file
    }
}

/// The last datagram, from a thread of the namespace.
pub fn send_last(to: IpAddr) {
    let socket = UdpSocket::bind(("0.0.0.0", 0)).expect("a socket");
    socket.send_to(LAST, (to, 9)).expect("sent");
}
