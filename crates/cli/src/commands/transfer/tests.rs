//! Exit codes.

use portolan_transfer::{Changes, ChartResult, ImageResult};

use super::*;

fn report(images: &[ImageOutcome], charts: &[ChartOutcome]) -> Report {
    let image = |action: &ImageOutcome| ImageResult {
        source: "a:1".parse().unwrap(),
        target: "r.example/a:1".parse().unwrap(),
        digest: None,
        platforms: Vec::new(),
        action: *action,
        verified: false,
        bytes_sent: 0,
        found: None,
        changes: Changes::default(),
        error: None,
    };
    let chart = |action: &ChartOutcome| ChartResult {
        name: "c".to_owned(),
        version: "1.0.0".to_owned(),
        source: "c.bundle.tar".to_owned(),
        target: "out".to_owned(),
        action: *action,
        verified: false,
        error: None,
    };
    Report {
        images: images.iter().map(image).collect(),
        charts: charts.iter().map(chart).collect(),
        ..Report::new()
    }
}

#[test]
fn kept_is_exit_3_unless_it_was_asked_for() {
    use ImageOutcome::{Exists, Failed, Kept, Pushed};
    let check = |images: &[ImageOutcome], charts: &[ChartOutcome], usually, with_keep| {
        let report = report(images, charts);
        assert_eq!(exit(&report, ExistingPolicy::Merge), usually, "{images:?} {charts:?}");
        assert_eq!(exit(&report, ExistingPolicy::Keep), with_keep, "{images:?} {charts:?}");
    };
    check(&[Pushed, Exists], &[ChartOutcome::Pushed], Exit::Done, Exit::Done);
    check(&[Pushed, Kept], &[ChartOutcome::Withheld], Exit::InPart, Exit::InPart);
    check(&[Pushed, Kept], &[ChartOutcome::Pushed], Exit::InPart, Exit::Done);
    check(&[Exists], &[ChartOutcome::Kept], Exit::InPart, Exit::Done);
    check(&[Failed], &[], Exit::Failed, Exit::Failed);
    check(&[], &[], Exit::Done, Exit::Done);
}
