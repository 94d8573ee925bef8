//! Real clients, each at a depot that is open and at one where they must sign in. Those that are
//! missing are said aloud.

mod containerd;
mod crane;
mod docker;
mod helm;
mod skopeo;

use std::process::Command;

use portolan_depot::{Account, Options};
use portolan_oci::Digest;
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
    /// One that is open, and one that is not.
    async fn both() -> [Self; 2] {
        let account = Some(Account::new(NAME, PASSWORD.into()));
        let closed = Site::with(Options { account, ..Options::default() }).await;
        [Self { site: Site::new().await, closed: false }, Self { site: closed, closed: true }]
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

/// An archive with one image, in a folder of its own.
fn archive(image: &Image) -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("image.tar");
    let content = docker_archive(Shape::GoContainerRegistry, std::slice::from_ref(image));
    std::fs::write(&path, content).expect("written");
    let path = path.to_str().expect("text").to_owned();
    (folder, path)
}
