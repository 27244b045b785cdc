//! Machines as they are, and what is in their totals.

use super::make::{link, sorted};
use crate::interfaces::{Kind, Link, Why};

fn check(links: Vec<Link>, total: &[&str], apart: &[(&str, Why)]) {
    let (is_total, is_apart) = sorted(links);
    assert_eq!(is_total, total);
    let is_apart: Vec<_> = is_apart.iter().map(|(name, why)| (name.as_str(), why.clone())).collect();
    assert_eq!(is_apart, apart);
}

#[test]
fn a_laptop_with_a_vpn_and_containers_counts_its_cards() {
    check(
        vec![
            link(1, "lo", "lo"),
            link(2, "eth0", "card"),
            link(3, "wlan0", "card").with_default_route(),
            link(4, "wg0", "wireguard").with_default_route(),
            link(5, "tun0", "tun"),
            link(6, "docker0", "bridge"),
            link(7, "vetha", "veth").member_of(6),
            link(8, "vethb", "veth"),
            link(9, "vboxnet0", "virtual"),
        ],
        &["eth0", "wlan0"],
        &[
            ("lo", Why::Internal),
            ("wg0", Why::Tunnel),
            ("tun0", Why::Tunnel),
            ("docker0", Why::Members),
            ("vetha", Why::MemberOf("docker0".into())),
            ("vethb", Why::Guests),
            ("vboxnet0", Why::Guests),
        ],
    );
}

#[test]
fn a_server_with_a_bond_vlans_and_guests_counts_its_cards() {
    check(
        vec![
            link(2, "eno1", "card").member_of(4),
            link(3, "eno2", "card").member_of(4),
            link(4, "bond0", "bond").member_of(6),
            link(5, "bond0.7", "vlan").over(4),
            link(6, "br0", "bridge").with_default_route(),
            link(7, "vnet0", "tun").member_of(6),
            link(8, "macvtap0", "macvtap").over(2),
            link(9, "vxlan1", "vxlan").over(5),
        ],
        &["eno1", "eno2"],
        &[
            ("bond0", Why::MemberOf("br0".into())),
            ("bond0.7", Why::Over("bond0".into())),
            ("br0", Why::Members),
            ("vnet0", Why::MemberOf("br0".into())),
            ("macvtap0", Why::Over("eno1".into())),
            ("vxlan1", Why::Over("bond0.7".into())),
        ],
    );
}

#[test]
fn a_card_whose_driver_counts_for_another_is_counted_there() {
    // Azure: the virtual function is a member of the synthetic card, which adds its counters to its own.
    check(
        vec![link(2, "eth0", "card").with_default_route(), link(3, "enP1s1", "card").member_of(2)],
        &["eth0"],
        &[("enP1s1", Why::CountedIn("eth0".into()))],
    );
}

#[test]
fn a_container_counts_its_only_way_out() {
    let lo = || link(1, "lo", "lo");
    // The other end of a veth, and what a macvlan lies on, are in another namespace: no `lower` here.
    for kind in ["veth", "macvlan", "ipvlan", "netkit", "virtual"] {
        check(vec![lo(), link(2, "eth0", kind).with_default_route()], &["eth0"], &[("lo", Why::Internal)]);
        check(vec![lo(), link(2, "eth0", kind)], &["eth0"], &[("lo", Why::Internal)]);
    }
    check(vec![lo(), link(2, "tap0", "tun").with_default_route()], &["tap0"], &[("lo", Why::Internal)]);
}

#[test]
fn containers_in_a_container_are_apart_from_its_way_out() {
    check(
        vec![
            link(2, "eth0", "veth").with_default_route(),
            link(3, "eth1", "veth"),
            link(4, "docker0", "bridge"),
            link(5, "veth1", "veth").member_of(4),
        ],
        &["eth0"],
        &[("eth1", Why::NoDefaultRoute), ("docker0", Why::Members), ("veth1", Why::MemberOf("docker0".into()))],
    );
}

#[test]
fn a_default_route_is_followed_to_what_carries_it() {
    check(
        vec![link(2, "eth0", "veth"), link(3, "eth1", "veth"), link(4, "v7", "vlan").over(2).with_default_route()],
        &["eth0"],
        &[("eth1", Why::NoDefaultRoute), ("v7", Why::Over("eth0".into()))],
    );
    // Which member of a bridge leads out is not known: the bridge itself is counted.
    check(
        vec![
            link(2, "eth0", "veth").member_of(4),
            link(3, "veth1", "veth").member_of(4),
            link(4, "br0", "bridge").with_default_route(),
            link(5, "v9", "vlan").over(2).with_default_route(),
        ],
        &["br0"],
        &[
            ("eth0", Why::MemberOf("br0".into())),
            ("veth1", Why::MemberOf("br0".into())),
            ("v9", Why::Over("eth0".into())),
        ],
    );
}

#[test]
fn a_vpn_that_takes_the_default_route_does_not_take_the_total() {
    let wg = link(3, "wg0", "wireguard").with_default_route();
    check(vec![link(2, "eth0", "veth"), wg.clone()], &["eth0"], &[("wg0", Why::Tunnel)]);
    check(vec![wg], &["wg0"], &[]);
}

#[test]
fn where_nothing_leads_out_nothing_is_counted() {
    check(
        vec![link(2, "a", "veth").over(3).with_default_route(), link(3, "b", "veth").over(2)],
        &[],
        &[("a", Why::CableTo("b".into())), ("b", Why::CableTo("a".into()))],
    );
    check(
        vec![link(2, "a", "veth"), link(3, "b", "veth"), link(4, "d", "dummy").with_default_route()],
        &[],
        &[("a", Why::NoDefaultRoute), ("b", Why::NoDefaultRoute), ("d", Why::Internal)],
    );
}

#[test]
fn a_kind_follows_from_what_the_kernel_says() {
    for (info, hardware_type, device, kind) in [
        (None, 772, false, "loopback"),
        (None, 1, true, "physical"),
        (None, 1, false, "virtual"),
        (None, 803, true, "monitor"),
        (Some("team"), 1, false, "bond"),
        (Some("wwan"), 65_534, true, "physical"),
        (Some("wwan"), 65_534, false, "wwan"),
        (Some("sit"), 776, false, "sit"),
        (Some("dsa"), 1, true, "dsa"),
        (Some("\u{1b}[2J"), 1, false, "\u{1b}[2J"),
    ] {
        assert_eq!(Kind::of(info, hardware_type, device).word(), kind);
    }
}
