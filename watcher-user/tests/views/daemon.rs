//! A daemon with a state directory of its own, and what is asked of it.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex, mpsc},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use watcher_user::control::socket_path;

const PATIENCE: Duration = Duration::from_secs(40);
const NOBODY: u32 = 65_534;
/// Between two looks at something that takes its time.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Looks until there is something.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(LOOK_EVERY);
    }
}

pub fn code_and_words(out: &Output) -> (Option<i32>, String) {
    (out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned())
}

/// Objects that follow each other.
pub fn objects(out: &Output) -> Vec<Value> {
    let (code, words) = code_and_words(out);
    assert_eq!((code, words.as_str()), (Some(0), ""));
    let objects = serde_json::Deserializer::from_slice(&out.stdout).into_iter();
    objects.map(|object| object.expect("an object")).collect()
}

/// A state directory with a configuration beside it.
pub struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    pub fn new() -> Self {
        assert!(nix::unistd::geteuid().is_root(), "this needs root: `cargo xtask test`");
        let this = Self { folder: tempfile::tempdir().expect("a folder") };
        this.configure("[collect]\nsample_interval = \"1s\"\n");
        this
    }

    pub fn configure(&self, text: &str) {
        fs::write(self.config(), text).expect("a configuration");
    }

    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// What somebody types who may read everything here and is nobody, in the group of the control socket or in none.
    pub fn typed_by_nobody(&self, in_the_group: bool) -> impl Fn(&[&str]) -> Command {
        let copy = self.folder().join("watcher");
        fs::copy(env!("CARGO_BIN_EXE_watcher"), &copy).expect("a copy");
        for folder in [self.folder(), self.state()] {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("a folder for everybody");
        }
        // `watcher`, where there is such a group.
        let group = fs::metadata(socket_path(&self.state())).expect("a socket").gid();
        let gid = if in_the_group { group } else { NOBODY };
        move |verb| {
            let mut command = Command::new(&copy);
            command.args(verb).arg(self.state_flag(verb)).arg(self.state()).uid(NOBODY).gid(gid);
            command
        }
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    /// `--state` says something else of connections.
    pub fn state_flag(&self, verb: &[&str]) -> &'static str {
        if verb[0] == "connections" { "--state-dir" } else { "--state" }
    }

    pub fn command(&self, verb: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_watcher"));
        command.args(verb).arg("--config").arg(self.config()).arg(self.state_flag(verb)).arg(self.state());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DIALTONE_WATCHER_")) {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn say(&self, verb: &[&str]) -> Output {
        self.command(verb).output().expect("watcher starts")
    }

    /// Starts one, and waits until it counts.
    pub fn run(&self) -> Daemon {
        self.run_by(self.command(&["run"]))
    }

    /// The same by a command that becomes it.
    pub fn run_by(&self, mut command: Command) -> Daemon {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("watcher starts");
        wait_for("the daemon's first status", || {
            let ended = child.try_wait().expect("a child");
            assert!(ended.is_none(), "{ended:?}: see `watcher run --state {}`", self.state().display());
            self.command(&["status"]).output().is_ok_and(|out| out.status.success()).then_some(())
        });
        Daemon { child }
    }

    /// Waits until the daemon has written its report.
    pub fn wait_for_summary(&self, pid: u32) {
        let path: &Path = &self.state().join("summary.json");
        wait_for("summary.json", || {
            let summary: Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
            (summary["pid"] == pid).then_some(())
        });
    }

    /// A watcher whose lines are read as they come.
    pub fn follow(&self, args: &[&str]) -> Live {
        let mut child = self.command(args).spawn().expect("watcher starts");
        let out = child.stdout.take().expect("stdout");
        let err = child.stderr.take().expect("stderr");
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                sender.send(serde_json::from_str(&line).expect("an object")).ok();
            }
        });
        let said = Arc::new(Mutex::new(String::new()));
        std::thread::spawn({
            let said = said.clone();
            move || {
                for line in BufReader::new(err).lines().map_while(Result::ok) {
                    said.lock().expect("no panic").push_str(&(line + "\n"));
                }
            }
        });
        Live { child, lines, said }
    }
}

/// `watcher run`.
pub struct Daemon {
    child: Child,
}

impl Daemon {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("a signal");
    }

    pub fn end(mut self, signal: Signal) {
        self.signal(signal);
        wait_for("the daemon's end", || self.child.try_wait().expect("a child"));
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A running view.
pub struct Live {
    child: Child,
    lines: mpsc::Receiver<Value>,
    said: Arc<Mutex<String>>,
}

impl Live {
    /// What it has printed since the last time.
    pub fn lines(&mut self) -> Vec<Value> {
        self.lines.try_iter().collect()
    }

    /// What it has said on standard error.
    pub fn said(&self) -> String {
        self.said.lock().expect("no panic").clone()
    }

    pub fn end(&mut self, signal: Signal) -> Option<i32> {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("a signal");
        wait_for("its end", || self.child.try_wait().expect("a child")).code()
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
