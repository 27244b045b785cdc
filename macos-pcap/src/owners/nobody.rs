//! Whoever reads a file cannot ask whose its sockets were.

use std::convert::Infallible;

use watcher_core::{BootTime, ProcessEvent, SocketInfo};

use super::Owners;
use crate::flows::Owner;

/// Knows nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Owners for Nobody {
    type Error = Infallible;

    fn look(&mut self, _: BootTime) -> Result<bool, Infallible> {
        Ok(false)
    }

    fn owner(&mut self, _: &SocketInfo, _: BootTime) -> Owner {
        Owner::Nobody
    }

    fn events(&mut self) -> Vec<ProcessEvent> {
        Vec::new()
    }
}
