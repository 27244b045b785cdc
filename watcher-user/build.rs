//! Chooses the eBPF object that the binary embeds: the one named by `WATCHER_EBPF_OBJECT` (an absolute path; tests and
//! CI build one from source), else the committed one. It compiles nothing, so stable Rust is all that a build needs.

use std::env;
use std::path::PathBuf;

const CHOSEN: &str = "WATCHER_EBPF_OBJECT";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed={CHOSEN}");
    if env::var_os("CARGO_CFG_TARGET_OS").is_none_or(|os| os != "linux") {
        return;
    }
    let object = env::var_os(CHOSEN).filter(|path| !path.is_empty()).map_or_else(prebuilt, PathBuf::from);
    println!("cargo:rerun-if-changed={}", object.display());
    if !object.is_absolute() {
        fail(&format!("{CHOSEN} has to be an absolute path, not {}", object.display()));
    }
    if !object.is_file() {
        fail(&format!("there is no eBPF object at {}: `cargo xtask build-ebpf` makes one", object.display()));
    }
    println!("cargo:rustc-env=WATCHER_EBPF_OBJECT_PATH={}", object.display());
}

fn prebuilt() -> PathBuf {
    let arch = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    let name = if arch == "x86_64" { "watcher.bpf.o".into() } else { format!("watcher-{arch}.bpf.o") };
    let crate_dir = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    crate_dir.join("../watcher-ebpf/prebuilt").join(name)
}

fn fail(message: &str) -> ! {
    println!("cargo:warning={message}");
    eprintln!("{message}");
    std::process::exit(1)
}
