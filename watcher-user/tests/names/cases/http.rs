//! HTTP/1, and tunnels through a proxy.

use std::{io::Write as _, net::SocketAddr};

use anyhow::{Result, ensure};

use super::{Case, tls::server as tls_server};
use crate::{
    certificate::Certificate,
    program::Program,
    row::{Known, Row, Tls},
    scene::{SERVER, Scene},
    serving::{Server, proxy, request},
};

pub const CASES: &[Case] = &[
    Case::new("an_http_host_names_both_ends_and_every_byte_counts", |scene| plain(scene, SERVER)),
    Case::new("an_http_host_names_both_ends_where_the_server_listens_on_everything", |scene| plain(scene, "[::]")),
    Case::new("of_many_connections_at_once_each_has_its_name", many),
    Case::new("the_hello_in_a_tunnel_is_stronger_than_the_host_that_the_proxy_was_asked_for", tunnel),
    Case::new("without_a_name_in_the_hello_it_is_the_host_that_the_proxy_was_asked_for", nameless_tunnel),
];

const BODY: &[u8] = &[b'w'; 123_456];

fn plain(scene: &Scene<'_>, listen: &str) -> Result<()> {
    let server = Server::start(&scene.there, format!("{listen}:0").parse()?, |mut stream| {
        request(&stream)?;
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", BODY.len())?;
        Ok(stream.write_all(BODY)?)
    })?;
    let (name, port) = (scene.domain("plain"), server.port()?);
    let (url, place) = (format!("http://{name}:{port}/"), format!("{name}:{port}:{SERVER}"));
    let says = "%{size_request} %{size_header} %{size_download}";
    let (pid, said) = scene.client(&["curl", "-sS", "-o", "/dev/null", "-w", says, "--resolve", &place, &url])?;
    let sizes: Vec<u64> = said.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    ensure!(sizes.len() == 3 && sizes[2] == BODY.len() as u64, "curl says {said}");
    let asked = scene.row_of(pid, port)?;
    assert_eq!(asked.known(), Known::asked(&name, "http").speaks("HTTP"));
    assert_eq!((asked.tx_bytes, asked.rx_bytes), (sizes[0], sizes[1] + sizes[2]));
    let served = scene.served_on(port)?;
    assert_eq!(served.known(), Known::served(&name).speaks("HTTP"));
    assert_eq!((served.rx_bytes, served.tx_bytes), (asked.tx_bytes, asked.rx_bytes));
    Ok(())
}

fn many(scene: &mut Scene<'_>) -> Result<()> {
    const MANY: usize = 300;
    let server = Server::start(&scene.there, format!("{SERVER}:0").parse()?, |mut stream| {
        request(&stream)?;
        Ok(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")?)
    })?;
    let port = server.port()?;
    let names: Vec<String> = (0..MANY).map(|n| scene.domain(&format!("n{n:03}"))).collect();
    let instead = format!("::{SERVER}:{port}");
    let urls: Vec<String> = names.iter().map(|name| format!("http://{name}/")).collect();
    let words =
        ["curl", "-sS", "--parallel", "--parallel-immediate", "--parallel-max", "300", "--connect-to", &instead];
    let words: Vec<&str> = words.into_iter().chain(urls.iter().map(String::as_str)).collect();
    let (pid, said) = scene.client(&words)?;
    // Its progress is in there too.
    assert_eq!(said.matches("ok").count(), MANY);
    let sorted = |rows: &[Row], known: fn(&Row) -> Option<String>| {
        let mut names: Vec<_> = rows.iter().filter_map(known).collect();
        names.sort();
        names
    };
    assert_eq!(sorted(&scene.rows_of(pid, port)?, |row| row.remote_name.clone()), names);
    assert_eq!(sorted(&scene.all_served_on(port, MANY)?, |row| row.served_name.clone()), names);
    Ok(())
}

/// An origin and a proxy before it; what a client that gets `words` of the proxy's address is known for at the proxy.
fn through_proxy(
    scene: &Scene<'_>,
    certificate: &Certificate,
    words: impl Fn(&str) -> Vec<String>,
) -> Result<(Known, Known)> {
    const ORIGIN: u16 = 4433;
    let _origin = tls_server(scene, certificate, SERVER, ORIGIN, &["-www"])?;
    let origin: SocketAddr = format!("{SERVER}:{ORIGIN}").parse()?;
    let there = scene.there.door()?;
    let proxy =
        Server::start(&scene.there, format!("{SERVER}:0").parse()?, move |client| proxy(&there, &client, origin))?;
    let port = proxy.port()?;
    let words = words(&format!("{SERVER}:{port}"));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut client = Program::start(&scene.here, &words)?;
    client.finish()?;
    scene.has_ended(&client)?;
    Ok((scene.row_of(client.pid(), port)?.known(), scene.served_on(port)?.known()))
}

fn tunnel(scene: &mut Scene<'_>) -> Result<()> {
    let name = scene.domain("inside");
    let certificate = Certificate::of(scene, std::slice::from_ref(&name))?;
    let outside = scene.domain("outside");
    let (asked, served) = through_proxy(scene, &certificate, |proxy| {
        let authority = certificate.authority.display();
        let instead = format!("{name}:443:{outside}:443");
        ["curl", "-sS", "-o", "/dev/null", "-x", &format!("http://{proxy}"), "--connect-to", &instead, "--cacert"]
            .map(str::to_owned)
            .into_iter()
            .chain([authority.to_string(), format!("https://{name}/")])
            .collect()
    })?;
    let tls = Tls::new("TLS 1.3", "TLS 1.3", &["h2", "http/1.1"]);
    assert_eq!(asked, Known::asked(&name, "sni").speaks("HTTPS").tls(&tls));
    assert_eq!(served, Known::served(&name).speaks("HTTPS").tls(&tls));
    Ok(())
}

fn nameless_tunnel(scene: &mut Scene<'_>) -> Result<()> {
    let name = scene.domain("outside");
    let certificate = Certificate::of(scene, std::slice::from_ref(&name))?;
    let (asked, served) = through_proxy(scene, &certificate, |proxy| {
        let words = ["openssl", "s_client", "-noservername", "-proxy", proxy, "-connect"].map(str::to_owned);
        words.into_iter().chain([format!("{name}:443")]).collect()
    })?;
    let tls = Tls::new("TLS 1.3", "TLS 1.3", &[]);
    assert_eq!(asked, Known::asked(&name, "http").speaks("TLS").tls(&tls));
    assert_eq!(served, Known::served(&name).speaks("TLS").tls(&tls));
    Ok(())
}
