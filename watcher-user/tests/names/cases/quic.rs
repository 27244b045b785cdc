//! quinn as the client and as the server.

use std::{
    net::{Ipv6Addr, SocketAddr, UdpSocket},
    sync::Arc,
};

use anyhow::{Context as _, Result};
use quinn::{
    ClientConfig, Endpoint, EndpointConfig, ServerConfig, TokioRuntime,
    crypto::rustls::{QuicClientConfig, QuicServerConfig},
};
use tokio::runtime::{Builder, Runtime};

use super::Case;
use crate::{
    certificate::Certificate,
    row::{Known, Tls},
    scene::{SERVER, Scene},
};

pub const CASES: &[Case] = &[
    Case::new("a_quic_hello_names_both_ends", |scene| one(scene, 443, Socket::Unconnected, &["h3"])),
    Case::new("a_quic_hello_on_an_odd_port_names_both_ends", |scene| one(scene, 22, Socket::Unconnected, &["h3"])),
    Case::new("a_quic_hello_from_a_connected_socket_names_both_ends", |scene| {
        one(scene, 443, Socket::Connected, &["h3"])
    }),
    Case::new("a_quic_hello_to_a_server_on_everything_names_both_ends", |scene| one(scene, 443, Socket::Dual, &["h3"])),
    Case::new("a_quic_hello_over_several_datagrams_is_read", |scene| {
        let long: Vec<String> = (0..150).map(|n| format!("a-protocol-{n:03}")).collect();
        let alpn: Vec<&str> = std::iter::once("h3").chain(long.iter().map(String::as_str)).collect();
        one(scene, 443, Socket::Unconnected, &alpn)
    }),
    Case::new("two_quic_connections_from_one_socket_have_each_its_name", two),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Socket {
    Connected,
    Unconnected,
    /// The server's is one of IPv6 that takes IPv4 too.
    Dual,
}

fn runtime() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

fn server(scene: &Scene<'_>, certificate: &Certificate, at: SocketAddr) -> Result<Endpoint> {
    let config = QuicServerConfig::try_from(certificate.server(&["h3"])?)?;
    let config = ServerConfig::with_crypto(Arc::new(config));
    let socket = scene.there.within(|| Ok(UdpSocket::bind(at)?))?;
    Ok(Endpoint::new(EndpointConfig::default(), Some(config), socket, Arc::new(TokioRuntime))?)
}

fn client(certificate: &Certificate, socket: UdpSocket, alpn: &[&str]) -> Result<Endpoint> {
    let tls = certificate.client(&[&rustls::version::TLS13], alpn)?;
    let mut client = Endpoint::new(EndpointConfig::default(), None, socket, Arc::new(TokioRuntime))?;
    client.set_default_client_config(ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?)));
    Ok(client)
}

/// Shakes hands, and hangs up.
async fn meet(client: &Endpoint, server: &Endpoint, at: SocketAddr, name: &str) -> Result<()> {
    let calling = client.connect(at, name)?;
    let serving = async { anyhow::Ok(server.accept().await.context("no client")?.await?) };
    let (called, served) = tokio::join!(calling, serving);
    called?.close(0u32.into(), b"");
    served?.closed().await;
    Ok(())
}

/// What both ends show.
fn handshake(alpn: &[&str]) -> Tls {
    Tls::new("TLS 1.3", "TLS 1.3", &alpn[..alpn.len().min(8)])
}

fn one(scene: &Scene<'_>, port: u16, how: Socket, alpn: &[&str]) -> Result<()> {
    let name = scene.domain("quic");
    let certificate = Certificate::of(scene, std::slice::from_ref(&name))?;
    let at = SocketAddr::new(SERVER.parse()?, port);
    let socket = scene.here.within(|| Ok(UdpSocket::bind("10.77.0.1:0")?))?;
    if how == Socket::Connected {
        socket.connect(at)?;
    }
    let from = socket.local_addr()?;
    runtime()?.block_on(async {
        let listen = if how == Socket::Dual { SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port) } else { at };
        let (client, server) = (client(&certificate, socket, alpn)?, server(scene, &certificate, listen)?);
        meet(&client, &server, at, &name).await
    })?;
    let (asked, served) = (Known::asked(&name, "quic"), Known::served(&name));
    let known = |known: Known| known.speaks("HTTP/3").tls(&handshake(alpn));
    assert_eq!(scene.own(&scene.here, from.port(), at)?.known(), known(asked));
    assert_eq!(scene.own(&scene.there, port, from)?.known(), known(served));
    Ok(())
}

fn two(scene: &mut Scene<'_>) -> Result<()> {
    let names = [scene.domain("one"), scene.domain("two")];
    let certificate = Certificate::of(scene, &names)?;
    let places = [SocketAddr::new(SERVER.parse()?, 443), SocketAddr::new(scene.address(1)?, 443)];
    let socket = scene.here.within(|| Ok(UdpSocket::bind("0.0.0.0:0")?))?;
    let port = socket.local_addr()?.port();
    runtime()?.block_on(async {
        let client = client(&certificate, socket, &["h3"])?;
        for (name, at) in names.iter().zip(places) {
            meet(&client, &server(scene, &certificate, at)?, at, name).await?;
        }
        anyhow::Ok(())
    })?;
    for (name, at) in names.iter().zip(places) {
        let known = Known::asked(name, "quic").speaks("HTTP/3").tls(&handshake(&["h3"]));
        assert_eq!(scene.own(&scene.here, port, at)?.known(), known, "{at}");
        let known = Known::served(name).speaks("HTTP/3").tls(&handshake(&["h3"]));
        let from = SocketAddr::new("10.77.0.1".parse()?, port);
        let served = scene.all_own(&scene.there, 443, from)?;
        let of_this: Vec<_> = served.iter().filter(|row| row.served_name.as_ref() == Some(name)).collect();
        assert_eq!(of_this.iter().map(|row| row.known()).collect::<Vec<_>>(), [known], "{served:#?}");
    }
    Ok(())
}
