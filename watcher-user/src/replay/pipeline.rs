//! From frames to everything that views show, by the file's own time.

use std::{net::IpAddr, time::Duration};

use jiff::Timestamp;
use macos_pcap::{
    engine::{Captured, Engine, Seen},
    flows::{Hosts, Limits},
    owners::Nobody,
};
use uuid::Uuid;
use watcher_core::{
    Aggregator, BootTime, Quality, Retention, Snapshot,
    rollup::{Frame, Profile, Rollup, Window},
};

use crate::{agent::open_policy, clock::WallClock};

/// Flows that have ended and are listed.
const LISTED: usize = 65_536;
/// How much of the file's time passes between two batches.
const BATCH: Duration = Duration::from_secs(1);

/// A file on its way through.
pub struct Pipeline {
    engine: Engine,
    sums: Aggregator,
    window: Window,
    /// The latest time so far, and as of the last batch.
    now: BootTime,
    collected: BootTime,
    frames: usize,
}

/// What came of it.
pub struct Outcome {
    /// Frames.
    pub seen: Seen,
    /// Payload between other machines.
    pub overheard_bytes: u64,
    /// Every flow, the ended ones too, up to a bound.
    pub snapshot: Snapshot,
    window: Window,
    sums: Aggregator,
    quality: Quality,
}

impl Pipeline {
    pub fn new(hosts: impl IntoIterator<Item = IpAddr>) -> Self {
        let retention = Retention {
            ended_flow: Duration::MAX,
            max_ended_flows: LISTED,
            ended_process: Duration::MAX,
            max_remotes: LISTED,
            ..Retention::default()
        };
        Self {
            engine: Engine::new(Hosts::new(hosts), 0, Limits::default(), true),
            sums: Aggregator::new(retention),
            window: Window::new(open_policy(true)),
            now: BootTime(0),
            collected: BootTime(0),
            frames: 0,
        }
    }

    pub fn see(&mut self, frame: &Captured<'_>) {
        self.now = self.now.max(frame.at);
        self.frames += 1;
        // Each batch looks at all flows: a file whose clock leaps from frame to frame must not make that dear.
        if self.now.since(self.collected) >= BATCH && self.frames > self.engine.flows().len() / 8 {
            self.collect();
        }
        self.engine.see(frame);
    }

    fn collect(&mut self) {
        (self.collected, self.frames) = (self.now, 0);
        let Ok(batch) = self.engine.collect(self.now, &mut Nobody);
        self.sums.apply_with(&batch, &mut self.window.listen());
    }

    pub fn finish(mut self) -> Outcome {
        self.collect();
        let quality = self.engine.quality().clone();
        Outcome {
            seen: *self.engine.seen(),
            overheard_bytes: self.engine.flows().overheard_bytes(),
            snapshot: self.sums.snapshot(&quality),
            window: self.window,
            sums: self.sums,
            quality,
        }
    }
}

impl Outcome {
    /// When the first frame was captured.
    pub fn started_at(&self) -> Timestamp {
        wall(self.seen.first)
    }

    /// When the last one was.
    pub fn ended_at(&self) -> Timestamp {
        wall(self.seen.last)
    }

    /// All of it as one window. Which machine it was the file does not say.
    pub fn rollup(&self) -> Rollup {
        let frame = Frame {
            upload_id: Uuid::nil(),
            started_at: self.started_at(),
            ended_at: self.ended_at(),
            duration: self.seen.last.unwrap_or_default().since(self.seen.first.unwrap_or_default()),
            booted_at: Timestamp::UNIX_EPOCH,
            running: false,
            machine: &Profile::default(),
            quality: &self.quality,
            version: env!("CARGO_PKG_VERSION"),
        };
        self.window.clone().finish(&frame, self.sums.directory())
    }
}

fn wall(at: Option<BootTime>) -> Timestamp {
    WallClock::booted_at(Timestamp::UNIX_EPOCH).at(at.unwrap_or_default())
}
