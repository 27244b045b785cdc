//! Refers to each function that `sdk/usr/lib/libpcap.tbd` names, so that `cargo xtask macos` links all of them; on a Mac it shows
//! that the system's libpcap has them, since a program with a missing one does not start.

#[cfg(target_os = "macos")]
macro_rules! functions {
    ($($name:ident)*) => {
        #[link(name = "pcap")]
        unsafe extern "C" {
            $(fn $name();)*
        }
        /// Addresses only: as declared here, nobody may call them.
        const FUNCTIONS: &[(&str, unsafe extern "C" fn())] = &[$((stringify!($name), $name)),*];
    };
}

#[cfg(target_os = "macos")]
functions! {
    pcap_activate
    pcap_breakloop
    pcap_can_set_rfmon
    pcap_close
    pcap_compile
    pcap_create
    pcap_datalink
    pcap_datalink_name_to_val
    pcap_datalink_val_to_description
    pcap_datalink_val_to_name
    pcap_dispatch
    pcap_dump
    pcap_dump_close
    pcap_dump_flush
    pcap_dump_fopen
    pcap_dump_open
    pcap_dump_open_append
    pcap_file
    pcap_fileno
    pcap_findalldevs
    pcap_fopen_offline
    pcap_fopen_offline_with_tstamp_precision
    pcap_free_datalinks
    pcap_freealldevs
    pcap_freecode
    pcap_get_selectable_fd
    pcap_get_tstamp_precision
    pcap_geterr
    pcap_getnonblock
    pcap_inject
    pcap_is_swapped
    pcap_lib_version
    pcap_list_datalinks
    pcap_lookupnet
    pcap_loop
    pcap_major_version
    pcap_minor_version
    pcap_next
    pcap_next_ex
    pcap_offline_filter
    pcap_open_dead
    pcap_open_dead_with_tstamp_precision
    pcap_open_live
    pcap_open_offline
    pcap_open_offline_with_tstamp_precision
    pcap_sendpacket
    pcap_set_buffer_size
    pcap_set_datalink
    pcap_set_immediate_mode
    pcap_set_promisc
    pcap_set_rfmon
    pcap_set_snaplen
    pcap_set_timeout
    pcap_set_tstamp_precision
    pcap_set_tstamp_type
    pcap_set_want_pktap
    pcap_setdirection
    pcap_setfilter
    pcap_setnonblock
    pcap_snapshot
    pcap_stats
    pcap_statustostr
    pcap_strerror
}

#[cfg(target_os = "macos")]
fn main() {
    for (name, function) in FUNCTIONS {
        println!("{:16p} {name}", *function as *const ());
    }
}

#[cfg(not(target_os = "macos"))]
fn main() {
    eprintln!("on macOS only");
}
