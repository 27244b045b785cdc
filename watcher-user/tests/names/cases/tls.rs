//! curl and openssl shake hands.

use anyhow::Result;

use super::Case;
use crate::{
    certificate::{Certificate, ISSUER},
    program::Program,
    row::{Known, Tls},
    scene::{SERVER, Scene},
};

pub const CASES: &[Case] = &[
    Case::new("a_tls_1_3_hello_names_both_ends", |scene| curl(scene, SERVER, 443, &["--tlsv1.3"], &newest())),
    Case::new("a_tls_1_3_hello_on_an_odd_port_names_both_ends", |scene| {
        curl(scene, SERVER, 22, &["--tlsv1.3"], &newest())
    }),
    Case::new("a_tls_1_2_handshake_tells_what_was_chosen_and_who_vouches", |scene| {
        curl(scene, SERVER, 443, &["--tls-max", "1.2"], &older())
    }),
    Case::new("a_tls_1_2_handshake_on_an_odd_port_over_ipv6_tells_the_same", |scene| {
        curl(scene, "[fd77::2]", 40_123, &["--tls-max", "1.2"], &older())
    }),
];

/// The rest of the handshake is encrypted.
fn newest() -> Tls {
    Tls::new("TLS 1.3", "TLS 1.3", &["h2", "http/1.1"])
}

fn older() -> Tls {
    Tls {
        alpn_chosen: Some("http/1.1".to_owned()),
        issuer: Some(ISSUER.to_owned()),
        ..Tls::new("TLS 1.2", "TLS 1.2", &["h2", "http/1.1"])
    }
}

/// Starts `openssl s_server` and waits until it listens.
pub fn server(
    scene: &Scene<'_>,
    certificate: &Certificate,
    address: &str,
    port: u16,
    more: &[&str],
) -> Result<Program> {
    let at = format!("{address}:{port}");
    let (chain, key) = (certificate.chain.display().to_string(), certificate.key.display().to_string());
    let words = ["openssl", "s_server", "-accept", &at, "-cert", &chain, "-key", &key, "-alpn", "http/1.1"];
    let mut server = Program::start(&scene.there, &[&words, more].concat())?;
    server.wait_for("ACCEPT")?;
    Ok(server)
}

fn curl(scene: &Scene<'_>, address: &str, port: u16, how: &[&str], tls: &Tls) -> Result<()> {
    let name = scene.domain("www");
    let certificate = Certificate::of(scene, std::slice::from_ref(&name))?;
    let server = server(scene, &certificate, address, port, &["-www"])?;
    let (url, place) = (format!("https://{name}:{port}/"), format!("{name}:{port}:{address}"));
    let authority = certificate.authority.display().to_string();
    let words = ["curl", "-sS", "-o", "/dev/null", "--resolve", &place, "--cacert", &authority, &url];
    let (pid, _) = scene.client(&[&words, how].concat())?;
    assert_eq!(scene.row_of(pid, port)?.known(), Known::asked(&name, "sni").speaks("HTTPS").tls(tls));
    let served = scene.served_on(port)?;
    assert_eq!((served.pid, served.known()), (server.pid(), Known::served(&name).speaks("HTTPS").tls(tls)));
    Ok(())
}
