//! A Harbor's manners: a real registry behind a proxy that answers as Harbor does where no registry would.

use std::{io::Cursor, sync::Arc};

use portolan_chart::Rules;
use portolan_registry::{Endpoint, Registry, RegistryOptions, Scheme};
use portolan_testkit::{
    bundles::Bundle,
    charts::Chart,
    faulty_proxy::{Action, Fault, FaultyProxy, Kind, Reply},
    images::Image,
    tarball::gzip,
};
use portolan_transfer::{
    ChartOutcome, ImageOutcome, MissingProjects, Outcome, Precondition, Preconditions, Report, Silent,
    SyncOptions, Target, Visibility, execute,
    import::{PassingPackage, import},
    plan,
};

use crate::site::{Site, names_in};

const QUOTA: &str = "adding 2.1 MiB of storage resource, which when updated to current usage of 8.3 MiB will exceed the configured upper limit of 8.0 MiB.";
const READ_ONLY: &str = "The system is in read only mode. Any modification is prohibited.";
const READ_ONLY_TOLD: &str =
    "the Harbor is in read-only mode and takes nothing; have its administrator end that mode, and run again";

/// A site whose registry shows itself as a Harbor.
struct Harbor {
    site: Site,
    proxy: FaultyProxy,
}

fn error(status: u16, code: &str, message: &str) -> Reply {
    let body = format!(r#"{{"errors":[{{"code":"{code}","message":"{message}"}}]}}"#);
    Reply::status(status).header("Content-Type", "application/json").body(body)
}

impl Harbor {
    /// With the images `team/web` and `other/web` in a bundle each, so that there are two projects.
    fn start(projects: u16) -> Option<Self> {
        let site = Site::start()?;
        for (seed, project) in (1..).zip(["other", "team"]) {
            let image = Image::random(&format!("quay.test/{project}/web:1"), seed);
            let chart =
                Chart::new(project, "0.1.0").image("web", "quay.test", &format!("{project}/web"), "1");
            let bundle = Bundle::new(&chart).images(&[image]).tar();
            site.add_bundle(&format!("{project}.bundle.tar"), &bundle);
        }
        let proxy = FaultyProxy::before(site.registry.host().as_str());
        proxy.add(Fault::to("GET", "/api/v2.0/ping", Action::Answer(Reply::status(200).body("Pong"))));
        proxy.add(Fault::to("HEAD", "/api/v2.0/projects", Action::Answer(Reply::status(projects))));
        Some(Self { site, proxy })
    }

    fn answers(&self, method: &str, path: &str, reply: Reply) {
        self.proxy.add(Fault::to(method, path, Action::Answer(reply)));
    }

    /// One blob at a time, so that the tests can count.
    fn options(&self) -> SyncOptions {
        let rules = Rules { registry: Some(self.proxy.host()), ..Rules::default() };
        SyncOptions { rules, jobs: 1, ..self.site.options() }
    }

    fn target(&self) -> Target {
        let endpoint = Endpoint::new(Scheme::Http, self.proxy.host());
        let registry = Registry::new(endpoint, None, &RegistryOptions::default()).unwrap();
        Target { registry, ..self.site.target() }
    }

    async fn sync(&self, options: &SyncOptions) -> Result<Report, Preconditions> {
        let package = portolan_package::open(&self.site.package_folder()).unwrap();
        let target = self.target();
        let plan = plan(Arc::new(package), &target, options, &Silent).await?;
        Ok(execute(&plan, &target, options, &Silent).await)
    }

    async fn report(&self) -> Report {
        self.sync(&self.options()).await.unwrap()
    }

    async fn refusal(&self, options: &SyncOptions) -> Precondition {
        self.sync(options).await.unwrap_err().failures.remove(0)
    }

    fn writes(&self) -> usize {
        self.proxy.seen().iter().filter(|seen| !matches!(seen.method.as_str(), "GET" | "HEAD")).count()
    }
}

fn create(options: SyncOptions) -> SyncOptions {
    SyncOptions { missing_projects: MissingProjects::Create(Visibility::Private), ..options }
}

fn outcomes(report: &Report) -> Vec<ImageOutcome> {
    report.images.iter().map(|image| image.action).collect()
}

#[tokio::test]
async fn a_full_project_gets_no_more_blobs_and_says_why_once() {
    let Some(harbor) = Harbor::start(200) else { return };
    harbor.answers("PUT", "/v2/team/web/blobs/uploads/*", error(403, "DENIED", QUOTA));

    let report = harbor.report().await;

    assert_eq!(outcomes(&report), [ImageOutcome::Pushed, ImageOutcome::Failed], "{report:#?}");
    let told = "not sent, since project team takes nothing more: the notes say why";
    assert_eq!(report.images[1].error.as_deref(), Some(told));
    let why = "project team takes nothing more: it would hold 8.3 MiB of the 8.0 MiB that it may; raise its quota, or remove from it what isn't needed, and run again";
    assert_eq!(report.notes, [why]);
    assert_eq!(report.charts[1].action, ChartOutcome::Withheld);
    assert_eq!(report.outcome(), Outcome::InPart);
    let into_team = |seen: &&portolan_testkit::faulty_proxy::Seen| {
        seen.kind() == Kind::UploadEnd && seen.path().starts_with("/v2/team/")
    };
    assert_eq!(harbor.proxy.seen().iter().filter(into_team).count(), 1, "neither again nor another blob");
}

#[tokio::test]
async fn a_read_only_harbor_is_known_before_anything_is_written() {
    let Some(harbor) = Harbor::start(200) else { return };
    harbor.answers("GET", "/api/v2.0/systeminfo", Reply::status(200).body(r#"{"read_only":true}"#));

    let refusal = harbor.refusal(&harbor.options()).await;

    assert_eq!(refusal.to_string(), READ_ONLY_TOLD);
    assert_eq!(harbor.writes(), 0);
}

#[tokio::test]
async fn a_harbor_that_becomes_read_only_is_left_alone() {
    let Some(harbor) = Harbor::start(200) else { return };
    harbor.proxy.add(Fault::of(Kind::UploadBegin, Action::Answer(error(403, "DENIED", READ_ONLY))));

    let report = harbor.report().await;

    assert_eq!(outcomes(&report), [ImageOutcome::Failed, ImageOutcome::Failed], "{report:#?}");
    assert_eq!(report.notes, [READ_ONLY_TOLD]);
    assert_eq!(report.outcome(), Outcome::Failed);
    assert_eq!(harbor.proxy.count(Kind::UploadBegin), 2, "once in each project");
}

#[tokio::test]
async fn an_immutable_tag_is_looked_at_again_and_not_written_again() {
    let immutable = || {
        error(412, "PRECONDITION", "Failed to process request due to 'team/web:1' configured as immutable.")
    };
    let (team, tag) = ("/v2/team/web/manifests/1", "/v2/other/web/manifests/1");
    let Some(harbor) = Harbor::start(200) else { return };
    harbor.answers("PUT", team, immutable());
    // Another run was quicker with the very same image: the rule then refuses ours.
    harbor.proxy.add(Fault::to("PUT", tag, Action::ReplaceAnswer(immutable())));

    let report = harbor.report().await;

    assert_eq!(outcomes(&report), [ImageOutcome::Exists, ImageOutcome::Failed], "{report:#?}");
    let told = "a rule of project team makes this tag immutable, so it stays as it is; take the rule away, or bring the content under another one";
    assert_eq!(report.images[1].error.as_deref(), Some(told));
    assert_eq!(harbor.proxy.count(Kind::ManifestPut), 2, "neither is tried again");
}

#[tokio::test]
async fn an_immutable_tag_that_came_to_hold_something_else_is_kept() {
    let Some(harbor) = Harbor::start(200) else { return };
    harbor.report().await;
    let other = Image::random("quay.test/team/web:1", 9);
    let chart = Chart::new("team", "0.2.0").image("web", "quay.test", "team/web", "1");
    harbor.site.add_bundle("team.bundle.tar", &Bundle::new(&chart).images(&[other]).tar());
    // It wasn't there when the plan was made, nor when it was asked about before the write.
    let hidden = Action::Answer(Reply::status(404));
    harbor.proxy.add(Fault::to("HEAD", "/v2/team/web/manifests/1", hidden).first(2));
    let immutable =
        error(412, "PRECONDITION", "Failed to process request due to 'team/web:1' configured as immutable.");
    harbor.answers("PUT", "/v2/team/web/manifests/1", immutable);

    let report = harbor.report().await;

    assert_eq!(outcomes(&report), [ImageOutcome::Exists, ImageOutcome::Kept], "{report:#?}");
}

#[tokio::test]
async fn a_robot_that_sees_no_projects_may_push() {
    let Some(harbor) = Harbor::start(403) else { return };

    let report = harbor.report().await;

    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
}

#[tokio::test]
async fn projects_that_a_robot_may_not_use_are_named() {
    for options in [|options| options, create] {
        let Some(harbor) = Harbor::start(403) else { return };
        harbor.answers("HEAD", "/v2/*", error(401, "UNAUTHORIZED", "unauthorized to access repository"));

        let refusal = harbor.refusal(&options(harbor.options())).await;

        let told = "project missing or no right to push: other, team; have it created, or give this user (a robot account perhaps) the rights to pull and push there";
        assert_eq!(refusal.to_string(), told);
        assert_eq!(harbor.writes(), 0);
    }
}

#[tokio::test]
async fn a_project_that_somebody_made_meanwhile_is_fine() {
    let Some(harbor) = Harbor::start(404) else { return };
    harbor.answers(
        "POST",
        "/api/v2.0/projects",
        error(409, "CONFLICT", "The project named other already exists"),
    );

    let report = harbor.sync(&create(harbor.options())).await.unwrap();

    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
}

#[tokio::test]
async fn a_user_who_may_make_no_projects_is_told_so() {
    let Some(harbor) = Harbor::start(404) else { return };
    harbor.answers("POST", "/api/v2.0/projects", error(403, "FORBIDDEN", "only admins may"));

    let report = harbor.sync(&create(harbor.options())).await.unwrap();

    let told = report.images[0].error.clone().unwrap();
    let end = "this user may make no projects: have other, team made by one who may, and run again";
    assert!(told.contains("only admins may") && told.ends_with(end), "{told}");
    assert_eq!(harbor.proxy.count(Kind::UploadBegin), 0);
    assert_eq!(names_in(&harbor.site.charts_folder()), [] as [&str; 0]);
}

#[tokio::test]
async fn a_package_that_goes_by_is_told_all_projects_that_nobody_may_make() {
    let Some(harbor) = Harbor::start(404) else { return };
    harbor.answers("POST", "/api/v2.0/projects", error(403, "FORBIDDEN", "only admins may"));
    let chart = Chart::new("both", "0.1.0").image("web", "quay.test", "team/web", "1").image(
        "other",
        "quay.test",
        "other/web",
        "1",
    );
    let images = ["team", "other"].map(|project| Image::random(&format!("quay.test/{project}/web:1"), 7));
    let bundle = Bundle::new(&chart).images(&images).tar();
    let package = PassingPackage::once("-", Cursor::new(gzip(&bundle)));

    let refused =
        import(&package, &harbor.target(), &create(harbor.options()), None, &Silent).await.unwrap_err();

    let told = "the registry lacks the projects other, team, and this user may make none: have them made by one who may";
    assert_eq!(refused.to_string().split(": create the project").next(), Some(told));
    assert_eq!(harbor.proxy.count(Kind::UploadBegin), 0);
}

#[tokio::test]
async fn names_that_no_project_has_are_told_before_anything_is_made() {
    let Some(harbor) = Harbor::start(404) else { return };
    let rules = Rules {
        repository: None,
        prefix_repository: Some("a__b".parse().unwrap()),
        ..harbor.options().rules
    };

    let refusal = harbor.refusal(&create(SyncOptions { rules, ..harbor.options() })).await;

    let cause = std::error::Error::source(&refusal).unwrap().to_string();
    assert!(cause.starts_with("\"a__b\" can be no project's name"), "{cause}");
    assert_eq!(harbor.writes(), 0);
}

#[tokio::test]
async fn a_right_that_lacks_shows_project_and_what_to_do() {
    let Some(harbor) = Harbor::start(200) else { return };
    let denied = error(401, "UNAUTHORIZED", "unauthorized to access repository: team/web, action: push");
    harbor.answers("POST", "/v2/team/web/blobs/uploads/", denied);

    let report = harbor.report().await;

    assert_eq!(outcomes(&report), [ImageOutcome::Pushed, ImageOutcome::Failed], "{report:#?}");
    let told = report.images[1].error.clone().unwrap();
    let end = "where the registry has projects, see that team is there and that this user may push into it";
    assert!(told.contains("action: push") && told.ends_with(end), "{told}");
}
