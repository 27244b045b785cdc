//! Row: bulk throughput of iperf3 between two network namespaces.

use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::Plan;
use super::alternate::compare;
use super::netns::{SERVER, Veth};
use super::table::Row;
use crate::run::capture;

/// With watcher and without, alternately.
pub fn rows(plan: &Plan) -> Result<Vec<Row>> {
    let veth = Veth::new()?;
    let seconds = plan.scaled(5).max(1).to_string();
    let measured = compare(&plan.subject, plan.pairs, || transfer(&veth, &seconds))?;
    let note = format!(
        "{:.1} of {:.1} Gbit/s; pairs {:.3} to {:.3}",
        measured.with / 1e9,
        measured.without / 1e9,
        measured.spread.0,
        measured.spread.1
    );
    Ok(vec![Row::at_least("iperf3 bulk throughput over veth, with / without", 0.97, measured.ratio, &note)])
}

/// Bits per second that arrived.
fn transfer(veth: &Veth, seconds: &str) -> Result<f64> {
    let mut server = veth.server("iperf3");
    let server = server.args(["--server", "--one-off"]).stdout(Stdio::null()).spawn().context("cannot start iperf3")?;
    let _server = Ended(server);
    // The server says nothing that could be awaited: try until it listens.
    for _ in 0..50 {
        thread::sleep(Duration::from_millis(50));
        let mut client = veth.client("iperf3");
        if let Ok(printed) = capture(client.args(["--client", SERVER, "--json", "--time", seconds])) {
            let report: Value = serde_json::from_str(&printed).context("iperf3 printed something that is not JSON")?;
            let rate = report["end"]["sum_received"]["bits_per_second"].as_f64();
            return rate.context("iperf3 reports no end.sum_received.bits_per_second");
        }
    }
    bail!("iperf3 could not reach its server")
}

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // `--one-off` has ended it already after a good transfer.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
