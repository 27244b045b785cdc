//! Requests as they cross the network.

use std::time::Duration;

use libtest_mimic::Trial;
use tempfile::TempDir;
use tokio::net::TcpListener;
use uuid::Uuid;
use watcher_user::upload::{
    Delivery, Disk, Endpoint as Address, Http, Limits, Means, Pace, Pass, Proxies, Say, SharedSpool, Spool,
    SpoolStatus, Surroundings, Token, UtcClock,
};

use crate::endpoint::Endpoint;
use crate::faults::Deed;
use crate::{async_trial, child};

pub fn trials() -> Vec<Trial> {
    vec![
        async_trial("a_request_has_the_headers_of_the_contract", headers),
        async_trial("one_connection_carries_many_windows", one_connection),
        async_trial("a_connection_that_the_endpoint_closed_is_opened_again", closed_connection),
        async_trial("what_is_too_large_is_parked_and_the_rest_arrives", too_large),
        async_trial("a_redirect_is_not_followed", redirect),
        async_trial("an_endpoint_that_stalls_is_given_up", stall),
        async_trial("an_endpoint_that_is_not_there_is_named_as_such", nobody),
        async_trial("an_answer_that_breaks_off_after_its_status_counts", half_an_answer),
        async_trial("compressed_bodies_are_what_they_were", compressed),
        async_trial("a_forwarding_proxy_gets_the_whole_address", forwarding),
        async_trial("no_proxy_goes_round_it", round_the_proxy),
    ]
}

/// A spool with windows, and everything to send them.
struct Sender {
    _dir: TempDir,
    spool: SharedSpool,
}

impl Sender {
    async fn with(windows: u32) -> Self {
        let dir = TempDir::new().expect("a directory");
        let clock = UtcClock::of(|| child::window(1, "").started_at());
        let around = Surroundings { disk: Disk::default(), clock, say: Say::nobody() };
        let spool = SharedSpool::new(Spool::open(dir.path(), Limits::default(), around).expect("a spool"));
        for number in 1..=windows {
            spool.put(child::window(number, "whole")).await.expect("a disk");
        }
        Self { _dir: dir, spool }
    }

    async fn send_to(&self, address: Address, proxies: &Proxies) -> Pass {
        self.send_within(Duration::from_secs(60), address, proxies).await
    }

    async fn send_within(&self, timeout: Duration, address: Address, proxies: &Proxies) -> Pass {
        let http = Http::new(&address, proxies).expect("a network");
        let pace = Pace { timeout, ..Pace::default() };
        let (delivery, _) =
            Delivery::new(self.spool.clone(), address, http, Means::of_this_machine(pace, Say::nobody()));
        delivery.send_all(false).await
    }

    async fn status(&self) -> SpoolStatus {
        self.spool.run(|spool| spool.status()).await
    }
}

/// An endpoint that does these deeds, then takes everything.
async fn endpoint(deeds: &'static [Deed]) -> Endpoint {
    let mut deeds = deeds.iter().copied();
    Endpoint::start(move || deeds.next().unwrap_or(Deed::Take)).await
}

fn address(url: &str) -> Address {
    Address::new(url, Uuid::from_u128(0xab)).expect("a URL")
}

fn taken(windows: u64) -> Pass {
    Pass { taken: windows, ..Pass::default() }
}

async fn headers() {
    let endpoint = endpoint(&[]).await;
    let address = address(&endpoint.url()).with_token(Token::Given("abc".to_owned()));
    assert_eq!(Sender::with(1).await.send_to(address, &Proxies::none()).await, taken(1));
    let request = &endpoint.requests()[0];
    assert_eq!(request.line, "POST /api/v1/watcher HTTP/1.1");
    let agent = format!("watcher/{}", env!("CARGO_PKG_VERSION"));
    for (name, value) in [
        ("content-type", "application/json"),
        ("machine_id", "00000000-0000-0000-0000-0000000000ab"),
        ("user-agent", agent.as_str()),
        ("authorization", "Bearer abc"),
    ] {
        assert_eq!(request.header(name), Some(value));
    }
    assert_eq!(request.header("content-encoding"), None);
    assert_eq!(request.header("transfer-encoding"), None);
}

async fn one_connection() {
    let endpoint = endpoint(&[]).await;
    assert_eq!(Sender::with(20).await.send_to(address(&endpoint.url()), &Proxies::none()).await, taken(20));
    assert!(endpoint.requests().iter().all(|request| request.connection == 0));
}

async fn closed_connection() {
    let endpoint = endpoint(&[Deed::Take, Deed::TakeAndClose, Deed::TakeTalking, Deed::Take]).await;
    assert_eq!(Sender::with(5).await.send_to(address(&endpoint.url()), &Proxies::none()).await, taken(5));
    assert_eq!(endpoint.requests().len(), 5);
}

async fn too_large() {
    let endpoint = endpoint(&[Deed::Take, Deed::Refuse(413), Deed::Take]).await;
    let sender = Sender::with(3).await;
    let pass = sender.send_to(address(&endpoint.url()), &Proxies::none()).await;
    assert_eq!(pass, Pass { taken: 2, parked: 1, waiting: 0, failure: None });
    let status = sender.status().await;
    let why = status.parked_windows[0].why.as_deref();
    assert_eq!(why, Some("the endpoint answered 413 Payload Too Large: ok"));
}

async fn redirect() {
    let endpoint = endpoint(&[Deed::Redirect]).await;
    let pass = Sender::with(1).await.send_to(address(&endpoint.url()), &Proxies::none()).await;
    let failure = pass.failure.expect("a redirect is a failure");
    assert!(failure.contains("302 Found to http://localhost:9/elsewhere, which is not followed"), "{failure}");
    assert_eq!((pass.waiting, endpoint.requests().len()), (1, 1));
}

async fn stall() {
    let endpoint = endpoint(&[Deed::Stall]).await;
    let sender = Sender::with(1).await;
    let timeout = Duration::from_millis(500);
    let pass = sender.send_within(timeout, address(&endpoint.url()), &Proxies::none()).await;
    assert_eq!(pass.failure.as_deref(), Some("the endpoint did not answer within 0.5 s"));
    assert_eq!(sender.send_to(address(&endpoint.url()), &Proxies::none()).await, taken(1));
}

async fn nobody() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    drop(listener);
    let pass = Sender::with(1).await.send_to(address(&url), &Proxies::none()).await;
    let failure = pass.failure.expect("a failure");
    assert!(failure.starts_with("cannot connect to the endpoint: ") && failure.contains("refused"), "{failure}");
}

async fn half_an_answer() {
    let endpoint = endpoint(&[Deed::TakeAndBreakOff]).await;
    assert_eq!(Sender::with(2).await.send_to(address(&endpoint.url()), &Proxies::none()).await, taken(2));
    assert_eq!(endpoint.requests().len(), 2);
}

async fn compressed() {
    let endpoint = endpoint(&[]).await;
    let address = address(&endpoint.url()).with_gzip(true);
    assert_eq!(Sender::with(1).await.send_to(address, &Proxies::none()).await, taken(1));
    let request = &endpoint.requests()[0];
    assert_eq!(request.header("content-encoding"), Some("gzip"));
    let json: serde_json::Value =
        serde_json::from_reader(flate2::read::GzDecoder::new(request.body.as_slice())).expect("JSON");
    assert_eq!(json["number"], 1);
}

async fn forwarding() {
    let proxy = endpoint(&[]).await;
    let proxies = Proxies::of(&format!("http://me:secret@127.0.0.1:{}", proxy.address.port()), "");
    let address = address("http://collector.invalid/api");
    assert_eq!(Sender::with(2).await.send_to(address, &proxies).await, taken(2));
    for request in proxy.requests() {
        assert_eq!(request.line, "POST http://collector.invalid/api HTTP/1.1");
        assert_eq!(request.header("host"), Some("collector.invalid"));
        assert_eq!(request.header("proxy-authorization"), Some("Basic bWU6c2VjcmV0"));
        assert_eq!(request.connection, 0);
    }
}

async fn round_the_proxy() {
    let endpoint = endpoint(&[]).await;
    let proxies = Proxies::of("http://proxy.invalid:3128", "example.com, localhost");
    assert_eq!(Sender::with(1).await.send_to(address(&endpoint.url()), &proxies).await, taken(1));
    assert_eq!(endpoint.requests()[0].header("proxy-authorization"), None);
}
