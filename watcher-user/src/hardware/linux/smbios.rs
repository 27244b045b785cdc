//! The name that firmware gives the processor: SMBIOS structure type 4 (DSP0134, 7.5). Root may read it.

const PROCESSOR: u8 = 4;
/// Where the number of the string with the processor's version is.
const VERSION: usize = 0x10;

/// The "processor version" of one structure: `AWS Graviton3`. `None` when there is none, or one that is no name.
pub(super) fn processor_name(raw: &[u8]) -> Option<String> {
    let (&kind, &length) = (raw.first()?, raw.get(1)?);
    let number = usize::from(*raw.get(VERSION).filter(|_| kind == PROCESSOR && usize::from(length) > VERSION)?);
    // Strings follow the formatted part, each ended by NUL, counted from 1; 0 means none.
    let strings = raw.get(usize::from(length)..)?;
    let text = strings.split(|&b| b == 0).nth(number.checked_sub(1)?)?;
    let name = String::from_utf8_lossy(text).trim().to_owned();
    is_name(&name).then_some(name)
}

/// Boards leave the field as it came; QEMU puts the machine type there.
fn is_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let fillers = ["not specified", "unspecified", "unknown", "none", "n/a", "cpu version", "to be filled by o.e.m."];
    !lower.is_empty()
        && !fillers.contains(&lower.as_str())
        && !["virt", "pc-"].iter().any(|machine| lower.starts_with(machine))
        && lower.bytes().any(|b| b.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::processor_name;

    fn structure(version: u8, strings: &[&str]) -> Vec<u8> {
        let mut raw = vec![0; 0x30];
        (raw[0], raw[1], raw[0x10]) = (4, 0x30, version);
        for text in strings {
            raw.extend_from_slice(text.as_bytes());
            raw.push(0);
        }
        raw.push(0);
        raw
    }

    #[test]
    fn the_version_string_is_the_name() {
        let name = |version, text| processor_name(&structure(version, &["CPU00", "AWS", text]));
        assert_eq!(name(3, "AWS Graviton3 ").as_deref(), Some("AWS Graviton3"));
        assert_eq!(name(3, "Ampere(R) Altra(R) Processor").as_deref(), Some("Ampere(R) Altra(R) Processor"));
        for filler in ["Not Specified", "virt-9.2", "pc-i440fx-8.0", "", "1.0"] {
            assert_eq!(name(3, filler), None, "{filler}");
        }
        assert_eq!(name(0, "x86"), None);
        assert_eq!(name(9, "x86"), None);
    }

    #[test]
    fn a_structure_that_is_cut_or_of_another_kind_has_no_name() {
        let whole = structure(1, &["A name"]);
        assert!(processor_name(&whole).is_some());
        assert_eq!(processor_name(&[]), None);
        assert!((0..0x30).all(|len| processor_name(&whole[..len]).is_none()));
        let mut other = whole;
        other[0] = 17;
        assert_eq!(processor_name(&other), None);
    }
}
