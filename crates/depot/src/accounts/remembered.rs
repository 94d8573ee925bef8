//! Logins that were looked into lately. Hashes of passwords are slow on purpose, and a client sends
//! its password with every request.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::seal::MARK;

/// How long a login that was right counts without being looked into again.
const RIGHT_FOR: Duration = Duration::from_secs(5 * 60);

/// How long one that was wrong is refused without being looked into again: a node with an old
/// password asks several times a second, and must not keep others waiting.
const WRONG_FOR: Duration = Duration::from_secs(30);

/// Most logins of either kind that are remembered.
const LIMIT: usize = 1024;

/// Answers by the mark of name and password; neither is kept.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    right: Mutex<Answers>,
    wrong: Mutex<Answers>,
}

/// When each answer ends, and of which state of the accounts it is.
type Answers = HashMap<[u8; MARK], Answer>;

#[derive(Debug, Clone, Copy)]
struct Answer {
    ends: Instant,
    generation: u64,
}

impl Remembered {
    /// Whether that login was right; `None` where it has to be looked into. What was found out of
    /// another `generation` of the accounts counts for nothing.
    pub(crate) fn recall(&self, login: &[u8; MARK], generation: u64, now: Instant) -> Option<bool> {
        let counts = |answers: &Mutex<Answers>| {
            hold(answers).get(login).is_some_and(|found| found.ends > now && found.generation == generation)
        };
        match (counts(&self.right), counts(&self.wrong)) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        }
    }

    /// Remembers what was found out of `generation`.
    pub(crate) fn keep(&self, login: [u8; MARK], is_right: bool, generation: u64, now: Instant) {
        let (answers, life) = if is_right { (&self.right, RIGHT_FOR) } else { (&self.wrong, WRONG_FOR) };
        let mut answers = hold(answers);
        make_room(&mut answers, generation, now);
        answers.insert(login, Answer { ends: now + life, generation });
    }
}

/// Drops what no longer counts, or else what ends first.
fn make_room(answers: &mut Answers, generation: u64, now: Instant) {
    if answers.len() < LIMIT {
        return;
    }
    answers.retain(|_, answer| answer.ends > now && answer.generation == generation);
    if answers.len() < LIMIT {
        return;
    }
    let first = answers.iter().min_by_key(|(_, answer)| answer.ends).map(|(login, _)| *login);
    first.map(|login| answers.remove(&login));
}

fn hold(answers: &Mutex<Answers>) -> MutexGuard<'_, Answers> {
    answers.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(number: u32) -> [u8; MARK] {
        let mut login = [0; MARK];
        login[..4].copy_from_slice(&number.to_be_bytes());
        login
    }

    #[test]
    fn answers_end_with_time_and_with_the_accounts() {
        let (remembered, start) = (Remembered::default(), Instant::now());
        remembered.keep(login(1), true, 7, start);
        remembered.keep(login(2), false, 7, start);
        let check = |number: u32, generation, seconds, expected| {
            let now = start + Duration::from_secs(seconds);
            let found = remembered.recall(&login(number), generation, now);
            assert_eq!(found, expected, "{number} {generation} {seconds}");
        };
        check(1, 7, 0, Some(true));
        check(1, 7, 299, Some(true));
        check(1, 7, 300, None);
        check(1, 8, 0, None);
        check(2, 7, 29, Some(false));
        check(2, 7, 30, None);
        check(2, 8, 0, None);
        check(3, 7, 0, None);
    }

    #[test]
    fn what_ends_first_goes_first() {
        let (remembered, start) = (Remembered::default(), Instant::now());
        for number in 0..=1024 {
            let later = start + Duration::from_millis(number.into());
            remembered.keep(login(number), true, 1, later);
            remembered.keep(login(number), false, 1, later);
        }
        assert_eq!(remembered.recall(&login(0), 1, start), None);
        assert_eq!(remembered.recall(&login(1), 1, start), Some(true));
        assert_eq!(remembered.recall(&login(1024), 1, start), Some(true));
        assert_eq!(hold(&remembered.right).len(), 1024);
        assert_eq!(hold(&remembered.wrong).len(), 1024);
        // A new state of the accounts has room for itself alone.
        remembered.keep(login(5000), true, 2, start);
        assert_eq!(hold(&remembered.right).len(), 1);
    }
}
