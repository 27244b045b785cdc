//! Every claim, by name.

mod applications;
mod crowds;
mod datagrams;
mod endings;
mod lives;
mod names;
mod networks;
mod processes;
mod programs;
mod raw;
mod streams;
mod streams_odd;

use std::{
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Result, anyhow};
use libtest_mimic::{Arguments, Failed, Trial};

use crate::{
    packets::{self, Showing},
    stage::Stage,
    suite::{Backend, Suite},
};

/// One claim and how it is shown.
pub struct Case {
    /// The claim.
    pub name: String,
    /// Why this kernel cannot show it.
    pub missing: Option<&'static str>,
    /// The proof.
    pub show: Box<dyn Fn(Stage<'_>) -> Result<()> + Send>,
}

impl Case {
    /// A claim.
    pub fn new(name: impl Into<String>, show: impl Fn(Stage<'_>) -> Result<()> + Send + 'static) -> Self {
        Self { name: name.into(), missing: None, show: Box::new(show) }
    }

    /// A claim about something that not every kernel has.
    pub fn needs(mut self, what: &'static str, there: bool) -> Self {
        self.missing = (!there).then_some(what);
        self
    }
}

/// By what they are about: the files beside this one.
fn all() -> impl Iterator<Item = (&'static str, Case)> {
    [
        ("streams", streams::cases()),
        ("streams_odd", streams_odd::cases()),
        ("datagrams", datagrams::cases()),
        ("processes", processes::cases()),
        ("crowds", crowds::cases()),
        ("endings", endings::cases()),
        ("lives", lives::cases()),
        ("names", names::cases()),
        ("applications", applications::cases()),
        ("networks", networks::cases()),
        ("raw", raw::cases()),
        ("programs", programs::cases()),
    ]
    .into_iter()
    .flat_map(|(group, cases)| cases.into_iter().map(move |case| (group, case)))
}

/// The suite starts with the first test that runs (listing needs none) and its failure fails every test.
type Shared = Arc<Mutex<Option<Result<Suite, String>>>>;

/// Runs what the arguments select, one after the other.
pub fn run(mut args: Arguments) -> ExitCode {
    args.test_threads = Some(1);
    let suite = Shared::default();
    let trials = all().map(|(group, case)| trial(case, &suite).with_kind(group)).collect();
    let mut conclusion = libtest_mimic::run(&args, trials);
    let ended = suite.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(Ok(suite)) = ended
        && let Err(e) = suite.stop()
    {
        eprintln!("{e:#}");
        conclusion.num_failed += 1;
    }
    conclusion.exit_code()
}

fn trial(case: Case, suite: &Shared) -> Trial {
    let Case { name, missing, show } = case;
    if let Some(what) = missing {
        eprintln!("not on this kernel: {what} ({name})");
    }
    let showing = if Backend::under_test() == Backend::Packets { packets::showing(&name) } else { Showing::Equal };
    if let Showing::Nothing(why) = showing {
        eprintln!("not by packets: {name}: {why}");
    }
    let suite = suite.clone();
    Trial::test(name, move || {
        let mut suite = suite.lock().unwrap_or_else(PoisonError::into_inner);
        let suite = suite.get_or_insert_with(|| Suite::start().map_err(|e| format!("{e:#}")));
        let suite = suite.as_ref().map_err(Failed::from)?;
        prove(suite, showing, &show).map_err(|e| Failed::from(format!("{e:#}")))
    })
    .with_ignored_flag(missing.is_some() || matches!(showing, Showing::Nothing(_)))
}

fn prove(suite: &Suite, showing: Showing, show: &dyn Fn(Stage<'_>) -> Result<()>) -> Result<()> {
    suite.begin(showing)?;
    let shown = show(Stage::new(suite));
    match (shown, suite.end()) {
        (Err(shown), Err(truth)) => Err(anyhow!("{shown:#}\n{truth:#}")),
        (shown, truth) => shown.and(truth),
    }
}
