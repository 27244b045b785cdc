//! Servers of many names, within a network namespace: certificates, DNS and pages that link to each other.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use super::Ended;
use crate::bench::netns::{SERVER, Veth};
use crate::run::quiet;

/// A folder for one bench; gone when dropped.
pub struct Folder(PathBuf);

impl Folder {
    /// Makes it.
    pub fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("watcher-bench-{}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// `key.pem` and a self-signed `certificate.pem` for these names.
    pub fn certificate(&self, names: &[&str]) -> Result<()> {
        let names: Vec<String> = names.iter().map(|name| format!("DNS:{name}")).collect();
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]);
        openssl.args(["-subj", "/O=watcher bench/CN=bench.example"]);
        openssl.args(["-addext", &format!("subjectAltName={}", names.join(","))]);
        openssl.arg("-keyout").arg(self.path("key.pem")).arg("-out").arg(self.path("certificate.pem"));
        quiet(&mut openssl)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> Result<()> {
        let path = self.path(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Best effort: it is in the folder for temporary things.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// So many sites, each with a page of its own and parts from others.
pub const SITES: usize = 12;
/// Hosts that parts of pages come from.
const PARTS: usize = 36;
/// Parts of one page.
const PARTS_OF_A_PAGE: usize = 24;

/// The name of a site.
pub fn site(number: usize) -> String {
    format!("www.site-{number}.example")
}

fn part(number: usize) -> String {
    format!("cdn-{number}.parts-{}.example", number % 5)
}

/// The running servers.
pub struct Web {
    _nginx: Ended,
    _dns: Ended,
}

impl Web {
    /// Starts a web server and a resolver at the server's end of `veth`. All names lead to one address, as at a CDN.
    pub fn start(veth: &Veth, folder: &Folder) -> Result<Self> {
        folder.certificate(&["*.example", "*.parts-0.example"])?;
        let root = folder.path("root");
        fs::create_dir_all(&root).with_context(|| format!("cannot make {}", root.display()))?;
        for number in 0..SITES {
            folder.write(&format!("root/page-{number}.html"), page(number))?;
        }
        for number in 0..PARTS {
            // 10 to 200 kB, 2.5 MB a page: what pages weigh (HTTP Archive, State of the Web).
            folder.write(&format!("root/part-{number}.css"), vec![b'\n'; 10_000 + number * 5_400])?;
        }
        folder.write("nginx.conf", configuration(folder, &root))?;
        let mut nginx = veth.server("nginx");
        nginx.arg("-e").arg(folder.path("error.log")).arg("-c").arg(folder.path("nginx.conf"));
        let mut dns = veth.server("dnsmasq");
        dns.args([
            "--keep-in-foreground",
            "--no-resolv",
            "--no-hosts",
            "--bind-interfaces",
            "--user=root",
            "--pid-file",
        ]);
        dns.args([&format!("--listen-address={SERVER}"), &format!("--address=/example/{SERVER}"), "--local-ttl=60"]);
        Ok(Self { _nginx: start(&mut nginx)?, _dns: start(&mut dns)? })
    }
}

fn start(command: &mut Command) -> Result<Ended> {
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    child.map(Ended).with_context(|| format!("cannot start {command:?}"))
}

fn configuration(folder: &Folder, root: &Path) -> String {
    let path = |name: &str| folder.path(name).display().to_string();
    let (key, certificate, pid) = (path("key.pem"), path("certificate.pem"), path("nginx.pid"));
    let root = root.display();
    format!(
        "daemon off; master_process off; pid {pid}; error_log {error} error;\n\
         events {{ worker_connections 1024; }}\n\
         http {{ access_log off; types {{ text/html html; text/css css; }}\n\
           server {{ listen 443 ssl http2; listen 80; root {root};\n\
             ssl_certificate {certificate}; ssl_certificate_key {key}; }} }}\n",
        error = path("error.log"),
    )
}

/// A page with parts from many hosts, one of them without TLS.
fn page(number: usize) -> String {
    let mut text = format!("<!doctype html><title>site {number}</title>\n");
    for at in 0..PARTS_OF_A_PAGE {
        let from = (number * 7 + at * 5) % PARTS;
        writeln!(text, "<link rel=stylesheet href=\"https://{}/part-{from}.css\">", part(from))
            .expect("a String takes all");
    }
    writeln!(text, "<img src=\"http://pictures.site-{number}.example/part-{}.css\">", number % PARTS)
        .expect("a String takes all");
    text
}
