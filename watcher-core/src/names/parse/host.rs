//! Host names as they stand in hellos and requests.

use std::str;

use crate::names::{Name, NameSource};

/// The name in lower case without its last dot, if the bytes are a host name. Addresses are none: the last label of a name
/// is never a number (RFC 3696, 2).
pub(super) fn host_name(raw: &[u8]) -> Option<Box<str>> {
    let text = str::from_utf8(raw).ok()?;
    let name = Name::new(text, NameSource::Address)?;
    let mut labels = name.domain().split('.');
    let labels_fit = labels.all(|label| (1..=63).contains(&label.len()));
    let last = name.domain().rsplit('.').next()?;
    (labels_fit && !last.bytes().all(|b| b.is_ascii_digit())).then(|| name.domain().into())
}

/// The name in `host`, `host:port` or `user@host:port`.
pub(super) fn authority(raw: &[u8]) -> Option<Box<str>> {
    let after_user = raw.rsplit(|b| *b == b'@').next()?;
    let mut parts = after_user.splitn(2, |b| *b == b':');
    let host = parts.next()?;
    let port_fits = parts.next().is_none_or(|port| port.len() <= 5 && port.iter().all(u8::is_ascii_digit));
    port_fits.then(|| host_name(host)).flatten()
}

#[cfg(test)]
mod tests {
    use super::authority;

    #[test]
    fn ports_and_users_are_no_part_of_a_name_and_addresses_are_none() {
        for (raw, name) in [
            ("Example.COM", Some("example.com")),
            ("example.com.:8080", Some("example.com")),
            ("me:secret@example.com:80", Some("example.com")),
            ("localhost", Some("localhost")),
            ("192.0.2.1", None),
            ("192.0.2.1:80", None),
            ("[2001:db8::1]:443", None),
            ("2001:db8::1", None),
            ("example.com:http", None),
            ("a..b", None),
            (".", None),
            ("", None),
            ("exa mple.com", None),
        ] {
            assert_eq!(authority(raw.as_bytes()).as_deref(), name, "{raw}");
        }
        assert_eq!(authority(format!("{}.example", "a".repeat(64)).as_bytes()), None);
        assert_eq!(authority(b"\xff\xfe"), None);
    }
}
