//! How long the first question is asked: of a server that answers with errors, and of one that doesn't answer.

use std::time::Duration;

use portolan_registry::{RegistryError, Scheme};
use portolan_testkit::faulty_proxy::{Action, Fault, Kind::Version, Reply};

use crate::support::{client, options, proxied, through};

#[tokio::test]
async fn errors_are_asked_again() {
    let Some((_server, proxy)) = proxied() else { return };
    proxy.add(Fault::of(Version, Action::Answer(Reply::status(503))).first(2));
    through(&proxy).ping().await.unwrap();
    assert_eq!(proxy.count(Version), 3);
}

#[tokio::test]
async fn silence_is_not_waited_for_long() {
    let Some((_server, proxy)) = proxied() else { return };
    let mut options = options();
    options.timeouts.answer = Duration::from_millis(200);
    proxy.add(Fault::of(Version, Action::Silence));
    let registry = client(Scheme::Http, proxy.host().as_str(), None, &options);
    let error = registry.ping().await.unwrap_err();
    assert!(matches!(error, RegistryError::TimedOut { .. }), "{error}");
    assert_eq!(proxy.count(Version), 2);
}
