//! Maps whose memory is taken when they are made, where the kernel wants them so.
//!
//! Before commit 34dd3bad1a6f (Linux 6.1) a program of the older tracing kinds (kprobe, raw tracepoint) that uses a hash map
//! without such memory makes the kernel warn, once, with a stack trace, and end if it was told to end on warnings. aya has no
//! switch for a map's flags, so the definition is changed in the object before it is loaded.

use super::btf::Types;

/// Takes the flags away from the definitions of these maps; `None` when the object is not as this program's is.
pub fn preallocate(object: &mut [u8], maps: &[&str]) -> Option<()> {
    let (start, len) = section(object, ".BTF")?;
    let types = Types::parse(object.get(start..start + len)?.to_vec()).ok()?;
    let none = types.pointer_to_empty_array()?;
    for map in maps {
        let at = start + types.type_of_member(map, "map_flags")?;
        object.get_mut(at..at + 4)?.copy_from_slice(&none.to_ne_bytes());
    }
    Some(())
}

/// Position and length of a section of an ELF file of 64 bits (elf(5)).
fn section(object: &[u8], wanted: &str) -> Option<(usize, usize)> {
    let word = |at: usize| Some(usize::from(u16::from_ne_bytes(object.get(at..at + 2)?.try_into().ok()?)));
    let long = |at: usize| usize::try_from(u64::from_ne_bytes(object.get(at..at + 8)?.try_into().ok()?)).ok();
    let short = |at: usize| usize::try_from(u32::from_ne_bytes(object.get(at..at + 4)?.try_into().ok()?)).ok();
    let (headers, size, count, names) = (long(0x28)?, word(0x3a)?, word(0x3c)?, word(0x3e)?);
    let header = |index: usize| headers + index * size;
    let names = long(header(names) + 0x18)?;
    (0..count).map(header).find_map(|at| {
        let name = object.get(names + short(at)?..)?;
        let is_wanted = name.strip_prefix(wanted.as_bytes())?.first() == Some(&0);
        is_wanted.then_some((long(at + 0x18)?, long(at + 0x20)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_flags_of_the_named_maps_change() {
        let before = crate::linux::load::OBJECT;
        let mut after = before.to_vec();
        preallocate(&mut after, &["FLOWS", "OVERFLOW"]).expect("the object is ours");
        let changed = before.iter().zip(&after).filter(|(a, b)| a != b).count();
        assert!((2..=8).contains(&changed), "{changed} bytes changed");
        assert!(preallocate(&mut after, &["NO_SUCH_MAP"]).is_none());
        assert!(preallocate(&mut [0; 64], &["FLOWS"]).is_none());
        assert!(preallocate(&mut [], &["FLOWS"]).is_none());
    }
}
