//! Backups hold what the issue of an upgrade would want back, for their owner alone, and bring it back.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use portolan_release::{
    BackupOptions, RestoreOptions, Run, RunState, Silent, Work, back_up, find, restore, restore_task, runs,
};
use portolan_testkit::components::{HELM_3_10, HELM_4};
use portolan_testkit::process;

use crate::charts::module;
use crate::site::Site;
use crate::upgrade::holder;

const BASKET: &str = "\
apiVersion: test.example/v1
kind: Basket
metadata: {name: mine, namespace: backup-0}
";

fn every_file_is_private(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        match entry.file_type().unwrap().is_dir() {
            true => {
                assert_eq!(mode, 0o700, "{}", entry.path().display());
                every_file_is_private(&entry.path());
            }
            false => assert_eq!(mode, 0o600, "{}", entry.path().display()),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_is_kept_and_brought_back() {
    for (number, helm) in [HELM_3_10, HELM_4].iter().enumerate() {
        let namespace = format!("backup-{number}");
        let Some(site) = Site::start(&namespace, helm).await else { return };
        site.install("kairship", &module("kairship", "0.20.0"), &["--set", "web.replicas=1"]);
        site.kubernetes.apply(&BASKET.replace("backup-0", &namespace));
        let name = "kairship".parse().unwrap();
        let release = find(&site.cluster, &name, &site.namespace, None).await.unwrap();
        let folder = tempfile::tempdir().unwrap().path().join("run/backup");
        let options =
            BackupOptions { definitions: vec!["baskets.test.example".into()], custom_resources: true };
        let backup = back_up(&site.cluster, &site.helm, &release, &options, &folder).await.unwrap();
        assert_eq!((backup.revision, backup.definitions), (1, 1));
        assert!(backup.custom_resources >= 1);
        let by_hand = process::run(&mut site.by_hand(&["get", "values", "kairship", "-o", "yaml"]));
        assert_eq!(fs::read(folder.join("bak.yaml")).unwrap(), by_hand);
        let text = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
        assert!(text("values.yaml").contains("imageRegistry: release.test.example"));
        assert!(text("manifest.yaml").contains("kind: Deployment"));
        assert!(text("hooks.yaml").contains("post-upgrade"));
        assert_eq!(text("notes.txt").trim(), "Installed kairship.");
        assert!(text("crds/baskets.test.example.json").contains("\"kind\": \"CustomResourceDefinition\""));
        every_file_is_private(folder.parent().unwrap());

        // The release is gone altogether, and a custom resource with it.
        process::run(&mut site.by_hand(&["uninstall", "kairship"]));
        site.kubernetes.kubectl(&["-n", &namespace, "delete", "baskets", "mine"]);
        let options = RestoreOptions { custom_resources: true, timeout: Duration::from_secs(60) };
        let state = tempfile::tempdir().unwrap();
        let task = restore_task(&site.cluster, &folder, holder()).unwrap();
        let run = Run::recorded(&Silent, &state.path().join("run"), task).unwrap();
        let restored = restore(&site.cluster, &site.helm, &folder, &options, &run).await.unwrap();
        let (written, _) = runs(state.path()).unwrap();
        assert_eq!(written[0].task.work, Work::Restore);
        assert!(matches!(&written[0].state, RunState::Ended { outcome, .. } if outcome == "restored"));
        assert!(site.kubernetes.object(&namespace, "lease", "portolan-kairship").is_none());
        assert!(restored.record_made_again);
        assert_eq!((restored.from, restored.revision), (1, 2));
        assert!(site.kubernetes.object(&namespace, "deployment", "kairship-kairship").is_some());
        assert!(site.kubernetes.object(&namespace, "baskets", "mine").is_some());
        let overrides = site.helm.overrides(&site.release("kairship")).await.unwrap();
        assert_eq!(overrides, by_hand);
    }
}

#[tokio::test]
async fn what_is_no_backup() {
    let Some(site) = Site::start("no-backup", &HELM_4).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let options = RestoreOptions { custom_resources: false, timeout: Duration::from_secs(10) };
    let run = Run::unrecorded(&Silent);
    let restored = async || restore(&site.cluster, &site.helm, folder.path(), &options, &run).await;
    let error = async || restored().await.unwrap_err().to_string();
    let file = folder.path().join("backup.json");
    assert_eq!(error().await, format!("cannot read {}", file.display()));
    fs::write(&file, "{}").unwrap();
    assert_eq!(error().await, format!("{} is not what a backup holds", file.display()));
    let text = r#"{"backupVersion": 7, "release": "a", "namespace": "no-backup", "revision": 3, "chart": "a", "version": "1", "created": ""}"#;
    fs::write(&file, text).unwrap();
    let expected = "is a backup of version 7, and this program reads 1 at most";
    assert_eq!(error().await, format!("{} {expected}", file.display()));
    fs::write(&file, text.replace('7', "1")).unwrap();
    let expected = "the cluster has no revision 3 of a any more, and the backup has no release.json";
    assert_eq!(error().await, expected);
}
