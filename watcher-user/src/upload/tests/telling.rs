use super::*;

fn full() -> Status {
    let at = |second: i64| Timestamp::from_second(1_767_355_200 + second).unwrap();
    let id = Uuid::from_u128(1);
    Status {
        endpoint: Some("https://example.com/api".to_owned()),
        spool: SpoolStatus {
            waiting: 3,
            oldest_waiting: Some(at(0)),
            in_memory: 1,
            bytes: 70_000,
            parked: 2,
            parked_windows: vec![
                ParkedWindow {
                    upload_id: id,
                    started_at: at(1),
                    why: Some("the endpoint answered 400 Bad Request".to_owned()),
                },
                ParkedWindow { upload_id: id, started_at: at(2), why: None },
            ],
            taken: 1,
            dropped: 5,
            damaged: 1,
            last_success: Some(Success { at: at(3), upload_id: id }),
            last_error: Some(Failure { at: at(4), upload_id: Some(id), message: "cannot connect".to_owned() }),
        },
        next_attempt: Some(at(60)),
    }
}

#[test]
fn a_status_reads_well() {
    insta::assert_snapshot!(full().to_string(), @r"
    endpoint      https://example.com/api
    waiting       3 windows, the oldest of 2026-01-02T12:00:00Z; 68.4 KiB on disk
    in memory     1 window: the disk does not take them
    last success  2026-01-02T12:00:03Z, 1 window taken in all
    last error    2026-01-02T12:00:04Z, cannot connect
    next attempt  2026-01-02T12:01:00Z
    parked        2 windows that the endpoint refused
                  2026-01-02T12:00:01Z: the endpoint answered 400 Bad Request
                  2026-01-02T12:00:02Z: reason not known
    dropped       5 windows: the spool was full, or they were too old
    set aside     1 damaged file
    ");
}

#[test]
fn an_empty_status_is_short() {
    let dir = TempDir::new().unwrap();
    let spool = SpoolView::read(dir.path()).unwrap().status();
    insta::assert_snapshot!(Status { endpoint: None, spool, next_attempt: None }.to_string(), @r"
    endpoint      none: upload is off
    waiting       0 windows; 0 B on disk
    last success  never
    ");
}

#[test]
fn a_status_is_json_with_stable_names() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&full()).unwrap(), @r#"
    {
      "endpoint": "https://example.com/api",
      "waiting": 3,
      "oldest_waiting": "2026-01-02T12:00:00Z",
      "in_memory": 1,
      "bytes": 70000,
      "parked": 2,
      "parked_windows": [
        {
          "upload_id": "00000000-0000-0000-0000-000000000001",
          "started_at": "2026-01-02T12:00:01Z",
          "why": "the endpoint answered 400 Bad Request"
        },
        {
          "upload_id": "00000000-0000-0000-0000-000000000001",
          "started_at": "2026-01-02T12:00:02Z",
          "why": null
        }
      ],
      "taken": 1,
      "dropped": 5,
      "damaged": 1,
      "last_success": {
        "at": "2026-01-02T12:00:03Z",
        "upload_id": "00000000-0000-0000-0000-000000000001"
      },
      "last_error": {
        "at": "2026-01-02T12:00:04Z",
        "upload_id": "00000000-0000-0000-0000-000000000001",
        "message": "cannot connect"
      },
      "next_attempt": "2026-01-02T12:01:00Z"
    }
    "#);
}
