use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
};

use super::{Country, Geo, Located};

/// A value of a MaxMind DB (format 2.0).
enum Value<'a> {
    Text(&'a str),
    Short(u16),
    Number(u32),
    Long(u64),
    Map(&'a [(&'a str, Value<'a>)]),
    List,
}

/// The control byte says the type and the size; sizes from 29 take another byte, types from 8 too.
fn encode(value: &Value<'_>, out: &mut Vec<u8>) {
    let mut head = |kind: u8, size: usize| {
        let (short, long) = if size < 29 { (size as u8, None) } else { (29, Some((size - 29) as u8)) };
        if kind < 8 {
            out.push(kind << 5 | short);
        } else {
            out.extend([short, kind - 7]);
        }
        out.extend(long);
    };
    match value {
        Value::Text(text) => {
            head(2, text.len());
            out.extend(text.as_bytes());
        }
        Value::Short(number) => {
            head(5, 2);
            out.extend(number.to_be_bytes());
        }
        Value::Number(number) => {
            head(6, 4);
            out.extend(number.to_be_bytes());
        }
        Value::Long(number) => {
            head(9, 8);
            out.extend(number.to_be_bytes());
        }
        Value::Map(entries) => {
            head(7, entries.len());
            for (key, value) in *entries {
                encode(&Value::Text(key), out);
                encode(value, out);
            }
        }
        Value::List => head(11, 0),
    }
}

/// A database in which all of `1.0.0.0/8` has one record, and nothing else has any: a path of eight nodes.
fn database(kind: &str, record: &Value<'_>) -> Vec<u8> {
    const NODES: u32 = 8;
    let mut out = Vec::new();
    for node in 0..NODES {
        let bit = 1_u8 >> (7 - node) & 1;
        let next = if node + 1 == NODES { NODES + 16 } else { node + 1 };
        let (left, right) = if bit == 0 { (next, NODES) } else { (NODES, next) };
        out.extend([&left.to_be_bytes()[1..], &right.to_be_bytes()[1..]].concat());
    }
    out.extend([0; 16]);
    encode(record, &mut out);
    out.extend(b"\xab\xcd\xefMaxMind.com");
    let metadata = [
        ("binary_format_major_version", Value::Short(2)),
        ("binary_format_minor_version", Value::Short(0)),
        ("build_epoch", Value::Long(1_700_000_000)),
        ("database_type", Value::Text(kind)),
        ("description", Value::Map(&[])),
        ("ip_version", Value::Short(4)),
        ("languages", Value::List),
        ("node_count", Value::Number(NODES)),
        ("record_size", Value::Short(24)),
    ];
    encode(&Value::Map(&metadata), &mut out);
    out
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn country(key: &str, code: &str) -> Vec<u8> {
    let inner = [("geoname_id", Value::Number(1)), ("iso_code", Value::Text(code))];
    database("GeoLite2-Country", &Value::Map(&[(key, Value::Map(&inner))]))
}

fn asn() -> Vec<u8> {
    let record = [
        ("autonomous_system_number", Value::Number(64_496)),
        ("autonomous_system_organization", Value::Text("Example Networks")),
    ];
    database("DBIP-ASN-Lite (compat=GeoLite2-ASN)", &Value::Map(&record))
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn several_files_add_up_and_the_first_that_knows_counts() {
    let dir = tempfile::tempdir().unwrap();
    let paths = [
        write(dir.path(), "asn.mmdb", &asn()),
        write(dir.path(), "country.mmdb", &country("country", "DE")),
        write(dir.path(), "other.mmdb", &country("country", "FR")),
    ];
    let geo = Geo::open(&paths).unwrap();
    let expected =
        Located { country: Country::new("DE"), asn: Some(64_496), organization: Some("Example Networks".to_owned()) };
    assert_eq!(geo.of(ip("1.2.3.4")), expected);
    assert_eq!(geo.of(ip("::ffff:1.2.3.4")), expected);
    assert_eq!(geo.of(ip("2.2.3.4")), Located::default());
    // A file of IPv4 addresses knows no others.
    assert_eq!(geo.of(ip("2001:db8::1")), Located::default());
    assert!(Geo::open(&[]).unwrap().is_empty());
}

#[test]
fn where_no_country_is_said_the_one_of_the_registration_is_and_codes_are_two_letters() {
    let dir = tempfile::tempdir().unwrap();
    let of = |key: &str, code: &str| {
        let path = write(dir.path(), &format!("{key}{}.mmdb", code.len()), &country(key, code));
        Geo::open(&[path]).unwrap().of(ip("1.1.1.1")).country.map(|country| country.to_string())
    };
    assert_eq!(of("registered_country", "NL"), Some("NL".to_owned()));
    assert_eq!(of("country", "\u{1b}[31m"), None);
    for bad in ["", "D", "de", "DEU", "D1", "Ü"] {
        assert_eq!(Country::new(bad), None, "{bad}");
    }
}

#[test]
fn a_file_that_cannot_be_used_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let error = |path: &Path| Geo::open(&[path.to_owned()]).unwrap_err().to_string();
    let missing = dir.path().join("missing.mmdb");
    assert_eq!(error(&missing), format!("names.geo: reading {}", missing.display()));
    let other =
        write(dir.path(), "domain.mmdb", &database("GeoIP2-Domain", &Value::Map(&[("domain", Value::Text("x"))])));
    let expected = "expected countries or autonomous systems, found \"GeoIP2-Domain\"";
    assert_eq!(error(&other), format!("names.geo: {}: {expected}", other.display()));
    for (name, bytes) in [("text.mmdb", b"not a database".to_vec()), ("empty.mmdb", Vec::new()), ("dir", Vec::new())] {
        let path = if name == "dir" { dir.path().to_owned() } else { write(dir.path(), name, &bytes) };
        assert!(error(&path).contains(&*path.display().to_string()), "{}", error(&path));
    }
}

#[test]
fn a_damaged_file_is_an_error_or_says_nothing_and_never_more() {
    let dir = tempfile::tempdir().unwrap();
    let whole = asn();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        for (name, bytes) in [("flipped.mmdb", &bytes[..]), ("cut.mmdb", &whole[..at])] {
            // A new file each time: one that is mapped must not be written.
            fs::remove_file(dir.path().join(name)).ok();
            if let Ok(geo) = Geo::open(&[write(dir.path(), name, bytes)]) {
                ["1.2.3.4", "0.0.0.0", "255.255.255.255", "::1"].iter().for_each(|text| {
                    let _ = geo.of(ip(text));
                });
            }
        }
    }
}
