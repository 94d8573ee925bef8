//! What kind of thing a request asks, in one word: for logs and metrics.

use super::{ChartCall, HarborCall, RegistryCall, RepositoryCall, Request};

impl Request {
    /// The kind of thing asked; one of a fixed number of words, whatever was sent.
    pub fn route(&self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Ready => "ready",
            Self::Metrics => "metrics",
            Self::Welcome => "welcome",
            Self::Registry(RegistryCall::Base) => "base",
            Self::Registry(RegistryCall::Catalog(_)) => "catalog",
            Self::Registry(RegistryCall::Token(_) | RegistryCall::TokenForm) => "tokens",
            Self::Repository(_, call) => call.route(),
            Self::Charts(_, call) => call.route(),
            Self::Harbor(HarborCall::Ping | HarborCall::ChartHealth) => "health",
            Self::Harbor(_) => "projects",
        }
    }
}

impl RepositoryCall {
    fn route(&self) -> &'static str {
        match self {
            Self::GetBlob(_) | Self::DeleteBlob(_) => "blobs",
            Self::GetManifest(_) | Self::PutManifest(..) | Self::DeleteManifest(_) => "manifests",
            Self::Tags(_) => "tags",
            Self::Referrers(..) => "referrers",
            Self::StartUpload(_)
            | Self::UploadWhole(_)
            | Self::Mount(..)
            | Self::UploadStatus(_)
            | Self::AppendUpload(_)
            | Self::FinishUpload(..)
            | Self::CancelUpload(_) => "uploads",
        }
    }
}

impl ChartCall {
    fn route(&self) -> &'static str {
        match self {
            Self::Index => "chart-index",
            Self::Download(_) | Self::Provenance(_) => "chart-files",
            Self::Upload(_) | Self::UploadProvenance(_) => "chart-uploads",
            Self::List(_) | Self::Versions(_) | Self::Version(..) | Self::Delete(..) | Self::Harbor(_) => {
                "charts"
            }
        }
    }
}
