//! Rights that lack. With Helm alone the user has all of them again for the same command once more.

use std::path::PathBuf;

use portolan_testkit::process;

use crate::charts;
use crate::killed::{helm, plainly_again};
use crate::place::Place;
use crate::table::{self, Case, Plain, Shown};

const LINE: &str = "upgrade kant kant-0.21.0.tgz --wait --timeout 60s";

impl Place {
    /// A kubeconfig of a user who may do everything but `verb` on `resource`.
    pub(crate) fn restricted(&self, verb: &str, resource: &str) -> PathBuf {
        let name = &self.name;
        let verbs = ["get", "list", "watch", "create", "update", "patch", "delete"];
        let left: Vec<&str> = verbs.into_iter().filter(|one| *one != verb).collect();
        let rest =
            ["pods", "pods/log", "events", "services", "nodes", "serviceaccounts", "configmaps", "secrets"];
        let apps = ["deployments", "replicasets"];
        let mut rules = String::new();
        let mut rule = |group: &str, resources: &[&str]| {
            let (without, with): (Vec<&str>, Vec<&str>) = resources.iter().partition(|one| **one == resource);
            for (resources, verbs) in [(with, verbs.to_vec()), (without, left.clone())] {
                if !resources.is_empty() {
                    rules += &format!(
                        "- {{apiGroups: ['{group}'], resources: {resources:?}, verbs: {verbs:?}}}\n"
                    );
                }
            }
        };
        rule("", &rest);
        rule("apps", &apps);
        rule("coordination.k8s.io", &["leases"]);
        rule("apiextensions.k8s.io", &["customresourcedefinitions"]);
        rule(&charts::group(name), &["spoons"]);
        let role = format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: {name}}}\nrules:\n{rules}---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: restricted, namespace: {name}}}\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {{name: {name}}}\nroleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {name}}}\nsubjects: [{{kind: ServiceAccount, name: restricted, namespace: {name}}}]\n"
        );
        self.cluster.apply(&role);
        self.cluster.kubeconfig_of(name, "restricted")
    }
}

/// A user who lacks one right.
#[test]
fn rights_that_lack() {
    let mut cases = Vec::new();
    for (number, (verb, resource)) in (0..).zip([
        ("patch", "deployments"),
        ("create", "configmaps"),
        ("delete", "configmaps"),
        ("create", "secrets"),
        ("update", "secrets"),
        ("patch", "customresourcedefinitions"),
        ("create", "leases"),
        ("update", "leases"),
    ]) {
        let run = move |place: &Place| {
            let config = place.restricted(verb, resource);
            let line = format!("{} --kubeconfig {}", place.upgrade(), config.display());
            let ended = place.run(&line);
            let left = place.words();
            if ended.code == 0 {
                let stands = place.whole_without_lease(&ended);
                return Shown { step: String::from("–"), left, then: String::new(), stands };
            }
            let stands = place.whole(&ended);
            Shown { step: String::from("–"), left, then: String::new(), stands }
        };
        let plain = move |place: &Place| {
            let config = place.restricted(verb, resource);
            let restricted = format!("{LINE} --kubeconfig {}", config.display());
            let _ = process::outcome(&mut place.helm(&restricted));
            plainly_again(place, LINE)
        };
        cases.push(Case {
            name: format!("right-{verb}-{resource}"),
            scenario: format!("No right to {verb} {resource}"),
            helm: helm(number),
            is_in_ci: verb == "delete",
            run: Box::new(run),
            plain: (resource != "leases").then(|| Box::new(plain) as Plain),
        });
    }
    table::run("rights", cases);
}
