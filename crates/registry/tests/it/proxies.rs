//! Through a real proxy: plain requests and tunnels, with and without a password.

use portolan_registry::{Exceptions, HttpOptions, Proxies, RegistryError, RegistryOptions, Scheme};
use portolan_testkit::{
    docker_registry::{Access, DockerRegistry, Options, Transport},
    ports,
    proxy::Proxy,
};

use crate::{
    docker_registry::round_trip,
    peer::{Peer, answer_with},
    support::{alice, client, options},
};

/// Both kinds of servers through the proxy at `address`.
fn through(address: &str) -> Proxies {
    let proxy = Some(address.parse().unwrap());
    Proxies { http: proxy.clone(), https: proxy, exceptions: Exceptions::default() }
}

fn with(http: HttpOptions) -> RegistryOptions {
    RegistryOptions { http, ..options() }
}

fn tls(server: &DockerRegistry, proxies: Proxies) -> RegistryOptions {
    let ca_files = vec![server.ca_file().unwrap().to_owned()];
    with(HttpOptions { ca_files, proxies, ..HttpOptions::default() })
}

#[tokio::test]
async fn plain_requests_are_handed_to_it() {
    let (Some(proxy), access) =
        (Proxy::start(None), Access::Token { name: "alice".to_owned(), password: "s3cret".to_owned() })
    else {
        return;
    };
    let Some(server) = DockerRegistry::start(&Options { access, ..Options::default() }) else { return };
    let options = with(HttpOptions { proxies: through(&proxy.host()), ..HttpOptions::default() });
    round_trip(&client(Scheme::Http, server.host().as_str(), alice(), &options)).await;
    let requests = proxy.requests();
    assert_eq!(requests[0], format!("GET {}/v2/", server.url()));
    // The token server is another one, and its requests go the same way.
    let realm = server.tokens().unwrap().realm();
    assert!(requests.iter().any(|line| line.starts_with(&format!("GET {realm}?service="))), "{requests:?}");
    assert!(requests.iter().all(|line| !line.starts_with("CONNECT")), "{requests:?}");
}

#[tokio::test]
async fn tls_goes_through_a_tunnel() {
    for (login, user) in [(None, ""), (Some(("robot", "s3cret")), "robot:s3cret@")] {
        let Some(proxy) = Proxy::start(login) else { return };
        let transport = Transport::Tls;
        let Some(server) = DockerRegistry::start(&Options { transport, ..Options::default() }) else {
            return;
        };
        let options = tls(&server, through(&format!("http://{user}{}", proxy.host())));
        round_trip(&client(Scheme::Https, server.host().as_str(), None, &options)).await;
        let requests = proxy.requests();
        assert!(!requests.is_empty());
        assert!(requests.iter().all(|line| *line == format!("CONNECT {}", server.host())), "{requests:?}");
    }
}

#[tokio::test]
async fn with_its_password_it_lets_plain_requests_through() {
    let Some(proxy) = Proxy::start(Some(("robot", "s3cret"))) else { return };
    let Some(server) = DockerRegistry::start(&Options::default()) else { return };
    let ping = async |address: String| {
        let options = with(HttpOptions { proxies: through(&address), ..HttpOptions::default() });
        client(Scheme::Http, server.host().as_str(), None, &options).ping().await
    };
    ping(format!("robot:s3cret@{}", proxy.host())).await.unwrap();
    assert_eq!(proxy.requests(), [format!("GET {}/v2/", server.url())]);
    // This proxy answers 401, as if it were the registry.
    let error = ping(format!("robot:wr0ng@{}", proxy.host())).await.unwrap_err();
    let attempted = format!(
        "ask for the registry's version at {} (GET) through the proxy {}: ",
        server.host(),
        proxy.host()
    );
    assert!(error.to_string().starts_with(&attempted), "{error}");
    assert!(!format!("{error:?}").contains("wr0ng"));
}

#[tokio::test]
async fn a_refused_password_names_the_proxy_and_ends() {
    let proxy = Peer::start(|seen| {
        // `robot` and `p/%$`
        assert_eq!(seen.header("proxy-authorization"), Some("Basic cm9ib3Q6cC8lJA=="));
        answer_with(407, &[("proxy-authenticate", "Basic realm=proxy")], "")
    })
    .await;
    let address = format!("http://robot:p%2F%25$@{}", proxy.host);
    let options = with(HttpOptions { proxies: through(&address), ..HttpOptions::default() });
    for scheme in [Scheme::Http, Scheme::Https] {
        let before = proxy.lines().len();
        let error = client(scheme, "registry.test", alice(), &options).ping().await.unwrap_err();
        let expected = format!(
            "ask for the registry's version at registry.test (GET) through the proxy {}: the proxy wants a \
             user name and password, or refuses those that it was given; they stand in its address, as in \
             http://USER:PASSWORD@HOST:PORT",
            proxy.host
        );
        assert_eq!(error.to_string(), expected);
        assert!(matches!(error, RegistryError::ProxyLogin { .. }));
        assert_eq!(proxy.lines().len(), before + 1);
    }
    assert_eq!(proxy.lines(), ["GET http://registry.test/v2/", "CONNECT registry.test:443"]);
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    let address = format!("127.0.0.1:{}", ports::free());
    let options = with(HttpOptions { proxies: through(&address), ..HttpOptions::default() });
    for scheme in [Scheme::Http, Scheme::Https] {
        let error = client(scheme, "registry.test", None, &options).ping().await.unwrap_err();
        let expected = format!(
            "ask for the registry's version at registry.test (GET) through the proxy {address}: cannot connect"
        );
        assert_eq!(error.to_string(), expected);
        assert!(matches!(error, RegistryError::Unreachable { .. }));
    }
}

#[tokio::test]
async fn exceptions_are_reached_directly() {
    let Some(server) = DockerRegistry::start(&Options::default()) else { return };
    let nowhere = through(&format!("127.0.0.1:{}", ports::free()));
    for exceptions in [Exceptions::parse("10.0.0.0/8, 127.0.0.0/8"), Exceptions::default().and_loopback()] {
        let proxies = Proxies { exceptions, ..nowhere.clone() };
        let options = with(HttpOptions { proxies, ..HttpOptions::default() });
        client(Scheme::Http, server.host().as_str(), None, &options).ping().await.unwrap();
    }
}
