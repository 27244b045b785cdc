//! What is believed of processes, record by record.

use super::{ran::joined, *};

#[test]
fn arguments_are_joined_and_may_be_cut_anywhere() {
    assert_eq!(joined(b"curl\0-s\0http://x\0"), "curl -s http://x");
    assert_eq!(joined(b"curl\0-s\0htt"), "curl -s htt");
    assert_eq!(joined(b""), "");
}

#[test]
fn a_program_that_starts_itself_keeps_its_name() {
    let mut processes = Processes::default();
    let browser = ProcessId { tgid: 10, start: BootTime(5) };
    let info = ProcessInfo {
        name: "chromium".into(),
        command: "chromium".into(),
        uid: 0,
        parent: None,
        ..ProcessInfo::default()
    };
    processes.tell(browser, info, &mut Vec::new());
    let padded = |text: &[u8], comm: &mut [u8; 16]| comm[..text.len()].copy_from_slice(text);
    let (mut named, mut exe) = ([0; 16], [0; 16]);
    padded(b"chromium", &mut named);
    padded(b"exe", &mut exe);
    let fork = |tgid, parent_tgid, comm| {
        Birth::Fork(ProcessFork {
            kind: 2,
            tgid,
            start: 6,
            parent_start: if parent_tgid == 10 { 5 } else { 6 },
            parent_tgid,
            uid: 7,
            comm,
            cgroup: 0,
        })
    };
    processes.born(&fork(11, 10, named), &mut Vec::new());
    // SAFETY: every bit pattern is a valid record.
    let mut exec: ProcessExec = unsafe { std::mem::zeroed() };
    (exec.tgid, exec.start, exec.parent_tgid, exec.parent_start, exec.comm) = (11, 6, 10, 5, exe);
    exec.filename[..program_name::ITSELF.len()].copy_from_slice(program_name::ITSELF.as_bytes());
    processes.born(&Birth::Exec(Box::new(exec)), &mut Vec::new());
    processes.born(&fork(12, 11, exe), &mut Vec::new());
    let name = |tgid| processes.known[&ProcessId { tgid, start: BootTime(6) }].info.name.clone();
    assert_eq!((name(11), name(12)), ("chromium".to_owned(), "chromium".to_owned()));
}

#[test]
fn a_fork_carries_its_parents_command_until_it_executes() {
    let mut processes = Processes::default();
    let mut events = Vec::new();
    let shell = ProcessId { tgid: 10, start: BootTime(5) };
    let info =
        ProcessInfo { name: "sh".into(), command: "sh -c x".into(), uid: 0, parent: None, ..ProcessInfo::default() };
    processes.tell(shell, info, &mut events);
    let mut comm = [0; 16];
    comm[..2].copy_from_slice(b"sh");
    let fork = ProcessFork { kind: 2, tgid: 11, start: 6, parent_start: 5, parent_tgid: 10, uid: 7, comm, cgroup: 0 };
    processes.born(&Birth::Fork(fork), &mut events);
    let Some(ProcessEvent::Seen { id, info }) = events.last() else { panic!("no event") };
    assert_eq!((id.tgid, info.command.as_str(), info.uid, info.parent), (11, "sh -c x", 7, Some(shell)));
}

fn ran(path: &str, arguments: &[u8]) -> Ran {
    // SAFETY: every bit pattern is a valid record.
    let mut exec: ProcessExec = unsafe { std::mem::zeroed() };
    exec.filename[..path.len()].copy_from_slice(path.as_bytes());
    let len = arguments.len().min(exec.args.len());
    exec.args[..len].copy_from_slice(&arguments[..len]);
    exec.args_len = u32::try_from(len).unwrap();
    Ran::of(&exec)
}

#[test]
fn the_executable_of_a_script_is_its_interpreter() {
    let executable = |path, arguments| ran(path, arguments).executable();
    assert_eq!(executable("/usr/bin/curl", b"curl\0-s\0").as_deref(), Some("/usr/bin/curl"));
    assert_eq!(executable("/srv/app.py", b"/usr/bin/python3\0/srv/app.py\0x\0").as_deref(), Some("/usr/bin/python3"));
    assert_eq!(executable("./app.py", b"/usr/bin/python3\0-u\0./app.py\0").as_deref(), Some("/usr/bin/python3"));
    for path in ["./tool", "tool", "/proc/self/exe", "/dev/fd/3", "", &format!("/{}", "x".repeat(126))] {
        assert_eq!(executable(path, b"tool\0"), None, "{path}");
    }
}

#[test]
fn who_runs_itself_runs_what_it_ran() {
    let before = ran("/usr/lib/chromium/chromium", b"chromium\0");
    let itself = || ran(program_name::ITSELF, b"/proc/self/exe\0--type=renderer\0");
    assert_eq!(itself().after(Some(&before)).executable().as_deref(), Some("/usr/lib/chromium/chromium"));
    assert_eq!((itself().after(None).executable(), itself().after(None).is_itself()), (None, true));
    assert_eq!(ran("/bin/x", b"x\0").after(Some(&before)).executable().as_deref(), Some("/bin/x"));
}

#[test]
fn an_argument_that_did_not_fit_is_none() {
    let long = [b"java\0-cp\0".as_slice(), &[b'x'; 600]].concat();
    let cut = ran("/usr/bin/java", &long);
    assert_eq!((cut.is_cut(), cut.arguments()), (true, vec!["java".to_owned(), "-cp".to_owned()]));
    assert_eq!(ran("/x", b"x\0\0y\0").arguments(), ["x", "", "y"]);
    assert!(ran("/x", b"").arguments().is_empty());
}

#[test]
fn a_process_is_told_of_with_its_application_before_its_bytes_and_again_after_an_exec() {
    let mut processes = Processes::default();
    let exec = |path: &str, arguments: &[u8]| {
        // SAFETY: every bit pattern is a valid record.
        let mut exec: ProcessExec = unsafe { std::mem::zeroed() };
        // No process has this pid, so that only the records tell.
        (exec.tgid, exec.start, exec.parent_tgid, exec.parent_start) = (u32::MAX, 6, 10, 5);
        exec.comm[..3].copy_from_slice(b"any");
        exec.filename[..path.len()].copy_from_slice(path.as_bytes());
        exec.args[..arguments.len()].copy_from_slice(arguments);
        exec.args_len = u32::try_from(arguments.len()).unwrap();
        Birth::Exec(Box::new(exec))
    };
    let id = ProcessId { tgid: u32::MAX, start: BootTime(6) };
    let named = |events: &[ProcessEvent]| match events.last() {
        Some(ProcessEvent::Seen { info, .. }) => info.application.as_ref().map(|found| found.name.to_string()),
        other => panic!("{other:?}"),
    };
    let mut events = Vec::new();
    processes.born(&exec("/usr/bin/python3", b"python3\0/srv/app.py\0"), &mut events);
    assert_eq!((events.len(), named(&events)), (1, None), "nobody has asked");
    processes.introduce(id, b"any", 0, &mut events);
    assert_eq!((events.len(), named(&events).as_deref()), (2, Some("app.py")));
    processes.introduce(id, b"any", 0, &mut events);
    assert_eq!(events.len(), 2, "told once");
    processes.born(&exec("/usr/bin/ruby", b"ruby\0x.rb\0"), &mut events);
    assert_eq!((events.len(), named(&events).as_deref()), (3, Some("x.rb")));
    // A child that executes nothing and is gone ran the same.
    let child = ProcessId { tgid: u32::MAX - 1, start: BootTime(7) };
    let mut comm = [0; 16];
    comm[..3].copy_from_slice(b"any");
    let (tgid, start, parent_tgid, parent_start) = (child.tgid, 7, id.tgid, 6);
    let fork = ProcessFork { kind: 2, tgid, start, parent_start, parent_tgid, uid: 7, comm, cgroup: 0 };
    processes.born(&Birth::Fork(fork), &mut events);
    processes.introduce(child, b"any", 0, &mut events);
    assert_eq!(named(&events).as_deref(), Some("x.rb"));
}

#[test]
fn what_another_collector_tells_gets_a_whole_name_and_an_application() {
    let stat = procfs::process::Process::myself().unwrap().stat().unwrap();
    let tick = 1_000_000_000 / procfs::ticks_per_second();
    let id = ProcessId { tgid: std::process::id(), start: BootTime(stat.starttime * tick) };
    let gone = ProcessId { tgid: id.tgid, start: BootTime(id.start.0 + 1_000_000_000) };
    let info = ProcessInfo { name: stat.comm.clone(), command: "x".into(), ..ProcessInfo::default() };
    let exited = ProcessEvent::Exited { id: gone, at: BootTime(9) };
    let told = [id, gone].map(|id| ProcessEvent::Seen { id, info: info.clone() });
    let refined = Processes::default().refine(told.into_iter().chain([exited.clone()]).collect());
    let seen = |event: &ProcessEvent| match event {
        ProcessEvent::Seen { id, info } => (*id, info.clone()),
        ProcessEvent::Exited { .. } => panic!("{event:?}"),
    };
    let (first, own) = seen(&refined[0]);
    let program = std::env::current_exe().unwrap();
    assert_eq!((first, Some(&*own.name)), (id, program.file_name().and_then(|name| name.to_str())));
    assert!(own.application.is_some() && own.command != "x");
    let (second, other) = seen(&refined[1]);
    assert_eq!((second, other.name, &*other.command), (gone, stat.comm, "x"), "another process had the pid");
    assert_eq!(refined[2..], [exited]);
}

/// So many ends that those before them are forgotten.
fn many_ends(processes: &mut Processes, first: u32) {
    for tgid in first..first + ENDED as u32 {
        let fork = ProcessFork { start: 9, tgid, ..fork_of(1) };
        processes.born(&Birth::Fork(fork), &mut Vec::new());
        processes.exited(ProcessId { tgid, start: BootTime(9) });
    }
}

fn fork_of(tgid: u32) -> ProcessFork {
    ProcessFork { kind: 2, tgid, start: 9, parent_start: 1, parent_tgid: 0, uid: 0, comm: [b'x'; 16], cgroup: 0 }
}

#[test]
fn a_process_that_is_asked_for_after_its_end_is_remembered_and_others_are_not() {
    let mut processes = Processes::default();
    let ended = |processes: &mut Processes, tgid| {
        let id = ProcessId { tgid, start: BootTime(9) };
        processes.born(&Birth::Fork(fork_of(tgid)), &mut Vec::new());
        processes.introduce(id, b"x", 0, &mut Vec::new());
        processes.exited(id);
        id
    };
    let (asked, other) = (ended(&mut processes, 70_000_001), ended(&mut processes, 70_000_002));
    for round in 0..3 {
        processes.introduce(asked, b"x", 0, &mut Vec::new());
        many_ends(&mut processes, 80_000_000 + round * 1_000_000);
    }
    let census = Census { at: BootTime(10), running: Vec::new(), whole: true };
    assert!(processes.known.contains_key(&asked) && !processes.known.contains_key(&other));
    assert_eq!(processes.missing(&census), [], "their ends were told");
    // Forgotten, and asked for again: nobody saw it run.
    processes.introduce(other, b"x", 0, &mut Vec::new());
    assert_eq!(processes.missing(&census), [Missing { id: other, witnessed: false }]);
}

#[test]
fn however_many_are_asked_for_some_are_forgotten() {
    let mut processes = Processes::default();
    for round in 0..3 {
        many_ends(&mut processes, 80_000_000 + round * 1_000_000);
        for id in processes.ended.iter().copied().collect::<Vec<_>>() {
            processes.introduce(id, b"x", 0, &mut Vec::new());
        }
    }
    assert!(processes.known.len() <= ENDED + 1 && processes.ended.len() <= ENDED, "{}", processes.known.len());
}
