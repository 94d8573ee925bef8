//! A server that takes its time with one write: it asks somebody who doesn't answer, and goes on without them after a
//! while.

use std::net::TcpListener;
use std::sync::mpsc;

use crate::site::Site;

/// Has the server ask before it makes or changes an object for which `condition` holds, which is CEL's. Gives what tells
/// that it asked. Lasts until the ValidatingWebhookConfiguration of the namespace's name is deleted.
pub(crate) fn slow(site: &Site, resource: &str, condition: &str) -> mpsc::Receiver<()> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (asking, asked) = mpsc::channel();
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for connection in listener.incoming() {
            held.push(connection);
            if asking.send(()).is_err() {
                return;
            }
        }
    });
    let name = site.namespace();
    site.cluster.apply(&format!(
        "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {{name: {name}}}\n\
         webhooks:\n- name: slow.{name}.example\n  clientConfig: {{url: 'https://127.0.0.1:{port}/'}}\n  rules:\n  \
         - {{apiGroups: ['*'], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [{resource}]}}\n  \
         matchConditions:\n  - {{name: one, expression: \"{condition} && !request.dryRun\"}}\n  \
         failurePolicy: Ignore\n  timeoutSeconds: 3\n  sideEffects: None\n  admissionReviewVersions: [v1]\n"
    ));
    asked
}
