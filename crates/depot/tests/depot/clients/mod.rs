//! Real clients, each at a depot that is open and at one where they must sign in. Those that are
//! missing are said aloud.

mod anonymous;
mod containerd;
mod crane;
mod docker;
mod helm;
mod skopeo;

use std::process::Command;

use portolan_depot::{AccessOptions, Account, AnonymousPull, Challenge, Options};
use portolan_oci::{Digest, MediaType};
use portolan_testkit::docker_archive::{Shape, docker_archive};
use portolan_testkit::images::Image;
use portolan_testkit::process;
use reqwest::StatusCode;
use tempfile::TempDir;

use crate::site::{Answer, Site};

const NAME: &str = "admin";
const PASSWORD: &str = "s3cret";

/// A depot as clients meet it.
struct Door {
    site: Site,
    closed: bool,
}

impl Door {
    /// One that is open, one that asks for a token, and one that asks for a password.
    async fn all() -> [Self; 3] {
        let open = Self { site: Site::new().await, closed: false };
        [open, Self::closed(Challenge::Token).await, Self::closed(Challenge::Password).await]
    }

    async fn closed(challenge: Challenge) -> Self {
        let account = Some(Account::new(NAME, PASSWORD.into()));
        let access = AccessOptions { challenge, ..AccessOptions::default() };
        Self { site: Site::with(Options { account, access, ..Options::default() }).await, closed: true }
    }

    /// One whose content everybody may pull, and nobody push without signing in; it holds `p/a:1`.
    async fn public(image: &Image) -> Self {
        let site = Site::new().await;
        for blob in image.layers.iter().map(|layer| &layer.blob).chain([&image.config]) {
            site.blob("p/a", blob).await;
        }
        let put = site.put("p/a", "1", &MediaType::OCI_MANIFEST, image.oci_manifest()).await;
        put.expect(StatusCode::CREATED);
        let site = site.restart_with(|options| {
            options.account = Some(Account::new(NAME, PASSWORD.into()));
            options.access.anonymous_pull = AnonymousPull::Everything;
        });
        Self { site: site.await, closed: true }
    }

    fn host(&self) -> String {
        self.site.host()
    }

    /// `127.0.0.1:PORT/NAME`.
    fn named(&self, name: &str) -> String {
        format!("{}/{name}", self.host())
    }

    /// Adds what only those need who must sign in.
    fn sign_in(&self, command: &mut Command, arguments: &[&str]) {
        if self.closed {
            command.args(arguments);
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.site.ask(&format!("GET {path}")).user(NAME, PASSWORD).send().await
    }

    /// What a tag points to.
    async fn digest(&self, repository: &str, tag: &str) -> Digest {
        let answer = self.get(&format!("/v2/{repository}/manifests/{tag}")).await.expect(StatusCode::OK);
        assert_eq!(answer.header("docker-content-digest"), Digest::sha256(&answer.body).to_string());
        Digest::sha256(&answer.body)
    }
}

/// Runs a program while the depot goes on serving.
async fn run(mut command: Command) -> String {
    let output =
        tokio::task::spawn_blocking(move || process::run(&mut command)).await.expect("the program's thread");
    String::from_utf8(output).expect("text")
}

/// Runs a program that must fail, and gives what it says of that.
async fn fails(mut command: Command) -> String {
    let ended = tokio::task::spawn_blocking(move || process::outcome(&mut command));
    let output = ended.await.expect("the program's thread");
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).expect("text")
}

/// An archive with one image, in a folder of its own.
fn archive(image: &Image) -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("image.tar");
    let content = docker_archive(Shape::GoContainerRegistry, std::slice::from_ref(image));
    std::fs::write(&path, content).expect("written");
    let path = path.to_str().expect("text").to_owned();
    (folder, path)
}
