//! containerd's `ctr`: pushes and pulls, one platform and all.

use portolan_testkit::images::Image;
use portolan_testkit::runtimes::Containerd;

use super::{Door, NAME, PASSWORD, archive, run};

#[tokio::test]
async fn ctr_pushes_and_pulls() {
    let Some(daemon) = Containerd::start() else { return };
    let user = format!("{NAME}:{PASSWORD}");
    let (_folder, path) = archive(&Image::random("local.test/image:1", 13));
    let local = async |arguments: &[&str]| {
        let mut command = daemon.command();
        command.arg("images").args(arguments);
        run(command).await
    };
    local(&["import", &path]).await;
    for door in Door::all().await {
        let remote = async |subcommand: &str, arguments: &[&str]| {
            let mut command = daemon.command();
            command.args(["images", subcommand, "--plain-http"]);
            door.sign_in(&mut command, &["--user", &user]);
            run({
                command.args(arguments);
                command
            })
            .await
        };
        let (first, second) = (door.named("p/a:1"), door.named("q/b:1"));
        for reference in [&first, &second] {
            remote("push", &[reference, "local.test/image:1"]).await;
        }
        let digest = door.digest("p/a", "1").await;
        assert_eq!(door.digest("q/b", "1").await, digest);
        remote("pull", &["--all-platforms", "--snapshotter", "native", &first]).await;
        let listed = local(&["list"]).await;
        assert!(
            listed.lines().any(|line| line.starts_with(&first) && line.contains(&digest.to_string())),
            "{listed}"
        );
        assert!(local(&["check"]).await.contains("complete"));
    }
}
