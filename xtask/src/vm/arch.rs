//! What is emulated, by architecture.

/// One that kernels are tried on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arch {
    /// PCs.
    X86_64,
    /// arm64.
    Aarch64,
}

impl Arch {
    /// The one that programs of this machine are for: only there can the image take them from.
    pub const HOST: Self = Self::X86_64;

    /// What Debian calls it.
    pub fn debian(self) -> &'static str {
        match self {
            Self::X86_64 => "amd64",
            Self::Aarch64 => "arm64",
        }
    }

    /// The emulator and the machine it is to be.
    pub fn qemu(self) -> &'static [&'static str] {
        match self {
            Self::X86_64 => &["qemu-system-x86_64"],
            Self::Aarch64 => &["qemu-system-aarch64", "-machine", "virt"],
        }
    }

    /// What the kernel calls the first serial port.
    pub fn console(self) -> &'static str {
        match self {
            Self::X86_64 => "ttyS0",
            Self::Aarch64 => "ttyAMA0",
        }
    }

    /// What executables are built for. Those for this machine's C library can have libpcap.
    pub fn triple(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-unknown-linux-gnu",
            Self::Aarch64 => "aarch64-unknown-linux-musl",
        }
    }
}
