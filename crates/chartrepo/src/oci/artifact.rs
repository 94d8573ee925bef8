//! A chart as an OCI artifact: its blobs and the manifest that names them.

use std::io::{self, Read};

use bytes::{Buf as _, Bytes};
use portolan_oci::{Descriptor, Digest, Manifest, ManifestContent, MediaType, SizedDigest};
use portolan_registry::BlobSource;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::PackedChart;

/// Everything that is sent for one chart.
pub(super) struct Artifact {
    blobs: Vec<Part>,
    manifest: Manifest,
}

/// A blob that is in memory anyway.
#[derive(Clone)]
pub(super) struct Part {
    what: String,
    bytes: Bytes,
    descriptor: Descriptor,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ManifestText<'a> {
    schema_version: u8,
    media_type: MediaType,
    config: &'a Descriptor,
    layers: Vec<&'a Descriptor>,
    annotations: Map<String, Value>,
}

impl Artifact {
    pub(super) fn new(chart: &PackedChart) -> Self {
        let named = |what: &str| format!("{what} of chart {}", chart.file());
        let metadata = Value::Object(chart.metadata().clone()).to_string();
        let config = Part::new(named("metadata"), MediaType::HELM_CONFIG, metadata.into());
        let archive = Part::new(named("archive"), MediaType::HELM_CHART, chart.archive().clone());
        let signed =
            |bytes: &Bytes| Part::new(named("provenance"), MediaType::HELM_PROVENANCE, bytes.clone());
        let provenance = chart.provenance().map(signed);
        let layers: Vec<Part> = std::iter::once(archive).chain(provenance).collect();
        let manifest = manifest(&config, &layers, annotations(chart.metadata()));
        Self { blobs: std::iter::once(config).chain(layers).collect(), manifest }
    }

    pub(super) fn blobs(&self) -> &[Part] {
        &self.blobs
    }

    pub(super) fn manifest(&self) -> &Manifest {
        &self.manifest
    }
}

impl Part {
    fn new(what: String, media_type: MediaType, bytes: Bytes) -> Self {
        let descriptor = Descriptor::new(media_type, Digest::sha256(&bytes), bytes.len() as u64);
        Self { what, bytes, descriptor }
    }

    pub(super) fn expected(&self) -> SizedDigest {
        SizedDigest { digest: self.descriptor.digest.clone(), size: self.descriptor.size }
    }
}

impl BlobSource for Part {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(self.bytes.clone().reader()))
    }

    fn describe(&self) -> String {
        self.what.clone()
    }
}

fn manifest(config: &Part, layers: &[Part], annotations: Map<String, Value>) -> Manifest {
    let text = ManifestText {
        schema_version: 2,
        media_type: MediaType::OCI_MANIFEST,
        config: &config.descriptor,
        layers: layers.iter().map(|layer| &layer.descriptor).collect(),
        annotations,
    };
    let bytes = serde_json::to_vec(&text).expect("because every key is a string");
    Manifest::parse(bytes.into(), Some(&MediaType::OCI_MANIFEST)).expect("because it was written as one")
}

/// The annotations that Helm gives a chart, without `created`: it would make every run's digest another.
fn annotations(metadata: &Map<String, Value>) -> Map<String, Value> {
    const KEYS: [(&str, &str); 4] = [
        ("description", "org.opencontainers.image.description"),
        ("home", "org.opencontainers.image.url"),
        ("name", "org.opencontainers.image.title"),
        ("version", "org.opencontainers.image.version"),
    ];
    let given = |(key, annotation): (&str, &str)| {
        let text = metadata.get(key)?.as_str().filter(|text| !text.is_empty())?;
        Some((annotation.to_owned(), Value::from(text)))
    };
    KEYS.into_iter().filter_map(given).collect()
}

/// The layer that is the chart's archive, none where the manifest is of something else.
pub(super) fn chart_layer(manifest: &Manifest) -> Option<&Descriptor> {
    layer_of(manifest, &MediaType::HELM_CHART)
}

/// The layer that is the chart's provenance file, none where it isn't signed.
pub(super) fn provenance_layer(manifest: &Manifest) -> Option<&Descriptor> {
    layer_of(manifest, &MediaType::HELM_PROVENANCE)
}

fn layer_of<'a>(manifest: &'a Manifest, media_type: &MediaType) -> Option<&'a Descriptor> {
    match manifest.content() {
        ManifestContent::Image(image) => image.layers.iter().find(|layer| layer.media_type == *media_type),
        ManifestContent::Index(_) => None,
    }
}
