//! What one reading says.

use std::{
    io::{Read as _, Write as _},
    net::{IpAddr, TcpListener, TcpStream},
    sync::mpsc::channel,
    time::Instant,
};

use watcher_core::interfaces::{Bytes, Counters, Why};

use super::{Namespace, named, open};

#[test]
fn what_crosses_a_veth_is_counted_as_sys_counts_it() {
    const PAYLOAD: usize = 3_000_000;
    let (a, b) = Namespace::pair();
    let (mut here, mut there) = (open(&a), open(&b));
    let (mut counters_here, mut counters_there) = (Counters::default(), Counters::default());
    counters_here.take(&here.survey().unwrap());
    counters_there.take(&there.survey().unwrap());

    let listener = b.run(|| TcpListener::bind("10.77.0.2:0").unwrap());
    let address = listener.local_addr().unwrap();
    let (tell, told) = channel();
    let receiving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        tell.send(all.len()).unwrap();
    });
    a.run(move || TcpStream::connect(address).unwrap().write_all(&vec![5; PAYLOAD]).unwrap());
    assert_eq!(told.recv().unwrap(), PAYLOAD);
    receiving.join().unwrap();

    for (namespace, reader, counters) in [(&a, &mut here, &mut counters_here), (&b, &mut there, &mut counters_there)] {
        let sys = || Bytes { rx: namespace.counter("veth0", "rx_bytes"), tx: namespace.counter("veth0", "tx_bytes") };
        // The last segments of a connection may still be under way: what lies between two equal readings is at rest.
        let survey = (0..1_000).find_map(|_| {
            let before = sys();
            let survey = reader.survey().unwrap();
            (sys() == before).then_some((before, survey))
        });
        let (sys, survey) = survey.expect("veth0 does not come to rest");
        assert_eq!(named(&survey, "veth0").bytes, sys);
        let moved = counters.take(&survey);
        let veth = moved.iter().find(|moved| &*moved.name == "veth0").unwrap();
        let payload = if namespace.id == a.id { veth.bytes.tx } else { veth.bytes.rx };
        assert!(payload >= PAYLOAD as u64, "{payload}");
        assert!(payload < PAYLOAD as u64 * 11 / 10, "{payload}");
    }
}

#[test]
fn each_kind_is_in_its_place() {
    let (a, b) = Namespace::pair();
    a.batch(
        [
            "link add br0 type bridge",
            "link add port0 type veth peer name inner0",
            "link set port0 master br0",
            "link add link veth0 name mac0 type macvlan mode bridge",
            "link add wan type vxlan id 5 dstport 4789 remote 10.77.0.2 dev veth0",
            "tuntap add dev tap7 mode tap",
            "route add default via 10.77.0.2",
        ]
        .map(str::to_owned)
        .into(),
    );
    let survey = open(&a).survey().unwrap();
    let is: Vec<_> = survey.interfaces.iter().map(|i| (&*i.name, i.kind.word(), i.apart.clone())).collect();
    for should in [
        ("lo", "loopback", Some(Why::Internal)),
        ("veth0", "veth", None),
        ("br0", "bridge", Some(Why::Members)),
        ("port0", "veth", Some(Why::MemberOf("br0".into()))),
        ("inner0", "veth", Some(Why::CableTo("port0".into()))),
        ("mac0", "macvlan", Some(Why::Over("veth0".into()))),
        ("wan", "vxlan", Some(Why::Tunnel)),
        ("tap7", "tun", Some(Why::Tunnel)),
    ] {
        assert!(is.contains(&should), "{should:?} is not in {is:?}");
    }
    assert_eq!(named(&survey, "veth0").addresses, ["10.77.0.1".parse::<IpAddr>().unwrap()]);
    assert_ne!(survey.netns, open(&b).survey().unwrap().netns);
}

#[test]
fn a_default_route_of_several_hops_and_of_another_family_counts() {
    let (a, b) = Namespace::pair();
    a.batch(
        [
            "link add e1 type veth peer name p1",
            "link add e2 type veth peer name p2",
            "addr add 10.78.0.1/24 dev e1",
            "addr add 10.79.0.1/24 dev e2",
            "link set e1 up",
            "link set p1 up",
            "link set e2 up",
            "link set p2 up",
        ]
        .map(str::to_owned)
        .into(),
    );
    a.ip(&format!("link set p1 netns {}", b.id));
    a.ip(&format!("link set p2 netns {}", b.id));
    b.batch(vec!["link set p1 up".to_owned(), "link set p2 up".to_owned()]);
    a.ip("route add default nexthop via 10.78.0.2 nexthop via 10.79.0.2");
    a.run(|| std::fs::write("/proc/sys/net/ipv6/conf/veth0/disable_ipv6", "0").unwrap());
    let mut reader = open(&a);
    let total = |reader: &mut super::Reader| -> Vec<String> {
        let survey = reader.survey().unwrap();
        survey.interfaces.iter().filter(|i| i.apart.is_none()).map(|i| i.name.to_string()).collect()
    };
    let mut is = total(&mut reader);
    is.sort();
    assert_eq!(is, ["e1", "e2"]);
    a.ip("route add ::/0 dev veth0");
    let mut is = total(&mut reader);
    is.sort();
    assert_eq!(is, ["e1", "e2", "veth0"]);
}

#[test]
fn many_interfaces_are_read_whole() {
    const MANY: usize = 200;
    const READINGS: u32 = 100;
    let namespace = Namespace::new();
    let mut reader = open(&namespace);
    namespace.batch((0..MANY).map(|n| format!("link add many{n} type bridge")).collect());
    let survey = reader.survey().unwrap();
    assert_eq!(survey.interfaces.iter().filter(|i| i.name.starts_with("many")).count(), MANY);
    let began = Instant::now();
    for _ in 0..READINGS {
        assert_eq!(reader.survey().unwrap().interfaces.len(), survey.interfaces.len());
    }
    let each = began.elapsed() / READINGS;
    println!("{} interfaces: {} µs per reading", survey.interfaces.len(), each.as_micros());
}
