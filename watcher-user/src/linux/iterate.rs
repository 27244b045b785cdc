//! Reading what an iterator writes.

use std::{
    fs::File,
    io::{self, Read as _},
};

use super::raw;

/// Reads records of one type until the end. A record may be split between two reads.
pub fn read_records<T: aya::Pod>(mut from: File, mut each: impl FnMut(T)) -> io::Result<()> {
    let mut buffer = vec![0u8; 64 << 10];
    let mut filled = 0;
    loop {
        let n = match from.read(&mut buffer[filled..]) {
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            // The kernel asks for another read (bpf_seq_read, kernel/bpf/bpf_iter.c).
            Err(e) if e.raw_os_error() == Some(libc::EAGAIN) => continue,
            Err(e) => return Err(e),
        };
        if n == 0 {
            return Ok(());
        }
        filled += n;
        let whole = filled / size_of::<T>() * size_of::<T>();
        for bytes in buffer[..whole].chunks_exact(size_of::<T>()) {
            each(raw::record(bytes).ok_or_else(|| io::Error::other("short record"))?);
        }
        buffer.copy_within(whole..filled, 0);
        filled -= whole;
    }
}
