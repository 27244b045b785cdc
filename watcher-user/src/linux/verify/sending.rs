//! Whether a thread is within a sending call on a socket, by `/proc/PID/task/TID/syscall` (proc(5)).

use std::{fs, path::Path};

use watcher_core::verify::Question;

/// Threads of one process that are looked at.
const MOST: usize = 10_000;

/// Answers. A process that has ended, or whose files may not be read, is within none.
pub fn is_sending(question: Question) -> bool {
    let process = format!("/proc/{}", question.process.tgid);
    let Ok(threads) = fs::read_dir(format!("{process}/task")) else { return false };
    threads.flatten().take(MOST).any(|thread| {
        let call = fs::read_to_string(thread.path().join("syscall")).unwrap_or_default();
        descriptor(&call).is_some_and(|fd| leads_to(Path::new(&process), fd, question.inode))
    })
}

/// The descriptor that a sending call writes to: `1 0x5 0x7ffe… …` is write(5, …).
fn descriptor(call: &str) -> Option<u64> {
    let mut words = call.split_ascii_whitespace();
    let number: libc::c_long = words.next()?.parse().ok()?;
    let which = match number {
        libc::SYS_write
        | libc::SYS_writev
        | libc::SYS_sendto
        | libc::SYS_sendmsg
        | libc::SYS_sendmmsg
        | libc::SYS_sendfile
        | libc::SYS_pwritev2 => 0,
        libc::SYS_splice => 2,
        _ => return None,
    };
    u64::from_str_radix(words.nth(which)?.strip_prefix("0x")?, 16).ok()
}

fn leads_to(process: &Path, fd: u64, inode: u64) -> bool {
    let name = fs::read_link(process.join(format!("fd/{fd}")));
    name.is_ok_and(|name| name.to_str() == Some(&format!("socket:[{inode}]")))
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        net::{TcpListener, TcpStream},
        os::fd::AsRawFd as _,
        os::unix::fs::MetadataExt as _,
    };

    use watcher_core::{BootTime, ProcessId};

    use super::*;

    #[test]
    fn a_call_names_its_descriptor() {
        let write = format!("{} 0x1f 0x0 0x0 0x0 0x0 0x0 0x7ffe 0x7f00", libc::SYS_write);
        assert_eq!(descriptor(&write), Some(31));
        assert_eq!(descriptor(&format!("{} 0x3 0x0 0x7 0x0", libc::SYS_splice)), Some(7));
        assert_eq!(descriptor(&format!("{} 0x3", libc::SYS_read)), None);
        assert_eq!(descriptor("running"), None);
        assert_eq!(descriptor("-1 0x0 0x0"), None);
    }

    #[test]
    fn a_thread_that_waits_for_room_is_within_a_call() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut sender = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (reader, _) = listener.accept().unwrap();
        let fd = sender.as_raw_fd();
        let inode = fs::metadata(format!("/proc/self/fd/{fd}")).unwrap().ino();
        let question = Question { process: ProcessId { tgid: std::process::id(), start: BootTime(0) }, inode };
        assert!(!is_sending(question));
        let thread = std::thread::spawn(move || sender.write_all(&vec![1; 64 << 20]).is_err());
        while !is_sending(question) {
            assert!(!thread.is_finished());
            std::thread::yield_now();
        }
        drop(reader);
        assert!(thread.join().unwrap(), "nobody read it");
    }
}
