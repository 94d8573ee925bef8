//! Sending the stream: the request, the progress it makes, and what a silence means.

use std::{sync::Arc, time::Duration};

use portolan_oci::Repository;
use reqwest::{Body, Response, header::HeaderValue};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{
    Job, Progress, Whole,
    body::Taken,
    pump::{End, Goal, Pace, Pump, Sent},
    session::Session,
};
use crate::{
    call::Call,
    error::RegistryError,
    exchange::{Timeouts, note},
    registry::Registry,
};

/// How often progress is told and silence is looked for.
const TICK: Duration = Duration::from_millis(200);

/// An upload is begun again once when the registry wants us to sign in anew in the middle of it.
const SIGN_IN_ROUNDS: u32 = 2;

impl Registry {
    /// Streams the source into the request that `request` makes for a session: the one that is `open`, or
    /// a new one.
    pub(super) async fn stream(
        &self,
        job: &Job<'_>,
        goal: &Goal,
        open: Option<&Session>,
        request: impl Fn(&Session) -> Call,
    ) -> Result<Whole, RegistryError> {
        let mut round = 1;
        loop {
            let session = match open {
                Some(session) => session.clone(),
                None => self.open_session(job.repository).await?,
            };
            let call = request(&session).through(self.wire.clients.proxy_of(session.url()));
            let header = self.wire.sign(&call).await?;
            let poured = self.pour(job, goal, &call, header.as_ref());
            let response =
                match self.wire.gate.through(&self.wire.stop, poured, |(response, _)| response).await {
                    Ok((response, Some(sent))) => {
                        return Ok(Whole { call, headers: response.headers().clone(), sent });
                    }
                    Ok((response, None)) => response,
                    Err(error) => {
                        self.give_up(job.repository, &session, &error).await;
                        return Err(error);
                    }
                };
            let again = self.wire.may_try_again(&call, &response, header.as_ref()).await?;
            if round == SIGN_IN_ROUNDS || !again {
                return Err(self.wire.refusal(&call, response).await.of_upload());
            }
            round += 1;
        }
    }

    /// Sends the source once; with the answer comes what was sent, if it was taken.
    async fn pour(
        &self,
        job: &Job<'_>,
        goal: &Goal,
        call: &Call,
        header: Option<&HeaderValue>,
    ) -> Result<(Response, Option<Sent>), RegistryError> {
        let pace = Pace { limit: self.wire.rate_limit.clone(), stop: self.wire.stop.clone() };
        let (body, pump) = Pump::start(Arc::clone(&job.source), goal.clone(), &self.pieces, pace);
        let watch = Watch { taken: body.counter(), timeouts: &self.wire.timeouts, progress: job.progress };
        let request = self.wire.request(call, call.url.clone(), header).body(Body::wrap(body));
        match watch.over(call, request.send()).await {
            Ok(response) if !response.status().is_success() => Ok((response, None)),
            Ok(response) => match pump.end().await {
                End::Whole(sent) => Ok((response, Some(sent))),
                End::Failed(error) => Err(error),
                End::Cut => Err(call.malformed("answered before the whole blob was sent")),
            },
            // It may hang in a read, which is then what nothing came of.
            Err(error @ RegistryError::TimedOut { .. }) => Err(error),
            Err(error) => match pump.end().await {
                End::Failed(cause) => Err(cause),
                End::Whole(_) | End::Cut => Err(error),
            },
        }
    }

    /// A source that is wrong stays wrong: its session is not left to the registry's clean-up.
    async fn give_up(&self, repository: &Repository, session: &Session, error: &RegistryError) {
        if error.is_of_the_blob() {
            self.cancel(repository, session).await;
        }
    }
}

/// Watches a request that sends a stream.
struct Watch<'a> {
    taken: Arc<Taken>,
    timeouts: &'a Timeouts,
    progress: Progress<'a>,
}

impl Watch<'_> {
    async fn over(
        &self,
        call: &Call,
        request: impl Future<Output = reqwest::Result<Response>>,
    ) -> Result<Response, RegistryError> {
        tokio::pin!(request);
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen = (0, Instant::now());
        loop {
            tokio::select! {
                outcome = &mut request => {
                    return outcome
                        .inspect(|response| note(&call.attempted, response))
                        .map_err(|error| RegistryError::transport(call.attempted.clone(), error));
                }
                _ = ticks.tick() => {}
            }
            let taken = self.taken.bytes();
            (self.progress)(taken);
            if taken != seen.0 {
                seen = (taken, Instant::now());
            }
            self.check_silence(call, seen.1.elapsed())?;
        }
    }

    fn check_silence(&self, call: &Call, silence: Duration) -> Result<(), RegistryError> {
        let (waiting, most) = if self.taken.is_all() {
            ("all was sent, but no answer came", self.timeouts.commit)
        } else {
            ("nothing more was taken", self.timeouts.stall)
        };
        if silence < most {
            return Ok(());
        }
        Err(RegistryError::TimedOut { attempted: call.attempted.clone(), waiting, after: most })
    }
}
