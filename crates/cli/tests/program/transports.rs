//! TLS, plain HTTP and the kinds of chart repositories, on a real registry and the depot.

use portolan_testkit::docker_registry::{Access, DockerRegistry, Options, Transport};

use crate::inputs::{local_configuration, two_bundles};
use crate::site::{Depot, Site, ended};

/// A site with two bundles whose `load-image.yaml` pushes to `url`.
fn site(registry: &DockerRegistry, url: &str) -> Site {
    let site = Site::new();
    two_bundles(&site);
    let configuration = local_configuration(registry.host().as_str());
    site.write("load-image.yaml", format!("{configuration}  containers: {{url: '{url}'}}\n"));
    site
}

fn over_tls(access: Access) -> Option<DockerRegistry> {
    DockerRegistry::start(&Options { transport: Transport::Tls, access, ..Options::default() })
}

#[test]
fn a_certificate_is_refused_named_or_accepted() {
    let Some(registry) = over_tls(Access::Anonymous) else { return };
    let refused = site(&registry, &registry.url()).run("sync -c load-image.yaml").expect(1);
    assert!(refused.err.contains("name its authority with --ca-file"), "{refused:?}");
    let authority = registry.ca_file().unwrap().display();
    site(&registry, &registry.url()).run(&format!("sync -c load-image.yaml --ca-file {authority}")).expect(0);
    site(&registry, &registry.url()).run("sync -c load-image.yaml --insecure").expect(0);
    // Without a scheme, `--insecure` finds out that there is TLS.
    site(&registry, registry.host().as_str()).run("sync -c load-image.yaml --insecure").expect(0);
    let wrong =
        site(&registry, &registry.url()).run("sync -c load-image.yaml --ca-file load-image.yaml").expect(1);
    assert!(wrong.err.contains("load-image.yaml holds no usable PEM certificate"), "{wrong:?}");
}

#[test]
fn the_systems_authorities_are_trusted() {
    let Some(registry) = over_tls(Access::Anonymous) else { return };
    let site = site(&registry, &registry.url());
    let mut command = site.command("sync -c load-image.yaml");
    command.env("SSL_CERT_FILE", registry.ca_file().unwrap());
    ended(&mut command).expect(0);
    // Those of --ca-file come in addition.
    site.write("other.pem", std::fs::read(&registry.certificates().unwrap().client_certificate).unwrap());
    let mut command = site.command("sync -c load-image.yaml --ca-file other.pem");
    command.env("SSL_CERT_FILE", registry.ca_file().unwrap());
    ended(&mut command).expect(0);
}

#[test]
fn insecure_falls_back_to_plain_http() {
    let Some(registry) = DockerRegistry::start(&Options::default()) else { return };
    site(&registry, registry.host().as_str()).run("sync -c load-image.yaml --insecure").expect(0);
    let refused =
        site(&registry, &format!("https://{}", registry.host())).run("sync -c load-image.yaml").expect(1);
    assert!(refused.err.contains("plain HTTP answers there"), "{refused:?}");
}

#[test]
fn a_user_and_a_password() {
    let (name, password) = ("ship".to_owned(), "s3cret-word".to_owned());
    let Some(registry) = over_tls(Access::User { name, password }) else { return };
    let authority = registry.ca_file().unwrap().display();
    check_login(&registry, &format!("sync -c load-image.yaml -vvv --ca-file {authority}"));
}

#[test]
fn bearer_tokens() {
    let (name, password) = ("ship".to_owned(), "s3cret-word".to_owned());
    let access = Access::Token { name, password };
    let Some(registry) = DockerRegistry::start(&Options { access, ..Options::default() }) else { return };
    check_login(&registry, "sync -c load-image.yaml -vvv");
}

/// Without credentials and with wrong ones nothing is written, with the right ones all is, and none is shown.
fn check_login(registry: &DockerRegistry, line: &str) {
    let site = site(registry, &registry.url());
    site.run(line).expect(1);
    let with = |password: &str| {
        let mut command = site.command(line);
        command
            .env("TARGET_CONTAINERS_AUTH_USERNAME", "ship")
            .env("TARGET_CONTAINERS_AUTH_PASSWORD", password);
        ended(&mut command)
    };
    let refused = with("an0ther").expect(1);
    let done = with("s3cret-word").expect(0);
    for (ended, secrets) in [(refused, ["an0ther", "YW4wdGhlcg"]), (done, ["s3cret-word", "czNjcmV0LXdvcm"])]
    {
        let said = format!("{}{}", ended.out, ended.err);
        assert!(secrets.iter().all(|secret| !said.contains(secret)), "{said}");
    }
}

#[test]
fn every_kind_of_chart_repository() {
    let depot = Depot::open();
    let host = depot.host();
    let check = |repo: &str, target: &str| {
        let site = Site::new();
        two_bundles(&site);
        let configuration = local_configuration(&host).replace("    kind: LOCAL\n    path: charts\n", repo);
        site.write("load-image.yaml", configuration);
        let first = site.run("sync -c load-image.yaml").expect(0);
        assert!(first.out.contains(&format!("  uploaded  kant 1.0.0    {target}\n")), "{first:?}");
        let second = site.run("sync -c load-image.yaml").expect(0);
        assert_eq!(second.out.matches("  exists  k").count(), 2, "{second:?}");
    };
    check("    kind: LOCAL\n    path: charts\n", "charts/kant-1.0.0.tgz");
    check(&format!("    kind: OCI\n    url: oci://{host}/charts\n"), &format!("{host}/charts/kant:1.0.0"));
    let museum = format!("http://{host}/museum");
    check(&format!("    kind: CHARTMUSEUM\n    url: {museum}\n"), &format!("{museum}/charts/kant-1.0.0.tgz"));
}
