//! What a containerd has: asked in a handful of calls, however much that is.

use std::collections::{HashMap, HashSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use portolan_oci::{Digest, MANIFEST_LIMIT, Manifest, Platform};

use super::{
    Containerd,
    messages::{
        ContentList, ContentPiece, Empty, Filters, GetNamespace, ImageFileSystems, ImageRecord, ImageRecords,
        ListSnapshots, NamespaceFound, Plugin, Plugins, ReadContent, SnapshotList, Version,
    },
    wire::methods,
};
use crate::{
    content::fit,
    error::RuntimeError,
    names::NodeName,
    survey::{Held, RuntimeKind, Survey},
};

/// The label of a namespace by which clients choose its snapshotter.
const DEFAULT_SNAPSHOTTER: &str = "containerd.io/defaults/snapshotter";

/// The type of snapshotter plugins; the CRI keeps its images in a folder of that name.
const SNAPSHOTTER: &str = "io.containerd.snapshotter.v1";

/// What images are unpacked for where nothing says otherwise.
const USUAL_SNAPSHOTTER: &str = "overlayfs";

/// What the CRI's part of a containerd is called, in 1.x and in 2.x.
const CRI: [(&str, &str); 2] = [("io.containerd.grpc.v1", "cri"), ("io.containerd.cri.v1", "images")];

/// How many manifests are read at once.
const READS_AT_ONCE: usize = 16;

impl Containerd {
    pub(super) async fn ask(&self, names: &[NodeName]) -> Result<Survey, RuntimeError> {
        let version: Version =
            self.wire.call_in_time(methods::VERSION, Empty {}, "asking for the version").await?;
        let plugins = self.plugins().await?;
        let platform = platform_of(&plugins);
        let snapshotter = self.snapshotter().await?;
        let blobs = self.blobs().await?;
        let chains = self.chains(snapshotter).await?;
        let names = self.names(names, &platform).await?;
        let kind = RuntimeKind::Containerd;
        Ok(Survey { kind, version: version.version, platform, names, blobs, chains })
    }

    /// Whether a kubelet gets its images here.
    ///
    /// # Errors
    /// [`RuntimeError`] where nobody answers.
    pub async fn serves_kubelets(&self) -> Result<bool, RuntimeError> {
        let plugins = self.plugins().await?;
        let is_cri = |plugin: &Plugin| {
            CRI.contains(&(plugin.kind.as_str(), plugin.id.as_str())) && plugin.init_error.is_none()
        };
        Ok(plugins.iter().any(is_cri))
    }

    async fn plugins(&self) -> Result<Vec<Plugin>, RuntimeError> {
        let found: Plugins =
            self.wire.call_in_time(methods::PLUGINS, Filters::default(), "asking for its plugins").await?;
        Ok(found.plugins)
    }

    /// The snapshotter that kubelets' containers use: as it was given, else as the CRI says, else as the
    /// namespace says, else the usual one.
    pub(super) async fn snapshotter(&self) -> Result<&str, RuntimeError> {
        let found = self.snapshotter.get_or_try_init(|| async {
            if let Some(given) = &self.options.snapshotter {
                return Ok(given.clone());
            }
            let of_namespace = self.snapshotter_of_namespace().await;
            let found = match self.options.namespace == super::KUBERNETES {
                true => self.snapshotter_of_cri().await.or(of_namespace),
                false => of_namespace,
            };
            Ok(found.unwrap_or_else(|| USUAL_SNAPSHOTTER.to_owned()))
        });
        found.await.map(String::as_str)
    }

    /// The CRI tells it only by the folder that images lie in.
    async fn snapshotter_of_cri(&self) -> Option<String> {
        let found: ImageFileSystems = self.wire.ask(methods::CRI_FILE_SYSTEMS, Empty {}, None).await.ok()?;
        let folders = found.file_systems.into_iter().filter_map(|it| it.id).map(|id| id.mountpoint);
        folders.into_iter().find_map(|folder| {
            let name = folder.rsplit('/').next()?.strip_prefix(SNAPSHOTTER)?.strip_prefix('.')?;
            Some(name.to_owned())
        })
    }

    async fn snapshotter_of_namespace(&self) -> Option<String> {
        let request = GetNamespace { name: self.options.namespace.clone() };
        let found: NamespaceFound = self.wire.ask(methods::NAMESPACE_GET, request, None).await.ok()?;
        found.namespace?.labels.remove(DEFAULT_SNAPSHOTTER)
    }

    async fn blobs(&self) -> Result<HashSet<Digest>, RuntimeError> {
        let doing = "asking for its contents";
        let lists: Vec<ContentList> =
            self.wire.list(methods::CONTENT_LIST, Filters::default(), doing).await?;
        Ok(lists.into_iter().flat_map(|list| list.info).filter_map(|info| info.digest.parse().ok()).collect())
    }

    async fn chains(&self, snapshotter: &str) -> Result<HashSet<Digest>, RuntimeError> {
        let doing = "asking for its unpacked layers";
        let request = ListSnapshots { snapshotter: snapshotter.to_owned() };
        let lists: Vec<SnapshotList> = self.wire.list(methods::SNAPSHOT_LIST, request, doing).await?;
        Ok(lists.into_iter().flat_map(|list| list.info).filter_map(|info| info.name.parse().ok()).collect())
    }

    async fn names(
        &self,
        names: &[NodeName],
        platform: &Platform,
    ) -> Result<HashMap<NodeName, Held>, RuntimeError> {
        let doing = "asking for its images";
        let all: ImageRecords = self.wire.call(methods::IMAGE_LIST, Filters::default(), doing, None).await?;
        let mut records: HashMap<String, ImageRecord> =
            all.images.into_iter().map(|record| (record.name.clone(), record)).collect();
        let wanted = names.iter().filter_map(|name| Some((name.clone(), records.remove(name.as_str())?)));
        let wanted: Vec<_> = wanted.collect();
        let held = wanted.into_iter().map(async |(name, record)| {
            let held = self.held(&record, platform).await?;
            Ok((name, held))
        });
        stream::iter(held).buffer_unordered(READS_AT_ONCE).try_collect().await
    }

    /// What a record stands for, as far as its documents are there.
    async fn held(&self, record: &ImageRecord, platform: &Platform) -> Result<Held, RuntimeError> {
        let is_pinned =
            record.labels.get(super::naming::PINNED).is_some_and(|value| value == super::naming::IS_PINNED);
        let mut held = Held { is_pinned, ..Held::default() };
        let target = record.target.as_ref().map(|target| target.digest.parse());
        let mut next: Option<Digest> = target.and_then(Result::ok);
        while let Some(digest) = next.take() {
            let document = self.document(&digest).await?;
            held.manifests.push(digest);
            let Some(manifest) = document else { break };
            held.config = manifest.image().map(|image| image.config.digest.clone());
            next = member_for(&manifest, platform).filter(|member| !held.manifests.contains(member));
        }
        Ok(held)
    }

    /// A manifest of the content store; nothing where it lacks, or is none.
    async fn document(&self, digest: &Digest) -> Result<Option<Manifest>, RuntimeError> {
        let size = i64::try_from(MANIFEST_LIMIT).unwrap_or(i64::MAX);
        let request = ReadContent { digest: digest.to_string(), offset: 0, size };
        let pieces: Result<Vec<ContentPiece>, _> =
            self.wire.list(methods::CONTENT_READ, request, "reading a manifest").await;
        let bytes: Vec<u8> = match pieces {
            Ok(pieces) => pieces.iter().flat_map(|piece| piece.data.iter().copied()).collect(),
            Err(error) if error.is_of_the_node() => return Err(error),
            Err(_) => return Ok(None),
        };
        Ok(Manifest::parse(bytes.into(), None).ok().filter(|manifest| manifest.digest() == digest))
    }
}

/// The member of an image index that runs best on the platform.
fn member_for(manifest: &Manifest, platform: &Platform) -> Option<Digest> {
    let members = manifest.index()?.manifests.iter();
    let fitting = members.filter_map(|member| Some((fit(member.platform.as_ref()?, platform)?, member)));
    fitting.min_by_key(|(rank, _)| *rank).map(|(_, member)| member.digest.clone())
}

/// The platform of its snapshotters; of this machine, where they name none.
fn platform_of(plugins: &[Plugin]) -> Platform {
    let snapshotters = plugins.iter().filter(|plugin| plugin.kind == SNAPSHOTTER);
    let named = snapshotters.flat_map(|plugin| &plugin.platforms).next();
    named.map_or_else(this_machine, |found| {
        let variant = Some(found.variant.clone()).filter(|variant| !variant.is_empty());
        Platform { variant, ..Platform::new(&found.os, &found.architecture) }.normalized()
    })
}

/// Both names are normalised to Go's.
fn this_machine() -> Platform {
    Platform::new(std::env::consts::OS, std::env::consts::ARCH).normalized()
}
