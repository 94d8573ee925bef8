//! Asking the server that has the depot open.

use std::error::Error;
use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, pin_mut};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use super::wire::{Line, Lines, WireError};
use super::{Call, ControlError, server, socket};

/// The most bytes of a refusal that are read.
const REFUSAL_LIMIT: usize = 64 * 1024;

/// A depot's server, by its socket. Every call has a connection of its own.
#[derive(Debug)]
pub(super) struct Client {
    dir: PathBuf,
}

type Broken = Box<dyn Error + Send + Sync>;

impl Client {
    /// The server of the depot in `dir`, where one runs.
    pub(super) async fn find(dir: &Path) -> Result<Option<Self>, ControlError> {
        let client = Self { dir: dir.to_owned() };
        Ok(client.connect().await?.map(|_| client))
    }

    /// Asks, and takes what is told until the end.
    pub(super) async fn ask<C: Call>(
        &self,
        call: C,
        told: impl FnMut(C::Event),
    ) -> Result<C::Answer, ControlError> {
        let body = serde_json::to_vec(&call).expect("because calls hold texts, numbers and lists");
        let answer = self.send(C::NAME, body.into()).await?;
        match answer.status() {
            StatusCode::OK => self.follow::<C>(answer.into_body().into_data_stream(), told).await,
            status => Err(self.refused(status, answer.into_body()).await),
        }
    }

    async fn send(&self, name: &str, body: Body) -> Result<Response<Body>, ControlError> {
        let Some(stream) = self.connect().await? else { return Err(self.broken_off(None)) };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.broken_off(Some(error.into())))?;
        // It ends with the answer; what goes wrong on it is seen there.
        tokio::spawn(connection);
        let request = Request::post(server::path(name))
            .header(header::HOST, "depot")
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .expect("because every part of the request is a constant");
        let answer = sender.send_request(request).await;
        Ok(answer.map_err(|error| self.broken_off(Some(error.into())))?.map(Body::new))
    }

    async fn follow<C: Call>(
        &self,
        body: impl Stream<Item = Result<Bytes, axum::Error>>,
        mut told: impl FnMut(C::Event),
    ) -> Result<C::Answer, ControlError> {
        pin_mut!(body);
        let mut lines = Lines::default();
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|error| self.broken_off(Some(error.into())))?;
            for line in lines.push(&piece).map_err(|error| self.misread(&error))? {
                match line {
                    Line::Event(event) => told(event),
                    Line::Answer(answer) => return Ok(answer),
                    Line::Failed(failed) => return Err(failed.into()),
                }
            }
        }
        Err(self.broken_off(None))
    }

    async fn connect(&self) -> Result<Option<UnixStream>, ControlError> {
        let connected = socket::connect(&self.dir).await;
        connected.map_err(|source| ControlError::Connect { socket: self.socket(), source })
    }

    fn socket(&self) -> PathBuf {
        socket::path(&self.dir)
    }

    fn broken_off(&self, source: Option<Broken>) -> ControlError {
        ControlError::BrokenOff { socket: self.socket(), source }
    }

    fn misread(&self, error: &WireError) -> ControlError {
        ControlError::Misunderstood { socket: self.socket(), reason: error.to_string() }
    }

    async fn refused(&self, status: StatusCode, body: Body) -> ControlError {
        let text = axum::body::to_bytes(body, REFUSAL_LIMIT).await.unwrap_or_default();
        let reason = format!("{status}: {}", String::from_utf8_lossy(&text).trim());
        ControlError::Misunderstood { socket: self.socket(), reason }
    }
}
