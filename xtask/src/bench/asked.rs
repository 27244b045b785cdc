//! What was typed behind `cargo xtask bench`, and what has to be built for that.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::{BENCHES, Bench, HELP, OVERHEAD, PEERS, RELEASES, build, cargo_build, flame, overhead, packets, peers};
use crate::privilege::as_root;

/// Options and names.
#[derive(Default)]
pub struct Asked {
    names: Vec<String>,
    pub pairs: Option<usize>,
    pub gib: Option<u64>,
    pub quick: bool,
    pub peers: bool,
    pub write: bool,
    program: Option<PathBuf>,
    /// How this starts itself again: the watcher that counts packets.
    counting: Option<PathBuf>,
}

impl Asked {
    /// Nothing where help was asked for.
    pub fn read(mut args: lexopt::Parser) -> Result<Option<Self>> {
        let mut asked = Self::default();
        while let Some(arg) = args.next()? {
            match arg {
                lexopt::Arg::Value(name) => asked.names.push(name.to_string_lossy().into_owned()),
                lexopt::Arg::Long("pairs") => {
                    asked.pairs = Some(args.value()?.to_string_lossy().parse().context("--pairs N")?);
                }
                lexopt::Arg::Long("gib") => {
                    asked.gib = Some(args.value()?.to_string_lossy().parse().context("--gib N")?);
                }
                lexopt::Arg::Long("quick") => asked.quick = true,
                lexopt::Arg::Long("peers") => asked.peers = true,
                lexopt::Arg::Long("write") => asked.write = true,
                lexopt::Arg::Long("packets-watcher") => asked.counting = Some(PathBuf::from(args.value()?)),
                lexopt::Arg::Long("watcher") => asked.program = Some(PathBuf::from(args.value()?)),
                lexopt::Arg::Long("help") | lexopt::Arg::Short('h') => return Ok(None),
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(Some(asked))
    }

    fn names(&self, wanted: &str) -> bool {
        self.names.iter().any(|name| name == wanted)
    }

    /// Those that were named; else those that may be run unasked, or the one that was asked for.
    pub fn chosen(&self) -> Result<Vec<&'static (&'static str, Bench)>> {
        let all = || BENCHES.iter().chain(RELEASES).chain(OVERHEAD);
        let is_known = |name: &str| name == overhead::NAME || all().any(|(known, _)| *known == name);
        if let Some(unknown) = self.names.iter().find(|name| !is_known(name)) {
            bail!("there is no bench `{unknown}`\n\n{HELP}");
        }
        let is_in = |benches: &[(&str, Bench)], name: &str| benches.iter().any(|(known, _)| *known == name);
        let is_part = |name: &str| is_in(OVERHEAD, name);
        let is_meant = |name: &str| {
            if self.names.is_empty() {
                is_in(BENCHES, name) && (name == PEERS) == self.peers
            } else {
                self.names(name) || (is_part(name) && self.names(overhead::NAME))
            }
        };
        let chosen: Vec<_> = all().filter(|(name, _)| is_meant(name)).collect();
        let has_page = chosen.iter().any(|(name, _)| is_part(name) || *name == PEERS);
        if self.write && !has_page {
            bail!("--write is for `{PEERS}`, and for `{}` and its parts", overhead::NAME);
        }
        if self.write && self.quick && chosen.iter().any(|(name, _)| *name == PEERS) {
            bail!("--write is for a whole run of `{PEERS}`");
        }
        Ok(chosen)
    }

    /// The watcher that is measured, and the one that counts packets. What is built was built before this becomes root.
    pub fn programs(&self, chosen: &[&(&str, Bench)]) -> Result<(PathBuf, PathBuf)> {
        if let Some(counting) = self.counting.clone() {
            return Ok((self.program.clone().context("--packets-watcher comes with --watcher")?, counting));
        }
        let is_chosen = |wanted: &str| chosen.iter().any(|(name, _)| *name == wanted);
        if is_chosen("packets") {
            packets::build()?;
        }
        if is_chosen(PEERS) {
            cargo_build(&["--package", "watcher-user", "--example", peers::QUIC])?;
        }
        if is_chosen("flame") {
            flame::build()?;
        }
        let (program, counting) = match self.program.clone() {
            Some(program) => (program.clone(), program),
            None => build(is_chosen("packets") || is_chosen(PEERS), chosen.iter().any(|(name, _)| *name != "packets"))?,
        };
        if self.names(overhead::NAME) {
            overhead::elsewhere(&program);
        }
        Ok((program, counting))
    }

    /// Starts xtask again through sudo; returns only when that fails.
    pub fn again_as_root(&self, [program, counting]: [&Path; 2]) -> anyhow::Error {
        let again = || -> Result<Command> {
            let mut command = as_root(std::env::current_exe().context("cannot tell where xtask itself lies")?)?;
            command.arg("bench").args(&self.names).arg("--watcher").arg(program);
            command.arg("--packets-watcher").arg(counting);
            let numbers = [("--pairs", self.pairs.map(|pairs| pairs as u64)), ("--gib", self.gib)];
            for (flag, number) in numbers {
                command.args(number.map(|number| format!("{flag}={number}")));
            }
            for (flag, is_set) in [("--quick", self.quick), ("--peers", self.peers), ("--write", self.write)] {
                command.args(is_set.then_some(flag));
            }
            Ok(command)
        };
        match again() {
            Ok(mut command) => anyhow::Error::new(command.exec()).context("cannot start through sudo"),
            Err(error) => error,
        }
    }
}
