//! Calls to containerd, and what its refusals mean.

use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use futures_util::Stream;
use hyper_util::rt::TokioIo;
use prost::Message;
use tokio::net::UnixStream;
use tonic::{
    Code, Request, Status, Streaming,
    client::Grpc,
    codegen::http::uri::PathAndQuery,
    metadata::{Ascii, MetadataValue},
    transport::{Channel, Endpoint, Uri},
};
use tonic_prost::ProstCodec;

use crate::{
    error::RuntimeError,
    socket::{in_time, is_full, reach},
};

/// What errors call it.
pub(super) const NAME: &str = "containerd";

/// How many connections there are. containerd reads each of them in one thread.
const CONNECTIONS: usize = 4;

/// How large one answer may be, in bytes: a list of some tens of thousands of images.
const ANSWER_LIMIT: usize = 64 << 20;

/// The methods that are called.
pub(super) mod methods {
    pub(in super::super) const VERSION: &str = "/containerd.services.version.v1.Version/Version";
    pub(in super::super) const PLUGINS: &str = "/containerd.services.introspection.v1.Introspection/Plugins";
    pub(in super::super) const NAMESPACE_GET: &str = "/containerd.services.namespaces.v1.Namespaces/Get";
    pub(in super::super) const CRI_FILE_SYSTEMS: &str = "/runtime.v1.ImageService/ImageFsInfo";
    pub(in super::super) const LEASE_CREATE: &str = "/containerd.services.leases.v1.Leases/Create";
    pub(in super::super) const LEASE_DELETE: &str = "/containerd.services.leases.v1.Leases/Delete";
    pub(in super::super) const LEASE_ADD: &str = "/containerd.services.leases.v1.Leases/AddResource";
    pub(in super::super) const CONTENT_LIST: &str = "/containerd.services.content.v1.Content/List";
    pub(in super::super) const CONTENT_READ: &str = "/containerd.services.content.v1.Content/Read";
    pub(in super::super) const CONTENT_UPDATE: &str = "/containerd.services.content.v1.Content/Update";
    pub(in super::super) const CONTENT_WRITE: &str = "/containerd.services.content.v1.Content/Write";
    pub(in super::super) const CONTENT_ABORT: &str = "/containerd.services.content.v1.Content/Abort";
    pub(in super::super) const SNAPSHOT_STAT: &str = "/containerd.services.snapshots.v1.Snapshots/Stat";
    pub(in super::super) const SNAPSHOT_LIST: &str = "/containerd.services.snapshots.v1.Snapshots/List";
    pub(in super::super) const SNAPSHOT_PREPARE: &str = "/containerd.services.snapshots.v1.Snapshots/Prepare";
    pub(in super::super) const SNAPSHOT_COMMIT: &str = "/containerd.services.snapshots.v1.Snapshots/Commit";
    pub(in super::super) const SNAPSHOT_REMOVE: &str = "/containerd.services.snapshots.v1.Snapshots/Remove";
    pub(in super::super) const DIFF_APPLY: &str = "/containerd.services.diff.v1.Diff/Apply";
    pub(in super::super) const IMAGE_LIST: &str = "/containerd.services.images.v1.Images/List";
    pub(in super::super) const IMAGE_CREATE: &str = "/containerd.services.images.v1.Images/Create";
    pub(in super::super) const IMAGE_UPDATE: &str = "/containerd.services.images.v1.Images/Update";
}

/// Connections to one containerd, in one namespace.
pub(super) struct Wire {
    channels: Vec<Channel>,
    next: AtomicUsize,
    namespace: MetadataValue<Ascii>,
    address: String,
}

impl Wire {
    /// Connects, so that a missing socket is told as one.
    pub(super) async fn connect(socket: &Path, namespace: &str) -> Result<Self, RuntimeError> {
        let address = socket.display().to_string();
        let unreachable =
            |reason: String| RuntimeError::Unreachable { runtime: NAME, address: address.clone(), reason };
        reach(NAME, socket).await?;
        let namespace =
            namespace.parse().map_err(|_| unreachable(format!("{namespace:?} is no namespace")))?;
        let channels = (0..CONNECTIONS).map(|_| channel(socket)).collect();
        Ok(Self { channels, next: AtomicUsize::new(0), namespace, address })
    }

    fn grpc(&self) -> Grpc<Channel> {
        let next = self.next.fetch_add(1, Ordering::Relaxed) % self.channels.len();
        Grpc::new(self.channels[next].clone()).max_decoding_message_size(ANSWER_LIMIT)
    }

    fn request<T>(&self, message: T, lease: Option<&str>) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("containerd-namespace", self.namespace.clone());
        if let Some(lease) = lease.and_then(|lease| lease.parse().ok()) {
            request.metadata_mut().insert("containerd-lease", lease);
        }
        request
    }

    /// One question, one answer.
    pub(super) async fn ask<Q, A>(
        &self,
        method: &'static str,
        message: Q,
        lease: Option<&str>,
    ) -> Result<A, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut grpc = self.grpc();
        ready(&mut grpc).await?;
        let (request, path) = (self.request(message, lease), PathAndQuery::from_static(method));
        Ok(grpc.unary(request, path, ProstCodec::<Q, A>::default()).await?.into_inner())
    }

    /// The same, where any refusal is an error. `doing` is for people.
    pub(super) async fn call<Q, A>(
        &self,
        method: &'static str,
        message: Q,
        doing: &str,
        lease: Option<&str>,
    ) -> Result<A, RuntimeError>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        self.ask(method, message, lease).await.map_err(|status| self.refused(doing, &status))
    }

    /// The same of a question that is answered at once.
    pub(super) async fn call_in_time<Q, A>(
        &self,
        method: &'static str,
        message: Q,
        doing: &str,
    ) -> Result<A, RuntimeError>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        in_time(NAME, &self.address, self.call(method, message, doing, None)).await
    }

    /// One question, many answers.
    pub(super) async fn list<Q, A>(
        &self,
        method: &'static str,
        message: Q,
        doing: &str,
    ) -> Result<Vec<A>, RuntimeError>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let answers = async {
            let mut grpc = self.grpc();
            ready(&mut grpc).await?;
            let (request, path) = (self.request(message, None), PathAndQuery::from_static(method));
            let codec = ProstCodec::<Q, A>::default();
            let mut answers = grpc.server_streaming(request, path, codec).await?.into_inner();
            let mut all = Vec::new();
            while let Some(answer) = answers.message().await? {
                all.push(answer);
            }
            Ok(all)
        };
        answers.await.map_err(|status| self.refused(doing, &status))
    }

    /// Messages in both directions at once.
    pub(super) async fn converse<Q, A>(
        &self,
        method: &'static str,
        messages: impl Stream<Item = Q> + Send + 'static,
        lease: &str,
    ) -> Result<Streaming<A>, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut grpc = self.grpc();
        ready(&mut grpc).await?;
        let (request, path) = (self.request(messages, Some(lease)), PathAndQuery::from_static(method));
        Ok(grpc.streaming(request, path, ProstCodec::<Q, A>::default()).await?.into_inner())
    }

    /// What a refusal comes to.
    pub(super) fn refused(&self, doing: &str, status: &Status) -> RuntimeError {
        let answer = status.message().to_owned();
        if is_gone(status) {
            let reason = format!("{doing}: {answer}; is it running still?");
            return RuntimeError::Unreachable { runtime: NAME, address: self.address.clone(), reason };
        }
        let is_full = is_full(&answer);
        let answer = if is_full { format!("the node's disk is full ({answer})") } else { answer };
        RuntimeError::Refused { runtime: NAME, doing: doing.to_owned(), answer, is_of_the_node: is_full }
    }

    /// An answer that can't be meant.
    pub(super) fn nonsense(doing: &str, why: impl Into<String>) -> RuntimeError {
        RuntimeError::Nonsense { runtime: NAME, doing: doing.to_owned(), why: why.into() }
    }
}

async fn ready(grpc: &mut Grpc<Channel>) -> Result<(), Status> {
    grpc.ready().await.map_err(|error| Status::unavailable(in_full(&error)))
}

fn channel(socket: &Path) -> Channel {
    let socket = socket.to_owned();
    let connector = tower::service_fn(move |_: Uri| {
        let socket = socket.clone();
        async move { UnixStream::connect(socket).await.map(TokioIo::new) }
    });
    // The address is never looked at; every connection goes to the socket.
    Endpoint::from_static("http://localhost").connect_with_connector_lazy(connector)
}

/// Whether nobody is there any more, and not containerd itself that says it is busy.
fn is_gone(status: &Status) -> bool {
    let is_of_the_connection = std::error::Error::source(status).is_some();
    match status.code() {
        Code::Unavailable => !status.message().contains("locked"),
        Code::Unknown | Code::Internal | Code::Cancelled => is_of_the_connection,
        _ => false,
    }
}

fn in_full(error: &dyn std::error::Error) -> String {
    crate::execute::one_line(error)
}
