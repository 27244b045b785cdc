use super::*;
use Reply::{Broken, Never, RetryAfter, Status};

#[tokio::test(start_paused = true)]
async fn windows_go_oldest_first_and_leave_the_spool_when_taken() {
    let bench = Bench::new(&[], 1..=5).await;
    bench.until_seen(5).await;
    bench.spool.put(window(6)).await.unwrap();
    bench.until_seen(6).await;
    assert_eq!(bench.windows(), [1, 2, 3, 4, 5, 6]);
    let status = bench.handle.status().await;
    assert_eq!((status.spool.waiting, status.spool.taken), (0, 6));
    assert_eq!(bench.heard(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_tried_again_before_anything_newer_and_told_once() {
    let replies = [Status(500), Broken, Status(408), Status(503), Status(301), Never, Status(201)];
    let bench = Bench::new(&replies, 1..=2).await;
    bench.until_seen(8).await;
    assert_eq!(bench.windows(), [1, 1, 1, 1, 1, 1, 1, 2]);
    // The jitter is the seed's. Ceilings: 4, 8, 16, 32, 60, 60 s, and 10 s until the attempt without an answer is given up.
    let times: Vec<u128> = bench.attempts().iter().map(|(at, _)| *at).collect();
    let waits: Vec<u128> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (wait, most) in waits.iter().zip([4_001, 8_001, 16_001, 32_001, 60_001, 70_001, 1]) {
        assert!(*wait <= most, "{waits:?}");
    }
    assert!(waits[5] >= 10_000, "{waits:?}");
    let heard = bench.heard();
    assert_eq!(heard.len(), 2, "{heard:?}");
    assert!(heard[0].starts_with("upload: the endpoint answered 500 Internal Server Error; windows wait"), "{heard:?}");
    assert_eq!(heard[1], "upload: the endpoint takes windows again (6 attempts failed)");
}

#[tokio::test(start_paused = true)]
async fn each_attempt_says_when_it_was_sent_and_nothing_else_changes() {
    let bench = Bench::new(&[Status(500)], 1..=1).await;
    bench.until_seen(2).await;
    let seen = bench.fake.seen.borrow().clone();
    for attempt in &seen {
        let sent_at = Timestamp::from_millisecond(attempt.at.try_into().unwrap()).unwrap();
        let expected = format!(
            r#"{{"sent_at":"{sent_at:.3}","upload_id":"00000000-0000-0000-0000-000000000001","schema_version":1}}"#
        );
        assert_eq!(attempt.body, expected);
    }
    assert_ne!(seen[0].body, seen[1].body);
}

#[tokio::test(start_paused = true)]
async fn the_endpoint_is_not_asked_sooner_than_it_wants_nor_kept_waiting_for_ever() {
    // The date is 100 s after the test's clock begins.
    let replies = [
        RetryAfter(429, "30"),
        RetryAfter(503, "Thu, 01 Jan 1970 00:01:40 GMT"),
        RetryAfter(503, "999999"),
        Status(200),
    ];
    let bench = Bench::new(&replies, 1..=1).await;
    bench.until_seen(4).await;
    let at: Vec<u128> = bench.attempts().iter().map(|(at, _)| *at).collect();
    assert!((30_000..=34_001).contains(&at[1]), "{at:?}");
    assert!((100_000..=108_001).contains(&at[2]), "{at:?}");
    assert!((3_600_000..=3_616_001).contains(&(at[3] - at[2])), "{at:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_parked_once_and_in_nobodys_way() {
    let bench = Bench::new(&[Status(413), Status(413), Status(400), Status(200), Status(413)], 1..=5).await;
    bench.until_seen(5).await;
    assert_eq!(bench.windows(), [1, 2, 3, 4, 5]);
    tokio::time::sleep(Duration::from_secs(86_400)).await;
    assert_eq!(bench.windows().len(), 5);
    let status = bench.handle.status().await;
    assert_eq!((status.spool.parked, status.spool.waiting, status.spool.taken), (4, 0, 1));
    let told: Vec<String> = bench.heard();
    let whose: Vec<&str> =
        told.iter().map(|line| &line["upload: the endpoint refused window 00000000-0000-0000-0000-".len()..]).collect();
    assert_eq!(
        whose,
        [
            "000000000001, it stays in the spool: the endpoint answered 413 Payload Too Large",
            "000000000003, it stays in the spool: the endpoint answered 400 Bad Request",
            "000000000005, it stays in the spool: the endpoint answered 413 Payload Too Large",
        ]
    );
    let pass = bench.handle.send_now(true).await.unwrap();
    assert_eq!(pass, Pass { taken: 4, parked: 0, waiting: 0, failure: None });
}

#[tokio::test(start_paused = true)]
async fn a_new_window_does_not_hurry_an_endpoint_that_fails() {
    let bench = Bench::new(&[RetryAfter(503, "600")], 1..=1).await;
    bench.until_seen(1).await;
    for number in 2..=20 {
        bench.spool.put(window(number)).await.unwrap();
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    assert_eq!(bench.windows().len(), 1);
    bench.until_seen(20).await;
    assert!(bench.attempts()[1].0 >= 600_000);
}

#[tokio::test(start_paused = true)]
async fn send_now_does_not_wait() {
    let bench = Bench::new(&[RetryAfter(503, "600"), Status(200), Broken], 1..=3).await;
    bench.until_seen(1).await;
    let pass = bench.handle.send_now(false).await.unwrap();
    assert_eq!(pass, Pass { taken: 1, parked: 0, waiting: 2, failure: Some("connection refused".to_owned()) });
    let pass = bench.handle.send_now(false).await.unwrap();
    assert_eq!(pass, Pass { taken: 2, parked: 0, waiting: 0, failure: None });
    assert!(bench.attempts().iter().all(|(at, _)| *at < 1000));
}

#[tokio::test(start_paused = true)]
async fn machines_that_start_together_do_not_arrive_together() {
    let pace = Pace { start_delay: offset(Uuid::from_u128(1), Duration::from_secs(60)), ..PACE };
    let bench = Bench::with(&[], 1..=2, pace, Token::None).await;
    bench.until_seen(2).await;
    let delay = pace.start_delay.as_millis();
    assert!(delay > 0);
    for (at, _) in bench.attempts() {
        assert!((delay..=delay + 2).contains(&at), "{at} {delay}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_is_read_from_its_file_at_each_attempt() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("token");
    let bench = Bench::with(&[], 1..=1, PACE, Token::File(path.clone())).await;
    bench.handle.progress.clone().wait_for(|progress| progress.next_attempt.is_some()).await.unwrap();
    assert_eq!(bench.windows().len(), 0);
    let error = bench.handle.status().await.spool.last_error.unwrap();
    assert!(error.message.starts_with("cannot read the upload token from "), "{}", error.message);
    std::fs::write(&path, "abc\n").unwrap();
    bench.until_seen(1).await;
    assert_eq!(bench.handle.status().await.spool.taken, 1);
}
