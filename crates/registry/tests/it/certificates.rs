//! Client certificates, and what no other host sees of them: against a real registry that wants one, and
//! against servers by script that lead elsewhere.

use portolan_oci::Digest;
use portolan_registry::{
    Advice, ClientCertificate, HttpOptions, Registry, RegistryError, RegistryOptions, Scheme, TlsTrust,
};
use portolan_testkit::{
    docker_registry::{DockerRegistry, Options, Transport},
    tls::Certificates,
    tls_peer::{TlsPeer, answer},
};

use crate::{
    docker_registry::round_trip,
    peer::{self, Peer},
    support::{alice, client, options, repository},
};

/// Trust in the authority, and the client's certificate.
fn with_certificate(certificates: &Certificates) -> HttpOptions {
    let Certificates { ca, client_certificate: certificate, client_key: key, .. } = certificates.clone();
    let client_certificate = Some(ClientCertificate { certificate, key });
    HttpOptions { ca_files: vec![ca], client_certificate, ..HttpOptions::default() }
}

fn registry(host: &str, http: HttpOptions) -> Registry {
    client(Scheme::Https, host, alice(), &RegistryOptions { http, ..options() })
}

#[tokio::test]
async fn a_registry_that_wants_one() {
    let transport = Transport::MutualTls;
    let Some(server) = DockerRegistry::start(&Options { transport, ..Options::default() }) else { return };
    let good = with_certificate(server.certificates().unwrap());
    let host = server.host().to_string();
    round_trip(&registry(&host, good.clone())).await;
    let any = HttpOptions { tls: TlsTrust::AcceptAny, ca_files: Vec::new(), ..good.clone() };
    registry(&host, any).ping().await.unwrap();

    let stranger = tempfile::tempdir().unwrap();
    let stranger = with_certificate(&Certificates::make(stranger.path())).client_certificate;
    for client_certificate in [None, stranger] {
        let http = HttpOptions { client_certificate, ..good.clone() };
        let error = registry(&host, http).ping().await.unwrap_err();
        assert!(matches!(error, RegistryError::Tls { advice: Advice::ShowCertificate, .. }), "{error:?}");
        let advice = "; the server wants a client certificate: name one that it knows with --client-cert and \
                      --client-key";
        assert!(error.to_string().ends_with(advice), "{error}");
    }
}

#[tokio::test]
async fn no_other_host_sees_certificate_or_password() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(folder.path());
    let storage = TlsPeer::start(&certificates, |_| answer(200, "", "{}"));
    let tokens = TlsPeer::start(&certificates, |_| answer(200, "", r#"{"token":"t0ken"}"#));
    let (to, realm) = (storage.url("/signed?x=1"), tokens.url("/token"));
    let server = TlsPeer::start(&certificates, move |seen| match &seen.authorization {
        Some(header) if header == "Bearer t0ken" => answer(307, &format!("Location: {to}\r\n"), ""),
        _ => answer(401, &format!("WWW-Authenticate: Bearer realm=\"{realm}\"\r\n"), ""),
    });
    let registry = registry(&server.host(), with_certificate(&certificates));
    let blob = registry.get_blob(&repository("a/b"), &Digest::sha256(b"{}"), 10).await.unwrap();
    assert_eq!(blob, "{}");
    assert!(server.seen().iter().all(|seen| seen.certificate), "{:?}", server.seen());
    assert_eq!(tokens.seen().len(), 1);
    assert!(tokens.seen().iter().all(|seen| !seen.certificate), "{:?}", tokens.seen());
    let [seen] = storage.seen().try_into().unwrap();
    assert_eq!((seen.certificate, seen.authorization), (false, None));
}

#[tokio::test]
async fn nothing_leads_from_tls_to_the_clear() {
    let thief = Peer::start(|_| peer::answer_with(200, &[], r#"{"token":"t0ken"}"#)).await;
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(folder.path());
    let to = format!("Location: http://{}/\r\n", thief.host);
    let leading = TlsPeer::start(&certificates, move |_| answer(307, &to, ""));
    let trusting = || HttpOptions { ca_files: vec![certificates.ca.clone()], ..HttpOptions::default() };
    let error = registry(&leading.host(), trusting()).ping().await.unwrap_err();
    assert!(error.to_string().ends_with("a redirect leads from https to http"), "{error}");

    // The same at the token server, which gets the password.
    let realm = leading.url("/token");
    let server = TlsPeer::start(&certificates, move |_| {
        answer(401, &format!("WWW-Authenticate: Bearer realm=\"{realm}\"\r\n"), "")
    });
    let error = registry(&server.host(), trusting()).ping().await.unwrap_err();
    assert!(matches!(error, RegistryError::Redirected { .. }), "{error}");
    let at_tokens = leading.seen().into_iter().find(|seen| seen.line.starts_with("GET /token")).unwrap();
    assert!(at_tokens.authorization.is_some());

    // And a realm in the clear.
    let realm = format!("http://{}/token", thief.host);
    let server = TlsPeer::start(&certificates, move |_| {
        answer(401, &format!("WWW-Authenticate: Bearer realm=\"{realm}\"\r\n"), "")
    });
    let error = registry(&server.host(), trusting()).ping().await.unwrap_err();
    assert!(matches!(error, RegistryError::Realm { .. }), "{error}");
    assert!(thief.seen().is_empty());
}
