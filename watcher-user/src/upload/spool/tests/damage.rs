use std::fs;

use super::*;
use crate::upload::Step;

#[test]
fn a_damaged_window_is_set_aside_once_and_the_next_has_its_turn() {
    let bench = Bench::new();
    let mut spool = bench.open();
    for number in 1..=3 {
        spool.put(window(number, "some words")).unwrap();
    }
    let files = bench.files();
    let mut bytes = fs::read(bench.dir().join(&files[0])).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(bench.dir().join(&files[0]), &bytes).unwrap();
    fs::write(bench.dir().join(&files[1]), &bytes[..40]).unwrap();

    assert_eq!(spool.oldest().unwrap(), Some(window(3, "some words")));
    let heard: Vec<String> = bench.heard().iter().map(ToString::to_string).collect();
    assert_eq!(heard.len(), 2);
    assert!(heard[0].ends_with(".window was set aside: its checksum is wrong"), "{}", heard[0]);
    assert!(heard[1].contains("it has "), "{}", heard[1]);
    drop(spool);

    let mut spool = bench.open();
    assert_eq!(spool.oldest().unwrap(), Some(window(3, "some words")));
    assert_eq!(bench.heard(), []);
    assert_eq!(spool.status().damaged, 2);
    assert_eq!(bench.files().iter().filter(|name| name.ends_with(".damaged")).count(), 2);
}

#[test]
fn a_file_that_is_gone_blocks_nothing() {
    let bench = Bench::new();
    let mut spool = bench.open();
    spool.put(window(1, "")).unwrap();
    spool.put(window(2, "")).unwrap();
    fs::remove_file(bench.dir().join(&bench.files()[0])).unwrap();
    assert_eq!(ids(&mut spool), [2]);
    assert_eq!(bench.heard().len(), 1);
}

#[test]
fn trouble_that_passes_sets_nothing_aside() {
    let bench = Bench::new();
    bench.open().put(window(1, "")).unwrap();
    let busy = Arc::new(Mutex::new(false));
    let hook = Arc::clone(&busy);
    let disk = Disk::hooked(move |step, path| match step {
        // EMFILE: this process has too many files open.
        Step::Read if *hook.lock().unwrap() && !path.ends_with("state.json") => Err(io::Error::from_raw_os_error(24)),
        _ => Ok(()),
    });
    let mut spool = bench.open_with(Limits::default(), disk).unwrap();
    *busy.lock().unwrap() = true;
    assert!(spool.oldest().is_err());
    *busy.lock().unwrap() = false;
    assert_eq!(spool.oldest().unwrap(), Some(window(1, "")));
}

#[test]
fn strange_files_are_set_aside_foreign_ones_left_alone_and_few_are_kept() {
    let bench = Bench::new();
    drop(bench.open());
    for number in 0..20 {
        fs::write(bench.dir().join(format!("x{number:02}.window")), "x").unwrap();
    }
    fs::write(bench.dir().join("README"), "x").unwrap();
    fs::write(bench.dir().join("half.window.tmp"), "x").unwrap();
    fs::write(bench.dir().join("state.json"), "{\"taken\":").unwrap();
    fs::create_dir(bench.dir().join("lost+found")).unwrap();
    let mut spool = bench.open();
    assert_eq!(spool.oldest().unwrap(), None);
    assert_eq!(bench.heard().len(), 21);
    assert_eq!(bench.files().len(), MAX_DAMAGED);
    assert!(bench.dir().join("README").exists());
    assert_eq!(spool.status().damaged, 21);
}

#[test]
fn a_damaged_checkpoint_does_not_keep_the_spool_from_opening() {
    let bench = Bench::new();
    let mut spool = bench.open();
    spool.put(window(1, "")).unwrap();
    spool.checkpoint(&window(2, ""), Durability::Process).unwrap();
    let open = bench.files().into_iter().find(|name| name.ends_with(".open")).unwrap();
    fs::write(bench.dir().join(open), "").unwrap();
    drop(spool);
    assert_eq!(ids(&mut bench.open()), [1]);
    assert_eq!(bench.heard().len(), 1);
}
