//! A proxy that tunnels to one place, whatever it is asked for, and keeps what it was asked.

use std::net::SocketAddr;

use tokio::io::{AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::endpoint::{Head, read_head};

/// Listens until it is dropped.
pub struct Proxy {
    pub address: SocketAddr,
    asked: watch::Sender<Vec<Head>>,
    _serving: JoinSet<()>,
}

impl Proxy {
    pub async fn to(endpoint: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback can be listened on");
        let address = listener.local_addr().expect("a listener has an address");
        let asked = watch::Sender::default();
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, endpoint, asked.clone()));
        Self { address, asked, _serving: serving }
    }

    /// First lines and headers of what it was asked for.
    pub fn asked(&self) -> Vec<Head> {
        self.asked.borrow().clone()
    }
}

async fn serve(listener: TcpListener, endpoint: SocketAddr, asked: watch::Sender<Vec<Head>>) {
    let mut connections = JoinSet::new();
    while let Ok((mut client, _)) = listener.accept().await {
        let asked = asked.clone();
        connections.spawn(async move {
            let Ok(Some(head)) = read_head(&mut client).await else { return };
            asked.send_modify(|asked| asked.push(head));
            let mut server = TcpStream::connect(endpoint).await.expect("the endpoint listens");
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.expect("the client waits");
            // Ends when either side goes away.
            let _ = copy_bidirectional(&mut client, &mut server).await;
        });
    }
}
