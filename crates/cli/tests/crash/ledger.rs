//! What was asked of a depot and what it acknowledged, and so what it may hold after a crash.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Something that a depot has or has not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Key {
    /// A repository's blob.
    Blob { repository: String, digest: String },
    /// A repository's manifest.
    Manifest { repository: String, digest: String },
    /// That a project exists: it has no digest, and stands for itself.
    Project { name: String },
    /// What a tag points to.
    Tag { repository: String, tag: String },
    /// That a manifest is listed with its subject.
    Referrer { repository: String, subject: String, digest: String },
    /// A chart's archive, by `NAME-VERSION`.
    Chart { project: String, stem: String },
    /// The same chart's provenance file.
    Provenance { project: String, stem: String },
}

/// The digest of what is under a key, or that there is nothing.
pub(crate) type Value = Option<String>;

/// One thing that a request does if it is carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Deed {
    value: Value,
    /// Positions in the trace: when the request was sent, and when its answer, or that there will be none,
    /// was seen.
    began: u64,
    ended: u64,
    /// Whether the answer said that it was done.
    acknowledged: bool,
}

/// Every deed by what it was done to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(Key, Vec<Deed>)>", into = "Vec<(Key, Vec<Deed>)>")]
pub(crate) struct Ledger {
    deeds: BTreeMap<Key, Vec<Deed>>,
}

/// When a request was sent and when it ended, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course {
    pub(crate) began: u64,
    pub(crate) ended: u64,
    pub(crate) acknowledged: bool,
}

impl Ledger {
    /// Notes what a request did, or may have done.
    pub(crate) fn note(&mut self, key: Key, value: Value, course: Course) {
        let Course { began, ended, acknowledged } = course;
        self.deeds.entry(key).or_default().push(Deed { value, began, ended, acknowledged });
    }

    /// Every key that a request sent before `cut` is about.
    pub(crate) fn keys(&self, cut: u64) -> impl Iterator<Item = &Key> {
        let begun = move |deeds: &[Deed]| deeds.iter().any(|deed| deed.began < cut);
        self.deeds.iter().filter(move |(_, deeds)| begun(deeds)).map(|(key, _)| key)
    }

    /// Positions at which an acknowledgement was just seen, the earliest first.
    pub(crate) fn acknowledgements(&self) -> BTreeSet<u64> {
        let deeds = self.deeds.values().flatten();
        deeds.filter(|deed| deed.acknowledged).map(|deed| deed.ended).collect()
    }

    /// What may be found under a key after a crash at `cut`: what a request sent before did, unless
    /// another one that was acknowledged by then was sent after it had ended. Nothing, as long as none
    /// was acknowledged.
    pub(crate) fn allowed(&self, key: &Key, cut: u64) -> BTreeSet<Value> {
        let deeds = self.deeds.get(key).map(Vec::as_slice).unwrap_or_default();
        let nothing = Deed { value: None, began: 0, ended: 0, acknowledged: true };
        let begun = deeds.iter().filter(|deed| deed.began < cut || deed.ended <= cut);
        let sure = |deed: &&Deed| deed.acknowledged && deed.ended <= cut;
        let replaced = |old: &Deed| deeds.iter().filter(sure).any(|new| new.began >= old.ended && new != old);
        let candidates = std::iter::once(&nothing).chain(begun);
        candidates.filter(|deed| !replaced(deed)).map(|deed| deed.value.clone()).collect()
    }

    /// What is known after a crash at `cut`, as the beginning of another trace.
    pub(crate) fn after_crash(&self, cut: u64) -> Self {
        let mut after = Self::default();
        for key in self.keys(cut) {
            let mut allowed = self.allowed(key, cut).into_iter();
            let first = allowed.next().unwrap_or_default();
            after.note(key.clone(), first, Course { began: 0, ended: 0, acknowledged: true });
            for other in allowed {
                after.note(key.clone(), other, Course { began: 0, ended: 1, acknowledged: false });
            }
        }
        after
    }

    /// Keys of which it isn't known what is under them.
    pub(crate) fn open_questions(&self) -> Vec<Key> {
        let open = self.deeds.keys().filter(|key| self.allowed(key, u64::MAX).len() > 1);
        open.cloned().collect()
    }

    /// Tags of a repository that point, or may point, to a manifest now; with whether that is sure.
    pub(crate) fn tags_of(&self, repository: &str, digest: &str) -> Vec<(Key, bool)> {
        let value = Some(digest.to_owned());
        let tags = self
            .deeds
            .keys()
            .filter(|key| matches!(key, Key::Tag { repository: own, .. } if own == repository));
        let found = tags.map(|key| (key, self.allowed(key, u64::MAX)));
        let pointing = found.filter(|(_, allowed)| allowed.contains(&value));
        pointing.map(|(key, allowed)| (key.clone(), allowed.len() == 1)).collect()
    }
}

impl From<Vec<(Key, Vec<Deed>)>> for Ledger {
    fn from(deeds: Vec<(Key, Vec<Deed>)>) -> Self {
        Self { deeds: deeds.into_iter().collect() }
    }
}

impl From<Ledger> for Vec<(Key, Vec<Deed>)> {
    fn from(ledger: Ledger) -> Self {
        ledger.deeds.into_iter().collect()
    }
}

#[test]
fn what_is_known_after_a_crash_is_the_beginning_of_another_ledger() {
    let key = Key::Project { name: "p".to_owned() };
    let value = |text: &str| Some(text.to_owned());
    let course = |began, ended, acknowledged| Course { began, ended, acknowledged };
    let mut ledger = Ledger::default();
    ledger.note(key.clone(), value("a"), course(10, 20, true));
    ledger.note(key.clone(), value("b"), course(30, 40, true));
    for (cut, expected) in
        [(20, vec![value("a")]), (35, vec![value("a"), value("b")]), (15, vec![None, value("a")])]
    {
        let after = ledger.after_crash(cut);
        assert_eq!(after.allowed(&key, 1), expected.into_iter().collect(), "{cut}");
    }
    assert_eq!(ledger.after_crash(10).keys(1).count(), 0);
}

/// Requests as `VALUE BEGAN ENDED` with `!` behind those that were acknowledged, and what is allowed at each cut.
#[test]
fn what_may_be_found_follows_from_what_was_acknowledged() {
    let check = |requests: &str, cut: u64, expected: &str| {
        let key = Key::Tag { repository: "a".to_owned(), tag: "v1".to_owned() };
        let mut ledger = Ledger::default();
        for request in requests.split(',') {
            let words: Vec<_> = request.trim_end_matches('!').split_whitespace().collect();
            let [value, began, ended] = words[..] else { panic!("{request}") };
            let [began, ended] = [began, ended].map(|word| word.parse().unwrap());
            let course = Course { began, ended, acknowledged: request.ends_with('!') };
            ledger.note(key.clone(), Some(value.to_owned()).filter(|value| value != "-"), course);
        }
        let allowed = ledger.allowed(&key, cut).into_iter().map(|value| value.unwrap_or("-".to_owned()));
        assert_eq!(allowed.collect::<Vec<_>>().join(" "), expected, "{requests} at {cut}");
    };
    for (cut, expected) in [(10, "-"), (11, "- x"), (19, "- x"), (20, "x"), (30, "x")] {
        check("x 10 20!", cut, expected);
    }
    check("x 10 20", 30, "- x");
    for (cut, expected) in [(25, "x"), (35, "x y"), (40, "y")] {
        check("x 10 20!,y 30 40!", cut, expected);
    }
    // An unanswered request was dead before the next one was sent.
    check("x 10 20,y 30 40!", 40, "y");
    check("x 10 20,y 30 40!", 35, "- x y");
    // What was seen when nothing was written is known at once.
    check("x 10 20,x 20 20!", 20, "x");
    check("x 10 20,- 20 20!", 20, "-");
    // Of two at once either may be the last.
    check("x 10 30!,y 20 40!", 50, "x y");
    check("x 10 30!,y 20 40!,- 40 50!", 50, "-");
}
