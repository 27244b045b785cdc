//! One entry of the log.

use std::{net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    BootTime, ProcessId,
    names::{
        Transport, numbers,
        parse::dns::{Data, Message, Question},
    },
};

/// Answers that an entry shows.
const MAX_ANSWERS: usize = 8;
/// The longest name that DNS can hold, written out without escapes. Longer ones are cut.
const MAX_NAME: usize = 253;
/// An answer longer than this is cut.
const MAX_TEXT: usize = 100;

/// A question that left this machine, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// Rising by one from entry to entry, from 1: in the order in which questions were answered or given up.
    pub number: u64,
    /// When it was first sent.
    pub at: BootTime,
    /// By whom.
    pub process: ProcessId,
    /// The name that was asked for, as [`Question::name`]; what is longer than 253 characters is cut.
    pub name: Box<str>,
    /// The type of records: `A`, `HTTPS`, `TYPE4711`.
    pub kind: Box<str>,
    /// Who was asked.
    pub server: SocketAddr,
    /// On what.
    pub transport: Carrier,
    /// How often it was sent.
    pub tries: u32,
    /// What came back, at most eight records: addresses, names, else the type.
    pub answers: Vec<Box<str>>,
    /// The name at the end of the chain of aliases, where there is one.
    pub alias: Option<Box<str>>,
    /// The response code, `NOERROR`, `NXDOMAIN` …; `None` without an answer.
    pub rcode: Option<Box<str>>,
    /// The answer was cut short: whoever asked asks again over TCP.
    pub truncated: bool,
    /// Why there is no answer.
    pub failure: Option<NoAnswer>,
    /// From when it was first sent until the answer came.
    pub latency: Option<Duration>,
}

/// What carried a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Carrier {
    /// A datagram.
    Udp,
    /// A stream.
    Tcp,
}

impl From<Transport> for Carrier {
    fn from(transport: Transport) -> Self {
        match transport {
            Transport::Udp => Self::Udp,
            Transport::Tcp { .. } => Self::Tcp,
        }
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoAnswer {
    /// None came within five seconds.
    Timeout,
    /// Too many waited at once: whether one came is not known.
    Untracked,
}

impl Query {
    /// Whether it went wrong: no answer, or one with an error. That a name has no records of a type is no error.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.failure.is_some() || self.rcode.as_deref() != Some("NOERROR")
    }

    /// A question just sent.
    pub(super) fn asked(question: &Question, at: BootTime, process: ProcessId, to: (SocketAddr, Carrier)) -> Self {
        Self {
            number: 0,
            at,
            process,
            name: cut(&question.name, MAX_NAME),
            kind: numbers::kind(question.kind).into(),
            server: to.0,
            transport: to.1,
            tries: 1,
            answers: Vec::new(),
            alias: None,
            rcode: None,
            truncated: false,
            failure: None,
            latency: None,
        }
    }

    pub(super) fn answered(mut self, message: &Message, at: BootTime) -> Self {
        let is_link = |data: &Data| matches!(data, Data::Alias(_)) && message.question.kind != CNAME;
        let shown = message.answers.iter().filter(|answer| !is_link(&answer.data));
        self.answers = shown.take(MAX_ANSWERS).map(|answer| cut(&text(&answer.data), MAX_TEXT)).collect();
        self.alias = end_of_chain(message).map(|name| cut(name, MAX_NAME));
        self.rcode = Some(numbers::rcode(message.rcode).into());
        self.truncated = message.truncated;
        self.latency = Some(at.since(self.at));
        self
    }
}

const CNAME: u16 = 5;

/// Follows aliases from the question.
fn end_of_chain(message: &Message) -> Option<&str> {
    let mut end = &*message.question.name;
    // As many steps as records: a circle ends as well.
    for _ in &message.answers {
        let next = message.answers.iter().find_map(|answer| match &answer.data {
            Data::Alias(target) if *answer.name == *end => Some(&**target),
            _ => None,
        });
        match next {
            Some(next) => end = next,
            None => break,
        }
    }
    (*end != *message.question.name).then_some(end)
}

fn text(data: &Data) -> String {
    match data {
        Data::V4(ip) => ip.to_string(),
        Data::V6(ip) => ip.to_string(),
        Data::Alias(name) | Data::Pointer(name) => name.to_string(),
        Data::Service { target, hints, ech } => {
            let target = if target.is_empty() { "." } else { target };
            let hints = hints.iter().take(4).map(|ip| format!(" {ip}"));
            format!("{target}{}{}", if *ech { " ech" } else { "" }, hints.collect::<String>())
        }
        Data::Other(kind) => numbers::kind(*kind).into_owned(),
    }
}

fn cut(text: &str, longest: usize) -> Box<str> {
    match text.char_indices().nth(longest - 1) {
        Some((at, last)) if at + last.len_utf8() < text.len() => format!("{}…", &text[..at]).into(),
        _ => text.into(),
    }
}
