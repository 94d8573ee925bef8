//! What becomes ready is waited for; of what doesn't it is said why.

use std::time::Duration;

use portolan_release::{Event, Observer, Silent, verify};
use portolan_testkit::components::HELM_3;

use crate::site::Site;

fn deployment(name: &str, extra: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  replicas: 2\n  \
         selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    \
         spec:\n      containers: [{{name: c, image: r.test.example/c:1}}]\n{extra}"
    )
}

struct Counts(std::sync::Mutex<Vec<(usize, usize)>>);

impl Observer for Counts {
    fn event(&self, event: Event<'_>) {
        if let Event::Waiting { ready, all, .. } = event {
            self.0.lock().unwrap().push((ready, all));
        }
    }
}

#[tokio::test]
async fn everything_becomes_ready() {
    let Some(site) = Site::start("ready", &HELM_3).await else { return };
    let manifest = format!(
        "{}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings}}\n---\napiVersion: batch/v1\nkind: Job\n\
         metadata: {{name: once}}\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n      \
         containers: [{{name: c, image: r.test.example/c:1}}]\n",
        deployment("web", "")
    );
    site.kubernetes.kubectl(&["-n", "ready", "apply", "-f", &site.file("all.yaml", &manifest)]);
    let counts = Counts(Default::default());
    let found = verify(&site.cluster, &manifest, "ready", Duration::from_secs(60), &counts).await.unwrap();
    assert!(found.is_ready(), "{found:#?}");
    assert_eq!(counts.0.lock().unwrap().last(), Some(&(3, 3)));
}

#[tokio::test]
async fn what_stays_unready_says_why() {
    let Some(site) = Site::start("unready", &HELM_3).await else { return };
    let manifest = deployment("web", "      nodeSelector: {moon: full}\n");
    site.kubernetes.kubectl(&["-n", "unready", "apply", "-f", &site.file("web.yaml", &manifest)]);
    let more = format!("{manifest}---\napiVersion: v1\nkind: Service\nmetadata: {{name: gone}}\n");
    let found = verify(&site.cluster, &more, "unready", Duration::from_secs(3), &Silent).await.unwrap();
    let [web, gone] = &found.unready[..] else { panic!("{found:#?}") };
    assert_eq!(
        (web.object.to_string().as_str(), web.why.as_str()),
        ("Deployment unready/web", "0 of 2 pods are available")
    );
    let event = web.events.last().unwrap();
    assert!(
        event.starts_with("Pod web-") && event.contains("FailedScheduling: 0/2 nodes are available"),
        "{event}"
    );
    assert_eq!(
        (gone.object.to_string().as_str(), gone.why.as_str()),
        ("Service unready/gone", "it is not there")
    );
}
