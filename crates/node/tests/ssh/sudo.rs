//! Root's rights for others, and a password that shares standard input with the data.

use bytes::Bytes;
use portolan_node::ssh::Rank;
use portolan_testkit::nodes::{PASSWORD, Sudo};
use secrecy::SecretString;

use crate::site::{Site, said};

const USERS: &[(&str, Sudo)] =
    &[("free", Sudo::Freely), ("asked", Sudo::WithPassword), ("nobody-special", Sudo::Never)];

fn rank(password: &str) -> Rank {
    Rank::SudoWithPassword(SecretString::from(password.to_owned()))
}

/// What a command that runs as root gets as its data, first line and all.
async fn echoed(site: &Site, user: &str, rank: &Rank) -> String {
    let session = site.session(user).await;
    let mut running = rank.start(&session, &["sh", "-c", "id -u; cat"]).await.unwrap();
    assert!(running.send(Bytes::from_static(b"first line\nsecond line\n")).await);
    let ended = running.ended().await.unwrap();
    assert!(ended.is_good(), "{user}: {ended:?}");
    ended.text().into_owned()
}

#[tokio::test]
async fn data_arrive_whole_behind_the_password() {
    let Some(site) = Site::start(USERS) else { return };
    let expected = "0\nfirst line\nsecond line\n";
    assert_eq!(echoed(&site, "free", &Rank::Sudo).await, expected);
    assert_eq!(echoed(&site, "asked", &rank(PASSWORD)).await, expected);
    // Whether or not the password was typed a moment ago.
    assert_eq!(echoed(&site, "asked", &rank(PASSWORD)).await, expected);
    assert_eq!(echoed(&site, "root", &Rank::Own).await, expected);
}

/// A command that would show what it is given, had it been given anything.
#[tokio::test]
async fn no_password_is_given_to_a_sudo_that_asks_for_none() {
    let Some(site) = Site::start(USERS) else { return };
    let session = site.session("free").await;
    let refused = said(rank(PASSWORD).start(&session, &["sh", "-c", "timeout 1 cat >&2"]).await);
    assert!(refused.contains("sudo refuses free") && !refused.contains(PASSWORD), "{refused}");
}

#[tokio::test]
async fn refusals_of_sudo_are_told_as_such() {
    let Some(site) = Site::start(USERS) else { return };
    let check = async |user: &str, rank: &Rank, expected: &str| {
        let ended = rank.run(&site.session(user).await, &["true"]).await.unwrap();
        let reason = ended.reason();
        assert!(!ended.is_good() && reason.contains(expected) && !reason.contains("guessed"), "{reason}");
    };
    check("asked", &rank("guessed"), "incorrect password").await;
    check("asked", &Rank::Sudo, "password is required").await;
    check("nobody-special", &rank(PASSWORD), "not in the sudoers file").await;
    let refused = said(rank(PASSWORD).start(&site.session("free").await, &["false"]).await);
    assert!(refused.contains("sudo refuses free"), "{refused}");
}

#[tokio::test]
async fn neither_command_line_nor_messages_hold_the_password() {
    let Some(site) = Site::start(USERS) else { return };
    let session = site.session("asked").await;
    let script = "cat /proc/*/cmdline /proc/*/environ 2>/dev/null | tr '\\0' '\\n'; echo done >&2";
    let ended = rank(PASSWORD).run(&session, &["sh", "-c", script]).await.unwrap();
    assert!(ended.text().contains("sudo") && ended.messages.contains("done"), "{ended:?}");
    assert!(!ended.text().contains(PASSWORD) && !ended.messages.contains(PASSWORD));
    assert!(!format!("{:?}", rank(PASSWORD)).contains(PASSWORD));
}
