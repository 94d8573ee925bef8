//! Forms of an upload (`multipart/form-data`, RFC 7578): their fields one after the other, none of
//! them in memory.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use multer::{Constraints, Field, Multipart, SizeLimit};

use crate::http::body::BodyError;
use crate::http::text_header;

/// Most bytes between two fields: the boundary and a field's headers, which the reader holds in
/// memory until they are whole; also what comes with them in one piece from the connection.
const BETWEEN_FIELDS: u64 = 1024 * 1024;

/// What a request's `Content-Type` says of its body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// The body is the file.
    File,
    /// The body is a form, its fields divided by that boundary.
    Form(String),
    /// The body is a form that cannot be read.
    Unbounded,
}

impl Shape {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let Some(kind) = text_header(headers, &header::CONTENT_TYPE) else {
            return Self::File;
        };
        match multer::parse_boundary(kind) {
            Ok(boundary) => Self::Form(boundary),
            Err(multer::Error::NoBoundary) => Self::Unbounded,
            Err(_) => Self::File,
        }
    }
}

/// A form on its way in.
pub(super) struct Form {
    fields: Multipart<'static>,
    unread: Arc<AtomicU64>,
}

impl Form {
    /// Reads a body of at most `limit` bytes.
    pub(super) fn new(body: Body, boundary: String, limit: u64) -> Self {
        let unread = Arc::<AtomicU64>::default();
        let stream = Paced { body: body.into_data_stream(), unread: Arc::clone(&unread), gave: false };
        let constraints = Constraints::new().size_limit(SizeLimit::new().whole_stream(limit));
        Self { fields: Multipart::with_constraints(stream, boundary, constraints), unread }
    }

    /// The name and the content of the next field; the one before must have been read to its end.
    pub(super) async fn next(
        &mut self,
    ) -> Result<Option<(String, impl Stream<Item = Result<Bytes, BodyError>> + Send + 'static)>, BodyError>
    {
        let Some(field) = self.fields.next_field().await.map_err(broken)? else {
            return Ok(None);
        };
        self.unread.store(0, Ordering::Relaxed);
        let name = field.name().unwrap_or_default().to_owned();
        Ok(Some((name, content(field, Arc::clone(&self.unread)))))
    }
}

/// A field's bytes. Those that were read are no longer held.
fn content(
    field: Field<'static>,
    unread: Arc<AtomicU64>,
) -> impl Stream<Item = Result<Bytes, BodyError>> + Send + 'static {
    field.map_err(broken).inspect_ok(move |_| unread.store(0, Ordering::Relaxed))
}

fn broken(error: multer::Error) -> BodyError {
    match error {
        multer::Error::StreamSizeExceeded { limit } | multer::Error::FieldSizeExceeded { limit, .. } => {
            BodyError::TooLarge { limit }
        }
        multer::Error::StreamReadFailed(source) => match source.downcast::<BodyError>() {
            Ok(error) => *error,
            Err(source) => BodyError::Broken { reason: source.to_string() },
        },
        other => BodyError::Broken { reason: other.to_string() },
    }
}

/// A body that gives one piece at a time and no more than may be held.
///
/// The reader of forms takes all that is ready before it looks at it: on a fast connection that
/// would be the whole body. A pause behind each piece makes it look.
struct Paced {
    body: BodyDataStream,
    /// Bytes that were given since the form last made something of them.
    unread: Arc<AtomicU64>,
    gave: bool,
}

impl Stream for Paced {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.gave) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = Pin::new(&mut self.body).poll_next(context);
        polled.map(|piece| {
            let piece = piece?;
            self.gave = true;
            Some(self.count(piece))
        })
    }
}

impl Paced {
    fn count(&self, piece: Result<Bytes, axum::Error>) -> Result<Bytes, BodyError> {
        let piece = piece.map_err(|error| BodyError::Broken { reason: error.to_string() })?;
        let length = piece.len() as u64;
        if self.unread.fetch_add(length, Ordering::Relaxed) + length > BETWEEN_FIELDS {
            return Err(BodyError::Broken {
                reason: "the headers of a form's field are too long".to_owned(),
            });
        }
        Ok(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_says_what_the_body_is() {
        let check = |kind: Option<&str>, expected: Shape| {
            let mut headers = HeaderMap::new();
            if let Some(kind) = kind {
                headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
            }
            assert_eq!(Shape::of(&headers), expected, "{kind:?}");
        };
        let form = |boundary: &str| Shape::Form(boundary.to_owned());
        check(None, Shape::File);
        check(Some("application/gzip"), Shape::File);
        check(Some("nonsense"), Shape::File);
        check(Some("multipart/form-data; boundary=xx"), form("xx"));
        check(Some("Multipart/Form-Data; charset=utf-8; boundary=\"x x\""), form("x x"));
        check(Some("multipart/form-data"), Shape::Unbounded);
        check(Some("multipart/form-data; limit=x"), Shape::Unbounded);
    }
}
