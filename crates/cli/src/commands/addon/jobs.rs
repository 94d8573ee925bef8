//! The numbered jobs of `cluster-create`.

use crate::failure::{Exit, Failure};

/// A job that is done here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    /// 13: the add-on package goes to the site's servers.
    ImportAddon,
    /// 14: the modules do.
    Publish,
    /// 15: repositories and modules are made known.
    Register,
}

impl Job {
    const ALL: [Self; 3] = [Self::ImportAddon, Self::Publish, Self::Register];

    pub(crate) fn number(self) -> u16 {
        match self {
            Self::ImportAddon => 13,
            Self::Publish => 14,
            Self::Register => 15,
        }
    }

    /// What it does.
    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::ImportAddon => "import the add-on package that the configuration names",
            Self::Publish => "publish the modules' charts and images",
            Self::Register => "register repositories and installed modules",
        }
    }

    /// Whether it brings a package to servers.
    pub(crate) fn carries(self) -> bool {
        matches!(self, Self::ImportAddon | Self::Publish)
    }
}

/// The numbers of `-j13` or `-j 14,15`, in the order given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct JobList(Vec<u16>);

/// Reads what stands behind `-j`.
pub(crate) fn job_list(text: &str) -> Result<JobList, String> {
    let number = |part: &str| part.trim().parse::<u16>().ok().filter(|number| *number > 0);
    let numbers: Option<Vec<u16>> = text.split(',').map(number).collect();
    numbers.map(JobList).ok_or("numbers are expected, with commas between them, as in 13 or 14,15".to_owned())
}

/// The jobs of all lists, in the order given, each once. Lists where any job is not done here are refused: nothing of
/// them is done then.
pub(crate) fn jobs(lists: &[JobList]) -> Result<Vec<Job>, Failure> {
    let (mut jobs, mut others) = (Vec::new(), Vec::new());
    for number in lists.iter().flat_map(|list| &list.0) {
        match Job::ALL.into_iter().find(|job| job.number() == *number) {
            Some(job) if !jobs.contains(&job) => jobs.push(job),
            Some(_) => {}
            None => others.push(number.to_string()),
        }
    }
    let refused = match &others[..] {
        [] => return Ok(jobs),
        [one] => format!("job {one} is"),
        several => format!("jobs {} are", several.join(", ")),
    };
    let failure = Failure::failed(format!("{refused} not done by this version, and nothing of the list was"));
    Err(Failure { exit: Exit::Usage, ..failure }.with_hint(format!("the jobs that are done: {}", done())))
}

/// The jobs that are done, for people.
fn done() -> String {
    Job::ALL.map(|job| format!("{} ({})", job.number(), job.what())).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_jobs() {
        let check = |text: &str, expected: &[u16]| {
            assert_eq!(job_list(text), Ok(JobList(expected.to_vec())), "{text}");
        };
        check("13", &[13]);
        check("14,15", &[14, 15]);
        check("15, 13,13", &[15, 13, 13]);
        for text in ["", "a", "13,", "0", "-1", "13-15", "70000"] {
            assert!(job_list(text).is_err(), "{text}");
        }
    }

    fn jobs_of(lists: &[&str]) -> Result<Vec<u16>, Failure> {
        let lists: Vec<JobList> = lists.iter().map(|list| job_list(list).unwrap()).collect();
        Ok(jobs(&lists)?.into_iter().map(Job::number).collect())
    }

    #[test]
    fn in_the_order_given_and_each_once() {
        let check = |lists: &[&str], expected: &[u16]| {
            assert_eq!(jobs_of(lists).unwrap(), expected, "{lists:?}");
        };
        check(&["13"], &[13]);
        check(&["13,14,15"], &[13, 14, 15]);
        check(&["15,14"], &[15, 14]);
        check(&["14", "13,14"], &[14, 13]);
    }

    #[test]
    fn a_job_that_is_not_done_is_refused_with_all_that_are() {
        let check = |lists: &[&str], expected: &str| {
            let refused = jobs_of(lists).unwrap_err();
            assert_eq!(refused.message, expected);
            let hint = "the jobs that are done: 13 (import the add-on package that the configuration names), \
                        14 (publish the modules' charts and images), 15 (register repositories and installed modules)";
            assert_eq!(refused.hint.as_deref(), Some(hint));
        };
        check(&["12"], "job 12 is not done by this version, and nothing of the list was");
        check(&["13,16", "1"], "jobs 16, 1 are not done by this version, and nothing of the list was");
    }
}
