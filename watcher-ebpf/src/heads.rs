//! The first bytes of flows, for the parsers of names. What is copied, and when it is enough, is [`bound`]; once it is,
//! a later packet costs one look-up of the socket's storage.
//!
//! - `cgroup_skb/egress` (Linux 4.10): ip_finish_output and its kin, before segmentation: a hello that the process wrote
//!   at once is seen at once. In the context of whoever makes TCP send.
//! - `cgroup_skb/ingress`: sk_filter_trim_cap, after reassembly of fragments; softirq mostly.
//!
//! `current` is used by neither: the owner is the socket's. Both always let the packet pass. Not seen: data on the last packet of
//! a handshake or on a SYN that was received, which the kernel shows to the listener; MPTCP, whose subflows are sockets of
//! the kernel.

use core::ffi::c_void;

use aya_ebpf::{
    bindings::{__sk_buff, BPF_RB_AVAIL_DATA, BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP, bpf_sock},
    helpers::generated::{
        bpf_get_socket_cookie, bpf_ringbuf_discard, bpf_ringbuf_query, bpf_ringbuf_reserve, bpf_ringbuf_submit,
        bpf_skb_load_bytes,
    },
    macros::cgroup_skb,
    programs::SkBuffContext,
};
use watcher_common::{HeadHeader, Loss, bound, looked};

use crate::{
    kernel::{jiffies, now},
    loss::lost,
    maps::HEADS,
    packet::{self, Packet, TCP},
    slot::{self, Slot},
};

/// Of a record's payload: what short packets, full packets and what the kernel keeps together take.
const SHORT: usize = 256;
const FULL: usize = 1536;
const LONG: usize = bound::PACKET as usize;

/// Index of a direction in [`watcher_common::Copied`].
const SENT: usize = 0;
const RECEIVED: usize = 1;

/// DNS, multicast DNS, LLMNR.
const DNS_PORTS: [u16; 3] = [53, 5353, 5355];

/// Unread bytes at which the reader is woken early.
const WAKE_AT: u64 = 0x2_0000;

#[cgroup_skb(egress)]
pub fn watcher_head_sent(ctx: SkBuffContext) -> i32 {
    look(ctx.skb.skb, SENT);
    1
}

#[cgroup_skb(ingress)]
pub fn watcher_head_received(ctx: SkBuffContext) -> i32 {
    look(ctx.skb.skb, RECEIVED);
    1
}

#[inline(always)]
fn look(skb: *mut __sk_buff, way: usize) {
    // SAFETY: the verifier checks loads from the context.
    let sk = unsafe { (*skb).__bindgen_anon_2.sk };
    if sk.is_null() {
        return;
    }
    let Some(slot) = slot::find_in_cgroup(sk.cast()) else { return };
    // SAFETY: a valid map value.
    if unsafe { (*slot).heads } & done(way) != 0 {
        return;
    }
    inspect(skb, sk, slot, way);
}

#[inline(always)]
fn done(way: usize) -> u8 {
    if way == SENT { looked::SENT } else { looked::RECEIVED }
}

#[inline(always)]
fn finish(slot: Slot, way: usize) {
    // SAFETY: a valid map value.
    unsafe { (*slot).heads |= done(way) }
}

/// A packet of a flow that is still being looked at.
#[inline(always)]
fn inspect(skb: *mut __sk_buff, sk: *mut bpf_sock, slot: Slot, way: usize) {
    let Some(packet) = packet::parse(skb) else { return };
    if packet.length == 0 {
        // SAFETY: a valid map value; `way` is 0 or 1.
        let bare = unsafe { &raw mut (*slot).copied.bare[way] };
        // SAFETY: as above.
        unsafe { *bare = (*bare).saturating_add(1) };
        // SAFETY: as above.
        if unsafe { *bare } >= bound::BARE {
            finish(slot, way);
        }
        return;
    }
    let n = if packet.protocol == TCP {
        of_stream(skb, &packet, slot, way)
    } else {
        of_datagram(skb, sk, &packet, slot, way)
    };
    if n != 0 {
        copy(skb, &packet, slot, way, n);
    }
}

/// How much to copy of a piece of a stream.
#[inline(always)]
fn of_stream(skb: *mut __sk_buff, packet: &Packet, slot: Slot, way: usize) -> u32 {
    // SAFETY: a valid map value; `way` is 0 or 1.
    let (copied, enough, packets) = unsafe {
        let all = &raw mut (*slot).copied;
        (&raw mut (*all).bytes[way], &raw mut (*all).enough[way], &raw mut (*all).packets[way])
    };
    let handshake = handshake(skb, packet);
    // SAFETY: valid map values.
    unsafe {
        if handshake != 0 {
            (*slot).heads |= looked::TLS;
            let so_far = *copied;
            let wanted = so_far.saturating_add(handshake);
            *enough = if wanted < bound::HANDSHAKE { wanted } else { bound::HANDSHAKE };
        } else if *enough == 0 {
            *enough = if packet.source_port == 53 || packet.destination_port == 53 {
                bound::HANDSHAKE
            } else {
                bound::STREAM
            };
        }
        *packets = (*packets).saturating_add(1);
        let left = u32::from((*enough).saturating_sub(*copied));
        let n = packet.length.min(left).min(bound::PACKET);
        *copied = (*copied).saturating_add(n as u16);
        let in_handshake = (*slot).heads & looked::TLS != 0 || *enough == bound::HANDSHAKE;
        let most = if in_handshake { bound::HANDSHAKE_PACKETS } else { bound::STREAM_PACKETS };
        if *copied >= *enough || *packets >= most {
            finish(slot, way);
        }
        n
    }
}

/// How long a TLS handshake message that begins here is, and some more for the headers of records that it may be cut into; 0
/// where none begins (RFC 8446, 5.1 and 4).
#[inline(always)]
fn handshake(skb: *mut __sk_buff, packet: &Packet) -> u16 {
    let Some(b) = packet::load::<9>(skb, packet.at) else {
        // Some clients send the first byte or two alone, so that nobody on the way can read the rest.
        let begins = packet::load::<1>(skb, packet.at) == Some([22]);
        return if begins { bound::HANDSHAKE } else { 0 };
    };
    if b[0] != 22 || b[1] != 3 || b[2] > 4 {
        return 0;
    }
    match b[5] {
        1 => {
            let length = u32::from(b[6]) << 16 | u32::from(b[7]) << 8 | u32::from(b[8]);
            (length.min(u32::from(bound::HANDSHAKE)) + 9 + 64) as u16
        }
        2 => {
            // Where the next record is not one of the handshake, the rest is encrypted (TLS 1.3) or short (a resumed session).
            let length = u32::from(b[3]) << 8 | u32::from(b[4]);
            let next = packet::load::<1>(skb, packet.at + 5 + length);
            let is_all = length < u32::from(bound::SERVER) && next.is_some() && next != Some([22]);
            if is_all { length as u16 + 5 } else { bound::SERVER }
        }
        _ => 0,
    }
}

/// How much to copy of a datagram.
#[inline(always)]
fn of_datagram(skb: *mut __sk_buff, sk: *mut bpf_sock, packet: &Packet, slot: Slot, way: usize) -> u32 {
    let n = packet.length.min(bound::PACKET);
    // SAFETY: a valid map value; `way` is 0 or 1.
    let packets = unsafe { &raw mut (*slot).copied.packets[way] };
    let is_dns = DNS_PORTS.contains(&packet.source_port) || DNS_PORTS.contains(&packet.destination_port);
    // SAFETY: as above.
    if !is_dns && unsafe { *packets } < bound::DATAGRAMS {
        // SAFETY: as above.
        unsafe { *packets += 1 };
        return n;
    }
    // SAFETY: the verifier knows a socket's common part.
    let connected = unsafe { (*sk).dst_port } != 0;
    if !is_dns && connected {
        finish(slot, way);
        return 0;
    }
    if (is_dns || is_initial(skb, packet)) && has_room(slot) { n } else { 0 }
}

/// A packet with a long header, of type Initial: version 1 (RFC 9000, 17.2.2) or 2 (RFC 9369, 3.2).
#[inline(always)]
fn is_initial(skb: *mut __sk_buff, packet: &Packet) -> bool {
    let Some(b) = packet::load::<5>(skb, packet.at) else { return false };
    let version = u32::from_be_bytes([b[1], b[2], b[3], b[4]]);
    (version == 1 && b[0] & 0xf0 == 0xc0) || (version == 0x6b33_43cf && b[0] & 0xf0 == 0xd0)
}

/// Whether this socket may hand over another packet in this second.
#[inline(always)]
fn has_room(slot: Slot) -> bool {
    let second = (jiffies() >> 8) as u16;
    // SAFETY: a valid map value.
    unsafe {
        let copied = &raw mut (*slot).copied;
        if (*copied).second != second {
            (*copied).second = second;
            (*copied).in_second = 0;
        }
        (*copied).in_second = (*copied).in_second.saturating_add(1);
        (*copied).in_second <= bound::A_SECOND
    }
}

/// Hands over `n` bytes of the payload.
#[inline(always)]
fn copy(skb: *mut __sk_buff, packet: &Packet, slot: Slot, way: usize, n: u32) {
    let sent = way == SENT;
    let (local, remote) = if sent { (packet.source, packet.destination) } else { (packet.destination, packet.source) };
    let (local_port, remote_port) = if sent {
        (packet.source_port, packet.destination_port)
    } else {
        (packet.destination_port, packet.source_port)
    };
    // SAFETY: a valid map value, and the context.
    let mut header = unsafe {
        HeadHeader {
            at: now(),
            cookie: bpf_get_socket_cookie(skb.cast()),
            owner_start: (*slot).owner_start,
            owner_tgid: (*slot).owner_tgid,
            epoch: (*slot).epoch,
            local: [0; 16],
            remote: [0; 16],
            seq: packet.seq,
            length: packet.length,
            copied: n,
            local_port,
            remote_port,
            protocol: packet.protocol,
            received: u8::from(!sent),
            pad: [0; 6],
        }
    };
    slot::put(&raw mut header.local, local);
    slot::put(&raw mut header.remote, remote);
    if n as usize <= SHORT {
        hand_over::<SHORT>(skb, &header, packet.at);
    } else if n as usize <= FULL {
        hand_over::<FULL>(skb, &header, packet.at);
    } else {
        hand_over::<LONG>(skb, &header, packet.at);
    }
}

#[repr(C)]
struct Record<const N: usize> {
    header: HeadHeader,
    bytes: [u8; N],
}

#[inline(always)]
fn hand_over<const N: usize>(skb: *mut __sk_buff, header: &HeadHeader, at: u32) {
    let ring = core::ptr::addr_of!(HEADS).cast_mut().cast::<c_void>();
    // One less than the length, and unknown to the compiler: it would compare that and pass the length itself, between which
    // verifiers before Linux 6.11 see no connection.
    let last = u64::from(header.copied).wrapping_sub(1);
    // SAFETY: a read of a local.
    let last = unsafe { (&raw const last).read_volatile() };
    if last >= N as u64 {
        return;
    }
    // SAFETY: the map is a ring buffer; what is reserved is submitted or discarded below.
    unsafe {
        let record = bpf_ringbuf_reserve(ring, size_of::<Record<N>>() as u64, 0).cast::<Record<N>>();
        if record.is_null() {
            lost(Loss::Head, 1);
            return;
        }
        (&raw mut (*record).header).write(*header);
        let bytes = (&raw mut (*record).bytes).cast::<c_void>();
        if bpf_skb_load_bytes(skb.cast(), at, bytes, last as u32 + 1) != 0 {
            bpf_ringbuf_discard(record.cast(), u64::from(BPF_RB_NO_WAKEUP));
            return;
        }
        let unread = bpf_ringbuf_query(ring, u64::from(BPF_RB_AVAIL_DATA));
        let wake = if unread > WAKE_AT { BPF_RB_FORCE_WAKEUP } else { BPF_RB_NO_WAKEUP };
        bpf_ringbuf_submit(record.cast(), u64::from(wake));
    }
}
