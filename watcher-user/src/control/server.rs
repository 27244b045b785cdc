//! The daemon's end of the control socket: a thread of its own, so that no client can slow collection.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    thread::JoinHandle,
    time::Duration,
};

use nix::unistd::{Gid, Group, Uid};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream, unix::UCred},
    sync::{Notify, Semaphore, mpsc, oneshot, watch},
    time::{Instant, timeout},
};
use watcher_core::{Snapshot, insights::Insights, rollup::Rollup};

use super::{Answer, Ask, Reply, Request, Status, VERSION};
use crate::{
    agent::{EndedLog, OpenedLog, QueryLog, Summary},
    alerts::Watching,
    clock,
};

/// The group whose members may ask.
const GROUP: &str = "watcher";

/// What keeps clients within bounds.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Clients at once; the next one is told so and hung up on.
    pub clients: usize,
    /// The longest request, bytes.
    pub request: u64,
    /// Between two requests, or for taking an answer.
    pub patience: Duration,
    /// Between two answers to one client.
    pub pause: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { clients: 32, request: 4096, patience: Duration::from_secs(30), pause: Duration::from_millis(20) }
    }
}

/// Who may give commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// The daemon's own user; root always may.
    pub owner: Uid,
}

impl Access {
    fn may_command(self, peer: Option<UCred>) -> bool {
        peer.is_some_and(|peer| peer.uid() == 0 || peer.uid() == self.owner.as_raw())
    }
}

/// A command or a question for the daemon's own loop, and where its answer goes.
pub type Command = (Ask, oneshot::Sender<Answer>);

/// What the daemon has told so far: written by it, read by the server.
#[derive(Debug)]
pub struct Told {
    status: RwLock<Option<Arc<Status>>>,
    summary: RwLock<Option<Arc<Summary>>>,
    window: RwLock<Option<Arc<Rollup>>>,
    snapshot: watch::Sender<Option<(Instant, Arc<Snapshot>)>>,
    /// Connections that have ended.
    pub ended: Mutex<EndedLog>,
    /// Connections that have begun.
    pub opened: Mutex<OpenedLog>,
    /// DNS queries.
    pub queries: Mutex<QueryLog>,
    /// What stands out.
    pub insights: Mutex<Insights>,
    /// Alerts.
    pub alerts: Mutex<Watching>,
    /// A client waits for a snapshot.
    pub wanted: Notify,
    commands: mpsc::Sender<Command>,
}

impl Told {
    /// Nothing yet. Commands come out at the other end.
    #[must_use]
    pub fn new() -> (Arc<Self>, mpsc::Receiver<Command>) {
        let (commands, orders) = mpsc::channel(8);
        let told = Self {
            status: RwLock::default(),
            summary: RwLock::default(),
            window: RwLock::default(),
            snapshot: watch::Sender::new(None),
            ended: Mutex::default(),
            opened: Mutex::default(),
            queries: Mutex::default(),
            insights: Mutex::default(),
            alerts: Mutex::default(),
            wanted: Notify::new(),
            commands,
        };
        (Arc::new(told), orders)
    }

    /// How the daemon is now.
    pub fn set_status(&self, status: Status) {
        *self.status.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(status));
    }

    /// The newest short report.
    pub fn set_summary(&self, summary: Summary) {
        *self.summary.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(summary));
    }

    /// The open window, as if it ended now.
    pub fn set_window(&self, rollup: Rollup) {
        *self.window.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(rollup));
    }

    /// The newest reading, and when it began.
    pub fn set_snapshot(&self, snapshot: Snapshot, began: Instant) {
        self.snapshot.send_replace(Some((began, Arc::new(snapshot))));
    }

    /// The next client that asks waits for a new one.
    pub fn forget_snapshot(&self) {
        self.snapshot.send_replace(None);
    }

    /// A snapshot whose reading began not longer ago than `age`, or later; the daemon is asked for one if need be.
    async fn snapshot(&self, age: Duration) -> Option<Arc<Snapshot>> {
        let now = Instant::now();
        let oldest = now.checked_sub(age).unwrap_or(now);
        let mut news = self.snapshot.subscribe();
        let fresh = |told: &Option<(Instant, Arc<Snapshot>)>| told.as_ref().is_some_and(|(began, _)| *began >= oldest);
        if !fresh(&news.borrow()) {
            self.wanted.notify_one();
        }
        let told = timeout(READ_WITHIN, news.wait_for(fresh)).await.ok()?.ok()?;
        told.as_ref().map(|(_, snapshot)| snapshot.clone())
    }
}

/// Listens until dropped; then the socket is gone.
#[derive(Debug)]
pub struct Server {
    path: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens at `path`. Whoever calls holds the lock of the state directory, so a socket that is there already is a dead
    /// daemon's.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub fn start(path: &Path, told: Arc<Told>, bounds: Bounds) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        match fs::remove_file(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let listener = std::os::unix::net::UnixListener::bind(path)?;
        listener.set_nonblocking(true)?;
        open_to_group(path)?;
        let access = Access { owner: Uid::effective() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _in_runtime = runtime.enter();
            UnixListener::from_std(listener)?
        };
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("control".to_owned()).spawn(move || {
            crate::sandbox::seal_thread();
            runtime.block_on(async {
                tokio::select! {
                    () = accept(&listener, &told, bounds, access) => {}
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        })?;
        Ok(Self { path: path.to_owned(), stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        fs::remove_file(&self.path).ok();
        self.stop.take().map(|stop| stop.send(()));
        self.thread.take().map(JoinHandle::join);
    }
}

/// 0660, and the group's where there is one.
fn open_to_group(path: &Path) -> io::Result<()> {
    let group: Option<Gid> = Group::from_name(GROUP).ok().flatten().map(|group| group.gid);
    if group.is_some() {
        // Without the privilege, the owner's own group it is.
        nix::unistd::chown(path, None, group).ok();
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o660))
}

async fn accept(listener: &UnixListener, told: &Arc<Told>, bounds: Bounds, access: Access) {
    let places = Arc::new(Semaphore::new(bounds.clients));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors: they come back when clients go.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (told, place) = (told.clone(), places.clone().try_acquire_owned());
        tokio::spawn(async move {
            match place {
                Ok(_place) => serve(stream, &told, bounds, access).await,
                Err(_) => refuse(stream, bounds).await,
            }
        });
    }
}

async fn refuse(mut stream: UnixStream, bounds: Bounds) {
    let why = format!("{} clients are being served already: try again later", bounds.clients);
    let line = encode(Answer::Error(why));
    timeout(Duration::from_secs(1), stream.write_all(&line)).await.ok();
}

/// One client, until it is gone, too slow, or writes what is no request.
async fn serve(stream: UnixStream, told: &Told, bounds: Bounds, access: Access) {
    let peer = stream.peer_cred().ok();
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    loop {
        let mut line = Vec::new();
        let mut request = (&mut read).take(bounds.request);
        match timeout(bounds.patience, request.read_until(b'\n', &mut line)).await {
            Ok(Ok(n)) if n > 0 => {}
            _ => return,
        }
        let whole = line.ends_with(b"\n");
        let answer = if whole { answer(&line, told, access, peer).await } else { Answer::Error(too_long(bounds)) };
        let bytes = encode(answer);
        if !matches!(timeout(bounds.patience, write.write_all(&bytes)).await, Ok(Ok(()))) || !whole {
            return;
        }
        tokio::time::sleep(bounds.pause).await;
    }
}

fn too_long(bounds: Bounds) -> String {
    format!("a request is one line of at most {} bytes", bounds.request)
}

fn encode(answer: Answer) -> Vec<u8> {
    let reply = Reply { watcher: VERSION, answer };
    let mut bytes = serde_json::to_vec(&reply).unwrap_or_else(|e| {
        let answer = Answer::Error(format!("the answer cannot be written: {e}"));
        serde_json::to_vec(&Reply { watcher: VERSION, answer }).unwrap_or_default()
    });
    bytes.push(b'\n');
    bytes
}

async fn answer(line: &[u8], told: &Told, access: Access, peer: Option<UCred>) -> Answer {
    let request: Request = match serde_json::from_slice(line) {
        Ok(request) => request,
        Err(e) => return Answer::Error(format!("not a request of version {VERSION}: {e}")),
    };
    if request.watcher != VERSION {
        return Answer::Error(format!(
            "this watcher speaks version {VERSION} of the protocol, not {}",
            request.watcher
        ));
    }
    if request.ask.is_reserved() && !access.may_command(peer) {
        return Answer::Error("only root and the daemon's own user may ask that".to_owned());
    }
    let nothing_yet = || Answer::Error("nothing was collected yet: try again in a second".to_owned());
    match request.ask {
        Ask::Status => newest(&told.status).map_or_else(nothing_yet, Answer::Status),
        Ask::Summary => newest(&told.summary).map_or_else(nothing_yet, Answer::Summary),
        Ask::Window => newest(&told.window).map_or_else(nothing_yet, Answer::Window),
        Ask::Snapshot { max_age_ms } => {
            let not_read = || Answer::Error(format!("the counters were not read within {READ_WITHIN:?}: see the log"));
            told.snapshot(Duration::from_millis(max_age_ms)).await.map_or_else(not_read, Answer::Snapshot)
        }
        Ask::Ended { after } => Answer::Ended(told.ended.lock().unwrap_or_else(PoisonError::into_inner).after(after)),
        Ask::Opened { after } => {
            Answer::Opened(told.opened.lock().unwrap_or_else(PoisonError::into_inner).after(after))
        }
        Ask::Queries { after } => {
            Answer::Queries(told.queries.lock().unwrap_or_else(PoisonError::into_inner).after(after))
        }
        Ask::Insights => match clock::read() {
            Ok((_, now)) => Answer::Insights(told.insights.lock().unwrap_or_else(PoisonError::into_inner).report(now)),
            Err(e) => Answer::Error(format!("the clocks cannot be read: {e}")),
        },
        order @ (Ask::Reload | Ask::UploadNow | Ask::History(_)) => give(order, told).await,
        Ask::Alerts => Answer::Alerts(told.alerts.lock().unwrap_or_else(PoisonError::into_inner).report()),
    }
}

fn newest<T>(lock: &RwLock<Option<Arc<T>>>) -> Option<Arc<T>> {
    lock.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// The counters must be read by then, for a snapshot.
const READ_WITHIN: Duration = Duration::from_secs(5);
/// For a command.
const COMMAND: Duration = Duration::from_secs(20);

async fn give(order: Ask, told: &Told) -> Answer {
    let (reply, result) = oneshot::channel();
    if told.commands.try_send((order, reply)).is_err() {
        return Answer::Error("the daemon is busy with what others asked for: try again".to_owned());
    }
    match timeout(COMMAND, result).await {
        Ok(Ok(answer)) => answer,
        _ => Answer::Error("the daemon was asked and has not answered".to_owned()),
    }
}
