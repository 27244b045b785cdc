//! One open capture.

use std::ffi::{CStr, CString, c_char, c_int, c_uchar};
use std::os::fd::RawFd;

use super::ffi::{self, ERRBUF, Header, Pcap, Stat};
use crate::link::LinkType;

/// Bytes of a frame that are kept: as much of a first segment as names are read from, behind any headers. A frame of a
/// full Ethernet fits; of one that segmentation offload will cut later, the beginning. On Linux each frame has a slot of a
/// page (libpcap's pcap-linux.c, TPACKET_V2: a power of two): one byte more than fits into it would double the ring.
const SNAPLEN: c_int = 3968;
/// For bursts. On Linux 8,192 frames, 17 ms of half a million a second.
const BUFFER_BYTES: c_int = 32 << 20;
/// DLT_LINUX_SLL2.
const SLL2: c_int = 276;

/// Why there is no capture.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// libpcap says why.
    #[error("capturing on {0}: {1}")]
    Refused(String, String),
    /// What it captures is of a kind that is not read here.
    #[error("capturing on {0}: link type {1} is not read")]
    Link(String, i32),
}

/// An activated `pcap_t` that never blocks.
#[derive(Debug)]
pub struct Handle {
    pcap: *mut Pcap,
    name: String,
    link: LinkType,
    fd: RawFd,
    /// As libpcap counts, in 32 bits: dropped for want of room, and by the interface.
    last: [u32; 2],
    dropped: u64,
}

// SAFETY: a `pcap_t` has no ties to the thread that made it; `&mut self` keeps calls apart.
unsafe impl Send for Handle {}

impl Handle {
    /// Opens a device. On Linux `any` shows each frame's interface; on macOS `pktap` its process.
    ///
    /// # Errors
    /// There is no such device, or this process may not capture.
    pub fn open(name: &str) -> Result<Self, CaptureError> {
        let refused = |why: String| CaptureError::Refused(name.to_owned(), why);
        let device = CString::new(name).map_err(|_| refused("there is no such device".to_owned()))?;
        let mut errbuf = [0 as c_char; ERRBUF];
        // SAFETY: both are valid for the call, and the buffer is as long as it must be.
        let pcap = unsafe { ffi::pcap_create(device.as_ptr(), errbuf.as_mut_ptr()) };
        if pcap.is_null() {
            return Err(refused(text(errbuf.as_ptr())));
        }
        let mut this = Self { pcap, name: name.to_owned(), link: LinkType::Raw, fd: -1, last: [0; 2], dropped: 0 };
        // SAFETY: not active yet, as these demand.
        unsafe {
            ffi::pcap_set_snaplen(pcap, SNAPLEN);
            ffi::pcap_set_buffer_size(pcap, BUFFER_BYTES);
            ffi::pcap_set_immediate_mode(pcap, 1);
            // For what has no immediate mode: it must not be 0.
            ffi::pcap_set_timeout(pcap, 10);
            #[cfg(target_os = "macos")]
            ffi::pcap_set_want_pktap(pcap, c_int::from(name.starts_with("pktap")));
        }
        // SAFETY: created above. What is below 0 is an error; above it are warnings.
        let status = unsafe { ffi::pcap_activate(pcap) };
        if status < 0 {
            return Err(refused(this.why(status)));
        }
        if cfg!(target_os = "linux") && name == "any" {
            // SAFETY: active. A libpcap older than 1.10 refuses, and then frames come without their interface.
            unsafe { ffi::pcap_set_datalink(pcap, SLL2) };
        }
        // SAFETY: active; the buffer is as long as it must be.
        if unsafe { ffi::pcap_setnonblock(pcap, 1, errbuf.as_mut_ptr()) } != 0 {
            return Err(refused(text(errbuf.as_ptr())));
        }
        // SAFETY: active.
        let (number, fd) = unsafe { (ffi::pcap_datalink(pcap), ffi::pcap_get_selectable_fd(pcap)) };
        this.link = u32::try_from(number)
            .ok()
            .and_then(LinkType::from_number)
            .ok_or(CaptureError::Link(name.to_owned(), number))?;
        this.fd = fd;
        Ok(this)
    }

    /// What its frames begin with.
    #[must_use]
    pub fn link(&self) -> LinkType {
        self.link
    }

    /// Readable while there are frames; it lives as long as this.
    #[must_use]
    pub fn fd(&self) -> RawFd {
        self.fd
    }

    /// Hands over frames that are there, `most` at most: their time on the wall clock in nanoseconds, what was kept of each,
    /// and its length on the wire. How many there were.
    ///
    /// # Errors
    /// The device is gone.
    pub fn dispatch(&mut self, most: u16, mut see: impl FnMut(i64, &[u8], u32)) -> Result<usize, CaptureError> {
        let handler = hand_over(&see);
        let user = (&raw mut see).cast::<c_uchar>();
        // SAFETY: `handler` is for the type that `user` points to, which nobody else touches until the call is over.
        let status = unsafe { ffi::pcap_dispatch(self.pcap, c_int::from(most), handler, user) };
        usize::try_from(status).map_err(|_| CaptureError::Refused(self.name.clone(), self.why(status)))
    }

    /// Frames that were dropped since it was opened, for want of room or by the interface.
    pub fn dropped(&mut self) -> u64 {
        let mut stat = Stat::default();
        // SAFETY: active, and `stat` is what it fills in.
        if unsafe { ffi::pcap_stats(self.pcap, &raw mut stat) } == 0 {
            let now = [stat.dropped, stat.dropped_by_interface];
            self.dropped += now.iter().zip(self.last).map(|(now, last)| u64::from(now.wrapping_sub(last))).sum::<u64>();
            self.last = now;
        }
        self.dropped
    }

    fn why(&self, status: c_int) -> String {
        // SAFETY: both give text that ends with 0: of the handle as long as it lives, of a status for ever.
        let said = unsafe { (text(ffi::pcap_geterr(self.pcap)), text(ffi::pcap_statustostr(status))) };
        if said.0.is_empty() { said.1 } else { said.0 }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: made by `pcap_create`, and closed once.
        unsafe { ffi::pcap_close(self.pcap) };
    }
}

/// The callback for closures of this type.
fn hand_over<F: FnMut(i64, &[u8], u32)>(_: &F) -> ffi::Handler {
    unsafe extern "C" fn call<F: FnMut(i64, &[u8], u32)>(
        user: *mut c_uchar,
        header: *const Header,
        bytes: *const c_uchar,
    ) {
        // SAFETY: `dispatch` passes a pointer to an `F`; libpcap's are valid during the call, `caplen` bytes of them.
        let (see, header, bytes) = unsafe {
            let header = &*header;
            (&mut *user.cast::<F>(), header, std::slice::from_raw_parts(bytes, header.caplen as usize))
        };
        #[cfg_attr(target_os = "linux", expect(clippy::useless_conversion, reason = "macOS has 32 bits of them"))]
        let micros = i64::from(header.ts.tv_usec);
        see(header.ts.tv_sec.saturating_mul(1_000_000_000).saturating_add(micros * 1000), bytes, header.len);
    }
    call::<F>
}

fn text(said: *const c_char) -> String {
    if said.is_null() {
        return String::new();
    }
    // SAFETY: libpcap ends what it says with 0.
    unsafe { CStr::from_ptr(said) }.to_string_lossy().into_owned()
}
