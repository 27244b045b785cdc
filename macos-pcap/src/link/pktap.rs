//! DLT_PKTAP: Apple's frame around a frame, which says whose it is.
//!
//! The headers are written by the kernel, and still every length and offset is checked: files hold them as well.

mod layout;

use std::mem::{offset_of, size_of};

use super::{Frame, LinkError, LinkType, Way, open_plain};
use crate::bytes::{le16, le32};
use layout::{HeaderV1, HeaderV2};

/// `PTH_FLAG_DIR_IN`. The comments in Apple's header have the two directions the wrong way round; `pktap_input` sets this.
const DIR_IN: u32 = 0x1;
/// `PTH_FLAG_DIR_OUT`.
const DIR_OUT: u32 = 0x2;
/// `PTH_FLAG_V2_HDR`.
const V2: u32 = 0x8_0000;
/// `PTH_TYPE_PACKET`.
const TYPE_PACKET: u32 = 1;

/// What a PKTAP header says besides its packet. Names are as the kernel wrote them: bytes up to the first NUL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tap<'a> {
    /// Who made the socket's calls; `None` where the kernel did not know.
    pub process: Option<TapProcess<'a>>,
    /// On whose behalf, where that is another process (`pth_epid`).
    pub effective: Option<TapProcess<'a>>,
    /// The interface, by name.
    pub interface: &'a [u8],
    /// The kernel's number of the flow, 0 where it has none.
    pub flow: u32,
    /// The stack says that the packet is a retransmission.
    pub retransmission: bool,
}

/// A process as PKTAP names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TapProcess<'a> {
    /// Process id, positive.
    pub pid: u32,
    /// `p_comm`: 16 bytes at most.
    pub command: &'a [u8],
}

pub(super) fn open(captured: &[u8], wire_len: u64) -> Result<Frame<'_>, LinkError> {
    // The flags are where they are in both versions, and say which it is.
    let flags = le32(captured, offset_of!(HeaderV1, flags)).ok_or(LinkError::Short("PKTAP"))?;
    let header = if flags & V2 == 0 { v1(captured)? } else { v2(captured)? };
    let inner = LinkType::from_number(header.dlt).ok_or(LinkError::Inner(header.dlt))?;
    // A frame in a frame in a frame would be somebody's invention.
    if inner == LinkType::Pktap {
        return Err(LinkError::Inner(header.dlt));
    }
    let inside = captured.get(header.len..).ok_or(LinkError::Short("PKTAP"))?;
    let frame = open_plain(inner, inside, wire_len.saturating_sub(header.len as u64))?;
    let way = match flags & (DIR_IN | DIR_OUT) {
        DIR_IN => Some(Way::In),
        DIR_OUT => Some(Way::Out),
        _ => frame.way,
    };
    Ok(Frame { way, tap: Some(header.tap), ..frame })
}

struct Header<'a> {
    len: usize,
    dlt: u32,
    tap: Tap<'a>,
}

fn v1(captured: &[u8]) -> Result<Header<'_>, LinkError> {
    let short = LinkError::Short("PKTAP");
    let word = |at| le32(captured, at).ok_or(short);
    let len = word(offset_of!(HeaderV1, length))? as usize;
    if len < size_of::<HeaderV1>() {
        return Err(LinkError::Pktap);
    }
    let header = captured.get(..len).ok_or(short)?;
    let next = word(offset_of!(HeaderV1, type_next))?;
    if next != TYPE_PACKET {
        return Err(LinkError::NoPacket(next));
    }
    let flags = word(offset_of!(HeaderV1, flags))?;
    let pid = word(offset_of!(HeaderV1, pid))?;
    let tap = Tap {
        process: process(pid, text(header, offset_of!(HeaderV1, comm), layout::COMM)),
        effective: effective(
            word(offset_of!(HeaderV1, epid))?,
            pid,
            text(header, offset_of!(HeaderV1, ecomm), layout::COMM),
        ),
        interface: text(header, offset_of!(HeaderV1, ifname), layout::IFNAME),
        flow: word(offset_of!(HeaderV1, flowid))?,
        retransmission: flags & layout::REXMIT != 0,
    };
    Ok(Header { len, dlt: word(offset_of!(HeaderV1, dlt))?, tap })
}

fn v2(captured: &[u8]) -> Result<Header<'_>, LinkError> {
    let short = LinkError::Short("PKTAP");
    let len = usize::from(*captured.first().ok_or(short)?);
    if len < size_of::<HeaderV2>() {
        return Err(LinkError::Pktap);
    }
    let header = captured.get(..len).ok_or(short)?;
    let word = |at| le32(header, at).ok_or(short);
    // Offset 0 says that there is none. Another one below the fixed part, or outside of the header, is a lie.
    let text_at = |field: usize, most| match usize::from(header[field]) {
        0 => Ok(&[][..]),
        at if (size_of::<HeaderV2>()..len).contains(&at) => Ok(text(header, at, most)),
        _ => Err(LinkError::Pktap),
    };
    let flags = word(offset_of!(HeaderV2, flags))?;
    let pid = word(offset_of!(HeaderV2, pid))?;
    let tap = Tap {
        process: process(pid, text_at(offset_of!(HeaderV2, comm_offset), layout::COMM)?),
        effective: effective(
            word(offset_of!(HeaderV2, e_pid))?,
            pid,
            text_at(offset_of!(HeaderV2, e_comm_offset), layout::COMM)?,
        ),
        interface: text_at(offset_of!(HeaderV2, ifname_offset), layout::IFNAME)?,
        flow: word(offset_of!(HeaderV2, flowid))?,
        retransmission: flags & layout::REXMIT != 0,
    };
    let dlt = le16(header, offset_of!(HeaderV2, dlt)).ok_or(short)?.into();
    Ok(Header { len, dlt, tap })
}

/// pid_t is signed: -1 stands for "not known" (`pktap_fill_proc_info`), and 0 for a field that nobody filled.
fn process(pid: u32, command: &[u8]) -> Option<TapProcess<'_>> {
    (pid != 0 && pid <= i32::MAX as u32).then_some(TapProcess { pid, command })
}

fn effective(epid: u32, pid: u32, command: &[u8]) -> Option<TapProcess<'_>> {
    process(epid, command).filter(|process| process.pid != pid)
}

/// A C string of `most` bytes at most, within the header.
fn text(header: &[u8], at: usize, most: usize) -> &[u8] {
    let rest = header.get(at..).unwrap_or_default();
    let field = &rest[..most.min(rest.len())];
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}
