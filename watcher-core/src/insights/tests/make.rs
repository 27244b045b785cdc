//! Connections with times, turned into the readings that a daemon would take of them.

use std::{net::SocketAddr, sync::Arc};

use crate::{
    Application, BootTime, CloseReason, Counters, Delta, Direction, FlowId, FlowSample, FlowState, Lifecycles, Losses,
    NamedBy, Observer as _, PerScope, ProcessInfo, Protocol, Scope, SocketId, SocketInfo, TcpState, Truth,
    aggregate::tests::make::process,
    insights::{Evidence, Insight, Insights},
    names::{Known, Name, NameSource, Observed, Tls},
};

pub const KIB: u64 = 1 << 10;
pub const MIB: u64 = 1 << 20;
pub const MINUTE: f64 = 60.0;
pub const HOUR: f64 = 3_600.0;

/// A moment from seconds.
pub fn at(seconds: f64) -> BootTime {
    BootTime((seconds * 1e9) as u64)
}

/// One connection.
#[derive(Debug, Clone)]
pub struct Conn {
    app: String,
    pid: u32,
    remote: SocketAddr,
    known: Known,
    direction: Direction,
    protocol: Protocol,
    scope: Scope,
    opened: Option<f64>,
    moves: Vec<(f64, u64, u64)>,
    closed: Option<f64>,
}

/// An outgoing TLS connection to port 443 of a name, opened at a time.
pub fn tls(app: &str, name: &str, opened: f64) -> Conn {
    let known = Known {
        name: Name::new(name, NameSource::Sni).map(Arc::new),
        protocol: Some(Observed::Tls),
        ..Known::default()
    };
    Conn { known, ..to(app, "203.0.113.9:443", opened) }
}

/// An outgoing connection to an address.
pub fn to(app: &str, remote: &str, opened: f64) -> Conn {
    Conn {
        app: app.to_owned(),
        pid: 100,
        remote: remote.parse().unwrap(),
        known: Known::default(),
        direction: Direction::Outgoing,
        protocol: Protocol::Tcp,
        scope: Scope::Network,
        opened: Some(opened),
        moves: Vec::new(),
        closed: None,
    }
}

impl Conn {
    /// Received and sent at a time.
    pub fn moves(mut self, at: f64, rx: u64, tx: u64) -> Self {
        self.moves.push((at, rx, tx));
        self
    }

    pub fn closes(self, at: f64) -> Self {
        Self { closed: Some(at), ..self }
    }

    pub fn udp(self) -> Self {
        Self { protocol: Protocol::Udp, ..self }
    }

    pub fn incoming(self) -> Self {
        Self { direction: Direction::Incoming, ..self }
    }

    pub fn within_the_host(self) -> Self {
        Self { scope: Scope::Loopback, ..self }
    }

    pub fn on(self, port: u16) -> Self {
        Self { remote: SocketAddr::new(self.remote.ip(), port), ..self }
    }

    pub fn pid(self, pid: u32) -> Self {
        Self { pid, ..self }
    }

    /// Older than the daemon.
    pub fn older(self) -> Self {
        Self { opened: None, direction: Direction::Unknown, ..self }
    }

    pub fn shows(mut self, protocol: Observed) -> Self {
        self.known.protocol = Some(protocol);
        self
    }

    pub fn offers(mut self, alpn: &str) -> Self {
        self.known.tls = Some(Arc::new(Tls { alpn: vec![alpn.into()], ..Tls::default() }));
        self
    }

    fn sample(&self, cookie: u64, counters: Counters, state: FlowState) -> FlowSample {
        FlowSample {
            id: FlowId { socket: SocketId { cookie, epoch: 0 }, process: process(self.pid), remote: None },
            socket: SocketInfo {
                protocol: self.protocol,
                local: "192.0.2.7:40000".parse().unwrap(),
                remote: Some(self.remote),
                direction: self.direction,
                netns: 1,
                seeded: self.opened.is_none(),
                owner: process(self.pid),
                opened: self.opened.map(at),
                established: None,
            },
            scope: self.scope,
            counters,
            state,
            kernel: None,
            wire: None,
        }
    }
}

/// What one reading says of one connection.
#[derive(Debug, Clone)]
pub struct News {
    sample: FlowSample,
    known: Known,
    app: String,
    rx: u64,
    tx: u64,
    first: bool,
    ended: bool,
}

impl News {
    fn tell(&self, insights: &mut Insights) {
        // All run one program: what is told is of the application.
        let found = Application { name: self.app.as_str().into(), rule: NamedBy::Script, evidence: Box::default() };
        let info =
            ProcessInfo { name: "python3".to_owned(), application: Some(Arc::new(found)), ..ProcessInfo::default() };
        insights.flow(&Delta {
            sample: &self.sample,
            info: &info,
            rx_bytes: self.rx,
            tx_bytes: self.tx,
            scope: self.sample.scope,
            remote: self.sample.socket.remote.map(|remote| remote.ip()),
            known: &self.known,
            first: self.first,
            ended: self.ended,
            lifecycles: Lifecycles::default(),
            open: PerScope::default(),
        });
    }
}

/// What happens to a connection.
enum Event {
    Open,
    Move(u64, u64),
    Close,
}

/// Readings, a second apart; those without news are left out.
pub fn readings(conns: &[Conn]) -> Vec<Vec<News>> {
    let mut events: Vec<(f64, usize, Event)> = Vec::new();
    for (index, conn) in conns.iter().enumerate() {
        events.extend(conn.opened.map(|at| (at, index, Event::Open)));
        events.extend(conn.moves.iter().map(|(at, rx, tx)| (*at, index, Event::Move(*rx, *tx))));
        events.extend(conn.closed.map(|at| (at, index, Event::Close)));
    }
    events.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut state: Vec<(Counters, bool)> = vec![(Counters::default(), false); conns.len()];
    let mut all = Vec::new();
    for reading in events.chunk_by(|a, b| a.0.floor() == b.0.floor()) {
        let mut news: Vec<(usize, News)> = Vec::new();
        for (time, index, event) in reading {
            let (conn, (counters, is_known)) = (&conns[*index], &mut state[*index]);
            let place = news.iter().position(|(of, _)| of == index).unwrap_or_else(|| {
                let state = FlowState::Tcp(TcpState::Established);
                let sample = conn.sample(*index as u64 + 1, *counters, state);
                let (known, app, first) = (conn.known.clone(), conn.app.clone(), !*is_known);
                news.push((*index, News { sample, known, app, rx: 0, tx: 0, first, ended: false }));
                news.len() - 1
            });
            *is_known = true;
            let one = &mut news[place].1;
            match event {
                Event::Open => {}
                Event::Move(rx, tx) => {
                    (counters.rx_bytes, counters.tx_bytes) = (counters.rx_bytes + rx, counters.tx_bytes + tx);
                    (counters.first, counters.last) = (counters.first.or(Some(at(*time))), Some(at(*time)));
                    (one.rx, one.tx) = (one.rx + rx, one.tx + tx);
                }
                Event::Close => {
                    one.ended = true;
                    one.sample.state = FlowState::Closed { reason: CloseReason::Fin, at: at(*time) };
                }
            }
            one.sample.counters = *counters;
        }
        all.push(news.into_iter().map(|(_, news)| news).collect());
    }
    all
}

/// Has them read.
pub fn told(readings: &[Vec<News>]) -> Insights {
    let mut insights = Insights::default();
    for reading in readings {
        for news in reading {
            news.tell(&mut insights);
        }
        insights.losses(&Losses::default(), &Truth::default());
    }
    insights
}

/// What is said an hour after the last event.
pub fn said(conns: &[Conn]) -> Vec<Insight> {
    let moves =
        conns.iter().flat_map(|conn| conn.moves.iter().map(|(at, ..)| *at).chain(conn.closed).chain(conn.opened));
    let end = moves.fold(0.0, f64::max);
    told(&readings(conns)).report(at(end + HOUR))
}

/// The only one, of one application and remote.
pub fn only(conns: &[Conn]) -> (String, Option<String>, Evidence) {
    let mut all = said(conns);
    assert_eq!(all.len(), 1, "{all:#?}");
    let one = all.remove(0);
    (one.app, one.remote, one.evidence)
}

/// Numbers that look like chance, the same each time.
pub struct Chance(u64);

impl Chance {
    pub fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    /// From 0 to 1.
    pub fn part(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Between two.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + self.part() * (high - low)
    }

    /// The time to the next of what comes at random, so often on average.
    pub fn wait(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.part()).ln()
    }
}
