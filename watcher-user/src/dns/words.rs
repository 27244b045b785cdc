//! What came of a query, in words.

use watcher_core::names::{NoAnswer, Query};

/// Answers, or why there are none.
pub fn outcome(query: &Query) -> String {
    match (query.failure, query.rcode.as_deref()) {
        (Some(NoAnswer::Timeout), _) => "no answer within 5 s".to_owned(),
        (Some(NoAnswer::Untracked), _) => "not followed: too many at once".to_owned(),
        (None, None | Some("NOERROR")) => answers(query),
        (None, Some("NXDOMAIN")) => "no such name".to_owned(),
        (None, Some("SERVFAIL")) => "the server failed".to_owned(),
        (None, Some("REFUSED")) => "the server refused".to_owned(),
        (None, Some("FORMERR")) => "the server did not understand".to_owned(),
        (None, Some("NOTIMP")) => "the server does not do that".to_owned(),
        (None, Some(other)) => format!("error {other}"),
    }
}

fn answers(query: &Query) -> String {
    match (query.answers.is_empty(), query.truncated) {
        (false, _) => query.answers.join(", "),
        (true, true) => "cut short".to_owned(),
        (true, false) => "no such records".to_owned(),
    }
}
