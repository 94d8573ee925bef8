//! The messages of containerd's gRPC interface that are spoken here, with the members that are used.
//!
//! Written by hand: the crate that generates them from containerd's files needs `protoc`, which a build
//! should not. Numbers are those of containerd's `api/services/*/v1` and `api/types`; they never change.

use std::collections::HashMap;

use bytes::Bytes;
use prost::Message;

/// `google.protobuf.Empty`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Empty {}

/// `google.protobuf.FieldMask`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct FieldMask {
    #[prost(string, repeated, tag = "1")]
    pub(super) paths: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Descriptor {
    #[prost(string, tag = "1")]
    pub(super) media_type: String,
    #[prost(string, tag = "2")]
    pub(super) digest: String,
    #[prost(int64, tag = "3")]
    pub(super) size: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Mount {
    #[prost(string, tag = "1")]
    pub(super) kind: String,
    #[prost(string, tag = "2")]
    pub(super) source: String,
    #[prost(string, tag = "3")]
    pub(super) target: String,
    #[prost(string, repeated, tag = "4")]
    pub(super) options: Vec<String>,
}

// ---- version, introspection, namespaces ----

#[derive(Clone, PartialEq, Message)]
pub(super) struct Version {
    #[prost(string, tag = "1")]
    pub(super) version: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Filters {
    #[prost(string, repeated, tag = "1")]
    pub(super) filters: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Plugins {
    #[prost(message, repeated, tag = "1")]
    pub(super) plugins: Vec<Plugin>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Plugin {
    #[prost(string, tag = "1")]
    pub(super) kind: String,
    #[prost(string, tag = "2")]
    pub(super) id: String,
    #[prost(message, repeated, tag = "4")]
    pub(super) platforms: Vec<Platform>,
    /// Why it did not start.
    #[prost(message, optional, tag = "7")]
    pub(super) init_error: Option<Empty>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Platform {
    #[prost(string, tag = "1")]
    pub(super) os: String,
    #[prost(string, tag = "2")]
    pub(super) architecture: String,
    #[prost(string, tag = "3")]
    pub(super) variant: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct GetNamespace {
    #[prost(string, tag = "1")]
    pub(super) name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct NamespaceFound {
    #[prost(message, optional, tag = "1")]
    pub(super) namespace: Option<Namespace>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Namespace {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(map = "string, string", tag = "2")]
    pub(super) labels: HashMap<String, String>,
}

// ---- the CRI's image service ----

/// `runtime.v1.ImageFsInfoResponse`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ImageFileSystems {
    #[prost(message, repeated, tag = "1")]
    pub(super) file_systems: Vec<FileSystem>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct FileSystem {
    #[prost(message, optional, tag = "2")]
    pub(super) id: Option<FileSystemId>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct FileSystemId {
    #[prost(string, tag = "1")]
    pub(super) mountpoint: String,
}

// ---- leases ----

#[derive(Clone, PartialEq, Message)]
pub(super) struct CreateLease {
    #[prost(string, tag = "1")]
    pub(super) id: String,
    #[prost(map = "string, string", tag = "3")]
    pub(super) labels: HashMap<String, String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct LeaseMade {}

#[derive(Clone, PartialEq, Message)]
pub(super) struct DeleteLease {
    #[prost(string, tag = "1")]
    pub(super) id: String,
    #[prost(bool, tag = "2")]
    pub(super) sync: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AddResource {
    #[prost(string, tag = "1")]
    pub(super) id: String,
    #[prost(message, optional, tag = "2")]
    pub(super) resource: Option<Resource>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Resource {
    #[prost(string, tag = "1")]
    pub(super) id: String,
    #[prost(string, tag = "2")]
    pub(super) kind: String,
}

// ---- the content store ----

#[derive(Clone, PartialEq, Message)]
pub(super) struct ContentInfo {
    #[prost(string, tag = "1")]
    pub(super) digest: String,
    #[prost(int64, tag = "2")]
    pub(super) size: i64,
    #[prost(map = "string, string", tag = "5")]
    pub(super) labels: HashMap<String, String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ContentList {
    #[prost(message, repeated, tag = "1")]
    pub(super) info: Vec<ContentInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct UpdateContent {
    #[prost(message, optional, tag = "1")]
    pub(super) info: Option<ContentInfo>,
    #[prost(message, optional, tag = "2")]
    pub(super) mask: Option<FieldMask>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ReadContent {
    #[prost(string, tag = "1")]
    pub(super) digest: String,
    #[prost(int64, tag = "2")]
    pub(super) offset: i64,
    #[prost(int64, tag = "3")]
    pub(super) size: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ContentPiece {
    #[prost(int64, tag = "1")]
    pub(super) offset: i64,
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) data: Bytes,
}

/// What a message of a write asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub(super) enum WriteAction {
    Stat = 0,
    Write = 1,
    Commit = 2,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct WriteContent {
    #[prost(enumeration = "WriteAction", tag = "1")]
    pub(super) action: i32,
    #[prost(string, tag = "2")]
    pub(super) reference: String,
    #[prost(int64, tag = "3")]
    pub(super) total: i64,
    #[prost(string, tag = "4")]
    pub(super) expected: String,
    #[prost(int64, tag = "5")]
    pub(super) offset: i64,
    #[prost(bytes = "bytes", tag = "6")]
    pub(super) data: Bytes,
    #[prost(map = "string, string", tag = "7")]
    pub(super) labels: HashMap<String, String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Written {
    #[prost(enumeration = "WriteAction", tag = "1")]
    pub(super) action: i32,
    #[prost(int64, tag = "4")]
    pub(super) offset: i64,
    #[prost(string, tag = "6")]
    pub(super) digest: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AbortWrite {
    #[prost(string, tag = "1")]
    pub(super) reference: String,
}

// ---- snapshots and diffs ----

#[derive(Clone, PartialEq, Message)]
pub(super) struct PrepareSnapshot {
    #[prost(string, tag = "1")]
    pub(super) snapshotter: String,
    #[prost(string, tag = "2")]
    pub(super) key: String,
    #[prost(string, tag = "3")]
    pub(super) parent: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SnapshotMounts {
    #[prost(message, repeated, tag = "1")]
    pub(super) mounts: Vec<Mount>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct CommitSnapshot {
    #[prost(string, tag = "1")]
    pub(super) snapshotter: String,
    #[prost(string, tag = "2")]
    pub(super) name: String,
    #[prost(string, tag = "3")]
    pub(super) key: String,
}

/// `RemoveSnapshotRequest` and `StatSnapshotRequest`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct SnapshotKey {
    #[prost(string, tag = "1")]
    pub(super) snapshotter: String,
    #[prost(string, tag = "2")]
    pub(super) key: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ListSnapshots {
    #[prost(string, tag = "1")]
    pub(super) snapshotter: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SnapshotList {
    #[prost(message, repeated, tag = "1")]
    pub(super) info: Vec<SnapshotInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SnapshotInfo {
    #[prost(string, tag = "1")]
    pub(super) name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ApplyDiff {
    #[prost(message, optional, tag = "1")]
    pub(super) diff: Option<Descriptor>,
    #[prost(message, repeated, tag = "2")]
    pub(super) mounts: Vec<Mount>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct DiffApplied {
    #[prost(message, optional, tag = "1")]
    pub(super) applied: Option<Descriptor>,
}

// ---- image records ----

#[derive(Clone, PartialEq, Message)]
pub(super) struct ImageRecord {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(map = "string, string", tag = "2")]
    pub(super) labels: HashMap<String, String>,
    #[prost(message, optional, tag = "3")]
    pub(super) target: Option<Descriptor>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ImageRecords {
    #[prost(message, repeated, tag = "1")]
    pub(super) images: Vec<ImageRecord>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct CreateImage {
    #[prost(message, optional, tag = "1")]
    pub(super) image: Option<ImageRecord>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct UpdateImage {
    #[prost(message, optional, tag = "1")]
    pub(super) image: Option<ImageRecord>,
    #[prost(message, optional, tag = "2")]
    pub(super) mask: Option<FieldMask>,
}
