//! Below the transports, in a namespace of their own so that nobody else's packets come in.

use anyhow::{Result, ensure};

use super::Case;
use crate::{netns::Netns, stage::Stage};

pub fn cases() -> Vec<Case> {
    vec![
        // 64 + 500 + 1400 sent; a raw IPv4 socket gets each with its header of 20.
        Case::new("raw_ip_of_an_odd_protocol_v4", |stage| raw(stage, "v4", 1_964, 1_964 + 60)),
        Case::new("raw_ip_of_an_odd_protocol_v6", |stage| raw(stage, "v6", 1_964, 1_964)),
        Case::new("a_ping_socket_v4", |stage| ping_socket(stage, "v4")),
        Case::new("a_ping_socket_v6", |stage| ping_socket(stage, "v6")),
        Case::new("link_layer_frames_are_counted_apart", frames),
    ]
}

fn raw(mut stage: Stage<'_>, host: &str, tx: u64, rx: u64) -> Result<()> {
    stage.leaky();
    let netns = Netns::new()?;
    stage.open_in(&netns, &format!("raw-take {host} 253 3"))?;
    stage.start_in(&netns, &format!("raw-send {host} 253 64 500 1400"))?;
    let reports = stage.finish()?;
    let sums = reports.iter().fold((0, 0), |(tx, rx), r| (tx + r.tx, rx + r.rx));
    ensure!(sums == (tx, rx), "(sent, received) {sums:?}");
    Ok(())
}

fn ping_socket(mut stage: Stage<'_>, host: &str) -> Result<()> {
    let netns = Netns::new()?;
    netns.sysctl("net.ipv4.ping_group_range", "0 2147483647")?;
    stage.start_in(&netns, &format!("ping-socket {host} 64 8 1000"))?;
    stage.finish().map(|_| ())
}

fn frames(mut stage: Stage<'_>) -> Result<()> {
    let (here, there) = Netns::pair()?;
    stage.open_in(&there, "frame-take veth0 3")?;
    stage.start_in(&here, "frame-send veth0 60 1000 1514")?;
    let reports = stage.finish()?;
    let sums = reports.iter().fold((0, 0), |(tx, rx), r| (tx + r.packet_tx, rx + r.packet_rx));
    ensure!(sums == (2_574, 2_574), "(sent, received) {sums:?}");
    Ok(())
}
