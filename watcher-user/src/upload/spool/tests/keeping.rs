use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::upload::Step;

#[test]
fn a_window_comes_back_as_it_was_put_after_a_restart() {
    let bench = Bench::new();
    let put = window(1, "é \u{1f980} \" \\ \n");
    bench.open().put(put.clone()).unwrap();
    assert_eq!(bench.open().oldest().unwrap(), Some(put));
    assert_eq!(bench.files(), ["20260102T120001.000-00000000-0000-0000-0000-000000000001.window"]);
}

#[test]
fn what_was_put_is_on_the_disk_before_it_has_its_name_and_its_name_before_put_returns() {
    use crate::upload::Step::*;
    let bench = Bench::new();
    let steps: Arc<Mutex<Vec<Step>>> = Arc::default();
    let hook = Arc::clone(&steps);
    let disk = Disk::hooked(move |step, _| {
        hook.lock().unwrap().push(step);
        Ok(())
    });
    let mut spool = bench.open_with(Limits::default(), disk).unwrap();
    let taken = |steps: &Mutex<Vec<Step>>| std::mem::take(&mut *steps.lock().unwrap());
    taken(&steps);
    spool.put(window(1, "")).unwrap();
    assert_eq!(taken(&steps), [Create, WriteFirstHalf, WriteRest, SyncFile, Rename, SyncDirectory]);
    spool.checkpoint(&window(2, ""), Durability::Process).unwrap();
    assert_eq!(taken(&steps), [Create, WriteFirstHalf, WriteRest, Rename]);
    spool.oldest().unwrap();
    spool.taken(id(1)).unwrap();
    assert_eq!(taken(&steps)[..3], [Read, Remove, SyncDirectory]);
    drop(spool);
    bench.open();
}

#[test]
fn files_are_for_the_owner_only() {
    let bench = Bench::new();
    let mut spool = bench.open();
    spool.put(window(1, "")).unwrap();
    spool.checkpoint(&window(2, ""), Durability::Power).unwrap();
    spool.failed(None, "x");
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&bench.dir()), 0o700);
    let files: Vec<_> = std::fs::read_dir(bench.dir()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 4);
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn the_oldest_has_its_turn_first_and_parked_ones_are_passed_over() {
    let bench = Bench::new();
    let mut spool = bench.open();
    for number in [3, 1, 4, 2] {
        spool.put(window(number, "")).unwrap();
    }
    assert_eq!(spool.oldest().unwrap(), Some(window(1, "")));
    spool.park(id(1), "no").unwrap();
    assert_eq!(spool.oldest().unwrap(), Some(window(2, "")));
    spool.failed(Some(id(2)), "later");
    drop(spool);

    let mut spool = bench.open();
    let status = spool.status();
    assert_eq!((status.waiting, status.parked, status.oldest_waiting), (3, 1, Some(time(2))));
    assert_eq!(status.parked_windows[0].why.as_deref(), Some("no"));
    assert_eq!(status.last_error.as_ref().unwrap().message, "later");
    assert_eq!(SpoolView::read(&bench.dir()).unwrap().status(), status);
    assert_eq!(ids(&mut spool), [2, 3, 4]);
    assert_eq!(spool.unpark().unwrap(), 1);
    assert_eq!(ids(&mut spool), [1]);
    assert_eq!(spool.status().taken, 4);
    assert_eq!(bench.files(), [""; 0]);
}

#[test]
fn the_same_window_twice_is_one_window() {
    let bench = Bench::new();
    let mut spool = bench.open();
    spool.put(window(1, "first")).unwrap();
    spool.put(window(1, "second")).unwrap();
    spool.checkpoint(&window(1, "late"), Durability::Process).unwrap();
    assert_eq!(spool.waiting(), 1);
    assert_eq!(spool.oldest().unwrap(), Some(window(1, "first")));
    assert_eq!(bench.files().len(), 1);
}

#[test]
fn what_was_saved_of_an_open_window_is_sent_after_a_kill() {
    let bench = Bench::new();
    let mut spool = bench.open();
    spool.checkpoint(&window(1, "after 5 s"), Durability::Process).unwrap();
    spool.checkpoint(&window(1, "after 10 s"), Durability::Process).unwrap();
    assert_eq!(spool.oldest().unwrap(), None);
    assert_eq!(SpoolView::read(&bench.dir()).unwrap().next(), Some(window(1, "after 10 s")));
    drop(spool);

    let mut spool = bench.open();
    assert_eq!(bench.heard(), [Notice::Recovered { upload_id: id(1) }]);
    assert_eq!(spool.oldest().unwrap(), Some(window(1, "after 10 s")));
    drop(spool);
    bench.open();
    assert_eq!(bench.heard(), []);
}

#[test]
fn a_finished_window_leaves_no_checkpoint_to_count_again() {
    let bench = Bench::new();
    let mut spool = bench.open();
    spool.checkpoint(&window(1, "half"), Durability::Process).unwrap();
    spool.put(window(1, "whole")).unwrap();
    assert_eq!(bench.files().len(), 1);
    assert_eq!(spool.oldest().unwrap(), Some(window(1, "whole")));
    spool.taken(id(1)).unwrap();
    drop(spool);
    assert_eq!(bench.open().oldest().unwrap(), None);
}

#[test]
fn a_spool_is_open_once() {
    let bench = Bench::new();
    let spool = bench.open();
    let error = bench.open_with(Limits::default(), Disk::default()).unwrap_err();
    assert_eq!(error.trouble(), Trouble::InUse);
    assert!(error.to_string().ends_with("another watcher has the spool open: ask it, or stop it first"), "{error}");
    drop(spool);
    bench.open();
}

#[test]
fn a_spool_that_is_not_there_looks_empty() {
    let view = SpoolView::read(&Bench::new().dir()).unwrap();
    assert_eq!((view.status().waiting, view.next()), (0, None));
}
