//! Row: of the bytes of a browsing session, how many went to a name.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::super::Plan;
use super::super::netns::{SERVER, Veth};
use super::super::table::Row;
use super::site::{Folder, SITES, Web, site};
use crate::run::capture;

/// A browser with a profile of its own goes from page to page; watcher stands beside it.
pub fn row(plan: &Plan) -> Result<Vec<Row>> {
    let veth = Veth::new()?;
    let folder = Folder::new()?;
    let _web = Web::start(&veth, &folder)?;
    let _resolver = Resolver::of(&veth)?;
    let mut watcher = Listening::start(plan)?;
    for number in 0..usize::try_from(plan.scaled(SITES as u64))?.max(1) {
        visit(&veth, &folder, number)?;
    }
    let flows = watcher.finish()?;
    let all: u64 = flows.values().map(|flow| flow.bytes).sum();
    let named: u64 = flows.values().filter(|flow| flow.source.is_some()).map(|flow| flow.bytes).sum();
    if all < 1 << 19 {
        bail!("the browser moved {all} bytes only");
    }
    let mut sources: HashMap<&str, u64> = HashMap::new();
    for flow in flows.values() {
        *sources.entry(flow.source.as_deref().unwrap_or(&flow.protocol)).or_default() += flow.bytes;
    }
    let mut sources: Vec<_> = sources.into_iter().collect();
    sources.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    let sources: Vec<String> = sources.iter().map(|(source, bytes)| format!("{source} {bytes}")).collect();
    let names = flows.values().filter_map(|flow| flow.name.as_deref()).collect::<std::collections::HashSet<_>>().len();
    let note = format!(
        "{named} of {all} bytes, {} connections, {names} names; bytes by source: {}",
        flows.len(),
        sources.join(", ")
    );
    let share = super::super::ratio(named, all);
    Ok(vec![Row::at_least(
        "share of a browsing session's bytes that have a name (headless Chromium)",
        0.99,
        share,
        &note,
    )])
}

fn visit(veth: &Veth, folder: &Folder, number: usize) -> Result<()> {
    let mut browser = veth.client("chromium");
    browser.args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]);
    browser.args(["--ignore-certificate-errors", "--disable-background-networking", "--disable-component-update"]);
    browser.args(["--timeout=20000", "--dump-dom"]);
    browser.arg(format!("--user-data-dir={}", folder.path("profile").display()));
    browser.arg(format!("https://{}/page-{number}.html", site(number)));
    let printed = capture(&mut browser).context("the browser failed")?;
    if !printed.contains(&format!("site {number}")) {
        bail!("the browser did not show page {number}: {}", printed.chars().take(200).collect::<String>());
    }
    Ok(())
}

/// /etc/netns/NAME/resolv.conf, which `ip netns exec` puts in the place of the system's.
struct Resolver(PathBuf);

impl Resolver {
    fn of(veth: &Veth) -> Result<Self> {
        let folder = PathBuf::from("/etc/netns").join(veth.client_name());
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let this = Self(folder);
        fs::write(this.0.join("resolv.conf"), format!("nameserver {SERVER}\n")).context("cannot write resolv.conf")?;
        Ok(this)
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        // Best effort: the name is of this process only.
        let _ = fs::remove_dir_all(&self.0);
    }
}

struct Flow {
    bytes: u64,
    name: Option<String>,
    source: Option<String>,
    protocol: String,
}

/// watcher, and every connection of the browser that it told of.
struct Listening {
    child: Child,
    /// Reads all the while: a pipe holds less than a session's lines.
    reader: Option<JoinHandle<Vec<String>>>,
}

impl Listening {
    fn start(plan: &Plan) -> Result<Self> {
        let mut child = Command::new(&plan.subject.program)
            .args(["top", "--standalone", "--json", "--by", "connection", "--filter", "chromium"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start watcher")?;
        let stdout = child.stdout.take().context("the child's output was asked for")?;
        let (begun, begins) = mpsc::channel();
        let reader = thread::spawn(move || {
            let lines = BufReader::new(stdout).lines().map_while(Result::ok);
            lines
                .inspect(|_| {
                    let _ = begun.send(());
                })
                .collect()
        });
        let mut this = Self { child, reader: Some(reader) };
        if begins.recv_timeout(Duration::from_secs(30)).is_err() {
            this.child.kill().ok();
            bail!("watcher did not begin to count");
        }
        Ok(this)
    }

    /// Ends it; what it said.
    fn finish(&mut self) -> Result<HashMap<String, Flow>> {
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM).context("cannot end watcher")?;
        let mut flows = HashMap::new();
        let lines =
            self.reader.take().and_then(|reader| reader.join().ok()).context("watcher's output was not read")?;
        for line in lines {
            let object: Value = serde_json::from_str(&line).context("watcher printed something that is not JSON")?;
            for row in object["connections"].as_array().into_iter().flatten() {
                let text = |field: &str| row[field].as_str().map(str::to_owned);
                let key = format!("{} {} {} {}", row["cookie"], row["epoch"], row["pid"], row["remote"]);
                let bytes = row["rx_bytes"].as_u64().unwrap_or(0) + row["tx_bytes"].as_u64().unwrap_or(0);
                let protocol = text("application_protocol").or_else(|| text("protocol")).unwrap_or_default();
                let flow = Flow { bytes, name: text("remote_name"), source: text("name_source"), protocol };
                flows.insert(key, flow);
            }
        }
        self.child.wait().context("cannot wait for watcher")?;
        Ok(flows)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // Already gone after `finish`.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
