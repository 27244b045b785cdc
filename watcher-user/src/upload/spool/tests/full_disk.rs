use super::*;
use crate::upload::Step;

/// A disk that can be told to refuse what needs space.
fn disk() -> (Disk, Arc<Mutex<Option<io::ErrorKind>>>) {
    let trouble: Arc<Mutex<Option<io::ErrorKind>>> = Arc::default();
    let hook = Arc::clone(&trouble);
    let disk = Disk::hooked(move |step, _| match (*hook.lock().unwrap(), step) {
        (Some(kind), Step::WriteRest) => Err(kind.into()),
        _ => Ok(()),
    });
    (disk, trouble)
}

#[test]
fn windows_wait_in_memory_while_the_disk_is_full_and_nothing_else_changes() {
    let bench = Bench::new();
    let (disk, trouble) = disk();
    let mut spool = bench.open_with(Limits::default(), disk).unwrap();
    spool.put(window(1, "")).unwrap();
    spool.checkpoint(&window(2, "half"), Durability::Process).unwrap();
    let before = bench.files();

    *trouble.lock().unwrap() = Some(io::ErrorKind::StorageFull);
    for number in 2..=4 {
        let error = spool.put(window(number, "whole")).unwrap_err();
        assert_eq!(error.trouble(), Trouble::Full);
        let words = error.to_string();
        assert!(words.starts_with("cannot write a finished window to "), "{words}");
        assert!(words.ends_with("; finished windows wait in memory until there is space"), "{words}");
        assert!(spool.checkpoint(&window(number + 1, ""), Durability::Process).is_err());
    }
    assert_eq!(bench.files(), before);
    assert_eq!((spool.status().waiting, spool.status().in_memory), (1, 3));

    *trouble.lock().unwrap() = None;
    spool.checkpoint(&window(5, ""), Durability::Process).unwrap();
    assert_eq!(spool.status().in_memory, 0);
    assert_eq!(ids(&mut spool), [1, 2, 3, 4]);
    drop(spool);
    assert_eq!(ids(&mut bench.open()), [5]);
}

#[test]
fn killed_while_the_disk_is_full_the_last_checkpoint_is_left() {
    let bench = Bench::new();
    let (disk, trouble) = disk();
    let mut spool = bench.open_with(Limits::default(), disk).unwrap();
    spool.checkpoint(&window(1, "half"), Durability::Process).unwrap();
    *trouble.lock().unwrap() = Some(io::ErrorKind::ReadOnlyFilesystem);
    assert_eq!(spool.put(window(1, "whole")).unwrap_err().trouble(), Trouble::ReadOnly);
    drop(spool);
    // Recovery is a rename: a disk that is still full does not hinder it.
    *trouble.lock().unwrap() = Some(io::ErrorKind::StorageFull);
    assert_eq!(bench.open().oldest().unwrap(), Some(window(1, "half")));
}

#[test]
fn memory_is_bounded_too() {
    let bench = Bench::new();
    let (disk, trouble) = disk();
    let mut spool = bench.open_with(Limits::default(), disk).unwrap();
    *trouble.lock().unwrap() = Some(io::ErrorKind::StorageFull);
    for number in 1..=98 {
        assert!(spool.put(window(number, "")).is_err());
    }
    let status = spool.status();
    assert_eq!((status.in_memory, status.dropped), (MAX_UNWRITTEN as u64, 2));
    *trouble.lock().unwrap() = None;
    spool.flush().unwrap();
    assert_eq!(ids(&mut spool), (3..=98).collect::<Vec<_>>());
    drop(spool);
    assert_eq!(bench.open().status().dropped, 2);
}

#[test]
fn a_checkpoint_that_cannot_be_removed_does_not_come_back_as_a_window_of_its_own() {
    let bench = Bench::new();
    let disk = Disk::hooked(move |step, path| {
        let checkpoint = path.extension().is_some_and(|suffix| suffix == Kind::Open.suffix());
        if step == Step::Remove && checkpoint { Err(io::ErrorKind::PermissionDenied.into()) } else { Ok(()) }
    });
    let mut spool = bench.open_with(Limits::default(), disk).unwrap();
    spool.checkpoint(&window(1, "half"), Durability::Process).unwrap();
    assert_eq!(spool.put(window(1, "whole")).unwrap_err().trouble(), Trouble::Forbidden);
    assert_eq!(spool.oldest().unwrap(), Some(window(1, "whole")));
    assert_eq!(spool.taken(id(1)).unwrap_err().trouble(), Trouble::Forbidden);
    assert_eq!(spool.oldest().unwrap(), None);
    drop(spool);
    // Sent again, but the same.
    assert_eq!(bench.open().oldest().unwrap(), Some(window(1, "whole")));
}
