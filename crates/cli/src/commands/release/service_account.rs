//! The cluster that this program itself runs in, as the service account of its pod.
//!
//! A kubeconfig is made that names the account's files and holds nothing of them, so that Helm and Portolan reach the
//! cluster in one and the same way, and a token that is renewed counts.

use std::io::Write;
use std::path::Path;

use serde_json::json;
use tempfile::NamedTempFile;

use crate::config::Environment;
use crate::failure::Failure;

/// Where a pod has the files of its service account.
const FOLDER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// The variables by which a pod finds the API server.
const HOST: &str = "KUBERNETES_SERVICE_HOST";
const PORT: &str = "KUBERNETES_SERVICE_PORT";

/// A kubeconfig of the pod's service account; nothing where this is no pod.
pub(super) fn kubeconfig(environment: &Environment) -> Result<Option<NamedTempFile>, Failure> {
    let folder = Path::new(FOLDER);
    let (Some(host), Some(port)) = (environment.get(HOST), environment.get(PORT)) else { return Ok(None) };
    if !folder.join("token").is_file() {
        return Ok(None);
    }
    let namespace = std::fs::read_to_string(folder.join("namespace")).unwrap_or_default();
    write(&document(host, port, folder, namespace.trim())).map(Some).map_err(|error| Failure::of(&error))
}

fn document(host: &str, port: &str, folder: &Path, namespace: &str) -> String {
    // An IPv6 address stands in brackets.
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let name = "service-account";
    let mut context = json!({"cluster": name, "user": name});
    if !namespace.is_empty() {
        context["namespace"] = namespace.into();
    }
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {
            "server": format!("https://{host}:{port}"), "certificate-authority": folder.join("ca.crt")}}],
        "users": [{"name": name, "user": {"tokenFile": folder.join("token")}}],
        "contexts": [{"name": name, "context": context}],
    })
    .to_string()
}

fn write(text: &str) -> std::io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new().prefix("portolan-").suffix(".kubeconfig").tempfile()?;
    file.write_all(text.as_bytes())?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_names_files_and_holds_none_of_them() {
        let text = document("fd00::1", "443", Path::new("/sa"), "tools");
        let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(parsed["clusters"][0]["cluster"]["server"], "https://[fd00::1]:443");
        assert_eq!(parsed["users"][0]["user"], json!({"tokenFile": "/sa/token"}));
        assert_eq!(parsed["contexts"][0]["context"]["namespace"], "tools");
        assert!(!document("10.96.0.1", "443", Path::new("/sa"), "").contains("namespace"));
    }
}
