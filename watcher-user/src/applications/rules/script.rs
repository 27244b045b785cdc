//! The script that an interpreter runs.

mod clusters;
mod runtimes;

use watcher_core::{Application, NamedBy};

use crate::applications::{
    Facts,
    decide::found,
    facts::{base, folder},
};

/// What an interpreter was told to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told<'a> {
    /// A file, by its path or address.
    File(&'a str),
    /// Something that it finds by its name, and the option that said so: a module, a class.
    Named(&'static str, &'a str),
}

/// One executable with many programs in it: argument 0 says which.
const MULTI_CALL: &[&str] = &["busybox", "toybox"];

/// `python3 -u /srv/app.py` is app.py, `java -jar x.jar` is x.jar. Code that stands in the arguments has no name.
pub fn name(facts: &Facts) -> Option<Application> {
    // A login shell has a dash before its name.
    let called = base(facts.first().trim_start_matches('-'));
    let program = facts.executable.as_deref().map(base).filter(|name| !MULTI_CALL.contains(name)).unwrap_or(called);
    let arguments: Vec<&str> = facts.arguments.iter().skip(1).map(String::as_str).collect();
    let told = told(program, &arguments)?;
    let (name, how) = match told {
        Told::File(path) => (file(path)?, path.to_owned()),
        Told::Named(option, name) => (name, format!("{option} {name}").trim_start().to_owned()),
    };
    (!name.is_empty()).then(|| found(NamedBy::Script, name, format!("{program} {how}")))
}

/// The base name, unless it is that of a descriptor: then nobody knows what is read there.
fn file(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next().filter(|name| !name.is_empty() && !matches!(*name, "." | ".."))?;
    let is_descriptor = path.starts_with("/dev/") || (path.starts_with("/proc/") && folder(path).ends_with("/fd"));
    (!is_descriptor).then_some(name)
}

fn told<'a>(program: &str, arguments: &[&'a str]) -> Option<Told<'a>> {
    // python3.12, ruby3.2, perl5.36.0: the version is no part of what it is.
    let family = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    match family {
        "node" | "nodejs" => runtimes::node(arguments),
        "java" => runtimes::java(arguments),
        "deno" => runtimes::deno(arguments),
        "bun" => runtimes::bun(arguments),
        _ => clusters::of(family)?.told(arguments),
    }
}
