//! Many calls at once, all of them asleep: whatever a hook holds while a call sleeps must not run out.

use anyhow::{Result, ensure};

use super::Case;
use crate::{netns::Netns, stage::Stage};

/// More than a return probe has instances by default (`max(10, 2 * CPUs)`) on all but the largest machines.
const THREADS: u64 = 200;

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("two_hundred_threads_asleep_in_sending_calls", sending),
        Case::new("two_hundred_threads_asleep_in_receiving_calls", receiving),
        Case::new("two_hundred_threads_asleep_in_raw_receiving_calls", raw_receiving),
    ]
}

fn sending(mut stage: Stage<'_>) -> Result<()> {
    let (keeper, address) = stage.open(&format!("crowd-keeper v4 {THREADS}"))?;
    stage.open(&format!("crowd-of-senders {address} {THREADS}"))?;
    stage.go(keeper)?;
    stage.finish().map(|_| ())
}

fn receiving(mut stage: Stage<'_>) -> Result<()> {
    let (receivers, ports) = stage.open(&format!("crowd-of-receivers v4 {THREADS}"))?;
    stage.announced(receivers)?;
    stage.start(&format!("crowd-caller v4 {ports}"))?;
    stage.finish().map(|_| ())
}

fn raw_receiving(mut stage: Stage<'_>) -> Result<()> {
    stage.leaky();
    let netns = Netns::new()?;
    stage.open_in(&netns, &format!("crowd-of-raw-receivers v4 253 {THREADS}"))?;
    stage.start_in(&netns, "raw-send v4 253 500")?;
    // Each gets it with the header.
    let received: u64 = stage.finish()?.iter().map(|r| r.rx).sum();
    ensure!(received == THREADS * 520, "received {received}");
    Ok(())
}
