//! Where runs are written down.

use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;
use portolan_release::helm::Marks;
use portolan_release::{Cluster, Holder, ReleaseName};

use crate::config::Environment;
use crate::failure::{Exit, Failure};

/// Whose run this is.
pub(super) fn holder(environment: &Environment) -> Holder {
    let user = ["USER", "LOGNAME"].iter().find_map(|name| environment.get(name));
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Holder { user: user.map(str::to_owned), host }
}

/// Where runs are written down.
#[derive(Debug, Clone, Args)]
pub(super) struct StateArgs {
    /// Directory in which each run gets a folder of its own [default: $XDG_STATE_HOME/portolan, else ~/.local/state/portolan]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

impl StateArgs {
    /// A folder for a run that begins now; it is not made yet.
    pub(super) fn run_folder(
        &self,
        release: &ReleaseName,
        environment: &Environment,
    ) -> Result<PathBuf, Failure> {
        self.free_folder(release.as_str(), environment)
    }

    /// The same for a group.
    pub(super) fn group_folder(&self, environment: &Environment) -> Result<PathBuf, Failure> {
        self.free_folder("group", environment)
    }

    fn free_folder(&self, what: &str, environment: &Environment) -> Result<PathBuf, Failure> {
        let runs = self.runs(environment)?;
        let name = format!("{what}-{}", time_of_day());
        // Two runs in one second: each has its own folder.
        let mut names = std::iter::once(name.clone()).chain((2..).map(|number| format!("{name}-{number}")));
        let free = names.find(|name| !runs.join(name).exists());
        Ok(runs.join(free.expect("because numbers don't end")))
    }

    /// Where a Helm that changes a release tells other runs of it.
    pub(super) fn marks(&self, cluster: &Cluster, environment: &Environment) -> Result<Marks, Failure> {
        Ok(Marks::new(&self.directory(environment)?.join("helm"), cluster.server()))
    }

    /// The folder of all runs.
    pub(super) fn runs(&self, environment: &Environment) -> Result<PathBuf, Failure> {
        Ok(self.directory(environment)?.join("runs"))
    }

    fn directory(&self, environment: &Environment) -> Result<PathBuf, Failure> {
        if let Some(directory) = &self.state {
            return Ok(directory.clone());
        }
        let usual = environment.home().map(|home| PathBuf::from(home).join(".local/state"));
        let base = environment.get("XDG_STATE_HOME").map(PathBuf::from).or(usual);
        base.map(|base| base.join("portolan")).ok_or_else(|| {
            let message = "where is the run to be written down? Neither --state nor HOME is set";
            Failure { exit: Exit::Usage, ..Failure::failed(message) }
        })
    }
}

/// `20260102T030405Z`
fn time_of_day() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string().replace(['-', ':'], "")
}
