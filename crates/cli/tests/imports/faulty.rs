//! Registries that misbehave while packages of both architectures are imported.

use std::process::Stdio;
use std::thread;
use std::time::Duration;

use portolan_testkit::docker_registry::{Access, DockerRegistry, Options};
use portolan_testkit::faulty_proxy::{Action, Fault, FaultyProxy, Reply};
use portolan_testkit::skopeo::Skopeo;
use portolan_testkit::token_server::Life;
use portolan_transfer::Outcome;

use crate::material::{Amd64, Arm64, Importing, report, tags};
use crate::restarted::Restarted;
use crate::watch::watched;

/// Requests of both imports, and many more.
const MANY: usize = 2_000;

#[test]
fn a_registry_that_fails_cuts_and_limits_gets_everything() {
    let (Some(registry), Some(skopeo)) = (DockerRegistry::start(&Options::default()), Skopeo::new()) else {
        return;
    };
    let proxy = FaultyProxy::before(registry.host().as_str());
    // At prime distances, so that one blob's attempts don't keep step with them.
    for number in (10..MANY).step_by(11) {
        let status = [500, 502, 503, 504][number % 4];
        proxy.add(Fault::to("*", "/v2/*", Action::Answer(Reply::status(status))).nth(number));
    }
    for number in (15..MANY).step_by(19) {
        proxy.add(Fault::to("*", "/v2/*", Action::Cut { after: 40_000 }).nth(number));
    }
    let limited = Reply::status(429).header("Retry-After", "1");
    proxy.add(Fault::to("POST", "/v2/*", Action::Answer(limited)).nth(7));
    let importing = Importing::to(proxy.host().as_str());

    let ((), found) = watched(&registry, &skopeo, &tags(), || {
        for package in [Amd64, Arm64] {
            assert_eq!(importing.complete(package.file()).outcome(), Outcome::Done);
        }
    });

    assert_eq!(found, [] as [&str; 0]);
    proxy.heal();
    importing.check_both(&registry, &skopeo);
}

#[test]
fn tokens_that_run_out_in_the_middle_are_renewed() {
    let access = Access::Token { name: "alice".to_owned(), password: "s3cret".to_owned() };
    let options = Options { access: access.clone(), ..Options::default() };
    let (Some(registry), Some(skopeo)) = (DockerRegistry::start(&options), Skopeo::new()) else { return };
    registry.tokens().unwrap().set_life(Life { real: Duration::from_secs(1), said: None });
    let login = "    externalImageRepoUsername: alice\n    externalImageRepoPassword: s3cret\n";
    let importing = Importing::signed_in(registry.host().as_str(), login);
    for package in [Amd64, Arm64] {
        // Slow enough for several lives of a token.
        let mut command = importing.command(package.file());
        let ended = crate::site::ended(command.args(["--limit-rate", "500K"])).expect(0);
        assert_eq!(report(&ended).outcome(), Outcome::Done);
    }
    // Whether skopeo renews its tokens is another question.
    registry.tokens().unwrap().set_life(Life::default());
    let skopeo = skopeo.with(&access);
    for tag in tags() {
        assert_eq!(skopeo.manifest(&registry, &tag).index().unwrap().manifests.len(), 2, "{tag}");
        skopeo.pull(&registry, &tag);
    }
    assert!(registry.tokens().unwrap().asked().len() > 10);
}

#[test]
fn a_registry_that_is_killed_and_started_again_gets_everything() {
    let (Some(mut registry), Some(_)) = (Restarted::start(), Skopeo::new()) else { return };
    let proxy = FaultyProxy::before(&registry.host());
    let importing = Importing::to(proxy.host().as_str());
    for package in [Amd64, Arm64] {
        proxy.forget();
        let mut command = importing.command(package.file());
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        for moment in [20, 45] {
            while proxy.seen().len() < moment {
                thread::sleep(Duration::from_millis(1));
            }
            registry.kill();
            registry.start_again();
        }
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{package:?}: {}", String::from_utf8_lossy(&output.stdout));
    }
    for tag in tags() {
        let shown = importing.site.run(&format!("inspect http://{}/{tag}", registry.host())).expect(0);
        assert!(shown.out.contains("an image index of 2 platforms"), "{shown:?}");
    }
}
