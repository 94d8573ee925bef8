//! From the components that are wanted and the releases that are there to those that are upgraded, in the order in
//! which they are wanted.

use std::fmt;

use portolan_chart::ChartVersion;
use serde::{Deserialize, Serialize};

use crate::helm::HelmRelease;
use crate::names::{Namespace, ReleaseName};
use crate::stored::{Status, StoredRelease};

/// A component, as whoever wants it upgraded names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Component {
    /// Its name.
    pub name: String,
    /// Whether it is wanted at all.
    pub is_enabled: bool,
    /// The version of its chart that is wanted; `None` is the newest.
    pub version: Option<ChartVersion>,
    /// Its chart; `None` is the one of its name.
    pub chart: Option<String>,
    /// Its release; `None` is the one of its chart.
    pub release: Option<ReleaseName>,
    /// Where that is; `None` is anywhere.
    pub namespace: Option<Namespace>,
}

/// A release that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Which.
    pub release: HelmRelease,
    /// Its chart.
    pub chart: String,
    /// The chart's version, as written.
    pub version: String,
    /// The number of its last revision.
    pub revision: u32,
    /// The state of its last revision.
    pub status: Status,
}

/// A component that is upgraded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Which of the components it is.
    pub at: usize,
    /// The component's name.
    pub component: String,
    /// Its release.
    pub release: HelmRelease,
    /// The version that is wanted; `None` is the newest.
    pub version: Option<ChartVersion>,
}

/// A component that is not upgraded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftOut {
    /// Its name.
    pub component: String,
    /// Why.
    #[serde(flatten)]
    pub why: WhyLeftOut,
}

/// Why a component is not upgraded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "why", content = "version")]
pub enum WhyLeftOut {
    /// It is not wanted.
    Disabled,
    /// No release of it is there.
    NotInstalled,
    /// It is of that version already.
    Present(String),
    /// It is of a newer version than the one that is wanted: a group never goes back.
    Newer(String),
}

impl fmt::Display for WhyLeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled => f.write_str("is not enabled"),
            Self::NotInstalled => f.write_str("is not installed"),
            Self::Present(version) => write!(f, "is of the version {version} already"),
            Self::Newer(version) => write!(f, "is of a newer version already, {version}"),
        }
    }
}

/// What is upgraded, and what is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Those that are upgraded, in the components' order.
    pub members: Vec<Member>,
    /// Those that are not, in the same order.
    pub left_out: Vec<LeftOut>,
}

/// Why nobody can tell which release is meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectProblem {
    /// Several releases are of its chart.
    #[error("{component} may be any of the releases {}", .releases.join(", "))]
    Ambiguous {
        /// The component.
        component: String,
        /// The releases, `NAMESPACE/NAME` each.
        releases: Vec<String>,
    },
    /// Two components are one release.
    #[error("{component} and {other} are both the release {release}")]
    Twice {
        /// The later component.
        component: String,
        /// The earlier one.
        other: String,
        /// The release, `NAMESPACE/NAME`.
        release: String,
    },
}

impl Installed {
    /// The release as Helm wrote it down; `None` where it was taken away, or has a name that can be none.
    pub fn of(stored: &StoredRelease) -> Option<Self> {
        let status = stored.info.status;
        let release =
            HelmRelease { name: stored.name.parse().ok()?, namespace: stored.namespace.parse().ok()? };
        let chart = &stored.chart.metadata;
        let (version, revision) = (chart.version.clone(), stored.version);
        let installed = Self { release, chart: chart.name.clone(), version, revision, status };
        (!matches!(status, Status::Uninstalled | Status::Uninstalling)).then_some(installed)
    }

    fn label(&self) -> String {
        format!("{}/{}", self.release.namespace, self.release.name)
    }
}

impl Component {
    /// The releases that may be meant: those of the chart's name as it is written, else in whatever case, since
    /// files write `hwameiStor` for the chart `hwameistor`.
    #[must_use]
    pub fn releases<'a>(&self, installed: &'a [Installed]) -> Vec<&'a Installed> {
        let is_named = |one: &&Installed| {
            self.release.as_ref().is_none_or(|name| *name == one.release.name)
                && self.namespace.as_ref().is_none_or(|namespace| *namespace == one.release.namespace)
        };
        let named: Vec<&Installed> = installed.iter().filter(is_named).collect();
        let Some(chart) = self.chart_sought() else { return named };
        let exact: Vec<&Installed> = named.iter().copied().filter(|one| one.chart == chart).collect();
        match exact.is_empty() {
            true => named.into_iter().filter(|one| one.chart.eq_ignore_ascii_case(chart)).collect(),
            false => exact,
        }
    }

    /// The chart that a release is known by; nothing where the release itself is named.
    fn chart_sought(&self) -> Option<&str> {
        match (&self.chart, &self.release) {
            (Some(chart), _) => Some(chart),
            (None, Some(_)) => None,
            (None, None) => Some(&self.name),
        }
    }

    /// Why this release of it stays as it is, where that can be told by the version that is wanted.
    fn stays(&self, installed: &Installed) -> Option<WhyLeftOut> {
        let wanted = self.version.as_ref()?;
        let present = installed.version.parse::<ChartVersion>().ok()?;
        let version = installed.version.clone();
        match present.semantic().cmp(wanted.semantic()) {
            std::cmp::Ordering::Greater => Some(WhyLeftOut::Newer(version)),
            // One that failed at that version is upgraded to it again.
            std::cmp::Ordering::Equal if installed.status == Status::Deployed => {
                Some(WhyLeftOut::Present(version))
            }
            _ => None,
        }
    }
}

/// Selects those that are enabled, installed, and of an older version.
///
/// # Errors
/// Every [`SelectProblem`] at once.
pub fn select(components: &[Component], installed: &[Installed]) -> Result<Selection, Vec<SelectProblem>> {
    let (mut selection, mut problems) = (Selection::default(), Vec::new());
    for (at, component) in components.iter().enumerate() {
        match choose(component, installed) {
            Err(problem) => problems.push(problem),
            Ok(Err(why)) => selection.left_out.push(LeftOut { component: component.name.clone(), why }),
            Ok(Ok(found)) => {
                problems.extend(twice(&selection, component, found));
                let (release, version) = (found.release.clone(), component.version.clone());
                selection.members.push(Member { at, component: component.name.clone(), release, version });
            }
        }
    }
    if problems.is_empty() { Ok(selection) } else { Err(problems) }
}

/// The release of a component, or why it is left out.
fn choose<'a>(
    component: &Component,
    installed: &'a [Installed],
) -> Result<Result<&'a Installed, WhyLeftOut>, SelectProblem> {
    if !component.is_enabled {
        return Ok(Err(WhyLeftOut::Disabled));
    }
    match &component.releases(installed)[..] {
        [] => Ok(Err(WhyLeftOut::NotInstalled)),
        [one] => Ok(component.stays(one).map_or(Ok(*one), Err)),
        several => Err(SelectProblem::Ambiguous {
            component: component.name.clone(),
            releases: several.iter().map(|one| one.label()).collect(),
        }),
    }
}

fn twice(selection: &Selection, component: &Component, found: &Installed) -> Option<SelectProblem> {
    let other = selection.members.iter().find(|member| member.release == found.release)?;
    Some(SelectProblem::Twice {
        component: component.name.clone(),
        other: other.component.clone(),
        release: found.label(),
    })
}

#[cfg(test)]
mod tests;
