//! Docker's `config.json`, and what credential helpers answer.

use std::{ffi::OsStr, future::Future, pin::pin, task};

use portolan_oci::RegistryHost;
use portolan_registry::{Credentials, DockerConfig, fuzzing};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::{
    file::with_file,
    laws::{can_be_told, is_hidden},
};

/// A configuration that is asked for the credentials of some hosts; the same bytes as a helper's answer.
pub fn docker_config(bytes: &[u8]) {
    with_file(".json", bytes, |path| match DockerConfig::read(path) {
        Ok(config) => config_holds(&config.expect("because the file is there"), bytes),
        Err(error) => {
            is_silent_about(bytes, &error.to_string());
            can_be_told(&error);
        }
    });
    if let Some(credentials) = fuzzing::helper_answer(bytes) {
        hides_its_secret(&credentials, bytes);
    }
}

fn config_holds(config: &DockerConfig, bytes: &[u8]) {
    is_silent_about(bytes, &format!("{config:?}"));
    for host in ["docker.io", "r.example:5000", "127.0.0.1"] {
        let host: RegistryHost = host.parse().expect("because it is a host");
        // Nothing is on an empty search path, so no helper runs.
        match at_once(config.credentials(&host, OsStr::new(""))) {
            Ok(Some(credentials)) => hides_its_secret(&credentials, bytes),
            Ok(None) => {}
            Err(error) => {
                is_silent_about(bytes, &error.to_string());
                can_be_told(&error);
            }
        }
    }
}

fn hides_its_secret(credentials: &Credentials, bytes: &[u8]) {
    is_hidden(credentials.password.expose_secret(), bytes, &format!("{credentials:?}"));
    assert!(credentials.basic_header().is_sensitive());
}

/// Whatever stands where a secret belongs is not shown.
fn is_silent_about(bytes: &[u8], shown: &str) {
    let Ok(document) = serde_json::from_slice::<Value>(bytes) else { return };
    let entries =
        document.get("auths").and_then(Value::as_object).into_iter().flat_map(|auths| auths.values());
    for entry in entries {
        for member in ["auth", "password", "identitytoken"] {
            let secret = entry.get(member).and_then(Value::as_str).unwrap_or_default();
            is_hidden(secret, bytes, shown);
        }
    }
}

/// The outcome of what waits for nothing.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut context = task::Context::from_waker(task::Waker::noop());
    match pin!(future).poll(&mut context) {
        task::Poll::Ready(outcome) => outcome,
        task::Poll::Pending => panic!("something was waited for"),
    }
}
