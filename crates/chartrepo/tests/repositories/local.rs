//! Kind `LOCAL` on a real directory, read by Helm itself.

use std::{fs, io::Write as _, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use crate::support::*;
use portolan_chartrepo::{
    ChartRepoError, ChartRepository, Published, Target,
    index::ChartIndex,
    local::{LocalError, LocalRepository},
};
use portolan_testkit::{charts, helm::Helm};

fn repository(path: &Path) -> LocalRepository {
    LocalRepository::new(path, now())
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn index(directory: &Path) -> ChartIndex {
    ChartIndex::read("index.yaml", fs::File::open(directory.join("index.yaml")).unwrap()).unwrap()
}

#[tokio::test]
async fn charts_and_their_index_are_written() {
    let temp = tempfile::tempdir().unwrap();
    let directory = temp.path().join("made/on/the/way");
    let repository = repository(&directory);
    let first = packed("a", "1.0.0+2", "x").with_provenance("signed".into());
    let second = packed("b", "0.1.0", "x");
    repository.check().await.unwrap();
    assert!(!directory.exists(), "a check writes nothing");
    assert_eq!(repository.find("a", &version("1.0.0+2")).await.unwrap(), None);
    repository.push(&first).await.unwrap();
    repository.push(&second).await.unwrap();
    repository.finish().await.unwrap();
    let files = ["a-1.0.0+2.tgz", "a-1.0.0+2.tgz.prov", "b-0.1.0.tgz", "index.yaml"];
    assert_eq!(names(&directory), files);
    let found = repository.find("a", &version("1.0.0+2")).await.unwrap();
    assert_eq!(found, Some(Published { digest: Some(first.digest().clone()) }));
    assert_eq!(repository.fetch("b", &version("0.1.0")).await.unwrap(), Some(second.archive().clone()));
    let index = index(&directory);
    let listed: Vec<_> =
        index.iter().map(|entry| (entry.digest().unwrap(), entry.created().unwrap())).collect();
    let created = "2023-11-14T22:13:20Z";
    assert_eq!(listed, [(first.digest().clone(), created), (second.digest().clone(), created)]);
}

#[tokio::test]
async fn a_second_run_changes_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let chart = packed("a", "1.0.0", "x");
    let first = repository(temp.path());
    first.push(&chart).await.unwrap();
    first.finish().await.unwrap();
    let before = fs::read(temp.path().join("index.yaml")).unwrap();
    let later = LocalRepository::new(temp.path(), now() + std::time::Duration::from_secs(60));
    later.push(&chart).await.unwrap();
    let error = later.push(&packed("a", "1.0.0", "y")).await.unwrap_err();
    let target = temp.path().join("a-1.0.0.tgz").display().to_string();
    assert_eq!(told(&error), format!("{target} exists already with other content; it was left as it is"));
    later.finish().await.unwrap();
    assert_eq!(fs::read(temp.path().join("index.yaml")).unwrap(), before);
    assert_eq!(fs::read(&target).unwrap(), *chart.archive());
}

#[tokio::test]
async fn what_others_put_there_stays_and_is_listed() {
    let temp = tempfile::tempdir().unwrap();
    let directory = temp.path();
    let theirs = "apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 0.9.0\n    team: ours\n    urls: [http://h/a-0.9.0.tgz]\n  \
                  - name: a\n    version: 0.8.0\n    urls: [old/a.tgz]\ngenerated: x\n";
    fs::write(directory.join("index.yaml"), theirs).unwrap();
    fs::write(directory.join("a-0.7.0.tgz"), charts::Chart::new("a", "0.7.0").archive()).unwrap();
    fs::write(directory.join("a-0.8.0.tgz"), charts::Chart::new("a", "0.8.0").archive()).unwrap();
    fs::write(directory.join("other.tgz"), "no chart").unwrap();
    let repository = repository(directory);
    repository.push(&packed("a", "1.0.0", "x")).await.unwrap();
    repository.finish().await.unwrap();
    let index = index(directory);
    let listed: Vec<String> = index
        .iter()
        .map(|entry| format!("{} {:?}", entry.version(), entry.urls().collect::<Vec<_>>()))
        .collect();
    let expected = [
        r#"1.0.0 ["a-1.0.0.tgz"]"#,
        r#"0.9.0 ["http://h/a-0.9.0.tgz"]"#,
        r#"0.8.0 ["old/a.tgz"]"#,
        r#"0.7.0 ["a-0.7.0.tgz"]"#,
    ];
    assert_eq!(listed, expected);
    assert!(fs::read_to_string(directory.join("index.yaml")).unwrap().contains("    team: ours\n"));
}

#[tokio::test]
async fn what_a_killed_run_left_is_cleared_and_listed() {
    let temp = tempfile::tempdir().unwrap();
    let chart = packed("a", "1.0.0", "x");
    repository(temp.path()).push(&chart).await.unwrap();
    let victim = temp.path().join("victim");
    fs::write(&victim, "mine").unwrap();
    std::os::unix::fs::symlink(&victim, temp.path().join(".index.yaml.part")).unwrap();
    fs::write(temp.path().join(".b-1.0.0.tgz.part"), "half").unwrap();
    let next = repository(temp.path());
    next.push(&packed("b", "1.0.0", "x")).await.unwrap();
    next.finish().await.unwrap();
    assert_eq!(names(temp.path()), ["a-1.0.0.tgz", "b-1.0.0.tgz", "index.yaml", "victim"]);
    assert_eq!(index(temp.path()).iter().count(), 2);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
}

#[tokio::test]
async fn runs_at_the_same_time_lose_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let run = |number: u32| {
        let repository = repository(temp.path());
        async move {
            repository.push(&packed("a", &format!("1.0.{number}"), "x")).await.unwrap();
            repository.push(&packed("shared", "1.0.0", "x")).await.unwrap();
            repository.finish().await.unwrap();
        }
    };
    let runs: Vec<_> = (0..8).map(|number| tokio::spawn(run(number))).collect();
    for run in runs {
        run.await.unwrap();
    }
    assert_eq!(index(temp.path()).iter().count(), 9);
    assert_eq!(names(temp.path()).len(), 10);
}

#[tokio::test]
async fn what_a_check_finds() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("file");
    fs::write(&file, "x").unwrap();
    for path in [file.clone(), file.join("below")] {
        let error = repository(&path).check().await.unwrap_err();
        let expected = format!("{} is no directory; target.repo.path has to name one", file.display());
        assert_eq!(told(&error), expected);
    }
    fs::write(temp.path().join("index.yaml"), "<html></html>").unwrap();
    let error = repository(temp.path()).check().await.unwrap_err();
    let expected = format!(
        "reading the chart directory's index; mend it or move it away: {}/index.yaml is a web page, not a chart index",
        temp.path().display()
    );
    assert_eq!(told(&error), expected);
}

/// Root may write anywhere but to a file system that is mounted read-only.
#[tokio::test]
async fn a_directory_that_cannot_be_written_to() {
    let temp = tempfile::tempdir().unwrap();
    fs::set_permissions(temp.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let path = if is_root() { Path::new("/proc/sys") } else { temp.path() };
    let error = repository(&path.join("charts")).check().await.unwrap_err();
    assert!(matches!(&error, ChartRepoError::Local(LocalError::NotWritable { .. })), "{}", told(&error));
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|proc| std::os::unix::fs::MetadataExt::uid(&proc) == 0)
}

/// A file system of that size in `directory`, unmounted when dropped.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(directory: &'a Path, size: &str) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(directory);
        let mounted = is_root() && mount.status().is_ok_and(|status| status.success());
        mounted.then_some(Self(directory))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_leaves_nothing_half_written() {
    let temp = tempfile::tempdir().unwrap();
    let Some(_disk) = SmallDisk::mount(temp.path(), "64k") else {
        // Not a component that somebody could install: also in CI a container may forbid mounts.
        let why = "SKIPPED a_full_disk_leaves_nothing_half_written: no tmpfs can be mounted here";
        return writeln!(std::io::stderr(), "{why}").unwrap();
    };
    let noise: String =
        portolan_testkit::random::bytes(7, 200_000).iter().map(|b| format!("{b:02x}")).collect();
    let large = packed("large", "1.0.0", &noise).with_provenance("signed".into());
    let small = packed("small", "1.0.0", "x");
    let repository = repository(temp.path());
    repository.push(&small).await.unwrap();
    let error = repository.push(&large).await.unwrap_err();
    let expected = format!(
        "writing {}/large-1.0.0.tgz: no space left for its {} bytes; nothing of it was kept, free some space and run again: ",
        temp.path().display(),
        large.archive().len()
    );
    assert!(told(&error).starts_with(&expected), "{}", told(&error));
    repository.finish().await.unwrap();
    assert_eq!(names(temp.path()), ["index.yaml", "small-1.0.0.tgz"]);
    assert_eq!(index(temp.path()).iter().count(), 1);
}

#[tokio::test]
async fn helm_reads_what_was_written_and_indexes_it_alike() {
    let temp = tempfile::tempdir().unwrap();
    let repository = open(&Target::Local { path: temp.path().to_owned() }, None);
    for (name, version) in [("a", "1.0.0+2"), ("a", "0.9.0"), ("b", "0.1.0")] {
        repository.push(&packed(name, version, "x")).await.unwrap();
    }
    repository.finish().await.unwrap();
    let ours = index(temp.path());
    let directory = temp.path().to_owned();
    let server = Peer::start(move |seen| {
        let path = seen.line.trim_start_matches("GET /").replace("%2B", "+");
        fs::read(directory.join(path)).map_or_else(|_| reply(404, ""), |bytes| reply(200, bytes))
    });
    for helm in Helm::all() {
        let pulled = tempfile::tempdir().unwrap();
        let repo = server.url("");
        let archive = helm.pull("a", "1.0.0+2", &["--repo", &repo], pulled.path());
        assert_eq!(fs::read(archive).unwrap(), fs::read(temp.path().join("a-1.0.0+2.tgz")).unwrap());
        assert_eq!(index_by_helm(&helm, temp.path()), summary(&ours), "{}", helm.name);
    }
}

/// What `helm repo index` makes of the archives, in a directory of its own.
fn index_by_helm(helm: &Helm, directory: &Path) -> Vec<String> {
    let copy = tempfile::tempdir().unwrap();
    for name in names(directory).iter().filter(|name| name.ends_with(".tgz")) {
        fs::copy(directory.join(name), copy.path().join(name)).unwrap();
    }
    portolan_testkit::process::run(helm.command().args(["repo", "index"]).arg(copy.path()));
    summary(&index(copy.path()))
}

fn summary(index: &ChartIndex) -> Vec<String> {
    let of = |(name, entries): (&str, &[portolan_chartrepo::index::Entry])| {
        entries
            .iter()
            .map(|entry| {
                format!(
                    "{name} {} {:?} {:?}",
                    entry.version(),
                    entry.urls().collect::<Vec<_>>(),
                    entry.digest()
                )
            })
            .collect::<Vec<_>>()
    };
    index.entries().flat_map(of).collect()
}
