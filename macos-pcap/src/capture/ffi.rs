//! The part of libpcap that is used (pcap(3PCAP)). By hand: the crate that binds all of it brings three second versions of
//! other crates, and asks the library of the building machine what it can.

use std::ffi::{c_char, c_int, c_uchar, c_uint};

use libc::timeval;

/// `pcap_t`.
#[repr(C)]
pub struct Pcap {
    _opaque: [u8; 0],
}

/// `struct pcap_pkthdr`. Apple's has a comment behind these; it is only ever read by reference.
#[repr(C)]
pub struct Header {
    pub ts: timeval,
    pub caplen: u32,
    pub len: u32,
}

/// `struct pcap_stat`, wherever it is not Windows.
#[repr(C)]
#[derive(Default)]
pub struct Stat {
    pub received: c_uint,
    pub dropped: c_uint,
    pub dropped_by_interface: c_uint,
}

/// `pcap_handler`.
pub type Handler = unsafe extern "C" fn(*mut c_uchar, *const Header, *const c_uchar);

/// PCAP_ERRBUF_SIZE.
pub const ERRBUF: usize = 256;

const _: () = assert!(size_of::<Stat>() == 12);
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Header>() == 24 && std::mem::offset_of!(Header, caplen) == 16);

#[link(name = "pcap")]
unsafe extern "C" {
    pub fn pcap_create(source: *const c_char, errbuf: *mut c_char) -> *mut Pcap;
    pub fn pcap_set_snaplen(pcap: *mut Pcap, bytes: c_int) -> c_int;
    pub fn pcap_set_buffer_size(pcap: *mut Pcap, bytes: c_int) -> c_int;
    pub fn pcap_set_timeout(pcap: *mut Pcap, milliseconds: c_int) -> c_int;
    pub fn pcap_set_immediate_mode(pcap: *mut Pcap, on: c_int) -> c_int;
    #[cfg(target_os = "macos")]
    pub fn pcap_set_want_pktap(pcap: *mut Pcap, on: c_int) -> c_int;
    pub fn pcap_activate(pcap: *mut Pcap) -> c_int;
    pub fn pcap_setnonblock(pcap: *mut Pcap, on: c_int, errbuf: *mut c_char) -> c_int;
    pub fn pcap_set_datalink(pcap: *mut Pcap, dlt: c_int) -> c_int;
    pub fn pcap_datalink(pcap: *mut Pcap) -> c_int;
    pub fn pcap_get_selectable_fd(pcap: *mut Pcap) -> c_int;
    pub fn pcap_dispatch(pcap: *mut Pcap, count: c_int, handler: Handler, user: *mut c_uchar) -> c_int;
    pub fn pcap_stats(pcap: *mut Pcap, stat: *mut Stat) -> c_int;
    pub fn pcap_geterr(pcap: *mut Pcap) -> *mut c_char;
    pub fn pcap_statustostr(status: c_int) -> *const c_char;
    pub fn pcap_close(pcap: *mut Pcap);
}
