//! Chart repositories of format 1.

use std::path::Path;

use portolan_oci::{Algorithm, Digest};
use serde_json::{Map, Value};

use super::contents::content;
use super::{CHUNK, left_out, line};
use crate::names::{ChartStem, ProjectName, Tenant};
use crate::store::charts::{ChartEntry, record, record_provenance};
use crate::store::database::Database;
use crate::store::durable;
use crate::store::error::StoreError;

/// Reads `charts/` into the database.
pub(super) fn take_over(dir: &Path, database: &Database) -> Result<(), StoreError> {
    take_tenant(&dir.join("root"), &Tenant::Root, database)?;
    let projects = dir.join("projects");
    for name in durable::names(&projects)? {
        if let Ok(project) = name.parse::<ProjectName>() {
            take_tenant(&projects.join(name), &Tenant::Project(project), database)?;
        }
    }
    Ok(())
}

fn take_tenant(dir: &Path, tenant: &Tenant, database: &Database) -> Result<(), StoreError> {
    let (mut charts, mut provenance) = (Vec::new(), Vec::new());
    for name in durable::names(dir)? {
        let path = dir.join(&name);
        if let Some(stem) = stem(&name, ".chart") {
            charts.extend(load(&path)?.map(|entry| (stem, entry)));
        } else if let Some(stem) = stem(&name, ".prov") {
            provenance.extend(load_digest(&path)?.map(|digest| (stem, digest)));
        }
    }
    for chunk in charts.chunks(CHUNK) {
        let (tenant, chunk) = (tenant.clone(), chunk.to_vec());
        database.write("take charts over into", move |writing| {
            chunk.iter().try_for_each(|(stem, entry)| {
                record(writing, &tenant, stem, entry, content(writing, entry.digest())?)
            })
        })?;
    }
    for chunk in provenance.chunks(CHUNK) {
        let (tenant, chunk) = (tenant.clone(), chunk.to_vec());
        database.write("take provenance files over into", move |writing| {
            chunk.iter().try_for_each(|(stem, digest)| {
                record_provenance(writing, &tenant, stem, content(writing, digest)?)
            })
        })?;
    }
    Ok(())
}

fn stem(name: &str, ending: &str) -> Option<ChartStem> {
    name.strip_suffix(ending)?.parse().ok()
}

/// The entry of a chart.
fn load(path: &Path) -> Result<Option<ChartEntry>, StoreError> {
    let Some(text) = line(path)? else {
        return Ok(None);
    };
    let entry = parse(&text);
    Ok(entry.inspect_err(|reason| left_out(path, reason)).ok())
}

fn parse(text: &str) -> Result<ChartEntry, String> {
    let record: Map<String, Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let hex = record.get("digest").and_then(Value::as_str).unwrap_or_default();
    let digest = Digest::from_hex(Algorithm::Sha256, hex).map_err(|error| error.to_string())?;
    ChartEntry::from_record(record, digest).map_err(|error| error.to_string())
}

fn load_digest(path: &Path) -> Result<Option<Digest>, StoreError> {
    let digest = line(path)?.map(|line| line.parse::<Digest>()).transpose();
    Ok(digest.inspect_err(|reason| left_out(path, reason)).ok().flatten())
}
