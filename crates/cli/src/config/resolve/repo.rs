//! What `source.repo` and `target.repo` have in common: keys that no version with bundles needs yet.

use serde_saphyr::Spanned;

use super::super::file::Repo;
use super::super::problems::Problems;

/// Checks a source repository, which this version does not read from, for contradictions of its own.
pub(super) fn check_source(repo: &Spanned<Repo>, problems: &mut Problems) {
    contradictory_index("source.repo", &repo.value, problems);
}

/// `chartsIndex` and its switches, which serve reading from a repository.
pub(super) fn refuse_index_keys(repo: &Repo, problems: &mut Problems) {
    contradictory_index("target.repo", repo, problems);
    problems.later("target.repo.chartsIndex", &repo.charts_index);
    if repo.use_charts_index.as_ref().is_some_and(|wanted| wanted.value) {
        problems.later("target.repo.useChartsIndex", &repo.use_charts_index);
    }
}

fn contradictory_index(section: &'static str, repo: &Repo, problems: &mut Problems) {
    let on = |key: &Option<Spanned<bool>>| key.as_ref().is_some_and(|key| key.value);
    if on(&repo.disable_charts_index) && (on(&repo.use_charts_index) || repo.charts_index.is_some()) {
        let line = repo.disable_charts_index.as_ref().map(|key| key.referenced.line());
        let reason = "it contradicts `chartsIndex` and `useChartsIndex` beside it";
        problems.invalid(&format!("{section}.disableChartsIndex"), line, reason);
    }
}
