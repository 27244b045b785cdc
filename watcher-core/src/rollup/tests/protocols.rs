//! The table of ROLLUP's protocol labels.

use super::make::{flow, to};
use crate::{
    Direction, FlowSample, Protocol,
    names::{Observed, label},
};

fn sample(protocol: Protocol, port: u16) -> FlowSample {
    let mut sample = to(flow(1, 1, 0, 0), &format!("10.0.0.9:{port}"));
    sample.socket.protocol = protocol;
    sample
}

#[test]
fn without_an_observation_the_remote_port_tells() {
    let table = [
        (22, "SSH", "UDP"),
        (53, "DNS", "DNS"),
        (80, "HTTP", "UDP"),
        (443, "HTTPS", "QUIC"),
        (784, "QUIC", "QUIC"),
        (4433, "QUIC", "QUIC"),
        (853, "DNS-over-TLS", "QUIC"),
        (3306, "MySQL", "UDP"),
        (5432, "Postgres", "UDP"),
        (6379, "Redis", "UDP"),
        (8080, "TCP", "UDP"),
        (0, "TCP", "UDP"),
    ];
    for (port, tcp, udp) in table {
        assert_eq!(label(None, &sample(Protocol::Tcp, port)).as_str(), tcp, "TCP {port}");
        assert_eq!(label(None, &sample(Protocol::Udp, port)).as_str(), udp, "UDP {port}");
    }
    assert_eq!(label(None, &sample(Protocol::Icmp, 443)).as_str(), "ICMP");
}

#[test]
fn the_local_port_tells_of_what_was_accepted() {
    let mut accepted = sample(Protocol::Tcp, 22);
    accepted.socket.direction = Direction::Incoming;
    accepted.socket.local = "10.0.0.1:5432".parse().unwrap();
    assert_eq!(label(None, &accepted).as_str(), "Postgres");
}

#[test]
fn an_observation_is_better_than_a_port() {
    let cases = [
        (Observed::Tls, 443, "HTTPS"),
        (Observed::Tls, 8443, "TLS"),
        (Observed::Quic, 9, "QUIC"),
        (Observed::Http, 443, "HTTP"),
        (Observed::Ssh, 2222, "SSH"),
        (Observed::Dns, 5353, "DNS"),
    ];
    for (observed, port, wanted) in cases {
        assert_eq!(label(Some(observed), &sample(Protocol::Tcp, port)).as_str(), wanted);
    }
}
