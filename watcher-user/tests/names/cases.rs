//! Every claim, by name.

mod dns;
mod dns_lies;
mod http;
mod limits;
mod quic;
mod services;
mod tls;
mod tls_odd;

use std::{
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use anyhow::Result;
use libtest_mimic::{Arguments, Failed, Trial};

use crate::{scene::Scene, watcher::Watcher};

/// One claim and how it is shown.
pub struct Case {
    name: &'static str,
    show: fn(&mut Scene<'_>) -> Result<()>,
    /// It looks into the kernel's maps, which can hide the calls of others from a watcher.
    alone: bool,
}

impl Case {
    /// A claim.
    pub const fn new(name: &'static str, show: fn(&mut Scene<'_>) -> Result<()>) -> Self {
        Self { name, show, alone: false }
    }

    /// Nothing else is to be tried at the same time.
    pub const fn alone(self) -> Self {
        Self { alone: true, ..self }
    }
}

const ALL: &[&[Case]] = &[
    tls::CASES,
    tls_odd::CASES,
    quic::CASES,
    dns::CASES,
    dns_lies::CASES,
    services::CASES,
    http::CASES,
    limits::CASES,
];

/// The watcher starts with the first test that runs (listing needs none) and its failure fails every test.
#[derive(Default)]
struct Run {
    watcher: Mutex<Option<Result<Arc<Watcher>, String>>>,
    quiet: RwLock<()>,
}

impl Run {
    fn watcher(&self) -> Result<Arc<Watcher>, String> {
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        watcher.get_or_insert_with(|| Watcher::start(&[]).map(Arc::new).map_err(|e| format!("{e:#}"))).clone()
    }

    fn show(&self, case: &Case) -> Result<(), Failed> {
        let watcher = self.watcher()?;
        let prove = || {
            Scene::new(&watcher)
                .and_then(|mut scene| (case.show)(&mut scene))
                .map_err(|e| Failed::from(format!("{e:#}")))
        };
        if case.alone {
            let _quiet = self.quiet.write().unwrap_or_else(PoisonError::into_inner);
            prove()
        } else {
            let _lively = self.quiet.read().unwrap_or_else(PoisonError::into_inner);
            prove()
        }
    }
}

/// Runs what the arguments select.
pub fn run(args: &Arguments) -> ExitCode {
    let run = Arc::new(Run::default());
    let trials = ALL.iter().copied().flatten().map(|case| {
        let run = Arc::clone(&run);
        Trial::test(case.name, move || run.show(case))
    });
    let mut conclusion = libtest_mimic::run(args, trials.collect());
    let watcher = run.watcher.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(Ok(watcher)) = watcher
        && let Some(watcher) = Arc::into_inner(watcher)
        && let Err(e) = watcher.stop()
    {
        eprintln!("{e:#}");
        conclusion.num_failed += 1;
    }
    conclusion.exit_code()
}
