//! What is wrong with a depot after a crash: asked over HTTP as its clients ask, and seen in its files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use portolan_oci::Digest;
use reqwest::StatusCode;
use serde_json::{Value as Json, json};

use crate::ledger::{Key, Ledger};
use crate::site::{Site, files};

/// Everything that is wrong, a line each.
pub(crate) async fn of(site: &Site, data: &Path, ledger: &Ledger, cut: u64) -> Vec<String> {
    let mut found = damaged_blobs(data);
    found.extend(lost(site, ledger, cut).await);
    found.extend(broken_images(site).await.unwrap_or_else(|error| vec![error]));
    found.extend(broken_charts(site, ledger, cut).await.unwrap_or_else(|error| vec![error]));
    found
}

/// What cannot be pushed into it any more.
pub(crate) async fn of_a_push(site: &Site) -> Vec<String> {
    push(site).await.err().into_iter().collect()
}

/// A content is under its digest or not there.
fn damaged_blobs(data: &Path) -> Vec<String> {
    let blobs = files(&data.join("blobs")).into_iter();
    let damaged = blobs.filter(|path| {
        let name = path.strip_prefix(data.join("blobs")).unwrap();
        let (algorithm, hex) = (name.iter().next().unwrap(), path.file_name().unwrap());
        let digest = format!("{}:{}", algorithm.to_string_lossy(), hex.to_string_lossy());
        Digest::sha256(&fs::read(path).unwrap()).to_string() != digest
    });
    damaged.map(|path| format!("{} is not what its name says", path.display())).collect()
}

/// What was acknowledged and is not there, or was taken back and is.
async fn lost(site: &Site, ledger: &Ledger, cut: u64) -> Vec<String> {
    let mut found = Vec::new();
    for key in ledger.keys(cut) {
        let allowed = ledger.allowed(key, cut);
        match site.value(key).await {
            Ok(value) if allowed.contains(&value) => {}
            Ok(value) => found.push(format!("{key:?} is {value:?}, and may be {allowed:?}")),
            Err(error) => found.push(format!("{key:?}: {error}")),
        }
    }
    found
}

/// Every tag's manifest is there, with everything that it names.
async fn broken_images(site: &Site) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for repository in list(site, "/v2/_catalog", "repositories").await? {
        for tag in list(site, &format!("/v2/{repository}/tags/list"), "tags").await? {
            found.extend(broken_parts(site, &repository, &tag).await?);
        }
    }
    Ok(found)
}

async fn list(site: &Site, path: &str, key: &str) -> Result<Vec<String>, String> {
    let body = site.found(path).await?.ok_or_else(|| format!("{path} is not there"))?;
    let body: Json = serde_json::from_slice(&body).map_err(|error| format!("{path}: {error}"))?;
    let entries = body[key].as_array().ok_or_else(|| format!("{path} has no {key}"))?;
    Ok(entries.iter().map(|entry| entry.as_str().unwrap().to_owned()).collect())
}

async fn broken_parts(site: &Site, repository: &str, reference: &str) -> Result<Vec<String>, String> {
    let mut open = vec![reference.to_owned()];
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    while let Some(reference) = open.pop() {
        let Some(bytes) = site.found(&format!("/v2/{repository}/manifests/{reference}")).await? else {
            found.push(format!("{repository} has no manifest {reference}"));
            continue;
        };
        let manifest: Json = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
        open.extend(digests(&manifest["manifests"]));
        let blobs = digests(&manifest["layers"]).into_iter().chain(digests(&json!([manifest["config"]])));
        for blob in blobs.filter(|blob| seen.insert(blob.clone())) {
            let content = site.found(&format!("/v2/{repository}/blobs/{blob}")).await?;
            if content.is_none_or(|content| Digest::sha256(&content).to_string() != blob) {
                found.push(format!("{repository}@{reference} lacks {blob}"));
            }
        }
    }
    Ok(found)
}

fn digests(descriptors: &Json) -> Vec<String> {
    let digests = descriptors.as_array().into_iter().flatten();
    digests.filter_map(|descriptor| descriptor["digest"].as_str().map(str::to_owned)).collect()
}

/// The list of charts, the index and the archives say the same.
async fn broken_charts(site: &Site, ledger: &Ledger, cut: u64) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let charts = ledger.keys(cut).filter_map(|key| match key {
        Key::Chart { project, .. } => Some(project.clone()),
        _ => None,
    });
    for project in charts.collect::<BTreeSet<_>>() {
        let index = site.found(&format!("/{project}/index.yaml")).await?.unwrap_or_default();
        let index = String::from_utf8(index).map_err(|error| error.to_string())?;
        let mut listed = 0;
        for (stem, digest) in chart_list(site, &project).await? {
            listed += 1;
            let archive = site.found(&format!("/{project}/charts/{stem}.tgz")).await?;
            let whole = archive.is_some_and(|archive| Digest::sha256(&archive).hex() == digest);
            if !whole || !index.contains(&digest) || !index.contains(&format!("charts/{stem}.tgz")) {
                found.push(format!("{project}: the chart {stem} is not as it is listed"));
            }
        }
        if index.matches("charts/").count() != listed {
            found.push(format!("{project}: the index has other charts than the list"));
        }
    }
    Ok(found)
}

/// `NAME-VERSION` and digest of each chart.
async fn chart_list(site: &Site, project: &str) -> Result<Vec<(String, String)>, String> {
    let body = site.found(&format!("/api/{project}/charts")).await?.unwrap_or_default();
    let body: Json = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
    let text = |entry: &Json, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    let versions =
        body.as_object().into_iter().flatten().flat_map(|(_, versions)| versions.as_array().unwrap());
    let entry =
        |entry: &Json| (format!("{}-{}", text(entry, "name"), text(entry, "version")), text(entry, "digest"));
    Ok(versions.map(entry).collect())
}

async fn push(site: &Site) -> Result<(), String> {
    let content = b"pushed after the crash";
    let digest = Digest::sha256(content).to_string();
    let project = json!({"project_name": "after"}).to_string();
    post(site, "POST /api/v2.0/projects", project.into_bytes()).await?;
    post(site, &format!("POST /v2/after/app/blobs/uploads/?digest={digest}"), content.to_vec()).await?;
    let part = json!({"mediaType": "application/octet-stream", "digest": digest, "size": content.len()});
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({"schemaVersion": 2, "mediaType": media_type, "config": part, "layers": [part]});
    post(site, "PUT /v2/after/app/manifests/after", manifest.to_string().into_bytes()).await?;
    let chart = portolan_testkit::charts::Chart::new("after", "1.0.0").archive();
    post(site, "POST /api/after/charts", chart).await?;
    let broken = broken_parts(site, "after/app", "after").await?;
    if broken.is_empty() { Ok(()) } else { Err(broken.join("\n")) }
}

async fn post(site: &Site, line: &str, body: Vec<u8>) -> Result<(), String> {
    let answer = site.send(line, body).await.map_err(|_| format!("no answer to {line}"))?;
    let shown = String::from_utf8_lossy(&answer.body);
    if answer.status == StatusCode::CREATED {
        Ok(())
    } else {
        Err(format!("{line}: {} {shown}", answer.status))
    }
}
