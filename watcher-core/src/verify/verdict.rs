//! Everything together.

use serde::Serialize;

use super::{Ended, NamespaceReport, OpenReport, Program};
use crate::{Losses, interfaces::Bytes};

/// What `watcher doctor --verify` says. The field names are stable.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Verdict {
    /// Seconds that were looked at.
    pub seconds: f64,
    /// Payload of the checked TCP connections that ended, by calls over by the kernel, percent, never rounded up.
    pub attributed_percent: String,
    /// TCP connections that ended.
    pub ended: Ended,
    /// TCP connections that did not.
    pub open: OpenReport,
    /// What got lost.
    pub losses: Losses,
    /// Each network namespace that could be looked at.
    pub namespaces: Vec<NamespaceReport>,
    /// IP payload by namespace and name.
    pub programs: Vec<Program>,
    /// Payload in namespaces that were gone before they could be looked at, or must not be entered.
    pub elsewhere: Bytes,
    /// How many those are.
    pub namespaces_not_looked_at: u64,
    /// What is unexplained, in words; empty when all is well.
    pub unexplained: Vec<String>,
}

impl Verdict {
    /// Fills in what follows from the rest.
    #[must_use]
    pub fn judged(mut self) -> Self {
        let Bytes { rx, tx } = self.ended.calls;
        let kernel = self.ended.kernel;
        // Bytes too many are no better than bytes that are missing.
        let wrong = kernel.rx.abs_diff(rx).saturating_add(kernel.tx.abs_diff(tx));
        let all = kernel.rx.saturating_add(kernel.tx);
        self.attributed_percent = share(all.saturating_sub(wrong), all);
        self.unexplained = self.reasons();
        self
    }

    fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        let truth = &self.ended.truth;
        if truth.unbalanced > 0 {
            reasons.push(format!(
                "{} of {} TCP connections that ended do not balance: {} bytes missing, {} too many",
                truth.unbalanced,
                truth.checked,
                truth.unattributed_rx + truth.unattributed_tx,
                truth.excess_rx + truth.excess_tx
            ));
        }
        if self.open.unexplained_sockets > 0 {
            reasons.push(format!("{} open TCP connections do not balance", self.open.unexplained_sockets));
        }
        if !self.losses.is_exact() {
            reasons.push("calls or bytes got lost; the line `losses` says how".to_owned());
        }
        for namespace in &self.namespaces {
            reasons.extend(of_namespace(namespace));
        }
        reasons
    }
}

fn of_namespace(report: &NamespaceReport) -> Vec<String> {
    let mut reasons = Vec::new();
    let netns = report.netns;
    for (side, way) in [(&report.received, "received"), (&report.sent, "sent")] {
        let more = |n: i64| if n > 0 { "more" } else { "less" };
        if side.unexplained_bytes != 0 {
            let bytes = side.unexplained_bytes;
            reasons.push(format!(
                "namespace {netns}: IP {way} {} bytes {} than payload and headers can be",
                bytes.unsigned_abs(),
                more(bytes)
            ));
        }
        if side.unexplained_datagrams != 0 {
            let datagrams = side.unexplained_datagrams;
            reasons.push(format!(
                "namespace {netns}: UDP {way} {} datagrams {} than calls were counted (empty datagrams, several calls \
                 for one, tunnels of the kernel's own, or calls missed)",
                datagrams.unsigned_abs(),
                more(datagrams)
            ));
        }
    }
    if report.unexplained_by_devices != 0 {
        let bytes = report.unexplained_by_devices;
        reasons.push(format!("namespace {netns}: {bytes} bytes were received that no interface brought"));
    }
    reasons
}

/// `part` of `whole` in percent with four decimals, rounded towards 0: only all is 100.0000.
#[must_use]
pub fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "100.0000".to_owned();
    }
    let parts = u128::from(part) * 1_000_000 / u128::from(whole);
    format!("{}.{:04}", parts / 10_000, parts % 10_000)
}
