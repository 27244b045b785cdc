//! A file system that is really full, and one that is really read-only: a tmpfs of 128 KiB that only one thread sees. Needs root.

use std::path::Path;

use libtest_mimic::Trial;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use tempfile::TempDir;
use watcher_user::upload::{Disk, Durability, Limits, Say, Spool, SpoolView, Surroundings, Trouble, UtcClock, Window};

use crate::child;

pub fn trials() -> Vec<Trial> {
    let trial = |name, test: fn(&Path)| {
        Trial::test(name, move || {
            with_tmpfs(test);
            Ok(())
        })
    };
    vec![
        trial("a_full_disk_is_a_clear_error_and_what_was_spooled_stays_whole", full),
        trial("a_read_only_disk_is_a_clear_error_and_what_was_spooled_stays_whole", read_only),
    ]
}

/// In a mount namespace of a thread of its own, which takes the mount with it.
fn with_tmpfs(test: fn(&Path)) {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().to_owned();
    let ran = std::thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNS).expect("root may have its own mounts");
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(None::<&str>, "/", None::<&str>, private, None::<&str>).expect("mounts can be private");
        mount(Some("tmpfs"), &path, Some("tmpfs"), MsFlags::empty(), Some("size=128k")).expect("tmpfs");
        test(&path);
    });
    if let Err(panic) = ran.join() {
        std::panic::resume_unwind(panic);
    }
}

fn open(dir: &Path) -> Result<Spool, watcher_user::upload::SpoolError> {
    let clock = UtcClock::of(|| child::window(1, "").started_at());
    Spool::open(dir, Limits::default(), Surroundings { disk: Disk::default(), clock, say: Say::nobody() })
}

/// A window of about 10 kB.
fn long(number: u32) -> Window {
    child::window(number, &"x".repeat(10_000))
}

fn full(dir: &Path) {
    let mut spool = open(dir).expect("a spool");
    spool.checkpoint(&child::window(1000, "open"), Durability::Power).expect("there is room");
    let (first_refused, error) =
        (1..).find_map(|number| spool.put(long(number)).err().map(|error| (number, error))).expect("it fills up");
    assert_eq!(error.trouble(), Trouble::Full, "{error}");
    assert!(error.to_string().contains("No space left on device"), "{error}");
    assert!(error.to_string().ends_with("finished windows wait in memory until there is space"), "{error}");
    // Collection goes on: everything that comes is refused, and kept.
    for number in first_refused + 1..first_refused + 5 {
        assert_eq!(spool.put(long(number)).expect_err("it is full").trouble(), Trouble::Full);
        assert_eq!(spool.checkpoint(&long(1000), Durability::Power).expect_err("full").trouble(), Trouble::Full);
    }
    let status = spool.status();
    assert_eq!((status.waiting, status.in_memory, status.dropped), (u64::from(first_refused) - 1, 5, 0));
    assert!(status.waiting >= 5, "{status:?}");
    assert_eq!(SpoolView::read(dir).expect("it can be read").status().waiting, status.waiting);
    // What goes makes room for what waits.
    for number in 1..first_refused + 5 {
        let window = spool.oldest().expect("it can be read").expect("a window");
        assert_eq!(window, long(number));
        spool.taken(window.upload_id()).expect("it can be removed");
        spool.flush().ok();
    }
    assert_eq!(spool.status().in_memory, 0);
    drop(spool);
    let open = open(dir).expect("a spool").oldest().expect("it can be read");
    assert_eq!(open, Some(child::window(1000, "open")));
}

fn read_only(dir: &Path) {
    let mut spool = open(dir).expect("a spool");
    spool.put(long(1)).expect("there is room");
    // A file that is open for writing forbids a read-only mount, but not a read-only directory tree bound over it.
    mount(Some(dir), dir, None::<&str>, MsFlags::MS_BIND, None::<&str>).expect("a bind mount");
    let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    mount(None::<&str>, dir, None::<&str>, flags, None::<&str>).expect("a read-only mount");

    let error = spool.put(long(2)).expect_err("it is read-only");
    assert_eq!(error.trouble(), Trouble::ReadOnly, "{error}");
    assert!(error.to_string().contains("Read-only file system"), "{error}");
    assert_eq!(spool.oldest().expect("it can be read"), Some(long(1)));
    // The endpoint has it, but the file cannot go: it is not sent twice by this process.
    assert_eq!(spool.taken(long(1).upload_id()).expect_err("read-only").trouble(), Trouble::ReadOnly);
    assert_eq!(spool.oldest().expect("it can be read"), None);
    drop(spool);
    assert_eq!(open(dir).expect_err("it is read-only").trouble(), Trouble::ReadOnly);
    assert_eq!(SpoolView::read(dir).expect("it can be read").next(), Some(long(1)));
}
