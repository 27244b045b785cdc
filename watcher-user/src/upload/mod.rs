//! From a finished window to an endpoint that has it: the spool on the disk, and delivery.
//!
//! Nothing here knows what a rollup says, and nothing here decides whether anything may be sent: windows come in finished, and
//! only from a program whose user opted in. What leaves the machine is what [`Endpoint::post`] returns, and nothing else.
//!
//! | file | what it does |
//! | --- | --- |
//! | `window_clock` | when windows begin and end |
//! | `window`, `record` | a finished window, and its file |
//! | `spool/`, `disk` | the directory of finished windows |
//! | `endpoint`, `route`, `http` | where to, which way, over what |
//! | `attempt`, `verdict`, `backoff` | one attempt, what an answer means, when to try again |
//! | `deliver`, `handle` | the task, and how to speak with it |
//! | `spread` | when in an interval a machine has its turn |

mod attempt;
mod backoff;
mod deliver;
mod disk;
mod dry_run;
mod endpoint;
mod handle;
mod http;
mod notice;
mod record;
mod route;
mod spool;
mod spread;
mod status;
#[cfg(test)]
mod tests;
mod transport;
mod utc;
mod verdict;
mod window;
mod window_clock;

pub use deliver::{Delivery, Means, Pace};
pub use disk::{BeforeStep, Disk, Durability, Step};
pub use dry_run::{DryRun, dry_run};
pub use endpoint::{Endpoint, EndpointError, MACHINE_ID, Post, Token, TokenError};
pub use handle::{DeliveryHandle, Pass, Stopped};
pub use http::{Http, HttpError};
pub use notice::{Notice, Say};
pub use route::{NoSuchProxy, Proxies};
pub use spool::{
    Failure, Limits, MAX_DAMAGED, MAX_UNWRITTEN, ParkedWindow, SharedSpool, Spool, SpoolError, SpoolStatus, SpoolView,
    Success, Surroundings, Trouble,
};
pub use spread::offset;
pub use status::Status;
pub use transport::{Answer, NoAnswer, Transport};
pub use utc::UtcClock;
pub use window::{MAX_BODY_BYTES, Window, WindowError};
pub use window_clock::{Reading, STEP, WindowClock, WindowSpan};
