//! The interface that ChartMuseum has and that Harbor (up to 2.7) passes through to its own.
//!
//! Requests and answers: formats.md, section 6, "ChartMuseum, as answered by a real one".

use bytes::Bytes;
use portolan_chart::{ChartVersion, PROVENANCE_LIMIT};
use portolan_oci::{Algorithm, Digest};
use reqwest::{
    Method, RequestBuilder, StatusCode,
    multipart::{Form, Part},
};
use serde::Deserialize;
use url::Url;

use crate::{
    CHART_LIMIT, ChartRepoError, PackedChart, Published, RemoteError,
    address::RepositoryUrl,
    http::{Answer, Http},
    index::{INDEX_LIMIT, is_web_page},
    packed::ArchiveName,
};

/// How much of an index is looked at to tell it from another page, in bytes.
const GLANCE: u64 = 64 * 1024;
/// The largest entry of a single chart version, in bytes. Harbor adds the chart's values and README.
const ENTRY_LIMIT: u64 = 16 * 1024 * 1024;

/// A chart server with ChartMuseum's interface.
#[derive(Clone, Debug)]
pub(crate) struct Museum {
    pub(crate) http: Http,
    pub(crate) url: RepositoryUrl,
}

/// What lies at `index.yaml`.
#[derive(Debug)]
pub(crate) enum IndexPage {
    /// A chart index.
    Index,
    /// A web page.
    WebPage,
    /// Something else with status 200.
    Other,
    /// An error.
    Refused(Answer),
}

/// How an upload ended.
#[derive(Debug)]
pub(crate) enum Upload {
    /// 201.
    Saved,
    /// 409.
    Exists,
    /// 404 or 405: no such project, or no such interface.
    NoSuchPlace(StatusCode),
}

/// Whether charts can be uploaded at all.
#[derive(Debug)]
pub(crate) enum Interface {
    /// This user may upload.
    Open,
    /// 404 or 405: no such project, or no such interface.
    NoSuchPlace(StatusCode),
}

impl Museum {
    pub(crate) fn index_url(&self) -> Url {
        self.url.read(&["index.yaml"])
    }

    pub(crate) fn charts_url(&self) -> Url {
        self.url.api(&["charts"])
    }

    pub(crate) fn archive_url(&self, file: &ArchiveName) -> Url {
        self.url.read(&["charts", &file.archive()])
    }

    /// Looks at the beginning of `index.yaml`; whole, it may be hundreds of megabytes.
    pub(crate) async fn glance_at_index(&self) -> Result<IndexPage, RemoteError> {
        let answer = self.http.get_beginning(&self.index_url(), GLANCE).await?;
        Ok(match answer.status {
            StatusCode::OK if is_web_page(&answer.body) => IndexPage::WebPage,
            StatusCode::OK if begins_as_index(&answer.body) => IndexPage::Index,
            StatusCode::OK => IndexPage::Other,
            _ => IndexPage::Refused(answer),
        })
    }

    /// Asks for one version of one chart.
    pub(crate) async fn find(&self, file: &ArchiveName) -> Result<Option<Published>, RemoteError> {
        let version = file.version().to_string();
        let url = self.url.api(&["charts", file.name(), &version]);
        let answer = self.http.get(&url, ENTRY_LIMIT).await?;
        match answer.status {
            StatusCode::OK => published(&url, &answer.body).map(Some),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(self.refusal(&Method::GET, &url, answer, "read charts")),
        }
    }

    /// The versions of one chart.
    pub(crate) async fn versions(&self, name: &str) -> Result<Vec<ChartVersion>, RemoteError> {
        let url = self.url.api(&["charts", name]);
        let answer = self.http.get(&url, INDEX_LIMIT).await?;
        match answer.status {
            StatusCode::OK => versions(&url, &answer.body),
            StatusCode::NOT_FOUND => Ok(Vec::new()),
            _ => Err(self.refusal(&Method::GET, &url, answer, "read charts")),
        }
    }

    /// The archive of a chart.
    pub(crate) async fn fetch(&self, file: &ArchiveName) -> Result<Option<Bytes>, RemoteError> {
        self.fetch_file(self.archive_url(file), CHART_LIMIT).await
    }

    /// The provenance file of a chart.
    pub(crate) async fn fetch_provenance(&self, file: &ArchiveName) -> Result<Option<Bytes>, RemoteError> {
        self.fetch_file(self.url.read(&["charts", &file.provenance()]), PROVENANCE_LIMIT).await
    }

    async fn fetch_file(&self, url: Url, limit: u64) -> Result<Option<Bytes>, RemoteError> {
        let answer = self.http.get(&url, limit).await?;
        match answer.status {
            StatusCode::OK => Ok(Some(answer.body)),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(self.refusal(&Method::GET, &url, answer, "read charts")),
        }
    }

    /// Sends a chart, never with `?force`.
    pub(crate) async fn upload(&self, chart: &PackedChart) -> Result<Upload, RemoteError> {
        let url = self.charts_url();
        let answer = self.http.post(&url, |request| with_chart(request, chart)).await?;
        match answer.status {
            StatusCode::CREATED => Ok(Upload::Saved),
            StatusCode::CONFLICT => Ok(Upload::Exists),
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Ok(Upload::NoSuchPlace(answer.status)),
            _ => Err(self.refusal(&Method::POST, &url, answer, "upload charts")),
        }
    }

    /// Whether what is there already is the very archive: then another attempt, whose answer was lost,
    /// or another run has brought it.
    pub(crate) async fn settle_conflict(&self, chart: &PackedChart) -> Result<(), ChartRepoError> {
        let there = self.find(chart.file()).await?;
        self.compare(chart, there.as_ref())
    }

    /// Success for the very archive, [`ChartRepoError::Exists`] for any other.
    pub(crate) fn compare(
        &self,
        chart: &PackedChart,
        there: Option<&Published>,
    ) -> Result<(), ChartRepoError> {
        match there.and_then(|there| there.digest.as_ref()) {
            Some(digest) if digest == chart.digest() => Ok(()),
            _ => Err(ChartRepoError::Exists { target: self.archive_url(chart.file()).into() }),
        }
    }

    /// Whether this user may upload, asked by an upload without a chart: servers check rights first
    /// and then refuse the empty body with 400. Reading may be free to everybody, so it shows nothing.
    /// Only a clear no counts: whatever else is wrong shows at the first chart.
    pub(crate) async fn try_upload_nothing(&self) -> Result<Interface, RemoteError> {
        let url = self.charts_url();
        let answer = self.http.post_nothing(&url).await?;
        match answer.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(self.refusal(&Method::POST, &url, answer, "upload charts"))
            }
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                Ok(Interface::NoSuchPlace(answer.status))
            }
            _ => Ok(Interface::Open),
        }
    }

    /// The error for an answer that is no use.
    pub(crate) fn refusal(
        &self,
        method: &Method,
        url: &Url,
        answer: Answer,
        doing: &'static str,
    ) -> RemoteError {
        let to = url.to_string();
        match answer.status {
            StatusCode::UNAUTHORIZED => RemoteError::Unauthorized { url: to, login: self.http.login() },
            StatusCode::FORBIDDEN if answer.message().contains("in read only mode") => {
                RemoteError::ReadOnly { url: to }
            }
            StatusCode::FORBIDDEN => RemoteError::Denied { url: to, doing, message: answer.message() },
            _ => answer.into_status_error(method, url),
        }
    }

    pub(crate) fn no_upload(&self, status: StatusCode) -> RemoteError {
        RemoteError::NoUpload { url: self.charts_url().into(), status: status.as_u16() }
    }
}

/// A multipart form with `chart`, and `prov` where the chart is signed.
fn with_chart(request: RequestBuilder, chart: &PackedChart) -> RequestBuilder {
    let file = chart.file();
    let form = Form::new().part("chart", part(chart.archive(), file.archive()));
    request.multipart(match chart.provenance() {
        Some(provenance) => form.part("prov", part(provenance, file.provenance())),
        None => form,
    })
}

fn part(bytes: &Bytes, file_name: String) -> Part {
    Part::stream_with_length(bytes.clone(), bytes.len() as u64).file_name(file_name)
}

/// The keys of an index stand at the beginning of a line; as JSON it is one map.
fn begins_as_index(beginning: &[u8]) -> bool {
    const KEYS: [&str; 3] = ["apiVersion:", "entries:", "generated:"];
    let text = String::from_utf8_lossy(beginning);
    text.trim_start().starts_with('{')
        || text.lines().any(|line| KEYS.iter().any(|key| line.starts_with(key)))
}

/// ChartMuseum answers with the index entry, Harbor with a map that holds it under `metadata`.
fn published(url: &Url, body: &[u8]) -> Result<Published, RemoteError> {
    #[derive(Deserialize)]
    struct Told {
        digest: Option<String>,
        metadata: Option<Box<Told>>,
    }
    let told: Told = serde_json::from_slice(body)
        .map_err(|source| RemoteError::Malformed { url: url.to_string(), source })?;
    let hex = told.digest.or_else(|| told.metadata?.digest);
    Ok(Published { digest: hex.and_then(|hex| Digest::from_hex(Algorithm::Sha256, &hex).ok()) })
}

/// The versions that a list of entries names; one that Helm would not take is left out.
fn versions(url: &Url, body: &[u8]) -> Result<Vec<ChartVersion>, RemoteError> {
    #[derive(Deserialize)]
    struct Told {
        version: String,
    }
    let told: Vec<Told> = serde_json::from_slice(body)
        .map_err(|source| RemoteError::Malformed { url: url.to_string(), source })?;
    Ok(told.into_iter().filter_map(|told| told.version.parse().ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_as_an_index() {
        #[track_caller]
        fn check(text: &str, expected: bool) {
            assert_eq!(begins_as_index(text.as_bytes()), expected, "{text}");
        }
        check("apiVersion: v1\nentries: {}\n", true);
        check("# by hand\nentries:\n", true);
        check(r#"{"apiVersion":"v1","entries":{}}"#, true);
        check("", false);
        check("not found", false);
        check("kind: x\n  entries: []", false);
    }

    #[test]
    fn digests_of_both_servers() {
        let url = Url::parse("http://h/api/p/charts/a/1.0.0").unwrap();
        let digest = Digest::sha256(b"");
        let check = |body: String, expected: Option<&Digest>| {
            assert_eq!(published(&url, body.as_bytes()).unwrap().digest.as_ref(), expected, "{body}");
        };
        check(format!(r#"{{"name":"a","digest":"{}"}}"#, digest.hex()), Some(&digest));
        check(format!(r#"{{"metadata":{{"digest":"{}"}},"values":{{}}}}"#, digest.hex()), Some(&digest));
        check(r#"{"name":"a"}"#.to_owned(), None);
        check(r#"{"digest":"x"}"#.to_owned(), None);
        let error = published(&url, b"<html>").unwrap_err();
        assert_eq!(error.to_string(), "GET http://h/api/p/charts/a/1.0.0: the answer is no chart entry");
    }
}
