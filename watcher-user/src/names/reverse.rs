//! Asks the system's resolver for the names of addresses, on a thread of its own.
//!
//! When to ask, how often and what to remember is decided in core ([`watcher_core::names::Reverse`]). Only configured
//! resolvers are ever talked to, never the address itself.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::mpsc as done,
    thread,
    time::Duration,
};

use futures_util::StreamExt as _;
use hickory_resolver::{
    TokioResolver,
    lookup::Lookup,
    net::{DnsError, NetError, NoRecords},
    proto::{op::ResponseCode, rr::RData},
};
use tokio::sync::mpsc;
use watcher_core::names::Failed;

use super::resolvers::{Resolvers, Unavailable, resolver};

/// How long one answer is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// Questions under way at once.
const AT_ONCE: usize = 4;
/// Questions that wait, and answers that nobody has taken yet.
const MAX_WAITING: usize = 1_024;

/// What the resolver said of an address, for [`watcher_core::names::Reverse::learnt`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Which.
    pub ip: IpAddr,
    /// Its name, or that it has none; or that no answer came. Not yet known to be a host name.
    pub name: Result<Option<String>, Failed>,
    /// How long that holds, by the zone; zero where it does not say.
    pub ttl: Duration,
}

impl Answer {
    /// What it said, as core takes it.
    ///
    /// # Errors
    /// No answer came.
    pub fn said(&self) -> Result<Option<&str>, Failed> {
        self.name.as_ref().map(Option::as_deref).map_err(|failed| *failed)
    }
}

/// The thread that asks. It ends, a moment later, when this is dropped.
#[derive(Debug)]
pub struct Reverse {
    questions: mpsc::Sender<IpAddr>,
    answers: done::Receiver<Answer>,
}

impl Reverse {
    /// Starts it.
    ///
    /// # Errors
    /// Nobody can be asked, and why. Names of addresses are then to be left out.
    pub fn start(resolvers: Resolvers) -> Result<Self, Unavailable> {
        let (questions, asked) = mpsc::channel(MAX_WAITING);
        let (done, answers) = done::sync_channel(MAX_WAITING);
        // Said at once, not at the first question.
        let servers = resolvers.servers()?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Unavailable::Thread)?;
        let asker = Asker { resolver: resolver(&servers)?, servers, resolvers };
        let thread = thread::Builder::new().name("reverse".to_owned());
        let work = move || {
            crate::sandbox::seal_thread();
            runtime.block_on(run(asker, asked, done));
        };
        thread.spawn(work).map_err(Unavailable::Thread)?;
        Ok(Self { questions, answers })
    }

    /// Asks. What finds no room is left out without an answer: the policy lets it be asked again.
    pub fn ask(&self, ips: Vec<IpAddr>) {
        for ip in ips {
            if self.questions.try_send(ip).is_err() {
                break;
            }
        }
    }

    /// What has come since the last call. Never waits.
    #[must_use = "answers are told once"]
    pub fn answers(&self) -> Vec<Answer> {
        self.answers.try_iter().collect()
    }
}

/// Who asks whom.
struct Asker {
    resolvers: Resolvers,
    /// Those of `resolver`.
    servers: Vec<SocketAddr>,
    resolver: TokioResolver,
}

impl fmt::Debug for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asker").field("servers", &self.servers).finish_non_exhaustive()
    }
}

impl Asker {
    /// The resolver for the next questions. When nobody is named for a moment, as between two networks, nobody is asked.
    fn resolver(&mut self) -> Result<TokioResolver, Unavailable> {
        let servers = self.resolvers.servers()?;
        if servers != self.servers {
            self.resolver = resolver(&servers)?;
            self.servers = servers;
        }
        Ok(self.resolver.clone())
    }
}

async fn run(mut asker: Asker, mut asked: mpsc::Receiver<IpAddr>, done: done::SyncSender<Answer>) {
    let mut batch = Vec::new();
    while asked.recv_many(&mut batch, MAX_WAITING).await > 0 {
        let resolver = asker.resolver().ok();
        let answers = batch.drain(..).map(|ip| answer(resolver.clone(), ip));
        let mut answers = futures_util::stream::iter(answers).buffer_unordered(AT_ONCE);
        while let Some(answer) = answers.next().await {
            match done.try_send(answer) {
                // Nobody takes them: as if none had come.
                Ok(()) | Err(done::TrySendError::Full(_)) => {}
                Err(done::TrySendError::Disconnected(_)) => return,
            }
        }
    }
}

async fn answer(resolver: Option<TokioResolver>, ip: IpAddr) -> Answer {
    let failed = Answer { ip, name: Err(Failed), ttl: Duration::ZERO };
    let Some(resolver) = resolver else { return failed };
    match tokio::time::timeout(PATIENCE, resolver.reverse_lookup(ip)).await {
        Err(_) => failed,
        Ok(Ok(found)) => pointer(ip, &found),
        Ok(Err(NetError::Dns(DnsError::NoRecordsFound(none)))) if is_nothing(&none) => {
            let ttl = Duration::from_secs(none.negative_ttl.unwrap_or(0).into());
            Answer { name: Ok(None), ttl, ..failed }
        }
        Ok(Err(_)) => failed,
    }
}

/// The first name: an address may have several, and none is better than another.
fn pointer(ip: IpAddr, found: &Lookup) -> Answer {
    let name = found.answers().iter().find_map(|record| match &record.data {
        RData::PTR(name) => Some((name.0.to_ascii(), record.ttl)),
        _ => None,
    });
    let ttl = Duration::from_secs(name.as_ref().map_or(0, |(_, ttl)| *ttl).into());
    Answer { ip, name: Ok(name.map(|(name, _)| name)), ttl }
}

/// The zone said that there is nothing; else a server failed to say.
fn is_nothing(none: &NoRecords) -> bool {
    matches!(none.response_code, ResponseCode::NXDomain | ResponseCode::NoError)
}

#[cfg(test)]
#[path = "reverse_tests.rs"]
mod tests;
