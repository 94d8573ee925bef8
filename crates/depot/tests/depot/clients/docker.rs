//! Docker: loads, pushes, pulls by tag and by digest, with what is there already mounted.

use portolan_testkit::images::Image;
use portolan_testkit::runtimes::Docker;
use std::process::Command;

use super::{Door, NAME, PASSWORD, archive, run};

fn docker(daemon: &Docker, arguments: &[&str]) -> Command {
    let mut command = daemon.command();
    command.args(arguments);
    command
}

#[tokio::test]
async fn docker_pushes_and_pulls() {
    let Some(daemon) = Docker::start() else { return };
    let run = async |arguments: &[&str]| run(docker(&daemon, arguments)).await;
    let (_folder, path) = archive(&Image::random("local/image:1", 11));
    run(&["load", "--input", &path]).await;
    for door in Door::all().await {
        if door.closed {
            run(&["login", "--username", NAME, "--password", PASSWORD, &door.host()]).await;
        }
        for name in ["p/a:1", "q/b:1"] {
            let reference = door.named(name);
            run(&["tag", "local/image:1", &reference]).await;
            run(&["push", "--quiet", &reference]).await;
        }
        let digest = door.digest("p/a", "1").await;
        assert_eq!(door.digest("q/b", "1").await, digest);
        for reference in [door.named("p/a:1"), door.named("q/b:1"), "local/image:1".to_owned()] {
            run(&["image", "rm", "--force", &reference]).await;
        }
        let by_digest = format!("{}@{digest}", door.named("p/a"));
        for reference in [&by_digest, &door.named("q/b:1")] {
            run(&["pull", "--quiet", reference]).await;
        }
        let known = run(&["image", "inspect", "--format", "{{.RepoDigests}}", &by_digest]).await;
        assert!(known.contains(&by_digest), "{known}");
        run(&["tag", &by_digest, "local/image:1"]).await;
    }
}
