//! The few bpf(2) commands that aya has no wrapper for. All of this program's own unsafe kernel calls are here.

use std::{
    io,
    mem::MaybeUninit,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
};

use aya::Pod;

/// enum bpf_cmd (include/uapi/linux/bpf.h).
#[derive(Clone, Copy)]
enum Command {
    ObjGetInfoByFd = 15,
    MapLookupBatch = 24,
    MapLookupAndDeleteBatch = 25,
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

/// Attributes of the batch commands.
#[repr(C)]
struct BatchAttr {
    in_batch: u64,
    out_batch: u64,
    keys: u64,
    values: u64,
    count: u32,
    map: u32,
    elem_flags: u64,
    flags: u64,
}

/// Reads every entry of a hash map, and takes them out when `delete` is set. `at_most` is the map's capacity.
///
/// Entries that are inserted meanwhile may be missed: they are there the next time.
pub fn read_hash<K: Pod, V: Pod>(map: BorrowedFd<'_>, at_most: u32, delete: bool) -> io::Result<Vec<(K, V)>> {
    let command = if delete { Command::MapLookupAndDeleteBatch } else { Command::MapLookupBatch };
    let mut found = Vec::new();
    let mut chunk = 512u32.min(at_most.max(1));
    let mut position: u32 = 0;
    let mut first = true;
    loop {
        let mut keys: Vec<MaybeUninit<K>> = Vec::with_capacity(chunk as usize);
        let mut values: Vec<MaybeUninit<V>> = Vec::with_capacity(chunk as usize);
        let mut next: u32 = 0;
        let mut attr = BatchAttr {
            in_batch: if first { 0 } else { (&raw const position).addr() as u64 },
            out_batch: (&raw mut next).addr() as u64,
            keys: keys.as_mut_ptr().addr() as u64,
            values: values.as_mut_ptr().addr() as u64,
            count: chunk,
            map: map.as_raw_fd().cast_unsigned(),
            elem_flags: 0,
            flags: 0,
        };
        let result = bpf(command, &mut attr);
        let end = match result {
            Ok(_) => false,
            Err(e) if e.raw_os_error() == Some(libc::ENOENT) => true,
            // One bucket holds more than fits: the kernel copied nothing.
            Err(e) if e.raw_os_error() == Some(libc::ENOSPC) && chunk < at_most.saturating_mul(2) => {
                chunk = chunk.saturating_mul(2);
                continue;
            }
            Err(e) => return Err(e),
        };
        let count = attr.count.min(chunk) as usize;
        // SAFETY: the kernel has written `count` keys and values, and both types take any bit pattern (Pod).
        unsafe {
            keys.set_len(count);
            values.set_len(count);
            found.extend(keys.iter().zip(&values).map(|(k, v)| (k.assume_init_read(), v.assume_init_read())));
        }
        if end {
            return Ok(found);
        }
        position = next;
        first = false;
    }
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

/// Copies a record out of bytes that need not be aligned. `None` when there are too few.
pub fn record<T: Pod>(bytes: &[u8]) -> Option<T> {
    if bytes.len() < size_of::<T>() {
        return None;
    }
    // SAFETY: there are enough bytes, and T takes any bit pattern (Pod).
    Some(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
}
