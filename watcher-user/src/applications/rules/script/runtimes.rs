//! Interpreters whose options are words: `node --enable-source-maps server.js`.

use super::Told;

/// The first argument that is no option. `takes_next`: options whose value is the next argument; `is_flag`: those without
/// one. Any other option without `=` leaves the script unknown, since what follows it may be its value.
fn operand<'a>(arguments: &[&'a str], takes_next: &[&str], is_flag: impl Fn(&str) -> bool) -> Option<(usize, &'a str)> {
    let mut rest = arguments.iter().copied().enumerate();
    while let Some((at, argument)) = rest.next() {
        if argument == "--" {
            return rest.next();
        }
        if !argument.starts_with('-') {
            return Some((at, argument));
        }
        if takes_next.contains(&argument) {
            rest.next()?;
        } else if !(is_flag(argument) || (argument.starts_with("--") && argument.contains('='))) {
            return None;
        }
    }
    None
}

fn begins(argument: &str, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| argument.starts_with(beginning))
}

pub(super) fn node<'a>(arguments: &[&'a str]) -> Option<Told<'a>> {
    let valued = [
        "-r",
        "-C",
        "--conditions",
        "--env-file",
        "--experimental-config-file",
        "--experimental-loader",
        "--import",
        "--loader",
        "--require",
        "--title",
    ];
    // Those that have a value among these have it after `=` only.
    let flags = [
        "--allow-",
        "--enable-",
        "--experimental-",
        "--expose",
        "--harmony",
        "--inspect",
        "--no-",
        "--pending-deprecation",
        "--preserve-symlinks",
        "--throw-deprecation",
        "--trace-",
        "--use-",
        "--watch",
    ];
    // As options whose value is the next argument.
    let excepted =
        ["--inspect-port", "--trace-event", "--watch-path", "--use-largepages", "--experimental-default-type"];
    let is_flag = |argument: &str| begins(argument, &flags) && !begins(argument, &excepted);
    let (_, script) = operand(arguments, &valued, is_flag)?;
    // `node inspect app.js` is its debugger.
    (script != "inspect").then_some(Told::File(script))
}

pub(super) fn java<'a>(arguments: &[&'a str]) -> Option<Told<'a>> {
    let valued = [
        "-cp",
        "-classpath",
        "-p",
        "--add-exports",
        "--add-modules",
        "--add-opens",
        "--add-reads",
        "--class-path",
        "--enable-native-access",
        "--limit-modules",
        "--module-path",
        "--patch-module",
        "--source",
        "--upgrade-module-path",
    ];
    let starts = |argument: &str| matches!(argument, "-jar" | "-m" | "--module");
    let at = arguments.iter().position(|argument| starts(argument)).unwrap_or(arguments.len());
    // One dash: the value, if there is one, is in the same argument.
    let is_flag = |argument: &str| !argument.starts_with("--") || argument == "--enable-preview";
    // Options that the virtual machine reads from a file say nothing here.
    let read = |arguments: &[&'a str]| operand(arguments, &valued, is_flag).map(|(_, class)| class);
    if let Some(class) = read(&arguments[..at]) {
        let is_known = !class.starts_with('@');
        let told = if class.ends_with(".java") { Told::File(class) } else { Told::Named("", class) };
        return is_known.then_some(told);
    }
    // All before it are options, each of them known: else the word itself may be somebody's value.
    let (option, value) = (*arguments.get(at)?, *arguments.get(at + 1)?);
    let mut probe = arguments[..at].to_vec();
    probe.push("end");
    if read(&probe) != Some("end") {
        return None;
    }
    Some(if option == "-jar" { Told::File(value) } else { Told::Named("-m", value) })
}

pub(super) fn deno<'a>(arguments: &[&'a str]) -> Option<Told<'a>> {
    let (&verb, arguments) = arguments.split_first()?;
    if !matches!(verb, "run" | "serve") {
        return None;
    }
    let valued =
        ["-c", "-L", "--cert", "--config", "--import-map", "--location", "--log-level", "--port", "--host", "--seed"];
    let flags = ["--allow-", "--deny-", "--no-", "--unstable", "--cached-only", "--quiet", "--check", "--watch"];
    let is_flag =
        |argument: &str| matches!(argument, "-A" | "-q" | "-r" | "-N" | "-R" | "-W" | "-E") || begins(argument, &flags);
    operand(arguments, &valued, is_flag).map(|(_, script)| Told::File(script))
}

pub(super) fn bun<'a>(arguments: &[&'a str]) -> Option<Told<'a>> {
    let flags = ["--bun", "--hot", "--inspect", "--no-", "--smol", "--watch", "--silent"];
    let is_flag = |argument: &str| argument == "-b" || begins(argument, &flags);
    let (at, first) = operand(arguments, &[], is_flag)?;
    let script = if first == "run" { operand(&arguments[at + 1..], &[], is_flag)?.1 } else { first };
    // Without either it is one of bun's verbs, or a script of package.json.
    (script.contains('/') || script.contains('.')).then_some(Told::File(script))
}
