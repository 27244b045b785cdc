//! What each program prints, understood: who it says has moved how much.

use std::collections::HashMap;

use serde_json::Value;

/// Bytes of both directions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bytes {
    pub received: u64,
    pub sent: u64,
}

impl Bytes {
    /// Both together.
    pub fn sum(self) -> u64 {
        self.received + self.sent
    }

    /// Both sums.
    pub fn plus(self, other: Self) -> Self {
        Self { received: self.received + other.received, sent: self.sent + other.sent }
    }
}

/// Whose something is said to be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Owner {
    /// Not said.
    Nobody,
    /// One process, and what it is called.
    Process(u32, String),
    /// Whatever processes are called so.
    Name(String),
}

impl Owner {
    /// Whether that is this process, by its number or else its name.
    pub fn is(&self, pid: u32, name: &str) -> bool {
        match self {
            Self::Nobody => false,
            Self::Process(number, _) => *number == pid,
            Self::Name(said) => said == name,
        }
    }
}

/// All that a program has said so far: the last of each thing that it tells of.
#[derive(Debug, Default)]
pub struct Said {
    entries: Entries,
    /// What is being said at the moment, of who says everything again each time.
    next: Entries,
}

type Entries = HashMap<String, (Owner, Bytes)>;

/// Takes a line.
pub type Read = fn(&str, &mut Said);

impl Said {
    /// What is said to be of each of them.
    pub fn owners(&self) -> HashMap<&Owner, Bytes> {
        let mut sums: HashMap<&Owner, Bytes> = HashMap::new();
        for (owner, bytes) in self.entries.values() {
            let sum = sums.entry(owner).or_default();
            *sum = sum.plus(*bytes);
        }
        sums
    }

    /// All that is said to belong to these.
    pub fn sum(&self, is_meant: impl Fn(&Owner) -> bool) -> Bytes {
        let meant = self.entries.values().filter(|(owner, _)| is_meant(owner));
        meant.fold(Bytes::default(), |sum, (_, bytes)| sum.plus(*bytes))
    }

    fn set(&mut self, key: impl Into<String>, owner: Owner, bytes: Bytes) {
        self.entries.insert(key.into(), (owner, bytes));
    }
}

fn add(entries: &mut Entries, key: String, owner: Owner, bytes: Bytes) {
    let entry = entries.entry(key).or_insert((owner, Bytes::default()));
    entry.1 = entry.1.plus(bytes);
}

/// A JSON object with all processes, sums since it began.
pub fn watcher(line: &str, said: &mut Said) {
    let Ok(object) = serde_json::from_str::<Value>(line) else { return };
    let bytes = |of: &Value, received: &str, sent: &str| {
        Some(Bytes { received: of[received].as_u64()?, sent: of[sent].as_u64()? })
    };
    for process in object["processes"].as_array().into_iter().flatten() {
        let Some(pid) = process["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()) else { continue };
        let Some(bytes) = bytes(process, "rx_bytes", "tx_bytes") else { continue };
        let name = process["name"].as_str().unwrap_or_default().to_owned();
        let owner = if pid == 0 { Owner::Nobody } else { Owner::Process(pid, name) };
        said.set(format!("{pid} since {}", process["start_time"]), owner, bytes);
    }
    if let Some(bytes) = bytes(&object["totals"], "unattributed_rx_bytes", "unattributed_tx_bytes") {
        said.set("unattributed", Owner::Nobody, bytes);
    }
}

/// `/path/to/program/PID/UID<tab>sent<tab>received`: with -v 2 bytes since it began, six digits of them. Number 0 is
/// nobody.
pub fn nethogs(line: &str, said: &mut Said) {
    let mut columns = line.split('\t');
    let (Some(process), Some(sent), Some(received)) = (columns.next(), columns.next(), columns.next()) else { return };
    let mut parts = process.rsplit('/');
    let (_uid, pid, name) = (parts.next(), parts.next(), parts.next().unwrap_or_default());
    let Some(pid) = pid.and_then(|pid| pid.parse().ok()) else { return };
    let (Some(sent), Some(received)) = (whole(sent), whole(received)) else { return };
    let owner = if pid == 0 { Owner::Nobody } else { Owner::Process(pid, name.to_owned()) };
    said.set(process, owner, Bytes { received, sent });
}

/// `process: <time> "name" up/down Bps: 12/34 connections: 1`: since it began, as it is asked for totals. All processes come each
/// time between a heading and an empty line; those of one name have a line each.
pub fn bandwhich(line: &str, said: &mut Said) {
    match line {
        "Refreshing:" => said.next.clear(),
        "" => said.entries = std::mem::take(&mut said.next),
        _ => {
            let Some((name, bytes)) = of_bandwhich(line) else { return };
            let owner = if name == "<UNKNOWN>" { Owner::Nobody } else { Owner::Name(name.to_owned()) };
            add(&mut said.next, name.to_owned(), owner, bytes);
        }
    }
}

fn of_bandwhich(line: &str) -> Option<(&str, Bytes)> {
    let rest = line.strip_prefix("process: ")?;
    let (sent, received) = rest.split_once("Bps: ")?.1.split_once(" connections")?.0.split_once('/')?;
    Some((rest.split('"').nth(1)?, Bytes { received: whole(received)?, sent: whole(sent)? }))
}

/// An object with all connections there are, and who has each. One that is no longer there keeps what was said last.
pub fn rustnet(line: &str, said: &mut Said) {
    let Ok(snapshot) = serde_json::from_str::<Value>(line) else { return };
    for connection in snapshot["connections"].as_array().into_iter().flatten() {
        let traffic = &connection["traffic"];
        let (Some(id), Some(received), Some(sent)) =
            (connection["id"].as_str(), traffic["bytes_received"].as_u64(), traffic["bytes_sent"].as_u64())
        else {
            continue;
        };
        let process = &connection["process"];
        let name = process["name"].as_str().unwrap_or_default().to_owned();
        let pid = process["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
        let owner = pid.map_or(Owner::Nobody, |pid| Owner::Process(pid, name));
        said.set(id, owner, Bytes { received, sent });
    }
}

/// `Cumulative (sent/received/total):  200MB  184MB  384MB`: three digits of each.
pub fn iftop(line: &str, said: &mut Said) {
    let Some(rest) = line.strip_prefix("Cumulative (sent/received/total):") else { return };
    let mut figures = rest.split_whitespace().map(with_unit);
    if let (Some(Some(sent)), Some(Some(received))) = (figures.next(), figures.next()) {
        said.set("total", Owner::Nobody, Bytes { received, sent });
    }
}

/// `PID COMM LADDR LPORT RADDR RPORT TX_KB RX_KB MS` of each connection that ended.
pub fn tcplife(line: &str, said: &mut Said) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [pid, name @ .., _, _, _, _, sent, received, _] = &words[..] else { return };
    let (Ok(pid), Some(sent), Some(received)) = (pid.parse::<u32>(), of_kibibytes(sent), of_kibibytes(received)) else {
        return;
    };
    add(&mut said.entries, pid.to_string(), Owner::Process(pid, name.join(" ")), Bytes { received, sent });
}

/// `PID COMM LADDR RADDR RX_KB TX_KB` of each connection, each second what was moved in it.
pub fn tcptop(line: &str, said: &mut Said) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [pid, name @ .., _, _, received, sent] = &words[..] else { return };
    let (Ok(pid), Some(received), Some(sent)) = (pid.parse::<u32>(), of_kibibytes(received), of_kibibytes(sent)) else {
        return;
    };
    add(&mut said.entries, pid.to_string(), Owner::Process(pid, name.join(" ")), Bytes { received, sent });
}

/// Some print bytes with a fraction, or as `1.22187e+09`.
fn whole(number: &str) -> Option<u64> {
    in_bytes(number.trim(), 1.0)
}

fn of_kibibytes(number: &str) -> Option<u64> {
    in_bytes(number, 1024.0)
}

fn with_unit(figure: &str) -> Option<u64> {
    let number = figure.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match &figure[number.len()..] {
        "B" => 1.0,
        "KB" => 1024.0,
        "MB" => 1024.0 * 1024.0,
        "GB" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    in_bytes(number, unit)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what was printed has a few digits")]
fn in_bytes(number: &str, unit: f64) -> Option<u64> {
    Some((number.parse::<f64>().ok().filter(|number| *number >= 0.0)? * unit).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(read: Read, lines: &str, pid: u32, name: &str) -> (u64, u64) {
        let mut said = Said::default();
        lines.lines().for_each(|line| read(line, &mut said));
        let bytes = said.sum(|owner| owner.is(pid, name));
        (bytes.received, bytes.sent)
    }

    fn total(read: Read, lines: &str) -> u64 {
        let mut said = Said::default();
        lines.lines().for_each(|line| read(line, &mut said));
        said.sum(|_| true).sum()
    }

    #[test]
    fn the_last_sums_of_each_process_count() {
        let lines = "Refreshing:\n/usr/bin/xtask/4711/0\t12.000000\t3\n/usr/bin/xtask/4711/0\t1.23457e+06\t12\n\
            unknown TCP/0/0\t1\t2\n";
        assert_eq!(of(nethogs, lines, 4711, ""), (12, 1_234_570));
        assert_eq!(total(nethogs, lines), 1_234_570 + 12 + 3);
    }

    #[test]
    fn processes_of_one_name_are_added_up_each_second() {
        let lines = "Refreshing:\nprocess: <1700000000> \"xtask\" up/down Bps: 60000/12 connections: 1\n\nRefreshing:\n\
            process: <1700000001> \"xtask\" up/down Bps: 60001/12 connections: 1\n\
            process: <1700000001> \"xtask\" up/down Bps: 9/1 connections: 1\n\
            process: <1700000001> \"<UNKNOWN>\" up/down Bps: 5/0 connections: 1\n\nRefreshing:\n";
        assert_eq!(of(bandwhich, lines, 0, "xtask"), (13, 60_010));
        assert_eq!(total(bandwhich, lines), 60_028);
    }

    #[test]
    fn connections_that_are_gone_stay_counted() {
        let lines = r#"{"connections":[{"id":"a","process":{"pid":7},"traffic":{"bytes_sent":3,"bytes_received":1}}]}
{"connections":[{"id":"b","process":null,"traffic":{"bytes_sent":9,"bytes_received":0}}]}
starting"#;
        assert_eq!(of(rustnet, lines, 7, ""), (1, 3));
        assert_eq!(total(rustnet, lines), 13);
    }

    #[test]
    fn rounded_sums_are_read_with_their_units() {
        let line = "Cumulative (sent/received/total):   200MB   1.25KB   640B";
        assert_eq!(total(iftop, line), 200 * 1024 * 1024 + 1280);
    }

    #[test]
    fn columns_are_found_behind_names_with_blanks() {
        let line = "8604    two words 127.0.0.1       58738 127.0.0.1       5999  7743.99 0.50   8.55";
        assert_eq!(of(tcplife, line, 8604, ""), (512, 7_929_846));
        assert_eq!(total(tcplife, "PID     COMM  LADDR LPORT RADDR RPORT TX_KB  RX_KB  MS"), 0);
        let line = "127    two words    127.0.0.1:40266       127.0.0.1:40601         6591   9856\n";
        assert_eq!(of(tcptop, &line.repeat(2), 127, ""), (2 * 6591 * 1024, 2 * 9856 * 1024));
        let heading = "PID    COMM         LADDR                 RADDR                  RX_KB TX_KB\n\n";
        assert_eq!(total(tcptop, heading), 0);
    }

    #[test]
    fn an_object_is_the_newest_word_on_each_process() {
        let lines = r#"{"totals":{"unattributed_rx_bytes":0,"unattributed_tx_bytes":0},"processes":[{"pid":5,"start_time":"a","rx_bytes":3,"tx_bytes":4}]}
{"totals":{"unattributed_rx_bytes":1,"unattributed_tx_bytes":0},"processes":[{"pid":5,"start_time":"a","rx_bytes":5,"tx_bytes":4}]}"#;
        assert_eq!(of(watcher, lines, 5, ""), (5, 4));
        assert_eq!(total(watcher, lines), 10);
    }
}
