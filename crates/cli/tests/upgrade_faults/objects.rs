//! Objects that the server refuses, that can't become what they should, or that never become
//! ready. Each is a chart of its own; most are stopped before anything is changed.

use std::fs;

use portolan_testkit::charts::Chart;
use portolan_testkit::components::{Component, HELM_3, HELM_4};

use crate::charts::{new, stuck};
use crate::killed::plainly_again;
use crate::place::{Place, TIMEOUT};
use crate::table::{self, Case, Plain, Shown};

/// A policy that refuses every second object of the new version; `TRIAL` says whether trials are refused too.
const POLICY: &str = r#"
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: NAME}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [services, configmaps]}]
  validations:
  - expression: "request.namespace != 'NAME' || TRIAL || !(object.metadata.name == 'z-made' || (object.kind == 'Service' && object.spec.ports[0].port == 8080))"
    message: the new is not wanted here
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: NAME}
spec: {policyName: NAME, validationActions: [Deny]}
"#;

/// What is done to the place before, and what the new chart is.
struct Fault {
    name: &'static str,
    scenario: &'static str,
    ready: fn(&Place),
    timeout: &'static str,
}

fn policy(place: &Place, trial: &str) {
    place.cluster.apply(&POLICY.replace("NAME", &place.name).replace("TRIAL", trial));
    // The server takes its time until a policy counts.
    let object =
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: z-made, namespace: {}}}\n", place.name);
    let file = place.path("probe.yaml");
    fs::write(&file, object).unwrap();
    place.wait_until("the policy", |place| {
        let made = place.cluster.try_kubectl(&["create", "-f", file.to_str().unwrap()]).status.success();
        if made {
            place.cluster.kubectl(&["delete", "-f", file.to_str().unwrap()]);
        }
        !made
    });
}

fn changed(place: &Place, path: &str, text: &str) {
    place.archive(&new(&place.name).file(path, text));
}

/// An object of the old version that the new one changes in a way that no object can be changed.
fn standing(place: &Place, path: &str, before: &str, after: &str) {
    let archive = place.archive(&crate::charts::old(&place.name).file(path, before));
    portolan_testkit::process::run(&mut place.helm(&format!("upgrade kant {archive}")));
    changed(place, path, after);
}

const CLAIM: &str = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: claim}\nspec: {accessModes: [ReadWriteOnce], storageClassName: none, resources: {requests: {storage: SIZE}}}\n";
const FIXED: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fixed}\nimmutable: true\ndata: {of: TEXT}\n";

fn faults() -> Vec<Fault> {
    vec![
        Fault {
            name: "policy",
            scenario: "Half of the objects are refused on admission",
            ready: |place| policy(place, "false"),
            timeout: TIMEOUT,
        },
        Fault {
            name: "policy-late",
            scenario: "Half of the objects are refused on admission, but not in a trial",
            ready: |place| policy(place, "request.dryRun"),
            timeout: TIMEOUT,
        },
        Fault {
            name: "never",
            scenario: "A pod never becomes ready",
            ready: |place| drop(place.archive(&stuck(&place.name))),
            timeout: "8s",
        },
        Fault {
            name: "immutable",
            scenario: "An immutable field is another",
            ready: |place| {
                standing(
                    place,
                    "templates/fixed.yaml",
                    &FIXED.replace("TEXT", "old"),
                    &FIXED.replace("TEXT", "new"),
                )
            },
            timeout: TIMEOUT,
        },
        Fault {
            name: "claim",
            scenario: "A claim is smaller",
            ready: |place| {
                standing(
                    place,
                    "templates/claim.yaml",
                    &CLAIM.replace("SIZE", "2Gi"),
                    &CLAIM.replace("SIZE", "1Gi"),
                )
            },
            timeout: TIMEOUT,
        },
        Fault {
            name: "stored",
            scenario: "A definition loses the version that objects are stored in",
            ready: |place| {
                let crd = crate::charts::new(&place.name).files()["crds/forks.yaml"].clone();
                let text = String::from_utf8(crd).unwrap();
                let without =
                    text.lines().filter(|line| !line.contains("name: v1,")).collect::<Vec<_>>().join("\n");
                changed(place, "crds/forks.yaml", &without);
            },
            timeout: TIMEOUT,
        },
        Fault {
            name: "large",
            scenario: "Helm's record would be above 1 MiB",
            ready: |place| drop(place.archive(&large(&new(&place.name)))),
            timeout: TIMEOUT,
        },
    ]
}

/// A chart that takes more room than a record of Helm's has, since it doesn't compress.
fn large(chart: &Chart) -> Chart {
    let mut state = 0x2545_f491_u32;
    let mut text = String::new();
    for _ in 0..1_300_000 {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        text.push(char::from(b'!' + (state % 90) as u8));
    }
    chart.clone().file("files/noise.txt", &text)
}

fn helms() -> [(&'static str, &'static Component); 2] {
    [("3", &HELM_3), ("4", &HELM_4)]
}

#[test]
fn refused_or_never_ready() {
    let mut cases = Vec::new();
    for fault in faults() {
        let Fault { name, scenario, ready, timeout } = fault;
        for (word, helm) in helms() {
            let run = move |place: &Place| {
                ready(place);
                let ended = place.run(&place.upgrade().replace(TIMEOUT, timeout));
                assert_ne!(ended.code, 0, "{}", ended.err);
                let stands = place.whole_beside(&ended, &["fixed", "claim"]);
                Shown { step: format!("Helm {word}"), left: stands.clone(), then: String::new(), stands }
            };
            let plain = move |place: &Place| {
                ready(place);
                let line = format!("upgrade kant kant-0.21.0.tgz --wait --timeout {timeout}");
                let _ = portolan_testkit::process::outcome(&mut place.helm(&line));
                plainly_again(place, &line)
            };
            // The definitions that Helm's users apply by hand are the fault itself there.
            let plain: Option<Plain> =
                if word == "3" && name != "stored" { Some(Box::new(plain)) } else { None };
            cases.push(Case {
                name: format!("{name}-{word}"),
                scenario: scenario.to_owned(),
                helm,
                is_in_ci: name == "never" && word == "4",
                run: Box::new(run),
                plain,
            });
        }
    }
    table::run("objects", cases);
}
