//! Proxies from the environment, by the variables that curl and Go read.
//!
//! Lower case stands above upper case, and a proxy for one scheme above that for all. `HTTP_PROXY` in upper case
//! is passed over where `REQUEST_METHOD` is set: to a CGI program, it is a header that a stranger's request had.
//! This machine (`localhost`, loopback) is never reached through a proxy, as Go has it: to a proxy, those names
//! would mean itself.

use portolan_registry::{Exceptions, Proxies, Proxy};

use super::Environment;
use super::problems::Problems;

/// The proxies that `environment` names; what is wrong with one is noted.
pub(super) fn proxies(environment: &Environment, problems: &mut Problems) -> Proxies {
    let is_cgi = environment.get("REQUEST_METHOD").is_some();
    let http: &[_] = if is_cgi { &["http_proxy"] } else { &["http_proxy", "HTTP_PROXY"] };
    let exceptions = environment.first(&["no_proxy", "NO_PROXY"]).unwrap_or_default();
    Proxies {
        http: proxy(&[http, ALL].concat(), environment, problems),
        https: proxy(&[&["https_proxy", "HTTPS_PROXY"], ALL].concat(), environment, problems),
        exceptions: Exceptions::parse(exceptions).and_loopback(),
    }
}

/// The variables of a proxy for every scheme.
const ALL: &[&str] = &["all_proxy", "ALL_PROXY"];

fn proxy(names: &[&'static str], environment: &Environment, problems: &mut Problems) -> Option<Proxy> {
    let name = names.iter().find(|name| environment.get(name).is_some())?;
    problems.accept(name, None, environment.get(name)?.parse())
}

#[cfg(test)]
mod tests {
    use super::super::tests::environment;
    use super::*;

    #[track_caller]
    fn check(set: &[(&str, &str)], url: &str, expected: Option<&str>) {
        let mut problems = Problems::default();
        let proxies = proxies(&environment(set), &mut problems);
        assert_eq!(problems.into_vec(), []);
        let proxy = proxies.of(&url.parse().unwrap()).map(ToString::to_string);
        assert_eq!(proxy.as_deref(), expected, "{set:?} {url}");
    }

    #[test]
    fn which_variable_counts() {
        check(&[], "https://r/", None);
        check(&[("http_proxy", "http://a:1")], "http://r/", Some("a:1"));
        check(&[("http_proxy", "http://a:1")], "https://r/", None);
        check(&[("https_proxy", "a:1"), ("HTTPS_PROXY", "b:2")], "https://r/", Some("a:1"));
        check(&[("https_proxy", ""), ("HTTPS_PROXY", "b:2")], "https://r/", Some("b:2"));
        check(&[("ALL_PROXY", "c:3"), ("http_proxy", "a:1")], "http://r/", Some("a:1"));
        check(&[("ALL_PROXY", "c:3"), ("http_proxy", "a:1")], "https://r/", Some("c:3"));
        check(&[("HTTP_PROXY", "b:2")], "http://r/", Some("b:2"));
        let cgi = [("HTTP_PROXY", "b:2"), ("REQUEST_METHOD", "GET")];
        check(&cgi, "http://r/", None);
        check(&[cgi[0], cgi[1], ("http_proxy", "a:1")], "http://r/", Some("a:1"));
    }

    #[test]
    fn what_is_reached_directly() {
        let with = |list| [("ALL_PROXY", "a:1"), ("NO_PROXY", list)];
        check(&with("inside.example,10.0.0.0/8"), "https://r.inside.example/", None);
        check(&with("inside.example,10.0.0.0/8"), "http://10.1.2.3:5000/", None);
        check(&with("inside.example"), "https://outside.example/", Some("a:1"));
        check(&with("*"), "https://outside.example/", None);
        check(&[("no_proxy", "x"), ("NO_PROXY", "*"), ("all_proxy", "a:1")], "https://r/", Some("a:1"));
        check(&with("x"), "http://127.0.0.1:5000/", None);
        check(&with("x"), "http://localhost/", None);
    }

    #[test]
    fn what_is_wrong_is_named_without_its_value() {
        let mut problems = Problems::default();
        let set = [("https_proxy", "http://u:hunter2/@"), ("ALL_PROXY", "socks5://u:hunter2@p")];
        proxies(&environment(&set), &mut problems);
        let told: Vec<_> = problems.into_vec().iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "`ALL_PROXY`: only proxies that speak HTTP can be used: http://HOST:PORT or https://HOST:PORT",
                "`https_proxy`: it is no address of a proxy, as in http://HOST:PORT or \
                 http://USER:PASSWORD@HOST:PORT; special characters in user and password are written as %XX",
            ]
        );
    }
}
