//! Programs that nobody here wrote, held against what they say about themselves.

use std::{net::TcpListener, path::PathBuf};

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use super::Case;
use crate::{
    netns::Netns,
    program::Program,
    report::{Flow, Report},
    stage::Stage,
    suite::Backend,
};

pub fn cases() -> Vec<Case> {
    vec![
        // A raw ICMP socket gets its answers with the IP header of 20, a ping socket or ICMPv6 without.
        Case::new("ping_v4_through_a_raw_socket", |stage| ping(stage, "10.77.0.2", "1 0", 3 * 84)),
        Case::new("ping_v4_through_a_ping_socket", |stage| ping(stage, "10.77.0.2", "0 2147483647", 3 * 64)),
        Case::new("ping_v6", |stage| ping(stage, "fd77::2", "1 0", 3 * 64)),
        Case::new("iperf3_tcp", |stage| iperf(stage, &["-n", "200M", "-P", "2"])),
        Case::new("iperf3_tcp_reverse", |stage| iperf(stage, &["-n", "200M", "-R"])),
        Case::new("iperf3_udp", |stage| iperf(stage, &["-u", "-b", "80M", "-t", "1", "-l", "1400"])),
        Case::new("curl_and_nginx", web),
    ]
}

fn ping(mut stage: Stage<'_>, host: &str, groups: &str, rx: u64) -> Result<()> {
    let (here, _there) = Netns::pair()?;
    here.sysctl("net.ipv4.ping_group_range", groups)?;
    let command = ["ip", "netns", "exec", here.name(), "ping", "-n", "-c", "3", "-i", "0.2", "-s", "56", host];
    let ping = Program::start(&command)?;
    let pid = ping.pid();
    let said = ping.finish()?;
    ensure!(said.contains("3 received"), "ping says {said}");
    stage.leaky();
    stage.expect(Report { pid, tx: 3 * 64, rx, ..Report::default() });
    stage.finish().map(|_| ())
}

/// A port that was free a moment ago, for programs that cannot choose one themselves.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Each stream begins with a cookie of so many bytes, which iperf3 does not count.
const COOKIE: u64 = 37;

fn iperf(mut stage: Stage<'_>, how: &[&str]) -> Result<()> {
    let port = free_port()?.to_string();
    let mut server = Program::start(&["iperf3", "-s", "-1", "--forceflush", "-B", "127.0.0.1", "-p", &port])?;
    server.wait_for("Server listening")?;
    let client = Program::start(&[&["iperf3", "-c", "127.0.0.1", "-p", &port, "-J"], how].concat())?;
    let (client_pid, server_pid) = (client.pid(), server.pid());
    let said: Value = serde_json::from_str(&client.finish()?)?;
    server.finish()?;
    let flows = iperf_flows(&said)?;
    let suite = stage.suite();
    let Some(watcher) = suite.watcher() else { return Ok(()) };
    // By packets a process is known when it lived until somebody looked.
    if suite.backend() == Backend::Ebpf {
        for pid in [client_pid, server_pid] {
            watcher.wait("the end of iperf3", |s| s.processes.get(&pid).filter(|p| p.exited).map(|_| ()))?;
        }
    }
    // Each process moved what its conversations did; iperf3 says nothing of its control connection, the rows do.
    let state = watcher.state();
    for (pid, end) in [(client_pid, 0), (server_pid, 1)] {
        let (tx, rx) = state.connections_of(pid).fold((0, 0), |(tx, rx), c| (tx + c.tx_bytes, rx + c.rx_bytes));
        let flows = flows.iter().map(|f| f[end].clone()).collect();
        stage.expect(Report { pid, tx, rx, flows, ..Report::default() });
    }
    drop(state);
    stage.leaky();
    stage.finish().map(|_| ())
}

/// Every stream as the client and as the server has it.
fn iperf_flows(said: &Value) -> Result<Vec<[Flow; 2]>> {
    let list = |v: &Value| v.as_array().cloned().context("iperf3's JSON is not as expected");
    let number = |v: &Value| v.as_u64().context("iperf3's JSON is not as expected");
    let udp = said["start"]["test_start"]["protocol"] == "UDP";
    let reverse = said["start"]["test_start"]["reverse"] == 1;
    let mut flows = Vec::new();
    for (ends, moved) in list(&said["start"]["connected"])?.iter().zip(list(&said["end"]["streams"])?) {
        let end = |host: &str, port: &str| -> Result<_> {
            Ok(format!("{}:{}", ends[host].as_str().context("no host")?, ends[port]).parse()?)
        };
        let (client, server) = (end("local_host", "local_port")?, end("remote_host", "remote_port")?);
        // Of UDP it tells the bytes that were sent, and the datagrams that the server counted and missed: a busy server's
        // buffer overflows. Both sides greet with four bytes.
        let (sent, received) = if udp {
            let got = number(&moved["udp"]["packets"])? - number(&moved["udp"]["lost_packets"])?;
            (number(&moved["udp"]["bytes"])?, got * number(&said["start"]["test_start"]["blksize"])?)
        } else {
            (number(&moved["sender"]["bytes"])?, number(&moved["receiver"]["bytes"])?)
        };
        let (up, down) = if udp { (4, 4) } else { (COOKIE, 0) };
        let protocol = if udp { "udp" } else { "tcp" }.to_owned();
        let flow = |local, remote, tx, rx| Flow { protocol: protocol.clone(), local, remote, tx, rx };
        flows.push(if reverse {
            [flow(client, server, up, received + down), flow(server, client, sent + down, up)]
        } else {
            [flow(client, server, sent + up, down), flow(server, client, down, received + up)]
        });
    }
    ensure!(!flows.is_empty(), "iperf3 names no stream: {said}");
    Ok(flows)
}

/// A folder for a test, removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("exactness-web-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// One worker, files by sendfile, a body by echo, everything else out of the way.
fn nginx_config(folder: &str, port: u16) -> String {
    format!(
        "daemon off; worker_processes 1; pid {folder}/pid; error_log stderr error; user root;
         events {{ worker_connections 64; }}
         http {{
           access_log off; sendfile on; client_max_body_size 0;
           client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
           fastcgi_temp_path {folder}/fcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
           server {{ listen 127.0.0.1:{port}; root {folder}; location = /upload {{ return 200 'thanks'; }} }}
         }}"
    )
}

fn web(mut stage: Stage<'_>) -> Result<()> {
    let folder = Folder::new()?;
    let path = folder.0.display().to_string();
    let port = free_port()?;
    for (name, size) in [("small", 10), ("page", 100_000), ("large", 50_000_000)] {
        std::fs::write(folder.0.join(name), vec![b'w'; size])?;
    }
    std::fs::write(folder.0.join("conf"), nginx_config(&path, port))?;
    let master = Program::start(&["nginx", "-p", &path, "-e", "stderr", "-c", &format!("{path}/conf")])?;
    listening(port)?;
    let worker = only_child(master.pid())?;
    let (client, (tx, rx)) = fetch(&path, port)?;
    master.signal(Signal::SIGQUIT)?;
    let server = master.pid();
    master.finish()?;
    ensure!(rx > 50_100_010 && tx > 2_000_000, "curl says it sent {tx} and received {rx} bytes");
    stage.expect(Report { pid: client, tx, rx, ..Report::default() });
    stage.expect(Report { pid: worker, tx: rx, rx: tx, ..Report::default() });
    stage.expect(Report { pid: server, ..Report::default() });
    stage.finish().map(|_| ())
}

/// Several transfers by one curl, over connections that are kept; its process, and what it sent and received.
fn fetch(folder: &str, port: u16) -> Result<(u32, (u64, u64))> {
    let url = |path: &str| format!("http://127.0.0.1:{port}/{path}");
    let says = "%{size_request} %{size_upload} %{size_header} %{size_download}\\n";
    let body = format!("@{folder}/page");
    let one = |more: &[&str], url: String| -> Vec<String> {
        let common = ["--next", "-s", "-S", "-w", says, "-o", "/dev/null"];
        common.iter().chain(more).map(|s| (*s).to_owned()).chain([url]).collect()
    };
    let upload = ["-H", "Expect:", "--data-binary", &body];
    let mut words: Vec<String> = vec!["curl".to_owned()];
    words.extend(one(&[], url("small")).into_iter().skip(1));
    words.extend(one(&[], url("large")));
    words.extend(one(&[], url("missing")));
    for _ in 0..20 {
        words.extend(one(&upload, url("upload")));
    }
    words.extend(one(&["-H", "Connection: close"], url("page")));
    let curl = Program::start(&words.iter().map(String::as_str).collect::<Vec<_>>())?;
    let pid = curl.pid();
    let said = curl.finish()?;
    let mut sum = (0, 0);
    for line in said.lines() {
        let n = line.split(' ').map(str::parse).collect::<Result<Vec<u64>, _>>().with_context(|| said.clone())?;
        let [request, upload, header, download] = n[..] else { anyhow::bail!("curl says {line}") };
        sum.0 += request + upload;
        sum.1 += header + download;
    }
    Ok((pid, sum))
}

/// Waits until somebody listens: nginx says nothing, and a trial connection would be traffic.
fn listening(port: u16) -> Result<()> {
    let wanted = format!("0100007F:{port:04X} 00000000:0000 0A");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while !std::fs::read_to_string("/proc/net/tcp")?.contains(&wanted) {
        ensure!(std::time::Instant::now() < deadline, "nginx does not listen on {port}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    Ok(())
}

fn only_child(pid: u32) -> Result<u32> {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
        if let Ok(child) = children.trim().parse() {
            return Ok(child);
        }
        ensure!(std::time::Instant::now() < deadline, "process {pid} has no child: {children}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}
