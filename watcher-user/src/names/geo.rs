//! Countries and autonomous systems of addresses, from databases that the user has.
//!
//! The layout is MaxMind's (GeoLite2, GeoIP2) and DB-IP's: `country.iso_code`, `autonomous_system_number`,
//! `autonomous_system_organization`. Nothing is downloaded.

use std::{
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
};

use maxminddb::{MaxMindDbError, Mmap, PathElement, Reader, WithinOptions};
use serde::{Serialize, Serializer};
use thiserror::Error;

/// Records that are looked at to tell whether a file is of any use.
const TRIED: usize = 1_000;
/// An organization's name longer than this is cut.
const MAX_ORGANIZATION: usize = 100;

const COUNTRY: &[PathElement<'_>] = &[PathElement::Key("country"), PathElement::Key("iso_code")];
/// Where the address is registered; said of some that are nowhere in particular.
const REGISTERED: &[PathElement<'_>] = &[PathElement::Key("registered_country"), PathElement::Key("iso_code")];
const NUMBER: &[PathElement<'_>] = &[PathElement::Key("autonomous_system_number")];
const ORGANIZATION: &[PathElement<'_>] = &[PathElement::Key("autonomous_system_organization")];

/// A database cannot be used.
#[derive(Debug, Error)]
pub enum GeoError {
    /// The file cannot be read.
    #[error("names.geo: reading {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is no database, or damaged.
    #[error("names.geo: {}: expected a MaxMind DB file (.mmdb): {source}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: MaxMindDbError,
    },
    /// It is about something else.
    #[error("names.geo: {}: expected countries or autonomous systems, found {found:?}", path.display())]
    Unrelated {
        /// The file.
        path: PathBuf,
        /// What it says of itself.
        found: String,
    },
}

/// A country by its two letters (ISO 3166-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

impl Country {
    /// `None` when these are not two capital letters.
    #[must_use]
    pub fn new(code: &str) -> Option<Self> {
        let code: [u8; 2] = code.as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_uppercase).then_some(Self(code))
    }

    /// The two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only ASCII letters are taken")
    }
}

impl Serialize for Country {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What databases say of an address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Located {
    /// The country it is in, else the one it is registered in.
    pub country: Option<Country>,
    /// The number of its autonomous system.
    pub asn: Option<u32>,
    /// Who runs that, at most 100 characters; text from a file, to be escaped.
    pub organization: Option<String>,
}

impl fmt::Display for Located {
    /// `DE AS3320 Deutsche Telekom AG`, as much of it as is known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let country = self.country.map(|country| country.as_str().to_owned());
        let asn = self.asn.map(|asn| format!("AS{asn}"));
        let parts: Vec<String> = [country, asn, self.organization.clone()].into_iter().flatten().collect();
        f.write_str(&parts.join(" "))
    }
}

/// The databases, mapped into memory.
#[derive(Debug, Default)]
pub struct Geo {
    readers: Vec<Reader<Mmap>>,
}

impl Geo {
    /// Maps these files. With none, nothing is known of any address.
    ///
    /// # Errors
    /// One of them cannot be used.
    pub fn open(paths: &[PathBuf]) -> Result<Self, GeoError> {
        let readers: Result<_, _> = paths.iter().map(|path| open(path)).collect();
        Ok(Self { readers: readers? })
    }

    /// Whether there is nothing to look into.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.readers.is_empty()
    }

    /// What is known of an address. Of several files that know, the first one counts.
    #[must_use]
    pub fn of(&self, ip: IpAddr) -> Located {
        let ip = ip.to_canonical();
        let mut located = Located::default();
        for reader in &self.readers {
            // A record that is damaged, or of addresses that a file does not hold, says nothing.
            let Ok(found) = reader.lookup(ip) else { continue };
            let text = |path| found.decode_path::<&str>(path).ok().flatten();
            let country = || text(COUNTRY).or_else(|| text(REGISTERED)).and_then(Country::new);
            located.country = located.country.or_else(country);
            if located.asn.is_none() {
                located.asn = found.decode_path(NUMBER).ok().flatten();
                located.organization = text(ORGANIZATION).map(|name| name.chars().take(MAX_ORGANIZATION).collect());
            }
        }
        located
    }
}

fn open(path: &Path) -> Result<Reader<Mmap>, GeoError> {
    let reader = map(path).map_err(|error| match error {
        MaxMindDbError::Io(source) | MaxMindDbError::Mmap(source) => {
            GeoError::Unreadable { path: path.to_owned(), source }
        }
        source => GeoError::Damaged { path: path.to_owned(), source },
    })?;
    if is_related(&reader) {
        return Ok(reader);
    }
    Err(GeoError::Unrelated { path: path.to_owned(), found: reader.metadata().database_type.clone() })
}

/// Mapped and not read: city databases are larger than all the memory that the daemon may use, and few pages are touched.
fn map(path: &Path) -> Result<Reader<Mmap>, MaxMindDbError> {
    // SAFETY: the mapping is read only. Whoever may write the file must replace it by rename, as geoipupdate and package
    // managers do; docs/names.md says so. Bytes are checked whenever they are read.
    unsafe { Reader::open_mmap(path) }
}

/// Whether any of the first records says what is looked for.
fn is_related(reader: &Reader<Mmap>) -> bool {
    let Ok(networks) = reader.networks(WithinOptions::default()) else { return false };
    networks.take(TRIED).flatten().any(|found| {
        let has_text = |path| found.decode_path::<&str>(path).is_ok_and(|text| text.is_some());
        has_text(COUNTRY) || has_text(REGISTERED) || found.decode_path::<u32>(NUMBER).is_ok_and(|asn| asn.is_some())
    })
}

#[cfg(test)]
#[path = "geo_tests.rs"]
mod tests;
