//! A request as a value, with what is being done by it.

use bytes::Bytes;
use reqwest::{
    Method, Url,
    header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};

use crate::{
    error::{Attempted, RegistryError},
    proxy::Proxy,
    scope::Scope,
};

/// A request that can be sent any number of times.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) attempted: Box<Attempted>,
    pub(crate) url: Url,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
}

impl Call {
    pub(crate) fn new(doing: impl Into<String>, method: Method, url: Url) -> Self {
        Self {
            attempted: Attempted::new(doing, method, &url),
            url,
            scopes: Vec::new(),
            headers: HeaderMap::new(),
            body: None,
        }
    }

    pub(crate) fn scope(mut self, scope: Scope) -> Self {
        self.scopes.push(scope);
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    pub(crate) fn body(mut self, body: Bytes) -> Self {
        self.body = Some(body);
        self
    }

    /// Says that there is no body: without it, proxies answer writes with 411.
    pub(crate) fn empty(self) -> Self {
        self.header(CONTENT_LENGTH, HeaderValue::from_static("0"))
    }

    /// Whether it signs in by itself.
    pub(crate) fn carries_password(&self) -> bool {
        self.headers.contains_key(AUTHORIZATION)
    }

    /// The same, whose errors name the proxy that it is sent through.
    pub(crate) fn through(self, proxy: Option<&Proxy>) -> Self {
        Self { attempted: self.attempted.through(proxy), ..self }
    }

    /// Refuses a page for people in place of a registry's answer: a portal or a login that something on the
    /// way put there.
    pub(crate) fn refuse_web_page(&self, headers: &HeaderMap) -> Result<(), RegistryError> {
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if content_type.is_some_and(|text| text.starts_with("text/html")) {
            return Err(self.malformed("a web page answers there, no registry"));
        }
        Ok(())
    }

    /// An error about the answer to this call.
    pub(crate) fn malformed(&self, problem: impl Into<String>) -> RegistryError {
        RegistryError::Malformed { attempted: self.attempted.clone(), problem: problem.into() }
    }
}
