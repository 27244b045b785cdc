//! Delivery against an endpoint that does what the test says, in time that passes when nothing else can happen.

mod delivering;
mod requests;
mod stopping;
mod telling;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use http_body_util::BodyExt as _;
use hyper::StatusCode;
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use uuid::Uuid;

use super::*;

/// What the endpoint does with one attempt.
#[derive(Debug, Clone)]
enum Reply {
    Status(u16),
    RetryAfter(u16, &'static str),
    Broken,
    Never,
}

/// One attempt as the endpoint saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    /// Milliseconds since the test began.
    at: u128,
    window: u128,
    body: String,
}

#[derive(Debug, Clone)]
struct Fake {
    start: Instant,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    seen: watch::Sender<Vec<Seen>>,
}

impl Transport for Fake {
    async fn send(&mut self, post: Post) -> Result<Answer, NoAnswer> {
        let Ok(body) = post.into_body().collect().await;
        let body = String::from_utf8(body.to_bytes().to_vec()).unwrap();
        let json: serde_json::Value = serde_json::from_str(&body).unwrap();
        let window = json["upload_id"].as_str().unwrap().parse::<Uuid>().unwrap().as_u128();
        let at = self.start.elapsed().as_millis();
        self.seen.send_modify(|seen| seen.push(Seen { at, window, body }));
        let reply = self.replies.lock().unwrap().pop_front().unwrap_or(Reply::Status(200));
        let answer = |status| Answer::of(StatusCode::from_u16(status).unwrap());
        match reply {
            Reply::Status(status) => Ok(answer(status)),
            Reply::RetryAfter(status, value) => Ok(Answer { retry_after: Some(value.to_owned()), ..answer(status) }),
            Reply::Broken => Err(NoAnswer("connection refused".to_owned())),
            Reply::Never => std::future::pending().await,
        }
    }
}

/// A delivery that runs.
struct Bench {
    dir: TempDir,
    fake: Fake,
    spool: SharedSpool,
    handle: DeliveryHandle,
    heard: Arc<Mutex<Vec<String>>>,
    running: JoinHandle<()>,
}

const PACE: Pace = Pace {
    timeout: Duration::from_secs(10),
    first_backoff: Duration::from_secs(4),
    max_backoff: Duration::from_secs(60),
    max_retry_after: Duration::from_secs(3600),
    start_delay: Duration::ZERO,
};

impl Bench {
    async fn new(replies: &[Reply], windows: std::ops::RangeInclusive<u32>) -> Self {
        Self::with(replies, windows, PACE, Token::None).await
    }

    async fn with(replies: &[Reply], windows: std::ops::RangeInclusive<u32>, pace: Pace, token: Token) -> Self {
        let start = Instant::now();
        let clock = UtcClock::of(move || Timestamp::UNIX_EPOCH + SignedDuration::try_from(start.elapsed()).unwrap());
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let ear = Arc::clone(&heard);
        let say = Say::to(move |notice| ear.lock().unwrap().push(notice.to_string()));
        let dir = TempDir::new().unwrap();
        let around = Surroundings { disk: Disk::default(), clock: clock.clone(), say: say.clone() };
        let spool = SharedSpool::new(Spool::open(&dir.path().join("spool"), Limits::default(), around).unwrap());
        for number in windows {
            spool.put(window(number)).await.unwrap();
        }
        let fake = Fake {
            start,
            replies: Arc::new(Mutex::new(replies.iter().cloned().collect())),
            seen: watch::Sender::default(),
        };
        let endpoint = Endpoint::new("https://example.com/api?key=secret", Uuid::from_u128(9)).unwrap();
        let means = Means { pace, clock, say, random: Rng::with_seed(1) };
        let (delivery, handle) = Delivery::new(spool.clone(), endpoint.with_token(token), fake.clone(), means);
        Self { dir, fake, spool, handle, heard, running: tokio::spawn(delivery.run()) }
    }

    /// Until the endpoint saw `attempts` and the last of them was noted.
    async fn until_seen(&self, attempts: usize) {
        self.fake.seen.subscribe().wait_for(|seen| seen.len() >= attempts).await.unwrap();
        // Time stands still until there is nothing else to do.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    /// (milliseconds, window) of each attempt.
    fn attempts(&self) -> Vec<(u128, u128)> {
        self.fake.seen.borrow().iter().map(|seen| (seen.at, seen.window)).collect()
    }

    fn windows(&self) -> Vec<u128> {
        self.attempts().into_iter().map(|(_, window)| window).collect()
    }

    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }
}

fn window(number: u32) -> Window {
    let at = Timestamp::from_second(i64::from(number)).unwrap();
    Window::new(Uuid::from_u128(number.into()), at, at, &serde_json::json!({ "schema_version": 1 })).unwrap()
}
