//! The tables, in Markdown.

use std::fmt::Write as _;

use anyhow::{Result, bail};
use serde_json::Value;

use super::place::Place;
use super::says::{Figure, Part, Said};
use super::watcher::Usage;

/// What watcher counted of one program in one namespace: (received, sent). What had no room by socket is counted by process
/// and has no namespace: it is in it as well.
fn counted(verdict: &Value, netns: u64, name: &str) -> (u64, u64) {
    let programs = verdict["programs"].as_array().into_iter().flatten();
    let own =
        programs.filter(|program| (program["netns"] == netns || program["netns"] == 0) && program["name"] == name);
    own.fold((0, 0), |(rx, tx), program| (rx + number(&program["rx"]), tx + number(&program["tx"])))
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

/// Servers tell of themselves; everybody else does where the clients are, or beside the server on loopback.
fn home(name: &str, [servers, clients]: [u64; 2]) -> u64 {
    if matches!(name, "nginx" | "redis-server" | "pgbench" | "redis-benchmark") { servers } else { clients }
}

/// Servers and their clients; with one of these nobody else talks, and both read all that comes.
const BOTH_ENDS: [(&str, &str); 4] = [("postgres", "pgbench"), ("dnsmasq", "dig"), ("sshd", "ssh"), ("rsync", "rsync")];

/// Everything.
pub fn all(place: &Place, verdict: &Value, usage: &Usage, said: &Said) -> Result<String> {
    let namespaces = place.namespaces()?;
    let mut out = String::new();
    let truth = &verdict["ended"]["truth"];
    writeln!(out, "| what | figure |\n| --- | --- |")?;
    let seconds = verdict["seconds"].as_f64().unwrap_or(0.0);
    writeln!(out, "| attributed | {} % over {seconds:.0} s |", text(&verdict["attributed_percent"]))?;
    writeln!(
        out,
        "| TCP sockets checked when they ended, unbalanced | {}, {} |",
        truth["checked"], truth["unbalanced"]
    )?;
    let (older, ulp) = (&verdict["ended"]["older"], &verdict["ended"]["ulp"]);
    writeln!(out, "| TCP sockets not checked: older than the counting, kTLS | {older}, {ulp} |")?;
    for (what, key) in [("bytes by the kernel, received, sent", "kernel"), ("bytes by calls, received, sent", "calls")]
    {
        let bytes = &verdict["ended"][key];
        writeln!(out, "| {what} | {}, {} |", bytes["rx"], bytes["tx"])?;
    }
    let open = &verdict["open"];
    writeln!(
        out,
        "| open at the end: compared, equal, unexplained | {}, {}, {} |",
        open["checked"], open["equal"], open["unexplained_sockets"]
    )?;
    writeln!(out, "| losses | {} |", losses(&verdict["losses"]))?;
    usage_rows(&mut out, usage)?;
    let (reasons, elsewhere) = unexplained(verdict, namespaces);
    writeln!(out, "| unexplained | {} |", if reasons.is_empty() { "nothing".to_owned() } else { reasons.join("; ") })?;
    if elsewhere > 0 {
        writeln!(out, "| unexplained in namespaces of others | {elsewhere} |")?;
    }
    protocols(&mut out, verdict, namespaces)?;
    programs(&mut out, verdict, namespaces, said)?;
    Ok(out)
}

/// What is unexplained here or of no namespace, and how much is in those of others, who may do what they like.
pub fn unexplained(verdict: &Value, own: [u64; 2]) -> (Vec<&str>, usize) {
    let is_own = |reason: &str| own.iter().any(|netns| reason.starts_with(&format!("namespace {netns}:")));
    let reasons = verdict["unexplained"].as_array().into_iter().flatten().map(text);
    let (here, elsewhere): (Vec<_>, Vec<_>) =
        reasons.partition(|reason| !reason.starts_with("namespace ") || is_own(reason));
    (here, elsewhere.len())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

fn losses(losses: &Value) -> String {
    let some = losses.as_object().into_iter().flatten().filter(|(_, n)| number(n) > 0);
    let words: Vec<_> = some.map(|(what, n)| format!("{} {n}", what.replace('_', " "))).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

fn usage_rows(out: &mut String, usage: &Usage) -> Result<()> {
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let at = |share: usize| usage.memory.get((usage.memory.len().saturating_sub(1)) * share / 4).copied();
    let points: Vec<_> = (0..=4).filter_map(at).map(|(s, bytes)| format!("{:.1} at {s} s", mib(bytes))).collect();
    let most = usage.memory.iter().map(|(_, bytes)| *bytes).max().unwrap_or(0);
    writeln!(out, "| memory of watcher, MiB | {}; most {:.1} |", points.join(", "), mib(most))?;
    let percent = if usage.seconds > 0.0 { 100.0 * usage.cpu / usage.seconds } else { 0.0 };
    writeln!(out, "| CPU of watcher | {:.1} s, {percent:.1} % of a core |", usage.cpu)?;
    Ok(())
}

fn protocols(out: &mut String, verdict: &Value, [servers, clients]: [u64; 2]) -> Result<()> {
    writeln!(
        out,
        "\n| namespace | octets of IP | payload of calls | headers of IP, UDP | sent again | queues | the rest | it may be | datagrams, calls |"
    )?;
    writeln!(out, "| --- | --- | --- | --- | --- | --- | --- | --- | --- |")?;
    for (name, netns) in [("servers", servers), ("clients", clients)] {
        let reports = verdict["namespaces"].as_array().into_iter().flatten();
        for report in reports.filter(|report| report["netns"] == netns) {
            for way in ["received", "sent"] {
                let side = &report[way];
                let span = |key: &str| shown(&side[key]);
                writeln!(
                    out,
                    "| {name}, {way} | {} | {} | {}, {} | {} | {} | {} | {} | {}, {} |",
                    span("octets"),
                    side["payload"],
                    span("ip_headers"),
                    span("udp_headers"),
                    span("again"),
                    span("queues"),
                    span("rest"),
                    span("allowed"),
                    span("datagrams"),
                    side["datagram_calls"],
                )?;
            }
        }
    }
    Ok(())
}

fn shown(span: &Value) -> String {
    let (least, most) = (&span["least"], &span["most"]);
    if least == most { least.to_string() } else { format!("{least} to {most}") }
}

fn programs(out: &mut String, verdict: &Value, namespaces: [u64; 2], said: &Said) -> Result<()> {
    writeln!(out, "\n| program | runs | its work | received: watcher | it says | sent: watcher | it says |")?;
    writeln!(out, "| --- | --- | --- | --- | --- | --- | --- |")?;
    for (name, program) in said.programs() {
        let (rx, tx) = counted(verdict, home(name, namespaces), name);
        let work: Vec<_> = program.work.iter().map(|(what, n)| format!("{n} {what}")).collect();
        let (says_rx, says_tx) = (says(program.rx, rx), says(program.tx, tx));
        writeln!(out, "| {name} | {} | {} | {rx} | {says_rx} | {tx} | {says_tx} |", program.runs, work.join(", "))?;
    }
    let (rx, tx) = counted(verdict, namespaces[0], "iperf3");
    writeln!(out, "| iperf3, the server | 1 | | {rx} | | {tx} | |")?;
    for (server, client) in BOTH_ENDS {
        let (rx, tx) = counted(verdict, namespaces[0], server);
        let (client_rx, client_tx) = counted(verdict, home(client, namespaces), client);
        let says = |counted, other| says(Some(Figure { bytes: other, part: Part::All }), counted);
        let (says_rx, says_tx) = (says(rx, client_tx), says(tx, client_rx));
        writeln!(
            out,
            "| {server}, the server | 1 | | {rx} | by {client}: {says_rx} | {tx} | by {client}: {says_tx} |"
        )?;
    }
    Ok(())
}

fn says(figure: Option<Figure>, counted: u64) -> String {
    match figure {
        None => String::new(),
        Some(Figure { bytes, part: Part::All }) if bytes == counted => format!("{bytes}, equal"),
        Some(Figure { bytes, part: Part::All }) => format!("{bytes}, NOT equal"),
        Some(Figure { bytes, part: Part::But(what) }) => {
            format!("{bytes}: {} more, {what}", i128::from(counted) - i128::from(bytes))
        }
    }
}

/// What a program says of all of its bytes must be what watcher counted; what it says of a part, no more than that. And what one end
/// of a connection sent, the other received.
pub fn demand_equality(place: &Place, verdict: &Value, said: &Said) -> Result<()> {
    let namespaces = place.namespaces()?;
    let mut wrong = Vec::new();
    for (name, program) in said.programs() {
        let (rx, tx) = counted(verdict, home(name, namespaces), name);
        for (way, figure, counted) in [("received", program.rx, rx), ("sent", program.tx, tx)] {
            let holds = figure.is_none_or(|figure| match figure.part {
                Part::All => figure.bytes == counted,
                Part::But(_) => figure.bytes <= counted,
            });
            if !holds {
                wrong.push(format!("{name} says it {way} {figure:?}, watcher counted {counted}"));
            }
        }
    }
    for (server, client) in BOTH_ENDS {
        let (rx, tx) = counted(verdict, namespaces[0], server);
        let (client_rx, client_tx) = counted(verdict, home(client, namespaces), client);
        if (rx, tx) != (client_tx, client_rx) {
            wrong.push(format!(
                "{server} received {rx} and sent {tx}, {client} sent {client_tx} and received {client_rx}"
            ));
        }
    }
    if wrong.is_empty() { Ok(()) } else { bail!("{}", wrong.join("; ")) }
}
