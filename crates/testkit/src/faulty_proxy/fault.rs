//! Faults as values: which requests, and what happens to them.

use super::seen::{Kind, Seen};

/// Something that goes wrong with some requests.
#[derive(Clone, Debug)]
pub struct Fault {
    which: Which,
    /// How many of those requests are let through first.
    spared: usize,
    /// How many are left that it happens to.
    left: usize,
    action: Action,
}

#[derive(Clone, Debug)]
enum Which {
    Kind(Kind),
    Pattern { method: String, path: String },
}

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The connection is cut once so many bytes of the request's body were forwarded. A request whose
    /// body is no longer than that is not forwarded at all.
    Cut {
        /// Bytes of the body.
        after: u64,
    },
    /// The connection is cut once so many bytes of the answer's body were passed on.
    CutAnswer {
        /// Bytes of the body.
        after: u64,
    },
    /// So many bytes of the answer's body are passed on, and then nothing more.
    StallAnswer {
        /// Bytes of the body.
        after: u64,
    },
    /// The request is read whole and answered by the proxy; the server never sees it.
    Answer(Reply),
    /// The same before the request's body is read; the connection is closed afterwards.
    AnswerEarly(Reply),
    /// The server answers, but the client hears nothing of it: the connection is cut.
    LoseAnswer,
    /// The server answers, but the client is told something else.
    ReplaceAnswer(Reply),
    /// The server's answer with one header set to another value.
    SetHeader {
        /// The header.
        name: &'static str,
        /// Its value.
        value: String,
    },
    /// A success whose body never ends: chunked, or, where the reply has a `Content-Length`, that many
    /// bytes and more. The reply's body is what it begins with.
    Endless(Reply),
    /// These bytes in place of an answer, then the end.
    Raw(Vec<u8>),
    /// All that the client sends is taken, and nothing is said.
    Silence,
    /// Nothing is said, and of the request's body nothing is taken.
    Deafness,
    /// The answer is passed on as it is, and then the connection is closed, whatever it promised.
    CloseAfter,
}

/// An answer that the proxy makes up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Reply {
    /// An answer without headers and body.
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// An error as registries tell it (distribution specification, "Error Codes").
    pub fn error(status: u16, code: &str) -> Self {
        let body = format!(r#"{{"errors":[{{"code":"{code}","message":"by the faulty proxy"}}]}}"#);
        Self::status(status).header("Content-Type", "application/json").body(body)
    }

    /// Leads on to another address (307).
    pub fn redirect(to: &str) -> Self {
        Self::status(307).header("Location", to)
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with this body.
    #[must_use]
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// Whether it has that header.
    pub(super) fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name))
    }
}

impl Fault {
    /// What happens to every request of this kind.
    pub fn of(kind: Kind, action: Action) -> Self {
        Self::new(Which::Kind(kind), action)
    }

    /// What happens to every request with this method and a path (without its query) that fits; `*`
    /// stands for any text, slashes included, and a method `*` for any.
    pub fn to(method: &str, path: &str, action: Action) -> Self {
        Self::new(Which::Pattern { method: method.to_owned(), path: path.to_owned() }, action)
    }

    fn new(which: Which, action: Action) -> Self {
        Self { which, spared: 0, left: usize::MAX, action }
    }

    /// The same for the first `count` of those requests alone.
    #[must_use]
    pub fn first(self, count: usize) -> Self {
        Self { left: count, ..self }
    }

    /// The same, with `count` of those requests let through before.
    #[must_use]
    pub fn after(self, count: usize) -> Self {
        Self { spared: count, ..self }
    }

    /// The same for the `number`-th of those requests alone, from 1.
    #[must_use]
    pub fn nth(self, number: usize) -> Self {
        self.after(number - 1).first(1)
    }

    pub(super) fn picks(&self, seen: &Seen) -> bool {
        match &self.which {
            Which::Kind(kind) => *kind == seen.kind(),
            Which::Pattern { method, path } => {
                (method == "*" || *method == seen.method) && fits(path, seen.path())
            }
        }
    }

    /// Counts a request that the fault picks: whether it happens to this one.
    pub(super) fn counts_down(&mut self) -> bool {
        if self.spared > 0 {
            self.spared -= 1;
            return false;
        }
        let happens = self.left > 0;
        self.left = self.left.saturating_sub(1);
        happens
    }

    pub(super) fn action(&self) -> &Action {
        &self.action
    }
}

/// Whether `text` is `pattern`, where `*` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text.strip_prefix(head).is_some_and(|text| {
            (0..=text.len()).any(|at| text.is_char_boundary(at) && fits(rest, &text[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        #[track_caller]
        fn check(pattern: &str, text: &str, expected: bool) {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
        check("/v2/", "/v2/", true);
        check("/v2/", "/v2/a", false);
        check("*", "", true);
        check("/v2/*/manifests/*", "/v2/a/b/manifests/v1", true);
        check("/v2/*/manifests/*", "/v2/a/b/blobs/v1", false);
        check("*/v1", "/v2/a/manifests/v1", true);
        check("*/v1", "/v2/a/manifests/v1/x", false);
    }

    #[test]
    fn some_of_many() {
        let happens = |mut fault: Fault| (0..4).map(|_| fault.counts_down()).collect::<Vec<_>>();
        let any = Fault::to("*", "*", Action::Silence);
        assert_eq!(happens(any.clone()), [true, true, true, true]);
        assert_eq!(happens(any.clone().first(2)), [true, true, false, false]);
        assert_eq!(happens(any.clone().after(3)), [false, false, false, true]);
        assert_eq!(happens(any.nth(2)), [false, true, false, false]);
    }
}
