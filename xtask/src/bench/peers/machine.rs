//! What the figures were measured on.

use std::fs;
use std::path::Path;

/// A sentence: kernel, processors, memory.
pub fn described() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let (cpu, memory) = (read("/proc/cpuinfo"), read("/proc/meminfo"));
    let model = valued(&cpu, "model name").unwrap_or("processor");
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let kibibytes = valued(&memory, "MemTotal").and_then(|value| value.split(' ').next()?.parse::<u64>().ok());
    let kernel = read("/proc/sys/kernel/osrelease");
    let hypervisor = if cpu.contains(" hypervisor") { ", virtual" } else { "" };
    let kprobes = if has_kprobes() { "with" } else { "without" };
    format!(
        "Linux {} ({}, {kprobes} kprobes), {cores} cores of {model}{hypervisor}, {} GiB of memory",
        kernel.trim(),
        std::env::consts::ARCH,
        (kibibytes.unwrap_or(0) + (1 << 19)) >> 20,
    )
}

/// Whether a program can be told of a function of the kernel's by a breakpoint in it.
pub fn has_kprobes() -> bool {
    let tracing = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"].map(Path::new);
    tracing.iter().any(|folder| folder.join("kprobe_events").exists())
}

fn valued<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(':')?.1.trim())
}
