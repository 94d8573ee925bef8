//! Writing into chart repositories (formats.md, section 6, "ChartMuseum"): a chart as the body or
//! in a form, with or without its provenance.
//!
//! An archive goes to a draft as it arrives, is looked into there, and gets its name last.

use std::io::{BufReader, Read, Seek};
use std::sync::Arc;
use std::time::SystemTime;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use multer::{Constraints, Multipart, SizeLimit};
use portolan_chart::{CHART_LIMIT, Chart};
use portolan_oci::{Algorithm, Digest};
use serde_json::Value;

use super::body::{BodyError, blocking, pieces, pour, whole};
use super::charts::timestamp;
use super::refusal::{Refusal, chain};
use super::{Answer, App, Incoming, json, text_header};
use crate::names::{ChartStem, Tenant};
use crate::options::Existing;
use crate::provenance::chart_of;
use crate::store::{ChartEntry, Draft, Saved, StoreError};

/// Largest packed chart: what may be unpacked is the same, and packing seldom makes it larger.
const ARCHIVE_LIMIT: u64 = CHART_LIMIT;

/// Largest provenance file: a `Chart.yaml` and a signature.
const PROVENANCE_LIMIT: u64 = 1024 * 1024;

/// First bytes of every gzip stream (RFC 1952).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// How the upload came, which decides how ChartMuseum words a conflict.
#[derive(Clone, Copy)]
enum Form {
    Raw,
    Multipart,
}

/// A chart that was looked into and waits for its name.
struct Arrived {
    draft: Draft,
    stem: ChartStem,
    entry: ChartEntry,
}

/// A provenance file that waits for its name.
struct Provenance {
    stem: ChartStem,
    content: Bytes,
}

/// What a form may hold.
#[derive(Default)]
struct Fields {
    chart: Option<Arrived>,
    provenance: Option<Provenance>,
}

/// `POST api/…/charts`.
pub(super) async fn charts(app: &Arc<App>, tenant: Tenant, existing: Existing, incoming: Incoming) -> Answer {
    let (fields, form) = match boundary(&incoming.headers) {
        Some(boundary) => (read_form(app, incoming.body, boundary).await?, Form::Multipart),
        None => {
            (Fields { chart: Some(receive(app, pieces(incoming.body)).await?), provenance: None }, Form::Raw)
        }
    };
    save(app, tenant, existing, fields, form).await
}

/// `POST api/…/prov`.
pub(super) async fn provenance(
    app: &Arc<App>,
    tenant: Tenant,
    existing: Existing,
    incoming: Incoming,
) -> Answer {
    let fields = match boundary(&incoming.headers) {
        Some(boundary) => read_form(app, incoming.body, boundary).await?,
        None => {
            let content = whole(incoming.body, PROVENANCE_LIMIT).await?;
            Fields { chart: None, provenance: Some(recognise(content)?) }
        }
    };
    save(app, tenant, existing, fields, Form::Raw).await
}

fn boundary(headers: &HeaderMap) -> Option<String> {
    multer::parse_boundary(text_header(headers, &header::CONTENT_TYPE)?).ok()
}

async fn read_form(app: &Arc<App>, body: Body, boundary: String) -> Result<Fields, Refusal> {
    let limit = SizeLimit::new().whole_stream(ARCHIVE_LIMIT + 2 * PROVENANCE_LIMIT);
    let constraints = Constraints::new().size_limit(limit);
    let mut form = Multipart::with_constraints(body.into_data_stream(), boundary, constraints);
    let mut fields = Fields::default();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        let content = field.map_err(broken);
        match name.as_str() {
            "chart" => fields.chart = Some(receive(app, content).await?),
            "prov" => fields.provenance = Some(recognise(whole_field(content).await?)?),
            _ => {}
        }
    }
    if fields.chart.is_none() && fields.provenance.is_none() {
        return Err(bad_request("no package or provenance file found in form fields chart and prov"));
    }
    Ok(fields)
}

async fn whole_field(
    content: impl Stream<Item = Result<Bytes, BodyError>> + Send + 'static,
) -> Result<Bytes, BodyError> {
    whole(Body::from_stream(content), PROVENANCE_LIMIT).await
}

fn broken(error: multer::Error) -> BodyError {
    match error {
        multer::Error::StreamSizeExceeded { limit } | multer::Error::FieldSizeExceeded { limit, .. } => {
            BodyError::TooLarge { limit }
        }
        other => BodyError::Broken { reason: other.to_string() },
    }
}

/// Takes an archive in and looks into it.
async fn receive(
    app: &Arc<App>,
    content: impl Stream<Item = Result<Bytes, BodyError>> + Send,
) -> Result<Arrived, Refusal> {
    let draft = app.store.blobs.draft(Algorithm::Sha256);
    let draft = pour(content, draft, ARCHIVE_LIMIT).await?;
    // Dropped with the answer: whoever waits here waits for memory.
    let _permit = app.chart_readers.acquire().await.expect("because the semaphore is never closed");
    blocking(move || inspect(draft)).await
}

/// Reads name, version and metadata out of an archive.
fn inspect(mut draft: Draft) -> Result<Arrived, Refusal> {
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
    Ok(Arrived { draft, stem, entry })
}

fn recognise(content: Bytes) -> Result<Provenance, Refusal> {
    let stem = chart_of(&content).ok_or_else(|| bad_request("invalid provenance file"))?;
    Ok(Provenance { stem, content })
}

/// Names what came, all or, where something is there already, nothing.
async fn save(app: &Arc<App>, tenant: Tenant, existing: Existing, fields: Fields, form: Form) -> Answer {
    let app = Arc::clone(app);
    blocking(move || {
        refuse_clashes(&app, &tenant, existing, &fields, form)?;
        if let Some(chart) = fields.chart {
            save_chart(&app, &tenant, existing, chart, form)?;
        }
        if let Some(provenance) = fields.provenance {
            save_provenance(&app, &tenant, existing, &provenance, form)?;
        }
        Ok(json(StatusCode::CREATED, r#"{"saved":true}"#))
    })
    .await
}

fn refuse_clashes(
    app: &App,
    tenant: &Tenant,
    existing: Existing,
    fields: &Fields,
    form: Form,
) -> Result<(), Refusal> {
    if existing == Existing::Replace {
        return Ok(());
    }
    let charts = &app.store.charts;
    if let Some(chart) = &fields.chart
        && charts.has(tenant, &chart.stem)?
    {
        return Err(clash(form, "chart"));
    }
    if let Some(provenance) = &fields.provenance
        && charts.has_provenance(tenant, &provenance.stem)?
    {
        return Err(clash(form, "provenance file"));
    }
    Ok(())
}

fn save_chart(
    app: &App,
    tenant: &Tenant,
    existing: Existing,
    chart: Arrived,
    form: Form,
) -> Result<(), Refusal> {
    app.store.blobs.admit(chart.draft, chart.entry.digest())?;
    match app.store.charts.save(tenant, &chart.stem, chart.entry, existing)? {
        Saved::Done => Ok(()),
        Saved::Exists => Err(clash(form, "chart")),
    }
}

fn save_provenance(
    app: &App,
    tenant: &Tenant,
    existing: Existing,
    provenance: &Provenance,
    form: Form,
) -> Result<(), Refusal> {
    let digest = Digest::sha256(&provenance.content);
    app.store.blobs.put(&provenance.content, &digest)?;
    match app.store.charts.save_provenance(tenant, &provenance.stem, &digest, existing)? {
        Saved::Done => Ok(()),
        Saved::Exists => Err(clash(form, "provenance file")),
    }
}

fn clash(form: Form, what: &str) -> Refusal {
    let message = match form {
        Form::Raw => "file already exists".to_owned(),
        Form::Multipart => format!("{what} already exists"),
    };
    Refusal::plain(StatusCode::CONFLICT, message)
}

fn bad_request(message: &str) -> Refusal {
    Refusal::plain(StatusCode::BAD_REQUEST, message)
}
