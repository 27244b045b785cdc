//! TCP sockets that have not ended: the kernel's counters of each beside the calls'.
//!
//! A socket on which nothing moves must balance to the byte. One that moves is read three times, twice by the kernel's
//! counters with the calls' between: what the calls say must lie between the two. A sending call counts when it returns;
//! what it has moved by then is the kernel's already. Such a call is seen in `/proc/PID/task/TID/syscall`.

use std::{collections::HashMap, net::SocketAddr};

use serde::Serialize;

use super::{Counted, Diag, Open, Span, Standing};
use crate::{ProcessId, interfaces::Bytes};

/// Sockets that are named.
const NAMED: usize = 20;

/// What cannot be told by counters: whether a thread of the process is within a sending call on the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// Whose.
    pub process: ProcessId,
    /// On which socket.
    pub inode: u64,
}

/// One socket of which the calls' figure cannot be the kernel's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Still {
    /// Its process.
    pub pid: u32,
    /// The name.
    pub name: String,
    /// Here.
    pub local: SocketAddr,
    /// There.
    pub remote: Option<SocketAddr>,
    /// Bytes received: the kernel's less the calls'.
    pub rx: i64,
    /// Bytes sent: the kernel's less the calls'.
    pub tx: i64,
}

/// All open TCP sockets.
#[derive(Debug, Clone, Default, Serialize)]
pub struct OpenReport {
    /// Those compared.
    pub checked: u64,
    /// Of those, where nothing moved meanwhile and the figures are equal.
    pub equal: u64,
    /// Of those, where something moved, and the figure of the calls lies between the kernel's.
    pub moving: u64,
    /// Bytes that calls have moved on all compared, in the time.
    pub calls: Bytes,
    /// Bytes that sending calls have moved that have not returned yet, at least.
    pub under_way: u64,
    /// Sockets with such calls.
    pub calls_under_way: u64,
    /// Sockets that the kernel reads or writes itself (kTLS, MPTCP), or of a connection that is not the first of its socket.
    pub not_compared: u64,
    /// The others.
    pub unexplained: Vec<Still>,
    /// How many those are.
    pub unexplained_sockets: u64,
}

/// Compares every socket that both sides know. `is_sending` answers a [`Question`].
pub fn sockets(
    counted: &Counted,
    start: &HashMap<u32, Standing>,
    end: &HashMap<u32, Standing>,
    mut is_sending: impl FnMut(Question) -> bool,
) -> OpenReport {
    let mut report = OpenReport::default();
    for (id, open) in counted.open() {
        let Some(standing) = end.get(&open.netns) else { continue };
        let (before, after) = &standing.sockets;
        let (Some(before), Some(after)) = (before.get(&id.cookie), after.get(&id.cookie)) else { continue };
        if !before.is_connected() || !after.is_connected() {
            continue;
        }
        if before.has_ulp || open.epoch != 0 {
            report.not_compared += 1;
            continue;
        }
        let empty = Standing::default();
        let start = start.get(&open.netns).unwrap_or(&empty);
        let first = (start.sockets.0.get(&id.cookie), start.sockets.1.get(&id.cookie));
        if open.seeded && (first.0.is_none() || first.1.is_none()) {
            report.not_compared += 1;
            continue;
        }
        one(&mut report, open, first, (before, after), &mut is_sending);
    }
    report
}

fn one(
    report: &mut OpenReport,
    open: &Open,
    first: (Option<&Diag>, Option<&Diag>),
    last: (&Diag, &Diag),
    is_sending: &mut impl FnMut(Question) -> bool,
) {
    report.checked += 1;
    let moved = open.total.since(open.before);
    report.calls.add(moved);
    // One that is younger than the counting has all of its bytes in the total, whenever the time began.
    let (calls, first) = if open.seeded { (moved, first) } else { (open.total, (None, None)) };
    let rx = figure(first, last, Diag::consumed, |diag| diag.bytes_received) - Span::of(calls.rx);
    let tx = figure(first, last, |diag| diag.accepted(open.active), |diag| diag.bytes_acked) - Span::of(calls.tx);
    let possible = |span: Span| span.least <= 0 && span.most >= 0;
    let still = last.0 == last.1;
    if possible(rx) && possible(tx) {
        *(if still { &mut report.equal } else { &mut report.moving }) += 1;
        return;
    }
    // Nothing is under way in receiving: what is taken out of the queue is counted there.
    let question = Question { process: open.process, inode: last.1.inode };
    if possible(rx) && tx.least > 0 && (!still || is_sending(question)) {
        report.under_way += tx.least.cast_unsigned();
        report.calls_under_way += 1;
        return;
    }
    // A call that was under way when the time began counts in it as a whole.
    report.unexplained_sockets += 1;
    if report.unexplained.len() < NAMED {
        let Open { process, name, local, remote, .. } = open;
        let (pid, name) = (process.tgid, name.clone());
        let (rx, tx) = (nearest(rx), nearest(tx));
        report.unexplained.push(Still { pid, name, local: *local, remote: *remote, rx, tx });
    }
}

/// What the kernel's figure grew by. The list tells of queues before it tells of counters, without the socket's lock: what
/// came between the two is in one and not in the other, and at most what came between two lists.
fn figure(
    first: (Option<&Diag>, Option<&Diag>),
    last: (&Diag, &Diag),
    of: impl Fn(&Diag) -> u64,
    moves: impl Fn(&Diag) -> u64,
) -> Span {
    let zero = (0, 0, 0);
    let pair = |a: &Diag, b: &Diag| (of(a), of(b), moves(b).saturating_sub(moves(a)));
    let start = first.0.zip(first.1).map_or(zero, |(a, b)| pair(a, b));
    let end = pair(last.0, last.1);
    let slack = Span::up_to(start.2 + end.2);
    let grown = Span::of(end.0) - Span::of(start.1);
    let most = Span::of(end.1) - Span::of(start.0);
    Span::between(grown.least.min(most.least), most.most.max(grown.most)) + slack - slack
}

/// The end of a span that is nearer to 0; 0 where it can be.
fn nearest(span: Span) -> i64 {
    span.beyond(Span::default())
}
