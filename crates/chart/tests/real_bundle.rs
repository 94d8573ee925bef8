//! The chart of a real bundle, written by charts-syncer: its hints and where they lead. Skipped where
//! the bundle isn't beside the checkout.

#![expect(clippy::print_stdout, reason = "a skipped test says so")]
#![expect(clippy::unwrap_used, reason = "the helper is part of the tests")]

use std::{fs::File, io::Read, path::PathBuf};

use portolan_chart::{Chart, ChartFile, Hints, RelocateOptions, Rules, hint_images, relocate};
use portolan_oci::{Digest, Reference};

const BUNDLE: &str = "../../../shared/data/testchart-intermediate.tar";

/// Chart and hints of the bundle.
fn bundle() -> Option<(Chart, Hints)> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(BUNDLE);
    let Ok(file) = File::open(&path) else {
        println!("SKIPPED: {} is absent", path.display());
        return None;
    };
    let mut files = Vec::new();
    let mut hints = Vec::new();
    for entry in tar::Archive::new(file).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        if path == "hints.yaml" {
            entry.read_to_end(&mut hints).unwrap();
        } else if let Some(path) = path.strip_prefix("original-chart/") {
            let mut data = Vec::new();
            entry.read_to_end(&mut data).unwrap();
            files.push(ChartFile { path: path.to_owned(), data: data.into() });
        }
    }
    Some((Chart::from_files("bundle", files).unwrap(), Hints::parse("hints.yaml", &hints).unwrap()))
}

fn rules() -> Rules {
    Rules {
        registry: Some("10.16.10.111".parse().unwrap()),
        repository: Some("release.daocloud.io/test".parse().unwrap()),
        ..Rules::default()
    }
}

#[test]
fn hints_name_the_images() {
    let Some((chart, hints)) = bundle() else { return };
    let images = hint_images(&chart, &hints, &rules()).unwrap();
    let shown: Vec<String> =
        images.iter().map(|i| format!("{} -> {} {}", i.source, i.target, i.pin_digest)).collect();
    let tiny = "harbor-repo.vmware.com/tanzu_isv_engineering/tiny:tiniest -> \
                10.16.10.111/release.daocloud.io/test/tiny:tiniest";
    assert_eq!(
        shown,
        [
            format!("{tiny} false"),
            format!("{tiny} true"),
            "harbor-repo.vmware.com/dockerhub-proxy-cache/library/busybox:1.33.1 -> \
             10.16.10.111/release.daocloud.io/test/busybox:1.33.1 true"
                .to_owned(),
            format!("{tiny} false"),
        ]
    );
}

#[test]
fn values_change_where_the_images_stand() {
    let Some((chart, hints)) = bundle() else { return };
    let digest_of = |image: &Reference| Some(Digest::sha256(image.to_string().as_bytes()));
    let options = RelocateOptions { target_repo_name: "myrepo".to_owned(), digest_of: &digest_of };
    let relocated = relocate(&chart, &hints, &rules(), &options).unwrap();
    let digest = |text: &str| Digest::sha256(text.as_bytes());
    let tiny = "harbor-repo.vmware.com/tanzu_isv_engineering/tiny";
    let busybox = "harbor-repo.vmware.com/dockerhub-proxy-cache/library/busybox:1.33.1";
    let target = "10.16.10.111/release.daocloud.io/test";
    let expected = String::from_utf8(chart.file("values.yaml").unwrap().data.to_vec()).unwrap();
    let expected = expected
        .replace(
            &format!("image: {tiny}:tiniest"),
            &format!("image: {target}/tiny@{}", digest(&format!("{tiny}:tiniest"))),
        )
        .replace(busybox, &format!("{target}/busybox@{}", digest(busybox)))
        .replace(tiny, &format!("{target}/tiny"));
    assert_eq!(relocated.chart.file("values.yaml").unwrap().data, expected);
    let sub = relocated.chart.file("charts/subchart/values.yaml").unwrap();
    assert_eq!(sub.data, format!("image:\n  name: {target}/tiny\n  tag: tiniest\n"));
    let edited = ["values.yaml", "charts/subchart/values.yaml"];
    for file in chart.files().iter().filter(|file| !edited.contains(&file.path.as_str())) {
        assert_eq!(relocated.chart.file(&file.path), Some(file), "kept byte for byte");
    }
}
