//! What a kubelet asks its container runtime interface about an image.

use std::path::Path;

use hyper_util::rt::TokioIo;
use prost::Message;
use tokio::net::UnixStream;
use tonic::{
    Request,
    client::Grpc,
    codegen::http::uri::PathAndQuery,
    transport::{Endpoint, Uri},
};
use tonic_prost::ProstCodec;

#[derive(Clone, PartialEq, Message)]
struct Question {
    #[prost(message, optional, tag = "1")]
    image: Option<Spec>,
}

#[derive(Clone, PartialEq, Message)]
struct Spec {
    #[prost(string, tag = "1")]
    image: String,
}

#[derive(Clone, PartialEq, Message)]
struct Answer {
    #[prost(message, optional, tag = "1")]
    image: Option<Seen>,
}

#[derive(Clone, PartialEq, Message)]
struct All {
    #[prost(message, repeated, tag = "1")]
    images: Vec<Seen>,
}

/// `runtime.v1.Image`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Seen {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(string, repeated, tag = "2")]
    pub(crate) tags: Vec<String>,
    #[prost(string, repeated, tag = "3")]
    pub(crate) digests: Vec<String>,
    #[prost(bool, tag = "8")]
    pub(crate) pinned: bool,
}

/// All that a kubelet is told of, when it looks for what it can remove.
pub(crate) async fn images(socket: &Path) -> Vec<Seen> {
    let answer: All = call(socket, "/runtime.v1.ImageService/ListImages", Question { image: None }).await;
    answer.images
}

/// What a kubelet is told of an image that is never to be pulled.
///
/// # Panics
/// Where it is told that there is none. The interface hears of images by events, so it is asked a few times.
pub(crate) async fn image(socket: &Path, name: &str) -> Seen {
    for _ in 0..100 {
        if let Some(seen) = asked(socket, name).await {
            return seen;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the CRI knows no {name}");
}

async fn asked(socket: &Path, name: &str) -> Option<Seen> {
    let question = Question { image: Some(Spec { image: name.to_owned() }) };
    let answer: Answer = call(socket, "/runtime.v1.ImageService/ImageStatus", question).await;
    answer.image
}

async fn call<A: Message + Default + 'static>(socket: &Path, method: &'static str, question: Question) -> A {
    let socket = socket.to_owned();
    let connector = tower::service_fn(move |_: Uri| {
        let socket = socket.clone();
        async move { UnixStream::connect(socket).await.map(TokioIo::new) }
    });
    let channel = Endpoint::from_static("http://localhost").connect_with_connector(connector).await.unwrap();
    let mut grpc = Grpc::new(channel);
    grpc.ready().await.unwrap();
    let codec = ProstCodec::<Question, A>::default();
    let path = PathAndQuery::from_static(method);
    grpc.unary(Request::new(question), path, codec).await.unwrap().into_inner()
}
