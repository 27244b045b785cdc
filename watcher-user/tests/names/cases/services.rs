//! Servers that are known by what they say, wherever they listen.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use nix::{sys::signal::Signal, unistd::chown};

use super::Case;
use crate::{
    certificate::Certificate,
    program::Program,
    row::{Known, Tls},
    scene::{SERVER, Scene},
};

pub const CASES: &[Case] = &[
    Case::new("ssh_is_known_by_its_banner", ssh),
    Case::new("redis_is_known_by_its_commands", redis),
    Case::new("postgres_is_known_with_and_without_tls", postgres),
];

/// Where none of them is at home.
const PORT: u16 = 40_404;

const NOBODY: u32 = 65_534;

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn ssh(scene: &mut Scene<'_>) -> Result<()> {
    // sshd wants it; its service would make it.
    fs::create_dir_all("/run/sshd")?;
    let (host, user) = (text(&scene.path("host")), text(&scene.path("user")));
    for key in [&host, &user] {
        Program::start(&scene.here, &["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key])?.finish()?;
    }
    let config = scene.file(
        "sshd_config",
        &format!(
            "Port {PORT}\nListenAddress {SERVER}\nHostKey {host}\nAuthorizedKeysFile {user}.pub\nStrictModes no\n\
             UsePAM no\nPermitRootLogin yes\nPidFile none\n"
        ),
    )?;
    let mut server = Program::start(&scene.there, &["/usr/sbin/sshd", "-D", "-e", "-f", &text(&config)])?;
    server.wait_for("Server listening")?;
    let port = PORT.to_string();
    let words = ["ssh", "-F", "none", "-i", &user, "-p", &port, "-o", "BatchMode=yes", "-o", "LogLevel=DEBUG1"];
    let trust = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-l", "root", SERVER, "true"];
    let mut client = Program::start(&scene.here, &[&words[..], &trust].concat())?;
    // Whether root may log in depends on the machine; keys were exchanged either way.
    let (said, _) = client.end()?;
    ensure!(said.contains("SSH2_MSG_NEWKEYS received"), "ssh says {said}");
    scene.has_ended(&client)?;
    assert_eq!(scene.row_of(client.pid(), PORT)?.known(), Known::default().speaks("SSH"));
    let served = scene.all_served_on(PORT, 1)?;
    assert!(served.iter().all(|row| row.known() == Known::default().speaks("SSH")), "{served:#?}");
    Ok(())
}

fn redis(scene: &mut Scene<'_>) -> Result<()> {
    let port = PORT.to_string();
    let words = ["redis-server", "--port", &port, "--bind", SERVER, "--save", "", "--protected-mode", "no"];
    let mut server = Program::start(&scene.there, &words)?;
    server.wait_for("eady to accept connections")?;
    let (pid, said) = scene.client(&["redis-cli", "-h", SERVER, "-p", &port, "PING"])?;
    assert_eq!(said, "PONG\n");
    assert_eq!(scene.row_of(pid, PORT)?.known(), Known::default().speaks("Redis"));
    let served = scene.served_on(PORT)?;
    assert_eq!((served.pid, served.known()), (server.pid(), Known::default().speaks("Redis")));
    Ok(())
}

/// The newest that is installed: Debian keeps servers out of everybody's PATH.
fn newest(program: &str) -> Result<String> {
    let versions =
        fs::read_dir("/usr/lib/postgresql").context("postgres: `cargo xtask setup --for test` installs it")?;
    let mut found: Vec<(u32, PathBuf)> = versions
        .flatten()
        .filter_map(|entry| {
            let path = entry.path().join("bin").join(program);
            Some((entry.file_name().to_str()?.parse().ok()?, path)).filter(|(_, path)| path.exists())
        })
        .collect();
    found.sort();
    let (_, path) = found.pop().with_context(|| format!("no {program} in /usr/lib/postgresql"))?;
    Ok(text(&path))
}

/// A command by somebody who is not root: postgres refuses that.
fn by_nobody(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    let id = NOBODY.to_string();
    command.args(["--reuid", &id, "--regid", &id, "--clear-groups", "--pdeathsig", "KILL", program]);
    command.env("LC_ALL", "C");
    command
}

/// A throwaway cluster that listens.
fn cluster(scene: &Scene<'_>, certificate: &Certificate) -> Result<Program> {
    let data = scene.path("data");
    fs::create_dir(&data)?;
    fs::set_permissions(&certificate.key, fs::Permissions::from_mode(0o600))?;
    for path in [&data, &certificate.key] {
        chown(path, Some(NOBODY.into()), Some(NOBODY.into()))?;
    }
    let mut initdb = by_nobody(&newest("initdb")?);
    initdb.arg("-D").arg(&data).args(["-U", "stage", "-A", "trust", "--no-sync", "--no-instructions"]);
    Program::spawn(&scene.there, initdb)?.finish()?;
    let hba = data.join("pg_hba.conf");
    fs::write(&hba, "host all all 10.77.0.0/24 trust\n")?;
    let mut server = by_nobody(&newest("postgres")?);
    server.arg("-D").arg(&data).args(["-p", &PORT.to_string()]);
    let settings = [
        format!("listen_addresses={SERVER}"),
        "unix_socket_directories=".to_owned(),
        "fsync=off".to_owned(),
        "ssl=on".to_owned(),
        format!("ssl_cert_file={}", certificate.chain.display()),
        format!("ssl_key_file={}", certificate.key.display()),
    ];
    for setting in &settings {
        server.args(["-c", setting]);
    }
    let mut server = Program::spawn(&scene.there, server)?;
    server.wait_for("ready to accept connections")?;
    Ok(server)
}

fn postgres(scene: &mut Scene<'_>) -> Result<()> {
    let name = scene.domain("db");
    let server = cluster(scene, &Certificate::of(scene, std::slice::from_ref(&name))?)?;
    let version = Program::start(&scene.here, &["psql", "--version"])?.finish()?;
    let version: u32 = version.split([' ', '.']).find_map(|word| word.parse().ok()).context(version)?;
    // Since 17 it offers its own protocol.
    let alpn: &[&str] = if version < 17 { &[] } else { &["postgresql"] };
    let tls = Tls::new("TLS 1.3", "TLS 1.3", alpn);
    let plain = Known::default().speaks("Postgres");
    for (mode, asked, served) in [
        ("disable", plain.clone(), plain),
        (
            "require",
            Known::asked(&name, "sni").speaks("Postgres").tls(&tls),
            Known::served(&name).speaks("Postgres").tls(&tls),
        ),
    ] {
        let target = format!("host={name} hostaddr={SERVER} port={PORT} user=stage dbname=postgres sslmode={mode}");
        let (pid, said) = scene.client(&["psql", &target, "-XAtc", "select 6 * 7"])?;
        assert_eq!(said, "42\n");
        let row = scene.row_of(pid, PORT)?;
        assert_eq!(row.known(), asked, "{mode}");
        let of_this = |row: &crate::row::Row, remote: &str| row.remote.as_deref() == Some(remote);
        let rows = scene.all_served_on(PORT, 1)?;
        let rows: Vec<_> = rows.iter().filter(|other| of_this(other, &row.local)).collect();
        assert!(!rows.is_empty() && rows.iter().all(|row| row.known() == served), "{mode}: {rows:#?}");
    }
    server.stop(Signal::SIGINT)
}
