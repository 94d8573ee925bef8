//! Whom the client believes.

use std::fs;
use std::sync::Arc;

use portolan_node::ssh::{Endpoint, HostKeys, Session};
use portolan_testkit::nodes::PASSWORD;

use crate::site::{Site, keys, said, with_password};

#[tokio::test]
async fn a_host_whose_key_is_known_is_believed() {
    let Some(site) = Site::start(&[]) else { return };
    site.session("root").await.close().await;
}

#[tokio::test]
async fn a_host_that_nobody_knows_is_refused_unless_new_ones_are_accepted() {
    let Some(site) = Site::start(&[]) else { return };
    let path = site.folder.path().join("others");
    let login = with_password("root", PASSWORD);
    let refused = said(Session::open(&site.endpoint(), &login, &keys(&path)).await);
    assert!(refused.contains("is not known") && refused.contains("--accept-new-host-keys"), "{refused}");
    assert!(!path.exists());

    let accepting = Arc::new(HostKeys::known_by(vec![]).learning_into(path.clone()));
    Session::open(&site.endpoint(), &login, &accepting).await.unwrap();
    let line = site.node.known_hosts_line();
    assert_eq!(fs::read_to_string(&path).unwrap().trim_end(), line.trim_end());
    Session::open(&site.endpoint(), &login, &keys(&path)).await.unwrap();
}

#[tokio::test]
async fn a_changed_key_is_refused_by_file_and_line() {
    let (Some(site), Some(other)) = (Site::start(&[]), Site::start(&[])) else { return };
    let path = site.folder.path().join("known_hosts");
    let stale = other
        .node
        .known_hosts_line()
        .replace(&other.node.address().to_string(), &site.node.address().to_string());
    fs::write(&path, format!("# of the old machine\n{stale}")).unwrap();
    let accepting = Arc::new(HostKeys::known_by(vec![path.clone()]).learning_into(path.clone()));
    let login = with_password("root", PASSWORD);
    for keys in [site.host_keys(), accepting] {
        let refused = said(Session::open(&site.endpoint(), &login, &keys).await);
        let expected = format!("the host key has changed: {}, line 2", path.display());
        assert!(refused.contains(&expected) && refused.contains("ssh-keygen -R"), "{refused}");
    }
}

#[tokio::test]
async fn what_is_no_ssh_server_is_told() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = Endpoint::new("127.0.0.1", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        use std::io::Write;
        listener.accept().unwrap().0.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    let path = std::path::Path::new("/nonexistent/known_hosts");
    let login = with_password("root", PASSWORD);
    let failed = said(Session::open(&endpoint, &login, &keys(path)).await);
    assert!(failed.contains("no SSH session"), "{failed}");
    let failed = said(Session::open(&Endpoint::new("127.0.0.1", 1), &login, &keys(path)).await);
    assert!(failed.contains("127.0.0.1:1: cannot connect"), "{failed}");
}
