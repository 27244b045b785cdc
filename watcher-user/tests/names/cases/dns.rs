//! dig and glibc ask dnsmasq and unbound; what is connected to then goes by the name that was asked for.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr},
};

use anyhow::{Result, ensure};
use nix::{sys::stat::Mode, unistd::mkfifo};

use super::{Case, tls::server as tls_server};
use crate::{
    certificate::Certificate,
    place::Place,
    program::Program,
    row::{Known, Tls},
    scene::{SERVER, Scene},
    serving::Server,
};

pub const CASES: &[Case] = &[
    Case::new("who_asked_a_resolver_on_loopback_has_the_name", |scene| dns(scene, "127.0.0.53", "")),
    Case::new("who_asked_a_resolver_on_the_network_has_the_name", |scene| dns(scene, SERVER, "")),
    Case::new("who_asked_over_tcp_has_the_name", |scene| dns(scene, SERVER, "options use-vc")),
    Case::new("who_asked_through_a_resolver_that_forwards_has_the_name", forwarded),
    Case::new("what_another_program_asked_for_is_the_machine_s", others),
    Case::new("what_the_flow_asks_for_is_stronger_than_what_dns_was_asked_for", stronger),
    Case::new("two_processes_that_know_an_address_by_two_names_see_each_its_own", two_names),
];

/// Starts dnsmasq, with these records.
fn dnsmasq(place: &Place, address: &str, records: &[String]) -> Result<Program> {
    let listen = format!("--listen-address={address}");
    let fixed = ["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-hosts", "--no-resolv", "--local-ttl=300"];
    let mut words = [&fixed[..], &["--pid-file=", "--bind-interfaces", &listen]].concat();
    words.extend(records.iter().map(String::as_str));
    let mut program = Program::start(place, &words)?;
    program.wait_for("started, version")?;
    Ok(program)
}

fn record(name: &str, address: IpAddr) -> String {
    format!("--host-record={name},{address}")
}

/// Starts dnsmasq where the clients are if that is where it shall listen, else where the servers are.
fn serve(scene: &Scene<'_>, address: &str, records: &[String]) -> Result<Program> {
    dnsmasq(if address == SERVER { &scene.there } else { &scene.here }, address, records)
}

fn dns(scene: &mut Scene<'_>, resolver: &str, options: &str) -> Result<()> {
    let (plain, alias, newer) = (scene.domain("plain"), scene.domain("alias"), scene.domain("newer"));
    let (v4, v6) = (scene.address(1)?, scene.address_v6(1)?);
    let records = [record(&plain, v4), format!("--cname={alias},{plain}"), record(&newer, v6)];
    let _resolver = serve(scene, resolver, &records)?;
    scene.resolve_at(resolver, options)?;
    for (name, address) in [(&plain, v4), (&alias, v4), (&newer, v6)] {
        let server = Server::greets(&scene.there, address)?;
        let port = server.port()?;
        assert_eq!(scene.visit(name, port)?, Known::asked(name, "dns"));
        // A process that asked nobody.
        assert_eq!(scene.visit(&address.to_string(), port)?, Known::asked(name, "host-dns"));
        // Who connects was asked for by nobody.
        let served = scene.all_served_on(port, 2)?;
        assert!(served.iter().all(|row| row.known() == Known::default()), "{served:#?}");
    }
    Ok(())
}

fn forwarded(scene: &mut Scene<'_>) -> Result<()> {
    let (plain, alias) = (scene.domain("plain"), scene.domain("alias"));
    let address = scene.address(1)?;
    let records = [record(&plain, address), format!("--cname={alias},{plain}")];
    let _authority = dnsmasq(&scene.there, SERVER, &records)?;
    let config = scene.file(
        "unbound.conf",
        &format!(
            "server:\n interface: 127.0.0.53\n do-daemonize: no\n use-syslog: no\n logfile: \"\"\n verbosity: 1\n \
             chroot: \"\"\n username: \"\"\n pidfile: \"\"\n directory: \"/\"\n module-config: \"iterator\"\n \
             access-control: 127.0.0.0/8 allow\n num-threads: 1\n\
             remote-control:\n control-enable: no\n\
             forward-zone:\n name: \".\"\n forward-addr: {SERVER}\n"
        ),
    )?;
    let mut resolver = Program::start(&scene.here, &["unbound", "-d", "-c", &config.display().to_string()])?;
    resolver.wait_for("start of service")?;
    scene.resolve_at("127.0.0.53", "")?;
    let server = Server::greets(&scene.there, address)?;
    for name in [&alias, &plain] {
        assert_eq!(scene.visit(name, server.port()?)?, Known::asked(name, "dns"));
        assert_eq!(scene.visit(&address.to_string(), server.port()?)?, Known::asked(name, "host-dns"));
    }
    Ok(())
}

fn others(scene: &mut Scene<'_>) -> Result<()> {
    let names = [scene.domain("a"), scene.domain("b"), scene.domain("c")];
    let addresses: [IpAddr; 3] = [scene.address(1)?, scene.address(2)?, scene.address(3)?];
    let records: Vec<String> = names.iter().zip(addresses).map(|(name, address)| record(name, address)).collect();
    let _resolver = serve(scene, SERVER, &records)?;
    scene.resolve_at(SERVER, "")?;
    let at = format!("@{SERVER}");
    let ways: [&[&str]; 3] = [&["dig", &at], &["dig", "+tcp", &at], &["getent", "ahostsv4"]];
    let server = Server::greets(&scene.there, Ipv4Addr::UNSPECIFIED.into())?;
    for ((way, name), address) in ways.into_iter().zip(&names).zip(addresses) {
        let (asker, said) = scene.client(&[way, &[name.as_str()]].concat())?;
        ensure!(said.contains(&address.to_string()), "{way:?} says {said}");
        let rows = scene.rows_of(asker, 53)?;
        let spoken: Vec<_> = rows.iter().map(|row| row.application_protocol.as_deref()).collect();
        assert_eq!(spoken, [Some("DNS")], "{rows:#?}");
        assert_eq!(rows[0].protocol, if way.contains(&"+tcp") { "tcp" } else { "udp" });
        assert_eq!(scene.visit(&address.to_string(), server.port()?)?, Known::asked(name, "host-dns"));
    }
    // There is no such name; the next address stays without one.
    let (_, said) = scene.client(&["dig", &at, &scene.domain("none")])?;
    ensure!(said.contains("status: REFUSED") || said.contains("status: NXDOMAIN"), "dig says {said}");
    assert_eq!(scene.visit(&scene.address(4)?.to_string(), server.port()?)?, Known::default());
    Ok(())
}

fn stronger(scene: &mut Scene<'_>) -> Result<()> {
    let (host, asked) = (scene.domain("host"), scene.domain("asked"));
    let address = scene.address(1)?;
    let _resolver = serve(scene, SERVER, &[record(&asked, address)])?;
    scene.resolve_at(SERVER, "")?;
    let certificate = Certificate::of(scene, std::slice::from_ref(&host))?;
    let _server = tls_server(scene, &certificate, &address.to_string(), 443, &["-www"])?;
    let instead = format!("{host}:443:{asked}:443");
    let authority = certificate.authority.display().to_string();
    let url = format!("https://{host}/");
    let words = ["curl", "-sS", "-o", "/dev/null", "--connect-to", &instead, "--cacert", &authority, &url];
    let (pid, _) = scene.client(&words)?;
    let tls = Tls::new("TLS 1.3", "TLS 1.3", &["h2", "http/1.1"]);
    assert_eq!(scene.row_of(pid, 443)?.known(), Known::asked(&host, "sni").speaks("HTTPS").tls(&tls));
    Ok(())
}

fn two_names(scene: &mut Scene<'_>) -> Result<()> {
    let (first, second) = (scene.domain("first"), scene.domain("second"));
    let address = scene.address(1)?;
    let _resolver = serve(scene, SERVER, &[record(&first, address), record(&second, address)])?;
    scene.resolve_at(SERVER, "")?;
    let (early, late) = (Server::greets(&scene.there, address)?, Server::greets(&scene.there, address)?);
    let (early, late) = (early.port().map(|port| (early, port))?, late.port().map(|port| (late, port))?);
    let gate = scene.path("gate");
    mkfifo(&gate, Mode::S_IRWXU)?;
    let script = format!(
        "exec 3<>/dev/tcp/{first}/{} && read -r line <&3 && exec 3>&- && echo asked && read -r go <{} && \
         exec 3<>/dev/tcp/{address}/{} && read -r line <&3",
        early.1,
        gate.display(),
        late.1
    );
    let mut patient = Program::start(&scene.here, &["bash", "-c", &script])?;
    patient.wait_for("asked")?;
    assert_eq!(scene.visit(&second, late.1)?, Known::asked(&second, "dns"));
    fs::write(&gate, "go\n")?;
    patient.finish()?;
    scene.has_ended(&patient)?;
    for port in [early.1, late.1] {
        assert_eq!(scene.row_of(patient.pid(), port)?.known(), Known::asked(&first, "dns"));
    }
    // Who asked nobody gets the name that was asked for last.
    assert_eq!(scene.visit(&address.to_string(), late.1)?, Known::asked(&second, "host-dns"));
    Ok(())
}
