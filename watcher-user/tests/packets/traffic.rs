//! Sockets that move known numbers of bytes.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};

/// What one connection and one pair of datagram sockets moved.
#[derive(Debug, Clone, Copy)]
pub struct Moved {
    /// The one that connected.
    pub client: SocketAddr,
    /// The one that accepted.
    pub server: SocketAddr,
    /// From client to server.
    pub there: u64,
    /// Back.
    pub back: u64,
}

/// A connection between two addresses of this namespace: opened, used both ways and closed in good order by the client.
pub fn connection(at: IpAddr, there: usize, back: usize) -> Moved {
    let listener = TcpListener::bind((at, 0)).expect("a listener");
    let server = listener.local_addr().expect("its address");
    let serving = std::thread::spawn(move || serve(&listener, there, back));
    let client = connect(server, there, back);
    serving.join().expect("the server ends");
    Moved { client, server, there: there as u64, back: back as u64 }
}

/// Accepts one connection, and returns when its peer has closed it.
pub fn serve(listener: &TcpListener, there: usize, back: usize) {
    let (mut end, _) = listener.accept().expect("a connection");
    let mut bytes = vec![0; there];
    end.read_exact(&mut bytes).expect("all of it");
    end.write_all(&pattern(back)).expect("an answer");
    assert_eq!(end.read(&mut [0; 1]).expect("the end"), 0);
}

/// The other end of [`serve`]; its address.
pub fn connect(server: SocketAddr, there: usize, back: usize) -> SocketAddr {
    let mut end = TcpStream::connect(server).expect("a connection");
    end.write_all(&pattern(there)).expect("all of it");
    let mut bytes = vec![0; back];
    end.read_exact(&mut bytes).expect("an answer");
    let address = end.local_addr().expect("an address");
    end.shutdown(Shutdown::Write).expect("a FIN");
    assert_eq!(end.read(&mut [0; 1]).expect("the server's FIN"), 0);
    address
}

/// Datagrams of these sizes, each answered by one of half its size.
pub fn datagrams(at: IpAddr, sizes: &[usize]) -> Moved {
    let (a, b) = (UdpSocket::bind((at, 0)).expect("a socket"), UdpSocket::bind((at, 0)).expect("a socket"));
    let (client, server) = (a.local_addr().expect("an address"), b.local_addr().expect("an address"));
    let mut moved = Moved { client, server, there: 0, back: 0 };
    let mut buffer = vec![0; 65_536];
    for size in sizes {
        moved.there += a.send_to(&pattern(*size), server).expect("sent") as u64;
        b.recv_from(&mut buffer).expect("received");
        moved.back += b.send_to(&pattern(size / 2), client).expect("sent") as u64;
        a.recv_from(&mut buffer).expect("received");
    }
    moved
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i * 31 % 251) as u8).collect()
}
