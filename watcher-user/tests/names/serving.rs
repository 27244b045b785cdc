//! Small servers in threads of the test.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _, copy},
    net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream},
    os::fd::AsRawFd as _,
    thread::JoinHandle,
};

use anyhow::{Context as _, Result};
use nix::sys::socket::{Backlog, Shutdown as Both, listen, shutdown};

use crate::place::{Door, Place};

/// Serves connections one after the other until it is dropped.
pub struct Server {
    listener: TcpListener,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// One at the address, on a port of its own if that is 0.
    pub fn start(
        place: &Place,
        address: SocketAddr,
        serve: impl Fn(TcpStream) -> Result<()> + Send + 'static,
    ) -> Result<Self> {
        let listener = place.within(|| TcpListener::bind(address).with_context(|| address.to_string()))?;
        // A connection that finds no room in the backlog is made by its first data, which the kernel shows to the listener.
        listen(&listener, Backlog::new(1024)?)?;
        let accepting = listener.try_clone()?;
        let thread = std::thread::spawn(move || {
            for stream in accepting.incoming().map_while(Result::ok) {
                if let Err(e) = serve(stream) {
                    eprintln!("a server in the test: {e:#}");
                }
            }
        });
        Ok(Self { listener, thread: Some(thread) })
    }

    /// One that says hello and waits for the end.
    pub fn greets(place: &Place, address: IpAddr) -> Result<Self> {
        Self::start(place, SocketAddr::new(address, 0), |mut stream| {
            stream.write_all(b"hello\n")?;
            stream.read_to_end(&mut Vec::new())?;
            Ok(())
        })
    }

    /// Where it listens.
    pub fn port(&self) -> Result<u16> {
        Ok(self.listener.local_addr()?.port())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Linux lets a listener's accept end so.
        shutdown(self.listener.as_raw_fd(), Both::Both).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// The head of an HTTP/1 request, up to its empty line.
pub fn request(stream: &TcpStream) -> Result<String> {
    let mut head = String::new();
    let mut reader = BufReader::with_capacity(1, stream);
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            break;
        }
    }
    Ok(head)
}

/// An HTTP proxy for CONNECT, whose way leads to `origin` whatever it was asked for.
pub fn proxy(place: &Door, client: &TcpStream, origin: SocketAddr) -> Result<()> {
    let head = request(client)?;
    anyhow::ensure!(head.starts_with("CONNECT "), "a proxy was asked: {head}");
    let origin = place.within(|| Ok(TcpStream::connect(origin)?))?;
    let mut answer = client;
    answer.write_all(b"HTTP/1.1 200 Go ahead\r\n\r\n")?;
    std::thread::scope(|scope| {
        scope.spawn(|| pass(client, &origin));
        pass(&origin, client);
    });
    Ok(())
}

fn pass(mut from: &TcpStream, mut to: &TcpStream) {
    copy(&mut from, &mut to).ok();
    to.shutdown(Shutdown::Write).ok();
}
