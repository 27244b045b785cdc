//! Captures in other forms than tcpdump writes them, from those that it wrote.

/// A classic capture in little-endian order, taken apart: its link type and its frames.
pub struct Taken<'a> {
    pub link: u32,
    pub frames: Vec<Record<'a>>,
}

/// Seconds and their fractions, the length on the wire, what was kept, and where in the file its header begins.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    pub at: (u32, u32),
    pub wire_len: u32,
    pub bytes: &'a [u8],
    pub offset: usize,
}

pub fn take_apart(file: &[u8]) -> Taken<'_> {
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().expect("four bytes"));
    let (mut frames, mut at) = (Vec::new(), 24);
    while at < file.len() {
        let kept = word(at + 8) as usize;
        let bytes = &file[at + 16..at + 16 + kept];
        frames.push(Record { at: (word(at), word(at + 4)), wire_len: word(at + 12), bytes, offset: at });
        at += 16 + kept;
    }
    Taken { link: word(20), frames }
}

/// The same as pcapng, big-endian or little-endian, in microseconds: section, interface, enhanced packets.
pub fn pcapng(taken: &Taken<'_>, is_big: bool) -> Vec<u8> {
    let word = |value: u32| if is_big { value.to_be_bytes() } else { value.to_le_bytes() };
    let half = |value: u16| if is_big { value.to_be_bytes() } else { value.to_le_bytes() };
    let block = |kind: u32, body: &[u8]| {
        let padding = vec![0; body.len().next_multiple_of(4) - body.len()];
        let length = word((12 + body.len() + padding.len()) as u32);
        [&word(kind), &length, body, &padding, &length].concat()
    };
    let section = [&word(0x1a2b_3c4d)[..], &half(1), &half(0), &[0xff; 8]].concat();
    let interface = [&half(taken.link as u16)[..], &half(0), &word(0)].concat();
    let mut file = [block(0x0a0d_0d0a, &section), block(1, &interface)].concat();
    for frame in &taken.frames {
        let micros = u64::from(frame.at.0) * 1_000_000 + u64::from(frame.at.1);
        let fixed = [0, (micros >> 32) as u32, micros as u32, frame.bytes.len() as u32, frame.wire_len].map(word);
        file.extend(block(6, &[&fixed.concat(), frame.bytes].concat()));
    }
    file
}

/// The same as PKTAP frames with Apple's first header (net/pktap.h), all of the process `pid` called `command`.
pub fn pktap(taken: &Taken<'_>, pid: u32, command: &str) -> Vec<u8> {
    /// `sizeof (struct pktap_header)`, and where its fields are.
    const LEN: usize = 156;
    let mut file =
        [0xa1b2_c3d4_u32.to_le_bytes(), [2, 0, 4, 0], [0; 4], [0; 4], [0, 0, 4, 0], 258_u32.to_le_bytes()].concat();
    for frame in &taken.frames {
        let mut header = [0; LEN];
        let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &(LEN as u32).to_le_bytes());
        put(4, &1_u32.to_le_bytes());
        put(8, &taken.link.to_le_bytes());
        put(12, b"lo0");
        put(52, &pid.to_le_bytes());
        put(56, command.as_bytes());
        let (kept, wire) = ((LEN + frame.bytes.len()) as u32, LEN as u32 + frame.wire_len);
        file.extend([frame.at.0, frame.at.1, kept, wire].map(u32::to_le_bytes).concat());
        file.extend([&header, frame.bytes].concat());
    }
    file
}
