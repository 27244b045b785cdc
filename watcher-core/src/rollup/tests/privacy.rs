//! What is excluded is counted and never named.

use std::{net::IpAddr, sync::Arc};

use super::make::{Rig, flow, process, runs, second, to};
use crate::{
    names::{Name, NameSource, testing::answered},
    rollup::{Commands, Disclosed, Exclude, Glob, Names, Policy, Rollup},
};

/// Names by the last number of the address: `.50` was asked for, `.60` has a reverse name.
struct Known;

impl Names for Known {
    fn of_address(&self, remote: IpAddr) -> Option<Arc<Name>> {
        let name = Name::new("host-60.provider.example", NameSource::Ptr);
        name.filter(|_| remote.to_string().ends_with(".60")).map(Arc::new)
    }
}

fn rollup(exclude: Exclude) -> Rollup {
    let mut rig = Rig::with_policy(Policy { exclude, ..Policy::default() });
    let events = vec![runs(1, "curl", "curl http://x"), runs(2, "hidden-vpn", "hidden-vpn --key k")];
    let flows = vec![
        to(flow(1, 1, 100, 0), "192.0.2.50:443"),
        to(flow(1, 2, 20, 0), "192.0.2.60:443"),
        to(flow(2, 3, 3_000, 0), "192.0.2.50:443"),
        to(flow(2, 4, 40_000, 0), "192.0.2.70:443"),
    ];
    let ip = "192.0.2.50".parse().unwrap();
    let asked = [1, 2].map(|tgid| answered(process(tgid), second(1), "api.Secret.example.", ip));
    rig.apply_named(1, events, flows, &asked.concat());
    rig.finish_named(&Known)
}

fn domains(rollup: &Rollup) -> Vec<(&str, Option<&str>, u64)> {
    let row = |d: &crate::rollup::schema::Domain| d.counters.rx_bytes;
    let names = rollup.domains.iter().map(|d| (&d.names.domain, &d.names.display_name, row(d)));
    names.map(|(domain, shown, bytes)| (domain.as_str(), shown.as_ref().map(Disclosed::as_str), bytes)).collect()
}

#[test]
fn remotes_go_by_name_where_one_is_known() {
    let rollup = rollup(Exclude::default());
    assert_eq!(
        domains(&rollup),
        [
            ("192.0.2.70", None, 40_000),
            ("api.secret.example", Some("secret.example"), 3_100),
            ("192.0.2.60", Some("provider.example"), 20),
        ]
    );
    let sources: Vec<_> = rollup.connections.iter().map(|c| c.names.name_source).collect();
    assert_eq!(sources, [NameSource::Address, NameSource::Dns, NameSource::Dns, NameSource::Ptr].map(Some));
}

#[test]
fn an_excluded_process_is_in_the_totals_and_nowhere_else() {
    let rollup = rollup(Exclude { processes: vec![Glob::new("*-VPN")], ..Exclude::default() });
    assert_eq!(rollup.summary.total_rx_bytes, 43_120);
    assert_eq!(rollup.processes.iter().map(|p| p.names.pid).collect::<Vec<_>>(), [1]);
    let listed = domains(&rollup);
    assert_eq!(listed.iter().map(|(_, _, bytes)| bytes).sum::<u64>(), 120);
    assert!(!String::from_utf8(rollup.to_json()).unwrap().contains("vpn"));
    assert!(!String::from_utf8(rollup.to_json()).unwrap().contains("192.0.2.70"));
}

#[test]
fn an_excluded_domain_hides_its_subdomains() {
    for pattern in ["secret.example", "api.secret.example", "*.secret.example", "SECRET.*"] {
        let rollup = rollup(Exclude { domains: vec![Glob::new(pattern)], ..Exclude::default() });
        assert_eq!(rollup.summary.total_rx_bytes, 43_120);
        assert!(!String::from_utf8(rollup.to_json()).unwrap().contains("secret"), "{pattern}");
        // Its processes keep their bytes.
        assert_eq!(rollup.processes[0].counters.rx_bytes, 43_000);
    }
    let others =
        rollup(Exclude { domains: vec![Glob::new("cret.example"), Glob::new("example.com")], ..Exclude::default() });
    assert_eq!(others.domains.len(), 3);
}

#[test]
fn a_name_found_afterwards_is_excluded_too() {
    let rollup = rollup(Exclude { domains: vec![Glob::new("provider.example")], ..Exclude::default() });
    assert!(!String::from_utf8(rollup.to_json()).unwrap().contains("192.0.2.60"));
    assert_eq!((rollup.domains.len(), rollup.connections.len()), (2, 3));
}

#[test]
fn an_excluded_network_hides_addresses_and_the_names_they_answer_to() {
    let exclude = Exclude { networks: vec!["192.0.2.48/29".parse().unwrap()], ..Exclude::default() };
    let rollup = rollup(exclude);
    assert_eq!(domains(&rollup).iter().map(|(_, _, bytes)| *bytes).collect::<Vec<_>>(), [40_000, 20]);
    assert!(!String::from_utf8(rollup.to_json()).unwrap().contains("secret"));
}

#[test]
fn command_lines_leave_only_when_asked_for() {
    let command = |commands| {
        let mut rig = Rig::with_policy(Policy { commands, ..Policy::default() });
        rig.apply(1, vec![runs(1, "curl", "curl -H token=abc")], vec![flow(1, 1, 1, 1)]);
        let rollup = rig.finish();
        rollup.processes[0].names.command.as_ref().map(|text| text.as_str().to_owned())
    };
    assert_eq!(command(Commands::Full).as_deref(), Some("curl -H token=abc"));
    assert_eq!(command(Commands::default()).as_deref(), Some("curl"));
    assert_eq!(command(Commands::None), None);
}

#[test]
fn the_name_of_the_machine_can_be_withheld() {
    let hostname = |hostname| {
        let mut rig = Rig::with_policy(Policy { hostname, ..Policy::default() });
        rig.finish().machine.hostname.as_str().to_owned()
    };
    assert_eq!((hostname(true), hostname(false)), ("laptop".into(), String::new()));
}

#[test]
fn a_long_command_is_cut_between_characters() {
    let mut rig = Rig::with_policy(Policy { commands: Commands::Full, ..Policy::default() });
    rig.apply(1, vec![runs(1, "curl", &"名".repeat(10_000))], vec![flow(1, 1, 1, 1)]);
    let rollup = rig.finish();
    assert_eq!(rollup.processes[0].names.command.as_ref().unwrap().as_str(), "名".repeat(256));
}
