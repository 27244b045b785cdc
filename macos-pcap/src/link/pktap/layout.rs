//! `struct pktap_header` and `struct pktap_v2_hdr` as Apple publishes them: bsd/net/pktap.h in
//! <https://github.com/apple-oss-distributions/xnu> at commit 5c2921b07a2480ab43ec66f5b9e41cb872bc554f.
//!
//! They are never laid over bytes: fields are read at their offsets.

use std::mem::{offset_of, size_of};

/// `PKTAP_IFXNAMESIZE`: IF_NAMESIZE (16) and 8.
pub(super) const IFNAME: usize = 24;
/// `MAXCOMLEN + 1`.
pub(super) const COMM: usize = 17;
/// `PTH_FLAG_REXMIT`.
pub(super) const REXMIT: u32 = 0x8000;

/// `struct pktap_header`.
#[repr(C)]
pub(super) struct HeaderV1 {
    pub(super) length: u32,
    pub(super) type_next: u32,
    pub(super) dlt: u32,
    pub(super) ifname: [u8; IFNAME],
    pub(super) flags: u32,
    pub(super) protocol_family: u32,
    pub(super) frame_pre_length: u32,
    pub(super) frame_post_length: u32,
    pub(super) pid: i32,
    pub(super) comm: [u8; COMM],
    pub(super) pad1: u8,
    pub(super) trace_tag: u16,
    pub(super) svc: u32,
    pub(super) iftype: u16,
    pub(super) ifunit: u16,
    pub(super) epid: i32,
    pub(super) ecomm: [u8; COMM],
    pub(super) pad2: u8,
    pub(super) pad3: u16,
    pub(super) flowid: u32,
    pub(super) ipproto: u32,
    /// `struct timeval32`: seconds and microseconds.
    pub(super) tstamp: [i32; 2],
    pub(super) uuid: [u8; 16],
    pub(super) euuid: [u8; 16],
}

const _: () = assert!(size_of::<HeaderV1>() == 156);
const _: () = assert!(offset_of!(HeaderV1, dlt) == 8);
const _: () = assert!(offset_of!(HeaderV1, ifname) == 12);
const _: () = assert!(offset_of!(HeaderV1, flags) == 36);
const _: () = assert!(offset_of!(HeaderV1, pid) == 52);
const _: () = assert!(offset_of!(HeaderV1, comm) == 56);
const _: () = assert!(offset_of!(HeaderV1, svc) == 76);
const _: () = assert!(offset_of!(HeaderV1, epid) == 84);
const _: () = assert!(offset_of!(HeaderV1, ecomm) == 88);
const _: () = assert!(offset_of!(HeaderV1, flowid) == 108);
const _: () = assert!(offset_of!(HeaderV1, tstamp) == 116);
const _: () = assert!(offset_of!(HeaderV1, uuid) == 124);
const _: () = assert!(offset_of!(HeaderV1, euuid) == 140);

/// `struct pktap_v2_hdr`; UUIDs and names follow it at the offsets that it states.
#[repr(C)]
pub(super) struct HeaderV2 {
    pub(super) length: u8,
    pub(super) uuid_offset: u8,
    pub(super) e_uuid_offset: u8,
    pub(super) ifname_offset: u8,
    pub(super) comm_offset: u8,
    pub(super) e_comm_offset: u8,
    pub(super) dlt: u16,
    pub(super) frame_pre_length: u16,
    pub(super) frame_post_length: u16,
    pub(super) iftype: u16,
    pub(super) ipproto: u16,
    pub(super) protocol_family: u32,
    pub(super) svc: u32,
    pub(super) flowid: u32,
    pub(super) pid: i32,
    pub(super) e_pid: i32,
    pub(super) flags: u32,
}

const _: () = assert!(size_of::<HeaderV2>() == 40);
const _: () = assert!(offset_of!(HeaderV2, ifname_offset) == 3);
const _: () = assert!(offset_of!(HeaderV2, dlt) == 6);
const _: () = assert!(offset_of!(HeaderV2, protocol_family) == 16);
const _: () = assert!(offset_of!(HeaderV2, flowid) == 24);
const _: () = assert!(offset_of!(HeaderV2, pid) == 28);
const _: () = assert!(offset_of!(HeaderV2, e_pid) == 32);
// The kernel tells the versions apart by flags in one place.
const _: () = assert!(offset_of!(HeaderV2, flags) == offset_of!(HeaderV1, flags));
