//! Which interfaces make up the machine's total, and why the others are apart.

use std::io::{self, Write};

use serde::Serialize;
use watcher_core::interfaces::{Bytes, Kind, Reading, Why};

use crate::{
    interfaces::{Error, Reader},
    text::printable,
};

/// One interface.
#[derive(Debug, Serialize)]
pub struct InterfaceReport {
    index: u32,
    name: Box<str>,
    kind: Kind,
    in_total: bool,
    apart: Option<Why>,
    rx_bytes: u64,
    tx_bytes: u64,
}

impl From<Reading> for InterfaceReport {
    fn from(reading: Reading) -> Self {
        let Reading { index, name, kind, apart, bytes: Bytes { rx, tx }, .. } = reading;
        Self { index, name, kind, in_total: apart.is_none(), apart, rx_bytes: rx, tx_bytes: tx }
    }
}

/// Asks the kernel.
pub fn examine() -> Result<Vec<InterfaceReport>, Error> {
    let survey = Reader::open()?.survey()?;
    Ok(survey.interfaces.into_iter().map(InterfaceReport::from).collect())
}

/// Those in the total first.
pub fn write(out: &mut impl Write, interfaces: &[InterfaceReport]) -> io::Result<()> {
    if interfaces.is_empty() {
        return Ok(());
    }
    writeln!(out, "\ninterfaces")?;
    let (total, apart): (Vec<_>, Vec<_>) = interfaces.iter().partition(|interface| interface.in_total);
    for interface in total.into_iter().chain(apart) {
        let (name, kind) = (printable(&interface.name), printable(interface.kind.word()));
        match &interface.apart {
            None => writeln!(out, "  {name:<18} {kind}, in the total")?,
            Some(why) => writeln!(out, "  {name:<18} {kind}, apart: {}", printable(&why.to_string()))?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(index: u32, name: &str, kind: Kind, apart: Option<Why>) -> InterfaceReport {
        InterfaceReport { index, name: name.into(), kind, in_total: apart.is_none(), apart, rx_bytes: 3, tx_bytes: 4 }
    }

    fn some() -> Vec<InterfaceReport> {
        vec![
            report(1, "lo", Kind::Loopback, Some(Why::Internal)),
            report(2, "eth0", Kind::Physical, None),
            report(3, "eth0.\u{1b}[2J", Kind::Vlan, Some(Why::Over("eth0".into()))),
        ]
    }

    #[test]
    fn people_read_the_total_first_and_no_escapes() {
        let mut out = Vec::new();
        write(&mut out, &some()).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[..3], ["", "interfaces", "  eth0               physical, in the total"]);
        assert_eq!(lines[3], "  lo                 loopback, apart: never leaves this machine");
        assert!(lines[4].ends_with("vlan, apart: travels over eth0") && !text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn the_fields_of_the_json_are_stable() {
        let json: Vec<_> = some().iter().map(|one| serde_json::to_string(one).unwrap()).collect();
        let numbers = r#""rx_bytes":3,"tx_bytes":4}"#;
        let should = [
            format!(
                r#"{{"index":1,"name":"lo","kind":"loopback","in_total":false,"apart":{{"reason":"internal"}},{numbers}"#
            ),
            format!(r#"{{"index":2,"name":"eth0","kind":"physical","in_total":true,"apart":null,{numbers}"#),
        ];
        assert_eq!(json[..2], should);
        assert!(json[2].contains(r#""apart":{"reason":"over","interface":"eth0"}"#), "{}", json[2]);
    }

    #[test]
    fn this_machine_has_a_loopback_and_it_is_apart() {
        let loopback = examine().unwrap().into_iter().find(|one| one.kind == Kind::Loopback).unwrap();
        assert_eq!(loopback.apart, Some(Why::Internal));
    }
}
