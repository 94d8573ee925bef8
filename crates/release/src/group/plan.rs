//! All that upgrading a group would do, with one digest.

use portolan_oci::Digest;
use serde::{Deserialize, Serialize};

use super::select::LeftOut;
use crate::cluster::ClusterError;
use crate::upgrade::{Ground, ImageCheck, Named, Site, UpgradeOptions, UpgradePlan, images};

/// Version of the plan's shape; raised when a member changes its meaning or goes away.
pub const GROUP_PLAN_VERSION: u32 = 1;

/// Version of the plan file's shape; raised when an older program could not hold a run to it.
pub const GROUP_PLAN_FILE_VERSION: u32 = 1;

/// All that upgrading a group would do.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupPlan {
    /// [`GROUP_PLAN_VERSION`] of the program that made it.
    pub group_plan_version: u32,
    /// Digest of all grounds, in their order.
    pub digest: Digest,
    /// Those that are upgraded, in the order in which that happens.
    pub members: Vec<PlannedMember>,
    /// Those that are not.
    pub left_out: Vec<LeftOut>,
    /// What would keep members from being taken back, in words; empty where nobody asked
    /// ([`way_back_is_there`](Self::way_back_is_there)).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub no_way_back: Vec<String>,
}

/// A member, and all that its upgrade would do.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedMember {
    /// The component's name.
    pub component: String,
    /// Its upgrade.
    pub plan: UpgradePlan,
    /// How that is carried out.
    #[serde(skip)]
    pub options: UpgradeOptions,
}

/// A plan as it is saved, approved, and held to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SavedGroup {
    /// [`GROUP_PLAN_FILE_VERSION`] of the program that wrote it.
    pub group_plan_file_version: u32,
    /// Digest of the grounds.
    pub digest: Digest,
    /// The ground of each member, in their order.
    pub grounds: Vec<Ground>,
}

/// Why a file is no saved plan of a group.
#[derive(Debug, thiserror::Error)]
pub enum SavedGroupError {
    /// It is no JSON, or of another shape.
    #[error("it is not the plan of a group")]
    Form(#[source] serde_json::Error),
    /// A later program wrote it.
    #[error("it is of version {0}, and this program reads {GROUP_PLAN_FILE_VERSION}")]
    Version(u32),
    /// Somebody changed it.
    #[error("its digest is not that of what stands in it")]
    Digest,
}

impl GroupPlan {
    /// The plan of these members.
    pub fn new(members: Vec<PlannedMember>, left_out: Vec<LeftOut>) -> Self {
        let digest = digest(members.iter().map(|member| &member.plan.ground));
        Self { group_plan_version: GROUP_PLAN_VERSION, digest, members, left_out, no_way_back: Vec::new() }
    }

    /// What stands in the way of any member, in words; empty where nothing does.
    pub fn obstacles(&self) -> Vec<String> {
        let of = |member: &PlannedMember| {
            let component = member.component.clone();
            member.plan.obstacles().into_iter().map(move |obstacle| format!("{component}: {obstacle}"))
        };
        self.members.iter().flat_map(of).chain(self.no_way_back.iter().cloned()).collect()
    }

    /// Looks whether the images of what stands now are there, for a group that is taken back where one of it fails:
    /// what is lost then shows before anything is changed.
    ///
    /// # Errors
    /// [`ClusterError`] where the cluster can't be asked.
    pub async fn way_back_is_there(&mut self, site: Site<'_>) -> Result<(), ClusterError> {
        for PlannedMember { component, plan, options } in &self.members {
            let Some(manifest) = plan.manifest_now().filter(|_| options.image_check == ImageCheck::Require)
            else {
                continue;
            };
            let checked = images::check_manifest(site.cluster, manifest, site.registries).await?;
            let lacking = checked.iter().filter(|image| image.named == Named::Run && image.lacks());
            let words =
                lacking.map(|image| format!("{component} could not be taken back: {}", image.words()));
            self.no_way_back.extend(words);
        }
        Ok(())
    }

    /// How many images were looked for, each counted once however many members name it.
    pub fn images(&self) -> usize {
        let images = self.members.iter().flat_map(|member| &member.plan.images);
        images.map(|image| &image.image).collect::<std::collections::BTreeSet<_>>().len()
    }

    /// The plan as it is saved.
    pub fn saved(&self) -> SavedGroup {
        SavedGroup {
            group_plan_file_version: GROUP_PLAN_FILE_VERSION,
            digest: self.digest.clone(),
            grounds: self.members.iter().map(|member| member.plan.ground.clone()).collect(),
        }
    }
}

impl SavedGroup {
    /// Reads a file.
    ///
    /// # Errors
    /// [`SavedGroupError`] with what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, SavedGroupError> {
        let saved: Self = serde_json::from_slice(bytes).map_err(SavedGroupError::Form)?;
        match saved.group_plan_file_version {
            GROUP_PLAN_FILE_VERSION if digest(saved.grounds.iter()) == saved.digest => Ok(saved),
            GROUP_PLAN_FILE_VERSION => Err(SavedGroupError::Digest),
            other => Err(SavedGroupError::Version(other)),
        }
    }

    /// What is otherwise now, in words; empty where the plan still holds.
    pub fn changes(&self, now: &Self) -> Vec<String> {
        let has =
            |group: &Self, ground: &Ground| group.grounds.iter().any(|other| name(other) == name(ground));
        let gone = self.grounds.iter().filter(|ground| !has(now, ground));
        let come = now.grounds.iter().filter(|ground| !has(self, ground));
        let mut changes: Vec<String> =
            gone.map(|ground| format!("{} is no member any more", name(ground))).collect();
        changes.extend(come.map(|ground| format!("{} is a new member", name(ground))));
        if changes.is_empty() && !self.grounds.iter().map(name).eq(now.grounds.iter().map(name)) {
            changes.push("the members are in another order".to_owned());
        }
        for before in &self.grounds {
            let after = now.grounds.iter().find(|after| name(after) == name(before));
            let of_member = after.map_or_else(Vec::new, |after| before.changes(after));
            changes.extend(of_member.into_iter().map(|change| format!("{}: {change}", name(before))));
        }
        changes
    }
}

/// `NAMESPACE/RELEASE`
fn name(ground: &Ground) -> String {
    format!("{}/{}", ground.namespace, ground.release)
}

fn digest<'a>(grounds: impl Iterator<Item = &'a Ground>) -> Digest {
    let digests: Vec<String> = grounds.map(|ground| ground.digest().to_string()).collect();
    Digest::sha256(digests.join("\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ground(release: &str, revision: u32) -> Ground {
        Ground {
            release: release.to_owned(),
            namespace: "n".to_owned(),
            revision,
            chart: Digest::sha256(b"chart"),
            values: Digest::sha256(b"values"),
            definitions: Default::default(),
            objects: Default::default(),
            not_pinned: Vec::new(),
            pushes: Vec::new(),
        }
    }

    fn saved(grounds: &[(&str, u32)]) -> SavedGroup {
        let grounds: Vec<Ground> = grounds.iter().map(|(name, revision)| ground(name, *revision)).collect();
        SavedGroup { group_plan_file_version: 1, digest: digest(grounds.iter()), grounds }
    }

    #[test]
    fn what_was_saved_is_read_and_held_to() {
        let plan = saved(&[("kpanda", 1), ("kant", 2)]);
        assert_eq!(SavedGroup::parse(&serde_json::to_vec(&plan).unwrap()).unwrap(), plan);
        let check = |now: &[(&str, u32)], expected: &[&str]| {
            assert_eq!(plan.changes(&saved(now)), expected, "{now:?}");
        };
        check(&[("kpanda", 1), ("kant", 2)], &[]);
        check(&[("kant", 2), ("kpanda", 1)], &["the members are in another order"]);
        check(&[("kpanda", 1), ("kant", 3)], &["n/kant: the release is of another revision"]);
        let other = ["n/kant is no member any more", "n/ghippo is a new member"];
        check(&[("kpanda", 1), ("ghippo", 2)], &other);
    }

    #[test]
    fn the_order_is_part_of_the_digest() {
        let digest = |grounds: &[(&str, u32)]| saved(grounds).digest;
        assert_ne!(digest(&[("a", 1), ("b", 1)]), digest(&[("b", 1), ("a", 1)]));
        assert_eq!(digest(&[("a", 1), ("b", 1)]), digest(&[("a", 1), ("b", 1)]));
    }

    #[test]
    fn what_is_no_saved_plan() {
        let check = |text: &str, expected: &str| {
            assert_eq!(SavedGroup::parse(text.as_bytes()).unwrap_err().to_string(), expected);
        };
        let text = serde_json::to_string(&saved(&[("kpanda", 3)])).unwrap();
        check("{}", "it is not the plan of a group");
        check(
            &text.replace("\"revision\":3", "\"revision\":4"),
            "its digest is not that of what stands in it",
        );
        check(
            &text.replace("FileVersion\":1", "FileVersion\":2"),
            "it is of version 2, and this program reads 1",
        );
    }
}
