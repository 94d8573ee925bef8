//! Who gets in.

use std::path::Path;
use std::process::{Command, Stdio};

use portolan_node::ssh::{KeyFile, KeyFileError, Login};
use portolan_testkit::components;
use portolan_testkit::nodes::{NodeOptions, NodeRuntime, PASSWORD, key_pair};
use portolan_testkit::process::{Daemon, run};
use secrecy::SecretString;

use crate::site::{Site, said, with_password};

fn with_key(key: KeyFile) -> Login {
    Login { user: "root".to_owned(), password: None, keys: vec![key], agent: None }
}

#[tokio::test]
async fn a_wrong_password_is_refused_with_what_was_tried() {
    let Some(site) = Site::start(&[]) else { return };
    let refused = said(site.open(&with_password("root", "guessed")).await);
    assert!(
        refused.contains("the login as root was refused; tried: password; the server takes:"),
        "{refused}"
    );
    assert!(!refused.contains("guessed"), "{refused}");
}

#[tokio::test]
async fn a_login_with_nothing_says_so() {
    let Some(site) = Site::start(&[]) else { return };
    let login = Login { user: "root".to_owned(), password: None, keys: Vec::new(), agent: None };
    let refused = said(site.open(&login).await);
    assert!(refused.contains("tried: nothing, since there is no key and no password"), "{refused}");
    assert!(refused.contains("publickey, password"), "{refused}");
}

#[tokio::test]
async fn private_keys_of_every_kind_open() {
    let Some(site) = Site::start(&[]) else { return };
    for (kind, passphrase) in [("ed25519", ""), ("rsa", ""), ("ecdsa", "open sesame")] {
        let Some(path) = key_pair(site.folder.path(), kind, passphrase) else { return };
        site.node.authorize(&path.with_extension("pub"));
        let secret = Some(SecretString::from(passphrase.to_owned())).filter(|_| !passphrase.is_empty());
        let key = KeyFile::read(&path, secret.as_ref()).unwrap();
        site.open(&with_key(key)).await.unwrap().close().await;
    }
}

#[tokio::test]
async fn after_a_refused_key_the_password_is_tried() {
    let Some(site) = Site::start(&[]) else { return };
    let Some(path) = key_pair(site.folder.path(), "ed25519", "") else { return };
    let key = KeyFile::read(&path, None).unwrap();
    site.open(&Login { keys: vec![key.clone()], ..with_password("root", PASSWORD) }).await.unwrap();
    let refused = said(site.open(&with_key(key)).await);
    assert!(refused.contains(&format!("tried: key {}", path.display())), "{refused}");
}

#[tokio::test]
async fn keys_of_the_agent_open() {
    let Some(site) = Site::start(&[]) else { return };
    let Some(path) = key_pair(site.folder.path(), "ed25519", "") else { return };
    let Some(agent) = components::SSH_AGENT.require() else { return };
    site.node.authorize(&path.with_extension("pub"));
    let socket = site.folder.path().join("agent");
    let mut command = Command::new(agent);
    command.arg("-D").arg("-a").arg(&socket);
    let mut agent = Daemon::start(command, &site.folder.path().join("agent.log"));
    agent.wait_for(|log| log.contains("SSH_AUTH_SOCK").then_some(()));
    run(Command::new("ssh-add").arg("-q").arg(&path).env("SSH_AUTH_SOCK", &socket).stderr(Stdio::null()));
    let login = Login { user: "root".to_owned(), password: None, keys: Vec::new(), agent: Some(socket) };
    site.open(&login).await.unwrap().close().await;
}

#[tokio::test]
async fn a_server_that_asks_is_answered_with_the_password() {
    let options = NodeOptions { asks: true, runtime: NodeRuntime::None, ..NodeOptions::default() };
    let Some(site) = Site::with(&options) else { return };
    site.session("root").await.close().await;
    let refused = said(site.open(&with_password("root", "guessed")).await);
    assert!(refused.contains("tried: password as an answer"), "{refused}");
}

#[test]
fn files_that_are_no_usable_key_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let Some(path) = key_pair(folder.path(), "ed25519", "open sesame") else { return };
    let wrong = SecretString::from("close sesame".to_owned());
    let read = |path: &Path, passphrase: Option<&SecretString>| KeyFile::read(path, passphrase).unwrap_err();
    assert!(matches!(read(&path, None), KeyFileError::Encrypted { .. }));
    assert!(matches!(read(&path, Some(&wrong)), KeyFileError::Passphrase { .. }));
    assert!(matches!(read(&path.with_extension("pub"), None), KeyFileError::Public { .. }));
    assert!(matches!(read(&folder.path().join("none"), None), KeyFileError::Read { .. }));
    std::fs::write(folder.path().join("text"), "no key").unwrap();
    assert!(matches!(read(&folder.path().join("text"), None), KeyFileError::Kind { .. }));
}
