//! Who may do what.

use std::{
    fs,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::Path,
};

use nix::sys::signal::Signal;

use crate::{
    daemon::{Home, code_and_words},
    far::Far,
};

/// That others cannot even connect is `tests/views.rs`.
pub fn looks_and_orders() {
    let home = Home::new();
    let daemon = home.run();
    let typed = home.typed_by_nobody(true);
    let say = |verb: &[&str]| code_and_words(&typed(verb).output().expect("watcher starts"));
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
