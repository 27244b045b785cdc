//! The protocols' and interfaces' counters of the calling thread's network namespace, from `/proc/net`.

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
};

use watcher_core::{
    interfaces::Bytes,
    verify::{Calls, Device, Network, Packets},
};

/// Segments that came and are in no socket's `bytes_received`, or not for the first time (TcpExt, net/ipv4/proc.c).
const UNUSED: [&str; 14] = [
    "TcpExt.TCPDSACKOldSent",
    "TcpExt.TCPDSACKOfoSent",
    "TcpExt.DelayedACKLost",
    "TcpExt.TCPOFODrop",
    "TcpExt.TCPOFOMerge",
    "TcpExt.TCPRcvQDrop",
    "TcpExt.RcvPruned",
    "TcpExt.OfoPruned",
    "TcpExt.TCPBacklogDrop",
    "TcpExt.TCPZeroWindowDrop",
    "TcpExt.BeyondWindow",
    "TcpExt.TCPAbortOnData",
    "Tcp.InErrs",
    "Tcp.OutRsts",
];

/// Reads them.
pub fn read() -> io::Result<Network> {
    let file = |name: &str| fs::read_to_string(format!("/proc/thread-self/net/{name}"));
    let mut values = tables(&file("snmp")?);
    values.extend(tables(&file("netstat")?));
    // A kernel without IPv6 has no such file.
    values.extend(pairs(&file("snmp6").unwrap_or_default()));
    Ok(network(&Values(values), devices(&file("dev")?)))
}

struct Values(HashMap<String, u64>);

impl Values {
    fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    fn sum<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> u64 {
        names.into_iter().map(|name| self.get(name)).sum()
    }

    /// Of UDP and UDP-Lite, both versions.
    fn udp(&self, name: &str) -> u64 {
        let of = |table: &str| self.get(&format!("{table}{name}"));
        of("Udp.") + of("UdpLite.") + of("Udp6") + of("UdpLite6")
    }

    /// Packets that left: before Linux 6.7 those are `OutRequests`.
    fn sent(&self, version: &str) -> u64 {
        let transmits = self.0.get(&format!("{version}OutTransmits"));
        transmits.copied().unwrap_or_else(|| self.get(&format!("{version}OutRequests")))
    }
}

fn network(values: &Values, devices: BTreeMap<String, Device>) -> Network {
    let sum = |names: &[&str]| values.sum(names.iter().copied());
    Network {
        received: Packets {
            v4: values.get("Ip.InReceives"),
            v6: values.get("Ip6InReceives"),
            octets: sum(&["IpExt.InOctets", "Ip6InOctets"]),
            multicast: sum(&["IpExt.InMcastPkts", "IpExt.InBcastPkts", "Ip6InMcastPkts"]),
        },
        sent: Packets {
            v4: values.sent("Ip."),
            v6: values.sent("Ip6"),
            octets: sum(&["IpExt.OutOctets", "Ip6OutOctets"]),
            multicast: sum(&["IpExt.OutMcastPkts", "IpExt.OutBcastPkts", "Ip6OutMcastPkts"]),
        },
        forwarded: sum(&["Ip.ForwDatagrams", "Ip6OutForwDatagrams"]),
        fragments: sum(&["Ip.ReasmReqds", "Ip6ReasmReqds"]).saturating_sub(sum(&["Ip.ReasmOKs", "Ip6ReasmOKs"])),
        icmp: Calls { rx: sum(&["Icmp.InMsgs", "Icmp6InMsgs"]), tx: sum(&["Icmp.OutMsgs", "Icmp6OutMsgs"]) },
        datagrams: Calls { rx: values.udp("InDatagrams"), tx: values.udp("OutDatagrams") },
        dropped_datagrams: Calls { rx: values.udp("NoPorts") + values.udp("InErrors"), tx: values.udp("SndbufErrors") },
        segments: Calls { rx: values.get("Tcp.InSegs"), tx: values.get("Tcp.OutSegs") },
        segments_again: values.get("Tcp.RetransSegs"),
        segments_unused: values.sum(UNUSED),
        devices,
    }
}

/// `Ip: A B` and below it `Ip: 1 2`: "Ip.A" is 1. A negative value (`MaxConn`) is none of ours.
fn tables(text: &str) -> HashMap<String, u64> {
    let mut values = HashMap::new();
    let mut lines = text.lines();
    while let (Some(names), Some(numbers)) = (lines.next(), lines.next()) {
        let (Some((table, names)), Some((_, numbers))) = (names.split_once(':'), numbers.split_once(':')) else {
            continue;
        };
        for (name, number) in names.split_ascii_whitespace().zip(numbers.split_ascii_whitespace()) {
            if let Ok(number) = number.parse() {
                values.insert(format!("{table}.{name}"), number);
            }
        }
    }
    values
}

/// `Ip6InReceives    1`.
fn pairs(text: &str) -> impl Iterator<Item = (String, u64)> {
    text.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
    })
}

/// `  eth0: bytes packets errs drop fifo frame compressed multicast bytes packets …`, received before sent.
fn devices(text: &str) -> BTreeMap<String, Device> {
    let one = |line: &str| {
        let (name, numbers) = line.rsplit_once(':')?;
        let numbers: Vec<u64> = numbers.split_ascii_whitespace().map_while(|word| word.parse().ok()).collect();
        let at = |n: usize| numbers.get(n).copied();
        let bytes = Bytes { rx: at(0)?, tx: at(8)? };
        Some((name.trim().to_owned(), Device { bytes, rx_packets: at(1)?, tx_packets: at(9)? }))
    };
    text.lines().skip(2).filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_as_the_kernel_writes_them() {
        let values = tables("Tcp: MaxConn InSegs\nTcp: -1 7\nUdp: InDatagrams\nUdp: 3\nOdd\n");
        assert_eq!(values.len(), 2);
        assert_eq!((values["Tcp.InSegs"], values["Udp.InDatagrams"]), (7, 3));
        assert_eq!(pairs("Ip6InOctets  \t 9\nbad\n").collect::<Vec<_>>(), [("Ip6InOctets".to_owned(), 9)]);
    }

    #[test]
    fn interfaces_are_read_as_the_kernel_writes_them() {
        let text =
            "Inter-|\n face |\n    lo: 10 1 0 0 0 0 0 0 20 2 0 0 0 0 0 0\n  a:b: 5 6 0 0 0 0 0 0 7 8 0\n short: 1 2\n";
        let found = devices(text);
        assert_eq!(found.len(), 2);
        assert_eq!(found["lo"], Device { bytes: Bytes { rx: 10, tx: 20 }, rx_packets: 1, tx_packets: 2 });
        assert_eq!(found["a:b"].tx_packets, 8);
    }

    #[test]
    fn this_kernel_has_every_counter_that_is_asked_for() {
        let file = |name: &str| fs::read_to_string(format!("/proc/thread-self/net/{name}")).unwrap();
        let mut values = tables(&file("snmp"));
        values.extend(tables(&file("netstat")));
        let asked =
            ["Ip.InReceives", "Ip.OutRequests", "IpExt.InOctets", "IpExt.OutOctets", "Icmp.InMsgs", "Udp.InDatagrams"];
        for name in asked.iter().chain(&UNUSED) {
            assert!(values.contains_key(*name), "{name}");
        }
    }
}
