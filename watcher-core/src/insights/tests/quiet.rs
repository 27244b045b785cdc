//! What is nobody's business: shapes that look a little like the others, and of which nothing must be said.

use super::make::{Chance, Conn, HOUR, KIB, MIB, MINUTE, said, tls, to};
use crate::names::Observed;

fn nothing(what: &str, conns: &[Conn]) {
    let all = said(conns);
    assert!(all.is_empty(), "{what}: {all:#?}");
}

/// One small exchange on a connection of its own, each at its time.
fn asks(app: &str, times: impl IntoIterator<Item = f64>) -> Vec<Conn> {
    let ask = |t: f64| tls(app, "api.example.com", t).moves(t + 0.2, 3 * KIB, KIB).closes(t + 0.5);
    times.into_iter().map(ask).collect()
}

fn every(period: f64, until: f64) -> impl Iterator<Item = f64> {
    (0..).map(move |n| f64::from(n) * period).take_while(move |t| *t < until)
}

/// Times as chance makes them.
fn at_random(mean: f64, until: f64) -> Vec<f64> {
    let (mut chance, mut t) = (Chance::new(), 0.0);
    let next = || {
        t += chance.wait(mean);
        t
    };
    std::iter::repeat_with(next).take_while(|t| *t < until).collect()
}

#[test]
fn housekeeping_is_regular_by_purpose() {
    let ask = |app: &str, remote: &str, period: f64| -> Vec<Conn> {
        let one = to(app, remote, 0.0).udp();
        let all = every(period, 12.0 * HOUR).fold(one, |conn, t| conn.moves(t, 48, 48));
        vec![all]
    };
    nothing("chronyd", &ask("chronyd", "198.51.100.1:123", 64.0));
    nothing("systemd-timesyncd", &ask("timesyncd", "198.51.100.1:123", 2_048.0));
    nothing("a stub resolver", &ask("monitor", "192.0.2.1:53", 60.0));
    nothing("a lease that is renewed", &ask("dhclient", "192.0.2.1:67", 1_800.0));
    nothing("mDNS", &ask("avahi-daemon", "224.0.0.251:5353", 60.0));
    nothing("announcements to everybody", &ask("dropbox", "255.255.255.255:17500", 30.0));
    let ntp = ask("ntpsec", "198.51.100.1:1123", 64.0).remove(0).shows(Observed::Ntp);
    nothing("NTP on another port", &[ntp]);
}

#[test]
fn a_poll_that_is_short_or_fast_or_large_says_nothing() {
    nothing("two hours of it", &asks("agent", every(60.0, 2.0 * HOUR)));
    nothing("eleven times", &asks("agent", every(HOUR, 10.5 * HOUR)));
    nothing("an updater, four times a day for two days and a half", &asks("updater", every(6.0 * HOUR, 60.0 * HOUR)));
    nothing("every ten seconds", &asks("watch", every(10.0, 5.0 * HOUR)));
    let large = every(300.0, 8.0 * HOUR).map(|t| tls("sync", "example.com", t).moves(t + 0.5, 90 * KIB, KIB));
    nothing("a feed of 90 KiB", &large.collect::<Vec<_>>());
}

#[test]
fn people_are_not_regular() {
    nothing("at random, on average each minute", &asks("firefox", at_random(60.0, 12.0 * HOUR)));
    nothing("at random, on average each five minutes", &asks("mail", at_random(300.0, 24.0 * HOUR)));
    // A conversation on one connection: pings while nobody writes, and somebody writes.
    let mut chat = tls("chat", "push.example.net", 0.0);
    let (mut chance, mut quiet_since) = (Chance::new(), 0.0);
    for t in at_random(70.0, 10.0 * HOUR) {
        let mut ping: f64 = quiet_since + 55.0;
        while ping < t {
            chat = chat.moves(ping, 27, 31);
            ping += 55.0;
        }
        chat = chat.moves(t, chance.between(0.0, 400.0) as u64, chance.between(60.0, 900.0) as u64);
        quiet_since = t;
    }
    nothing("a chat in use", &[chat]);
}

#[test]
fn a_browser_that_reads_and_plays_a_video_is_no_news() {
    let mut chance = Chance::new();
    let mut conns = Vec::new();
    for (n, t) in at_random(90.0, 6.0 * HOUR).into_iter().enumerate() {
        for host in 0..3 {
            let name = format!("www.site{}.com", (n * 3 + host) % 25);
            let size = chance.between(2_000.0, 900_000.0) as u64;
            conns.push(tls("firefox", &name, t).moves(t + 0.4, size, 3 * KIB).closes(t + chance.between(1.0, 120.0)));
        }
    }
    // A segment every five seconds, for three hours.
    let video = every(5.0, 3.0 * HOUR)
        .fold(tls("firefox", "cdn.video.example", 0.0), |conn, t| conn.moves(t + 1.0, 2 * MIB, 2 * KIB));
    conns.push(video);
    nothing("a day in a browser", &conns);
}

#[test]
fn downloads_and_calls_are_no_uploads() {
    let download = (0..2_000)
        .fold(tls("apt", "deb.example.org", 0.0), |conn, n| conn.moves(f64::from(n) * 0.5, 5 * MIB, 30 * KIB));
    nothing("10 GiB received, 58 MiB of requests", &[download]);
    let call = (0..3_600).fold(to("meet", "203.0.113.50:3478", 0.0).udp().shows(Observed::Stun), |conn, n| {
        conn.moves(f64::from(n), 150 * KIB, 200 * KIB)
    });
    nothing("an hour of video both ways", &[call]);
    nothing("a photo", &[tls("chat", "media.example.net", 0.0).moves(3.0, 20 * KIB, 12 * MIB)]);
}

#[test]
fn a_build_farm_that_fetches_all_day_is_no_news() {
    let mut conns = Vec::new();
    for (n, t) in at_random(20.0, 8.0 * HOUR).into_iter().enumerate() {
        let host = ["static.crates.io", "registry.npmjs.org", "pypi.org", "proxy.golang.org", "ghcr.io"][n % 5];
        let size = [40 * KIB, 3 * MIB, 700 * KIB, 9 * KIB][n % 4];
        conns.push(tls("cargo", host, t).moves(t + 1.0, size, 2 * KIB).closes(t + 2.0));
    }
    nothing("packages", &conns);
}

#[test]
fn a_scanner_pushes_out_its_own_and_hides_nobody() {
    let mut conns: Vec<Conn> = (0..20_000_u32)
        .map(|n| {
            let t = 2.0 * HOUR + f64::from(n) * 0.02;
            to("nmap", &format!("10.20.{}.{}:22", n / 250, n % 250), t).closes(t + 0.01)
        })
        .collect();
    nothing("a scan", &conns);
    conns.extend(asks("agent", every(60.0, 5.0 * HOUR)));
    let all = said(&conns);
    assert_eq!((all.len(), all[0].app.as_str()), (1, "agent"), "{all:?}");
}

#[test]
fn what_stays_on_the_machine_and_what_others_ask_is_not_looked_at() {
    let within = asks("agent", every(60.0, 5.0 * HOUR)).into_iter().map(Conn::within_the_host);
    nothing("within the host", &within.collect::<Vec<_>>());
    let scraped = asks("node_exporter", every(60.0, 5.0 * HOUR)).into_iter().map(|conn| conn.incoming().on(50_123));
    nothing("scraped by another host", &scraped.collect::<Vec<_>>());
    let serves = to("unbound", "192.0.2.200:853", 0.0).incoming().moves(1.0, 900, 900);
    nothing("a resolver that is asked", &[serves]);
    let plain = to("dig", "8.8.8.8:53", 0.0).udp().shows(Observed::Dns).moves(1.0, 90, 40);
    nothing("DNS that can be read", &[plain]);
    nothing("a name that is none", &[tls("curl", "www.google.com", 0.0).moves(1.0, 9 * KIB, KIB)]);
}

#[test]
fn names_count_by_the_hour_and_only_among_few() {
    let day: Vec<Conn> = (0..300)
        .map(|n| {
            let t = f64::from(n) * 3.0 * MINUTE;
            tls("mail", &format!("host.sender{n}.com"), t).moves(t + 0.2, 20 * KIB, KIB).closes(t + 1.0)
        })
        .collect();
    nothing("300 names in a day, 20 in an hour", &day);
    // An evening's names and a morning's are not one hour's.
    let apart = |n: u32| if n < 40 { f64::from(n) } else { 9.5 * HOUR + f64::from(n) };
    let two: Vec<Conn> =
        (0..80).map(|n| tls("app", &format!("a.b{n}.com"), apart(n)).moves(apart(n) + 0.1, 9, 9)).collect();
    nothing("40 and 40, a night between them", &two);
    let everybody: Vec<Conn> = (0..5 * 60)
        .map(|n| {
            let t = f64::from(n / 5);
            tls(&format!("crawler{}", n % 5), &format!("x.site{}.com", n / 5), t).moves(t + 0.1, KIB, KIB)
        })
        .collect();
    nothing("where all reach 60, none stands out", &everybody);
    let subdomains: Vec<Conn> = (0..200)
        .map(|n| tls("app", &format!("shard{n}.example.com"), f64::from(n)).moves(f64::from(n) + 0.1, KIB, KIB))
        .collect();
    nothing("200 hosts of one name", &subdomains);
}
