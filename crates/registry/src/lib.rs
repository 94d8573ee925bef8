//! A client of one OCI registry, and of its projects where it is a Harbor.
//!
//! [`Registry`] asks for, reads and writes manifests, blobs and tags as the OCI distribution
//! specification 1.1 has them ("end-N" in the documentation are its endpoints). Around each request
//! lie, from the outside in: retries with back-off ([`retry`]), sign-in (learned from the first
//! refusal, sent up front from then on), redirects, a gate that lets fewer requests through at once where
//! the registry complains, time-outs, and limits of every body.
//!
//! It is a client of our own over `reqwest`, where `oci-client` would be at hand, because the main job
//! hangs on it: one streamed `PUT` for each blob, hashed in the same pass; bodies that are bounded
//! whatever a header claims; credentials that never reach another host; and one request for an image
//! that is there already.
//!
//! What this crate does not do: it knows no charts and no packages, reads no environment, prints
//! nothing, and guesses no scheme: [`Endpoint`] says whether TLS is spoken.
//!
//! ```no_run
//! use portolan_registry::{Endpoint, Registry, RegistryOptions, Scheme};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let endpoint = Endpoint::new(Scheme::Https, "registry.example.com".parse()?);
//! let registry = Registry::new(endpoint, None, &RegistryOptions::default())?;
//! registry.ping().await?;
//! let tags = registry.tags(&"library/nginx".parse()?).await?;
//! # Ok(())
//! # }
//! ```

mod answer;
mod auth;
mod blob;
mod call;
pub mod challenge;
mod clients;
mod credentials;
mod docker_config;
mod docker_helper;
mod endpoint;
mod error;
mod exchange;
#[doc(hidden)]
pub mod fuzzing;
mod gate;
mod harbor;
mod http;
mod identity;
mod manifest;
mod pace;
mod pinned;
mod proxy;
mod rate;
mod realm;
mod redirect;
mod referrers;
mod registry;
mod relay;
pub mod retry;
mod scope;
mod stop;
mod tags;
mod tls;
mod token;
mod upload;

pub use blob::{BlobPieces, Mount};
pub use credentials::Credentials;
pub use docker_config::{DockerConfig, DockerConfigError};
pub use docker_helper::HelperError;
pub use endpoint::{Endpoint, Scheme};
pub use error::{
    Advice, Attempted, Detail, RegistryError, SignIn, bare_address, cause_of, is_proxy_login, no_http,
};
pub use exchange::Timeouts;
pub use harbor::{
    HarborRefusal, ProjectCreation, ProjectName, ProjectNameError, ProjectView, QuotaFigures, Visibility,
};
pub use http::{HttpError, HttpOptions, TlsTrust, http_client};
pub use identity::{ClientCertificate, IdentityError};
pub use manifest::{ManifestHead, Put};
pub use pace::next_part_due;
pub use pinned::{CertificateError, Fingerprint, PinnedCertificate, shown_certificate};
pub use proxy::{Exceptions, Proxies, Proxy, ProxyError};
pub use rate::RateLimit;
pub use realm::RealmFault;
pub use referrers::{Keeper, Referrers, referrers_tag};
pub use registry::{Registry, RegistryOptions};
pub use relay::RemoteBlob;
pub use scope::Access;
pub use stop::Stop;
pub use upload::{BlobSource, InMemory, Passage, Progress, SharedPieces};
