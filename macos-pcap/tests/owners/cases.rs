//! What is claimed.

use std::net::{IpAddr, SocketAddr};

use libtest_mimic::Trial;
use macos_pcap::flows::Owner;
use macos_pcap::owners::Owners as _;
use macos_pcap::owners::linux::{Namespace, System};
use nix::time::{ClockId, clock_gettime};
use watcher_core::{BootTime, Direction, ProcessEvent, ProcessId, Protocol, SocketInfo};

use crate::actor::{Actor, id};

/// How sockets are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Diag,
    Tables,
}

impl How {
    fn open(self, namespace: Namespace) -> System {
        match self {
            Self::Diag => System::open(namespace).unwrap(),
            Self::Tables => System::without_diag(namespace),
        }
    }
}

type Case = (&'static str, fn(How));

pub fn all() -> Vec<Trial> {
    let cases: [Case; 9] = [
        ("both_ends_of_a_connection_are_of_their_processes", both_ends),
        ("a_datagram_is_of_the_process_that_has_the_port", datagrams),
        ("a_ping_is_of_the_process_that_opened_the_socket", pings),
        ("what_waits_to_be_accepted_is_nobodys_yet", waiting),
        ("a_connection_keeps_its_owner_after_its_process_has_ended", ended),
        ("of_two_holders_the_one_that_accepted_owns", inherited),
        ("equal_addresses_in_two_namespaces_are_two_sockets", namespaces),
        ("a_process_is_told_of_with_its_command_and_parent", told),
        ("looks_are_paced", paced),
    ];
    let trial = |how, (name, case): Case| {
        Trial::test(name, move || {
            case(how);
            Ok(())
        })
        .with_kind(format!("{how:?}"))
    };
    [How::Diag, How::Tables].into_iter().flat_map(|how| cases.map(|case| trial(how, case))).collect()
}

fn now() -> BootTime {
    let time = clock_gettime(ClockId::CLOCK_BOOTTIME).unwrap();
    BootTime(u64::try_from(time.tv_sec()).unwrap() * 1_000_000_000 + u64::try_from(time.tv_nsec()).unwrap())
}

fn flow(protocol: Protocol, local: SocketAddr, remote: SocketAddr, direction: Direction) -> SocketInfo {
    SocketInfo {
        protocol,
        local,
        remote: Some(remote),
        direction,
        netns: 0,
        seeded: false,
        owner: ProcessId::KERNEL,
        opened: None,
        established: None,
    }
}

fn listed(how: How) -> System {
    let mut system = how.open(Namespace::Own);
    system.list().unwrap();
    system
}

fn both_ends(how: How) {
    for at in ["127.0.0.1:0", "[::1]:0", "[::]:0"] {
        let mut server = Actor::start(&["listen", at]);
        let ip: IpAddr = if at.starts_with("127") || at.starts_with("[::]") {
            [127, 0, 0, 1].into()
        } else {
            "::1".parse().unwrap()
        };
        let to = SocketAddr::new(ip, server.address.port());
        let client = Actor::start(&["connect", &to.to_string()]);
        server.tell("accept");
        server.hear();
        let since = now();
        let mut system = listed(how);
        let from = client.address;
        let outgoing = flow(Protocol::Tcp, from, to, Direction::Outgoing);
        let incoming = flow(Protocol::Tcp, to, from, Direction::Incoming);
        assert_eq!(system.owner(&outgoing, since), Owner::Process(client.id()), "{at}");
        assert_eq!(system.owner(&incoming, since), Owner::Process(server.id()), "{at}");
    }
}

fn datagrams(how: How) {
    let remote: SocketAddr = "127.0.0.9:53".parse().unwrap();
    let cases: [(&[&str], &str); 4] = [
        (&["udp", "127.0.0.1:0"], "127.0.0.1"),
        (&["udp", "0.0.0.0:0"], "127.0.0.3"),
        (&["udp", "[::]:0"], "127.0.0.1"),
        (&["udp", "127.0.0.1:0", "127.0.0.9:53"], "127.0.0.1"),
    ];
    for (arguments, local) in cases {
        let actor = Actor::start(arguments);
        let since = now();
        let mut system = listed(how);
        let local = SocketAddr::new(local.parse().unwrap(), actor.address.port());
        let socket = flow(Protocol::Udp, local, remote, Direction::Incoming);
        assert_eq!(system.owner(&socket, since), Owner::Process(actor.id()), "{arguments:?}");
    }
}

fn pings(how: How) {
    let address = "127.0.0.7:0".parse().unwrap();
    for kind in ["raw", "ping"] {
        let actor = Actor::start(&["apart", "icmp", kind]);
        let since = now();
        let mut system = how.open(Namespace::OfProcess(actor.pid()));
        system.list().unwrap();
        let ping = flow(Protocol::Icmp, address, "127.0.0.1:0".parse().unwrap(), Direction::Outgoing);
        assert_eq!(system.owner(&ping, since), Owner::Process(actor.id()), "{kind}");
    }
}

fn waiting(how: How) {
    let mut server = Actor::start(&["listen", "127.0.0.1:0"]);
    let client = Actor::start(&["connect", &server.address.to_string()]);
    let since = now();
    let mut system = listed(how);
    let incoming = flow(Protocol::Tcp, server.address, client.address, Direction::Incoming);
    assert_eq!(system.owner(&incoming, since), Owner::NotYet);
    server.tell("accept");
    assert_eq!(server.hear(), client.address.to_string());
    system.list().unwrap();
    assert_eq!(system.owner(&incoming, since), Owner::Process(server.id()));
}

fn ended(how: How) {
    let server = Actor::start(&["listen", "127.0.0.1:0"]);
    let client = Actor::start(&["connect", &server.address.to_string()]);
    let since = now();
    let mut system = listed(how);
    let (from, client_id) = (client.address, client.id());
    client.end();
    system.list().unwrap();
    let outgoing = flow(Protocol::Tcp, from, server.address, Direction::Outgoing);
    assert_eq!(system.owner(&outgoing, since), Owner::Process(client_id));
    let events = system.events();
    let seen = events.iter().position(|event| matches!(event, ProcessEvent::Seen { id, .. } if *id == client_id));
    let exited = events.iter().position(|event| matches!(event, ProcessEvent::Exited { id, .. } if *id == client_id));
    assert!(seen.is_some() && seen < exited, "{events:?}");
}

fn inherited(how: How) {
    let mut server = Actor::start(&["listen", "127.0.0.1:0"]);
    let client = Actor::start(&["connect", &server.address.to_string()]);
    server.tell("accept");
    server.hear();
    server.tell("share");
    let child: u32 = server.hear().parse().unwrap();
    assert!(id(child).start >= server.id().start);
    let since = now();
    let mut system = listed(how);
    let incoming = flow(Protocol::Tcp, server.address, client.address, Direction::Incoming);
    assert_eq!(system.owner(&incoming, since), Owner::Process(server.id()));
}

fn namespaces(how: How) {
    let here = Actor::start(&["udp", "127.0.0.1:0"]);
    let there = Actor::start(&["apart", "udp", &here.address.to_string()]);
    let since = now();
    let socket = flow(Protocol::Udp, here.address, "127.0.0.9:53".parse().unwrap(), Direction::Outgoing);
    let before = std::fs::read_link("/proc/thread-self/ns/net").unwrap();
    let mut apart = how.open(Namespace::OfProcess(there.pid()));
    apart.list().unwrap();
    assert_eq!(std::fs::read_link("/proc/thread-self/ns/net").unwrap(), before, "this thread stays where it is");
    assert_eq!(apart.owner(&socket, since), Owner::Process(there.id()));
    let mut own = listed(how);
    assert_eq!(own.owner(&socket, since), Owner::Process(here.id()));
    let degraded = own.degraded();
    let of = |capability: &str| degraded.iter().filter(|reason| reason.capability == capability).count();
    assert_eq!((of("namespaces"), of("sockets")), (1, usize::from(how == How::Tables)));
}

fn told(how: How) {
    let actor = Actor::start(&["udp", "127.0.0.1:0"]);
    let events = listed(how).events();
    let info = |wanted: ProcessId| {
        events.iter().enumerate().find_map(|(at, event)| match event {
            ProcessEvent::Seen { id, info } if *id == wanted => Some((at, info)),
            _ => None,
        })
    };
    let (at, seen) = info(actor.id()).unwrap();
    let own = id(std::process::id());
    assert!(seen.name.starts_with("owners"), "{seen:?}");
    assert!(seen.command.ends_with("--actor udp 127.0.0.1:0"), "{seen:?}");
    assert_eq!((seen.parent, seen.uid), (Some(own), nix::unistd::getuid().as_raw()));
    assert!(info(own).unwrap().0 < at, "a parent is told of first");
}

fn paced(how: How) {
    let mut system = how.open(Namespace::Own);
    let start = now();
    assert!(system.look(start).unwrap());
    assert!(!system.look(BootTime(start.0 + 19_000_000)).unwrap());
    assert!(system.look(BootTime(start.0 + 3_600_000_000_000)).unwrap());
}
