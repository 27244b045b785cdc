//! What an answer means for the window.

use std::time::Duration;

use hyper::StatusCode;
use jiff::Timestamp;

use super::transport::Answer;

/// What becomes of the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The endpoint has it.
    Taken,
    /// The endpoint will never take it.
    Park { status: StatusCode, why: String },
    /// Later, no sooner than the endpoint asks.
    Retry { why: String, after: Option<Duration> },
}

/// 2xx has taken the window. 4xx is about the window and parks it, but for 408 and 429, which are about the moment.
///
/// A redirect is not followed: data that was addressed to one host does not go to another because somebody in between (a captive
/// portal, say) answers so. It is retried, since such answers pass.
pub(super) fn judge(answer: &Answer, now: Timestamp) -> Verdict {
    let status = answer.status;
    if status.is_success() {
        return Verdict::Taken;
    }
    let why = describe(answer);
    let passing = matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
    if status.is_client_error() && !passing {
        return Verdict::Park { status, why };
    }
    let after = answer.retry_after.as_deref().and_then(|value| retry_after(value, now));
    Verdict::Retry { why, after }
}

fn describe(answer: &Answer) -> String {
    let mut words = format!("the endpoint answered {}", answer.status);
    if answer.status.is_redirection() {
        let elsewhere = answer.location.as_deref().unwrap_or("nowhere");
        words.push_str(&format!(
            " to {elsewhere}, which is not followed; if that is right, configure it as the address"
        ));
    } else if !answer.said.is_empty() {
        words.push_str(": ");
        words.push_str(&answer.said);
    }
    words
}

/// The value of `Retry-After` (RFC 9110, 10.2.3): seconds, or a date in one of three forms. A date in the past is no wait.
fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let at = Timestamp::try_from(httpdate::parse_http_date(value).ok()?).ok()?;
    Some(Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "1994-11-06T08:49:00Z".parse().unwrap()
    }

    fn judged(status: u16) -> Verdict {
        judge(&Answer::of(StatusCode::from_u16(status).unwrap()), now())
    }

    #[test]
    fn each_status_has_its_consequence() {
        for status in 200..300 {
            assert_eq!(judged(status), Verdict::Taken, "{status}");
        }
        for status in (400..500).filter(|status| ![408, 429].contains(status)) {
            assert!(matches!(judged(status), Verdict::Park { .. }), "{status}");
        }
        for status in [408, 429].into_iter().chain(300..400).chain(500..1000).chain(100..200) {
            assert!(matches!(judged(status), Verdict::Retry { after: None, .. }), "{status}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_any_http_date() {
        for (value, seconds) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(37)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(37)),
            ("Sun Nov  6 08:49:37 1994", Some(37)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
        ] {
            assert_eq!(retry_after(value, now()), seconds.map(Duration::from_secs), "{value:?}");
        }
    }

    #[test]
    fn answers_are_told_in_words() {
        let mut answer = Answer::of(StatusCode::FOUND);
        answer.location = Some("http://portal.example/login".to_owned());
        let Verdict::Retry { why, .. } = judge(&answer, now()) else { panic!() };
        assert_eq!(
            why,
            "the endpoint answered 302 Found to http://portal.example/login, which is not followed; if that is right, \
             configure it as the address"
        );
        let mut answer = Answer::of(StatusCode::UNAUTHORIZED);
        answer.said = "who are you?".to_owned();
        let Verdict::Park { why, .. } = judge(&answer, now()) else { panic!() };
        assert_eq!(why, "the endpoint answered 401 Unauthorized: who are you?");
    }
}
