//! What a request does to what: all that deciding on permissions needs.

use super::{Actions, ChartCall, HarborCall, HarborChartCall, RegistryCall, RepositoryCall, Request, Scope};
use crate::names::Tenant;

/// What a request needs permission for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access<'a> {
    /// Nothing: open to everybody, whatever is configured.
    Open,
    /// That the asker is known, whatever they may do.
    Known,
    /// A list from which everybody gets what they may read.
    List,
    /// The same, where strangers get what is public.
    PublicList,
    /// Reads.
    Read(Place<'a>),
    /// Adds, or points a tag elsewhere.
    Write(Place<'a>),
    /// Removes.
    Delete(Place<'a>),
    /// Makes a project.
    MakeProject,
    /// Looks how the depot is doing.
    Watch,
}

/// To what something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// What is no single project's.
    Whole,
    /// What a project holds.
    Project(&'a str),
}

impl<'a> Access<'a> {
    /// The project that it is about.
    pub fn project(self) -> Option<&'a str> {
        match self {
            Self::Read(Place::Project(name))
            | Self::Write(Place::Project(name))
            | Self::Delete(Place::Project(name)) => Some(name),
            _ => None,
        }
    }

    /// Whether something is another one afterwards.
    pub fn changes(self) -> bool {
        matches!(self, Self::Write(_) | Self::Delete(_) | Self::MakeProject)
    }
}

impl Request {
    /// What the request needs permission for.
    pub fn access(&self) -> Access<'_> {
        match self {
            Self::Health | Self::Ready => Access::Open,
            Self::Metrics => Access::Watch,
            Self::Welcome => Access::List,
            Self::Registry(call) => call.access(),
            Self::Repository(repository, call) => call.access(Place::Project(repository.project())),
            Self::Charts(Tenant::Project(project), call) => call.access(Place::Project(project.as_str())),
            Self::Charts(Tenant::Root, call) => call.access(Place::Whole),
            Self::Harbor(call) => call.access(),
        }
    }

    /// What a token has to permit for it; `None` where none does, or none need.
    pub fn scope(&self) -> Option<Scope> {
        match self {
            Self::Registry(RegistryCall::Catalog(_)) => Some(Scope::catalog()),
            Self::Repository(repository, call) => Some(Scope::of(repository, call.actions())),
            _ => None,
        }
    }
}

impl RegistryCall {
    fn access(&self) -> Access<'_> {
        match self {
            Self::Base => Access::Known,
            Self::Catalog(_) => Access::List,
            // They look at what they were sent by themselves.
            Self::Token(_) | Self::TokenForm => Access::Open,
        }
    }
}

impl RepositoryCall {
    fn access<'a>(&self, place: Place<'a>) -> Access<'a> {
        match self.actions() {
            Actions::PULL => Access::Read(place),
            Actions::PUSH => Access::Write(place),
            _ => Access::Delete(place),
        }
    }

    fn actions(&self) -> Actions {
        match self {
            Self::GetBlob(_) | Self::GetManifest(_) | Self::Tags(_) | Self::Referrers(..) => Actions::PULL,
            Self::DeleteBlob(_) | Self::DeleteManifest(_) => Actions::DELETE,
            // Who asks for a session, or gives one up, is about to write or has begun to.
            Self::PutManifest(..)
            | Self::StartUpload(_)
            | Self::UploadWhole(_)
            | Self::Mount(..)
            | Self::UploadStatus(_)
            | Self::AppendUpload(_)
            | Self::FinishUpload(..)
            | Self::CancelUpload(_) => Actions::PUSH,
        }
    }
}

impl ChartCall {
    fn access<'a>(&self, place: Place<'a>) -> Access<'a> {
        match self {
            Self::Index
            | Self::Download(_)
            | Self::Provenance(_)
            | Self::List(_)
            | Self::Versions(_)
            | Self::Version(..)
            | Self::Harbor(
                HarborChartCall::List | HarborChartCall::Versions(_) | HarborChartCall::Version(..),
            ) => Access::Read(place),
            Self::Upload(_) | Self::UploadProvenance(_) => Access::Write(place),
            Self::Delete(..)
            | Self::Harbor(HarborChartCall::DeleteChart(_) | HarborChartCall::DeleteVersion(..)) => {
                Access::Delete(place)
            }
        }
    }
}

impl HarborCall {
    /// As Harbor has it: whoever signed in may ask whether a name is taken.
    fn access(&self) -> Access<'_> {
        match self {
            Self::Ping => Access::Open,
            Self::ChartHealth | Self::HasProject(_) | Self::SystemInfo | Self::CurrentUser => Access::Known,
            Self::ListProjects => Access::PublicList,
            Self::GetProject(name) => Access::Read(Place::Project(name.as_str())),
            Self::CreateProject => Access::MakeProject,
        }
    }
}
