//! What programs read, and the page about it.

use watcher_core::history::Report;

use super::{amount, apps, asked, interfaces, processes, report, row, users};
use crate::stats::{Asked, csv, json};

#[test]
fn objects_and_lines() {
    for (view, of) in [
        ("apps", apps as fn(&Asked) -> Report),
        ("processes", processes),
        ("interfaces", interfaces),
        ("users", |asked| {
            report(asked, vec![row("1001", amount(9_000, 1, None)), row("4000000001", amount(0, 1, None))])
        }),
        ("domains", |asked| report(asked, vec![row("@example.org", amount(9_000, 1, None))])),
    ] {
        let asked = asked(view);
        let written = json::write(&asked, &of(&asked), &users()).unwrap();
        let value: serde_json::Value = serde_json::from_str(&written).unwrap();
        assert_eq!(written.lines().count(), 1);
        // An editor would act on it.
        let shown = serde_json::to_string_pretty(&value).unwrap().replace('\u{202e}', "(U+202E)");
        insta::assert_snapshot!(format!("{view}_json"), shown);
        let written = csv::write(&asked, &of(&asked), &users()).unwrap();
        assert!(written.lines().count() > 1 && written.ends_with("\r\n"));
        insta::assert_snapshot!(format!("{view}_csv"), written.replace("\r\n", "\n"));
    }
}

#[test]
fn the_page_about_it_has_every_field() {
    let page = include_str!("../../../../docs/stats.md");
    for (view, of) in
        [("apps --graph", apps as fn(&Asked) -> Report), ("processes", processes), ("interfaces", interfaces)]
    {
        let asked = asked(view);
        let value: serde_json::Value =
            serde_json::from_str(&json::write(&asked, &of(&asked), &users()).unwrap()).unwrap();
        let mut objects = vec![&value, &value["total"]];
        objects.extend(value["rows"].as_array().into_iter().flatten());
        objects.extend(value["bins"].as_array().into_iter().flatten());
        for name in objects.iter().flat_map(|object| object.as_object().expect("an object").keys()) {
            assert!(page.contains(&format!("`{name}`")), "{name}");
        }
        let lines = csv::write(&asked, &of(&asked), &users()).unwrap();
        for name in lines.lines().next().expect("a heading").split(',') {
            assert!(page.contains(&format!("`{name}`")), "{name}");
        }
    }
}
