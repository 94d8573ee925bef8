//! `sync` into a Harbor, as the depot shows one: projects, missing ones, and charts of both ages.

use portolan_depot::{Account, HarborCharts, Options, Projects};

use crate::inputs::{harbor_configuration, two_bundles};
use crate::site::{Depot, Site};

/// A Harbor of 2.8 or newer: charts go into the registry alone.
fn without_charts() -> Depot {
    Depot::with(Options {
        projects: Projects::Enforced,
        harbor_charts: HarborCharts::Absent,
        account: Some(Account::new("admin", "Harbor12345".into())),
        ..Options::default()
    })
}

fn site(depot: &Depot) -> Site {
    let site = Site::new();
    two_bundles(&site);
    site.write("load-image.yaml", harbor_configuration(&depot.host()));
    site
}

/// The same with the charts where a Harbor without chart repositories wants them.
fn oci_configuration(host: &str) -> String {
    harbor_configuration(host)
        .replace("kind: HARBOR", "kind: OCI")
        .replace(&format!("http://{host}/chartrepo/"), &format!("http://{host}/"))
}

#[test]
fn a_missing_project_is_named_with_what_to_do() {
    let depot = Depot::harbor();
    let refused = site(&depot).run("sync -c load-image.yaml").expect(1);
    // Images and charts lack it both, and it is told once.
    for part in [
        "nothing was written, because one thing stands in the way",
        "the registry lacks the projects release.daocloud.io: create them, or let Portolan do it with --auto-create-repository",
    ] {
        assert!(refused.err.contains(part), "{part}\n{}", refused.err);
    }
}

#[test]
fn a_harbor_without_chart_repositories_names_the_keys_to_change() {
    let depot = without_charts();
    let site = site(&depot);
    let host = depot.host();
    let told = format!(
        "this Harbor has no chart repositories, which Harbor dropped with 2.8; \
         set target.repo.kind: OCI and target.repo.url: http://{host}/release.daocloud.io"
    );
    // Not even the project is made for it, and it is told again once the project is there.
    let refused = site.run("sync -c load-image.yaml --auto-create-repository").expect(1);
    assert!(refused.err.contains(&told), "{refused:?}");
    site.write("oci.yaml", oci_configuration(&host));
    let missing = site.run("sync -c oci.yaml").expect(1);
    assert!(missing.err.contains("lacks the projects release.daocloud.io"), "{missing:?}");
    // With the keys as the error has them, it works.
    let done = site.run("sync -c oci.yaml --auto-create-repository").expect(0);
    assert!(done.out.contains(&format!("{host}/release.daocloud.io/kant:1.0.0")), "{done:?}");
    let refused = site.run("sync -c load-image.yaml").expect(1);
    assert!(refused.err.contains(&told), "{refused:?}");
}

#[test]
fn a_robot_account() {
    let robot = Account::new("robot$release+ci", "Harbor12345".into());
    let options = Options { projects: Projects::Enforced, account: Some(robot), ..Options::default() };
    let depot = Depot::with(options);
    let site = site(&depot);
    let configuration = harbor_configuration(&depot.host()).replace("\"admin\"", "\"robot$release+ci\"");
    site.write("load-image.yaml", configuration);
    site.run("sync -c load-image.yaml --auto-create-repository").expect(0);
}

#[test]
fn names_that_no_project_has() {
    let depot = Depot::harbor();
    let site = site(&depot);
    let configuration = harbor_configuration(&depot.host())
        .replace("containerRepository: release.daocloud.io/kairship", "containerRepository: kair__ship/x");
    site.write("load-image.yaml", configuration);
    let refused = site.run("sync -c load-image.yaml --auto-create-repository").expect(1);
    assert!(refused.err.contains("\"kair__ship\" can be no project's name"), "{refused:?}");
}
