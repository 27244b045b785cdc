//! The clients, each in a loop of its own: run, take what it says of itself, run again.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::place::Place;
use super::says::{Part, Said};
use super::servers::{DNS, IPERF, NGINX, POSTGRES, REDIS, RSYNC, SSH};
use crate::bench::netns::SERVER;
use crate::run::{capture, shown};

/// One round of one client: a few seconds at most, however long the soak is.
pub type Job = fn(&Place) -> Result<Said>;

/// All of them.
pub fn all() -> Vec<(&'static str, Job)> {
    vec![
        ("iperf3", iperf3),
        ("wrk", wrk),
        ("curl", curl),
        ("dig", dig),
        ("pgbench", pgbench),
        ("redis-benchmark", redis),
        ("scp", scp),
        ("ssh", ssh),
        ("rsync", rsync),
    ]
}

/// Until it is over, or one round fails.
pub fn again_and_again(job: &(&'static str, Job), place: &Place, over: impl Fn() -> bool) -> Result<Said> {
    let (name, round) = job;
    let mut sum = Said::default();
    while !over() {
        sum.add(round(place).with_context(|| (*name).to_owned())?);
    }
    Ok(sum)
}

/// TCP both ways and UDP. iperf3 has a connection beside, over which both ends agree.
fn iperf3(place: &Place) -> Result<Said> {
    let mut said = Said::default();
    // What an end received after the time is up is in nobody's figure.
    for more in [&[][..], &["-R"], &["-P", "4", "-b", "400M"], &["-u", "-b", "100M", "-l", "1200"]] {
        let mut command = place.client("iperf3");
        command.args(["-c", SERVER, "-p", &IPERF.to_string(), "-t", "2", "--json"]).args(more);
        let result: Value = serde_json::from_str(&capture(&mut command)?)?;
        let iperf = said.of("iperf3");
        iperf.runs += 1;
        // Starved for seconds, an end gives up and has no figures. What it moved counts all the same.
        if let Some(why) = result["error"].as_str() {
            eprintln!("soak: iperf3 gave up: {why}");
            iperf.did("given up", 1);
            continue;
        }
        let bytes = |path: &str| {
            let found = result.pointer(path).and_then(Value::as_u64);
            found.with_context(|| format!("no {path} in {}", result.to_string().chars().take(2000).collect::<String>()))
        };
        let part = Part::But("its control connection, and what comes after the time");
        if more.contains(&"-R") {
            iperf.received(bytes("/end/sum_received/bytes")?, part);
        } else {
            iperf.sent(bytes("/end/sum_sent/bytes")?, part);
        }
    }
    Ok(said)
}

/// It rounds its bytes; nginx tells them.
fn wrk(place: &Place) -> Result<Said> {
    let mut said = Said::default();
    for (page, connections) in [("small", "16"), ("large", "4")] {
        let mut command = place.client("wrk");
        command.args(["-t", "1", "-c", connections, "-d", "2s"]).arg(url(page));
        let text = capture(&mut command)?;
        let wrk = said.of("wrk");
        wrk.runs += 1;
        let line = text.lines().find(|line| line.contains(" requests in ")).with_context(|| text.clone())?;
        wrk.did("requests", line.split_whitespace().next().context("no number")?.parse()?);
    }
    Ok(said)
}

fn url(page: &str) -> String {
    format!("http://{SERVER}:{NGINX}/files/{page}")
}

/// Processes of one request each.
fn curl(place: &Place) -> Result<Said> {
    let mut said = Said::default();
    for page in ["small", "small", "small", "large"] {
        let mut command = place.client("curl");
        command.args(["-s", "-o", "/dev/null", "--max-time", "30", "-w"]);
        let text = capture(command.args(["%{size_header} %{size_download} %{size_request}", &url(page)]))?;
        let numbers: Vec<u64> = text.split(' ').map_while(|word| word.parse().ok()).collect();
        let [header, download, request] = numbers[..] else { bail!("curl said {text:?}") };
        let curl = said.of("curl");
        curl.runs += 1;
        curl.received(header + download, Part::All);
        curl.sent(request, Part::All);
    }
    Ok(said)
}

/// Questions by UDP, and some by TCP, where two bytes of length stand before each message.
fn dig(place: &Place) -> Result<Said> {
    let mut said = Said::default();
    for (more, questions, length) in [(&[][..], 100, 0), (&["+tcp"], 20, 2)] {
        let names: String = (0..questions).map(|n| format!("host{n}.soak.test\n")).collect();
        let batch = place.text(&format!("names{length}"));
        fs::write(&batch, names)?;
        let mut command = place.client("dig");
        command.args([&format!("@{SERVER}"), "-p", &DNS.to_string(), "+tries=1", "+time=5"]).args(more);
        let text = capture(command.args(["-f", &batch]))?;
        let sizes =
            text.lines().filter_map(|line| line.strip_prefix(";; MSG SIZE  rcvd: ")?.trim().parse::<u64>().ok());
        let dig = said.of("dig");
        dig.runs += 1;
        for size in sizes {
            dig.received(size + length, Part::All);
            dig.did("answers", 1);
        }
    }
    Ok(said)
}

/// Over loopback.
fn pgbench(place: &Place) -> Result<Said> {
    let mut said = Said::default();
    // With a connection for each transaction, and without.
    for more in [&[][..], &["-C"]] {
        let mut command = place.server("pgbench");
        command.args(["-h", "127.0.0.1", "-p", &POSTGRES.to_string(), "-U", "postgres", "-n", "-c", "3", "-T", "2"]);
        let text = capture(command.args(more).arg("postgres"))?;
        let line = text.lines().find_map(|line| line.strip_prefix("number of transactions actually processed: "));
        let pgbench = said.of("pgbench");
        pgbench.runs += 1;
        pgbench.did("transactions", line.and_then(|number| number.parse().ok()).with_context(|| text.clone())?);
    }
    Ok(said)
}

/// Over loopback.
fn redis(place: &Place) -> Result<Said> {
    const REQUESTS: u64 = 10_000;
    let mut command = place.server("redis-benchmark");
    command.args(["-h", "127.0.0.1", "-p", &REDIS.to_string(), "-n", &REQUESTS.to_string(), "-c", "20"]);
    capture(command.args(["-t", "set,get", "-d", "512", "-q"]))?;
    let mut said = Said::default();
    said.of("redis-benchmark").runs = 1;
    said.of("redis-benchmark").did("requests", 2 * REQUESTS);
    Ok(said)
}

fn secure(place: &Place, program: &str) -> Command {
    let mut command = place.client(program);
    command.args(["-v", "-F", "/dev/null", "-i", &place.text("user"), "-o", "StrictHostKeyChecking=no"]);
    command.args(["-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20"]);
    command
}

/// `scp` moves its bytes by a process `ssh`.
fn scp(place: &Place) -> Result<Said> {
    let mut command = secure(place, "scp");
    command.args(["-P", &SSH.to_string(), &place.text("www/files/file")]);
    transferred(command.arg(format!("root@{SERVER}:{}", place.text("copies/scp"))))
}

fn ssh(place: &Place) -> Result<Said> {
    let mut command = secure(place, "ssh");
    command.args(["-p", &SSH.to_string(), &format!("root@{SERVER}"), "cat", &place.text("www/files/large")]);
    transferred(&mut command)
}

/// `Transferred: sent 3096, received 1053244 bytes, in 0.1 seconds`.
fn transferred(command: &mut Command) -> Result<Said> {
    let output = command.stdin(Stdio::null()).output().with_context(|| shown(command))?;
    let text = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("`{}` failed ({}): {}", shown(command), output.status, text.trim());
    }
    let line =
        text.lines().find_map(|line| line.strip_prefix("Transferred: sent ")).with_context(|| text.to_string())?;
    let words: Vec<u64> = line.split([',', ' ']).filter_map(|word| word.parse().ok()).collect();
    let [sent, received, ..] = words[..] else { bail!("ssh said {line:?}") };
    let mut said = Said::default();
    let ssh = said.of("ssh");
    ssh.runs = 1;
    ssh.sent(sent, Part::But("its first line, lengths and MACs of packets"));
    ssh.received(received, Part::But("its first line, lengths and MACs of packets"));
    Ok(said)
}

fn rsync(place: &Place) -> Result<Said> {
    let copies = place.path("copies/rsync");
    if copies.exists() {
        fs::remove_dir_all(&copies)?;
    }
    let mut command = place.client("rsync");
    command.args(["-r", "--stats", "--timeout=60"]);
    let text = capture(command.arg(format!("rsync://{SERVER}:{RSYNC}/files/")).arg(&copies))?;
    let figure = |name: &str| -> Result<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).with_context(|| text.clone())?;
        Ok(line.trim().replace(',', "").parse()?)
    };
    let mut said = Said::default();
    let rsync = said.of("rsync");
    rsync.runs = 1;
    rsync.sent(figure("Total bytes sent:")?, Part::But("its greeting"));
    rsync.received(figure("Total bytes received:")?, Part::But("its greeting"));
    Ok(said)
}
