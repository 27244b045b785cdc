//! File names in the spool. They sort by the start of the window.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use uuid::Uuid;

use crate::upload::disk::TEMPORARY;

/// What a file in the spool is, by its suffix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A finished window that is to be sent.
    Window,
    /// A finished window that the endpoint refused.
    Parked,
    /// The last known state of a window that is not finished.
    Open,
    /// A file that could not be read, kept for whoever wants to look.
    Damaged,
    /// Half-written when watcher died.
    Temporary,
}

impl Kind {
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Window => "window",
            Self::Parked => "parked",
            Self::Open => "open",
            Self::Damaged => "damaged",
            Self::Temporary => TEMPORARY,
        }
    }

    pub(super) fn of(name: &str) -> Option<Self> {
        let suffix = name.rsplit_once('.')?.1;
        [Self::Window, Self::Parked, Self::Open, Self::Damaged, Self::Temporary]
            .into_iter()
            .find(|kind| kind.suffix() == suffix)
    }
}

/// `20260102T030405.678-67e55044-10b1-426f-9247-bb680e5fe0c8`: start of the window in UTC, then its id. Orders by both.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stem(String);

const TIME: &str = "%Y%m%dT%H%M%S%.3f";
const TIME_LENGTH: usize = "20260102T030405.678".len();

impl Stem {
    pub(super) fn new(started_at: Timestamp, upload_id: Uuid) -> Self {
        let time = started_at.to_zoned(TimeZone::UTC).strftime(TIME);
        Self(format!("{time}-{}", upload_id.hyphenated()))
    }

    /// Of a file name with any suffix.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let stem = name.rsplit_once('.')?.0;
        let (time, rest) = stem.split_at_checked(TIME_LENGTH)?;
        jiff::civil::DateTime::strptime(TIME, time).ok()?;
        Uuid::try_parse(rest.strip_prefix('-')?).ok()?;
        Some(Self(stem.to_owned()))
    }

    pub(super) fn upload_id(&self) -> Uuid {
        // Both ways to make a stem end it with a UUID.
        Uuid::try_parse(&self.0[TIME_LENGTH + 1..]).unwrap_or_default()
    }

    /// Start of the window, UTC, to the millisecond.
    pub(super) fn started_at(&self) -> Timestamp {
        jiff::civil::DateTime::strptime(TIME, &self.0[..TIME_LENGTH])
            .and_then(|time| time.to_zoned(TimeZone::UTC))
            .map_or(Timestamp::UNIX_EPOCH, |time| time.timestamp())
    }

    pub(super) fn file(&self, kind: Kind) -> String {
        format!("{}.{}", self.0, kind.suffix())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_start_and_the_id() {
        let (at, id) = ("2026-01-02T03:04:05.678Z".parse().unwrap(), Uuid::from_u128(0xabc));
        let stem = Stem::new(at, id);
        let name = stem.file(Kind::Window);
        assert_eq!(name, "20260102T030405.678-00000000-0000-0000-0000-000000000abc.window");
        assert_eq!(Stem::parse(&name), Some(stem.clone()));
        assert_eq!((stem.started_at(), stem.upload_id()), (at, id));
        assert!(stem < Stem::new("2026-01-02T03:04:05.679Z".parse().unwrap(), Uuid::from_u128(1)));
    }

    #[test]
    fn other_names_are_not_ours() {
        for name in
            ["", ".window", "x.window", "20260102T030405.678.window", "state.json", "20261302T030405.678-é.window"]
        {
            assert_eq!(Stem::parse(name), None, "{name}");
        }
        assert_eq!(Kind::of("state.json"), None);
        assert_eq!(Kind::of("x.open.tmp"), Some(Kind::Temporary));
    }
}
