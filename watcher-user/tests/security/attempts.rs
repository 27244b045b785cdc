//! A process that tries what whoever took over the daemon would: before it gives anything up, and after.

use std::{collections::BTreeMap, fs, io, net::TcpListener, path::Path, process::Command, sync::mpsc};

use nix::libc;
use watcher_user::sandbox;

pub const ROLE: &str = "attempts";

/// By what was tried: whether it worked, else the system's error.
pub type Outcomes = BTreeMap<String, Option<i32>>;

/// Prints the outcomes: of before, of the collecting thread, of a thread that was there all along, of a sealed one.
pub fn play(state: &Path) {
    fs::create_dir_all(state).expect("a state directory");
    let (go, gone) = mpsc::channel::<()>();
    let old = std::thread::spawn(move || {
        gone.recv().ok();
        attempts()
    });
    let mut before = attempts();
    before.extend(files(state));
    let mut force = sandbox::prepare(Some(state));
    sandbox::close(&mut force, false);
    go.send(()).expect("the other thread waits");
    let old = old.join().expect("no panic");
    let state = state.to_owned();
    let sealed = std::thread::spawn(move || {
        sandbox::seal_thread();
        let mut outcomes = attempts();
        outcomes.extend(files(&state));
        outcomes
    });
    let of_sealed = sealed.join().expect("no panic");
    println!(
        "{}",
        serde_json::json!({ "force": force, "before": before, "collector": attempts(), "old": old, "sealed": of_sealed })
    );
}

fn attempts() -> Outcomes {
    let parent = nix::unistd::getppid().as_raw();
    let all: [(&str, io::Result<()>); 8] = [
        ("execute", Command::new("/bin/true").status().map(drop)),
        ("make a map", make_map()),
        ("io_uring", io_uring()),
        ("take another process's descriptor", take_descriptor(parent)),
        ("executable memory", executable_memory()),
        ("enter another namespace", in_a_thread(|| call(libc::SYS_unshare, [i64::from(libc::CLONE_NEWUTS), 0]))),
        ("mount", in_a_thread(mount)),
        ("see another process's executable", fs::read_link(format!("/proc/{parent}/exe")).map(drop)),
    ];
    coded(all)
}

fn files(state: &Path) -> Outcomes {
    let outside = state.with_extension("outside");
    coded([
        ("write in the state directory", fs::write(state.join("file"), "x")),
        ("write elsewhere", fs::write(outside, "x")),
        ("listen on a port", TcpListener::bind("127.0.0.1:0").map(drop)),
    ])
}

fn coded<const N: usize>(all: [(&str, io::Result<()>); N]) -> Outcomes {
    let code = |outcome: io::Result<()>| outcome.err().map(|e| e.raw_os_error().unwrap_or(-1));
    all.into_iter().map(|(what, outcome)| (what.to_owned(), code(outcome))).collect()
}

fn in_a_thread(work: fn() -> io::Result<()>) -> io::Result<()> {
    std::thread::spawn(work).join().expect("no panic")
}

fn call(number: libc::c_long, arguments: [i64; 2]) -> io::Result<()> {
    // SAFETY: the calls below take integers, or pointers to what lives until they return.
    let returned = unsafe { libc::syscall(number, arguments[0], arguments[1], 48_i64) };
    if returned < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// BPF_MAP_CREATE of an array of one number. The descriptor is left to the end of this process.
fn make_map() -> io::Result<()> {
    let attr: [u32; 12] = [2, 4, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    call(libc::SYS_bpf, [0, attr.as_ptr().addr() as i64])
}

fn io_uring() -> io::Result<()> {
    let mut parameters = [0_u32; 30];
    call(libc::SYS_io_uring_setup, [1, parameters.as_mut_ptr().addr() as i64])
}

/// Its standard input, by pidfd_getfd(2): asks what ptrace(2) asks.
fn take_descriptor(pid: i32) -> io::Result<()> {
    // SAFETY: takes integers.
    let process = unsafe { libc::syscall(libc::SYS_pidfd_open, i64::from(pid), 0_i64) };
    if process < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: as above.
    if unsafe { libc::syscall(libc::SYS_pidfd_getfd, process, 0_i64, 0_i64) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

fn executable_memory() -> io::Result<()> {
    let (page, private) = (4096, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping, where the kernel chooses; nothing is ever read, written or run there.
    let at = unsafe { libc::mmap(std::ptr::null_mut(), page, libc::PROT_READ, private, -1, 0) };
    if at == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the mapping from above.
    let made = unsafe { libc::mprotect(at, page, libc::PROT_READ | libc::PROT_EXEC) };
    let outcome = if made < 0 { Err(io::Error::last_os_error()) } else { Ok(()) };
    // SAFETY: the mapping from above, which nothing refers to.
    unsafe { libc::munmap(at, page) };
    outcome
}

/// A tmpfs, in a namespace that the thread takes with it when it ends.
fn mount() -> io::Result<()> {
    use nix::mount::{MsFlags, mount};
    call(libc::SYS_unshare, [i64::from(libc::CLONE_NEWNS), 0])?;
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
    Ok(mount(Some("tmpfs"), "/tmp", Some("tmpfs"), MsFlags::empty(), None::<&str>)?)
}
