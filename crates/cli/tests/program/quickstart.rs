//! `quickstart`, from beginning to end.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Stdio};

use portolan_testkit::helm::Helm;

use crate::site::{Site, ended};

#[test]
fn once_ends_by_itself_and_leaves_nothing() {
    let site = Site::new();
    site.write("tmp/keep", "");
    let shown = ended(site.command("quickstart --once").env("TMPDIR", site.path("tmp"))).expect(0);
    assert_eq!(shown.out.matches("\n  pushed  ").count(), 3, "{shown:?}");
    assert_eq!(shown.out.matches("\n  exists  ").count(), 5, "{shown:?}");
    assert!(shown.out.contains(", 0 B sent\n"), "{shown:?}");
    assert_eq!(left_in(&site.path("tmp")), ["keep"]);
}

fn left_in(directory: &Path) -> Vec<String> {
    let names =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

/// A quickstart that stays up, ended by the test.
struct Running {
    child: Child,
    host: String,
}

impl Running {
    fn start(site: &Site) -> Self {
        site.write("tmp/keep", "");
        let mut command = site.command("quickstart");
        let mut child = command
            .env("TMPDIR", site.path("tmp"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let started = lines.by_ref().map(Result::unwrap).find_map(|line| {
            line.strip_prefix("Started a registry and chart repository on http://").map(str::to_owned)
        });
        lines.by_ref().map(Result::unwrap).find(|line| line.contains("until Ctrl-C")).unwrap();
        // The pipe stays open until the child ends.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, host: started.unwrap() }
    }

    fn interrupt(mut self) -> i32 {
        let id = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let mut rest = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
        self.child.wait().unwrap().code().unwrap()
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_takes_everything_away() {
    let site = Site::new();
    let running = Running::start(&site);
    assert_eq!(left_in(&site.path("tmp")).len(), 2);
    assert_eq!(running.interrupt(), 0);
    assert_eq!(left_in(&site.path("tmp")), ["keep"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_in_the_middle_takes_everything_away_too() {
    let site = Site::new();
    site.write("tmp/keep", "");
    let mut command = site.command("quickstart --log-format json");
    let mut run = crate::background::Background::start(command.env("TMPDIR", site.path("tmp")));
    run.wait_for(r#""type":"started""#);
    run.signal("INT");
    let ended = run.end();
    // The signal may come when the last of it is done.
    assert!([0, 3].contains(&ended.code), "{ended:?}");
    assert!(ended.err.contains(r#""type":"interrupted""#), "{ended:?}");
    assert_eq!(left_in(&site.path("tmp")), ["keep"]);
}

#[cfg(unix)]
#[test]
fn helm_takes_the_charts_and_renders_the_new_names() {
    let helms = Helm::all();
    if helms.is_empty() {
        return;
    }
    let site = Site::new();
    let running = Running::start(&site);
    let repository = format!("http://{}/quickstart", running.host);
    for helm in helms {
        for (chart, version, images) in
            [("lighthouse", "1.2.0", ["lamp", "foghorn"]), ("harbour", "0.4.1", ["lamp", "pier"])]
        {
            let folder = site.path(&format!("{}-{chart}", helm.name));
            fs::create_dir(&folder).unwrap();
            let archive = helm.pull(chart, version, &["--repo", &repository], &folder);
            helm.lint(&archive);
            let expected = images.map(|image| format!("{}/quickstart/{image}:1.0.0", running.host));
            assert_eq!(helm.images(&archive), expected, "{}", helm.name);
        }
    }
    running.interrupt();
}
