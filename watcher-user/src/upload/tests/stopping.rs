use super::*;
use Reply::{Never, RetryAfter};

const WITHIN: Duration = Duration::from_secs(2);

async fn stop(bench: &Bench) -> (Stopped, Duration) {
    let start = Instant::now();
    let stopped = bench.handle.stop(WITHIN).await;
    (stopped, start.elapsed())
}

#[tokio::test(start_paused = true)]
async fn idle_delivery_stops_at_once() {
    let bench = Bench::new(&[], 1..=1).await;
    bench.until_seen(1).await;
    assert_eq!(stop(&bench).await, (Stopped::InTime, Duration::ZERO));
    bench.running.await.unwrap();
    assert_eq!(bench.handle.send_now(true).await, None);
}

#[tokio::test(start_paused = true)]
async fn waiting_delivery_stops_at_once_and_keeps_the_window() {
    let bench = Bench::new(&[RetryAfter(503, "3600")], 1..=1).await;
    bench.until_seen(1).await;
    assert!(bench.handle.status().await.next_attempt.is_some());
    assert_eq!(stop(&bench).await, (Stopped::InTime, Duration::ZERO));
    assert_eq!(bench.handle.status().await.spool.waiting, 1);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_hangs_is_broken_off_before_the_deadline() {
    let bench = Bench::new(&[Never], 1..=2).await;
    bench.until_seen(1).await;
    let (stopped, took) = stop(&bench).await;
    assert_eq!(stopped, Stopped::InTime);
    assert!(took <= WITHIN * 3 / 4 + Duration::from_millis(1), "{took:?}");
    assert_eq!(bench.windows(), [1]);
    let status = bench.handle.status().await;
    assert_eq!((status.spool.waiting, status.spool.last_error), (2, None));
}

#[tokio::test(start_paused = true)]
async fn delivery_that_was_dropped_has_stopped() {
    let bench = Bench::new(&[Never], 1..=1).await;
    bench.until_seen(1).await;
    bench.running.abort();
    assert_eq!(stop(&bench).await.0, Stopped::InTime);
    let view = SpoolView::read(&bench.dir.path().join("spool")).unwrap();
    assert_eq!(view.status().waiting, 1);
}
