//! Manifests that no tag reaches any more.

use std::collections::HashSet;

use portolan_oci::{Digest, Repository};
use rusqlite::{Connection, OptionalExtension, params};

use super::reach::{Node, unreached};
use super::{BATCH, Collecting, StoreError};
use crate::store::database::{Key, Writing, digest};
use crate::store::leases::Condemned;

impl<'a> Collecting<'a> {
    pub(super) fn manifests(&mut self, repository: &Repository) -> Result<(), StoreError> {
        let mut nodes = self.nodes(repository)?;
        let condemned = self.condemned(repository, &mut nodes);
        let goes = unreached(&nodes, Node::is_kept);
        let without_grace = unreached(&nodes, |node| node.is_tagged);
        self.done.spared += (without_grace.len() - goes.len()) as u64;
        if self.dry_run {
            self.done.manifests += goes.len() as u64;
            return Ok(());
        }
        let all: HashSet<Digest> = goes.iter().cloned().collect();
        for batch in goes.chunks(BATCH as usize) {
            let (name, cutoff) = (repository.clone(), self.cutoff);
            let (batch, all) = (batch.to_vec(), all.clone());
            self.done.manifests +=
                self.store.metadata.database.write("collect manifests in", move |writing| {
                    let mut removed = 0;
                    for digest in batch {
                        removed += u64::from(remove(writing, &name, &digest, cutoff, &all)?);
                    }
                    Ok(removed)
                })?;
        }
        drop(condemned);
        Ok(())
    }

    /// Marks what is not reached as going, and what of it clients count on as reached.
    fn condemned(&self, repository: &Repository, nodes: &mut [Node]) -> Option<Condemned<'a>> {
        if self.dry_run {
            return None;
        }
        let candidates: Vec<_> =
            unreached(nodes, Node::is_kept).into_iter().map(|digest| (repository.clone(), digest)).collect();
        let wanted: HashSet<Digest> = candidates.iter().map(|(_, digest)| digest.clone()).collect();
        let condemned = self.store.leases.condemn(candidates, self.grace);
        let goes: HashSet<&Digest> = condemned.members().iter().map(|(_, digest)| digest).collect();
        for node in nodes.iter_mut() {
            node.is_recent |= wanted.contains(&node.digest) && !goes.contains(&node.digest);
        }
        Some(condemned)
    }

    fn nodes(&self, repository: &Repository) -> Result<Vec<Node>, StoreError> {
        let (name, cutoff) = (repository.as_str(), self.cutoff);
        self.store.metadata.database.read("look through a repository of", |connection| {
            let mut list = connection.prepare_cached(
                "SELECT manifest.id, manifest.digest, manifest.subject,
                        EXISTS (SELECT 1 FROM tag WHERE tag.manifest = manifest.id), manifest.pushed > ?2
                 FROM repository JOIN manifest ON manifest.repository = repository.id
                 WHERE repository.name = ?1",
            )?;
            let mut nodes = Vec::new();
            let mut rows = list.query(params![name, cutoff])?;
            while let Some(row) = rows.next()? {
                let subject: Option<String> = row.get(2)?;
                nodes.push(Node {
                    digest: digest(row, 1)?,
                    is_tagged: row.get(3)?,
                    is_recent: row.get(4)?,
                    // What is no digest is the subject of nothing that is there.
                    subject: subject.and_then(|text| text.parse().ok()),
                    parts: parts(connection, row.get(0)?)?,
                });
            }
            Ok(nodes)
        })
    }
}

/// The manifests that a manifest names.
fn parts(connection: &Connection, manifest: i64) -> rusqlite::Result<Vec<Digest>> {
    let mut list = connection.prepare_cached(
        "SELECT part.digest FROM part
         JOIN manifest ON manifest.repository = part.repository AND manifest.digest = part.digest
         WHERE part.manifest = ?1",
    )?;
    list.query_map([manifest], |row| digest(row, 0))?.collect()
}

/// Removes a manifest, unless something outside of `all` reaches it by now.
fn remove(
    writing: &Writing<'_>,
    name: &Repository,
    digest: &Digest,
    cutoff: i64,
    all: &HashSet<Digest>,
) -> rusqlite::Result<bool> {
    let Some(found) = Found::of(writing, name, digest, cutoff)? else { return Ok(false) };
    if found.reached_from(writing, digest)?.iter().any(|other| !all.contains(other)) {
        return Ok(false);
    }
    writing.changes(Key::Manifest(name.clone(), digest.clone()));
    writing.prepare_cached("DELETE FROM manifest WHERE id = ?1")?.execute([found.id]).map(|rows| rows > 0)
}

/// A manifest that no tag points to, and that nobody put lately.
struct Found {
    id: i64,
    repository: i64,
    subject: Option<String>,
}

impl Found {
    fn of(
        connection: &Connection,
        name: &Repository,
        digest: &Digest,
        cutoff: i64,
    ) -> rusqlite::Result<Option<Self>> {
        let mut find = connection.prepare_cached(
            "SELECT manifest.id, manifest.repository, manifest.subject
             FROM repository JOIN manifest ON manifest.repository = repository.id
             WHERE repository.name = ?1 AND manifest.digest = ?2 AND manifest.pushed <= ?3
               AND NOT EXISTS (SELECT 1 FROM tag WHERE tag.manifest = manifest.id)",
        )?;
        let values = params![name.as_str(), digest.to_string(), cutoff];
        let found = |row: &rusqlite::Row<'_>| {
            Ok(Self { id: row.get(0)?, repository: row.get(1)?, subject: row.get(2)? })
        };
        find.query_row(values, found).optional()
    }

    /// The manifests that would reach it if they are reached: those that name it, its referrers, its subject.
    fn reached_from(&self, connection: &Connection, own: &Digest) -> rusqlite::Result<Vec<Digest>> {
        let mut list = connection.prepare_cached(
            "SELECT manifest.digest FROM part JOIN manifest ON manifest.id = part.manifest
             WHERE part.repository = ?1 AND part.digest = ?2
             UNION SELECT digest FROM manifest WHERE repository = ?1 AND subject = ?2
             UNION SELECT digest FROM manifest WHERE repository = ?1 AND digest = ?3",
        )?;
        let values = params![self.repository, own.to_string(), self.subject];
        list.query_map(values, |row| digest(row, 0))?.collect()
    }
}
