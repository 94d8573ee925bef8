//! Why something is not where it should be: it failed, or the run was interrupted first.

use std::error::Error;

use portolan_registry::{
    Stop,
    retry::{Transient, Verdict},
};

use crate::failure::one_line;

/// Why a blob, image or chart is not where it should be. Of two, the greater one counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lack {
    /// The run was interrupted before it got there. `error` is what would have been tried again otherwise.
    Interrupted { error: Option<String> },
    /// It could not be brought there, and why.
    Failed(String),
}

impl Lack {
    /// What was not reached.
    pub(crate) const NOT_REACHED: Self = Self::Interrupted { error: None };

    /// What an error comes to. One that can pass is no verdict in a run that was interrupted: trying again
    /// is what the interruption put an end to.
    pub(crate) fn of(error: &(impl Error + Transient), stop: &Stop) -> Self {
        let text = one_line(error);
        match error.verdict() {
            Verdict::Passing { .. } if stop.is_requested() => Self::Interrupted { error: Some(text) },
            _ => Self::Failed(text),
        }
    }
}

/// All parts, or the worst of what they lack.
pub(crate) fn whole<T>(parts: impl IntoIterator<Item = Result<T, Lack>>) -> Result<Vec<T>, Lack> {
    let (mut present, mut worst) = (Vec::new(), None);
    for part in parts {
        match part {
            Ok(part) => present.push(part),
            Err(lack) => worst = worst.max(Some(lack)),
        }
    }
    worst.map_or(Ok(present), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the server is busy")]
    struct Answer(Verdict);

    impl Transient for Answer {
        fn verdict(&self) -> Verdict {
            self.0
        }
    }

    #[test]
    fn what_can_pass_is_no_failure_once_the_run_was_interrupted() {
        let (going, stopped) = (Stop::default(), Stop::default());
        stopped.request();
        let passing = Answer(Verdict::Passing { after: None });
        let text = "the server is busy".to_owned();
        assert_eq!(Lack::of(&passing, &going), Lack::Failed(text.clone()));
        assert_eq!(Lack::of(&passing, &stopped), Lack::Interrupted { error: Some(text.clone()) });
        assert_eq!(Lack::of(&Answer(Verdict::Final), &stopped), Lack::Failed(text));
    }

    #[test]
    fn a_failure_counts_for_more_than_an_interruption() {
        let failed = || Lack::Failed("no room".to_owned());
        assert_eq!(whole([Ok(1), Ok(2)]), Ok(vec![1, 2]));
        assert_eq!(whole([Ok(1), Err(failed()), Err(Lack::NOT_REACHED)]), Err(failed()));
        assert_eq!(whole([Err(Lack::NOT_REACHED), Ok(1)]), Err(Lack::NOT_REACHED));
    }
}
