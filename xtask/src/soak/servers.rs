//! The servers, each in the scratch directory with a port of its own; ended by their process numbers.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::place::Place;
use super::says::{Part, Said};
use crate::bench::netns::SERVER;
use crate::run::{capture, shown};

/// Ports, in namespaces where nobody else listens.
pub const IPERF: u16 = 5211;
pub const NGINX: u16 = 8090;
pub const DNS: u16 = 5311;
pub const POSTGRES: u16 = 5491;
pub const REDIS: u16 = 6390;
pub const SSH: u16 = 2291;
pub const RSYNC: u16 = 8731;

/// How long one may take to listen, and to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// All of them.
pub struct Servers(Vec<Server>);

struct Server {
    name: &'static str,
    /// What ends it in good order.
    end: Signal,
    child: Child,
}

/// Starts all, and returns when each listens.
pub fn start(place: &Place) -> Result<Servers> {
    files(place)?;
    let mut servers = Servers(Vec::new());
    let text = |name: &str| place.text(name);
    let mut iperf = place.server("iperf3");
    iperf.args(["-s", "-p", &IPERF.to_string()]);
    let mut nginx = place.server("nginx");
    nginx.args(["-p", &text(""), "-c", &text("nginx.conf"), "-e", &text("nginx.errors")]);
    let mut dns = place.server("dnsmasq");
    dns.args(["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces"]);
    dns.args([format!("--port={DNS}"), format!("--listen-address={SERVER}"), "--address=/soak.test/192.0.2.7".into()]);
    dns.args(["--pid-file=", "--user=nobody"]);
    let mut redis = place.server_as("redis", "redis-server");
    redis.args(["--port", &REDIS.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir", &text("redis")]);
    let mut ssh = place.server("/usr/sbin/sshd");
    ssh.args(["-D", "-e", "-f", &text("sshd.conf")]);
    let mut rsync = place.server("rsync");
    rsync.args(["--daemon", "--no-detach", "--config", &text("rsync.conf"), "--port", &RSYNC.to_string()]);
    for (name, port, end, command) in [
        ("iperf3", IPERF, Signal::SIGTERM, iperf),
        ("nginx", NGINX, Signal::SIGQUIT, nginx),
        ("dnsmasq", DNS, Signal::SIGTERM, dns),
        ("redis-server", REDIS, Signal::SIGTERM, redis),
        ("sshd", SSH, Signal::SIGTERM, ssh),
        ("rsync", RSYNC, Signal::SIGTERM, rsync),
        ("postgres", POSTGRES, Signal::SIGINT, postgres(place)?),
    ] {
        servers.start(place, name, port, end, command)?;
    }
    let mut fill = place.server("pgbench");
    fill.args(["-h", "127.0.0.1", "-p", &POSTGRES.to_string(), "-U", "postgres", "-q", "-i", "-s", "2", "postgres"]);
    capture(&mut fill)?;
    Ok(servers)
}

fn files(place: &Place) -> Result<()> {
    let scratch = place.text("");
    let nginx = format!(
        "daemon off; user www-data; worker_processes 2; pid {scratch}nginx.pid;\n\
         events {{ worker_connections 512; }}\n\
         http {{ log_format bytes '$request_length $bytes_sent';\n\
           access_log {scratch}nginx.log bytes buffer=64k; sendfile on; root {scratch}www;\n\
           client_body_temp_path {scratch}; proxy_temp_path {scratch}; fastcgi_temp_path {scratch};\n\
           uwsgi_temp_path {scratch}; scgi_temp_path {scratch};\n\
           server {{ listen {SERVER}:{NGINX}; }} }}\n"
    );
    fs::write(place.path("nginx.conf"), nginx)?;
    let keygen = |name: &str| {
        capture(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &place.text(name)]))
    };
    keygen("host")?;
    keygen("user")?;
    let sshd = format!(
        "ListenAddress {SERVER}:{SSH}\nHostKey {scratch}host\nAuthorizedKeysFile {scratch}user.pub\nUsePAM no\n\
         StrictModes no\nPermitRootLogin prohibit-password\nPidFile none\nSubsystem sftp internal-sftp\n"
    );
    fs::write(place.path("sshd.conf"), sshd)?;
    // Where sshd locks itself in before anybody has logged in.
    fs::create_dir_all("/run/sshd")?;
    let rsync = format!(
        "address = {SERVER}\nuse chroot = no\nuid = root\nlog file = {scratch}rsync.log\n\
         [files]\npath = {scratch}www/files\nread only = yes\n"
    );
    fs::write(place.path("rsync.conf"), rsync)?;
    for (folder, user) in [("redis", "redis"), ("postgres", "postgres")] {
        fs::create_dir(place.path(folder))?;
        capture(Command::new("chown").args([user, &place.text(folder)]))?;
    }
    Ok(())
}

fn postgres(place: &Place) -> Result<Command> {
    let versions = fs::read_dir("/usr/lib/postgresql").context("/usr/lib/postgresql")?;
    let bin =
        versions.flatten().map(|entry| entry.path().join("bin")).max().context("no version of Postgres is here")?;
    let data = place.text("postgres/data");
    let mut create = place.server_as("postgres", bin.join("initdb"));
    create.current_dir(place.path("postgres"));
    capture(create.args(["-A", "trust", "-U", "postgres", "--no-sync", "-D", &data]))?;
    let mut command = place.server_as("postgres", bin.join("postgres"));
    command.current_dir(place.path("postgres"));
    command.args(["-D", &data, "-p", &POSTGRES.to_string(), "-h", "127.0.0.1", "-k", "", "-F"]);
    Ok(command)
}

impl Servers {
    fn start(&mut self, place: &Place, name: &'static str, port: u16, end: Signal, mut command: Command) -> Result<()> {
        let log = File::create(place.path(&format!("{name}.out")))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().with_context(|| shown(&command))?;
        self.0.push(Server { name, end, child });
        let server = self.0.last_mut().context("it was pushed")?;
        let deadline = Instant::now() + PATIENCE;
        while !listens(server.child.id(), port) {
            let ended = server.child.try_wait()?;
            if ended.is_some() || Instant::now() >= deadline {
                let said = fs::read_to_string(place.path(&format!("{name}.out"))).unwrap_or_default();
                bail!("{name} does not listen on port {port} ({ended:?}): {}", said.trim());
            }
            // There is no event to wait for: nothing tells that another process listens.
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Asks them what they did, ends them, and waits until each is gone.
    pub fn stop(mut self, place: &Place, said: &mut Said) -> Result<()> {
        redis(place, said)?;
        for server in &mut self.0 {
            server.end()?;
        }
        nginx(place, said)
    }
}

impl Server {
    fn end(&mut self) -> Result<()> {
        kill(Pid::from_raw(self.child.id().cast_signed()), self.end)
            .with_context(|| format!("ending {}", self.name))?;
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait()?.is_none() {
            if Instant::now() >= deadline {
                bail!("{} does not end", self.name);
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended is waited for already.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.end();
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// By the table of its namespace, without a packet: `sl local_address rem_address st`, where 0A listens.
fn listens(pid: u32, port: u16) -> bool {
    let table = |name| fs::read_to_string(format!("/proc/{pid}/net/{name}")).unwrap_or_default();
    [table("tcp"), table("tcp6")].iter().flat_map(|table| table.lines()).any(|line| {
        let mut words = line.split_ascii_whitespace().skip(1);
        let at = words.next().and_then(|local| local.split_once(':'));
        at.is_some_and(|(_, own)| u16::from_str_radix(own, 16) == Ok(port)) && words.nth(1) == Some("0A")
    })
}

/// Redis counts what it reads, the question for it included, and what it writes, the answer not included.
fn redis(place: &Place, said: &mut Said) -> Result<()> {
    let mut ask = place.server("redis-cli");
    let text = capture(ask.args(["-h", "127.0.0.1", "-p", &REDIS.to_string(), "info", "stats"]))?;
    let figure = |name: &str| -> Result<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|number| number.trim().parse().ok()).with_context(|| format!("redis tells no {name}"))
    };
    let redis = said.of("redis-server");
    redis.runs = 1;
    redis.received(figure("total_net_input_bytes")?, Part::All);
    redis.sent(figure("total_net_output_bytes")?, Part::But("its last answer"));
    redis.did("commands", figure("total_commands_processed")?);
    Ok(())
}

/// nginx writes down each request: its bytes and those of the answer.
fn nginx(place: &Place, said: &mut Said) -> Result<()> {
    let log = BufReader::new(File::open(place.path("nginx.log"))?);
    let (mut requests, mut rx, mut tx) = (0, 0, 0);
    for line in log.lines() {
        let line = line?;
        let mut words = line.split(' ').map(str::parse::<u64>);
        let (Some(Ok(length)), Some(Ok(sent))) = (words.next(), words.next()) else { bail!("nginx logged {line:?}") };
        (requests, rx, tx) = (requests + 1, rx + length, tx + sent);
    }
    let nginx = said.of("nginx");
    nginx.runs = 1;
    nginx.received(rx, Part::But("requests cut off by the end of wrk"));
    nginx.sent(tx, Part::All);
    nginx.did("requests", requests);
    Ok(())
}
