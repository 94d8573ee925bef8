//! How many requests may be under way at once: the arithmetic alone, without clock and without I/O.
//!
//! Additive increase, multiplicative decrease, as in TCP (RFC 5681): a complaint halves the limit, and a
//! round of as many good answers as the limit allows raises it by one. Requests that were under way
//! together are one complaint, however many of them complain.

/// What the end of a request says about the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It keeps up.
    Well,
    /// It is asked too much at once.
    Complaint,
    /// Neither.
    Nothing,
}

/// How the limit changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Falls { to: usize, by: usize },
    Rises { to: usize },
}

/// The limit on requests under way.
#[derive(Debug)]
pub(super) struct Limit {
    most: usize,
    now: usize,
    under_way: usize,
    /// Good answers of this round, while as many requests were under way as may be.
    good: usize,
    /// How often the limit fell: a request knows by it whether it began before the last fall.
    falls: u64,
}

impl Limit {
    /// A limit that begins at `most` and never exceeds it.
    pub(super) fn new(most: usize) -> Self {
        Self { most, now: most, under_way: 0, good: 0, falls: 0 }
    }

    /// A request begins; what is given belongs to its end.
    pub(super) fn begin(&mut self) -> u64 {
        self.under_way += 1;
        self.falls
    }

    /// The request that `begun` belongs to has ended.
    pub(super) fn end(&mut self, begun: u64, told: Told) -> Option<Change> {
        let change = match told {
            // It began before the last fall, and that is what the fall was for.
            _ if begun < self.falls => None,
            Told::Well => self.well(),
            Told::Complaint => self.complaint(),
            Told::Nothing => None,
        };
        self.under_way -= 1;
        change
    }

    /// A limit that nobody comes near has no reason to rise.
    fn well(&mut self) -> Option<Change> {
        if self.now == self.most || self.under_way < self.now {
            return None;
        }
        self.good += 1;
        if self.good < self.now {
            return None;
        }
        self.good = 0;
        self.now += 1;
        Some(Change::Rises { to: self.now })
    }

    /// Half of what was really under way. A request that was alone was not one too many.
    fn complaint(&mut self) -> Option<Change> {
        if self.under_way == 1 {
            return None;
        }
        let before = self.now;
        self.now = (self.now.min(self.under_way) / 2).max(1);
        self.good = 0;
        self.falls += 1;
        let by = before - self.now;
        (by > 0).then_some(Change::Falls { to: self.now, by })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many requests at once, each with that end; the changes on the way.
    fn round(limit: &mut Limit, requests: usize, told: Told) -> Vec<Change> {
        let begun: Vec<_> = (0..requests).map(|_| limit.begin()).collect();
        begun.into_iter().filter_map(|begun| limit.end(begun, told)).collect()
    }

    #[test]
    fn a_round_of_complaints_halves_it_once() {
        let mut limit = Limit::new(128);
        assert_eq!(round(&mut limit, 12, Told::Complaint), [Change::Falls { to: 6, by: 122 }]);
        assert_eq!(round(&mut limit, 6, Told::Complaint), [Change::Falls { to: 3, by: 3 }]);
        assert_eq!(round(&mut limit, 3, Told::Complaint), [Change::Falls { to: 1, by: 2 }]);
        assert_eq!(round(&mut limit, 1, Told::Complaint), []);
        assert_eq!(limit.now, 1);
        let mut alone = Limit::new(128);
        assert_eq!(round(&mut alone, 1, Told::Complaint), []);
        assert_eq!(alone.now, 128);
    }

    #[test]
    fn rounds_that_go_well_raise_it_by_one() {
        let mut limit = Limit::new(4);
        round(&mut limit, 4, Told::Complaint);
        let mut changes = Vec::new();
        for requests in [2, 1, 2, 2, 3, 3, 3, 4, 4] {
            // One after the other, each time with as many under way as there were before.
            for _ in 0..requests {
                let others: Vec<_> = (1..requests).map(|_| limit.begin()).collect();
                let begun = limit.begin();
                changes.extend(limit.end(begun, Told::Well));
                for other in others {
                    limit.end(other, Told::Nothing);
                }
            }
        }
        assert_eq!(changes, [Change::Rises { to: 3 }, Change::Rises { to: 4 }]);
        assert_eq!((limit.now, limit.under_way), (4, 0));
    }

    #[test]
    fn a_limit_that_nobody_needs_stays() {
        let mut limit = Limit::new(100);
        round(&mut limit, 20, Told::Complaint);
        assert_eq!(limit.now, 10);
        for _ in 0..100 {
            assert_eq!(round(&mut limit, 9, Told::Well), []);
            assert_eq!(round(&mut limit, 20, Told::Nothing), []);
        }
    }

    #[test]
    fn old_answers_count_for_nothing() {
        let mut limit = Limit::new(10);
        let old: Vec<_> = (0..10).map(|_| limit.begin()).collect();
        assert_eq!(limit.end(old[0], Told::Complaint), Some(Change::Falls { to: 5, by: 5 }));
        for begun in &old[1..5] {
            assert_eq!(limit.end(*begun, Told::Complaint), None);
        }
        for begun in &old[5..] {
            assert_eq!(limit.end(*begun, Told::Well), None);
        }
        assert_eq!((limit.now, limit.good, limit.under_way), (5, 0, 0));
    }
}
