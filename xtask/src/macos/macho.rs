//! The header of a 64-bit Mach-O file: mach-o/loader.h.

use std::fmt;

use anyhow::{Context as _, Result, bail, ensure};

/// `MH_MAGIC_64`, `MH_EXECUTE`.
const MAGIC: u32 = 0xfeed_facf;
const EXECUTE: u32 = 2;
/// `LC_LOAD_DYLIB`, `LC_BUILD_VERSION`, `LC_CODE_SIGNATURE`.
const LOAD_DYLIB: u32 = 0xc;
const BUILD_VERSION: u32 = 0x32;
const CODE_SIGNATURE: u32 = 0x1d;
/// `PLATFORM_MACOS`.
const MACOS: u32 = 1;
/// `sizeof(struct mach_header_64)`.
const HEADER: usize = 32;

/// What Macs have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Processor {
    /// Apple's own.
    Arm64,
    /// Intel's.
    X86_64,
}

impl Processor {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Arm64, Self::X86_64];

    /// By the name that `file` and `lipo` have for it.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "arm64" | "aarch64" => Ok(Self::Arm64),
            "x86_64" => Ok(Self::X86_64),
            _ => bail!("`{name}` is neither arm64 nor x86_64"),
        }
    }

    /// Rust's name.
    pub fn triple(self) -> &'static str {
        match self {
            Self::Arm64 => "aarch64-apple-darwin",
            Self::X86_64 => "x86_64-apple-darwin",
        }
    }
}

impl fmt::Display for Processor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Arm64 => "arm64",
            Self::X86_64 => "x86_64",
        })
    }
}

/// A program.
#[derive(Debug, PartialEq, Eq)]
pub struct Image {
    /// Runs on.
    pub processor: Processor,
    /// The oldest macOS that runs it: major and minor.
    pub oldest: Option<(u32, u32)>,
    /// By where they are on a Mac.
    pub libraries: Vec<String>,
    /// Apple's processors run nothing that is not, be it by nobody.
    pub is_signed: bool,
}

impl Image {
    /// Reads what is before the code.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let word = |at: usize| {
            let bytes = bytes.get(at..).and_then(|rest| rest.first_chunk());
            bytes.map(|bytes| u32::from_le_bytes(*bytes)).context("the file ends early")
        };
        ensure!(word(0)? == MAGIC && word(12)? == EXECUTE, "no 64-bit Mach-O program");
        let processor = match word(4)? {
            0x0100_000c => Processor::Arm64,
            0x0100_0007 => Processor::X86_64,
            other => bail!("for a processor of type {other:#x}"),
        };
        let mut image = Self { processor, oldest: None, libraries: Vec::new(), is_signed: false };
        let mut at = HEADER;
        for _ in 0..word(16)? {
            let (kind, len) = (word(at)?, word(at + 4)? as usize);
            ensure!(len >= 8, "a load command of {len} bytes");
            let command = bytes.get(at..at + len).context("the file ends early")?;
            match kind {
                LOAD_DYLIB => image.libraries.push(name(command, word(at + 8)? as usize)?),
                BUILD_VERSION if word(at + 8)? == MACOS => {
                    let version = word(at + 12)?;
                    image.oldest = Some((version >> 16, version >> 8 & 0xff));
                }
                CODE_SIGNATURE => image.is_signed = true,
                _ => {}
            }
            at += len;
        }
        Ok(image)
    }
}

fn name(command: &[u8], at: usize) -> Result<String> {
    let text = command.get(at..).context("a library without a name")?;
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    Ok(String::from_utf8_lossy(text).into_owned())
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signed = if self.is_signed { "signed ad hoc" } else { "not signed" };
        write!(f, "Mach-O 64-bit executable {}, {signed}", self.processor)?;
        if let Some((major, minor)) = self.oldest {
            write!(f, ", macOS {major}.{minor} and later")?;
        }
        let names = self.libraries.iter().map(|path| path.rsplit('/').next().unwrap_or(path));
        write!(f, ", with {}", names.collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(processor: u32) -> Vec<u8> {
        let name = b"/usr/lib/libpcap.A.dylib\0\0\0\0\0\0\0\0";
        let dylib = [LOAD_DYLIB, 24 + name.len() as u32, 24, 0, 0, 0];
        let version = [BUILD_VERSION, 24, MACOS, 11 << 16 | 2 << 8, 0, 0];
        let header = [MAGIC, processor, 0, EXECUTE, 2, 0, 0, 0];
        let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
        [words(&header), words(&dylib), name.to_vec(), words(&version)].concat()
    }

    #[test]
    fn a_program_is_described() {
        let image = Image::parse(&made(0x0100_000c)).unwrap();
        let said = "Mach-O 64-bit executable arm64, not signed, macOS 11.2 and later, with libpcap.A.dylib";
        assert_eq!(image.to_string(), said);
    }

    #[test]
    fn what_is_no_program_of_macos_is_refused() {
        let whole = made(0x0100_0007);
        assert!(Image::parse(&whole).is_ok());
        for end in 0..whole.len() {
            assert!(Image::parse(&whole[..end]).is_err());
        }
        assert!(Image::parse(&made(12)).is_err());
        assert!(Image::parse(b"\x7fELF").is_err());
    }
}
