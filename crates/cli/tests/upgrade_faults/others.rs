//! A second Portolan, of another host by its own account, while the first one is held behind each entry.

use portolan_testkit::process;

use crate::killed::helm;
use crate::place::Place;
use crate::server::after;
use crate::table::{self, Case};

#[test]
fn a_second_run() {
    let mut cases = Vec::new();
    for entry in 3..=11 {
        let run = move |place: &Place| {
            let running = place.hold(&place.upgrade(), entry);
            let step = place.entry();
            let mut second = place.portolan(&place.upgrade());
            // Another machine has other folders; what it knows of the first run is in the cluster alone.
            second.env("HOME", place.path("other")).env("USER", "somebody-else");
            let second = process::outcome(&mut second);
            let said = String::from_utf8_lossy(&second.stderr).into_owned();
            assert!(!second.status.success() && said.contains("at work on the release kant"), "{said}");
            running.go();
            after(place, &place.end(running), step)
        };
        cases.push(Case {
            name: format!("second-{entry}"),
            scenario: "A second Portolan with folders of its own".to_owned(),
            helm: helm(entry),
            is_in_ci: entry == 7,
            run: Box::new(run),
            plain: None,
        });
    }
    table::run("second", cases);
}
