//! The spool is killed before every single step it takes on the disk, and what is found afterwards is held against what had been
//! promised until then. Here a process that is dead is a disk that does nothing any more; real processes that really die are in
//! `tests/upload`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// A disk that dies before its step number `steps`, and for good.
fn mortal(steps: usize) -> (Disk, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    let disk = Disk::hooked(move |_, _| {
        if count.fetch_add(1, Ordering::Relaxed) < steps { Ok(()) } else { Err(io::Error::other("dead")) }
    });
    (disk, taken)
}

/// What was promised about a window. `Any*` while a call that changes it is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Promise {
    /// At least the first of these states was saved; the second may have been.
    Saved(u32, u32),
    /// Finished; it may also still be what was saved last, if the call did not return.
    Finishing(Option<u32>),
    Finished,
    /// The endpoint has it; it may still be there.
    Taking,
    Taken,
}

/// The life of a few windows; after each call that returned well, the promise is firm.
fn live(spool: &mut Spool, promises: &mut BTreeMap<u32, Promise>) -> Result<(), SpoolError> {
    for number in 1..=3 {
        let mut saved = None;
        for state in 1..=2 {
            // Nothing was promised about a window that is not in the table.
            if let Some(before) = saved {
                promises.insert(number, Promise::Saved(before, state));
            }
            spool.checkpoint(&window(number, &state.to_string()), Durability::Process)?;
            saved = Some(state);
            promises.insert(number, Promise::Saved(state, state));
        }
        promises.insert(number, Promise::Finishing(saved));
        spool.put(window(number, "whole"))?;
        promises.insert(number, Promise::Finished);
        if number == 2 {
            // As delivery does it: an attempt that fails, then one that works.
            spool.oldest()?;
            spool.failed(Some(id(1)), "no");
            assert_eq!(spool.oldest()?.map(|window| window.upload_id()), Some(id(1)));
            promises.insert(1, Promise::Taking);
            spool.taken(id(1))?;
            promises.insert(1, Promise::Taken);
            spool.park(id(2), "refused")?;
        }
    }
    spool.unpark()?;
    Ok(())
}

/// What is in the files of finished windows before anything is repaired.
fn finished_files(bench: &Bench) -> BTreeMap<u32, String> {
    let listing = Disk::default().list(&bench.dir()).unwrap_or_default();
    let (index, _) = Index::of(&listing);
    let files = [Place::Waiting, Place::Parked]
        .into_iter()
        .flat_map(|place| index.in_place(place).map(move |stem| stem.file(place.kind())).collect::<Vec<_>>());
    files
        .map(|file| {
            let window = record::decode(&std::fs::read(bench.dir().join(file)).unwrap()).unwrap();
            (number(&window), note(&window))
        })
        .collect()
}

fn number(window: &Window) -> u32 {
    u32::try_from(window.upload_id().as_u128()).unwrap()
}

fn note(window: &Window) -> String {
    let body: serde_json::Value = serde_json::from_str(window.body()).unwrap();
    body["note"].as_str().unwrap().to_owned()
}

fn check(bench: &Bench, promises: &BTreeMap<u32, Promise>, context: &str) {
    let finished = finished_files(bench);
    let mut spool = bench.open();
    spool.unpark().unwrap();
    let mut found = BTreeMap::new();
    while let Some(got) = spool.oldest().unwrap() {
        let (number, note) = (number(&got), note(&got));
        assert_eq!(got, window(number, &note), "{context}");
        assert_eq!(found.insert(number, note), None, "{context}: {number} twice");
        spool.taken(got.upload_id()).unwrap();
    }
    for number in 1..=3 {
        let note = found.get(&number).map(String::as_str);
        let kept = match promises.get(&number) {
            // The first checkpoint was under way: all or nothing.
            None => matches!(note, None | Some("1")),
            Some(Promise::Saved(least, most)) => {
                note.is_some_and(|note| note == least.to_string() || note == most.to_string())
            }
            Some(Promise::Finishing(saved)) => {
                note == Some("whole") || note == saved.map(|state| state.to_string()).as_deref()
            }
            Some(Promise::Finished) => note == Some("whole"),
            Some(Promise::Taking) => matches!(note, None | Some("whole")),
            Some(Promise::Taken) => note.is_none(),
        };
        // Repair must not put something lesser in the place of a finished window.
        let kept = kept && finished.get(&number).is_none_or(|before| note.is_none_or(|note| note == before));
        assert!(kept, "{context}: promised {:?} of {number}, found {note:?}", promises.get(&number));
    }
    assert_eq!(spool.status().damaged, 0, "{context}");
    assert_eq!(bench.files(), [""; 0], "{context}");
}

#[test]
fn killed_before_any_step_it_keeps_what_it_promised() {
    for steps in 0.. {
        let (bench, mut promises) = (Bench::new(), BTreeMap::new());
        let (disk, taken) = mortal(steps);
        let lived = bench.open_with(Limits::default(), disk).and_then(|mut spool| live(&mut spool, &mut promises));
        check(&bench, &promises, &format!("killed before step {steps}"));
        if taken.load(Ordering::Relaxed) <= steps {
            lived.unwrap();
            assert!(steps > 60, "only {steps} steps were there to be killed at");
            return;
        }
    }
}

#[test]
fn killed_again_while_it_repairs_it_still_does() {
    for steps in (0..).step_by(3) {
        for repairs in 0.. {
            let (bench, mut promises) = (Bench::new(), BTreeMap::new());
            let (disk, taken) = mortal(steps);
            let _ = bench.open_with(Limits::default(), disk).and_then(|mut spool| live(&mut spool, &mut promises));
            if taken.load(Ordering::Relaxed) <= steps {
                return;
            }
            let (disk, repaired) = mortal(repairs);
            let _ = bench.open_with(Limits::default(), disk);
            check(&bench, &promises, &format!("killed before step {steps}, then {repairs}"));
            if repaired.load(Ordering::Relaxed) <= repairs {
                break;
            }
        }
    }
}

#[test]
fn killed_while_it_makes_room_the_count_of_what_was_given_up_is_exact() {
    let limits = Limits { max_bytes: 700, ..Limits::default() };
    for steps in 0.. {
        let bench = Bench::new();
        let (disk, taken) = mortal(steps);
        let mut put = 0;
        if let Ok(mut spool) = bench.open_with(limits, disk) {
            put = (1..=6).take_while(|&number| spool.put(window(number, "")).is_ok()).count();
        }
        let mut spool = bench.open_with(limits, Disk::default()).unwrap();
        let dropped = usize::try_from(spool.status().dropped).unwrap();
        let ids = ids(&mut spool);
        // The one that was under way may have come through.
        let under_way = ids.iter().filter(|&&id| id as usize > put).count();
        assert_eq!(dropped + ids.len(), put + under_way, "killed before step {steps}");
        if taken.load(Ordering::Relaxed) <= steps {
            assert_eq!(put, 6);
            assert!(dropped >= 3);
            return;
        }
    }
}
