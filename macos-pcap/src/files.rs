//! Files of captures, pcap and pcapng: frame by frame, as they lie there.

use std::io::Read;

use pcap_parser::{Block, PcapBlockOwned, PcapError, create_reader};
use watcher_core::BootTime;

use crate::bytes::array;
use crate::engine::Captured;
use crate::link::LinkType;

/// The largest block that is read: pcap(3) allows no longer frames than 256 KiB, and blocks have options.
const LARGEST: usize = 4 << 20;
const FIRST: usize = 256 << 10;
/// Of a pcapng block without content: its type, its length, and that again.
const SHORTEST: usize = 12;
/// Interfaces of one section.
const MOST_INTERFACES: usize = 4096;

/// Why a file was not read to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Neither of the two.
    #[error("this is no pcap and no pcapng file")]
    Unknown,
    /// It has nothing in it.
    #[error("the file is empty")]
    Empty,
    /// The system does not give what is there.
    #[error("the file cannot be read on")]
    Read,
    /// It ends where a block does not.
    #[error("the file is cut off at byte {0}, within a frame or its header")]
    Cut(u64),
    /// A length or a field cannot be.
    #[error("the file is damaged at byte {0}")]
    Damaged(u64),
    /// A frame of an interface that the file does not describe.
    #[error("the file is damaged at byte {0}: a frame of interface {1}, which it does not describe")]
    Interface(u64, u32),
    /// Only link types that are not read here.
    #[error("nothing in it can be read: link type {0}")]
    Link(i32),
}

/// What describes the frames of one interface.
#[derive(Debug, Clone, Copy)]
struct Interface {
    link: Result<LinkType, i32>,
    /// Parts of a second that timestamps count.
    resolution: u64,
    /// Seconds to add.
    offset: i64,
    /// Bytes of a frame that were kept, 0 for all.
    snaplen: u32,
}

/// Frames whose link type is not read, and the first such type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Skipped {
    /// How many.
    pub frames: u64,
    /// Which.
    pub link: Option<i32>,
}

/// Hands every frame of `file` to `see`, in the order they lie in it; their times are nanoseconds since 1970, of files that
/// have none 0. What was read before an error has been handed over.
///
/// # Errors
/// The file is none, is damaged or ends too early.
pub fn read(file: impl Read + Send, mut see: impl FnMut(&Captured<'_>)) -> Result<Skipped, FileError> {
    let mut reader = create_reader(FIRST, file).map_err(|error| match error {
        PcapError::Eof => FileError::Empty,
        PcapError::ReadError => FileError::Read,
        PcapError::Incomplete(_) => FileError::Cut(0),
        _ => FileError::Unknown,
    })?;
    let mut frames = Frames::default();
    let mut at = 0_u64;
    let mut room = FIRST;
    loop {
        // pcap-parser takes the least length of a process information block for 4 and subtracts 12.
        let data = reader.data();
        if frames.is_ng && data.len() >= 8 && frames.claimed(data) < SHORTEST {
            return Err(FileError::Damaged(at));
        }
        let stopped = match reader.next() {
            Ok((len, block)) => {
                let done = frames.block(&block, at, &mut see);
                reader.consume(len);
                at += len as u64;
                done?;
                continue;
            }
            Err(stopped) => stopped,
        };
        match stopped {
            PcapError::Eof => return frames.end(),
            PcapError::Incomplete(_) | PcapError::BufferTooSmall => {}
            PcapError::UnexpectedEof => {
                let is_damaged = frames.claimed(reader.data()) > LARGEST;
                return Err(if is_damaged { FileError::Damaged(at) } else { FileError::Cut(at) });
            }
            PcapError::ReadError => return Err(FileError::Read),
            _ => return Err(FileError::Damaged(at)),
        }
        // A block that does not fit.
        if reader.data().len() >= room {
            room *= 2;
            if room > LARGEST || !reader.grow(room) {
                return Err(FileError::Damaged(at));
            }
        }
        reader.refill().map_err(|_| FileError::Read)?;
    }
}

#[derive(Debug, Default)]
struct Frames {
    /// Of the section; the one of a pcap file.
    interfaces: Vec<Interface>,
    skipped: Skipped,
    seen: u64,
    is_big_endian: bool,
    is_ng: bool,
}

impl Frames {
    /// How long the block that begins here says it is: of a pcap file, the frame in it.
    fn claimed(&self, block: &[u8]) -> usize {
        let field = if self.is_ng { 4 } else { 8 };
        let length = array(block, field).unwrap_or_default();
        (if self.is_big_endian { u32::from_be_bytes(length) } else { u32::from_le_bytes(length) }) as usize
    }

    fn block(
        &mut self,
        block: &PcapBlockOwned<'_>,
        at: u64,
        see: &mut impl FnMut(&Captured<'_>),
    ) -> Result<(), FileError> {
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                let resolution = if header.is_nanosecond_precision() { 1_000_000_000 } else { 1_000_000 };
                // The upper bits say how long a frame check sequence is (pcap-savefile(5)).
                let link = header.network.0 & 0x0fff_ffff;
                self.is_big_endian = header.is_bigendian();
                self.interfaces = vec![Interface::new(link, resolution, 0, header.snaplen)];
            }
            PcapBlockOwned::Legacy(frame) => {
                let interface = self.interface(0, at)?;
                let ticks = u64::from(frame.ts_sec)
                    .saturating_mul(interface.resolution)
                    .saturating_add(u64::from(frame.ts_usec));
                let kept = frame.data.len().min(frame.caplen as usize);
                self.frame(interface, interface.time(ticks), &frame.data[..kept], frame.origlen, see);
            }
            PcapBlockOwned::NG(Block::SectionHeader(section)) => {
                (self.is_ng, self.is_big_endian) = (true, section.big_endian());
                self.interfaces.clear();
            }
            PcapBlockOwned::NG(Block::InterfaceDescription(described)) => {
                if self.interfaces.len() >= MOST_INTERFACES {
                    return Err(FileError::Damaged(at));
                }
                let resolution = described.ts_resolution().filter(|ticks| *ticks > 0).ok_or(FileError::Damaged(at))?;
                let (link, offset) = (described.linktype.0, described.ts_offset());
                self.interfaces.push(Interface::new(link, resolution, offset, described.snaplen));
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(frame)) => {
                let interface = self.interface(frame.if_id, at)?;
                let ticks = u64::from(frame.ts_high) << 32 | u64::from(frame.ts_low);
                let kept = frame.data.len().min(frame.caplen as usize);
                self.frame(interface, interface.time(ticks), &frame.data[..kept], frame.origlen, see);
            }
            PcapBlockOwned::NG(Block::SimplePacket(frame)) => {
                let interface = self.interface(0, at)?;
                let most = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen }.min(frame.origlen);
                let kept = frame.data.len().min(most as usize);
                self.frame(interface, BootTime(0), &frame.data[..kept], frame.origlen, see);
            }
            PcapBlockOwned::NG(_) => {}
        }
        Ok(())
    }

    fn interface(&self, number: u32, at: u64) -> Result<Interface, FileError> {
        self.interfaces.get(number as usize).copied().ok_or(FileError::Interface(at, number))
    }

    fn frame(
        &mut self,
        interface: Interface,
        at: BootTime,
        bytes: &[u8],
        wire_len: u32,
        see: &mut impl FnMut(&Captured<'_>),
    ) {
        match interface.link {
            Ok(link) => {
                self.seen += 1;
                see(&Captured { link, at, bytes, wire_len: wire_len.into() });
            }
            Err(number) => {
                self.skipped.frames += 1;
                self.skipped.link.get_or_insert(number);
            }
        }
    }

    fn end(self) -> Result<Skipped, FileError> {
        match self.skipped.link {
            Some(link) if self.seen == 0 => Err(FileError::Link(link)),
            _ => Ok(self.skipped),
        }
    }
}

impl Interface {
    fn new(link: i32, resolution: u64, offset: i64, snaplen: u32) -> Self {
        let known = u32::try_from(link).ok().and_then(LinkType::from_number);
        Self { link: known.ok_or(link), resolution, offset, snaplen }
    }

    /// What is before 1970 or too far ahead goes to the nearest time that there is.
    fn time(&self, ticks: u64) -> BootTime {
        let nanos = u128::from(ticks) * 1_000_000_000 / u128::from(self.resolution);
        let nanos = nanos as i128 + i128::from(self.offset) * 1_000_000_000;
        BootTime(u64::try_from(nanos.max(0)).unwrap_or(u64::MAX))
    }
}
