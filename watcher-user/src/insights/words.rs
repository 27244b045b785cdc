//! One insight as one sentence: what was seen, with its numbers, and no more.

use std::{borrow::Cow, time::Duration};

use watcher_core::insights::{Evidence, How, Insight};

use crate::{
    text::printable,
    units::{Units, count},
    wording,
};

/// The sentence. Names in it are printable.
pub fn what(one: &Insight) -> String {
    let app = if one.app.is_empty() { Cow::Borrowed("?") } else { printable(&one.app) };
    let remote = one.remote.as_deref().map_or(Cow::Borrowed("many"), printable);
    match &one.evidence {
        Evidence::Uploads { tx_bytes, rx_bytes, opened_here } => {
            let sum = sent(*tx_bytes, *rx_bytes);
            let opened = if *opened_here { "" } else { "; for some connections, who opened them was not seen" };
            format!("{app} uploaded to {remote}: {sum}{opened}")
        }
        Evidence::Serves { tx_bytes, rx_bytes } => {
            format!("{app} serves {remote}, which opened the connections: {}", sent(*tx_bytes, *rx_bytes))
        }
        Evidence::Polling { period_seconds, spread_seconds, exchanges, missed, bytes_each, one_connection } => {
            let (may_be, by) = if *one_connection { (" or keepalive", ", over one connection") } else { ("", "") };
            let missed = if *missed > 0 { format!(", {} missed", count((*missed).into())) } else { String::new() };
            format!(
                "possible telemetry{may_be}: {app} asks {remote} every {} (±{}), {} each time, {} times over {}{missed}{by}",
                period(*period_seconds),
                period(*spread_seconds),
                Units::default().amount(*bytes_each),
                count((*exchanges).into()),
                wording::span(one.until.since(one.since)),
            )
        }
        Evidence::EncryptedDns { how, connections, .. } => {
            let seen = match how {
                How::Alpn => format!("{app} offers {remote} a protocol of DNS over TLS or QUIC"),
                How::Port => format!("{app} talks to port 853 of {remote}"),
                How::Resolver(host) => {
                    format!("{app} talks to {}, a public resolver for DNS over HTTPS", printable(host))
                }
            };
            let s = if *connections == 1 { "" } else { "s" };
            let connections = count((*connections).into());
            format!(
                "possible encrypted DNS: {seen} ({connections} connection{s}); names that it asks for there are not seen"
            )
        }
        Evidence::ManyDomains { domains, others_median } => {
            let others = others_median
                .map(|median| format!("; the one in the middle of the others reached {}", count(median.into())))
                .unwrap_or_default();
            let domains = count((*domains).into());
            format!(
                "possible crawler or tracker-heavy page (a browser does this too): {app} reached {domains} domains \
                 within an hour{others}"
            )
        }
    }
}

fn sent(tx: u64, rx: u64) -> String {
    let [sent, received] = [tx, rx].map(|bytes| Units::default().amount(bytes));
    let times = tx.checked_div(rx).map(|times| format!(", {} times as much", count(times))).unwrap_or_default();
    format!("{sent} sent, {received} received{times}")
}

/// `0.4 s`, `60 s`, `15m00s`.
fn period(seconds: f64) -> String {
    match seconds {
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 119.5 => format!("{s:.0} s"),
        s => wording::span(Duration::try_from_secs_f64(s.round()).unwrap_or(Duration::MAX)),
    }
}
