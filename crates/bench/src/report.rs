//! Medians and ratios, and the table they are printed in.

/// The runs of one row, in seconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times(Vec<f64>);

impl Times {
    /// Adds a run.
    pub(crate) fn add(&mut self, seconds: f64) {
        self.0.push(seconds);
    }

    /// The middle one, or the mean of the two in the middle; `None` without a run.
    pub(crate) fn median(&self) -> Option<f64> {
        median(&self.0)
    }

    fn range(&self) -> (f64, f64) {
        let least = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        (least, self.0.iter().copied().fold(0.0, f64::max))
    }

    /// Run by run, the larger of two.
    pub(crate) fn larger(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(own, other)| own.max(*other)).collect())
    }

    /// The median of the differences run by run, in seconds.
    pub(crate) fn difference(&self, beside: &Self) -> Option<f64> {
        let differences: Vec<_> = self.0.iter().zip(&beside.0).map(|(own, beside)| own - beside).collect();
        median(&differences)
    }

    /// The median of the ratios run by run: what ran side by side is compared.
    pub(crate) fn ratio(&self, floor: &Self) -> Option<f64> {
        median(&self.ratios(floor))
    }

    /// The ratios run by run.
    pub(crate) fn ratios(&self, floor: &Self) -> Vec<f64> {
        self.0.iter().zip(&floor.0).map(|(own, floor)| own / floor).collect()
    }
}

/// What one row took, run by run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    /// Time on the clock.
    pub(crate) clock: Times,
    /// The registry's processor time, where it was asked for.
    pub(crate) registry: Times,
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// The table's head.
pub(crate) fn head() -> String {
    format!("{:<34} {:>9} {:>10} {:>13}   {}", "row", "seconds", "x floor", "registry cpu", "least to most")
}

/// A line of the table.
pub(crate) fn line(name: &str, row: &Row, floor: &Row) -> String {
    let Some(median) = row.clock.median() else { return format!("{name:<34} not measured") };
    let ratio = row.clock.ratio(&floor.clock).map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
    let registry = row.registry.median().map_or("-".to_owned(), |seconds| format!("{seconds:.2}"));
    let (least, most) = row.clock.range();
    format!("{name:<34} {median:>9.3} {ratio:>10} {registry:>13}   {least:.3} to {most:.3}")
}

/// The least of some ratios, the one in the middle, and the most.
pub(crate) fn range(ratios: &[f64]) -> String {
    let Some(median) = median(ratios) else { return "-".to_owned() };
    let (least, most) = Times(ratios.to_vec()).range();
    format!("{least:.2} / {median:.2} / {most:.2} (least, median, most)")
}

/// Bytes in MiB.
pub(crate) fn mib(bytes: u64) -> String {
    format!("{:.2} MiB", bytes as f64 / 1024.0 / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(values: &[f64]) -> Times {
        Times(values.to_vec())
    }

    #[test]
    fn medians() {
        assert_eq!(times(&[]).median(), None);
        assert_eq!(times(&[3.0, 1.0, 2.0]).median(), Some(2.0));
        assert_eq!(times(&[4.0, 1.0, 2.0, 3.0]).median(), Some(2.5));
    }

    #[test]
    fn differences_are_taken_run_by_run() {
        assert_eq!(times(&[2.0, 30.0, 2.5]).difference(&times(&[1.0, 10.0, 2.0])), Some(1.0));
    }

    #[test]
    fn ratios_are_taken_run_by_run() {
        assert_eq!(times(&[2.0, 30.0, 2.0]).ratio(&times(&[1.0, 10.0, 2.0])), Some(2.0));
    }
}
