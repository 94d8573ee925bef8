//! Calls that tests make, over the socket and without, and what goes wrong on the way.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;
use std::sync::mpsc;

use axum::Router;
use serde::Deserialize;
use tempfile::TempDir;

use super::server::with_call;
use super::wire::{LINE_LIMIT, Line, Lines};
use super::*;

/// Counts, tells each number, and fails where it is told to.
#[derive(Debug, Serialize, Deserialize)]
struct Count {
    to: u64,
    fails: bool,
}

impl Call for Count {
    const NAME: &'static str = "count";
    type Event = u64;
    type Answer = u64;

    fn carry_out(self, _: &Depot, tell: Tell<'_, u64>) -> Result<u64, Failed> {
        let told = (0..self.to).take_while(|number| tell(*number).is_continue()).count() as u64;
        let lost = StoreError::Damaged { path: "format".into(), reason: "it is".to_owned() };
        match self.fails {
            true => Err(Failed::from(&DepotError::Open { source: lost })),
            false => Ok(told),
        }
    }
}

fn with_count() -> Router<server::Room> {
    with_call::<Count>(Router::new())
}

fn depot(dir: &Path) -> Depot {
    Depot::open(dir, Options::default()).unwrap()
}

/// A depot's socket and one that asks it.
struct Served {
    dir: TempDir,
    server: ControlServer,
    control: Control,
}

impl Served {
    async fn with(calls: Router<server::Room>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let server = ControlServer::with(dir.path(), depot(dir.path()), calls).unwrap();
        let control = Control::open(dir.path(), Absent::Refuse).await.unwrap();
        assert!(control.is_served());
        Self { dir, server, control }
    }
}

/// What was told, and the answer.
async fn count(control: &Control, to: u64, fails: bool) -> (Vec<u64>, Result<u64, ControlError>) {
    let mut told = Vec::new();
    let answer = control.ask(Count { to, fails }, |number| told.push(number)).await;
    (told, answer)
}

async fn check_counting(control: &Control) {
    let (told, answer) = count(control, 1000, false).await;
    assert_eq!((told, answer.unwrap()), ((0..1000).collect(), 1000));
    let (told, answer) = count(control, 1, true).await;
    assert_eq!(told, [0]);
    let failed = answer.unwrap_err();
    assert_eq!(failed.to_string(), "cannot open the depot");
    let cause = std::error::Error::source(&failed).unwrap();
    assert_eq!(cause.to_string(), "format is damaged: it is");
}

#[tokio::test]
async fn a_server_is_asked_where_one_runs() {
    let served = Served::with(with_count()).await;
    check_counting(&served.control).await;
    let socket = served.dir.path().join("control.sock");
    assert_eq!(fs::metadata(&socket).unwrap().mode() & 0o777, 0o600);
    served.server.stop().await;
    assert!(!socket.exists());
    let broken = count(&served.control, 1, false).await.1.unwrap_err();
    assert!(matches!(broken, ControlError::BrokenOff { source: None, .. }), "{broken:?}");
    let own = Control::open(served.dir.path(), Absent::Refuse).await.unwrap();
    assert!(!own.is_served());
}

#[tokio::test]
async fn a_depot_that_nobody_serves_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let refused = Control::open(dir.path(), Absent::Refuse).await.unwrap_err();
    assert!(matches!(refused, ControlError::Absent { .. }), "{refused:?}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    let control = Control::open(dir.path(), Absent::Create).await.unwrap();
    check_counting(&control).await;
    // Another command has to wait for this one.
    let second = Control::open(dir.path(), Absent::Refuse).await.unwrap_err();
    let locked = |error: &ControlError| match error {
        ControlError::Open { source: DepotError::Open { source } } => {
            matches!(source, StoreError::Locked { .. })
        }
        _ => false,
    };
    assert!(locked(&second), "{second:?}");
}

#[tokio::test]
async fn a_running_depot_has_its_socket() {
    let dir = tempfile::tempdir().unwrap();
    // As a server that was killed leaves it.
    drop(UnixListener::bind(dir.path().join("control.sock")).unwrap());
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let running = crate::start(dir.path(), Options::default(), address).await.unwrap();
    assert!(Control::open(dir.path(), Absent::Refuse).await.unwrap().is_served());
    running.shutdown().await.unwrap();
    assert!(!dir.path().join("control.sock").exists());
    assert!(!Control::open(dir.path(), Absent::Refuse).await.unwrap().is_served());
}

#[tokio::test]
async fn the_path_may_be_longer_than_an_address() {
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join("d".repeat(120));
    let server = ControlServer::with(&dir, depot_in(&dir), with_count()).unwrap();
    let control = Control::open(&dir, Absent::Refuse).await.unwrap();
    assert!(control.is_served());
    check_counting(&control).await;
    server.stop().await;
    assert!(!dir.join("control.sock").exists());
}

fn depot_in(dir: &Path) -> Depot {
    fs::create_dir_all(dir).unwrap();
    depot(dir)
}

/// Says when it began, and goes on for as long as anybody wants it.
#[derive(Debug, Serialize, Deserialize)]
struct Endless;

/// Where an [`Endless`] says that it ended. One test alone uses each.
static ENDED: std::sync::Mutex<Option<mpsc::Sender<()>>> = std::sync::Mutex::new(None);

impl Call for Endless {
    const NAME: &'static str = "endless";
    type Event = ();
    type Answer = String;

    fn carry_out(self, _: &Depot, tell: Tell<'_, ()>) -> Result<String, Failed> {
        while tell(()).is_continue() {}
        if let Some(ended) = ENDED.lock().unwrap().take() {
            ended.send(()).unwrap();
        }
        Ok("stopped".to_owned())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn work_ends_when_nobody_wants_it_or_the_server_stops() {
    let served = Served::with(with_call::<Endless>(Router::new())).await;
    let (ended, end) = mpsc::channel();
    ENDED.lock().unwrap().replace(ended);
    let (began, mut begin) = tokio::sync::mpsc::channel(1);
    let asked = served.control.ask(Endless, |()| {
        // Full: the first one said it.
        let _ = began.try_send(());
    });
    tokio::select! {
        answer = asked => panic!("{answer:?}"),
        _ = begin.recv() => {}
    }
    tokio::task::spawn_blocking(move || end.recv().unwrap()).await.unwrap();

    let (began, begin) = tokio::sync::oneshot::channel();
    let mut began = Some(began);
    let asked = served.control.ask(Endless, |()| {
        if let Some(began) = began.take() {
            began.send(()).unwrap();
        }
    });
    let stopped = async {
        begin.await.unwrap();
        served.server.stop().await;
    };
    let (answer, ()) = tokio::join!(asked, stopped);
    assert_eq!(answer.unwrap(), "stopped");
}

#[tokio::test]
async fn a_server_of_another_version_is_not_guessed_at() {
    let served = Served::with(Router::new()).await;
    let misunderstood = count(&served.control, 1, false).await.1.unwrap_err().to_string();
    assert!(misunderstood.contains("(404 Not Found: "), "{misunderstood}");

    let other = |answer: &'static str| {
        Router::new().route("/v1/count", axum::routing::post(move || async move { answer }))
    };
    let check = async |answer, expected: &str| {
        let served = Served::with(other(answer)).await;
        let error = count(&served.control, 1, false).await.1.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check("{\"event\":\"one\"}\n", "(a line is of another shape)").await;
    check("{\"event\":1}\n", "ended the connection").await;
    check("{\"answer\":1}", "ended the connection").await;
    let answered = Served::with(other("{\"event\":1}\n{\"answer\":7}\n")).await;
    assert_eq!(count(&answered.control, 1, false).await.1.unwrap(), 7);
}

#[tokio::test]
async fn another_users_directory_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("format"), "").unwrap();
    if std::os::unix::fs::chown(dir.path(), Some(65534), None).is_err() {
        // Only root can give a directory away.
        return;
    }
    let refused = Control::open(dir.path(), Absent::Create).await.unwrap_err();
    assert!(matches!(refused, ControlError::Owner { owner: 65534, own: 0, .. }), "{refused:?}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_file_in_the_sockets_place_is_no_server() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("control.sock"), "").unwrap();
    let control = Control::open(dir.path(), Absent::Create).await.unwrap();
    assert!(!control.is_served());
}

#[test]
fn lines_come_in_any_pieces() {
    let lines: [Line<u64, String>; 3] =
        [Line::Event(1), Line::Answer("a\nb".to_owned()), Line::Failed(Failed::new("why"))];
    let bytes: Vec<u8> = lines.iter().flat_map(Line::encode).collect();
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert_eq!(text, "{\"event\":1}\n{\"answer\":\"a\\nb\"}\n{\"failed\":{\"message\":\"why\"}}\n");
    for size in 1..=bytes.len() {
        let mut found = Lines::default();
        let read: Vec<Line<u64, String>> =
            bytes.chunks(size).flat_map(|piece| found.push(piece).unwrap()).collect();
        assert_eq!(read, lines, "{size}");
    }
}

#[test]
fn a_line_without_end_is_given_up() {
    let mut lines = Lines::default();
    let refused = lines.push::<u64, u64>(&vec![b'x'; LINE_LIMIT + 1]).unwrap_err();
    assert_eq!(refused.to_string(), format!("a line has more than {LINE_LIMIT} bytes"));
}
