//! Tables and objects, to the letter.

use std::sync::Arc;

use super::make::{batches, clock, origin, quality, snapshot};
use crate::{
    by::By,
    cli::Rows,
    top::{Report as _, json, plain},
    units::Units,
    users::Users,
};

fn rows(by: By) -> Rows {
    Rows { by, include_loopback: true, ..Rows::default() }
}

fn table(rows: Rows, units: Units) -> String {
    let mut out = Vec::new();
    plain::Writer::new(&mut out, rows, Users::numeric(), units, true, Arc::default())
        .write(&snapshot(), &origin())
        .unwrap();
    String::from_utf8(out).unwrap()
}

fn object(rows: Rows) -> String {
    let mut out = Vec::new();
    let mut writer = json::Writer::new(&mut out, rows, Users::numeric(), clock(), Arc::default());
    writer.fixed = Some(clock());
    writer.write(&snapshot(), &origin()).unwrap();
    let line = String::from_utf8(out).unwrap();
    assert_eq!(line.find('\n'), Some(line.len() - 1), "one line");
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    serde_json::to_string_pretty(&value).unwrap()
}

#[test]
fn tables() {
    insta::assert_snapshot!("plain_process", table(rows(By::Process), Units::Bytes));
    insta::assert_snapshot!("plain_process_bits", table(rows(By::Process), Units::Bits));
    insta::assert_snapshot!("plain_app", table(rows(By::App), Units::Bytes));
    insta::assert_snapshot!("plain_app_explained", table(Rows { explain: true, ..rows(By::App) }, Units::Bytes));
    insta::assert_snapshot!(
        "plain_process_explained",
        table(Rows { explain: true, ..rows(By::Process) }, Units::Bytes)
    );
    insta::assert_snapshot!("plain_connection", table(rows(By::Connection), Units::Bytes));
    insta::assert_snapshot!("plain_remote", table(rows(By::Remote), Units::Bytes));
}

#[test]
fn objects() {
    insta::assert_snapshot!("json_process", object(rows(By::Process)));
    insta::assert_snapshot!("json_app", object(rows(By::App)));
    insta::assert_snapshot!("json_connection", object(rows(By::Connection)));
    insta::assert_snapshot!("json_remote", object(rows(By::Remote)));
    insta::assert_snapshot!("json_without_loopback", object(Rows { by: By::Connection, ..Rows::default() }));
}

#[test]
fn the_documentation_names_every_field() {
    let documentation = include_str!("../../../../docs/json.md");
    let mut unnamed = Vec::new();
    for by in [By::Process, By::App, By::Connection, By::Remote] {
        let value: serde_json::Value = serde_json::from_str(&object(rows(by))).unwrap();
        collect(&value, &mut |name| {
            if !documentation.contains(&format!("`{name}`")) {
                unnamed.push(name.to_owned());
            }
        });
    }
    assert_eq!(unnamed, Vec::<String>::new());
}

fn collect(value: &serde_json::Value, field: &mut impl FnMut(&str)) {
    match value {
        serde_json::Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            field(name);
            collect(value, field);
        }),
        serde_json::Value::Array(values) => values.iter().for_each(|value| collect(value, field)),
        _ => {}
    }
}

#[test]
fn a_loss_takes_exactness_away() {
    let mut sums = watcher_core::Aggregator::new(watcher_core::Retention::default());
    let mut batch = batches().remove(0);
    batch.losses.recursion_misses = 1;
    sums.apply(&batch);
    let mut out = Vec::new();
    json::Writer::new(&mut out, Rows::default(), Users::numeric(), clock(), Arc::default())
        .write(&sums.snapshot(&quality()), &origin())
        .unwrap();
    let object: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!((&object["exact"], &object["totals"]["losses"]["recursion_misses"]), (&false.into(), &1.into()));
}
