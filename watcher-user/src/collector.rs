//! Who counts: eBPF, or packets where that is refused.

use watcher_core::{Batch, Quality, Source};

use crate::cli::CollectorArgs;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Backend {
    /// eBPF; packets where it is refused, and why is said.
    #[default]
    Auto,
    /// Calls, counted in the kernel: exact. Linux.
    Ebpf,
    /// Packets, from libpcap, and whose sockets they belong to: not exact.
    Pcap,
}

/// A collector of either kind.
pub enum Collector {
    /// Calls.
    #[cfg(target_os = "linux")]
    Ebpf(Box<crate::linux::EbpfSource>),
    /// Packets.
    #[cfg(any(feature = "pcap", target_os = "macos"))]
    Pcap(Box<packets::Packets>),
    /// There is none in this build for this system.
    #[cfg(not(any(target_os = "linux", target_os = "macos", feature = "pcap")))]
    None(std::convert::Infallible),
}

/// A reading failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Of the kernel's maps.
    #[cfg(target_os = "linux")]
    #[error(transparent)]
    Ebpf(#[from] crate::linux::ReadError),
    /// Of packets or their owners.
    #[cfg(any(feature = "pcap", target_os = "macos"))]
    #[error(transparent)]
    Pcap(#[from] packets::ReadError),
}

#[cfg(target_os = "linux")]
impl Collector {
    /// How each capability of eBPF was got.
    #[must_use]
    pub fn outcomes(&self) -> &[crate::linux::load::Outcome] {
        match self {
            Self::Ebpf(source) => source.outcomes(),
            #[cfg(feature = "pcap")]
            Self::Pcap(_) => &[],
        }
    }
}

impl Source for Collector {
    type Error = ReadError;

    async fn collect(&mut self) -> Result<Batch, ReadError> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Ebpf(source) => Ok(source.collect().await?),
            #[cfg(any(feature = "pcap", target_os = "macos"))]
            Self::Pcap(source) => Ok(source.collect().await?),
            #[cfg(not(any(target_os = "linux", target_os = "macos", feature = "pcap")))]
            Self::None(none) => match *none {},
        }
    }

    fn quality(&self) -> &Quality {
        match self {
            #[cfg(target_os = "linux")]
            Self::Ebpf(source) => source.quality(),
            #[cfg(any(feature = "pcap", target_os = "macos"))]
            Self::Pcap(source) => source.quality(),
            #[cfg(not(any(target_os = "linux", target_os = "macos", feature = "pcap")))]
            Self::None(none) => match *none {},
        }
    }
}

/// Starts what was asked for. `names` is whether the configuration wants first bytes looked at. On Linux it must be called
/// within a tokio runtime.
///
/// # Errors
/// It is refused, and so is what there is instead.
pub fn open(args: &CollectorArgs, names: bool) -> anyhow::Result<Collector> {
    match args.backend {
        Backend::Pcap => packets(args, names, None),
        Backend::Ebpf => ebpf(args, names),
        Backend::Auto => {
            let refused = match ebpf(args, names) {
                Ok(collector) => return Ok(collector),
                Err(refused) => refused,
            };
            // Where nothing was tried there is nothing to say.
            if cfg!(target_os = "macos") {
                return packets(args, names, None);
            }
            if cfg!(not(feature = "pcap")) {
                return Err(refused);
            }
            let why = crate::text::with_causes(refused.as_ref());
            match packets(args, names, Some(why.clone())) {
                Ok(collector) => {
                    eprintln!("watcher: eBPF is refused, so packets are counted, which is not exact: {why}");
                    Ok(collector)
                }
                Err(too) => Err(refused.context(format!("and packets cannot be had either: {too:#}"))),
            }
        }
    }
}

#[cfg(target_os = "linux")]
fn ebpf(args: &CollectorArgs, names: bool) -> anyhow::Result<Collector> {
    let mut config = args.config();
    config.names &= names;
    Ok(Collector::Ebpf(Box::new(crate::linux::open(&config)?)))
}

#[cfg(not(target_os = "linux"))]
fn ebpf(_: &CollectorArgs, _: bool) -> anyhow::Result<Collector> {
    anyhow::bail!("eBPF is Linux's: --backend pcap counts packets")
}

#[cfg(any(feature = "pcap", target_os = "macos"))]
fn packets(args: &CollectorArgs, names: bool, instead: Option<String>) -> anyhow::Result<Collector> {
    let opened = packets::open(names && !args.no_passive, instead)?;
    Ok(Collector::Pcap(Box::new(opened)))
}

#[cfg(not(any(feature = "pcap", target_os = "macos")))]
fn packets(_: &CollectorArgs, _: bool, _: Option<String>) -> anyhow::Result<Collector> {
    anyhow::bail!("this watcher was built without libpcap: cargo build --features pcap")
}

/// Packets and their owners.
#[cfg(any(feature = "pcap", target_os = "macos"))]
pub mod packets {
    use anyhow::Context as _;
    use macos_pcap::{capture, owners::Owners};
    use watcher_core::DegradationReason;

    #[cfg(target_os = "linux")]
    use crate::linux::owners::Sockets;
    #[cfg(target_os = "macos")]
    use macos_pcap::owners::macos::System as Sockets;

    /// The capturing collector.
    pub type Packets = capture::PcapSource<Sockets>;
    /// A reading of it failed.
    pub type ReadError = capture::ReadError<<Sockets as Owners>::Error>;

    /// Captures on everything there is. `instead` is why it is not something better.
    ///
    /// # Errors
    /// This process may not capture, or list sockets.
    pub fn open(names: bool, instead: Option<String>) -> anyhow::Result<Packets> {
        let reason = instead.map(|why| DegradationReason { capability: "ebpf".to_owned(), why });
        #[cfg(target_os = "linux")]
        crate::sandbox::before_packets();
        #[cfg(target_os = "linux")]
        let owners = Sockets::open()?;
        #[cfg(target_os = "macos")]
        let owners = Sockets::new();
        capture::PcapSource::open(owners, names, reason).context("capturing packets: try as root")
    }
}
