//! What is not looked at.

use std::{
    collections::HashSet,
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
};

use anyhow::{Context as _, Result, ensure};
use aya::maps::{Map, MapData, MapInfo, SkStorage};
use rustls::{ClientConnection, ServerConnection, StreamOwned};
use watcher_common::{SocketRecord, bound, looked};

use super::Case;
use crate::{
    certificate::Certificate,
    row::Known,
    scene::{SERVER, Scene},
    serving::{Server, request},
    watcher::Watcher,
};

pub const CASES: &[Case] = &[
    Case::new("without_passive_names_nothing_is_attached_and_nothing_known", silent),
    Case::new("of_a_long_stream_only_the_beginning_is_copied", stream).alone(),
    Case::new("of_a_long_stream_in_tls_only_the_handshake_is_copied", tls).alone(),
];

/// The programs that look, as the kernel cuts their names.
const LOOKING: [&str; 2] = ["watcher_head_se", "watcher_head_re"];

/// Numbers behind a key in the descriptors that a process has open (Documentation/filesystems/proc.rst, 3.8).
fn ids(pid: u32, key: &str) -> Result<HashSet<u32>> {
    let mut found = HashSet::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fdinfo"))?.flatten() {
        // One may be closed meanwhile.
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        let values =
            text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix(':')?.trim().parse::<u32>().ok());
        found.extend(values);
    }
    Ok(found)
}

/// Which of the programs that look are loaded or attached by a watcher.
fn looking(watcher: &Watcher) -> Result<Vec<&'static str>> {
    let ids = ids(watcher.pid(), "prog_id")?;
    ensure!(!ids.is_empty(), "watcher holds no program at all");
    let names: HashSet<String> = aya::programs::loaded_programs()
        .flatten()
        .filter(|program| ids.contains(&program.id()))
        .filter_map(|program| program.name_as_str().map(str::to_owned))
        .collect();
    Ok(LOOKING.into_iter().filter(|name| names.contains(*name)).collect())
}

fn silent(scene: &mut Scene<'_>) -> Result<()> {
    assert_eq!(looking(scene.watcher())?, LOOKING);
    let silent = Watcher::start(&["--no-passive"])?;
    assert_eq!(looking(&silent)?, [""; 0]);
    {
        let scene = Scene::new(&silent)?;
        let server = Server::start(&scene.there, format!("{SERVER}:0").parse()?, |mut stream| {
            request(&stream)?;
            Ok(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")?)
        })?;
        let (name, port) = (scene.domain("silent"), server.port()?);
        let (url, place) = (format!("http://{name}:{port}/"), format!("{name}:{port}:{SERVER}"));
        let says = "\n%{size_request} %{size_header} %{size_download}";
        let (pid, said) = scene.client(&["curl", "-sS", "-w", says, "--resolve", &place, &url])?;
        let sizes = said.lines().last().context("curl says nothing")?.split(' ').map(str::parse);
        let sizes: Vec<u64> = sizes.collect::<Result<_, _>>()?;
        let (asked, served) = (scene.row_of(pid, port)?, scene.served_on(port)?);
        assert_eq!((asked.known(), served.known()), (Known::default(), Known::default()));
        assert_eq!((asked.tx_bytes, asked.rx_bytes), (sizes[0], sizes[1] + sizes[2]));
        assert_eq!((served.rx_bytes, served.tx_bytes), (asked.tx_bytes, asked.rx_bytes));
    }
    silent.stop()
}

const MUCH: usize = 16 << 20;

/// What the programs keep of every socket.
struct Sockets(SkStorage<MapData, SocketRecord>);

impl Sockets {
    fn of(watcher: &Watcher) -> Result<Self> {
        for id in ids(watcher.pid(), "map_id")? {
            if MapInfo::from_id(id)?.name_as_str() == Some("SOCKETS") {
                return Ok(Self(Map::from_map_data(MapData::from_id(id)?)?.try_into()?));
            }
        }
        anyhow::bail!("watcher holds no map of sockets")
    }

    /// What was copied of a socket of this process: bytes that were sent, received, and whether each is looked at no more.
    fn copied(&self, socket: &TcpStream) -> Result<([u16; 2], [bool; 2])> {
        let record = self.0.get(socket, 0).context("nothing is kept of this socket")?;
        let done = [looked::SENT, looked::RECEIVED].map(|bit| record.heads & bit != 0);
        Ok((record.copied.bytes, done))
    }
}

/// A client and a server of this process.
fn pair(scene: &Scene<'_>) -> Result<(TcpStream, TcpStream)> {
    let listener = scene.there.within(|| Ok(TcpListener::bind((SERVER, 0))?))?;
    let at = listener.local_addr()?;
    let client = scene.here.within(|| Ok(TcpStream::connect(at)?))?;
    Ok((client, listener.accept()?.0))
}

/// Moves so much from one to the other.
fn move_much(mut from: impl Write + Send, mut to: impl Read) -> Result<()> {
    std::thread::scope(|scope| {
        let sending = scope.spawn(move || -> Result<()> {
            let block = [0; 1 << 16];
            for _ in 0..MUCH / block.len() {
                from.write_all(&block)?;
            }
            Ok(from.flush()?)
        });
        let got = std::io::copy(&mut to.by_ref().take(MUCH as u64), &mut std::io::sink())?;
        ensure!(got == MUCH as u64, "only {got} bytes came");
        sending.join().ok().context("the sender panicked")?
    })
}

fn stream(scene: &mut Scene<'_>) -> Result<()> {
    let sockets = Sockets::of(scene.watcher())?;
    let (client, server) = pair(scene)?;
    move_much(&client, &server)?;
    let ((sent, client), (received, server)) = (sockets.copied(&client)?, sockets.copied(&server)?);
    assert_eq!((sent, received), ([bound::STREAM, 0], [0, bound::STREAM]));
    // The other direction depends on how many acknowledgements went by.
    assert!(client[0] && server[1], "still looking");
    Ok(())
}

fn tls(scene: &mut Scene<'_>) -> Result<()> {
    let sockets = Sockets::of(scene.watcher())?;
    let name = scene.domain("long");
    let certificate = Certificate::of(scene, std::slice::from_ref(&name))?;
    let (client, server) = pair(scene)?;
    let (at_client, at_server) = (client.try_clone()?, server.try_clone()?);
    let config = certificate.client(rustls::ALL_VERSIONS, &[])?;
    let client = StreamOwned::new(ClientConnection::new(Arc::new(config), name.try_into()?)?, client);
    let server = StreamOwned::new(ServerConnection::new(Arc::new(certificate.server(&[])?))?, server);
    move_much(client, server)?;
    for (socket, bulk) in [(&at_client, 0), (&at_server, 1)] {
        let (bytes, done) = sockets.copied(socket)?;
        assert!(done[bulk], "still looking: {bytes:?}");
        assert!(bytes.iter().all(|copied| *copied <= bound::HANDSHAKE), "{bytes:?}");
        // Some of both sides' handshakes.
        assert!(bytes.iter().all(|copied| *copied > 0), "{bytes:?}");
    }
    Ok(())
}
