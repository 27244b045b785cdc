//! Processes whose every word is meant for a terminal, a spreadsheet or a page, and what they send.

use std::{
    ffi::{CString, OsStr, OsString},
    io::{Read as _, Write as _},
    net::{TcpStream, UdpSocket},
    os::unix::ffi::OsStrExt as _,
};

use nix::sys::prctl;

pub const ROLE: &str = "hostile";

/// A sequence that watcher itself never writes.
pub const CSI: &str = "\u{1b}[777m";

/// Names, without NUL and `/`: files go by them.
pub fn words() -> Vec<OsString> {
    let long = format!("{CSI}{}", "x".repeat(200));
    let text = [
        "\u{1b}]0;title\u{7}",
        "\u{1b}]52;c;aGk=\u{7}",
        "\u{1b}]8;;http:x\u{1b}\\link",
        CSI,
        "\u{9b}777m",
        "gpj\u{202e}exe.txt",
        "a\u{200b}\u{e0041}b",
        "=cmd|' _C calc'!A0",
        "+1+1",
        "-2+3",
        "@SUM(1)",
        "＝1+1",
        "\"><_script><b>\"",
        "two\nlines\r\t,;\"x",
        "\u{7f}\u{8}\u{8}del",
        &long,
    ];
    let mut words: Vec<OsString> = text.map(OsString::from).into();
    words.push(OsStr::from_bytes(b"\x9b2J\xff\xfe raw").to_owned());
    words
}

/// Takes on a name, says it to the peer in one of four protocols, and ends when it has read a line.
pub fn play(number: &str, peer: &str) {
    let number: usize = number.parse().expect("a number");
    let word = words().swap_remove(number);
    let name: Vec<u8> = word.as_bytes().iter().copied().take(15).collect();
    prctl::set_name(&CString::new(name).expect("no NUL")).expect("a name");
    let head = head(number, word.as_bytes());
    ask_dns(peer, number, word.as_bytes());
    let mut stream = TcpStream::connect(peer).expect("a connection");
    stream.write_all(&head).expect("bytes");
    std::io::stdin().read_exact(&mut [0; 1]).ok();
}

/// What the process sends by TCP.
pub fn head(number: usize, word: &[u8]) -> Vec<u8> {
    match number % 3 {
        0 => [b"GET / HTTP/1.1\r\nHost: ", word, b"\r\nUser-Agent: ", word, b"\r\n\r\n"].concat(),
        1 => hello(word),
        _ => [b"SSH-2.0-", word, b"\r\n"].concat(),
    }
}

/// A TLS ClientHello with that server name (RFC 8446, 4.1.2; RFC 6066, 3).
fn hello(name: &[u8]) -> Vec<u8> {
    let with_length = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat();
    let entry = [&[0][..], &with_length(name)].concat();
    let extension = [&[0, 0][..], &with_length(&with_length(&entry))].concat();
    let body = [&[3, 3][..], &[7; 32], &[0], &with_length(&[0x13, 0x01]), &[1, 0], &with_length(&extension)].concat();
    let length = (body.len() as u32).to_be_bytes();
    let message = [&[1][..], &length[1..], &body].concat();
    [&[22, 3, 1][..], &with_length(&message)].concat()
}

/// A question whose label is the word; whoever is asked answers with the peer's address.
fn ask_dns(peer: &str, number: usize, word: &[u8]) {
    let label = &word[..word.len().min(63)];
    let name = [&[label.len() as u8][..], label, b"\x04evil\x04test\0"].concat();
    let question = [&(number as u16).to_be_bytes()[..], &[1, 0, 0, 1, 0, 0, 0, 0, 0, 0], &name, &[0, 1, 0, 1]].concat();
    let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
    let host = peer.rsplit_once(':').expect("an address").0;
    socket.connect(format!("{host}:53")).expect("a resolver");
    socket.send(&question).expect("a question");
    assert!(socket.recv(&mut [0; 512]).expect("an answer") > question.len());
}
