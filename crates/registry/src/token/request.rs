//! How a token is asked for.

use reqwest::{
    Method, RequestBuilder, Url,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use secrecy::ExposeSecret as _;

use crate::{
    clients::Clients,
    credentials::Credentials,
    error::{Attempted, cut},
};

/// Who hands out tokens for a registry, as its challenge says.
#[derive(Clone, Debug)]
pub(crate) struct TokenServer {
    /// Its address, which may see the credentials.
    pub(crate) realm: Url,
    /// Name under which it knows the registry.
    pub(crate) service: Option<String>,
}

impl TokenServer {
    /// The request for a token that permits `scopes`: `GET` with the password, or with nothing; `POST` of
    /// OAuth2 for an identity token.
    pub(crate) fn request(
        &self,
        clients: &Clients,
        credentials: Option<&Credentials>,
        scopes: &[String],
    ) -> (RequestBuilder, Box<Attempted>) {
        let client = clients.of(&self.realm);
        let attempted = |method| {
            Attempted::new(doing(scopes), method, &self.realm).through(clients.proxy_of(&self.realm))
        };
        match credentials {
            Some(identity) if identity.is_identity_token() => {
                let request = client
                    .post(self.realm.clone())
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(self.oauth_form(identity, scopes));
                (request, attempted(Method::POST))
            }
            Some(login) => {
                let request = client.get(self.url(scopes)).header(AUTHORIZATION, login.basic_header());
                (request, attempted(Method::GET))
            }
            None => (client.get(self.url(scopes)), attempted(Method::GET)),
        }
    }

    /// The URL of a `GET`. Parameters that the realm has stay.
    fn url(&self, scopes: &[String]) -> Url {
        let mut url = self.realm.clone();
        {
            let mut query = url.query_pairs_mut();
            if let Some(service) = &self.service {
                query.append_pair("service", service);
            }
            for scope in scopes {
                query.append_pair("scope", scope);
            }
        }
        if url.query() == Some("") {
            url.set_query(None);
        }
        url
    }

    /// RFC 6749, section 6, as distribution's "Token Authentication using OAuth2" has it.
    fn oauth_form(&self, identity: &Credentials, scopes: &[String]) -> String {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "refresh_token")
            .append_pair("client_id", "portolan")
            .append_pair("refresh_token", identity.password.expose_secret());
        if let Some(service) = &self.service {
            form.append_pair("service", service);
        }
        if !scopes.is_empty() {
            form.append_pair("scope", &scopes.join(" "));
        }
        form.finish()
    }
}

fn doing(scopes: &[String]) -> String {
    match scopes {
        [] => "get a token".to_owned(),
        _ => format!("get a token for {}", cut(&scopes.join(" "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_requests() {
        #[track_caller]
        fn check(realm: &str, service: Option<&str>, scopes: &[&str], expected: &str) {
            let server = TokenServer { realm: realm.parse().unwrap(), service: service.map(str::to_owned) };
            let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
            assert_eq!(server.url(&scopes).as_str(), expected);
        }
        check("https://a/t", None, &[], "https://a/t");
        check(
            "https://a/t?x=1",
            Some("harbor registry"),
            &["repository:a/b:pull,push", "repository:c:pull"],
            "https://a/t?x=1&service=harbor+registry&scope=repository%3Aa%2Fb%3Apull%2Cpush&scope=repository%3Ac%3Apull",
        );
    }
}
