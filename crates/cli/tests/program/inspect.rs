//! `inspect`: names in registries, and packages of every kind.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use portolan_testkit::bundles::{Bundle, module_tar, truncated};
use portolan_testkit::charts::Chart;
use portolan_testkit::docker_archive::{Shape, docker_archive};
use portolan_testkit::docker_registry::{Access, DockerRegistry, Options, Transport};
use portolan_testkit::tarball::gzip;
use serde_json::Value;

use crate::inputs::{ORIGIN, bundle, image, local_configuration, local_site, two_bundles};
use crate::site::{Ended, Site};

fn document(ended: &Ended) -> Value {
    let document: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(document["inspectionVersion"], 1);
    document
}

#[test]
fn an_image_and_all_tags_of_its_repository() {
    let (site, depot) = local_site();
    site.run("sync -c load-image.yaml").expect(0);
    let (host, digest) = (depot.host(), image("kant", 1).docker_digest());

    let shown = site.run(&format!("inspect oci://{host}/apps/kant:v1")).expect(0);

    let first = shown.out.lines().next().unwrap();
    assert!(first.starts_with(&format!("{host}/apps/kant:v1: one image, ")), "{shown:?}");
    assert!(first.ends_with(", complete"), "{shown:?}");
    let row = shown.out.lines().nth(2).unwrap();
    assert!(row.starts_with("  complete  linux/amd64  ") && row.ends_with(&digest.to_string()), "{shown:?}");
    let by_digest = site.run(&format!("inspect {host}/apps/kant@{digest} --output json")).expect(0);
    let document = document(&by_digest);
    assert_eq!(document["names"][0]["digest"], digest.to_string());
    assert_eq!(document["names"][0]["parts"][0]["platform"], "linux/amd64");
    let listed = site.run(&format!("inspect oci://{host}/apps/kant")).expect(0);
    assert!(listed.out.starts_with(&format!("{host}/apps/kant: 1 tag\n  complete  v1  linux/amd64  ")));
    let several = format!("inspect oci://{host}/apps/kant:v1 oci://{host}/apps/kant:v2 bundles");
    let several = site.run(&several).expect(3);
    assert!(
        several.out.ends_with(&format!("failed: {host}/apps/kant:v2: {host}/apps/kant:v2 is not there\n"))
    );
    let absent = site.run(&format!("inspect oci://{host}/apps/kant:v2")).expect(1);
    assert_eq!(absent.err, format!("error: {host}/apps/kant:v2 is not there\n"));
    let nowhere = site.run(&format!("inspect oci://{host}/no/where")).expect(1);
    assert_eq!(nowhere.err, format!("error: there is no repository {host}/no/where\n"));
}

#[test]
fn what_lacks_is_named_and_counts() {
    let Some(registry) = DockerRegistry::start(&Options::default()) else { return };
    let site = Site::new();
    two_bundles(&site);
    site.write("load-image.yaml", local_configuration(registry.host().as_str()));
    site.run("sync -c load-image.yaml").expect(0);
    let layer = image("kant", 1).layers[1].digest();
    let link = format!("docker/registry/v2/repositories/apps/kant/_layers/sha256/{}", layer.hex());
    fs::remove_dir_all(registry.storage().join(link)).unwrap();

    let name = format!("oci://{}/apps/kant:v1", registry.host());
    let shown = site.run(&format!("inspect {name}")).expect(3);

    assert!(shown.out.contains(&format!("its repository lacks {layer}")), "{shown:?}");
    let document = document(&site.run(&format!("inspect {name} --output json")).expect(3));
    assert_eq!(document["names"][0]["complete"], false);
    assert_eq!(document["names"][0]["parts"][0]["lacks"][0], layer.to_string());
}

#[test]
fn logins_come_from_flags_the_configuration_and_its_variables() {
    let access = Access::User { name: "alice".to_owned(), password: "s3cret".to_owned() };
    let options = Options { access, transport: Transport::Tls, ..Options::default() };
    let Some(registry) = DockerRegistry::start(&options) else { return };
    let site = Site::new();
    two_bundles(&site);
    let host = registry.host();
    let ca = registry.ca_file().unwrap().display().to_string();
    let url = format!("  containers:\n    url: https://{host}\n");
    let without = local_configuration(host.as_str()) + &url;
    site.write("without.yaml", &without);
    site.write("load-image.yaml", without + "    auth: {username: alice, password: s3cret}\n");
    site.write("password", "s3cret\n");
    site.run(&format!("sync -c load-image.yaml --ca-file {ca}")).expect(0);
    let name = format!("inspect https://{host}/apps/kant:v1 --ca-file {ca}");

    site.run(&format!("{name} -c load-image.yaml")).expect(0);
    site.run(&format!("{name} --registry-username alice --registry-password-file password")).expect(0);
    let mut with_variables = site.command(&format!("{name} -c without.yaml"));
    with_variables.env("TARGET_CONTAINERS_AUTH_USERNAME", "alice");
    with_variables.env("TARGET_CONTAINERS_AUTH_PASSWORD", "s3cret");
    crate::site::ended(&mut with_variables).expect(0);
    let refused = site.run(&name).expect(1);
    assert!(refused.err.contains("credentials"), "{refused:?}");
    let untrusted = site.run(&format!("inspect oci://{host}/apps/kant:v1 -c load-image.yaml")).expect(1);
    assert!(untrusted.err.contains("no TLS connection"), "{untrusted:?}");
    site.run(&format!("inspect oci://{host}/apps/kant:v1 -c load-image.yaml --insecure")).expect(0);
    let login = "--registry-username alice --registry-password-file password";
    let of_two = site.run(&format!("inspect oci://{host}/a oci://localhost:1/a {login}")).expect(2);
    assert!(of_two.err.contains("the login of one registry"), "{of_two:?}");
    for shown in [refused, untrusted, of_two] {
        assert!(!(shown.err + &shown.out).contains("s3cret"));
    }
}

/// One chart, one image, and what is shown of them, whatever the package is.
#[track_caller]
fn check_package(site: &Site, path: &str, form: &str) {
    let shown = site.run(&format!("inspect {path}")).expect(0);
    let first = shown.out.lines().next().unwrap();
    let begins = format!("{path}: 1 chart and 1 image for linux/amd64, ");
    assert!(first.starts_with(&begins) && first.ends_with(form), "{shown:?}");
    assert!(shown.out.contains("kant 1.0.0 (") && shown.out.contains(", 1 hint)"), "{shown:?}");
    assert!(shown.out.contains(&format!("  {ORIGIN}/team/kant:v1  linux/amd64  ")), "{shown:?}");
    let document = document(&site.run(&format!("inspect {path} --output json")).expect(0));
    let package = &document["packages"][0];
    let digest = image("kant", 1).docker_digest().to_string();
    assert_eq!(package["bundles"][0]["images"][0]["digest"], digest);
    assert_eq!(package["platforms"][0], "linux/amd64");
}

#[test]
fn packages_of_every_kind() {
    let site = Site::new();
    let bundle = bundle("kant", 1);
    let module = module_tar("kant", &[("kant_1.0.0.bundle.tar".to_owned(), bundle.clone())]);
    site.write("bundles/kant_1.0.0.bundle.tar", &bundle);
    site.write("kant.tar", &module);
    site.write("kant.tar.gz", gzip(&module));
    check_package(&site, "bundles", "; a folder");
    check_package(&site, "bundles/kant_1.0.0.bundle.tar", "; a file");
    check_package(&site, "kant.tar", "; a file");
    check_package(&site, "kant.tar.gz", "; a stream, read once from front to back");

    site.write("images.tar", docker_archive(Shape::DockerSave, &[image("kant", 1)]));
    let images = site.run("inspect images.tar").expect(0);
    assert!(images.out.contains("images alone (.)"), "{images:?}");
    assert!(images.out.contains("its digest is derived on its way"), "{images:?}");
    let mut piped = site.command("inspect -");
    let mut child = piped.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&module).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("-: 1 chart and 1 image"));
}

#[test]
fn what_would_not_go_well_is_told_before_the_trip() {
    let site = Site::new();
    let chart = Chart::new("kant", "1.0.0").image("app", ORIGIN, "team/kant", "v1").image(
        "other",
        ORIGIN,
        "team/other",
        "v1",
    );
    let lacking = Bundle::new(&chart).images(&[image("kant", 1), image("extra", 2)]).tar();
    site.write("lacking/kant.bundle.tar", &lacking);

    let shown = site.run("inspect lacking").expect(3);

    assert!(shown.out.contains("problem: hint "), "{shown:?}");
    assert!(
        shown.out.contains(&format!("names the image {ORIGIN}/team/other:v1, which the bundle does not"))
    );
    assert!(shown.out.contains(&format!("note: no hint names the image {ORIGIN}/team/extra:v1")));
    let wrong = Bundle { hints: Some("- '{{ .no.such }}'".to_owned()), ..Bundle::new(&chart) };
    site.write("wrong/kant.bundle.tar", wrong.images(&[image("kant", 1)]).tar());
    let shown = site.run("inspect wrong").expect(3);
    assert!(shown.out.contains("problem: ") && shown.out.contains("no.such"), "{shown:?}");
    let package = gzip(&module_tar("m", &[("a.bundle.tar".to_owned(), bundle("kant", 1))]));
    site.write("cut.tar.gz", truncated(&package, 9, 10));
    let cut = site.run("inspect cut.tar.gz");
    assert!([1, 3].contains(&cut.code), "{cut:?}");
    let nothing = site.run("inspect nothing").expect(1);
    assert!(nothing.err.starts_with("error: nothing: cannot open the file\n"), "{nothing:?}");
    let refused = site.run("inspect oci://admin:Harbor12345@registry.example.com/a/b").expect(2);
    assert!(!refused.err.contains("Harbor12345"), "{refused:?}");
    site.run("inspect").expect(2);
}
