//! A webhook that refuses half of the objects, in a trial too or not, or that doesn't answer in time: a real one, which
//! the API server calls over TLS.

use std::fs;
use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use portolan_testkit::components::{HELM_3, HELM_4};
use portolan_testkit::process;
use portolan_testkit::tls::Certificates;
use portolan_testkit::tls_peer::{Seen, TlsPeer, answer};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::killed::plainly_again;
use crate::place::{Place, TIMEOUT};
use crate::table::{self, Case, Plain, Shown};

struct Webhook {
    peer: TlsPeer,
    authority: String,
    _folder: TempDir,
}

static WEBHOOK: LazyLock<Webhook> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(folder.path());
    let authority = STANDARD.encode(fs::read(&certificates.ca).unwrap());
    Webhook { peer: TlsPeer::start(&certificates, judged), authority, _folder: folder }
});

/// What the new version makes, or changes in the service.
fn is_of_the_new(object: &Value) -> bool {
    object["metadata"]["name"] == "z-made"
        || (object["kind"] == "Service" && object["spec"]["ports"][0]["port"] == 8080)
}

fn judged(seen: &Seen) -> String {
    let review: Value = serde_json::from_str(&seen.body).unwrap();
    let request = &review["request"];
    let is_trial = request["dryRun"] == true;
    let strikes = is_of_the_new(&request["object"]) && !(is_trial && seen.line.contains("late"));
    if strikes && seen.line.contains("slow") {
        std::thread::sleep(Duration::from_secs(3));
    }
    let refuses = strikes && !seen.line.contains("slow");
    let response = json!({"uid": request["uid"], "allowed": !refuses, "status": {"message": "the new is not wanted here"}});
    let body = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response});
    answer(200, "Content-Type: application/json\r\n", &body.to_string())
}

/// Registers it for the place's namespace, and waits until the server calls it.
fn register(place: &Place, manner: &str) {
    let Webhook { peer, authority, .. } = &*WEBHOOK;
    let effects = if manner.contains("late") { "NoneOnDryRun" } else { "None" };
    let hook = json!({
        "name": "half.faults.example", "sideEffects": effects, "failurePolicy": "Fail", "timeoutSeconds": 1,
        "admissionReviewVersions": ["v1"],
        "clientConfig": {"url": peer.url(&format!("/{manner}/{}", place.name)), "caBundle": authority},
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": place.name}},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["services", "configmaps"]}],
    });
    let object = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": place.name}, "webhooks": [hook]});
    place.cluster.apply(&object.to_string());
    let probe = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe", "namespace": place.name}});
    let file = place.path("probe.json");
    fs::write(&file, probe.to_string()).unwrap();
    place.wait_until("the webhook", |place| {
        place.cluster.try_kubectl(&["create", "-f", file.to_str().unwrap()]);
        place.cluster.kubectl(&["delete", "--ignore-not-found", "-f", file.to_str().unwrap()]);
        peer.seen().iter().any(|seen| {
            seen.line.contains(&format!("/{} ", place.name))
                || seen.line.contains(&format!("/{}?", place.name))
        })
    });
}

#[test]
fn a_webhook() {
    let mut cases = Vec::new();
    for (manner, scenario) in [
        ("always", "A webhook refuses half of the objects"),
        ("late", "A webhook refuses half of the objects, but not in a trial"),
        ("slow", "A webhook doesn't answer for half of the objects"),
        ("slow-late", "A webhook doesn't answer for half of the objects, but does in a trial"),
    ] {
        for (word, helm) in [("3", &HELM_3), ("4", &HELM_4)] {
            let run = move |place: &Place| {
                register(place, manner);
                let ended = place.run(&place.upgrade());
                assert_ne!(ended.code, 0, "{}", ended.err);
                let stands = place.whole(&ended);
                Shown { step: format!("Helm {word}"), left: stands.clone(), then: String::new(), stands }
            };
            let plain = move |place: &Place| {
                register(place, manner);
                let line = format!("upgrade kant kant-0.21.0.tgz --wait --timeout {TIMEOUT}");
                let _ = process::outcome(&mut place.helm(&line));
                plainly_again(place, &line)
            };
            cases.push(Case {
                name: format!("webhook-{manner}-{word}"),
                scenario: scenario.to_owned(),
                helm,
                is_in_ci: manner == "late" && word == "3",
                run: Box::new(run),
                plain: (word == "3").then(|| Box::new(plain) as Plain),
            });
        }
    }
    table::run("webhook", cases);
}
