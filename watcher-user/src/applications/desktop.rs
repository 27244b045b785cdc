//! Desktop entries: what an application calls itself, by the id of its file and by the program that it starts.

mod entry;

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use self::entry::Parsed;
use super::{books::read, facts::base};

/// Where entries are that root installed, the first having the last word. Those in the homes of users are theirs to write:
/// they may name what their launcher started (by its id), and no more.
const FOLDERS: &[&str] = &[
    "usr/local/share/applications",
    "usr/share/applications",
    "var/lib/flatpak/exports/share/applications",
    "var/lib/snapd/desktop/applications",
];
/// Where a program is looked for that an entry names without a path.
const PATH: &[&str] =
    &["usr/local/bin", "usr/bin", "bin", "usr/local/sbin", "usr/sbin", "sbin", "usr/games", "snap/bin"];
/// Files that are read.
const FILES: usize = 8_192;
/// The longest file that is read, bytes.
const LONGEST: u64 = 256 << 10;
/// How often it is asked whether the folders have changed.
const EVERY: Duration = Duration::from_secs(60);

/// Programs that run what they are given: an entry that starts one does not say whose it is.
const RUNNERS: &[&str] = &[
    "ash",
    "bash",
    "bun",
    "busybox",
    "bwrap",
    "dash",
    "dbus-launch",
    "dbus-send",
    "deno",
    "electron",
    "env",
    "exo-open",
    "fish",
    "flatpak",
    "gio",
    "gjs",
    "gjs-console",
    "gtk-launch",
    "java",
    "kde-open",
    "kioclient",
    "ksh",
    "lua",
    "luajit",
    "node",
    "nodejs",
    "perl",
    "php",
    "pkexec",
    "pypy",
    "python",
    "ruby",
    "sh",
    "snap",
    "ssh",
    "sudo",
    "systemctl",
    "wine",
    "wine-stable",
    "xdg-open",
    "zsh",
];

/// An application that has a desktop entry.
#[derive(Debug)]
pub struct Entry {
    /// `Name=`, not translated.
    pub name: String,
    /// It shows what other programs print.
    pub is_terminal: bool,
    pub file: PathBuf,
}

#[derive(Debug)]
pub struct Desktop {
    root: PathBuf,
    checked: Option<Instant>,
    changed: Vec<Option<SystemTime>>,
    ids: HashMap<String, Arc<Entry>>,
    programs: HashMap<String, Claims>,
}

/// Entries that start one program.
#[derive(Debug, Default)]
struct Claims {
    /// Without options.
    plain: Vec<Arc<Entry>>,
    with_options: Vec<Arc<Entry>>,
}

impl Claims {
    /// The one that it is, if they agree on a name. LibreOffice's parts share one program; the entry without options is all of it.
    fn agreed(&self) -> Option<&Arc<Entry>> {
        let claims = if self.plain.is_empty() { &self.with_options } else { &self.plain };
        let first = claims.first()?;
        claims.iter().all(|claim| claim.name == first.name).then_some(first)
    }
}

impl Desktop {
    pub fn below(root: &Path) -> Self {
        let (ids, programs) = (HashMap::new(), HashMap::new());
        Self { root: root.to_owned(), checked: None, changed: Vec::new(), ids, programs }
    }

    /// By the name of the file without `.desktop`.
    pub fn of_id(&mut self, id: &str) -> Option<Arc<Entry>> {
        self.refresh();
        self.ids.get(id).cloned()
    }

    /// By the absolute path of an executable.
    pub fn of_program(&mut self, path: &str) -> Option<Arc<Entry>> {
        self.refresh();
        self.programs.get(path)?.agreed().cloned()
    }

    fn refresh(&mut self) {
        if self.checked.is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        self.checked = Some(Instant::now());
        let changed = |folder: &&str| fs::metadata(self.root.join(folder)).ok()?.modified().ok();
        let changed: Vec<_> = FOLDERS.iter().map(changed).collect();
        if changed == self.changed {
            return;
        }
        self.changed = changed;
        (self.ids, self.programs) = (HashMap::new(), HashMap::new());
        let files = FOLDERS.iter().filter_map(|folder| fs::read_dir(self.root.join(folder)).ok()).flatten().flatten();
        let files: Vec<PathBuf> = files.take(FILES).map(|file| file.path()).collect();
        for file in files {
            self.take_in(&file);
        }
    }

    fn take_in(&mut self, file: &Path) {
        let id = file.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".desktop"));
        let Some(id) = id.filter(|id| !self.ids.contains_key(*id)) else { return };
        let Some(Parsed { name, is_terminal, command }) = read(file, LONGEST).and_then(|text| Parsed::of(&text)) else {
            return;
        };
        let entry = Arc::new(Entry { name, is_terminal, file: file.to_owned() });
        self.ids.insert(id.to_owned(), Arc::clone(&entry));
        let Some(command) = command.filter(|command| !is_runner(&command.program)) else { return };
        for path in self.paths(&command.program) {
            let claims = self.programs.entry(path).or_default();
            let claims = if command.has_options { &mut claims.with_options } else { &mut claims.plain };
            claims.push(Arc::clone(&entry));
        }
    }

    /// A program as it may be called: by its path, and by that of the file which a link leads to.
    fn paths(&self, program: &str) -> Vec<String> {
        let below = |path: &str| self.root.join(path.trim_start_matches('/'));
        let file = if program.starts_with('/') {
            Some(below(program))
        } else {
            PATH.iter().map(|folder| self.root.join(folder).join(program)).find(|path| path.is_file())
        };
        let Some(file) = file else { return Vec::new() };
        let whole = |path: &Path| Some(format!("/{}", path.strip_prefix(&self.root).ok()?.to_str()?));
        let mut paths: Vec<String> = whole(&file).into_iter().collect();
        let target = fs::canonicalize(&file).ok().and_then(|path| whole(&path));
        paths.extend(target.filter(|path| !paths.contains(path) && !is_runner(path)));
        paths
    }
}

fn is_runner(program: &str) -> bool {
    let name = base(program).trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    RUNNERS.contains(&name)
}
