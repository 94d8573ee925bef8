//! `sync` on servers that answer.

use std::fs;

use portolan_oci::Platform;
use portolan_testkit::{bundles::Bundle, charts::Chart, images::Image, tarball::gzip};
use portolan_transfer::{ChartOutcome, ImageOutcome};

use crate::inputs::{
    ORIGIN, bundle, harbor_configuration, image, local_configuration, local_site, report, two_bundles,
};
use crate::site::{Depot, Site, ended};

#[cfg(unix)]
#[test]
fn the_seeds_command_line_through_a_link() {
    let (site, depot) = (Site::new(), Depot::harbor());
    two_bundles(&site);
    site.write("load-image.yaml", harbor_configuration(&depot.host()));
    let line = "sync --config load-image.yaml";
    // The project is missing, and nobody said it may be made.
    let refused = ended(&mut site.through_link("charts-syncer", line)).expect(1);
    assert!(refused.err.contains("lacks the projects release.daocloud.io"), "{refused:?}");
    // With leave to, the project is made for images and charts alike.
    let line = "sync --config load-image.yaml --auto-create-repository";
    let done = ended(&mut site.through_link("charts-syncer", line)).expect(0);
    assert!(done.out.contains("release.daocloud.io/kairship/kant:v1"), "{done:?}");
    let again = ended(&mut site.through_link("charts-syncer", line)).expect(0);
    assert!(again.out.contains(", 0 B sent"), "{again:?}");
    for shown in [refused.err, done.err, again.err, refused.out, done.out, again.out] {
        assert!(!shown.contains("Harbor12345"), "{shown}");
    }
}

#[test]
fn the_report_tells_every_image_and_chart() {
    let (site, depot) = local_site();
    let first = report(&site.run("sync -c load-image.yaml --output json").expect(0).out);
    assert_eq!(first.report_version, 1);
    let images: Vec<_> = first.images.iter().map(|image| (image.target.to_string(), image.action)).collect();
    let target = |name: &str| format!("{}/apps/{name}:v1", depot.host());
    assert_eq!(images, [(target("kant"), ImageOutcome::Pushed), (target("kpanda"), ImageOutcome::Pushed)]);
    assert_eq!(first.images[0].digest, Some(image("kant", 1).docker_digest()));
    assert_eq!(first.images[0].platforms, ["linux/amd64".parse().unwrap()]);
    let charts: Vec<_> = first.charts.iter().map(|chart| (chart.target.as_str(), chart.action)).collect();
    assert_eq!(
        charts,
        [("charts/kant-1.0.0.tgz", ChartOutcome::Pushed), ("charts/kpanda-1.0.0.tgz", ChartOutcome::Pushed)]
    );
    assert!(site.path("charts/index.yaml").is_file());
    let second = report(&site.run("sync -c load-image.yaml --output json").expect(0).out);
    assert!(second.images.iter().all(|image| image.action == ImageOutcome::Exists), "{second:?}");
    assert!(second.charts.iter().all(|chart| chart.action == ChartOutcome::Exists), "{second:?}");
    assert_eq!(second.totals.bytes_sent, 0);
}

#[test]
fn a_packed_package_and_one_through_a_pipe() {
    let depot = Depot::open();
    for (path, piped) in [("kant.tar.gz", false), ("-", true)] {
        let site = Site::new();
        site.write("kant.tar.gz", gzip(&bundle("kant", 1)));
        let config =
            local_configuration(&depot.host()).replace("Path: bundles", &format!("Path: \"{path}\""));
        site.write("load-image.yaml", config);
        let mut command = site.command("sync -c load-image.yaml --output json");
        let done =
            report(&ended(command.stdin(fs::File::open(site.path("kant.tar.gz")).unwrap())).expect(0).out);
        let expected = if piped { ImageOutcome::Exists } else { ImageOutcome::Pushed };
        assert_eq!((done.images[0].action, done.charts[0].action), (expected, ChartOutcome::Pushed));
    }
}

#[test]
fn a_limited_rate_is_kept() {
    let (site, _depot) = local_site();
    let report = report(&site.run("sync -c load-image.yaml --limit-rate 10K --output json").expect(0).out);
    let least = report.totals.bytes_sent as f64 / 10_000.0 - 0.2;
    assert!(least > 0.5, "{:?}", report.totals);
    assert!(report.totals.seconds >= least, "{:?}", report.totals);
}

#[test]
fn a_dry_run_shows_the_plan_and_writes_nothing() {
    let (site, depot) = local_site();
    let host = depot.host();
    let shown = site.run("sync -c load-image.yaml --dry-run").expect(0);
    let expected = format!(
        "\
Images to http://{host}
  push  {host}/apps/kant:v1    linux/amd64  SIZE
        from origin.example.com/team/kant:v1
  push  {host}/apps/kpanda:v1  linux/amd64  SIZE
        from origin.example.com/team/kpanda:v1
Charts to LOCAL charts
  upload  kant 1.0.0    charts/kant-1.0.0.tgz
          values.yaml: app.image.registry: origin.example.com becomes {host}
          values.yaml: app.image.repository: team/kant becomes apps/kant
          README.md: line 3: helm repo add bitnami https://charts.bitnami.com/bitnami becomes helm repo add myrepo https://charts.bitnami.com/bitnami
          README.md: line 4: helm install my bitnami/kant becomes helm install my myrepo/kant
  upload  kpanda 1.0.0  charts/kpanda-1.0.0.tgz
          values.yaml: app.image.registry: origin.example.com becomes {host}
          values.yaml: app.image.repository: team/kpanda becomes apps/kpanda
          README.md: line 3: helm repo add bitnami https://charts.bitnami.com/bitnami becomes helm repo add myrepo https://charts.bitnami.com/bitnami
          README.md: line 4: helm install my bitnami/kpanda becomes helm install my myrepo/kpanda

Images: 2 to push (up to SIZE)
Charts: 2 to upload
Plan: DIGEST
Nothing was written.
"
    );
    let plan: serde_json::Value =
        serde_json::from_str(&site.run("sync -c load-image.yaml --dry-run --output json").expect(0).out)
            .unwrap();
    let digest = plan["digest"].as_str().unwrap();
    assert_eq!(without_sizes(&shown.out), expected.replace("DIGEST", digest));
    assert!(!site.path("charts").exists());
    assert_eq!((&plan["planVersion"], &plan["images"][0]["action"]), (&1.into(), &"push".into()));
    let again = site.run("sync -c load-image.yaml --dry-run").expect(0);
    assert!(again.out.contains("Images: 2 to push"), "nothing may have been written: {again:?}");
}

/// Sizes depend on the compressor that made the bundle.
fn without_sizes(text: &str) -> String {
    let line = |line: &str| match (line.find(" KiB"), line.rfind("(up to ")) {
        (Some(unit), Some(start)) => format!("{}(up to SIZE{}", &line[..start], &line[unit + 4..]),
        (Some(unit), None) => {
            format!("{}SIZE", line[..unit].trim_end_matches(|c: char| c.is_ascii_digit() || c == '.'))
        }
        _ => line.to_owned(),
    };
    text.lines().map(|text| line(text) + "\n").collect()
}

#[test]
fn images_alone_are_printed_as_pairs() {
    let (site, depot) = local_site();
    let host = depot.host();
    let pairs = format!(
        "origin.example.com/team/kant:v1 {host}/apps/kant:v1\norigin.example.com/team/kpanda:v1 {host}/apps/kpanda:v1\n"
    );
    assert_eq!(site.run("sync -c load-image.yaml --print-images").expect(0).out, pairs);
}

#[test]
fn two_architectures_of_a_folder_go_under_one_name() {
    let (site, depot) = (Site::new(), Depot::open());
    site.write("load-image.yaml", local_configuration(&depot.host()));
    let chart = Chart::new("kant", "1.0.0").image("app", ORIGIN, "team/kant", "v1");
    for (seed, architecture) in (1..).zip(["amd64", "arm64"]) {
        let platform = Platform::new("linux", architecture);
        let image = Image::random_for(&format!("{ORIGIN}/team/kant:v1"), seed, &platform);
        site.write(&format!("bundles/{architecture}.bundle.tar"), Bundle::new(&chart).images(&[image]).tar());
    }
    let target = format!("{}/apps/kant:v1", depot.host());

    let pairs = site.run("sync -c load-image.yaml --print-images").expect(0).out;
    let shown = site.run("sync -c load-image.yaml --plan-out plan.json").expect(0).out;
    let done = report(&site.run("sync -c load-image.yaml --plan plan.json --output json").expect(0).out);

    assert_eq!(pairs, format!("{ORIGIN}/team/kant:v1 {target}\n"));
    for architecture in ["amd64", "arm64"] {
        let line = |line: &&str| line.contains(&target) && line.contains(&format!("linux/{architecture}"));
        assert_eq!(shown.lines().filter(line).count(), 1, "{shown}");
    }
    assert_eq!((done.images.len(), done.charts.len()), (2, 1), "{done:#?}");
    site.run("sync -c load-image.yaml --plan plan.json").expect(0);
}

#[test]
fn a_tag_with_other_content_is_kept_and_told() {
    let (site, _depot) = local_site();
    site.run("sync -c load-image.yaml").expect(0);
    site.write("bundles/kant_1.0.0.bundle.tar", bundle("kant", 99));
    let kept = site.run("sync -c load-image.yaml --output json").expect(3);
    let kept = report(&kept.out);
    assert_eq!(kept.images[0].action, ImageOutcome::Kept);
    assert_eq!(kept.images[0].found, Some(image("kant", 1).docker_digest()));
    assert_eq!(kept.images[1].action, ImageOutcome::Exists);
}

#[test]
fn one_broken_bundle_does_not_stop_the_others() {
    let (site, _depot) = local_site();
    site.write("bundles/broken.bundle.tar", &bundle("kcoral", 3)[..2000]);
    let told = site.run("sync -c load-image.yaml").expect(3);
    assert!(told.out.contains("broken: bundles/broken.bundle.tar"), "{told:?}");
    assert!(site.path("charts/kant-1.0.0.tgz").is_file() && site.path("charts/kpanda-1.0.0.tgz").is_file());
}

#[test]
fn selections_and_skipped_images() {
    let (site, depot) = local_site();
    let configuration = local_configuration(&depot.host());
    site.write("load-image.yaml", format!("{configuration}charts:\n- name: kant\n  skipImages: true\n"));
    let one = report(&site.run("sync -c load-image.yaml --output json").expect(0).out);
    assert_eq!((one.images.len(), one.charts.len()), (0, 1));
    site.write("load-image.yaml", format!("{configuration}skipCharts: [kant]\n"));
    let other = report(&site.run("sync -c load-image.yaml --output json").expect(0).out);
    assert_eq!((other.images.len(), other.charts[0].name.as_str()), (1, "kpanda"));
}

#[test]
fn a_chart_that_the_package_lacks_is_told() {
    let (site, depot) = local_site();
    let charts = "charts:\n- kpanda\n- kcoral\n- name: kant\n  versions: [1.0.0, 2.0.0]\n";
    site.write("load-image.yaml", local_configuration(&depot.host()) + charts);
    let told = report(&site.run("sync -c load-image.yaml --output json").expect(3).out);
    let lacking: Vec<_> = told.broken.iter().map(|broken| broken.source.as_str()).collect();
    assert_eq!(lacking, ["charts: kcoral", "charts: kant 2.0.0"]);
    assert_eq!(told.charts.len(), 2);
}

#[test]
fn the_configuration_is_found_where_charts_syncer_looks() {
    let (site, depot) = local_site();
    site.write("home/charts-syncer.yaml", local_configuration(&depot.host()));
    site.run("sync --dry-run").expect(0);
    site.write("charts-syncer.yaml", "source: {intermediateBundlesPath: nowhere}\n");
    site.run("sync --dry-run").expect(2);
}

#[test]
fn logins_come_from_the_environment_the_file_and_docker() {
    let (site, depot) = (Site::new(), Depot::harbor());
    two_bundles(&site);
    let file = harbor_configuration(&depot.host());
    let anonymous = local_configuration(&depot.host()).replace("apps", "release.daocloud.io/apps");
    let line = "sync -c load-image.yaml --auto-create-repository";
    site.write("load-image.yaml", file.replace("Harbor12345", "wrong"));
    let wrong = site.run(line).expect(1);
    assert!(
        !wrong.err.contains("wrong") && wrong.err.matches("\n  - ").count() == 2,
        "both are told at once: {wrong:?}"
    );
    let mut command = site.command(line);
    command.env("TARGET_AUTH_PASSWORD", "Harbor12345").env("TARGET_CONTAINERS_AUTH_PASSWORD", "Harbor12345");
    ended(&mut command).expect(0);
    site.write("load-image.yaml", anonymous);
    site.run(line).expect(1);
    let auth = "YWRtaW46SGFyYm9yMTIzNDU="; // admin:Harbor12345
    let docker = format!("{{\"auths\": {{\"{}\": {{\"auth\": \"{auth}\"}}}}}}", depot.host());
    site.write("home/.docker/config.json", docker);
    site.run(line).expect(0);
}

#[test]
fn nothing_is_coloured_where_nobody_looks() {
    let (site, _depot) = local_site();
    let done = site.run("sync -c load-image.yaml -v").expect(0);
    assert!(!done.out.contains('\u{1b}') && !done.err.contains('\u{1b}'), "{done:?}");
}

#[test]
fn the_real_bundle() {
    let Some(bundle) = portolan_testkit::components::shared_bundle() else { return };
    let (site, depot) = (Site::new(), Depot::open());
    site.write("bundles/testchart.bundle.tar", fs::read(bundle).unwrap());
    site.write("load-image.yaml", local_configuration(&depot.host()));
    let report = report(&site.run("sync -c load-image.yaml --output json").expect(0).out);
    assert_eq!((report.images.len(), report.charts.len()), (2, 1));
    site.run("sync -c load-image.yaml").expect(0);
}
