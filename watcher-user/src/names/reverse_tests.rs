use std::{
    collections::HashSet,
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use hickory_resolver::proto::{
    op::{Message, MessageType, ResponseCode},
    rr::{Name, RData, Record, rdata::PTR},
};
use watcher_core::names::Failed;

use super::{AT_ONCE, Answer, PATIENCE, Resolvers, Reverse, Unavailable};

/// A server that answers by the first number of the address, and never for 9; and when it was first asked for each name. A
/// client may send a question again.
fn server() -> (SocketAddr, Arc<Mutex<Vec<Instant>>>) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let times = Arc::clone(&asked);
    thread::spawn(move || {
        let (mut buffer, mut names) = ([0; 2_048], HashSet::new());
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let question = Message::from_vec(&buffer[..length]).unwrap();
            if names.insert(question.queries[0].name().clone()) {
                times.lock().unwrap().push(Instant::now());
            }
            if let Some(reply) = reply(question) {
                socket.send_to(&reply.to_vec().unwrap(), from).unwrap();
            }
        }
    });
    (address, asked)
}

fn reply(mut message: Message) -> Option<Message> {
    message.metadata.message_type = MessageType::Response;
    let name = message.queries[0].name().clone();
    let text = name.to_ascii();
    let answer = |to: Name| Record::from_rdata(name.clone(), 1_234, RData::PTR(PTR(to)));
    match text.trim_end_matches('.').trim_end_matches(".in-addr.arpa").rsplit('.').next().unwrap() {
        "1" => message.answers.push(answer(Name::from_ascii("one.example.").unwrap())),
        "2" => message.metadata.response_code = ResponseCode::NXDomain,
        "3" => message.metadata.response_code = ResponseCode::ServFail,
        "4" => message.answers.push(answer(Name::from_labels([&b"odd name\0"[..], b"example"]).unwrap())),
        _ => return None,
    }
    Some(message)
}

fn wait_for(reverse: &Reverse, count: usize) -> Vec<Answer> {
    let began = Instant::now();
    let mut answers = Vec::new();
    while answers.len() < count {
        assert!(began.elapsed() < Duration::from_secs(30), "{answers:?}");
        answers.extend(reverse.answers());
        thread::sleep(Duration::from_millis(5));
    }
    answers.sort_by_key(|answer| answer.ip);
    answers
}

fn ips(text: &str) -> Vec<IpAddr> {
    text.split(' ').map(|ip| ip.parse().unwrap()).collect()
}

#[test]
fn names_no_names_and_failures_are_told_apart() {
    let (address, _) = server();
    let reverse = Reverse::start(Resolvers::These(vec![address])).unwrap();
    reverse.ask(ips("1.0.0.1 2.0.0.1 3.0.0.1 4.0.0.1"));
    let answers = wait_for(&reverse, 4);
    let names: Vec<_> = answers.iter().map(|answer| answer.name.clone()).collect();
    assert_eq!(names[..3], [Ok(Some("one.example.".to_owned())), Ok(None), Err(Failed)]);
    assert_eq!((answers[0].ttl, answers[2].ttl), (Duration::from_secs(1_234), Duration::ZERO));
    assert_eq!((answers[0].said(), answers[2].said()), (Ok(Some("one.example.")), Err(Failed)));
    // What is no host name is told as text: core turns it away.
    let odd = names[3].clone().unwrap().unwrap();
    assert!(odd.is_ascii() && !odd.contains(['\0', ' ']), "{odd:?}");
    assert!(watcher_core::names::Name::new(&odd, watcher_core::names::NameSource::Ptr).is_none());
}

#[test]
fn a_server_that_is_silent_is_given_up_and_asked_by_few_at_once() {
    let (address, asked) = server();
    let reverse = Reverse::start(Resolvers::These(vec![address])).unwrap();
    let began = Instant::now();
    reverse.ask(ips("9.0.0.1 9.0.0.2 9.0.0.3 9.0.0.4 9.0.0.5 9.0.0.6"));
    let answers = wait_for(&reverse, 6);
    assert!(answers.iter().all(|answer| answer.name == Err(Failed)));
    // Four questions; none of the other two before a time-out.
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 6);
    assert!(asked[AT_ONCE].duration_since(began) >= PATIENCE);
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn servers_are_those_of_the_moment() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("resolv.conf");
    std::fs::write(&path, "nameserver 127.0.0.1\n").unwrap();
    let reverse = Reverse::start(Resolvers::File(path.clone())).unwrap();
    std::fs::write(&path, "").unwrap();
    reverse.ask(ips("1.0.0.1"));
    assert_eq!(wait_for(&reverse, 1)[0].name, Err(Failed));
    let error = Reverse::start(Resolvers::File(path)).unwrap_err();
    assert!(matches!(error, Unavailable::NoServers { .. }));
}

#[test]
fn too_many_questions_do_not_hold_up_whoever_asks() {
    let (address, _) = server();
    let reverse = Reverse::start(Resolvers::These(vec![address])).unwrap();
    let began = Instant::now();
    (0..5_000).for_each(|n: u32| reverse.ask(vec![IpAddr::from((0x0900_0000 + n).to_be_bytes())]));
    assert!(began.elapsed() < Duration::from_secs(1));
}
