//! Bytes, and the most of them in one second.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// Bytes both ways, and their peaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Amount {
    /// Received.
    pub rx_bytes: u64,
    /// Sent.
    pub tx_bytes: u64,
    /// The most received in one second. Peaks of parts say nothing about the peak of their sum: only the same subject's, of
    /// other times, may be compared.
    pub rx_peak: u64,
    /// The most sent in one second.
    pub tx_peak: u64,
}

impl Amount {
    /// Both ways.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.rx_bytes.saturating_add(self.tx_bytes)
    }

    /// The same without peaks: as a part of a sum.
    #[must_use]
    pub fn without_peaks(self) -> Self {
        Self { rx_peak: 0, tx_peak: 0, ..self }
    }
}

/// Of the same subject at another time: bytes add up, of peaks the higher one stays.
impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        self.rx_bytes = self.rx_bytes.saturating_add(other.rx_bytes);
        self.tx_bytes = self.tx_bytes.saturating_add(other.tx_bytes);
        self.rx_peak = self.rx_peak.max(other.rx_peak);
        self.tx_peak = self.tx_peak.max(other.tx_peak);
    }
}
