//! Who issued a certificate (RFC 5280, 4.1.2.4).

use x509_parser::certificate::X509CertificateParser;
use x509_parser::nom::Parser as _;
use x509_parser::x509::AttributeTypeAndValue;

/// Characters that are kept.
const MAX_CHARS: usize = 128;

/// The organization and the common name of the issuer of a certificate in DER: `Let's Encrypt, R11`.
pub(super) fn issuer(der: &[u8]) -> Option<Box<str>> {
    let (_, certificate) = X509CertificateParser::new().with_deep_parse_extensions(false).parse(der).ok()?;
    let issuer = certificate.issuer();
    let organization = issuer.iter_organization().find_map(text);
    let common_name = issuer.iter_common_name().find_map(text);
    let both = match (organization, common_name) {
        (Some(organization), Some(name)) if organization != name => format!("{organization}, {name}"),
        (one, other) => one.or(other)?,
    };
    Some(both.chars().take(MAX_CHARS).collect::<String>().into())
}

/// Printable text on one line; anybody can write what they like into a certificate.
fn text(attribute: &AttributeTypeAndValue<'_>) -> Option<String> {
    let raw = attribute.as_str().ok()?;
    let printable = |c: char| if c.is_ascii_graphic() || c.is_alphanumeric() || c == ' ' { c } else { '?' };
    let text: String = raw.chars().take(MAX_CHARS).map(printable).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}
