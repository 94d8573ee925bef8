//! Whose credentials are used: environment, then file.

use portolan_registry::Credentials;
use secrecy::ExposeSecret;

use super::super::{GivenLogin, Logins};
use super::*;

fn pair(login: Option<&Credentials>) -> Option<(&str, &str)> {
    login.map(|login| (login.username.as_str(), login.password.expose_secret()))
}

#[track_caller]
fn check(text: &str, set: &[(&str, &str)], repo: Option<(&str, &str)>, containers: Option<(&str, &str)>) {
    let settings = settings_with(text, &Overrides::default(), set).unwrap();
    assert_eq!(pair(settings.charts.login.as_ref()), repo);
    assert_eq!(pair(settings.registry.login.as_ref()), containers);
}

const FILE: Option<(&str, &str)> = Some(("admin", "Harbor12345"));

#[test]
fn the_environment_stands_above_the_file_field_by_field() {
    check(LEAST, &[], None, None);
    check(HARBOR, &[], FILE, FILE);
    check(HARBOR, &[("TARGET_REPO_AUTH_PASSWORD", "new")], Some(("admin", "new")), FILE);
    check(HARBOR, &[("TARGET_AUTH_USERNAME", "old")], Some(("old", "Harbor12345")), FILE);
    let both = [("TARGET_AUTH_USERNAME", "old"), ("TARGET_REPO_AUTH_USERNAME", "newer")];
    check(HARBOR, &both, Some(("newer", "Harbor12345")), FILE);
    let containers = [("TARGET_CONTAINERS_AUTH_USERNAME", "robot"), ("TARGET_CONTAINERS_AUTH_PASSWORD", "p")];
    check(LEAST, &containers, None, Some(("robot", "p")));
    check(HARBOR, &[("TARGET_AUTH_USERNAME", "")], FILE, FILE);
}

#[test]
fn half_a_login_is_refused() {
    let error = settings_with(LEAST, &Overrides::default(), &[("TARGET_CONTAINERS_AUTH_USERNAME", "robot")]);
    assert_eq!(
        shown(&error.unwrap_err()),
        "load-image.yaml cannot be used as it is\n\
         \x20 `target.containers.auth.password` is missing: the other half of the login is there; set it, or the \
         variable TARGET_CONTAINERS_AUTH_PASSWORD"
    );
    assert_eq!(
        error_of(&HARBOR.replacen("      username: \"admin\" # Container registry username\n", "", 1)),
        "load-image.yaml cannot be used as it is\n\
         \x20 `target.repo.auth.username` is missing: the other half of the login is there; set it, or the variable \
         TARGET_REPO_AUTH_USERNAME"
    );
}

#[test]
fn files_stand_in_for_variables() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (user, password) = (file("user", "robot$ship+push\n"), file("password", "p$x\n"));
    let robot = Some(("robot$ship+push", "p$x"));
    let containers = [
        ("TARGET_CONTAINERS_AUTH_USERNAME_FILE", &*user),
        ("TARGET_CONTAINERS_AUTH_PASSWORD_FILE", &password),
    ];
    check(LEAST, &containers, None, robot);
    let repo = [("TARGET_REPO_AUTH_USERNAME", "robot$ship+push"), ("TARGET_AUTH_PASSWORD_FILE", &password)];
    check(HARBOR, &repo, robot, FILE);

    let told = |set: &[(&str, &str)]| {
        let error = settings_with(HARBOR, &Overrides::default(), set).unwrap_err();
        shown(&error)
            .replace(&format!("{}/", folder.path().display()), "")
            .replace("load-image.yaml cannot be used as it is\n  ", "")
    };
    let (absent, empty) = (folder.path().join("absent"), file("empty", ""));
    assert_eq!(
        told(&[("TARGET_REPO_AUTH_PASSWORD_FILE", absent.to_str().unwrap())]),
        "`TARGET_REPO_AUTH_PASSWORD_FILE`: cannot read absent: No such file or directory (os error 2)"
    );
    assert_eq!(
        told(&[("TARGET_REPO_AUTH_PASSWORD_FILE", &empty)]),
        "`TARGET_REPO_AUTH_PASSWORD_FILE`: empty holds nothing"
    );
    assert_eq!(
        told(&[("TARGET_REPO_AUTH_PASSWORD_FILE", &empty), ("TARGET_REPO_AUTH_PASSWORD", "x")]),
        "`TARGET_REPO_AUTH_PASSWORD_FILE` contradicts `TARGET_REPO_AUTH_PASSWORD`: only one of the two can be set"
    );
}

#[test]
fn flags_stand_above_the_environment() {
    let given = |username: Option<&str>, password: Option<&str>| GivenLogin {
        username: username.map(str::to_owned),
        password: password.map(Into::into),
    };
    let logins = |registry, charts| Overrides { logins: Logins { registry, charts }, ..Overrides::default() };
    let set = [("TARGET_CONTAINERS_AUTH_USERNAME", "env"), ("TARGET_CONTAINERS_AUTH_PASSWORD", "env")];
    let settings = |overrides| settings_with(HARBOR, &overrides, &set).unwrap();
    let both = settings(logins(given(Some("flag"), Some("f")), given(None, None)));
    assert_eq!(pair(both.registry.login.as_ref()), Some(("flag", "f")));
    assert_eq!(pair(both.charts.login.as_ref()), FILE);
    let halves = settings(logins(given(Some("flag"), None), given(None, Some("f"))));
    assert_eq!(pair(halves.registry.login.as_ref()), Some(("flag", "env")));
    assert_eq!(pair(halves.charts.login.as_ref()), Some(("admin", "f")));
}

#[test]
fn robots_stay_as_written() {
    let robot = |quoted: &str| HARBOR.replace("\"admin\"", quoted).replace("\"Harbor12345\"", "$p${x}%24");
    for quoted in ["robot$ship+push", "'robot$ship+push'", "\"robot$ship+push\""] {
        let login = Some(("robot$ship+push", "$p${x}%24"));
        check(&robot(quoted), &[], login, login);
    }
    let set = [("TARGET_AUTH_USERNAME", "robot$x"), ("TARGET_AUTH_PASSWORD", "$y")];
    check(HARBOR, &set, Some(("robot$x", "$y")), FILE);
}

#[test]
fn a_login_belongs_to_one_registry() {
    let with = |registry: &str| {
        format!("{LEAST}  containers: {{auth: {{registry: {registry}, username: u, password: p}}}}\n")
    };
    check(&with("r.example"), &[], None, Some(("u", "p")));
    assert_eq!(
        error_of(&with("other.example")),
        "load-image.yaml cannot be used as it is\n\
         \x20 line 8: `target.containers.auth.registry`: this login is for other.example, and images are pushed to \
         r.example"
    );
}

#[test]
fn nothing_shows_a_password() {
    let settings =
        settings_with(HARBOR, &Overrides::default(), &[("TARGET_AUTH_PASSWORD", "hunter2")]).unwrap();
    let shown = format!("{settings:?} {:?}", environment(&[("TARGET_AUTH_PASSWORD", "hunter2")]));
    assert!(!shown.contains("hunter2") && !shown.contains("Harbor12345"), "{shown}");
    assert!(shown.contains("TARGET_AUTH_PASSWORD"), "{shown}");
}

#[test]
fn numbers_as_passwords_stay_as_written() {
    let text = HARBOR.replacen("\"Harbor12345\"", "0123", 1);
    check(&text, &[], Some(("admin", "0123")), FILE);
}

#[test]
fn dockers_configuration_is_where_docker_has_it() {
    let check = |set: &[(&str, &str)], expected: Option<&str>| {
        let docker = settings_with(LEAST, &Overrides::default(), set).unwrap().docker;
        assert_eq!(docker.map(|docker| docker.config), expected.map(Into::into));
    };
    check(&[], None);
    check(&[("HOME", "/home/a")], Some("/home/a/.docker/config.json"));
    check(&[("HOME", "/home/a"), ("DOCKER_CONFIG", "/etc/d")], Some("/etc/d/config.json"));
}
