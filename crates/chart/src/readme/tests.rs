//! What is renamed, and what is not.

use super::*;

#[test]
fn repository_names_become_the_targets() {
    let check = |before: &str, after: &str| {
        let (renamed, edits) = rename_lines(before, "nginx", "myrepo");
        assert_eq!(renamed, after);
        assert_eq!(edits.is_empty(), before == after);
        assert_eq!(rename_lines(after, "nginx", "myrepo").0, after, "twice is once");
    };
    check(
        "```\n$ helm repo add bitnami https://charts.bitnami.com/bitnami\r\n$ helm install r bitnami/nginx\r\n```",
        "```\n$ helm repo add myrepo https://charts.bitnami.com/bitnami\r\n$ helm install r myrepo/nginx\r\n```",
    );
    check("bitnami/nginx", "myrepo/nginx");
    check(
        "use docker.io/bitnami/nginx or `bitnami/nginx`\n",
        "use docker.io/bitnami/nginx or `bitnami/nginx`\n",
    );
    check("bitnami/nginx-ingress bitnami/redis\n", "bitnami/nginx-ingress bitnami/redis\n");
    check(
        "helm repo add  --force-update dao https://x\nhelm install dao/nginx --version 1\n",
        "helm repo add  --force-update myrepo https://x\nhelm install myrepo/nginx --version 1\n",
    );
    check("helm repo add <name> https://x\n", "helm repo add <name> https://x\n");
    check("helm repo add \n", "helm repo add \n");
}

#[test]
fn edits_show_lines_without_credentials() {
    let (_, edits) = rename_lines("a\nhelm repo add x https://u:p@h\n", "nginx", "myrepo");
    assert_eq!(edits.len(), 1);
    assert_eq!(edits[0].key, "line 2");
    assert_eq!(edits[0].from.as_deref(), Some("helm repo add x https://h"));
    assert_eq!(edits[0].to, "helm repo add myrepo https://h");
}
