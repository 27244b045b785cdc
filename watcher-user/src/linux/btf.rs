//! Just enough of BTF to find where a struct keeps a field (Documentation/bpf/btf.rst).
//!
//! aya loads BTF for the verifier but does not offer member look-ups.

use std::{collections::HashMap, path::Path};

use thiserror::Error;

/// Why the kernel's type information could not be used.
#[derive(Debug, Error)]
pub enum BtfError {
    /// The file is not there or not readable.
    #[error("cannot read {path}: {source} (the kernel must be built with CONFIG_DEBUG_INFO_BTF=y)")]
    Unreadable {
        /// Which file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not BTF, or a version of it that is not understood.
    #[error("malformed BTF: {0}")]
    Malformed(&'static str),
    /// A struct or member is missing in this kernel.
    #[error("this kernel has no {0}")]
    Missing(String),
}

/// Where a member lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Bits from the start of the struct.
    pub bit_offset: u32,
    type_id: u32,
}

const KIND_INT: u32 = 1;
const KIND_PTR: u32 = 2;
const KIND_ARRAY: u32 = 3;
const KIND_STRUCT: u32 = 4;
const KIND_UNION: u32 = 5;
const KIND_ENUM: u32 = 6;
const KIND_TYPEDEF: u32 = 8;
const KIND_VOLATILE: u32 = 9;
const KIND_CONST: u32 = 10;
const KIND_RESTRICT: u32 = 11;
const KIND_FUNC: u32 = 12;
const KIND_FUNC_PROTO: u32 = 13;
const KIND_VAR: u32 = 14;
const KIND_DATASEC: u32 = 15;
const KIND_DECL_TAG: u32 = 17;
const KIND_TYPE_TAG: u32 = 18;
const KIND_ENUM64: u32 = 19;

/// Nested anonymous structs and typedefs are followed this far.
const MAX_DEPTH: u32 = 16;

/// The type section of one BTF file.
pub struct Types {
    data: Vec<u8>,
    types: usize,
    strings: usize,
    strings_end: usize,
    /// Position of each type by id - 1, relative to the type section.
    positions: Vec<u32>,
    structs: HashMap<String, u32>,
}

impl Types {
    /// Reads and indexes a BTF file, `/sys/kernel/btf/vmlinux` as a rule.
    ///
    /// # Errors
    /// When it cannot be read or is malformed.
    pub fn load(path: &Path) -> Result<Self, BtfError> {
        let data =
            std::fs::read(path).map_err(|source| BtfError::Unreadable { path: path.display().to_string(), source })?;
        Self::parse(data)
    }

    /// Indexes the structs of a BTF blob.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn parse(data: Vec<u8>) -> Result<Self, BtfError> {
        let word = |at: usize| read_u32(&data, at).ok_or(BtfError::Malformed("header cut short"));
        if word(0)? & 0xffff != 0xeb9f {
            return Err(BtfError::Malformed("wrong magic"));
        }
        let header = word(4)? as usize;
        let types = header.saturating_add(word(8)? as usize);
        let types_end = types.saturating_add(word(12)? as usize);
        let strings = header.saturating_add(word(16)? as usize);
        let strings_end = strings.saturating_add(word(20)? as usize);
        if types_end > data.len() || strings_end > data.len() {
            return Err(BtfError::Malformed("sections reach past the end"));
        }
        let mut this = Self { data, types, strings, strings_end, positions: Vec::new(), structs: HashMap::new() };
        this.index(types_end)?;
        Ok(this)
    }

    fn index(&mut self, end: usize) -> Result<(), BtfError> {
        let mut at = self.types;
        while at < end {
            let (name, info, _) = self.header(at)?;
            let (kind, count) = (info >> 24 & 0x1f, (info & 0xffff) as usize);
            self.positions.push((at - self.types) as u32);
            if kind == KIND_STRUCT && name != 0 {
                let id = self.positions.len() as u32;
                let name = self.string(name).to_owned();
                self.structs.entry(name).or_insert(id);
            }
            at += 12
                + match kind {
                    KIND_INT | KIND_VAR | KIND_DECL_TAG => 4,
                    KIND_ARRAY => 12,
                    KIND_STRUCT | KIND_UNION | KIND_DATASEC | KIND_ENUM64 => 12 * count,
                    KIND_ENUM | KIND_FUNC_PROTO => 8 * count,
                    _ => 0,
                };
        }
        Ok(())
    }

    fn header(&self, at: usize) -> Result<(u32, u32, u32), BtfError> {
        let word = |at| read_u32(&self.data, at).ok_or(BtfError::Malformed("type cut short"));
        Ok((word(at)?, word(at + 4)?, word(at + 8)?))
    }

    fn string(&self, offset: u32) -> &str {
        let start = self.strings.saturating_add(offset as usize).min(self.strings_end);
        let bytes = &self.data[start..self.strings_end];
        let len = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
        std::str::from_utf8(&bytes[..len]).unwrap_or("")
    }

    /// Finds `path`, members separated by dots, in the struct `name`; anonymous structs and unions are looked through.
    ///
    /// # Errors
    /// [`BtfError::Missing`] names what this kernel does not have.
    pub fn member(&self, name: &str, path: &str) -> Result<Member, BtfError> {
        let missing = || BtfError::Missing(format!("struct {name}.{path}"));
        let mut id = *self.structs.get(name).ok_or_else(missing)?;
        let mut bits = 0;
        for part in path.split('.') {
            let member = self.find(self.resolve(id), part, 0).ok_or_else(missing)?;
            bits += member.bit_offset;
            id = member.type_id;
        }
        Ok(Member { bit_offset: bits, type_id: id })
    }

    /// Whether there is such a struct.
    #[must_use]
    pub fn has_struct(&self, name: &str) -> bool {
        self.structs.contains_key(name)
    }

    /// Whether there is a per-CPU variable of this name: the only variables that kernels list.
    #[must_use]
    pub fn has_variable(&self, name: &str) -> bool {
        self.has(KIND_VAR, name)
    }

    /// Whether there is a function of this name that was not inlined everywhere.
    #[must_use]
    pub fn has_function(&self, name: &str) -> bool {
        self.has(KIND_FUNC, name)
    }

    fn has(&self, kind: u32, wanted: &str) -> bool {
        self.named(kind, wanted).is_some()
    }

    /// How many parameters a function has.
    #[must_use]
    pub fn parameters(&self, function: &str) -> Option<u32> {
        let (_, info, _) = self.header(self.position(self.named(KIND_FUNC, function)?)?).ok()?;
        (info >> 24 & 0x1f == KIND_FUNC_PROTO).then_some(info & 0xffff)
    }

    /// What the type of this kind and name refers to.
    fn named(&self, kind: u32, wanted: &str) -> Option<u32> {
        self.positions.iter().find_map(|&position| {
            let (name, info, refers_to) = self.header(self.types + position as usize).ok()?;
            (info >> 24 & 0x1f == kind && self.string(name) == wanted).then_some(refers_to)
        })
    }

    fn position(&self, id: u32) -> Option<usize> {
        self.positions.get(id.checked_sub(1)? as usize).map(|&p| self.types + p as usize)
    }

    /// Where, in the data, the type of a member of a variable's struct stands.
    #[must_use]
    pub fn type_of_member(&self, variable: &str, member: &str) -> Option<usize> {
        let at = self.position(self.resolve(self.named(KIND_VAR, variable)?))?;
        let (_, info, _) = self.header(at).ok()?;
        let members = (0..(info & 0xffff) as usize).map(|i| at + 12 + 12 * i);
        let mut found = members.filter(|at| self.header(*at).is_ok_and(|(name, ..)| self.string(name) == member));
        (info >> 24 & 0x1f == KIND_STRUCT).then(|| found.next()).flatten().map(|at| at + 4)
    }

    /// The type of a pointer to an array of no elements.
    #[must_use]
    pub fn pointer_to_empty_array(&self) -> Option<u32> {
        let is_empty = |id| {
            let at = self.position(id)?;
            let (_, info, _) = self.header(at).ok()?;
            Some(info >> 24 & 0x1f == KIND_ARRAY && read_u32(&self.data, at + 20)? == 0)
        };
        (1..=self.positions.len() as u32).find(|id| {
            let header = self.position(*id).map(|at| self.header(at));
            matches!(header, Some(Ok((_, info, to))) if info >> 24 & 0x1f == KIND_PTR && is_empty(to) == Some(true))
        })
    }

    /// Looks through typedefs and qualifiers.
    fn resolve(&self, mut id: u32) -> u32 {
        for _ in 0..MAX_DEPTH {
            let Some(Ok((_, info, next))) = self.position(id).map(|at| self.header(at)) else { return id };
            match info >> 24 & 0x1f {
                KIND_TYPEDEF | KIND_VOLATILE | KIND_CONST | KIND_RESTRICT | KIND_TYPE_TAG => id = next,
                _ => return id,
            }
        }
        id
    }

    fn find(&self, id: u32, wanted: &str, depth: u32) -> Option<Member> {
        let at = self.position(id)?;
        let (_, info, _) = self.header(at).ok()?;
        if !matches!(info >> 24 & 0x1f, KIND_STRUCT | KIND_UNION) || depth > MAX_DEPTH {
            return None;
        }
        let bitfields = info >> 31 == 1;
        for i in 0..(info & 0xffff) as usize {
            let (name, type_id, offset) = self.header(at + 12 + 12 * i).ok()?;
            let bit_offset = if bitfields { offset & 0x00ff_ffff } else { offset };
            if name != 0 && self.string(name) == wanted {
                return Some(Member { bit_offset, type_id });
            }
            if name == 0
                && let Some(inner) = self.find(self.resolve(type_id), wanted, depth + 1)
            {
                return Some(Member { bit_offset: bit_offset + inner.bit_offset, type_id: inner.type_id });
            }
        }
        None
    }
}

fn read_u32(data: &[u8], at: usize) -> Option<u32> {
    data.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        assert!(matches!(Types::parse(vec![]), Err(BtfError::Malformed(_))));
        assert!(matches!(Types::parse(vec![0; 64]), Err(BtfError::Malformed(_))));
        let mut lying = vec![0u8; 24];
        lying[..2].copy_from_slice(&0xeb9fu16.to_ne_bytes());
        lying[4..8].copy_from_slice(&24u32.to_ne_bytes());
        lying[12..16].copy_from_slice(&u32::MAX.to_ne_bytes());
        assert!(matches!(Types::parse(lying), Err(BtfError::Malformed(_))));
    }

    #[test]
    fn the_running_kernel_knows_where_a_socket_keeps_its_family() {
        let types = Types::load(Path::new("/sys/kernel/btf/vmlinux")).expect("this kernel has BTF");
        assert!(types.member("sock", "__sk_common.skc_family").is_ok());
        assert!(matches!(types.member("sock", "no_such_member"), Err(BtfError::Missing(_))));
        assert!(matches!(types.member("no_such_struct", "x"), Err(BtfError::Missing(_))));
        assert!(types.has_struct("tcp_sock") && !types.has_struct("no_such_struct"));
        assert!(types.has_variable("runqueues") && !types.has_variable("no_such_variable"));
        assert!(types.has_function("vfs_read") && !types.has_function("no_such_function"));
        assert_eq!((types.parameters("vfs_read"), types.parameters("no_such_function")), (Some(4), None));
    }
}
