//! What stands out, the weightiest first.

use std::{cmp::Reverse, collections::HashMap};

use super::{
    Evidence, FOLDED_PART, Insight, Insights, Key, Kind, PAIRS,
    apps::{ABOVE_OTHERS, App, MANY},
    pair::{MUCH, Pair, Sum},
};
use crate::BootTime;

/// So many of one kind are reported, the newest: the report stays one page or two, and no kind hides another.
const MOST_OF_A_KIND: usize = 20;
/// What was sent against what was received. A download's ratio is below 0.1, a call's near 1; what is acknowledged by an
/// application piece by piece (HTTP, SSH) comes to 50 and more. With [`MUCH`], 50 MiB, that is a backup, a video, a disk
/// image, and no day of chat.
const TIMES: u64 = 10;

impl Insights {
    /// What stands out, as of a moment: at most 100, by kind, then the newest first.
    #[must_use]
    pub fn report(&self, now: BootTime) -> Vec<Insight> {
        let mut found = Vec::new();
        for ((app, remote), pair) in &self.pairs {
            let Some(app) = self.apps.get(*app) else { continue };
            let all = of_pair(pair, now);
            found.extend(all.map(|(since, until, what)| insight(app, Some(remote.to_string()), since, until, what)));
        }
        for (number, app) in self.apps.iter() {
            found.extend(self.many_domains(number, app, now));
        }
        let order = |one: &Insight| (one.evidence.kind(), Reverse(one.until), Reverse(one.since));
        found.sort_by(|a, b| order(a).cmp(&order(b)).then_with(|| (&a.app, &a.remote).cmp(&(&b.app, &b.remote))));
        let mut of_kind: HashMap<Kind, usize> = HashMap::new();
        found.retain(|one| {
            let count = of_kind.entry(one.evidence.kind()).or_default();
            *count += 1;
            *count <= MOST_OF_A_KIND
        });
        found
    }

    fn many_domains(&self, number: u32, app: &App, now: BootTime) -> Option<Insight> {
        let (domains, since, until) = app.best_hour();
        if domains < MANY {
            return None;
        }
        let others_median = self.apps.median_without(number);
        if others_median.is_some_and(|median| domains < median.saturating_mul(ABOVE_OTHERS)) {
            return None;
        }
        let what = Evidence::ManyDomains { domains, others_median };
        Some(insight(app, None, since, until.min(now), what))
    }

    /// Makes room: the pairs that would be missed least go. Of those that are equally light, first those of the application
    /// that has most, so that whoever scans a network pushes out its own.
    pub(super) fn fold(&mut self) {
        let crowd = |app: u32| Reverse(self.apps.get(app).map_or(0, |app| app.pairs));
        let mut order: Vec<_> =
            self.pairs.iter().map(|((app, _), pair)| (pair.weight(), crowd(*app), pair.last)).collect();
        let (_, bar, _) = order.select_nth_unstable(PAIRS / FOLDED_PART);
        let bar = *bar;
        let mut gone: Vec<Key> = Vec::new();
        for (key, pair) in &self.pairs {
            if gone.len() < PAIRS / FOLDED_PART && (pair.weight(), crowd(key.0), pair.last) <= bar {
                gone.push(key.clone());
            }
        }
        for key in gone {
            if let Some((pair, app)) = self.pairs.remove(&key).zip(self.apps.get_mut(key.0)) {
                app.forget(pair.hours);
            }
        }
    }
}

fn insight(app: &App, remote: Option<String>, since: BootTime, until: BootTime, evidence: Evidence) -> Insight {
    Insight { app: app.name.to_string(), pid: app.newest.tgid, remote, since, until, evidence }
}

fn of_pair(pair: &Pair, now: BootTime) -> impl Iterator<Item = (BootTime, BootTime, Evidence)> {
    let first = pair.first.unwrap_or(pair.last);
    let uploads = is_mostly_sent(pair.asked).then(|| {
        let Sum { tx, rx } = pair.asked;
        (first, pair.last, Evidence::Uploads { tx_bytes: tx, rx_bytes: rx, opened_here: !pair.is_unsure })
    });
    let serves = is_mostly_sent(pair.served).then(|| {
        let Sum { tx, rx } = pair.served;
        (first, pair.last, Evidence::Serves { tx_bytes: tx, rx_bytes: rx })
    });
    let dns = pair.dns.as_ref().map(|dns| {
        let what =
            Evidence::EncryptedDns { how: dns.how(), connections: dns.connections, tx_bytes: dns.tx, rx_bytes: dns.rx };
        (dns.since.unwrap_or(first), pair.last, what)
    });
    // Who asks for names at intervals does so for others.
    let polling = pair.rhythm.run(now).filter(|_| pair.dns.is_none()).map(|(run, one_connection)| {
        let what = Evidence::Polling {
            period_seconds: run.period(),
            spread_seconds: run.spread(),
            exchanges: run.exchanges(),
            missed: run.missed(),
            bytes_each: run.bytes_each(),
            one_connection,
        };
        (run.since(), run.until(), what)
    });
    [uploads, polling, dns, serves].into_iter().flatten()
}

fn is_mostly_sent(sum: Sum) -> bool {
    sum.tx >= MUCH && sum.tx >= sum.rx.saturating_mul(TIMES)
}
