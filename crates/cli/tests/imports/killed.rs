//! `kill -9` at moments that a seed decides.

use std::env;
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use portolan_testkit::docker_registry::{DockerRegistry, Options};
use portolan_testkit::faulty_proxy::FaultyProxy;
use portolan_testkit::random::Random;
use portolan_testkit::skopeo::Skopeo;

use crate::material::{Amd64, Architecture, Arm64, Importing, tags};
use crate::watch::{not_whole, watched};

/// Kills in all, unless the environment has another number.
const SEEDS: u64 = 6;
/// The environment: how many, and the first of them.
const COUNT: &str = "PORTOLAN_CRASH_SEEDS";
const FIRST: &str = "PORTOLAN_CRASH_FIRST";
/// Imports that are killed at once.
const AT_ONCE: u64 = 2;
/// About so many requests an import makes. A kill that comes after the last of them is none.
const REQUESTS: usize = 110;
/// How often it is looked how far an import is.
const LOOK: Duration = Duration::from_millis(1);

fn number(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn a_killed_import_leaves_whole_tags_and_is_completed() {
    let (first, count) = (number(FIRST, 1), number(COUNT, SEEDS));
    let in_the_middle: usize = thread::scope(|scope| {
        let lane = |lane| (first..first + count).skip(lane as usize).step_by(AT_ONCE as usize).map(killed);
        let lanes: Vec<_> =
            (0..AT_ONCE).map(|at| scope.spawn(move || lane(at).flatten().filter(|is| *is).count())).collect();
        lanes.into_iter().map(|lane| lane.join().unwrap()).sum()
    });
    if Skopeo::new().is_some() {
        assert!(in_the_middle as u64 >= count / 2, "{in_the_middle} of {count} kills came in the middle");
    }
}

/// One import that is killed, and completed. Whether it was in the middle; `None` where a program is missing.
fn killed(seed: u64) -> Option<bool> {
    let (registry, skopeo) = (DockerRegistry::start(&Options::default())?, Skopeo::new()?);
    let mut random = Random::new(seed);
    let proxy = FaultyProxy::before(registry.host().as_str());
    let importing = Importing::to(proxy.host().as_str());
    // Mostly the second architecture, whose tags are there already.
    let (before, killed, after): (&[Architecture], _, _) =
        if random.below(3) > 0 { (&[Amd64], Arm64, Amd64) } else { (&[], Amd64, Arm64) };
    before.iter().for_each(|package| drop(importing.complete(package.file())));
    proxy.forget();
    let moment = random.below(REQUESTS);

    let (was_running, found) = watched(&registry, &skopeo, &tags(), || {
        let mut command = importing.command(killed.file());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        kill_after(child, || proxy.seen().len() >= moment)
    });

    assert_eq!(found, [] as [&str; 0], "seed {seed}: while it ran");
    let left: Vec<String> = tags().iter().filter_map(|tag| not_whole(&registry, &skopeo, tag)).collect();
    assert_eq!(left, [] as [&str; 0], "seed {seed}: after the kill");
    for tag in tags() {
        let looked = importing.site.run(&format!("inspect http://{}/{tag}", registry.host()));
        assert!([0, 1].contains(&looked.code), "seed {seed}: {looked:?}");
    }
    importing.complete(killed.file());
    importing.complete(after.file());
    importing.check_both(&registry, &skopeo);
    Some(was_running)
}

/// Kills the program once it is that far; whether it was running still.
fn kill_after(mut child: Child, is_that_far: impl Fn() -> bool) -> bool {
    while !is_that_far() && child.try_wait().unwrap().is_none() {
        thread::sleep(LOOK);
    }
    let was_running = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    was_running
}
