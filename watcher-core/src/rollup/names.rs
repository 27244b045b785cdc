//! The seam for names: until something knows one, a remote goes by its address.

use std::{net::IpAddr, sync::Arc};

use crate::{
    FlowSample,
    names::{Name, Observed},
};

/// Whoever knows names and what flows showed of themselves. `()` knows nothing.
pub trait Names {
    /// The name that this flow went to: its bytes are charged to that from now on.
    fn of_flow(&self, sample: &FlowSample, remote: IpAddr) -> Option<Arc<Name>> {
        let _ = (sample, remote);
        None
    }

    /// A name of an address whose bytes went by no name, asked for at the end of a window to show beside it.
    fn of_address(&self, remote: IpAddr) -> Option<Arc<Name>> {
        let _ = remote;
        None
    }

    /// What the flow showed of its protocol.
    fn protocol_of(&self, sample: &FlowSample) -> Option<Observed> {
        let _ = sample;
        None
    }
}

impl Names for () {}
