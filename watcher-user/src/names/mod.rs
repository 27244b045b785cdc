//! What is known of remotes beyond what passes by: reverse names from the system's resolver, countries and networks from
//! files. All of it is optional, and none of it contacts a remote.

mod asking;
mod geo;
mod resolvers;
mod reverse;

pub use asking::Asking;
pub use geo::{Country, Geo, GeoError, Located};
pub use resolvers::{Resolvers, Unavailable};
pub use reverse::{Answer, Reverse};
