//! Who may do what.

use std::{
    fs,
    os::unix::{
        fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
        process::CommandExt as _,
    },
    path::Path,
    process::Command,
};

use nix::sys::signal::Signal;
use watcher_user::control::socket_path;

use crate::{
    daemon::{Home, code_and_words},
    far::Far,
};

const NOBODY: u32 = 65_534;

/// That others cannot even connect is `tests/views.rs`.
pub fn looks_and_orders() {
    let home = Home::new();
    let daemon = home.run();
    let copy = home.folder().join("watcher");
    fs::copy(env!("CARGO_BIN_EXE_watcher"), &copy).expect("a copy");
    for folder in [home.folder(), home.state()] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("a folder for everybody");
    }
    let group = fs::metadata(socket_path(&home.state())).expect("a socket").gid();
    let say = |verb: &[&str]| {
        let mut command = Command::new(&copy);
        command.args(verb).arg("--state").arg(home.state()).uid(NOBODY).gid(group);
        code_and_words(&command.output().expect("watcher starts"))
    };
    assert_eq!(say(&["summary"]), (Some(0), String::new()));
    let (code, words) = say(&["reload"]);
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains("only root and the daemon's own user may ask that"), "{words}");
    daemon.end(Signal::SIGTERM);
}

/// With everything that makes files: history, spool, alerts, a report; while it runs and when it has ended.
pub fn modes() {
    let home = Home::new();
    home.configure(
        "[collect]\nsample_interval = \"1s\"\n[upload]\nurl = \"http://127.0.0.1:9/\"\ninterval = \"2s\"\n\
         [[alert]]\napp = \"*\"\nover = \"1 B\"\n",
    );
    let daemon = home.run();
    let far = Far::new();
    far.send(100_000).end();
    home.wait_for_summary(daemon.pid());
    let _window = crate::daemon::wait_for("a window in the spool", || {
        fs::read_dir(home.state().join("spool")).ok()?.nth(1)?.ok()
    });
    let files = walk(&home.state());
    assert!(files >= 8, "{files} files");
    daemon.end(Signal::SIGTERM);
    walk(&home.state());
}

/// How many there are below.
fn walk(folder: &Path) -> usize {
    let mode = |path: &Path| fs::symlink_metadata(path).map(|meta| (meta.mode() & 0o7777, meta.file_type()));
    assert_eq!(mode(folder).expect("a folder").0, 0o700, "{}", folder.display());
    let mut files = 0;
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        // What is written by rename may be gone by now.
        let Ok((bits, kind)) = mode(&path) else { continue };
        if kind.is_dir() {
            files += walk(&path);
            continue;
        }
        let expected = if kind.is_socket() { 0o660 } else { 0o600 };
        assert_eq!(bits, expected, "{}", path.display());
        files += 1;
    }
    files
}
