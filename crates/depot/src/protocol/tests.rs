//! The protocol's table: request lines and what they ask.

use super::*;

const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const ID: &str = "0123456789abcdef0123456789abcdef";

fn parse(line: &str) -> Result<Request, ParseError> {
    let line = line.replace("$D", &format!("sha256:{HEX}")).replace("$ID", ID);
    let (method, target) = line.split_once(' ').expect("a request line");
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    Request::parse(&method.parse().expect("a method"), path, query)
}

fn check(line: &str, expected: Request) {
    assert_eq!(parse(line), Ok(expected), "{line}");
}

fn refused(line: &str, expected: ParseError) {
    assert_eq!(parse(line), Err(expected), "{line}");
}

fn digest() -> Digest {
    Digest::sha256(b"")
}

fn on(repository: &str, call: RepositoryCall) -> Request {
    Request::Repository(repository.parse().expect("a repository"), call)
}

fn id() -> UploadId {
    ID.parse().expect("an id")
}

fn tag(text: &str) -> Tag {
    text.parse().expect("a tag")
}

fn page(limit: usize, last: Option<&str>) -> Page {
    Page { limit, last: last.map(str::to_owned) }
}

fn project(name: &str) -> Tenant {
    Tenant::Project(name.parse().expect("a project"))
}

fn stem(text: &str) -> ChartStem {
    text.parse().expect("a stem")
}

#[test]
fn pull_of_the_oci_specification() {
    check("GET /v2/", Request::Registry(RegistryCall::Base));
    check("GET /v2", Request::Registry(RegistryCall::Base));
    check("GET /v2/a/b/blobs/$D", on("a/b", RepositoryCall::GetBlob(digest())));
    check("HEAD /v2/a/blobs/$D", on("a", RepositoryCall::GetBlob(digest())));
    check(
        "GET /v2/a/blobs/sha256%3Ae3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        on("a", RepositoryCall::GetBlob(digest())),
    );
    check("GET /v2/a/manifests/v1.2", on("a", RepositoryCall::GetManifest(Locator::Tag(tag("v1.2")))));
    check("HEAD /v2/a/manifests/$D", on("a", RepositoryCall::GetManifest(Locator::Digest(digest()))));
    check(
        "GET /v2/blobs/tags/manifests/uploads",
        on("blobs/tags", RepositoryCall::GetManifest(Locator::Tag(tag("uploads")))),
    );
}

#[test]
fn push_of_the_oci_specification() {
    check("POST /v2/a/blobs/uploads/", on("a", RepositoryCall::StartUpload(Algorithm::Sha256)));
    check("POST /v2/a/blobs/uploads", on("a", RepositoryCall::StartUpload(Algorithm::Sha256)));
    check(
        "POST /v2/a/blobs/uploads/?digest-algorithm=sha512",
        on("a", RepositoryCall::StartUpload(Algorithm::Sha512)),
    );
    check("POST /v2/a/blobs/uploads/?digest=$D", on("a", RepositoryCall::UploadWhole(digest())));
    check(
        "POST /v2/a/blobs/uploads/?mount=$D&from=b/c",
        on("a", RepositoryCall::Mount(digest(), Some("b/c".parse().expect("a repository")))),
    );
    check("POST /v2/a/blobs/uploads/?mount=$D", on("a", RepositoryCall::Mount(digest(), None)));
    check(
        "POST /v2/a/blobs/uploads/?mount=$D&from=../B",
        on("a", RepositoryCall::StartUpload(Algorithm::Sha256)),
    );
    check("PATCH /v2/a/blobs/uploads/$ID", on("a", RepositoryCall::AppendUpload(id())));
    check("PUT /v2/a/blobs/uploads/$ID?digest=$D", on("a", RepositoryCall::FinishUpload(id(), digest())));
    check("GET /v2/a/blobs/uploads/$ID", on("a", RepositoryCall::UploadStatus(id())));
    check("DELETE /v2/a/blobs/uploads/$ID", on("a", RepositoryCall::CancelUpload(id())));
    check("PUT /v2/a/manifests/v1", on("a", RepositoryCall::PutManifest(Locator::Tag(tag("v1")), vec![])));
    check(
        "PUT /v2/a/manifests/$D?tag=x&tag=y",
        on("a", RepositoryCall::PutManifest(Locator::Digest(digest()), vec![tag("x"), tag("y")])),
    );
}

#[test]
fn discovery_and_management_of_the_oci_specification() {
    check("GET /v2/_catalog?n=5", Request::Registry(RegistryCall::Catalog(page(5, None))));
    check("GET /v2/a/tags/list", on("a", RepositoryCall::Tags(page(10_000, None))));
    check("GET /v2/a/tags/list?n=0&last=x", on("a", RepositoryCall::Tags(page(0, Some("x")))));
    for n in ["10001", "99999999", "99999999999999999999999999"] {
        let line = format!("GET /v2/a/tags/list?n={n}");
        check(&line, on("a", RepositoryCall::Tags(page(10_000, None))));
    }
    check("GET /v2/a/referrers/$D", on("a", RepositoryCall::Referrers(digest(), Referrers::default())));
    check(
        "GET /v2/a/referrers/$D?artifactType=x/y+z",
        on(
            "a",
            RepositoryCall::Referrers(
                digest(),
                Referrers { artifact_type: Some("x/y+z".to_owned()), after: None },
            ),
        ),
    );
    let after = Referrers { artifact_type: None, after: Some(digest()) };
    check("GET /v2/a/referrers/$D?last=$D", on("a", RepositoryCall::Referrers(digest(), after)));
    check("DELETE /v2/a/manifests/v1", on("a", RepositoryCall::DeleteManifest(Locator::Tag(tag("v1")))));
    check("DELETE /v2/a/blobs/$D", on("a", RepositoryCall::DeleteBlob(digest())));
}

#[test]
fn refusals_of_the_oci_specification() {
    let name = |name: &str| ParseError::NameInvalid { name: name.to_owned() };
    let digest = |digest: &str| ParseError::DigestInvalid { digest: digest.to_owned() };
    refused("GET /v2/../etc/manifests/x", name("../etc"));
    refused("GET /v2/A/manifests/x", name("A"));
    refused("GET /v2/a%2f..%2fb/manifests/x", name("a/../b"));
    refused("GET /v2//manifests/x", name(""));
    refused("GET /v2/a/blobs/sha256:00", digest("sha256:00"));
    refused(
        "GET /v2/a/blobs/md5:d41d8cd98f00b204e9800998ecf8427e",
        digest("md5:d41d8cd98f00b204e9800998ecf8427e"),
    );
    refused("PUT /v2/a/blobs/uploads/$ID", digest(""));
    refused("POST /v2/a/blobs/uploads/?digest-algorithm=md5", digest("md5"));
    refused("GET /v2/a/manifests/.BAD", ParseError::ManifestUnknown { reference: ".BAD".to_owned() });
    refused("PUT /v2/a/manifests/.BAD", ParseError::ReferenceInvalid { reference: ".BAD".to_owned() });
    refused("GET /v2/a/blobs/uploads/..", ParseError::UploadUnknown { id: "..".to_owned() });
    refused("GET /v2/a/tags/list?n=-1", ParseError::PageInvalid { n: "-1".to_owned() });
    refused("GET /v2/a%2fb/manifests/x", name("a/b"));
    refused("GET /v2/a//b/manifests/x", name("a//b"));
    refused("GET /v2/%2e%2e/manifests/x", name(".."));
    refused("GET /v2/a%00/manifests/x", name("a\0"));
    refused(&format!("GET /v2/{}/manifests/x", "a/".repeat(200)), name(&"a/".repeat(200)));
    refused("GET /v2/a/tags/list?n=%2B5", ParseError::PageInvalid { n: "+5".to_owned() });
    refused("GET /v2/a/tags/list?n=", ParseError::PageInvalid { n: String::new() });
    refused(
        "PUT /v2/a/manifests/x?tag=%ff",
        ParseError::ReferenceInvalid { reference: "\u{fffd}".to_owned() },
    );
    refused("PUT /v2/a/manifests/x?tag=%zz", ParseError::ReferenceInvalid { reference: "%zz".to_owned() });
    let tags = "tag=x&".repeat(65);
    refused(&format!("PUT /v2/a/manifests/$D?{tags}"), ParseError::TooManyTags { tags: 65, most: 64 });
    refused("GET /v2/a/nothing", ParseError::UnknownPath);
    refused("GET /v2/a/%ff/tags/list", ParseError::UnknownPath);
}

#[test]
fn chartmuseum_at_the_root() {
    check("GET /index.yaml", Request::Charts(Tenant::Root, ChartCall::Index));
    check("GET /charts/a-1.0.0+2.tgz", Request::Charts(Tenant::Root, ChartCall::Download(stem("a-1.0.0+2"))));
    check(
        "GET /charts/a-1.0.0%2B2.tgz",
        Request::Charts(Tenant::Root, ChartCall::Download(stem("a-1.0.0+2"))),
    );
    check("POST /api/charts", Request::Charts(Tenant::Root, ChartCall::Upload(Existing::Keep)));
    check("POST /api/prov", Request::Charts(Tenant::Root, ChartCall::UploadProvenance(Existing::Keep)));
    check("GET /api/charts/charts", Request::Charts(Tenant::Root, ChartCall::Versions("charts".to_owned())));
}

#[test]
fn methods_that_are_not_served_name_those_that_are() {
    let check = |line: &str, allow: &'static str| {
        let method = line.split(' ').next().expect("a method").parse().expect("a method");
        refused(line, ParseError::Method { method, allow });
    };
    check("POST /v2/", "GET, HEAD");
    check("DELETE /v2/_catalog", "GET, HEAD");
    check("POST /v2/a/manifests/x", "GET, HEAD, PUT, DELETE");
    check("PUT /v2/a/blobs/$D", "GET, HEAD, DELETE");
    check("GET /v2/a/blobs/uploads/", "POST");
    check("POST /v2/a/blobs/uploads/$ID", "GET, HEAD, PATCH, PUT, DELETE");
    check("PUT /v2/a/tags/list", "GET, HEAD");
    check("OPTIONS /v2/a/referrers/$D", "GET, HEAD");
}

#[test]
fn chartmuseum_of_a_project() {
    let addon = |call| Request::Charts(project("addon"), call);
    check("GET /addon/index.yaml", addon(ChartCall::Index));
    check("GET /addon/charts/a-1.tgz", addon(ChartCall::Download(stem("a-1"))));
    check("GET /addon/charts/a-1.tgz.prov", addon(ChartCall::Provenance(stem("a-1"))));
    check("POST /api/addon/charts?force", addon(ChartCall::Upload(Existing::Replace)));
    check("POST /api/addon/prov", addon(ChartCall::UploadProvenance(Existing::Keep)));
    check("GET /api/addon/charts", addon(ChartCall::List(ChartPage::default())));
    check(
        "GET /api/addon/charts?offset=2&limit=5",
        addon(ChartCall::List(ChartPage { offset: 2, limit: Some(5) })),
    );
    refused("GET /api/addon/charts?offset=-1", ParseError::OffsetInvalid);
    refused("GET /api/addon/charts?limit=0", ParseError::LimitInvalid);
    refused("DELETE /api/addon/charts/a", ParseError::UnknownPath);
    check("HEAD /api/addon/charts/a", addon(ChartCall::Versions("a".to_owned())));
    check("GET /api/addon/charts/a/1.0.0+2", addon(ChartCall::Version("a".to_owned(), "1.0.0+2".to_owned())));
    check("DELETE /api/addon/charts/a/1", addon(ChartCall::Delete("a".to_owned(), "1".to_owned())));
    refused("HEAD /addon/charts/a-1.tgz", ParseError::UnknownPath);
    for nothing in [
        "GET /v3",
        "GET /addon",
        "GET /addon/charts/a-1.zip",
        "GET /charts/charts/a-1.tgz",
        "POST /api/health/charts",
        "GET /addon/charts/..%2fa.tgz",
        "GET /health/index.yaml",
    ] {
        refused(nothing, ParseError::UnknownPath);
    }
}

#[test]
fn harbors_paths() {
    check("GET /chartrepo/p/index.yaml", Request::Charts(project("p"), ChartCall::Index));
    check("GET /chartrepo/p/charts/a-1.tgz", Request::Charts(project("p"), ChartCall::Download(stem("a-1"))));
    check("POST /api/chartrepo/p/charts", Request::Charts(project("p"), ChartCall::Upload(Existing::Keep)));
    let own = |call| Request::Charts(project("p"), ChartCall::Harbor(call));
    check("GET /api/chartrepo/p/charts?offset=x", own(HarborChartCall::List));
    check("HEAD /api/chartrepo/p/charts/a", own(HarborChartCall::Versions("a".to_owned())));
    check(
        "GET /api/chartrepo/p/charts/a/1.0.0+2",
        own(HarborChartCall::Version("a".to_owned(), "1.0.0+2".to_owned())),
    );
    check("DELETE /api/chartrepo/p/charts/a", own(HarborChartCall::DeleteChart("a".to_owned())));
    check(
        "DELETE /api/chartrepo/p/charts/a/1",
        own(HarborChartCall::DeleteVersion("a".to_owned(), "1".to_owned())),
    );
    check(
        "POST /api/chartrepo/p/prov",
        Request::Charts(project("p"), ChartCall::UploadProvenance(Existing::Keep)),
    );
    check("GET /api/v2.0/ping", Request::Harbor(HarborCall::Ping));
    check("GET /api/chartrepo/health", Request::Harbor(HarborCall::ChartHealth));
    check(
        "HEAD /api/v2.0/projects?project_name=p",
        Request::Harbor(HarborCall::HasProject("p".parse().expect("a project"))),
    );
    check("GET /api/v2.0/projects", Request::Harbor(HarborCall::ListProjects));
    check(
        "GET /api/v2.0/projects/p",
        Request::Harbor(HarborCall::GetProject("p".parse().expect("a project"))),
    );
    check("POST /api/v2.0/projects", Request::Harbor(HarborCall::CreateProject));
    for none in ["HEAD /api/v2.0/projects", "GET /api/v2.0/projects/", "GET /api/v2.0/projects/a%2fb"] {
        refused(none, ParseError::UnknownPath);
    }
    refused("POST /api/v2.0/charts", ParseError::UnknownPath);
}

#[test]
fn tokens() {
    check("GET /v2/_token", Request::Registry(RegistryCall::Token(vec![])));
    let scope = Scope::of(&"p/a".parse().expect("a repository"), Actions::PULL);
    check(
        "GET /v2/_token?service=x&scope=repository:p/a:pull",
        Request::Registry(RegistryCall::Token(vec![scope])),
    );
    check("POST /v2/_token", Request::Registry(RegistryCall::TokenForm));
    refused("PUT /v2/_token", ParseError::Method { method: Method::PUT, allow: "GET, POST" });
}

#[test]
fn what_a_request_needs_permission_for() {
    let check = |line: &str, access: Access<'_>, scope: Option<&str>| {
        let request = parse(line).expect("a good request");
        assert_eq!(request.access(), access, "{line}");
        assert_eq!(request.scope().map(|scope| scope.to_string()).as_deref(), scope, "{line}");
    };
    for open in ["GET /health", "GET /api/v2.0/ping", "GET /v2/_token", "POST /v2/_token"] {
        check(open, Access::Open, None);
    }
    for known in [
        "GET /v2/",
        "HEAD /api/v2.0/projects?project_name=p",
        "GET /api/v2.0/systeminfo",
        "GET /api/v2.0/users/current",
        "GET /api/chartrepo/health",
    ] {
        check(known, Access::Known, None);
    }
    check("GET /", Access::List, None);
    check("GET /v2/_catalog", Access::List, Some("registry:catalog:*"));
    check("GET /api/v2.0/projects", Access::PublicList, None);
    check("GET /api/v2.0/projects/p", Access::Read(Place::Project("p")), None);
    check("POST /api/v2.0/projects", Access::MakeProject, None);
    check("GET /index.yaml", Access::Read(Place::Whole), None);
    check("POST /api/charts", Access::Write(Place::Whole), None);
    check("DELETE /api/charts/a/1", Access::Delete(Place::Whole), None);
    for read in ["blobs/$D", "manifests/x", "tags/list", "referrers/$D"] {
        check(&format!("GET /v2/p/a/{read}"), Access::Read(Place::Project("p")), Some("repository:p/a:pull"));
    }
    for read in
        ["GET /p/index.yaml", "GET /p/charts/a-1.tgz", "GET /api/p/charts", "GET /chartrepo/p/index.yaml"]
    {
        check(read, Access::Read(Place::Project("p")), None);
    }
    for write in [
        "POST /v2/p/a/blobs/uploads/",
        "POST /v2/p/a/blobs/uploads/?digest=$D",
        "POST /v2/p/a/blobs/uploads/?mount=$D&from=q",
        "GET /v2/p/a/blobs/uploads/$ID",
        "PATCH /v2/p/a/blobs/uploads/$ID",
        "PUT /v2/p/a/blobs/uploads/$ID?digest=$D",
        "DELETE /v2/p/a/blobs/uploads/$ID",
        "PUT /v2/p/a/manifests/x",
    ] {
        check(write, Access::Write(Place::Project("p")), Some("repository:p/a:pull,push"));
    }
    for write in ["POST /api/p/charts", "POST /api/p/charts?force", "POST /api/p/prov"] {
        check(write, Access::Write(Place::Project("p")), None);
    }
    for delete in ["DELETE /v2/p/a/blobs/$D", "DELETE /v2/p/a/manifests/x"] {
        check(delete, Access::Delete(Place::Project("p")), Some("repository:p/a:delete"));
    }
    check("DELETE /api/p/charts/a/1", Access::Delete(Place::Project("p")), None);
}
