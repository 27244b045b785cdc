//! What is worth a word.

use super::make::{Chance, Conn, HOUR, KIB, MIB, MINUTE, only, said, tls, to};
use crate::insights::{Evidence, How, Kind};

/// A new connection each time, closed after the answer: what curl in a loop, a cron job or an agent does.
fn asks(times: &[f64]) -> Vec<Conn> {
    let ask = |t: &f64| {
        tls("agent", "eu.stats.example.com", *t).moves(t + 0.2, 3 * KIB, KIB).moves(t + 0.4, 200, 100).closes(t + 0.5)
    };
    times.iter().map(ask).collect()
}

fn polling(conns: &[Conn]) -> (f64, f64, u32, u32, u64, bool) {
    match only(conns) {
        (_, _, Evidence::Polling { period_seconds, spread_seconds, exchanges, missed, bytes_each, one_connection }) => {
            (period_seconds, spread_seconds, exchanges, missed, bytes_each, one_connection)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_agent_that_reports_each_minute_is_told_with_its_numbers() {
    let mut chance = Chance::new();
    let times: Vec<f64> = (0..184).map(|n| f64::from(n) * MINUTE + chance.between(0.0, 4.0)).collect();
    let (period, spread, exchanges, missed, bytes, one_connection) = polling(&asks(&times));
    assert!((59.0..61.0).contains(&period) && (0.5..3.0).contains(&spread), "{period} ±{spread}");
    assert_eq!((exchanges, missed, bytes, one_connection), (184, 0, 4 * KIB + 300, false));
    let all = said(&asks(&times));
    assert_eq!((all[0].app.as_str(), all[0].remote.as_deref(), all[0].pid), ("agent", Some("example.com"), 100));
    assert!(all[0].until.since(all[0].since).as_secs() >= 182 * 60);
}

#[test]
fn asks_that_were_missed_and_one_in_between_do_not_hide_it() {
    let times: Vec<f64> = (0..200).filter(|n| n % 11 != 7).map(|n| f64::from(n) * 5.0 * MINUTE).collect();
    let (period, _, exchanges, missed, ..) = polling(&asks(&times));
    assert_eq!((period, exchanges), (300.0, u32::try_from(times.len()).unwrap()));
    assert_eq!(missed, 200 - exchanges);

    // Somebody asked by hand.
    let mut times: Vec<f64> = (0..100).map(|n| f64::from(n) * 5.0 * MINUTE).collect();
    times.extend([3_100.0, 9_400.0]);
    assert_eq!(polling(&asks(&times)).2, 102);
}

#[test]
fn one_that_spreads_its_asks_by_a_fifth_is_still_regular() {
    let mut chance = Chance::new();
    let mut t = 0.0;
    let next = || {
        t += 300.0 * chance.between(0.8, 1.2);
        t
    };
    let times: Vec<f64> = std::iter::repeat_with(next).take(100).collect();
    let (period, spread, ..) = polling(&asks(&times));
    assert!((270.0..330.0).contains(&period) && (20.0..45.0).contains(&spread), "{period} ±{spread}");
}

#[test]
fn parallel_connections_are_one_ask() {
    let conns: Vec<Conn> = (0..60)
        .flat_map(|n| [0.0, 0.3, 1.5, 6.0].map(|later| f64::from(n) * 4.0 * MINUTE + later))
        .map(|t| tls("agent", "stats.example.com", t).moves(t + 0.1, KIB, KIB).closes(t + 0.5))
        .collect();
    let (period, _, exchanges, _, bytes, one_connection) = polling(&conns);
    assert_eq!((period, exchanges, bytes, one_connection), (240.0, 60, 8 * KIB, false));
}

#[test]
fn a_keepalive_is_told_to_be_one_connection() {
    let idle = (1..400).fold(tls("chat", "push.example.net", 0.0).moves(0.1, 5 * KIB, 2 * KIB), |conn, n| {
        let t = f64::from(n) * 45.0;
        conn.moves(t, 0, 31).moves(t + 0.2, 27, 0)
    });
    let (period, spread, exchanges, _, bytes, one_connection) = polling(&[idle]);
    assert!((period - 45.0).abs() < 0.1 && spread < 1.0, "{period} ±{spread}");
    assert_eq!((exchanges, one_connection), (400, true));
    assert!((50..100).contains(&bytes));
}

#[test]
fn what_ended_regularly_stays_in_the_report() {
    let mut chance = Chance::new();
    let mut times: Vec<f64> = (0..240).map(|n| f64::from(n) * MINUTE).collect();
    let mut t = 5.0 * HOUR;
    while t < 9.0 * HOUR {
        times.push(t);
        t += 30.0 + chance.wait(200.0);
    }
    let all = said(&asks(&times));
    assert_eq!(all.len(), 1, "{all:?}");
    // The first of the others may fit by chance.
    assert!((3.8 * HOUR..5.3 * HOUR).contains(&(all[0].until.0 as f64 / 1e9)), "{:?}", all[0]);
}

#[test]
fn a_host_that_never_answers_is_polled_all_the_same() {
    // Refused, or after two minutes without an answer.
    for fails_after in [0.1, 127.0] {
        let tries = (0..240).map(|n| f64::from(n) * MINUTE);
        let conns: Vec<Conn> = tries.map(|t| to("implant", "198.51.100.4:8443", t).closes(t + fails_after)).collect();
        let (period, _, exchanges, _, bytes, _) = polling(&conns);
        assert_eq!((period, exchanges, bytes), (60.0, 240, 0));
    }
}

#[test]
fn a_backup_is_an_upload_and_a_file_server_serves() {
    let backup = (0..600)
        .fold(tls("restic", "s3.backup.example", 10.0), |conn, n| conn.moves(10.0 + f64::from(n) * 0.5, KIB, MIB));
    let uploads = Evidence::Uploads { tx_bytes: 600 * MIB, rx_bytes: 600 * KIB, opened_here: true };
    assert_eq!(only(std::slice::from_ref(&backup)), ("restic".to_owned(), Some("backup.example".to_owned()), uploads));

    let old = Evidence::Uploads { tx_bytes: 600 * MIB, rx_bytes: 600 * KIB, opened_here: false };
    assert_eq!(only(&[backup.clone().older()]).2, old);

    let serves = Evidence::Serves { tx_bytes: 600 * MIB, rx_bytes: 600 * KIB };
    assert_eq!(only(&[backup.incoming()]).2, serves);
}

#[test]
fn encrypted_dns_is_known_by_protocol_port_and_name() {
    let dot = tls("systemd-resolved", "dns.quad9.net", 1.0).on(853).moves(1.1, KIB, KIB);
    let (app, remote, what) = only(std::slice::from_ref(&dot));
    assert_eq!((app.as_str(), remote.as_deref()), ("systemd-resolved", Some("quad9.net")));
    let expected = |how| Evidence::EncryptedDns { how, connections: 1, tx_bytes: KIB, rx_bytes: KIB };
    assert_eq!(what, expected(How::Port));
    assert_eq!(only(&[dot.clone().offers("dot")]).2, expected(How::Alpn));

    let doq = to("kdig", "198.51.100.53:784", 1.0).udp().moves(1.1, KIB, KIB);
    assert_eq!(only(&[doq.offers("doq")]).2, expected(How::Alpn));

    let doh = tls("firefox", "mozilla.cloudflare-dns.com", 1.0).moves(1.1, KIB, KIB);
    let by_name = How::Resolver("cloudflare-dns.com".to_owned());
    assert_eq!(only(std::slice::from_ref(&doh)).2, expected(by_name.clone()));
    let again = tls("firefox", "mozilla.cloudflare-dns.com", 9.0).moves(9.1, KIB, KIB).moves(50.0, KIB, KIB);
    let twice = Evidence::EncryptedDns { how: by_name, connections: 2, tx_bytes: 3 * KIB, rx_bytes: 3 * KIB };
    assert_eq!(only(&[doh, again]).2, twice);
}

/// Names as a browser reaches them: a page with its advertisements, every few minutes.
fn browsing(app: &str, names: u32) -> Vec<Conn> {
    let page = |n: u32| {
        let t = f64::from(n / 12) * 4.0 * MINUTE + f64::from(n % 12) * 0.2;
        tls(app, &format!("cdn.{app}-site{n}.com"), t).moves(t + 0.3, 300 * KIB, 4 * KIB).closes(t + 9.0)
    };
    (0..names).map(page).collect()
}

#[test]
fn who_reaches_many_names_within_an_hour_is_told_with_what_others_reach() {
    let mut conns = browsing("firefox", 90);
    assert_eq!(only(&conns).2, Evidence::ManyDomains { domains: 90, others_median: None });
    conns.extend([browsing("mail", 3), browsing("chat", 5), browsing("updater", 1)].concat());
    let (app, remote, what) = only(&conns);
    assert_eq!((app.as_str(), remote), ("firefox", None));
    assert_eq!(what, Evidence::ManyDomains { domains: 90, others_median: Some(3) });
}

#[test]
fn the_weightiest_comes_first_and_no_kind_hides_another() {
    let mut conns = browsing("firefox", 60);
    for n in 0..50 {
        let t = f64::from(n);
        conns.push(to("rsync", &format!("10.9.0.{n}:22"), t).moves(t + 0.1, 0, 60 * MIB));
    }
    conns.push(tls("resolver", "dns.google", 3.0).moves(3.5, KIB, KIB).pid(7));
    let all = said(&conns);
    let count = |kind| all.iter().filter(|one| one.evidence.kind() == kind).count();
    assert_eq!(Kind::ALL.map(count), [20, 0, 1, 1, 0]);
    assert_eq!((all[0].remote.as_deref(), all[20].pid), (Some("10.9.0.49"), 7), "the newest first");
    assert!(all.is_sorted_by_key(|one| one.evidence.kind()));
}

#[test]
fn the_fields_are_the_claim() {
    let all = said(&[tls("firefox", "dns.google", 1.0).moves(1.5, 20, 10)]);
    let json = serde_json::to_value(&all[0]).unwrap();
    let expected = serde_json::json!({
        "app": "firefox", "pid": 100, "remote": "dns.google", "since": 1_500_000_000_u64, "until": 1_500_000_000_u64,
        "kind": "encrypted-dns", "how": {"resolver": "dns.google"}, "connections": 1, "tx_bytes": 10, "rx_bytes": 20,
    });
    assert_eq!(json, expected);
    assert_eq!(serde_json::from_value::<crate::insights::Insight>(json).unwrap(), all[0]);
}
