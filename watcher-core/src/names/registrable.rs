//! The registrable domain: what somebody registered, by the public suffix list.

use std::net::Ipv4Addr;

/// Where in `domain` the registrable domain begins: `whatsapp.net` of `e1.whatsapp.net`, `foo.co.uk` of `a.foo.co.uk`,
/// `me.github.io` of `x.me.github.io`. The list's private section holds as well: who is under `github.io` is not GitHub.
/// Under a suffix that the list does not know, the last label is taken to be one (its rule `*`): `nas.home` of `a.nas.home`.
///
/// `None` for a single label, a public suffix itself and what ends in a number: that is an address.
///
/// Punycode (`xn--…`) is kept as it is and never turned into Unicode: `xn--pple-43d.com` would look like `apple.com`.
pub(super) fn registrable(domain: &str) -> Option<usize> {
    let last = domain.rsplit('.').next()?;
    let is_address = last.bytes().all(|b| b.is_ascii_digit()) || domain.parse::<Ipv4Addr>().is_ok();
    let registrable = psl::domain_str(domain).filter(|_| !is_address)?;
    domain.ends_with(registrable).then(|| domain.len() - registrable.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::registrable;

    #[test]
    fn what_somebody_registered_is_shown() {
        let cases = [
            ("e1.whatsapp.net", Some("whatsapp.net")),
            ("example.com", Some("example.com")),
            ("a.b.foo.co.uk", Some("foo.co.uk")),
            ("x.me.github.io", Some("me.github.io")),
            ("bucket.s3.amazonaws.com", Some("bucket.s3.amazonaws.com")),
            ("www.xn--85x722f.xn--55qx5d.cn", Some("xn--85x722f.xn--55qx5d.cn")),
            ("login.xn--pple-43d.com", Some("xn--pple-43d.com")),
            ("_dns.resolver.example", Some("resolver.example")),
            ("a.nas.home", Some("nas.home")),
            ("github.io", None),
            ("co.uk", None),
            ("com", None),
            ("localhost", None),
            ("192.0.2.1", None),
            ("1.2", None),
            ("", None),
            (".", None),
            ("..", None),
        ];
        for (domain, expected) in cases {
            assert_eq!(registrable(domain).map(|from| &domain[from..]), expected, "{domain}");
        }
    }

    proptest! {
        #[test]
        fn it_is_always_whole_labels_at_the_end(domain in "[a-z0-9_.-]{0,60}(|\\.com|\\.co\\.uk|\\.github\\.io)") {
            if let Some(from) = registrable(&domain) {
                prop_assert!(from < domain.len());
                prop_assert!(from == 0 || domain.as_bytes()[from - 1] == b'.');
            }
        }
    }
}
