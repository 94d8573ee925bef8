//! Sockets behind which there is nobody, or somebody else, or that may not be opened.

use std::{
    io::{Read, Write},
    os::unix::fs::PermissionsExt,
    os::unix::net::UnixListener,
    path::Path,
};

use portolan_node::{LocalOptions, Runtime, RuntimeError, RuntimeKind};
use portolan_testkit::runtimes::{self, Release};

use rustix::thread;

use crate::site::started;

const KINDS: [(RuntimeKind, &str); 2] =
    [(RuntimeKind::Containerd, "containerd"), (RuntimeKind::Docker, "Docker")];

/// Asks whatever listens there what it has.
async fn asked(kind: Option<RuntimeKind>, socket: &Path) -> Result<RuntimeKind, RuntimeError> {
    let local = LocalOptions {
        kind,
        socket: Some(socket.to_owned()),
        namespace: "k8s.io".to_owned(),
        snapshotter: None,
    };
    let runtime: Box<dyn Runtime> = local.connect().await?;
    runtime.survey(&[]).await.map(|survey| survey.kind)
}

/// Each kind of client says that, and that nothing else will work there either.
async fn check(socket: &Path, expected: &str) {
    for (kind, name) in KINDS {
        let error = asked(Some(kind), socket).await.unwrap_err();
        let begin = format!("{name} does not answer at {}: ", socket.display());
        assert!(error.to_string().starts_with(&begin), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.is_of_the_node(), "{error}");
    }
}

#[tokio::test]
async fn no_socket_and_nobody_behind_one() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    check(&socket, "there is no such socket; start ").await;
    let error = asked(None, &socket).await.unwrap_err().to_string();
    assert!(error.starts_with("no runtime answers on this machine: containerd does not answer"), "{error}");
    assert!(error.contains("Docker does not answer"), "{error}");
    // A daemon that was killed leaves its socket.
    drop(UnixListener::bind(&socket).unwrap());
    check(&socket, "nobody listens there: start ").await;
}

/// The clock stands still but for what is waited for.
#[tokio::test(start_paused = true)]
async fn somebody_who_listens_and_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    let _hangs = UnixListener::bind(&socket).unwrap();
    check(&socket, "has said nothing for 60s; does it hang?").await;
}

#[tokio::test]
async fn somebody_else_behind_the_socket() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let _ = connection.read(&mut [0; 1000]);
            let _ = connection.write_all(b"220 mail.example ESMTP\r\n");
        }
    });
    check(&socket, "").await;
}

#[tokio::test]
async fn which_runtime_it_is_shows_by_its_answers() {
    let Some(docker) = runtimes::Docker::start() else { return };
    let Some(node) = started(Release::Debian) else { return };
    for (socket, expected) in
        [(docker.socket(), RuntimeKind::Docker), (node.socket(), RuntimeKind::Containerd)]
    {
        assert_eq!(asked(None, &socket).await.unwrap(), expected);
        let other = KINDS.map(|(kind, _)| kind).into_iter().find(|kind| *kind != expected);
        let error = asked(other, &socket).await.unwrap_err();
        assert!(error.is_of_the_node(), "{error}");
    }
}

/// Root may open every socket, so the question comes from a thread of somebody else.
#[test]
fn a_socket_that_may_not_be_opened() {
    let Some(node) = started(Release::Debian) else { return };
    let socket = node.socket();
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(socket.parent().unwrap(), open).unwrap();
    let asking = move || {
        thread::set_thread_groups(&[]).unwrap();
        thread::set_thread_gid(thread::Gid::from_raw(65534)).unwrap();
        thread::set_thread_uid(thread::Uid::from_raw(65534)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(asked(Some(RuntimeKind::Containerd), &socket)).unwrap_err().to_string()
    };
    let error = std::thread::spawn(asking).join().unwrap();
    assert!(error.ends_with("Permission denied (os error 13); run this as root"), "{error}");
}
