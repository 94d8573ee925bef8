//! Logins from every place, the ways to servers that want them, and that no output ever shows one.

use std::io::Write;
use std::process::Stdio;

use portolan_testkit::docker_registry::{Access, DockerRegistry, Options, Transport};
use portolan_testkit::ports;
use portolan_testkit::proxy::Proxy;

use crate::inputs::{local_configuration, two_bundles};
use crate::site::{Depot, Ended, Site, ended};

/// A user as Harbor names its robots.
const ROBOT: &str = "robot$ship+push";

/// Passwords that occur nowhere else, also as base64, alone and in a login.
const PASSWORDS: [&str; 3] = ["zq7Xw-registry", "zq7Xw-charts", "zq7Xw-proxy"];

/// What no output may hold: what all the passwords have in common, as it is and in base64 at any offset.
const TRACES: [&str; 4] = ["zq7Xw", "enE3WH", "pxN1h3", "6cTdYd"];

#[track_caller]
fn check_silence(ended: &Ended) {
    for text in [&ended.out, &ended.err] {
        for trace in TRACES {
            assert!(!text.contains(trace), "{trace}: {text}");
        }
    }
}

fn protected(transport: Transport) -> Option<DockerRegistry> {
    let access = Access::User { name: ROBOT.to_owned(), password: PASSWORDS[0].to_owned() };
    DockerRegistry::start(&Options { access, transport, ..Options::default() })
}

/// A site with two bundles that pushes to `url`, with `more` lines below `target`.
fn site(url: &str, more: &str) -> Site {
    let site = Site::new();
    two_bundles(&site);
    let text =
        local_configuration("r.example").replace("    path: charts\n", "    path: charts\n  containers:\n");
    site.write("load-image.yaml", format!("{text}    url: '{url}'\n{more}"));
    site
}

#[test]
fn a_robot_signs_in_from_every_place() {
    let Some(registry) = protected(Transport::Plain) else { return };
    let url = registry.url();
    let line = "sync -c load-image.yaml -vvv";
    let written = format!("    auth: {{username: {ROBOT}, password: {}}}\n", PASSWORDS[0]);
    let done = |ended: Ended| check_silence(&ended.expect(0));
    done(site(&url, &written).run(line));

    let plain = site(&url, "");
    check_silence(&plain.run(line).expect(1));
    let with = |variables: &[(&str, &str)]| {
        let mut command = plain.command(line);
        command.envs(variables.iter().copied());
        ended(&mut command)
    };
    let (user, password) = ("TARGET_CONTAINERS_AUTH_USERNAME", "TARGET_CONTAINERS_AUTH_PASSWORD");
    done(with(&[(user, ROBOT), (password, PASSWORDS[0])]));
    plain.write("secrets/password", format!("{}\n", PASSWORDS[0]));
    done(with(&[(user, ROBOT), (&format!("{password}_FILE"), "secrets/password")]));
    done(plain.run(&format!("{line} --registry-username {ROBOT} --registry-password-file secrets/password")));

    // `auth` is ROBOT:PASSWORDS[0].
    let auth = "cm9ib3Qkc2hpcCtwdXNoOnpxN1h3LXJlZ2lzdHJ5";
    let docker = format!("{{\"auths\": {{\"http://{}/v2/\": {{\"auth\": \"{auth}\"}}}}}}", registry.host());
    plain.write("home/.docker/config.json", docker);
    done(plain.run(line));
    // What is named stands above Docker's.
    plain.write("secrets/wrong", "zq7Xw-wrong");
    check_silence(
        &plain
            .run(&format!("{line} --registry-username {ROBOT} --registry-password-file secrets/wrong"))
            .expect(1),
    );
}

#[test]
fn a_password_on_standard_input() {
    let Some(registry) = protected(Transport::Plain) else { return };
    let site = site(&registry.url(), "");
    let mut command = site
        .command(&format!("sync -c load-image.yaml --registry-username {ROBOT} --registry-password-file -"));
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{}", PASSWORDS[0]).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let both =
        site.run("sync -c load-image.yaml --registry-password-file - --charts-password-file -").expect(2);
    let expected = "error: standard input can be read once, and --registry-password-file and \
                    --charts-password-file both want it\n";
    assert_eq!(both.err, expected);
    let empty = site.run("sync -c load-image.yaml --registry-password-file -").expect(2);
    assert_eq!(empty.err, "error: standard input holds nothing\n");
    let absent = site.run("sync -c load-image.yaml --charts-password-file nowhere").expect(2);
    assert!(absent.err.starts_with("error: cannot read nowhere\ncaused by: "), "{absent:?}");
    let half = site.run("sync -c load-image.yaml --registry-username ann").expect(2);
    assert!(half.err.contains("`target.containers.auth.password` is missing"), "{half:?}");
}

#[test]
fn the_chart_repository_has_a_login_of_its_own() {
    let depot = Depot::harbor();
    let site = Site::new();
    two_bundles(&site);
    let configuration = crate::inputs::harbor_configuration(&depot.host()).replace("Harbor12345", "wrong");
    site.write("load-image.yaml", configuration);
    site.write("password", "Harbor12345");
    let line = "sync -c load-image.yaml --auto-create-repository --registry-password-file password";
    let refused = site.run(line).expect(1);
    assert!(refused.err.contains("the chart repository refuses the user name or password"), "{refused:?}");
    site.run(&format!("{line} --charts-username admin --charts-password-file password")).expect(0);
}

#[test]
fn a_client_certificate_for_images_and_charts() {
    let Some(registry) = protected(Transport::MutualTls) else { return };
    let made = registry.certificates().unwrap();
    let written = format!("    auth: {{username: {ROBOT}, password: {}}}\n", PASSWORDS[0]);
    let site = site(&registry.url(), &written);
    let oci = format!(
        "    kind: OCI\n    url: {}/charts\n    auth: {{username: {ROBOT}, password: {}}}\n",
        registry.url(),
        PASSWORDS[0]
    );
    let text = std::fs::read_to_string(site.path("load-image.yaml")).unwrap();
    site.write("load-image.yaml", text.replace("    kind: LOCAL\n    path: charts\n", &oci));
    let line = format!("sync -c load-image.yaml -vvv --ca-file {}", made.ca.display());
    let refused = site.run(&line).expect(1);
    assert_eq!(refused.err.matches("the server wants a client certificate").count(), 2, "{refused:?}");
    let (certificate, key) = (made.client_certificate.display(), made.client_key.display());
    let done = site.run(&format!("{line} --client-cert {certificate} --client-key {key}")).expect(0);
    check_silence(&done);
    let alone = site.run(&format!("{line} --client-cert {certificate}")).expect(2);
    assert!(alone.err.contains("--client-key <PEM>"), "{alone:?}");
    let swapped = site.run(&format!("{line} --client-cert {key} --client-key {certificate}")).expect(1);
    assert!(swapped.err.contains("client-key.pem holds no usable PEM certificate"), "{swapped:?}");
}

#[test]
fn a_token_server_at_a_private_address_is_named_or_refused() {
    let access = Access::Token { name: ROBOT.to_owned(), password: PASSWORDS[0].to_owned() };
    let Some(registry) = DockerRegistry::start(&Options { access, ..Options::default() }) else { return };
    // By another name the registry is another host than its token server.
    let url = registry.url().replace("127.0.0.1", "localhost");
    let written = format!("    auth: {{username: {ROBOT}, password: {}}}\n", PASSWORDS[0]);
    let realm = registry.tokens().unwrap().realm();
    let refused = site(&url, &written).run("sync -c load-image.yaml -vvv").expect(1);
    check_silence(&refused);
    let told = format!(
        "the registry names the token server {realm}, which is another host, in the clear; if it is meant, \
         name it with --token-server or in target.containers.tokenServers"
    );
    assert!(refused.err.contains(&told), "{refused:?}");
    assert!(registry.tokens().unwrap().asked().is_empty());
    let host = realm.replace("http://", "").replace("/token", "");
    site(&url, &written).run(&format!("sync -c load-image.yaml --token-server {host}")).expect(0);
    site(&url, &format!("{written}    tokenServers: ['{host}']\n")).run("sync -c load-image.yaml").expect(0);
}

/// An address of this machine that counts as no loopback, so that a proxy is used for it.
fn seen_from_a_proxy(registry: &DockerRegistry) -> String {
    registry.url().replace("127.0.0.1", "0.0.0.0")
}

#[test]
fn proxies_of_the_environment() {
    let Some(proxy) = Proxy::start(Some(("robot", PASSWORDS[2]))) else { return };
    let Some(registry) = DockerRegistry::start(&Options::default()) else { return };
    let url = seen_from_a_proxy(&registry);
    let site = site(&url, "");
    let with = |variables: &[(&str, &str)]| {
        let mut command = site.command("sync -c load-image.yaml -vvv");
        command.env_remove("NO_PROXY").envs(variables.iter().copied());
        let ended = ended(&mut command);
        check_silence(&ended);
        ended
    };
    let address = format!("http://robot:{}@{}", PASSWORDS[2], proxy.host());
    with(&[("HTTP_PROXY", &address), ("NO_PROXY", "0.0.0.0")]).expect(0);
    with(&[("HTTP_PROXY", &address), ("REQUEST_METHOD", "GET")]).expect(0);
    with(&[("https_proxy", &address)]).expect(0);
    assert_eq!(proxy.requests(), Vec::<String>::new());
    with(&[("ALL_PROXY", &address)]).expect(0);
    let requests = proxy.requests();
    assert!(requests.contains(&format!("GET {url}/v2/")), "{requests:?}");

    let wrong = format!("http://robot:zq7Xw-wrong@{}", proxy.host());
    let refused = with(&[("http_proxy", &wrong)]).expect(1);
    assert!(refused.err.contains(&format!("through the proxy {}", proxy.host())), "{refused:?}");
    let nowhere = format!("127.0.0.1:{}", ports::free());
    let absent = with(&[("http_proxy", &format!("robot:{}@{nowhere}", PASSWORDS[2]))]).expect(1);
    assert!(absent.err.contains(&format!("through the proxy {nowhere}: cannot connect")), "{absent:?}");
    let socks = with(&[("all_proxy", &format!("socks5://robot:{}@p", PASSWORDS[2]))]).expect(2);
    assert!(socks.err.contains("`all_proxy`: only proxies that speak HTTP can be used"), "{socks:?}");
}

#[test]
fn no_failure_shows_a_password() {
    let Some(registry) = protected(Transport::Plain) else { return };
    let login =
        |user: &str, password: &str| format!("    auth: {{username: {user}, password: '{password}'}}\n");
    let nobody = format!("http://127.0.0.1:{}", ports::free());
    let check = |url: &str, more: &str, flags: &str, code: i32| {
        let site = site(url, more);
        check_silence(&site.run(&format!("sync -c load-image.yaml -vvv {flags}")).expect(code));
        let json = site.run(&format!("sync -c load-image.yaml -vvv --output json {flags}"));
        check_silence(&json.expect(code));
    };
    // Servers that refuse, are not there, or are something else.
    check(&registry.url(), &login(ROBOT, "zq7Xw-wrong"), "", 1);
    check(&registry.url(), &login("zq7Xw-user", PASSWORDS[0]), "--dry-run", 1);
    check(&nobody, &login(ROBOT, PASSWORDS[0]), "", 1);
    check("https://registry.invalid", &login(ROBOT, PASSWORDS[0]), "", 1);
    check(&registry.url().replace("http", "https"), &login(ROBOT, PASSWORDS[0]), "", 1);
    // Configurations that are none, around the password.
    for more in [
        format!("    auth: {{username: u, passwort: {}}}\n", PASSWORDS[0]),
        format!("    auth: {{username: u, password: [{}]}}\n", PASSWORDS[0]),
        format!("    auth: {{username: u, password: *{}}}\n", PASSWORDS[0]),
        format!("    auth: {{username: u, password: \"{}}}\n", PASSWORDS[0]),
        format!("    auth: {{password: {}}}\n", PASSWORDS[0]),
        format!("    auth: {{registry: other, username: u, password: {}}}\n", PASSWORDS[0]),
        format!("    auth: {{registry: 'https://u:{}@other', username: u, password: p}}\n", PASSWORDS[0]),
        format!("    auth:\n      username: u\n      password: {}\n     kind: x\n", PASSWORDS[0]),
        format!("    tokenServers: ['u:{}@h']\n", PASSWORDS[0]),
    ] {
        check("https://r.example", &more, "", 2);
    }
    check(&format!("https://u:{}@r.example", PASSWORDS[0]), "", "", 2);
}

#[test]
fn no_chart_repository_makes_it_show_a_password() {
    let depot = Depot::harbor();
    let check = |repo: &str, code: i32| {
        let site = Site::new();
        two_bundles(&site);
        let text = local_configuration(&depot.host())
            .replace("    kind: LOCAL\n    path: charts\n", repo)
            .replace("PASSWORD", PASSWORDS[1]);
        site.write("load-image.yaml", text);
        check_silence(&site.run("sync -c load-image.yaml -vvv").expect(code));
    };
    let auth = "    auth: {username: 'robot$x', password: PASSWORD}\n";
    let host = depot.host();
    check(&format!("    kind: HARBOR\n    url: http://{host}/chartrepo/p\n{auth}"), 1);
    check(&format!("    kind: CHARTMUSEUM\n    url: http://{host}/museum\n{auth}"), 1);
    check(&format!("    kind: OCI\n    url: oci://{host}/p\n{auth}"), 1);
    check(&format!("    kind: HARBOR\n    url: https://{host}/chartrepo/p\n{auth}"), 1);
    check("    kind: CHARTMUSEUM\n    url: http://u:PASSWORD@127.0.0.1/p\n", 2);
    check("    kind: OCI\n    url: oci://u:PASSWORD@127.0.0.1/p\n", 2);
    check("    kind: HARBOR\n    url: https://u:PASSWORD@[\n", 2);
}
