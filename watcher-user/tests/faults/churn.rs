//! Cgroups and namespaces that come and go while bytes flow.

use anyhow::{Result, ensure};
use libtest_mimic::Trial;

use crate::{
    scene::{trial, watched},
    stage::Stage,
    suite::Suite,
};

pub fn trials() -> Vec<Trial> {
    vec![trial("a_thousand_cgroups_and_namespaces_come_and_go_and_every_byte_is_counted", || {
        watched(&["--by", "connection"], churn)
    })]
}

const TIMES: u64 = 1_000;

fn churn(suite: &Suite) -> Result<()> {
    let mut stage = Stage::new(suite);
    // Beside it, processes that stay where they are.
    let (_, address) = stage.open("stream-server tcp v4 send 300000000 100000")?;
    let beside = stage.start(&format!("stream-client tcp {address} send 300000000 100000"))?;
    let churn = stage.start(&format!("namespaces {TIMES}"))?;
    stage.ended(churn)?;
    stage.ended(beside)?;
    let reports = stage.finish()?.into_iter().map(|r| r.flows.len()).filter(|flows| *flows == 0).count() as u64;
    // Each process inside, and who made the namespaces for it, and who did all of it.
    ensure!(reports == 2 * TIMES + 1, "{reports} processes reported");
    Ok(())
}
