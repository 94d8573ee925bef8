//! What came of the cases of advisories.

use portolan_release::advisories::CaseResult;
use serde::Serialize;

use crate::output::style::Style;

/// Version of the document; raised when a member changes its meaning or goes away.
const RESULTS_VERSION: u32 = 1;

/// The document of `--output json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Results<'a> {
    advisory_results_version: u32,
    cases: &'a [CaseResult],
}

/// The document of `--output json`.
#[must_use]
pub fn results_document(cases: &[CaseResult]) -> Results<'_> {
    Results { advisory_results_version: RESULTS_VERSION, cases }
}

/// A line a case, and below those that don't hold what is otherwise.
#[must_use]
pub fn results(cases: &[CaseResult], style: Style) -> String {
    let lines = cases.iter().flat_map(|case| {
        let CaseResult { advisory, case, failures } = case;
        let word = if failures.is_empty() { style.good("holds") } else { style.bad("fails") };
        let failures = failures.iter().map(|failure| format!("    {failure}"));
        std::iter::once(format!("{word} {advisory}: {case}")).chain(failures).collect::<Vec<_>>()
    });
    let failed = cases.iter().filter(|case| !case.failures.is_empty()).count();
    let last = match (cases.len(), failed) {
        (0, _) => "no cases".to_owned(),
        (1, 0) => "the one case holds".to_owned(),
        (all, 0) => format!("all {all} cases hold"),
        (all, failed) => style.bad(format!("{failed} of {all} cases do not hold")),
    };
    lines.chain([last]).collect::<Vec<_>>().join("\n")
}
