//! Setup into a directory, and bad input.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use crate::{WATCHER, run, words};

/// Every file, link and folder below `dir`, with mode and content.
fn tree(dir: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            let content = if kind.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else if kind.is_dir() {
                todo.push(path.clone());
                Vec::new()
            } else {
                fs::read(&path).unwrap()
            };
            let name = format!("/{}", path.strip_prefix(dir).unwrap().display());
            found.insert(name, (fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o7777, content));
        }
    }
    found
}

fn good(args: &[&str]) -> String {
    let (code, out, err) = words(&run(WATCHER, args));
    assert_eq!((code, err.as_str()), (Some(0), ""), "{args:?}: {out}");
    out
}

#[test]
fn an_image_set_up_twice_and_uninstalled_holds_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().to_str().unwrap();
    good(&["setup", "--yes", "--root", root]);
    let first = tree(dir.path());
    let said = good(&["setup", "--yes", "--root", root]);
    assert!(!said.contains("wrote") && !said.contains("replaced"), "{said}");
    assert_eq!(tree(dir.path()), first);
    let said = good(&["uninstall", "--yes", "--root", root]);
    assert!(said.contains("kept      ") && said.contains("etc/watcher (--purge removes it)"), "{said}");
    assert_eq!(tree(dir.path()).into_keys().collect::<Vec<_>>(), ["/etc", "/etc/watcher", "/etc/watcher/config.toml"]);
    good(&["uninstall", "--yes", "--purge", "--root", root]);
    assert_eq!(tree(dir.path()).len(), 0);
    assert!(good(&["uninstall", "--yes", "--purge", "--root", root]).contains("There was nothing to remove."));
}

#[test]
fn what_print_shows_is_what_gets_written() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().to_str().unwrap();
    let printed = good(&["setup", "--print", "--upload", "--commands", "none", "--root", root]);
    assert_eq!(tree(dir.path()).len(), 0, "nothing is written");
    good(&["setup", "--yes", "--upload", "--commands", "none", "--root", root]);
    let mut rest = printed.as_str();
    let mut files = tree(dir.path());
    files.retain(|path, _| !fs::symlink_metadata(dir.path().join(&path[1..])).unwrap().is_dir());
    while let Some(header) = rest.lines().next() {
        let path = header.split(' ').nth(1).unwrap();
        let (mode, content) = files.remove(path).unwrap_or_else(|| panic!("{path} is shown and not written"));
        rest = &rest[header.len() + 1..];
        if let Some((_, to)) = header.split_once(" -> ") {
            assert_eq!(content, to.as_bytes());
        } else if rest.starts_with("(this program: ") {
            assert_eq!(content, fs::read(WATCHER).unwrap());
            rest = rest.split_once('\n').unwrap().1;
            assert_eq!(header, format!("== {path} {mode:04o} root:root"));
        } else {
            assert_eq!(header, format!("== {path} {mode:04o} root:root"));
            rest = rest.strip_prefix(std::str::from_utf8(&content).unwrap()).expect("shown as written");
        }
    }
    assert!(files.is_empty(), "written and not shown: {files:?}");
}

#[test]
fn a_configuration_keeps_what_somebody_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let (root, config) = (dir.path().to_str().unwrap(), dir.path().join("etc/watcher/config.toml"));
    good(&["setup", "--yes", "--root", root]);
    fs::write(&config, "# mine\n[upload]\ninterval = \"1m\"\n").unwrap();
    good(&["setup", "--yes", "--no-start", "--upload-url", "https://x.example/y", "--root", root]);
    let expected = "# mine\n[upload]\nurl = \"https://x.example/y\"\nenabled = true\ninterval = \"1m\"\n";
    assert_eq!(fs::read_to_string(&config).unwrap(), expected);
    assert!(!dir.path().join("etc/systemd/system/multi-user.target.wants/watcher.service").is_symlink(), "--no-start");

    fs::write(&config, "[upload]\nintervall = \"1m\"\n").unwrap();
    let (code, _, err) = words(&run(WATCHER, &["setup", "--yes", "--root", root]));
    assert_eq!(code, Some(1));
    assert!(err.contains("config.toml:2: upload.intervall: no such key; did you mean upload.interval?"), "{err}");
    // One that is wrong keeps nobody from leaving.
    good(&["uninstall", "--yes", "--purge", "--root", root]);
    assert_eq!(tree(dir.path()).len(), 0);
}

#[test]
fn a_packages_service_is_left_to_the_package() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().to_str().unwrap();
    fs::create_dir_all(dir.path().join("usr/lib/systemd/system")).unwrap();
    fs::write(dir.path().join("usr/lib/systemd/system/watcher.service"), "").unwrap();
    let (code, _, err) = words(&run(WATCHER, &["uninstall", "--yes", "--root", root]));
    assert_eq!(code, Some(1));
    assert!(err.contains("remove it with the package manager"), "{err}");
    good(&["setup", "--yes", "--root", root]);
    assert!(!dir.path().join("etc/systemd").exists() && !dir.path().join("etc/sysusers.d").exists());
}

#[test]
fn links_in_an_image_are_not_followed_out_of_it_on_removal() {
    let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = dir.path().to_str().unwrap();
    fs::write(outside.path().join("precious"), "").unwrap();
    fs::create_dir_all(dir.path().join("var/lib")).unwrap();
    symlink(outside.path(), dir.path().join("var/lib/watcher")).unwrap();
    good(&["uninstall", "--yes", "--purge", "--root", root]);
    assert!(outside.path().join("precious").exists());
}

#[test]
fn mistakes_are_wrong_usage_and_say_what_is_right() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let file = file.to_str().unwrap();
    for (args, code, says) in [
        (&["setup"][..], 2, "setup asks questions, and this is no terminal; say --yes"),
        (&["uninstall"], 2, "uninstall asks before it removes, and this is no terminal; say --yes"),
        (&["setup", "--upload", "--no-upload"], 2, "cannot be used with '--no-upload'"),
        (
            &["setup", "--yes", "--upload-url", "ftp://x"],
            2,
            "--upload-url: expected a URL such as \"https://host/path\", found \"ftp://x\"",
        ),
        (&["setup", "--yes", "--upload-url", "https://me:secret@x/"], 2, "a URL must not hold a password"),
        (&["setup", "--yes", "--commands", "all"], 2, "[possible values: full, name, none]"),
        (&["setup", "--yes", "--hostname", "maybe"], 2, "must be yes or no"),
        (&["setup", "--yes", "--root", "/no/such/folder"], 1, "--root /no/such/folder: make it first"),
        (&["setup", "--yes", "--root", file], 1, "not a directory"),
        (
            &["setup", "--yes", "--root", dir.path().to_str().unwrap(), "--operator", "no-such-user-here"],
            1,
            "there is no user \"no-such-user-here\"",
        ),
    ] {
        let (found, out, err) = words(&run(WATCHER, args));
        assert_eq!(found, Some(code), "{args:?}: {out}{err}");
        assert!(err.contains(says) && !err.contains("secret@"), "{args:?}: {err}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing was written");
}

#[test]
fn a_user_who_is_not_root_is_told_what_to_try() {
    for verb in [&["setup", "--yes"][..], &["uninstall", "--yes"]] {
        let nobody = ["--reuid", "65534", "--regid", "65534", "--clear-groups"];
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let program = dir.path().join("watcher");
        fs::copy(WATCHER, &program).unwrap();
        let args = [&nobody, &[program.to_str().unwrap()][..], verb].concat();
        let (code, _, err) = words(&run("setpriv", &args));
        assert_eq!(code, Some(1), "{err}");
        assert!(err.contains(&format!("try: sudo watcher {}", verb[0])), "{err}");
    }
}
