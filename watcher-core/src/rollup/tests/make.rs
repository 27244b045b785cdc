//! Windows in few words.

use std::time::Duration;

pub use crate::aggregate::tests::make::{
    closed, closed_by, exited, flow, in_scope, process, quality, second, seen, to, with_kernel,
};
use crate::{
    Aggregator, Batch, FlowSample, Losses, ProcessEvent, ProcessInfo, Retention,
    names::{Head, Reader},
    rollup::{Frame, Names, Policy, ProcessSample, Profile, Rollup, Window, WindowOptions},
};

/// An aggregator with the window that listens to it.
pub struct Rig {
    pub sums: Aggregator,
    pub window: Window,
    pub options: WindowOptions,
    pub losses: Losses,
}

impl Rig {
    pub fn new(options: WindowOptions) -> Self {
        Self {
            sums: Aggregator::new(Retention::default()),
            window: Window::new(options.clone()),
            options,
            losses: Losses::default(),
        }
    }

    pub fn with_policy(policy: Policy) -> Self {
        Self::new(WindowOptions { policy, ..WindowOptions::default() })
    }

    pub fn apply(&mut self, at: u64, processes: Vec<ProcessEvent>, flows: Vec<FlowSample>) {
        self.apply_named(at, processes, flows, &[]);
    }

    pub fn apply_named(&mut self, at: u64, processes: Vec<ProcessEvent>, flows: Vec<FlowSample>, heads: &[Head]) {
        let (mut reader, mut heard) = (Reader::new(), Vec::new());
        heads.iter().for_each(|head| reader.read(head, &mut heard));
        let batch = Batch { at: second(at), processes, heard, flows, losses: self.losses, ..Batch::default() };
        self.sums.apply_with(&batch, &mut self.window.listen());
    }

    /// One poll of processes by pid, CPU percent and MiB.
    pub fn poll(&mut self, samples: &[(u32, f64, u64)]) {
        let names: Vec<String> = samples.iter().map(|(tgid, ..)| format!("p{tgid}")).collect();
        self.window.poll(samples.iter().zip(&names).map(|(&(tgid, percent, mib), name)| ProcessSample {
            id: process(tgid),
            name,
            command: "",
            cpu_percent: Some(percent),
            rss_bytes: mib << 20,
        }));
    }

    /// Ends the window and begins the next.
    pub fn finish(&mut self) -> Rollup {
        self.finish_named(&())
    }

    pub fn finish_named(&mut self, names: &impl Names) -> Rollup {
        let window = std::mem::replace(&mut self.window, Window::new(self.options.clone()));
        let (quality, machine) = (quality(), machine());
        window.finish(&frame(&machine, &quality), names)
    }
}

impl Default for Rig {
    fn default() -> Self {
        Self::new(WindowOptions::default())
    }
}

pub fn machine() -> Profile {
    Profile { hostname: "laptop".into(), ..Profile::default() }
}

pub fn frame<'a>(machine: &'a Profile, quality: &'a crate::Quality) -> Frame<'a> {
    Frame {
        upload_id: uuid::Uuid::from_u128(0x1234),
        started_at: "2026-01-02T03:00:00Z".parse().unwrap(),
        ended_at: "2026-01-02T03:15:00.25Z".parse().unwrap(),
        duration: Duration::from_millis(900_250),
        booted_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        running: true,
        machine,
        quality,
        version: "0.1.0",
    }
}

/// With a command line.
pub fn runs(tgid: u32, name: &str, command: &str) -> ProcessEvent {
    let info = ProcessInfo { name: name.into(), command: command.into(), ..ProcessInfo::default() };
    ProcessEvent::Seen { id: process(tgid), info }
}
