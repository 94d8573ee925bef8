//! Paths below `/api/v2.0/`: as much of Harbor's interface as its clients need to find out that
//! projects exist and to make them (formats.md, section 6).

use axum::http::Method;

use super::query::Query;
use super::{HarborCall, ParseError, Request, reads};
use crate::names::ProjectName;

/// Reads what follows `/api/v2.0`.
pub(super) fn parse(method: &Method, rest: &[&str], query: &Query) -> Result<Request, ParseError> {
    let call = match (method, rest) {
        (_, ["ping"]) if reads(method) => HarborCall::Ping,
        (&Method::HEAD, ["projects"]) => {
            HarborCall::HasProject(named(query.get("project_name").unwrap_or_default())?)
        }
        (&Method::GET, ["projects"]) => HarborCall::ListProjects,
        (&Method::POST, ["projects"]) => HarborCall::CreateProject,
        (_, ["projects", name]) if reads(method) => HarborCall::GetProject(named(name)?),
        (&Method::GET, ["systeminfo"]) => HarborCall::SystemInfo,
        (&Method::GET, ["users", "current"]) => HarborCall::CurrentUser,
        _ => return Err(ParseError::UnknownPath),
    };
    Ok(Request::Harbor(call))
}

/// A name that no project can have is one that isn't there.
fn named(project: &str) -> Result<ProjectName, ParseError> {
    project.parse().map_err(|_| ParseError::UnknownPath)
}
