//! An image as a tar that is made while it is read: for runtimes that take archives, here and over SSH.
//!
//! | form | entries | taken by |
//! | --- | --- | --- |
//! | OCI layout | `oci-layout`, `index.json`, `blobs/sha256/…` | `ctr image import -` |
//! | docker archive | `<config>.json`, `manifest.json`, `<layer>.tar` | `docker load`, any version |
//!
//! Layers that the runtime has may be left out of both (rules.md, "Nodes").

use std::{collections::VecDeque, io, sync::Arc};

use bytes::{Bytes, BytesMut};
use portolan_oci::{Descriptor, Digest, Manifest};
use portolan_registry::{BlobSource, SharedPieces};
use serde::Serialize;
use serde_json::json;

use crate::{content::NodeImage, feed::pieces_of, names::NodeName};

/// Which archive is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An OCI image layout, with the names as containerd reads them.
    OciLayout,
    /// What `docker save` writes.
    DockerArchive,
}

/// Size of a tar block, in bytes.
const BLOCK: usize = 512;

/// The annotation by which `ctr` names an image.
const CONTAINERD_NAME: &str = "io.containerd.image.name";

/// An image's archive, which is read once, front to back, piece by piece. Nothing of it is in memory but small
/// documents.
pub struct Archive {
    left: VecDeque<Part>,
    /// The layer whose turn it is.
    layer: Option<OpenLayer>,
    size: u64,
}

/// A stretch of the archive.
enum Part {
    Held(Bytes),
    Layer { bytes: Arc<dyn BlobSource>, size: u64 },
}

impl Archive {
    /// The archive of `image` under `names`, without the layers for which `lacks` (lowest first) is false.
    ///
    /// `None` for an OCI layout of an image of which a layer's digest is not known before it is read: such
    /// an image goes as a docker archive, which `ctr` takes too.
    pub fn new(form: Form, image: &NodeImage, names: &[NodeName], lacks: &[bool]) -> Option<Self> {
        let mut archive = Self { left: VecDeque::new(), layer: None, size: 0 };
        match form {
            Form::OciLayout => archive.layout(image, names, lacks)?,
            Form::DockerArchive => archive.docker(image, names, lacks),
        }
        archive.held(end_mark());
        Some(archive)
    }

    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    fn layout(&mut self, image: &NodeImage, names: &[NodeName], lacks: &[bool]) -> Option<()> {
        let manifest = image.manifest.as_ref()?;
        self.document("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#.as_slice().into());
        self.document("index.json", index(image, manifest, names));
        let documents = [image.index.as_ref(), Some(manifest)].into_iter().flatten();
        for document in documents {
            self.document(&blob_path(document.digest()), document.bytes().clone());
        }
        self.document(&blob_path(&image.config_digest), image.config.clone());
        for (layer, _) in image.layers.iter().zip(lacks).filter(|(_, lacks)| **lacks) {
            self.layer(&blob_path(layer.digest.as_ref()?), layer.size, &layer.bytes);
        }
        Some(())
    }

    fn docker(&mut self, image: &NodeImage, names: &[NodeName], lacks: &[bool]) {
        let path = |diff_id: &Digest| format!("{}.tar", diff_id.hex());
        let layers = image.layers.iter().map(|layer| path(&layer.diff_id)).collect();
        self.document(&config_path(image), image.config.clone());
        let list = docker_list(&[DockerEntry { image, names, layers }]);
        self.document("manifest.json", list);
        let mut written: Vec<&Digest> = Vec::new();
        for (layer, _) in image.layers.iter().zip(lacks).filter(|(_, lacks)| **lacks) {
            if !written.contains(&&layer.diff_id) {
                self.layer(&path(&layer.diff_id), layer.size, &layer.bytes);
                written.push(&layer.diff_id);
            }
        }
    }

    fn document(&mut self, path: &str, bytes: Bytes) {
        let size = bytes.len() as u64;
        self.held(header(path, size));
        self.held(bytes);
        self.held(padding(size));
    }

    fn layer(&mut self, path: &str, size: u64, bytes: &Arc<dyn BlobSource>) {
        self.held(header(path, size));
        self.left.push_back(Part::Layer { bytes: Arc::clone(bytes), size });
        self.size += size;
        self.held(padding(size));
    }

    fn held(&mut self, bytes: Bytes) {
        self.size += bytes.len() as u64;
        self.left.push_back(Part::Held(bytes));
    }
}

impl Iterator for Archive {
    type Item = io::Result<Bytes>;

    /// Blocking.
    fn next(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            match &mut self.layer {
                Some(layer) => match layer.next() {
                    Some(piece) => return Some(piece),
                    None => self.layer = None,
                },
                None => match self.small_parts() {
                    bytes if !bytes.is_empty() => return Some(Ok(bytes)),
                    _ => self.layer = Some(self.next_layer()?),
                },
            }
        }
    }
}

impl Archive {
    /// All parts up to the next layer, as one piece: each by itself would be a packet.
    fn small_parts(&mut self) -> Bytes {
        let mut bytes = BytesMut::new();
        while let Some(Part::Held(held)) = self.left.front() {
            bytes.extend_from_slice(held);
            self.left.pop_front();
        }
        bytes.freeze()
    }

    fn next_layer(&mut self) -> Option<OpenLayer> {
        match self.left.pop_front()? {
            Part::Layer { bytes, size } => Some(OpenLayer { source: bytes, pieces: None, left: size }),
            Part::Held(_) => None,
        }
    }
}

/// A layer that is being read.
struct OpenLayer {
    source: Arc<dyn BlobSource>,
    /// Nothing before the first one was asked for.
    pieces: Option<SharedPieces>,
    left: u64,
}

impl OpenLayer {
    /// The next piece, up to the size that the archive states for the layer.
    fn piece(&mut self) -> io::Result<Bytes> {
        let pieces = match &mut self.pieces {
            Some(pieces) => pieces,
            none => none.insert(pieces_of(&*self.source, 0)?),
        };
        let mut piece = pieces.next().transpose()?.unwrap_or_default();
        if piece.is_empty() {
            let text = format!("{}: ends {} bytes before its size", self.source.describe(), self.left);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
        }
        piece.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= piece.len() as u64;
        Ok(piece)
    }
}

impl Iterator for OpenLayer {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<io::Result<Bytes>> {
        let piece = (self.left > 0).then(|| self.piece())?;
        if piece.is_err() {
            self.left = 0;
        }
        Some(piece)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u8,
    manifests: Vec<Descriptor>,
}

/// The list of a layout: the same manifest, or image index, under each name.
fn index(image: &NodeImage, manifest: &Manifest, names: &[NodeName]) -> Bytes {
    let target = image.index.as_ref().unwrap_or(manifest).descriptor();
    let named = |name: &NodeName| {
        let mut descriptor = target.clone();
        descriptor.annotations.insert(CONTAINERD_NAME.to_owned(), name.to_string());
        descriptor
    };
    let index = Index { schema_version: 2, manifests: names.iter().map(named).collect() };
    serde_json::to_vec(&index).expect("because plain structs always serialise into memory").into()
}

/// An image in the list of a docker archive.
pub(crate) struct DockerEntry<'a> {
    pub(crate) image: &'a NodeImage,
    pub(crate) names: &'a [NodeName],
    /// The entries of its layers, lowest first.
    pub(crate) layers: Vec<String>,
}

/// The entry of an image's config in a docker archive.
pub(crate) fn config_path(image: &NodeImage) -> String {
    format!("{}.json", image.config_digest.hex())
}

/// The list of a docker archive, `manifest.json`.
pub(crate) fn docker_list(entries: &[DockerEntry<'_>]) -> Bytes {
    let entry = |entry: &DockerEntry<'_>| json!({ "Config": config_path(entry.image), "RepoTags": entry.names, "Layers": entry.layers });
    let list: Vec<_> = entries.iter().map(entry).collect();
    json!(list).to_string().into_bytes().into()
}

/// A small entry with its header and what fills its last block.
pub(crate) fn whole_entry(path: &str, bytes: &Bytes) -> Bytes {
    let size = bytes.len() as u64;
    [header(path, size), bytes.clone(), padding(size)].concat().into()
}

/// The end mark.
pub(crate) fn end_mark() -> Bytes {
    Bytes::from(vec![0; 2 * BLOCK])
}

fn blob_path(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm().as_str(), digest.hex())
}

/// A ustar header of a file that everybody may read, as old as files can be.
pub(crate) fn header(path: &str, size: u64) -> Bytes {
    let mut block = [0_u8; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, path.as_bytes());
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, &size_field(size));
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Bytes::copy_from_slice(&block)
}

/// Eleven octal digits, or beyond 8 GiB the binary form that GNU tar introduced and everybody reads.
fn size_field(size: u64) -> [u8; 12] {
    let mut field = [0; 12];
    if size < 1 << 33 {
        field[..11].copy_from_slice(format!("{size:011o}").as_bytes());
    } else {
        field[0] = 0x80;
        field[4..].copy_from_slice(&size.to_be_bytes());
    }
    field
}

/// What fills the last block of an entry.
pub(crate) fn padding(size: u64) -> Bytes {
    let over = usize::try_from(size % BLOCK as u64).expect("because it is less than a block");
    Bytes::from(vec![0; (BLOCK - over) % BLOCK])
}
