//! Public resolvers that are asked over HTTPS, by name.

/// Hosts as their operators publish them for DNS over HTTPS; most are built into browsers too (Chromium's
/// `net/dns/public/doh_provider_entry.cc`, Firefox's `network.trr.resolvers`). Names below these count as well: operators
/// give customers names of their own. Sorted. A resolver that is missing here goes unnoticed, nothing more.
const HOSTS: [&str; 40] = [
    "adguard-dns.com",
    "chromium.dns.nextdns.io",
    "cloudflare-dns.com",
    "cloudflare-gateway.com",
    "dns-unfiltered.adguard.com",
    "dns.adguard.com",
    "dns.alidns.com",
    "dns.controld.com",
    "dns.digitale-gesellschaft.ch",
    "dns.google",
    "dns.mullvad.net",
    "dns.nextdns.io",
    "dns.opendns.com",
    "dns.pub",
    "dns.quad9.net",
    "dns.sb",
    "dns.switch.ch",
    "dns0.eu",
    "dns10.quad9.net",
    "dns11.quad9.net",
    "dns12.quad9.net",
    "dns64.dns.google",
    "dns9.quad9.net",
    "doh.360.cn",
    "doh.applied-privacy.net",
    "doh.cleanbrowsing.org",
    "doh.cox.net",
    "doh.dns.sb",
    "doh.familyshield.opendns.com",
    "doh.ffmuc.net",
    "doh.libredns.gr",
    "doh.opendns.com",
    "doh.pub",
    "doh.quickline.ch",
    "doh.umbrella.com",
    "doh.xfinity.com",
    "freedns.controld.com",
    "odvr.nic.cz",
    "one.one.one.one",
    "private.canadianshield.cira.ca",
];

/// Whether a domain is one of them or below one: which.
pub(super) fn resolver(domain: &str) -> Option<u8> {
    let mut rest = domain;
    loop {
        if let Ok(at) = HOSTS.binary_search(&rest) {
            return u8::try_from(at).ok();
        }
        rest = rest.split_once('.')?.1;
    }
}

/// Its name.
pub(super) fn host(number: u8) -> &'static str {
    HOSTS.get(usize::from(number)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{HOSTS, host, resolver};

    #[test]
    fn a_resolver_is_found_by_its_name_and_by_those_below_it() {
        assert!(HOSTS.is_sorted());
        for (domain, is) in [
            ("dns.google", Some("dns.google")),
            ("mozilla.cloudflare-dns.com", Some("cloudflare-dns.com")),
            ("chrome.cloudflare-dns.com", Some("cloudflare-dns.com")),
            ("a1b2c3.dns.nextdns.io", Some("dns.nextdns.io")),
            ("dns.adguard-dns.com", Some("adguard-dns.com")),
            ("one.one.one.one", Some("one.one.one.one")),
            ("doh.opendns.com", Some("doh.opendns.com")),
            ("www.google.com", None),
            ("notdns.google", None),
            ("nextdns.io", None),
            ("quad9.net", None),
            ("", None),
        ] {
            assert_eq!(resolver(domain).map(host), is, "{domain}");
        }
    }
}
