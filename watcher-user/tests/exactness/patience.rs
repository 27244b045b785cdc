//! How long anybody waits for what has to happen. What is demanded of it does not depend on the machine, how long it
//! takes does.

use std::{sync::LazyLock, time::Duration};

/// How many times as long as on the machines that this was written on: `EXACTNESS_PATIENCE`, which an emulated machine sets.
static FACTOR: LazyLock<u32> =
    LazyLock::new(|| std::env::var("EXACTNESS_PATIENCE").ok().and_then(|text| text.parse().ok()).unwrap_or(1));

/// `seconds`, or longer where everything takes longer.
pub fn patience(seconds: u64) -> Duration {
    scaled(Duration::from_secs(seconds))
}

/// The same of a duration.
pub fn scaled(time: Duration) -> Duration {
    time * *FACTOR
}
