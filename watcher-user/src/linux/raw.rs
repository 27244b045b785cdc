//! The few kernel calls that aya has no wrapper for. All of this program's own unsafe kernel calls are here.

use std::{
    ffi::CString,
    io,
    os::fd::{AsFd as _, AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
    ptr::NonNull,
    sync::atomic::{AtomicU64, Ordering},
};

use aya::Pod;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// enum bpf_cmd (include/uapi/linux/bpf.h).
#[derive(Clone, Copy)]
enum Command {
    ProgTestRun = 10,
    ObjGetInfoByFd = 15,
    LinkCreate = 28,
    IterCreate = 33,
}

/// BPF_TRACE_ITER of enum bpf_attach_type.
const BPF_TRACE_ITER: u32 = 28;

fn bpf<T>(command: Command, attr: &mut T) -> io::Result<i32> {
    // SAFETY: `attr` is a prefix of union bpf_attr for this command, its size is passed, and every pointer inside it is
    // valid for the lengths given beside it: each caller below sees to that.
    let r = unsafe { libc::syscall(libc::SYS_bpf, command as libc::c_int, std::ptr::from_mut(attr), size_of::<T>()) };
    if r < 0 { Err(io::Error::last_os_error()) } else { i32::try_from(r).map_err(io::Error::other) }
}

fn owned(fd: i32) -> OwnedFd {
    // SAFETY: the kernel has just made this descriptor for us.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Binds an iterator program to a map: `bpf_link_create` with `bpf_iter_link_info.map.map_fd`.
pub fn iterate_map(program: BorrowedFd<'_>, map: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    #[repr(C)]
    struct Attr {
        program: u32,
        target: u32,
        attach_type: u32,
        flags: u32,
        info: u64,
        info_len: u32,
        pad: u32,
    }
    // union bpf_iter_link_info is 16 bytes; map_fd comes first.
    let info: [u32; 4] = [map.as_raw_fd().cast_unsigned(), 0, 0, 0];
    let mut attr = Attr {
        program: program.as_raw_fd().cast_unsigned(),
        target: 0,
        attach_type: BPF_TRACE_ITER,
        flags: 0,
        info: info.as_ptr().addr() as u64,
        info_len: size_of_val(&info) as u32,
        pad: 0,
    };
    bpf(Command::LinkCreate, &mut attr).map(owned)
}

/// An iterator over everything of its kind.
pub fn iterate(program: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let mut attr: [u32; 4] = [program.as_raw_fd().cast_unsigned(), 0, BPF_TRACE_ITER, 0];
    bpf(Command::LinkCreate, &mut attr).map(owned)
}

/// A fresh run of an iterator link; reading the descriptor runs the program.
pub fn run_iterator(link: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let mut attr: [u32; 2] = [link.as_raw_fd().cast_unsigned(), 0];
    bpf(Command::IterCreate, &mut attr).map(owned)
}

/// Runs a program that is attached to nothing, with `words` as its arguments (`bpf_prog_test_run_raw_tp`,
/// net/bpf/test_run.c; Linux 5.10). The program must read no more than these.
pub fn call(program: BorrowedFd<'_>, words: &[u64]) -> io::Result<()> {
    #[repr(C)]
    struct Attr {
        program: u32,
        returned: u32,
        data_size_in: u32,
        data_size_out: u32,
        data_in: u64,
        data_out: u64,
        repeat: u32,
        duration: u32,
        words_size: u32,
        words_size_out: u32,
        words: u64,
        words_out: u64,
        flags: u32,
        cpu: u32,
        batch_size: u32,
        pad: u32,
    }
    // SAFETY: all of them are integers.
    let mut attr: Attr = unsafe { std::mem::zeroed() };
    attr.program = program.as_raw_fd().cast_unsigned();
    attr.words_size = size_of_val(words) as u32;
    attr.words = words.as_ptr().addr() as u64;
    bpf(Command::ProgTestRun, &mut attr).map(drop)
}

/// An array map of u64 in this process's memory.
pub struct Words {
    at: NonNull<AtomicU64>,
    len: usize,
}

// SAFETY: the memory is shared with the kernel anyway, and only touched by atomic operations.
unsafe impl Send for Words {}
// SAFETY: as above.
unsafe impl Sync for Words {}

impl Words {
    /// Maps an array that was made with BPF_F_MMAPABLE and has `len` values.
    pub fn map(array: BorrowedFd<'_>, len: u32) -> io::Result<Self> {
        let len = len as usize;
        let (read_write, shared) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
        // SAFETY: a new mapping, where the kernel chooses; it rounds the length up to pages, as it did for the map.
        let at = unsafe {
            libc::mmap(std::ptr::null_mut(), len * size_of::<u64>(), read_write, shared, array.as_raw_fd(), 0)
        };
        if at == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let at = NonNull::new(at.cast()).ok_or_else(|| io::Error::other("mapped at 0"))?;
        Ok(Self { at, len })
    }

    fn word(&self, index: u32) -> &AtomicU64 {
        assert!((index as usize) < self.len, "no such word");
        // SAFETY: within the mapping, which lives as long as this; aligned, and atomic on both sides.
        unsafe { self.at.add(index as usize).as_ref() }
    }

    /// A value.
    pub fn load(&self, index: u32) -> u64 {
        self.word(index).load(Ordering::Acquire)
    }

    /// Sets a value.
    pub fn store(&self, index: u32, value: u64) {
        self.word(index).store(value, Ordering::Release);
    }
}

impl Drop for Words {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and nothing refers to it any more.
        unsafe { libc::munmap(self.at.as_ptr().cast(), self.len * size_of::<u64>()) };
    }
}

/// struct perf_event_attr up to its second version: the kernel takes what follows for zero.
#[repr(C)]
#[derive(Default)]
struct PerfAttr {
    kind: u32,
    size: u32,
    config: u64,
    unused: [u64; 5],
    /// `kprobe_func`
    config1: u64,
    /// `probe_offset`
    config2: u64,
}

/// Runs a program at a trace event, on every CPU, until the descriptor is closed. aya does this for its own probes only.
pub fn perf_tracepoint(event: u64, program: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    const PERF_TYPE_TRACEPOINT: u32 = 2;
    perf_event(PerfAttr { kind: PERF_TYPE_TRACEPOINT, config: event, ..PerfAttr::default() }, program)
}

/// The same at the entry or exit of a function, by perf's own probes, whose type is `kind`.
pub fn perf_kprobe(kind: u32, function: &str, exit: bool, program: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let name = CString::new(function)?;
    let config1 = name.as_ptr().addr() as u64;
    perf_event(PerfAttr { kind, config: u64::from(exit), config1, ..PerfAttr::default() }, program)
}

/// perf_event_open(2) and PERF_EVENT_IOC_SET_BPF. A pointer in `attr` must be valid for as long as this runs.
fn perf_event(mut attr: PerfAttr, program: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    const PERF_FLAG_FD_CLOEXEC: u32 = 8;
    const PERF_EVENT_IOC_ENABLE: libc::Ioctl = 0x2400;
    const PERF_EVENT_IOC_SET_BPF: libc::Ioctl = 0x4004_2408;
    attr.size = size_of::<PerfAttr>() as u32;
    // The programs of an event run on every CPU, whichever one it was opened for.
    let (any_process, cpu, no_group) = (-1, 0, -1);
    // SAFETY: a live attribute whose size it states; the rest are plain integers.
    let fd = unsafe {
        libc::syscall(libc::SYS_perf_event_open, &raw const attr, any_process, cpu, no_group, PERF_FLAG_FD_CLOEXEC)
    };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    let fd = owned(i32::try_from(fd).map_err(io::Error::other)?);
    for (request, argument) in [(PERF_EVENT_IOC_SET_BPF, program.as_raw_fd()), (PERF_EVENT_IOC_ENABLE, 0)] {
        // SAFETY: both take an integer.
        if unsafe { libc::ioctl(fd.as_raw_fd(), request, argument) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(fd)
}

/// What aya's `ProgramInfo` does not tell: runs that were skipped because the program was already running on that CPU.
pub fn recursion_misses(program: BorrowedFd<'_>) -> io::Result<u64> {
    #[repr(C)]
    struct Attr {
        fd: u32,
        len: u32,
        info: u64,
    }
    // struct bpf_prog_info: recursion_misses is the u64 at byte 208 (Linux 5.12), after run_cnt at 200.
    let mut info = [0u64; 29];
    let mut attr = Attr {
        fd: program.as_raw_fd().cast_unsigned(),
        len: size_of_val(&info) as u32,
        info: info.as_mut_ptr().addr() as u64,
    };
    bpf(Command::ObjGetInfoByFd, &mut attr)?;
    Ok(if attr.len >= 216 { info[26] } else { 0 })
}

/// open_by_handle_at(2) of a directory of kernfs by its id (FILEID_KERNFS, include/linux/exportfs.h; Linux 5.5). `mount` is
/// any file below the mount.
pub fn open_by_id(mount: BorrowedFd<'_>, id: u64) -> io::Result<OwnedFd> {
    #[repr(C)]
    struct Handle {
        bytes: u32,
        kind: i32,
        id: [u8; 8],
    }
    let mut handle = Handle { bytes: 8, kind: 0xfe, id: id.to_ne_bytes() };
    let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC;
    // SAFETY: a struct file_handle with as many bytes after it as it states.
    let fd = unsafe { libc::syscall(libc::SYS_open_by_handle_at, mount.as_raw_fd(), &raw mut handle, flags) };
    if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(owned(i32::try_from(fd).map_err(io::Error::other)?)) }
}

/// Copies a record out of bytes that need not be aligned. `None` when there are too few.
pub fn record<T: Pod>(bytes: &[u8]) -> Option<T> {
    if bytes.len() < size_of::<T>() {
        return None;
    }
    // SAFETY: there are enough bytes, and T takes any bit pattern (Pod).
    Some(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
}

/// Whether a process has ended and is only waited for: its pidfd (Linux 5.3) is readable then. False where that cannot be told.
pub fn has_ended(pid: u32) -> bool {
    // SAFETY: plain integers in; the result is checked, and owned by nobody else.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.cast_signed(), 0) };
    let Some(fd) = i32::try_from(fd).ok().filter(|fd| *fd >= 0) else { return false };
    // SAFETY: the kernel has just made this descriptor for this process.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    let mut polled = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
    poll(&mut polled, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_copied_from_wherever_it_lies() {
        let key = watcher_common::SocketKey { cookie: 0x0102_0304_0506_0708, epoch: 9, pad: 0 };
        let mut bytes = vec![0xff; 1];
        bytes.extend(key.cookie.to_ne_bytes().into_iter().chain(key.epoch.to_ne_bytes()).chain([0; 4]));
        assert_eq!(record::<watcher_common::SocketKey>(&bytes[1..]), Some(key));
        assert_eq!(record::<watcher_common::SocketKey>(&bytes[2..]), None, "one byte is missing");
    }

    #[test]
    fn a_process_that_nobody_has_waited_for_has_ended() {
        let mut child =
            std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().expect("cat starts");
        let pid = child.id();
        assert!(!has_ended(pid));
        drop(child.stdin.take());
        while !has_ended(pid) {
            std::thread::yield_now();
        }
        child.wait().expect("a child");
    }
}
