//! A real systemd, in namespaces of its own: see systemd.sh.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(60);

/// Lives until dropped, with everything that it started.
pub struct Systemd {
    work: PathBuf,
    unshare: Child,
    first: String,
}

impl Systemd {
    /// Boots it, with `file` in its /tmp.
    pub fn boot(name: &str, file: &Path) -> Self {
        let work = std::env::temp_dir().join(format!("watcher-setup-{name}-{}", std::process::id()));
        fs::create_dir_all(&work).expect("a folder");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/setup/systemd.sh");
        // A test that is killed takes it along.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "sh", script]).args([&work, file]);
        let mut unshare = command.stdin(Stdio::null()).spawn().expect("a shell starts");
        let first = first_child(&mut unshare);
        let systemd = Self { work, unshare, first };
        let up = || systemd.run("systemctl list-units").status.success();
        assert!(until(up), "systemd does not come up: {}", systemd.console());
        systemd
    }

    /// Runs a line of shell inside.
    pub fn run(&self, line: &str) -> Output {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.first, "--mount", "--pid", "--cgroup", "--uts", "--ipc", "sh", "-c", line]);
        command.stdin(Stdio::null()).output().expect("nsenter starts")
    }

    /// The same; it has to succeed. Returns what it prints.
    pub fn good(&self, line: &str) -> String {
        let out = self.run(line);
        let (said, complaint) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        assert!(out.status.success(), "{line}: {}\n{said}{complaint}\n{}", out.status, self.console());
        said.into_owned()
    }

    /// What systemd and the services said.
    pub fn console(&self) -> String {
        String::from_utf8_lossy(&self.run("cat /run/console").stdout).into_owned()
    }
}

impl Drop for Systemd {
    fn drop(&mut self) {
        // It takes its child with it, and that is process 1 of all others.
        self.unshare.kill().ok();
        self.unshare.wait().ok();
        let name = self.work.file_name().unwrap_or_default();
        let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
        for tree in mounts.lines().filter(|line| line.contains("cgroup")).filter_map(|line| line.split(' ').nth(1)) {
            until(|| remove_cgroups(&Path::new(tree).join(name)));
        }
        fs::remove_dir_all(&self.work).ok();
    }
}

/// Waits until it is so.
pub fn until(mut holds: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if holds() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

fn first_child(parent: &mut Child) -> String {
    let children = format!("/proc/{0}/task/{0}/children", parent.id());
    let mut first = String::new();
    let found = until(|| {
        first = fs::read_to_string(&children).unwrap_or_default().split(' ').next().unwrap_or_default().to_owned();
        let name = fs::read_to_string(format!("/proc/{first}/comm")).unwrap_or_default();
        name.trim() == "systemd" || parent.try_wait().expect("a child").is_some()
    });
    assert!(found && parent.try_wait().expect("a child").is_none(), "no namespaces for systemd: see above");
    first
}

/// From the leaves up.
fn remove_cgroups(folder: &Path) -> bool {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_cgroups(&entry.path());
        }
    }
    fs::remove_dir(folder).is_ok() || !folder.exists()
}
