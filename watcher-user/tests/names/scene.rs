//! One test: two networks with a wire between them, and the watcher that looks on.

use std::{
    fs,
    net::{IpAddr, SocketAddr},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    sync::atomic::{AtomicU8, Ordering},
};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use crate::{
    place::Place,
    program::Program,
    row::{Known, Row},
    watcher::Watcher,
};

/// Where servers listen, at `there`'s end of the wire.
pub const SERVER: &str = "10.77.0.2";

/// One test in progress.
pub struct Scene<'a> {
    watcher: &'a Watcher,
    /// Clients are here.
    pub here: Place,
    /// Servers are there.
    pub there: Place,
    folder: TempDir,
    number: u8,
}

impl<'a> Scene<'a> {
    /// An empty one.
    pub fn new(watcher: &'a Watcher) -> Result<Self> {
        static NEXT: AtomicU8 = AtomicU8::new(1);
        let (here, there) = Place::pair()?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = tempfile::tempdir()?;
        // Some servers are nobody's.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711))?;
        Ok(Self { watcher, here, there, folder, number })
    }

    /// The one that looks on.
    pub fn watcher(&self) -> &'a Watcher {
        self.watcher
    }

    /// A name that no other test knows.
    pub fn domain(&self, host: &str) -> String {
        format!("{host}.scene{}.example", self.number)
    }

    /// An address of `there` that no other test has: names of addresses are the machine's, not a namespace's.
    pub fn address(&self, last: u8) -> Result<IpAddr> {
        let net = self.number;
        let (address, all) = (format!("10.78.{net}.{last}"), format!("10.78.{net}.0/24"));
        self.there.ip(&format!("addr add {address}/32 dev lo"))?;
        self.here.ip(&format!("route replace {all} via {SERVER}"))?;
        Ok(address.parse()?)
    }

    /// The same of IPv6.
    pub fn address_v6(&self, last: u8) -> Result<IpAddr> {
        let net = format!("fd78:{:x}:", self.number);
        self.there.ip(&format!("addr add {net}:{last:x}/128 dev lo nodad"))?;
        self.here.ip(&format!("route replace {net}:/64 via fd77::2"))?;
        Ok(format!("{net}:{last:x}").parse()?)
    }

    /// A file of this test.
    pub fn file(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.path(name);
        fs::write(&path, text).with_context(|| path.display().to_string())?;
        Ok(path)
    }

    /// Where a file of this test may be.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Programs at the client's end ask this resolver, and nobody else, for names.
    pub fn resolve_at(&mut self, resolver: &str, options: &str) -> Result<()> {
        let resolver = self.file("resolv.conf", &format!("nameserver {resolver}\n{options}\n"))?;
        let order = self.file("nsswitch.conf", "hosts: dns\n")?;
        self.here.replace("/etc/resolv.conf", &resolver)?;
        self.here.replace("/etc/nsswitch.conf", &order)
    }

    /// Starts a program at the client's end, and waits until it and watcher are done with it; its process and what it said.
    pub fn client(&self, words: &[&str]) -> Result<(u32, String)> {
        let mut program = Program::start(&self.here, words)?;
        let said = program.finish()?;
        self.has_ended(&program)?;
        Ok((program.pid(), said))
    }

    /// Waits until watcher has said that a program ended: its rows are final then.
    pub fn has_ended(&self, program: &Program) -> Result<()> {
        let pid = program.pid();
        self.watcher.wait(&format!("the end of {pid}"), |said| said.has_ended(pid).then_some(()))
    }

    /// What a process that has ended moved to or from a port of the server's end.
    pub fn rows_of(&self, pid: u32, port: u16) -> Result<Vec<Row>> {
        self.watcher.wait("rows", |said| {
            let to = |row: &&Row| row.pid == pid && row.remote.as_deref().and_then(Row::port) == Some(port);
            Some(said.rows().filter(to).cloned().collect())
        })
    }

    /// The one connection of a process that has ended to a port.
    pub fn row_of(&self, pid: u32, port: u16) -> Result<Row> {
        let mut rows = self.rows_of(pid, port)?;
        ensure!(rows.len() == 1, "not one connection of {pid} to port {port}: {rows:#?}");
        rows.pop().context("a row")
    }

    /// Waits until the connection to a port of the server's end is over; the server's row of it.
    pub fn served_on(&self, port: u16) -> Result<Row> {
        let mut rows = self.all_served_on(port, 1)?;
        ensure!(rows.len() == 1, "not one connection on port {port}: {rows:#?}");
        rows.pop().context("a row")
    }

    /// Waits until at least `n` rows of the server's end are over; those that moved bytes.
    pub fn all_served_on(&self, port: u16, n: usize) -> Result<Vec<Row>> {
        let netns = self.there.inode()?;
        self.watcher.wait(&format!("the end of what was served on port {port}"), |said| {
            let on = |row: &&Row| row.netns == Some(netns) && Row::port(&row.local) == Some(port);
            let moved = |row: &&Row| row.remote.is_some() && row.rx_bytes + row.tx_bytes > 0;
            let rows: Vec<Row> = said.rows().filter(on).filter(moved).cloned().collect();
            (rows.len() >= n && rows.iter().all(|row| row.closed.is_some())).then_some(rows)
        })
    }

    /// The rows of this process's sockets at `place` on a port, which may be bound to no address in particular.
    pub fn all_own(&self, place: &Place, port: u16, remote: SocketAddr) -> Result<Vec<Row>> {
        let netns = place.inode()?;
        self.watcher.two_more_objects()?;
        self.watcher.wait("rows", |said| {
            let is = |row: &&Row| Row::port(&row.local) == Some(port) && row.remote == Some(remote.to_string());
            let mine = |row: &&Row| row.pid == std::process::id() && row.netns == Some(netns);
            Some(said.rows().filter(mine).filter(is).cloned().collect())
        })
    }

    /// The one of these.
    pub fn own(&self, place: &Place, port: u16, remote: SocketAddr) -> Result<Row> {
        let mut found = self.all_own(place, port, remote)?;
        ensure!(found.len() == 1, "not one row between port {port} and {remote}: {found:#?}");
        found.pop().context("a row")
    }

    /// A client without a name of its own connects and reads a line; what watcher knows.
    pub fn visit(&self, host: &str, port: u16) -> Result<Known> {
        let script = format!("exec 3<>/dev/tcp/{host}/{port} && read -r line <&3 && [ \"$line\" = hello ]");
        let (pid, _) = self.client(&["bash", "-c", &script])?;
        Ok(self.row_of(pid, port)?.known())
    }
}
