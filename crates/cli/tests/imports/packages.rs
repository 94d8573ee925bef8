//! Packages that are not what they should be, and machines without room for anything beside them.

use std::fs;

use portolan_testkit::docker_registry::{DockerRegistry, Options};
use portolan_testkit::skopeo::Skopeo;
use portolan_testkit::tarball::gzip;
use portolan_transfer::{ImageOutcome, Outcome};

use crate::material::{Amd64, Arm64, Importing, report, tags, tar};
use crate::watch::not_whole;

fn start() -> Option<(DockerRegistry, Skopeo, Importing)> {
    let (registry, skopeo) = (DockerRegistry::start(&Options::default())?, Skopeo::new()?);
    let importing = Importing::to(registry.host().as_str());
    Some((registry, skopeo, importing))
}

#[test]
fn a_package_that_is_cut_off_anywhere_leaves_whole_tags() {
    let Some((registry, skopeo, importing)) = start() else { return };
    let whole = gzip(&tar(Amd64));
    for part in [1, 4, 7, 9] {
        importing.site.write("cut.tar.gz", &whole[..whole.len() * part / 10]);
        let ended = importing.import("cut.tar.gz");
        assert!([1, 3].contains(&ended.code), "{part} of 10: {ended:?}");
        let left: Vec<String> = tags().iter().filter_map(|tag| not_whole(&registry, &skopeo, tag)).collect();
        assert_eq!(left, [] as [&str; 0], "{part} of 10");
    }
    importing.complete(Amd64.file());
    importing.complete(Arm64.file());
    importing.check_both(&registry, &skopeo);
}

#[test]
fn a_package_with_a_wrong_bit_is_told() {
    let Some((registry, skopeo, importing)) = start() else { return };
    let mut wrong = gzip(&tar(Amd64));
    let middle = wrong.len() / 2;
    wrong[middle] ^= 1;
    importing.site.write("wrong.tar.gz", wrong);
    let ended = importing.import("wrong.tar.gz");
    assert!([1, 3].contains(&ended.code), "{ended:?}");
    let left: Vec<String> = tags().iter().filter_map(|tag| not_whole(&registry, &skopeo, tag)).collect();
    assert_eq!(left, [] as [&str; 0]);
    importing.complete(Amd64.file());
    importing.complete(Arm64.file());
    importing.check_both(&registry, &skopeo);
}

#[test]
fn garbage_behind_the_end_and_several_members_are_read() {
    let Some((registry, skopeo, importing)) = start() else { return };
    let amd = gzip(&tar(Amd64));
    importing.site.write("garbage.tar.gz", [amd.as_slice(), &[0x5a; 4096]].concat());
    let with_garbage = importing.complete("garbage.tar.gz");
    assert!(
        with_garbage.notes.iter().any(|note| note.contains("4096 bytes of trailing garbage")),
        "{with_garbage:#?}"
    );
    let arm = tar(Arm64);
    let (one, other) = arm.split_at(arm.len() / 3);
    importing.site.write("members.tar.gz", [gzip(one), gzip(other)].concat());
    assert_eq!(importing.complete("members.tar.gz").outcome(), Outcome::Done);
    importing.check_both(&registry, &skopeo);
}

#[test]
fn a_package_of_another_architecture_than_its_name_says_is_noted() {
    let Some((_registry, _, importing)) = start() else { return };
    fs::rename(importing.site.path(Arm64.file()), importing.site.path(Amd64.file())).unwrap();
    let noted = importing.complete(Amd64.file());
    assert!(
        noted.notes.iter().any(|note| note.contains("is named amd64, but its images are for arm64")),
        "{noted:#?}"
    );
    assert!(noted.images.iter().all(|image| image.platforms[0].architecture == "arm64"));
}

#[test]
fn the_same_package_twice_brings_nothing() {
    let Some((registry, skopeo, importing)) = start() else { return };
    for package in [Amd64, Arm64] {
        importing.complete(package.file());
        let before = registry.requests().len();
        let again = importing.complete(package.file());
        assert!(again.images.iter().all(|image| image.action == ImageOutcome::Exists), "{again:#?}");
        assert_eq!(again.totals.bytes_sent, 0);
        let writes = registry.requests().split_off(before);
        let writes: Vec<_> =
            writes.iter().filter(|request| !["GET", "HEAD"].contains(&request.method.as_str())).collect();
        assert!(writes.is_empty(), "{writes:?}");
    }
    importing.check_both(&registry, &skopeo);
}

/// Root writes wherever it likes, so the folder for temporary files is one that can't take any.
#[test]
fn nothing_is_laid_down_beside_the_package() {
    let Some((registry, skopeo, importing)) = start() else { return };
    importing.site.write("no-folder", "a file where a folder should be");
    let listed = |importing: &Importing| {
        let entries = fs::read_dir(importing.site.path("")).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = listed(&importing);
    for package in [Amd64, Arm64] {
        let mut command = importing.command(package.file());
        command.env("TMPDIR", importing.site.path("no-folder/tmp"));
        assert_eq!(report(&crate::site::ended(&mut command).expect(0)).outcome(), Outcome::Done);
    }
    assert_eq!(listed(&importing), before);
    importing.check_both(&registry, &skopeo);
}
