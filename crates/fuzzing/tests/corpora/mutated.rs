//! The corpora, changed at random: what can be found without a nightly compiler. It knows nothing of what an
//! input reaches, so libFuzzer finds more in the same time (docs/fuzzing.md).

use std::{
    env, fs,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use portolan_fuzzing::{TARGETS, Target};

use crate::files::{files, fuzz};

/// How large an input may become, in bytes.
const LONGEST: usize = 32 << 10;

/// Bytes that parsers look for.
const TELLING: &[u8] = b"\0\n\r\t \"'{}[]:,#&*!|>%@/\\-+=<.09azAZ\x1b\x7f\x80\xff";

/// A generator of numbers that are the same in every run (xorshift64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % limit.max(1)
    }

    fn telling(&mut self) -> u8 {
        TELLING[self.below(TELLING.len())]
    }

    /// A stretch of so many bytes, not long as a rule.
    fn stretch(&mut self, length: usize) -> std::ops::Range<usize> {
        let from = self.below(length + 1);
        let most = if self.below(4) == 0 { length } else { 16 };
        from..(from + self.below(most + 1)).min(length)
    }
}

/// One of the corpus' files, changed in a few places.
fn mutated(corpus: &[(String, Vec<u8>)], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = corpus[numbers.below(corpus.len())].1.clone();
    for _ in 0..=numbers.below(6) {
        let (at, stretch) = (numbers.below(bytes.len() + 1), numbers.stretch(bytes.len()));
        match numbers.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
            1 if at < bytes.len() => bytes[at] = numbers.telling(),
            2 => bytes.insert(at, numbers.telling()),
            3 => drop(bytes.drain(stretch)),
            4 => {
                let again = bytes[stretch].to_vec();
                bytes.splice(at..at, again);
            }
            5 => {
                let other = &corpus[numbers.below(corpus.len())].1;
                let taken = numbers.stretch(other.len());
                bytes.splice(stretch, other[taken].iter().copied());
            }
            _ => bytes.truncate(at.max(bytes.len() / 2)),
        }
        bytes.truncate(LONGEST);
    }
    bytes
}

/// Gives the number of inputs; `None` where one of them breaks a law, which is then in `fuzz/artifacts`.
fn run(name: &str, target: Target, time: Duration) -> Option<u64> {
    let (corpus, began) = (files(name), Instant::now());
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut runs = 0;
    while began.elapsed() < time {
        let bytes = mutated(&corpus, &mut numbers);
        if catch_unwind(AssertUnwindSafe(|| target(&bytes))).is_err() {
            let folder = fuzz().join("artifacts").join(name);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(format!("mutated-{runs}")), &bytes).unwrap();
            return None;
        }
        runs += 1;
    }
    Some(runs)
}

/// Not one of the ordinary tests: `PORTOLAN_FUZZ_SECONDS` (ten where not given) for each target, or for those
/// of `PORTOLAN_FUZZ_TARGETS`, by their names with blanks between.
#[test]
#[ignore = "runs for as long as it is told to"]
fn corpora_changed_at_random() {
    let seconds = env::var("PORTOLAN_FUZZ_SECONDS").map_or(10, |text| text.parse().unwrap());
    let chosen = env::var("PORTOLAN_FUZZ_TARGETS").unwrap_or_default();
    let chosen: Vec<&str> = chosen.split_whitespace().collect();
    let mut broken = Vec::new();
    for (name, target) in TARGETS.iter().filter(|(name, _)| chosen.is_empty() || chosen.contains(name)) {
        match run(name, *target, Duration::from_secs(seconds)) {
            Some(runs) => println!("{name}: {runs} runs in {seconds} s"),
            None => broken.push(*name),
        }
    }
    assert!(broken.is_empty(), "laws are broken in {broken:?}; see fuzz/artifacts");
}
