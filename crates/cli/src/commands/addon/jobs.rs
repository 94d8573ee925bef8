//! The numbered jobs of `cluster-create`.

use crate::failure::{Exit, Failure};

/// The jobs that are done here, with what they do.
const DONE: [(u16, &str); 1] = [(IMPORT_ADDON, "import the add-on package that the configuration names")];

/// The job that imports the add-on package.
const IMPORT_ADDON: u16 = 13;

/// The numbers of `-j13` or `-j 14,15`, each once, in ascending order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct JobList(Vec<u16>);

/// Reads what stands behind `-j`.
pub(crate) fn job_list(text: &str) -> Result<JobList, String> {
    let number = |part: &str| part.trim().parse::<u16>().ok().filter(|number| *number > 0);
    let numbers: Option<Vec<u16>> = text.split(',').map(number).collect();
    let mut numbers = numbers.ok_or("numbers are expected, with commas between them, as in 13 or 14,15")?;
    numbers.sort_unstable();
    numbers.dedup();
    Ok(JobList(numbers))
}

/// Refuses the lists where any job is not done here: nothing of them is done then.
pub(crate) fn refuse_others(lists: &[JobList]) -> Result<(), Failure> {
    let asked = lists.iter().flat_map(|list| &list.0);
    let others: Vec<String> =
        asked.filter(|job| DONE.iter().all(|(done, _)| done != *job)).map(ToString::to_string).collect();
    let jobs = match &others[..] {
        [] => return Ok(()),
        [one] => format!("job {one} is"),
        several => format!("jobs {} are", several.join(", ")),
    };
    let failure = Failure::failed(format!("{jobs} not done by this version, and nothing of the list was"));
    Err(Failure { exit: Exit::Usage, ..failure }.with_hint(format!("the jobs that are done: {}", done())))
}

/// The jobs that are done, for people.
fn done() -> String {
    DONE.map(|(number, what)| format!("{number} ({what})")).join(", ")
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
        check("15, 13,13", &[13, 15]);
        for text in ["", "a", "13,", "0", "-1", "13-15", "70000"] {
            assert!(job_list(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_job_that_is_not_done_is_refused_with_all_that_are() {
        let check = |lists: &[&str], expected: Option<&str>| {
            let lists: Vec<JobList> = lists.iter().map(|list| job_list(list).unwrap()).collect();
            let refused = refuse_others(&lists).err();
            assert_eq!(refused.as_ref().map(|failure| failure.message.as_str()), expected, "{lists:?}");
            let hint = "the jobs that are done: 13 (import the add-on package that the configuration names)";
            assert!(refused.is_none_or(|refused| refused.hint.as_deref() == Some(hint)));
        };
        check(&["13"], None);
        check(&["12"], Some("job 12 is not done by this version, and nothing of the list was"));
        check(
            &["13,14", "15"],
            Some("jobs 14, 15 are not done by this version, and nothing of the list was"),
        );
    }
}
