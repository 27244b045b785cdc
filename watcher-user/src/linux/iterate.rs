//! Reading what an iterator writes.

use std::{
    fs::File,
    io::{self, Read as _},
};

use super::raw;

/// Reads records of one type until the end.
pub fn read_records<T: aya::Pod>(from: File, mut each: impl FnMut(T)) -> io::Result<()> {
    read_pieces(from, size_of::<T>(), |bytes| {
        each(raw::record(bytes).ok_or_else(short)?);
        Ok(())
    })
}

/// Reads the entries of a map, each a key and its value.
pub fn read_entries<K: aya::Pod, V: aya::Pod>(from: File) -> io::Result<Vec<(K, V)>> {
    let mut found = Vec::new();
    read_pieces(from, size_of::<K>() + size_of::<V>(), |bytes| {
        let (key, value) = bytes.split_at(size_of::<K>());
        found.push((raw::record(key).ok_or_else(short)?, raw::record(value).ok_or_else(short)?));
        Ok(())
    })?;
    Ok(found)
}

fn short() -> io::Error {
    io::Error::other("short record")
}

/// Lets an iterator run until it has ended or stops at a byte that it wrote; whether it has ended.
pub fn run_on(from: &mut File) -> io::Result<bool> {
    loop {
        return match from.read(&mut [0]) {
            Ok(n) => Ok(n == 0),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            // After a million of what it does not write about (bpf_seq_read, kernel/bpf/bpf_iter.c).
            Err(e) if e.raw_os_error() == Some(libc::EAGAIN) => Ok(false),
            Err(e) => Err(e),
        };
    }
}

/// Reads pieces of one size until the end. A piece may be split between two reads.
fn read_pieces(mut from: File, size: usize, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
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
        let whole = filled / size * size;
        for bytes in buffer[..whole].chunks_exact(size) {
            each(bytes)?;
        }
        buffer.copy_within(whole..filled, 0);
        filled -= whole;
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, Write as _};

    use watcher_common::{OverflowKey, SocketKey};

    use super::*;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        file
    }

    /// More of them than one reading takes, so that one lies across two.
    #[test]
    fn entries_are_read_whole_wherever_a_reading_ends() {
        let entry = |number: u32| {
            let key = SocketKey { cookie: number.into(), epoch: number, pad: 0 };
            (key, OverflowKey { start: number.into(), tgid: number, pad: 0 })
        };
        let mut bytes = Vec::new();
        for number in 0..3000_u32 {
            for _ in 0..2 {
                bytes.extend(u64::from(number).to_ne_bytes());
                bytes.extend(number.to_ne_bytes());
                bytes.extend([0; 4]);
            }
        }
        let read = read_entries::<SocketKey, OverflowKey>(file(&bytes)).unwrap();
        assert_eq!(read, (0..3000).map(entry).collect::<Vec<_>>());
        let mut count = 0;
        read_records(file(&bytes[..100]), |key: SocketKey| count += u32::from(key.epoch == count / 2)).unwrap();
        assert_eq!(count, 6, "what is cut off is no record");
    }
}
