//! Which of the changes that no sync made sure are on the disk: decided by a seed, within what may be.

use super::history::{History, Kind, Naming, Object, Past};
use crate::random::Random;

/// What became of everything.
#[derive(Debug)]
pub(super) struct Fates {
    /// By naming.
    pub(super) names: Vec<NameFate>,
    /// By object.
    pub(super) contents: Vec<ContentFate>,
}

/// Which halves of a naming are on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NameFate {
    pub(super) adds: bool,
    pub(super) removes: bool,
}

/// What is on the disk of a file's changes that aren't sure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContentFate {
    /// None.
    Nothing,
    /// All.
    Everything,
    /// So many, and of the next one, if it is a write, a part: how much is drawn from the seed.
    Beginning { changes: usize, seed: u64 },
    /// Any pieces, drawn from the seed, in any order.
    Pieces { seed: u64 },
    /// The length that it grew to, and zeroes where nothing sure was.
    Zeroes,
}

/// How a power loss is, on the whole. The plain ones find most faults, so each comes often.
#[derive(Clone, Copy, Debug)]
enum Mood {
    /// Only what is sure.
    Least,
    /// Everything: the same as a killed process.
    Most,
    /// All names, and no content: what a rename before its file's sync leaves.
    Names,
    /// All content, and no names.
    Contents,
    /// Names up to one change, as a journal has them.
    Journal,
    /// Each by itself.
    Mixed,
}

const MOODS: [Mood; 8] = [
    Mood::Least,
    Mood::Most,
    Mood::Names,
    Mood::Contents,
    Mood::Journal,
    Mood::Journal,
    Mood::Mixed,
    Mood::Mixed,
];

/// Nothing is lost.
pub(super) fn everything(history: &History) -> Fates {
    let kept = NameFate { adds: true, removes: true };
    Fates {
        names: vec![kept; history.namings.len()],
        contents: vec![ContentFate::Everything; history.objects.len()],
    }
}

/// Everything is lost that is not sure.
pub(super) fn nothing(history: &History) -> Fates {
    fates(history, Mood::Least, &mut Random::new(0))
}

/// What the seed decides.
pub(super) fn chosen(history: &History, seed: u64) -> Fates {
    let mut random = Random::new(seed);
    let mood = MOODS[random.below(MOODS.len())];
    fates(history, mood, &mut random)
}

fn fates(history: &History, mood: Mood, random: &mut Random) -> Fates {
    Fates { names: names(history, mood, random), contents: contents(history, mood, random) }
}

fn names(history: &History, mood: Mood, random: &mut Random) -> Vec<NameFate> {
    let journal_end = journal_end(history, random);
    let numbered = history.namings.iter().enumerate();
    numbered
        .map(|(number, naming)| {
            let wish = match mood {
                Mood::Least | Mood::Contents => false,
                Mood::Most | Mood::Names => true,
                Mood::Journal => number < journal_end,
                Mood::Mixed => random.coin(),
            };
            let lingers = matches!(mood, Mood::Mixed) && random.coin();
            name_fate(history, number, naming, wish, lingers)
        })
        .collect()
}

/// A journal has everything before what is sure, and ends somewhere after it.
fn journal_end(history: &History, random: &mut Random) -> usize {
    let is_sure = |number: &usize| {
        let naming = &history.namings[*number];
        let directories =
            [naming.adds.as_ref().map(|(place, _)| place.0), naming.removes.as_ref().map(|place| place.0)];
        directories.into_iter().flatten().any(|directory| *number < history.objects[directory].sure)
    };
    let sure = (0..history.namings.len()).rev().find(is_sure).map_or(0, |last| last + 1);
    sure + random.below(history.namings.len() - sure + 1)
}

/// A rename that is sure in one of its directories has happened; its old name may linger in the
/// other one. A directory is never in two places.
fn name_fate(history: &History, number: usize, naming: &Naming, wish: bool, lingers: bool) -> NameFate {
    let sure = |directory: Object| number < history.objects[directory].sure;
    match (&naming.adds, &naming.removes) {
        (Some(((target, _), object)), Some((source, _))) => {
            let adds = wish || sure(*target) || sure(*source);
            let is_file = matches!(history.objects[*object].kind, Kind::File(_));
            let may_linger = is_file && target != source && !sure(*source);
            NameFate { adds, removes: adds && !(lingers && may_linger) }
        }
        (Some(((target, _), _)), None) => NameFate { adds: wish || sure(*target), removes: false },
        (None, Some((source, _))) => NameFate { adds: false, removes: wish || sure(*source) },
        (None, None) => NameFate { adds: false, removes: false },
    }
}

fn contents(history: &History, mood: Mood, random: &mut Random) -> Vec<ContentFate> {
    let fate = |past: &Past| match mood {
        Mood::Least => ContentFate::Nothing,
        Mood::Most | Mood::Contents => ContentFate::Everything,
        Mood::Names => [ContentFate::Nothing, ContentFate::Zeroes][random.below(2)],
        Mood::Journal | Mood::Mixed => any_fate(past, random),
    };
    history.objects.iter().map(fate).collect()
}

fn any_fate(past: &Past, random: &mut Random) -> ContentFate {
    let changes = if let Kind::File(changes) = &past.kind { changes.len() - past.sure } else { 0 };
    match random.below(6) {
        0 => ContentFate::Nothing,
        1 => ContentFate::Everything,
        2 => ContentFate::Zeroes,
        3 => ContentFate::Pieces { seed: random.next_u64() },
        _ => ContentFate::Beginning { changes: random.below(changes + 1), seed: random.next_u64() },
    }
}
