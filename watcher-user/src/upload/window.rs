//! A finished window: when it was, and the JSON object that describes it. What the object says is the rollup's business;
//! here it is text that must reach the endpoint unchanged, unknown fields and order of keys included.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use thiserror::Error;
use uuid::Uuid;

/// The longest body that is accepted, in bytes. A rollup is at most 32 KiB by contract; this bound only keeps a damaged
/// or foreign file from being read into memory.
pub const MAX_BODY_BYTES: usize = 1 << 20;

/// A finished window on its way to the endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    upload_id: Uuid,
    started_at: Timestamp,
    ended_at: Timestamp,
    body: String,
}

/// A rollup that cannot be sent.
#[derive(Debug, Error)]
pub enum WindowError {
    /// It did not serialize, or what it serialized to is no JSON object.
    #[error("the rollup is no JSON object: {0}")]
    NoObject(#[from] serde_json::Error),
    /// `sent_at` belongs to the attempt, not to the window.
    #[error("the rollup already has `sent_at`, which each attempt sets anew")]
    Sent,
    /// The object names another upload than the window.
    #[error("the rollup's `upload_id` is {body}, the window's is {window}")]
    OtherId {
        /// What the object says.
        body: String,
        /// What the window says.
        window: Uuid,
    },
    /// Longer than [`MAX_BODY_BYTES`].
    #[error("the rollup has {0} bytes, at most {MAX_BODY_BYTES} can be sent")]
    TooLong(usize),
}

impl Window {
    /// `rollup` must serialize to a JSON object without `sent_at`. When it has no `upload_id`, that is added, so that a
    /// receiver can always drop repeats.
    ///
    /// # Errors
    /// It is no such object.
    pub fn new(
        upload_id: Uuid,
        started_at: Timestamp,
        ended_at: Timestamp,
        rollup: &impl Serialize,
    ) -> Result<Self, WindowError> {
        Self::from_json(upload_id, started_at, ended_at, watcher_core::json::to_string(rollup)?)
    }

    /// The same from JSON text.
    pub(super) fn from_json(
        upload_id: Uuid,
        started_at: Timestamp,
        ended_at: Timestamp,
        mut body: String,
    ) -> Result<Self, WindowError> {
        let known = Known::of(&body)?;
        if known.sent_at {
            return Err(WindowError::Sent);
        }
        let own_id = upload_id.hyphenated().to_string();
        match known.upload_id {
            Some(id) if id == own_id => {}
            Some(id) => return Err(WindowError::OtherId { body: id, window: upload_id }),
            None => body = with_first(&body, "upload_id", &own_id, known.empty),
        }
        if body.len() > MAX_BODY_BYTES {
            return Err(WindowError::TooLong(body.len()));
        }
        Ok(Self { upload_id, started_at, ended_at, body })
    }

    /// The same on every attempt.
    #[must_use]
    pub fn upload_id(&self) -> Uuid {
        self.upload_id
    }

    /// Start of the window, UTC.
    #[must_use]
    pub fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// End of the window, UTC.
    #[must_use]
    pub fn ended_at(&self) -> Timestamp {
        self.ended_at
    }

    /// The object as it lies in the spool: everything but `sent_at`.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The object as it goes out in an attempt made at `now`: `sent_at` first, to the millisecond, the rest unchanged.
    #[must_use]
    pub fn sent_at(&self, now: Timestamp) -> String {
        with_first(&self.body, "sent_at", &format!("{now:.3}"), false)
    }
}

/// `object` with a member in front. Neither `key` nor `value` may need escaping.
fn with_first(object: &str, key: &str, value: &str, empty: bool) -> String {
    let rest = object.trim_start().strip_prefix('{').unwrap_or(object);
    let comma = if empty { "" } else { "," };
    format!("{{\"{key}\":\"{value}\"{comma}{rest}")
}

/// The members of an object that delivery itself has an interest in.
#[derive(Default)]
struct Known {
    empty: bool,
    sent_at: bool,
    upload_id: Option<String>,
}

impl Known {
    fn of(json: &str) -> Result<Self, serde_json::Error> {
        let mut parser = serde_json::Deserializer::from_str(json);
        let known = parser.deserialize_map(KnownVisitor)?;
        parser.end()?;
        Ok(known)
    }
}

struct KnownVisitor;

impl<'de> Visitor<'de> for KnownVisitor {
    type Value = Known;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Known, A::Error> {
        let mut known = Known { empty: true, ..Known::default() };
        while let Some(key) = map.next_key::<String>()? {
            known.empty = false;
            match key.as_str() {
                "upload_id" => known.upload_id = Some(map.next_value()?),
                "sent_at" => {
                    known.sent_at = true;
                    map.next_value::<IgnoredAny>()?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Uuid = Uuid::from_u128(0x67e5_5044_10b1_426f_9247_bb68_0e5f_e0c8);

    fn window(json: &str) -> Result<Window, WindowError> {
        Window::from_json(ID, Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH, json.to_owned())
    }

    #[test]
    fn unknown_fields_numbers_and_the_order_of_keys_stay_as_they_were() {
        let json =
            r#"{"z":1.0, "a":18446744073709551616,"upload_id":"67e55044-10b1-426f-9247-bb680e5fe0c8","é":[null]}"#;
        let window = window(json).unwrap();
        assert_eq!(window.body(), json);
        assert_eq!(
            window.sent_at("2026-01-02T03:04:05.6789Z".parse().unwrap()),
            format!("{{\"sent_at\":\"2026-01-02T03:04:05.678Z\",{}", &json[1..])
        );
    }

    #[test]
    fn an_upload_id_is_added_where_there_is_none() {
        let id = r#"{"upload_id":"67e55044-10b1-426f-9247-bb680e5fe0c8""#;
        assert_eq!(window("{ }").unwrap().body(), format!("{id} }}"));
        assert_eq!(window(r#"{"a":1}"#).unwrap().body(), format!(r#"{id},"a":1}}"#));
    }

    #[test]
    fn what_is_no_sendable_object_is_refused() {
        for (json, why) in [
            ("[]", "the rollup is no JSON object: invalid type: sequence, expected a JSON object at line 1 column 0"),
            (r#"{"sent_at":null}"#, "the rollup already has `sent_at`, which each attempt sets anew"),
            (
                r#"{"upload_id":"x"}"#,
                "the rollup's `upload_id` is x, the window's is 67e55044-10b1-426f-9247-bb680e5fe0c8",
            ),
        ] {
            assert_eq!(window(json).unwrap_err().to_string(), why);
        }
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_BODY_BYTES));
        assert!(matches!(window(&long), Err(WindowError::TooLong(_))));
    }
}
