//! The calls, each into a buffer that grows until all of the answer fits.

use std::ffi::c_int;
use std::io;
use std::mem::size_of;
use std::time::Duration;

use super::layout::{BsdInfo, FdInfo, SocketFdInfo};

/// proc_info.h
const PROC_ALL_PIDS: u32 = 1;
const PROC_PIDLISTFDS: c_int = 1;
const PROC_PIDTBSDINFO: c_int = 3;
const PROC_PIDFDSOCKETINFO: c_int = 3;
/// A process may have so many descriptors, and a machine so many processes: what lies beyond is not looked at.
const MOST: usize = 1 << 20;

/// Asks, and keeps what it was told until it asks again.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<u8>);

impl Calls {
    /// All processes, the kernel's (0) left out.
    pub fn pids(&mut self) -> io::Result<Vec<u32>> {
        let listed = self.grow(size_of::<i32>(), |buffer, len| {
            // SAFETY: the buffer is writable and has `len` bytes.
            unsafe { libc::proc_listpids(PROC_ALL_PIDS, 0, buffer.cast(), len) }
        })?;
        let pids = listed.as_chunks::<4>().0.iter().map(|pid| u32::from_ne_bytes(*pid));
        Ok(pids.filter(|pid| *pid != 0).collect())
    }

    /// An array of `struct proc_fdinfo`.
    pub fn descriptors(&mut self, pid: u32) -> io::Result<&[u8]> {
        self.grow(size_of::<FdInfo>(), |buffer, len| {
            // SAFETY: the buffer is writable and has `len` bytes.
            unsafe { libc::proc_pidinfo(pid.cast_signed(), PROC_PIDLISTFDS, 0, buffer.cast(), len) }
        })
    }

    fn grow(&mut self, entry: usize, call: impl Fn(*mut u8, c_int) -> c_int) -> io::Result<&[u8]> {
        let Self(buffer) = self;
        buffer.resize(buffer.len().max(1024 * entry), 0);
        loop {
            let len = buffer.len();
            let written = written(call(buffer.as_mut_ptr(), c_int::try_from(len).unwrap_or(c_int::MAX)))?;
            // One that is full may have been cut.
            if written + entry <= len || len >= MOST * entry {
                return Ok(&buffer[..written.min(len)]);
            }
            buffer.resize(2 * len, 0);
        }
    }
}

/// A `struct socket_fdinfo`.
pub(super) fn socket(pid: u32, fd: i32) -> io::Result<[u8; size_of::<SocketFdInfo>()]> {
    let mut info = [0; size_of::<SocketFdInfo>()];
    let len = c_int::try_from(info.len()).unwrap_or(c_int::MAX);
    // SAFETY: the buffer is writable and has `len` bytes.
    let got =
        unsafe { libc::proc_pidfdinfo(pid.cast_signed(), fd, PROC_PIDFDSOCKETINFO, info.as_mut_ptr().cast(), len) };
    whole(got, info)
}

/// A `struct proc_bsdinfo`.
pub(super) fn process(pid: u32) -> io::Result<[u8; size_of::<BsdInfo>()]> {
    let mut info = [0; size_of::<BsdInfo>()];
    let len = c_int::try_from(info.len()).unwrap_or(c_int::MAX);
    // SAFETY: the buffer is writable and has `len` bytes.
    let got = unsafe { libc::proc_pidinfo(pid.cast_signed(), PROC_PIDTBSDINFO, 0, info.as_mut_ptr().cast(), len) };
    whole(got, info)
}

/// The path of its executable.
pub(super) fn path(pid: u32) -> Option<String> {
    let mut path = [0; 4 * libc::PATH_MAX as usize];
    // SAFETY: the buffer is writable and has `len` bytes.
    let got = unsafe { libc::proc_pidpath(pid.cast_signed(), path.as_mut_ptr().cast(), path.len() as u32) };
    let path = path.get(..written(got).ok()?)?;
    Some(String::from_utf8_lossy(path).into_owned())
}

/// What `KERN_PROCARGS2` says.
pub(super) fn arguments(pid: u32) -> Option<Vec<u8>> {
    let mut name = [libc::CTL_KERN, libc::KERN_PROCARGS2, pid.cast_signed()];
    let mut bytes = vec![0; 64 << 10];
    let mut len = bytes.len();
    // SAFETY: the name has three numbers, and the buffer is writable and has `len` bytes; nothing is set.
    let got =
        unsafe { libc::sysctl(name.as_mut_ptr(), 3, bytes.as_mut_ptr().cast(), &raw mut len, std::ptr::null_mut(), 0) };
    bytes.truncate(len);
    (got == 0).then_some(bytes)
}

/// Since boot, sleep included: `mach_continuous_time`.
pub(super) fn since_boot() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is writable. Every macOS that Rust supports has this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_RAW, &raw mut time) };
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

fn written(got: c_int) -> io::Result<usize> {
    usize::try_from(got).ok().filter(|got| *got > 0).ok_or_else(io::Error::last_os_error)
}

fn whole<const N: usize>(got: c_int, info: [u8; N]) -> io::Result<[u8; N]> {
    match written(got)? {
        got if got == N => Ok(info),
        got => Err(io::Error::other(format!("{got} bytes where {N} were expected"))),
    }
}
