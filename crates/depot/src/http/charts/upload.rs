//! Writing into chart repositories (formats.md, section 6, "ChartMuseum"): a chart as the body or
//! in a form, with or without its provenance.
//!
//! An archive goes to a draft as it arrives, is looked into there, and gets its name last.

use std::io::{BufReader, Read, Seek};
use std::sync::Arc;
use std::time::SystemTime;

use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use portolan_chart::{CHART_LIMIT, Chart, PROVENANCE_LIMIT};
use portolan_oci::Algorithm;
use serde_json::Value;

use super::form::{Form, Shape};
use super::timestamp;
use crate::http::body::{BodyError, blocking, gather, pieces, pour, whole};
use crate::http::refusal::{Refusal, chain};
use crate::http::{Answer, App, Incoming, json};
use crate::names::{ChartStem, Tenant};
use crate::options::Existing;
use crate::provenance::chart_of;
use crate::store::{ChartEntry, Draft, NewChart, NewProvenance, Saved, StoreError};

/// Largest packed chart: what may be unpacked is the same, and packing seldom makes it larger.
const ARCHIVE_LIMIT: u64 = CHART_LIMIT;

/// First bytes of every gzip stream (RFC 1952).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// How the upload came, which decides how ChartMuseum words a conflict.
#[derive(Clone, Copy)]
enum Way {
    Raw,
    Form,
}

/// What an upload may bring.
#[derive(Default)]
struct Fields {
    chart: Option<NewChart>,
    provenance: Option<NewProvenance>,
}

/// `POST api/…/charts`.
pub(super) async fn charts(app: &Arc<App>, tenant: Tenant, existing: Existing, incoming: Incoming) -> Answer {
    let (fields, way) = match Shape::of(&incoming.headers) {
        Shape::Form(boundary) => (read_form(app, incoming.body, boundary).await?, Way::Form),
        Shape::Unbounded => return Err(unbounded()),
        Shape::File => {
            (Fields { chart: Some(receive(app, pieces(incoming.body)).await?), provenance: None }, Way::Raw)
        }
    };
    save(app, tenant, existing, fields, way).await
}

/// `POST api/…/prov`.
pub(super) async fn provenance(
    app: &Arc<App>,
    tenant: Tenant,
    existing: Existing,
    incoming: Incoming,
) -> Answer {
    let fields = match Shape::of(&incoming.headers) {
        Shape::Form(boundary) => read_form(app, incoming.body, boundary).await?,
        Shape::Unbounded => return Err(unbounded()),
        Shape::File => {
            let content = whole(incoming.body, PROVENANCE_LIMIT).await?;
            Fields { chart: None, provenance: Some(recognise(content)?) }
        }
    };
    save(app, tenant, existing, fields, Way::Raw).await
}

/// Reads the fields `chart` and `prov`; others are passed over. Two of one name are refused, since
/// only one could be kept and nobody would be told which.
async fn read_form(app: &Arc<App>, body: Body, boundary: String) -> Result<Fields, Refusal> {
    let mut form = Form::new(body, boundary, ARCHIVE_LIMIT + 2 * PROVENANCE_LIMIT);
    let mut fields = Fields::default();
    while let Some((name, content)) = form.next().await? {
        match name.as_str() {
            "chart" if fields.chart.is_some() => return Err(twice("chart")),
            "prov" if fields.provenance.is_some() => return Err(twice("prov")),
            "chart" => fields.chart = Some(receive(app, content).await?),
            "prov" => {
                fields.provenance = Some(recognise(gather(content, PROVENANCE_LIMIT).await?)?);
            }
            _ => pass_over(content).await?,
        }
    }
    if fields.chart.is_none() && fields.provenance.is_none() {
        return Err(bad_request("no package or provenance file found in form fields chart and prov"));
    }
    Ok(fields)
}

/// Reads a field to its end, so that it is not taken for what stands between two fields.
async fn pass_over(content: impl Stream<Item = Result<Bytes, BodyError>>) -> Result<(), BodyError> {
    content.try_for_each(|_| async { Ok(()) }).await
}

fn twice(field: &str) -> Refusal {
    bad_request(&format!("form field {field} is there twice: upload one chart at a time"))
}

fn unbounded() -> Refusal {
    bad_request("Content-Type multipart/form-data names no boundary")
}

/// Takes an archive in and looks into it.
async fn receive(
    app: &Arc<App>,
    content: impl Stream<Item = Result<Bytes, BodyError>> + Send,
) -> Result<NewChart, Refusal> {
    let draft = app.store.blobs.draft(Algorithm::Sha256);
    let draft = pour(content, draft, ARCHIVE_LIMIT).await?;
    // Dropped with the answer: whoever waits here waits for memory.
    let _permit = app.chart_readers.acquire().await.expect("because the semaphore is never closed");
    blocking(move || inspect(draft)).await
}

/// Reads name, version and metadata out of an archive.
fn inspect(mut draft: Draft) -> Result<NewChart, Refusal> {
    if draft.written() < GZIP_MAGIC.len() as u64 {
        return Err(bad_request("gzip: invalid header"));
    }
    let mut file = draft.reopen()?;
    let mut magic = [0; GZIP_MAGIC.len()];
    let unreadable = |source| StoreError::Io { action: "read", path: draft.path().to_owned(), source };
    file.read_exact(&mut magic).and_then(|()| file.rewind()).map_err(unreadable)?;
    if magic != GZIP_MAGIC {
        return Err(bad_request("gzip: invalid header"));
    }
    let chart = Chart::from_archive("uploaded chart", BufReader::new(file))
        .map_err(|error| bad_request(&chain(&error)))?;
    let stem = ChartStem::new(chart.name(), chart.version().as_str())
        .map_err(|error| bad_request(&error.to_string()))?;
    let digest = draft.digest()?;
    let Ok(Value::Object(metadata)) = serde_json::to_value(chart.metadata()) else {
        return Err(bad_request("Chart.yaml is no map"));
    };
    let entry = ChartEntry::new(metadata, chart.version().clone(), digest, &timestamp(SystemTime::now()));
    Ok(NewChart { stem, entry, draft })
}

fn recognise(content: Bytes) -> Result<NewProvenance, Refusal> {
    let stem = chart_of(&content).ok_or_else(|| bad_request("invalid provenance file"))?;
    Ok(NewProvenance { stem, content })
}

/// Names what came, all or, where something is there already, nothing.
async fn save(app: &Arc<App>, tenant: Tenant, existing: Existing, fields: Fields, way: Way) -> Answer {
    let app = Arc::clone(app);
    let kept = blocking(move || match (fields.chart, fields.provenance) {
        (Some(chart), provenance) => app.store.keep_chart(&tenant, chart, provenance.as_ref(), existing),
        (None, Some(provenance)) => app.store.keep_provenance(&tenant, &provenance, existing),
        (None, None) => Ok(Saved::Done),
    });
    match kept.await? {
        Saved::Done => Ok(json(StatusCode::CREATED, r#"{"saved":true}"#)),
        Saved::Exists => Err(exists(way)),
    }
}

fn exists(way: Way) -> Refusal {
    let message = match way {
        Way::Raw => "file already exists",
        Way::Form => "chart already exists",
    };
    Refusal::plain(StatusCode::CONFLICT, message)
}

fn bad_request(message: &str) -> Refusal {
    Refusal::plain(StatusCode::BAD_REQUEST, message)
}
