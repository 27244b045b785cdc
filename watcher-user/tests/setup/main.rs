//! Setup and uninstall: what is written, what it is worth, and that it works under a real systemd.
#![cfg(target_os = "linux")]

mod namespaces;
mod service;
