//! Days of a desktop as netmon kept them, for `cargo xtask bench history`: a row a second of each application that moved
//! something, and of the interface.
//!
//! ```text
//! netmon_days FILE DAYS
//! ```

use anyhow::Context as _;
use jiff::Timestamp;
use rusqlite::Connection;

/// The tables as netmon makes them, and in each second of the day three of 60 applications.
const ROWS: &str = "
CREATE TABLE traffic_logs (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp INTEGER NOT NULL, interface TEXT NOT NULL,
    bytes_in INTEGER NOT NULL, bytes_out INTEGER NOT NULL);
CREATE TABLE app_traffic_logs (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp INTEGER NOT NULL, app_name TEXT NOT NULL,
    bytes_in INTEGER NOT NULL, bytes_out INTEGER NOT NULL);
WITH RECURSIVE second (at) AS (SELECT ?1 UNION ALL SELECT at + 1 FROM second WHERE at + 1 < ?2),
        part (n) AS (VALUES (0), (1), (2))
    INSERT INTO app_traffic_logs (timestamp, app_name, bytes_in, bytes_out)
    SELECT at, 'Application ' || ((at / 97 + n * 17) % 60), at % 100_003, 1 + n FROM second, part;
INSERT INTO traffic_logs (timestamp, interface, bytes_in, bytes_out)
    SELECT timestamp, 'en0', sum(bytes_in), sum(bytes_out) FROM app_traffic_logs GROUP BY timestamp;
CREATE INDEX idx_timestamp ON traffic_logs(timestamp);
CREATE INDEX idx_app_timestamp ON app_traffic_logs(timestamp);
";

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let file = args.next().context("which file?")?;
    let days: i64 = args.next().context("how many days?")?.parse()?;
    let until = Timestamp::now().as_second() / 86_400 * 86_400;
    let since = until - days * 86_400;
    let db = Connection::open(file)?;
    let rows = ROWS.replace("?1", &since.to_string()).replace("?2", &until.to_string());
    db.execute_batch(&format!("BEGIN; {rows} COMMIT"))?;
    let rows: i64 = db.query_row("SELECT count(*) FROM app_traffic_logs", [], |row| row.get(0))?;
    println!("{{\"rows\":{}}}", rows + rows / 3);
    Ok(())
}
