//! A blob that is sent as it goes by: nobody can read it a second time, so each chunk of it is kept until the
//! registry has it, and the upload goes on where the registry says that it stands.
//!
//! Whoever sends it hashes it, and hands on the last chunk only where the blob is right.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use portolan_oci::{Repository, SizedDigest};
use reqwest::{
    Method, StatusCode,
    header::{CONTENT_RANGE, HeaderMap, HeaderValue, LOCATION, RANGE},
};

use super::{
    InMemory, Job, Progress, UPLOAD_ATTEMPTS, check_completed, pump::Goal, session::Session, upload_call,
};
use crate::{call::Call, error::RegistryError, registry::Registry, retry};

/// A blob on its way into one repository, chunk by chunk (distribution specification, end-4a, end-5, end-6
/// and end-13).
#[derive(Debug)]
pub struct Passage {
    registry: Registry,
    repository: Repository,
    entry: Arc<str>,
    /// The session, once there is one; none where the next chunk has to open it.
    session: Mutex<Option<Session>>,
    /// How many bytes the registry has taken for good.
    taken: u64,
}

/// How a chunk is sent.
#[derive(Clone, Copy)]
enum Step<'a> {
    /// As one that others follow.
    Onward,
    /// As the last one, which completes the blob.
    Last(&'a SizedDigest),
}

impl Registry {
    /// Begins to send a blob whose bytes can be had once only. `entry` is where they come from, for errors.
    pub fn passage(&self, repository: &Repository, entry: &str) -> Passage {
        Passage {
            registry: self.clone(),
            repository: repository.clone(),
            entry: entry.into(),
            session: Mutex::new(None),
            taken: 0,
        }
    }
}

impl Passage {
    /// How many bytes the registry has taken for good.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Opens the session before the first chunk is there, so that nothing waits for it then.
    ///
    /// # Errors
    /// Any [`RegistryError`].
    pub async fn begin(&self) -> Result<(), RegistryError> {
        let policy = self.registry.wire.policy().at_most(UPLOAD_ATTEMPTS);
        let open = |_| self.registry.open_session(&self.repository);
        self.keep(Some(retry::run(&policy, &self.registry.wire.stop, open).await?));
        Ok(())
    }

    /// Gives up what was begun: the rest of the blob can't be had.
    pub async fn abandon(self) {
        if let Some(session) = self.session() {
            self.registry.cancel(&self.repository, &session).await;
        }
    }

    /// Sends a chunk after which others follow, in pieces, and returns once the registry has it.
    ///
    /// # Errors
    /// [`RegistryError::SessionLost`] where what was sent before is lost, and any other.
    pub async fn send(&mut self, chunk: Vec<Bytes>, progress: Progress<'_>) -> Result<(), RegistryError> {
        self.taken = self.deliver(&self.held(chunk), Step::Onward, progress).await?;
        Ok(())
    }

    /// Sends what is left of a blob, and completes it.
    ///
    /// # Errors
    /// Those of [`Passage::send`]; [`RegistryError::SizeMismatch`] where it has another size than said.
    pub async fn complete(
        self,
        last: Vec<Bytes>,
        blob: &SizedDigest,
        progress: Progress<'_>,
    ) -> Result<(), RegistryError> {
        let last = self.held(last);
        let actual = self.taken + last.size();
        if actual != blob.size {
            let subject = self.entry.to_string();
            self.abandon().await;
            return Err(RegistryError::SizeMismatch { subject, expected: blob.size, actual });
        }
        self.deliver(&last, Step::Last(blob), progress).await?;
        Ok(())
    }

    async fn deliver(
        &self,
        chunk: &InMemory,
        step: Step<'_>,
        progress: Progress<'_>,
    ) -> Result<u64, RegistryError> {
        let policy = self.registry.wire.policy().at_most(UPLOAD_ATTEMPTS);
        let stop = &self.registry.wire.stop;
        retry::run(&policy, stop, |attempt| async move {
            if attempt > 1 && self.is_complete(step).await? {
                return Ok(self.taken + chunk.size());
            }
            let skipped = if attempt > 1 { self.skipped(chunk.size()).await? } else { 0 };
            let (rest, from) = (chunk.after(skipped), self.taken + skipped);
            if rest.size() == 0 && skipped > 0 && matches!(step, Step::Onward) {
                return Ok(from);
            }
            self.pour_chunk(rest, from, step, progress).await
        })
        .await
    }

    /// Whether the blob is there already: only the answer to its completion was lost then.
    async fn is_complete(&self, step: Step<'_>) -> Result<bool, RegistryError> {
        match step {
            Step::Onward => Ok(false),
            Step::Last(expected) => self.registry.blob_exists(&self.repository, &expected.digest).await,
        }
    }

    async fn pour_chunk(
        &self,
        chunk: InMemory,
        from: u64,
        step: Step<'_>,
        progress: Progress<'_>,
    ) -> Result<u64, RegistryError> {
        let size = chunk.size();
        let counted = |count| progress(from + count);
        let job = &Job { repository: &self.repository, source: Arc::new(chunk), progress: &counted };
        let open = self.session();
        let request = |session: &Session| self.request(session, from, size, step);
        let sent = self.registry.stream(job, &Goal::Chunk(size), open.as_ref(), request).await?;
        match step {
            Step::Onward => {
                let session = Session::from_answer(&self.registry.wire.base, &sent.call, &sent.headers)?;
                self.keep(Some(session));
            }
            Step::Last(expected) => check_completed(&sent.call, &expected.digest, &sent.headers)?,
        }
        Ok(from + size)
    }

    fn request(&self, session: &Session, from: u64, size: u64, step: Step<'_>) -> Call {
        let (doing, method, url) = match step {
            Step::Onward => (
                format!("push a part of {} to {}", self.entry, self.repository),
                Method::PATCH,
                session.url().clone(),
            ),
            Step::Last(expected) => (
                format!("push blob {} to {}", expected.digest, self.repository),
                Method::PUT,
                session.completed_by(&expected.digest),
            ),
        };
        let call = upload_call(&doing, method, &self.repository, url);
        match range(from, size) {
            // A blob that goes in one piece has no parts.
            _ if from == 0 && matches!(step, Step::Last(_)) => call,
            Some(range) => call.header(CONTENT_RANGE, range),
            None => call,
        }
    }

    /// How many bytes of the chunk that failed the registry has all the same.
    ///
    /// # Errors
    /// [`RegistryError::SessionLost`] where it has fewer than it took before.
    async fn skipped(&self, chunk: u64) -> Result<u64, RegistryError> {
        let Some(session) = self.session() else { return Ok(0) };
        if self.taken == 0 {
            // All of it is at hand still, and an empty session is told apart from one of one byte by nobody.
            self.registry.cancel(&self.repository, &session).await;
            self.keep(None);
            return Ok(0);
        }
        let stands = self.stand(&session).await?;
        let skipped = stands.and_then(|stands| stands.checked_sub(self.taken));
        match skipped.filter(|skipped| *skipped <= chunk) {
            Some(skipped) => Ok(skipped),
            None => Err(RegistryError::SessionLost {
                entry: self.entry.to_string(),
                repository: self.repository.to_string(),
                taken: self.taken,
            }),
        }
    }

    /// How many bytes the session holds; `None` where the registry knows it no more.
    async fn stand(&self, session: &Session) -> Result<Option<u64>, RegistryError> {
        let doing = format!("ask how far the upload of {} to {} is", self.entry, self.repository);
        let call = upload_call(&doing, Method::GET, &self.repository, session.url().clone());
        let gone = [StatusCode::NOT_FOUND, StatusCode::BAD_REQUEST, StatusCode::RANGE_NOT_SATISFIABLE];
        let response = self.registry.wire.send_once(&call, &gone).await?;
        if !response.status().is_success() {
            return Ok(None);
        }
        if response.headers().contains_key(LOCATION) {
            self.keep(Some(Session::from_answer(&self.registry.wire.base, &call, response.headers())?));
        }
        Ok(end_of_range(response.headers()))
    }

    fn held(&self, chunk: Vec<Bytes>) -> InMemory {
        InMemory::new(chunk, Arc::clone(&self.entry))
    }

    fn session(&self) -> Option<Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, session: Option<Session>) {
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = session;
    }
}

/// The range of a chunk, as the specification has it: without a unit, its end included.
fn range(from: u64, size: u64) -> Option<HeaderValue> {
    let last = (from + size).checked_sub(1).filter(|_| size > 0)?;
    Some(HeaderValue::from_str(&format!("{from}-{last}")).expect("because numbers are visible ASCII"))
}

/// How many bytes a session holds by the `Range` of an answer: `0-N`, with N the last byte.
fn end_of_range(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(RANGE)?.to_str().ok()?.trim();
    let (first, last) = text.strip_prefix("bytes=").unwrap_or(text).split_once('-')?;
    let last: u64 = last.parse().ok()?;
    (first == "0").then_some(last)?.checked_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let text = |from, size| range(from, size).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(text(0, 8).as_deref(), Some("0-7"));
        assert_eq!(text(8, 1).as_deref(), Some("8-8"));
        assert_eq!(text(8, 0), None);
        #[track_caller]
        fn check(range: &'static str, expected: Option<u64>) {
            let headers = HeaderMap::from_iter([(RANGE, HeaderValue::from_static(range))]);
            assert_eq!(end_of_range(&headers), expected, "{range}");
        }
        check("0-7", Some(8));
        check("bytes=0-7", Some(8));
        check("0-0", Some(1));
        check("3-7", None);
        check("0-18446744073709551615", None);
        check("", None);
        check("0-", None);
        assert_eq!(end_of_range(&HeaderMap::new()), None);
    }
}
