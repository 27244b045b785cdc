use std::io::Read as _;

use hyper::header::AUTHORIZATION;

use super::*;

fn endpoint(url: &str) -> Endpoint {
    Endpoint::new(url, Uuid::from_u128(0xab)).unwrap()
}

fn token(token: Token) -> Result<Option<String>, String> {
    let post = endpoint("http://h/").with_token(token).post("{}".to_owned()).map_err(|error| error.to_string())?;
    Ok(post.headers().get(AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned()))
}

#[test]
fn a_dry_run_is_the_request_to_the_byte() {
    let endpoint =
        endpoint("https://example.com:8443/api/v1/watcher?key=secret").with_token(Token::Given("abc".to_owned()));
    let now = "2026-01-02T03:04:05Z".parse().unwrap();
    let run = dry_run(&endpoint, &window(1), now).unwrap();
    assert_eq!((run.method.as_str(), run.to.as_str()), ("POST", "https://example.com:8443/api/v1/watcher"));
    let agent = format!("watcher/{}", env!("CARGO_PKG_VERSION"));
    let headers: Vec<(&str, &str)> = run.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        headers,
        [
            ("content-type", "application/json"),
            ("machine_id", "00000000-0000-0000-0000-0000000000ab"),
            ("user-agent", agent.as_str()),
            ("authorization", "Bearer …"),
        ]
    );
    assert_eq!(
        run.body,
        r#"{"sent_at":"2026-01-02T03:04:05.000Z","upload_id":"00000000-0000-0000-0000-000000000001","schema_version":1}"#
    );
    assert_eq!(run.wire, run.body.as_bytes());
}

#[test]
fn gzip_is_only_used_when_asked_for_and_says_so() {
    let run = dry_run(&endpoint("http://h/").with_gzip(true), &window(1), Timestamp::UNIX_EPOCH).unwrap();
    assert!(run.headers.contains(&("content-encoding".to_owned(), "gzip".to_owned())));
    let mut text = String::new();
    flate2::read::GzDecoder::new(run.wire.as_slice()).read_to_string(&mut text).unwrap();
    assert_eq!(text, run.body);
}

#[test]
fn addresses_that_cannot_be_used_are_named_without_their_secrets() {
    for url in
        ["", "example.com/api", "ftp://example.com", "http://", "/api?key=secret", "https://exämple.com/", "http:///x"]
    {
        let error = Endpoint::new(url, Uuid::nil()).unwrap_err();
        assert!(matches!(error, EndpointError::NoUrl(_)) && !error.to_string().contains("secret"), "{url}: {error}");
    }
    for url in ["https://me:secret@example.com/", "https://secret@[::1", "me:secret@example.com"] {
        assert_eq!(Endpoint::new(url, Uuid::nil()).unwrap_err(), EndpointError::Credentials);
    }
    assert_eq!(endpoint("http://[::1]:80").shown(), "http://[::1]:80/");
    Endpoint::new("http://h/?mail=a@b", Uuid::nil()).unwrap();
}

#[test]
fn tokens_are_trimmed_checked_and_never_shown() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = || Token::File(file.path().to_owned());
    std::fs::write(file.path(), " from-file\n").unwrap();
    assert_eq!(token(Token::None), Ok(None));
    assert_eq!(token(Token::Given("abc".to_owned())), Ok(Some("Bearer abc".to_owned())));
    assert_eq!(token(path()), Ok(Some("Bearer from-file".to_owned())));
    let unusable = Err("the upload token is empty or cannot be sent in a header".to_owned());
    for bad in ["", "two\nlines", "null\0"] {
        std::fs::write(file.path(), bad).unwrap();
        assert_eq!(token(path()), unusable);
    }
    let secret = endpoint("http://h/").with_token(Token::Given("abc-secret".to_owned()));
    let post = secret.post(String::new()).unwrap();
    assert!(!format!("{secret:?} {post:?}").contains("abc-secret"), "{post:?}");
}

#[test]
fn only_proxies_that_can_be_used_are_accepted() {
    let http = |url: &str, proxy: &str, except: &str| {
        Http::new(&endpoint(url), &Proxies::of(proxy, except)).map(|_| ()).map_err(|error| error.to_string())
    };
    http("http://h/", "http://me:secret@proxy:3128", "").unwrap();
    http("http://h/", "proxy:3128", "").unwrap();
    http("http://h.example/", "socks5://proxy", ".example").unwrap();
    for proxy in ["socks5://me:secret@proxy:1080", "https://me:secret@proxy"] {
        let error = http("http://h/", proxy, "").unwrap_err();
        assert!(error.contains("only http:// proxies are supported") && !error.contains("secret"), "{error}");
    }
}
