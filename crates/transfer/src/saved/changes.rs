//! What differs between a plan that was saved and the one that is made now.

use std::collections::{BTreeMap, BTreeSet};

use portolan_oci::{Digest, Reference};

use super::{Change, SavedImage, SavedPlan, Stand, Step};
use crate::{content::Pin, options::Visibility};

/// An image or chart, as far as two plans are compared.
pub(super) struct Item<'a> {
    /// What it is known by.
    pub(super) what: String,
    target: String,
    content: &'a Pin,
    stand: Stand,
}

impl SavedPlan {
    /// What keeps `now`, which was made from this run's package, configuration and servers, from being
    /// this plan; nothing where it may be carried out.
    pub(super) fn changes(&self, now: &Self) -> Vec<Change> {
        let mut changes = self.changed_terms(now);
        changes.extend(self.changed_bundles(now));
        if !changes.is_empty() {
            // On another server, or of another bundle, every image would only say the same again.
            return changes;
        }
        changes.extend(self.changed_projects(now));
        changes.extend(changed_items(self.items(), now.items(), &now.begun()));
        changes
    }

    pub(super) fn items(&self) -> impl Iterator<Item = Item<'_>> {
        let shared = self.shared_sources();
        let images = self.images.iter().map(move |image| Item {
            what: match shared.contains(&image.source) {
                true => format!("image {} of {}", image.source, image.content.digest()),
                false => format!("image {}", image.source),
            },
            target: image.target.to_string(),
            content: &image.content,
            stand: Stand { step: image.action, found: image.found.clone() },
        });
        let charts = self.charts.iter().map(|chart| Item {
            what: format!("chart {} {} of {}", chart.name, chart.version, chart.bundle),
            target: chart.target.clone(),
            content: &chart.content,
            stand: Stand { step: chart.action, found: chart.found.clone() },
        });
        images.chain(charts)
    }

    /// The names of the package that stand for several images, each for platforms of its own.
    fn shared_sources(&self) -> BTreeSet<&Reference> {
        let mut contents: BTreeMap<&Reference, &Pin> = BTreeMap::new();
        let mut shared = BTreeSet::new();
        for image in &self.images {
            if **contents.entry(&image.source).or_insert(&image.content) != image.content {
                shared.insert(&image.source);
            }
        }
        shared
    }

    /// The targets that have a part of what this plan brings there, by what it finds.
    fn begun(&self) -> BTreeSet<String> {
        let is_there = |image: &&SavedImage| matches!(image.action, Step::Exists | Step::Mend);
        self.images.iter().filter(is_there).map(|image| image.target.to_string()).collect()
    }

    /// Servers and flags.
    fn changed_terms(&self, now: &Self) -> Vec<Change> {
        let servers = [
            ("the registry", &self.registry, &now.registry),
            ("the chart repository", &self.chart_repository, &now.chart_repository),
        ];
        let servers = servers
            .into_iter()
            .filter(|(_, planned, now)| planned != now)
            .map(|(what, planned, now)| Change::Server { what, planned: planned.clone(), now: now.clone() });
        let flags = self.policies.flags().into_iter().zip(now.policies.flags());
        let flags = flags.filter_map(|((flag, planned), (_, now))| match (planned, now) {
            (true, false) => Some(Change::FlagGone { flag }),
            (false, true) => Some(Change::FlagNew { flag }),
            _ => None,
        });
        servers.chain(flags).collect()
    }

    fn changed_bundles(&self, now: &Self) -> Vec<Change> {
        let left_out: BTreeSet<&String> = now.left_out.iter().collect();
        let contents = |plan: &Self| -> BTreeMap<String, Digest> {
            plan.bundles.iter().map(|bundle| (bundle.origin.clone(), bundle.contents.clone())).collect()
        };
        let pairs = pairs(contents(self), contents(now));
        pairs
            .into_iter()
            .filter_map(|(origin, pair)| match pair {
                (Some(planned), Some(now)) if planned == now => None,
                (Some(_), Some(_)) => Some(Change::BundleContent { origin }),
                (Some(_), None) if left_out.contains(&origin) => Some(Change::Unreadable { origin }),
                (Some(_), None) => Some(Change::Gone { what: format!("bundle {origin}") }),
                (None, _) => Some(Change::New { what: format!("bundle {origin}") }),
            })
            .collect()
    }

    /// A project that is there by now counts as made.
    fn changed_projects(&self, now: &Self) -> Vec<Change> {
        let visibilities = |plan: &Self| -> BTreeMap<String, Visibility> {
            plan.projects.iter().map(|project| (project.name.clone(), project.visibility)).collect()
        };
        let pairs = pairs(visibilities(self), visibilities(now));
        pairs
            .into_iter()
            .filter_map(|(name, pair)| match pair {
                (Some(planned), Some(now)) if planned != now => {
                    Some(Change::Visibility { name, planned, now })
                }
                (None, Some(_)) => Some(Change::New { what: format!("project {name}") }),
                _ => None,
            })
            .collect()
    }
}

fn changed_items<'a>(
    planned: impl Iterator<Item = Item<'a>>,
    now: impl Iterator<Item = Item<'a>>,
    begun: &BTreeSet<String>,
) -> Vec<Change> {
    let by_name = |item: Item<'a>| (item.what.clone(), item);
    let pairs = pairs(planned.map(by_name).collect(), now.map(by_name).collect());
    pairs
        .into_iter()
        .filter_map(|(what, pair)| match pair {
            (Some(planned), Some(now)) => changed_item(planned, now, begun),
            (Some(_), None) => Some(Change::Gone { what }),
            (None, _) => Some(Change::New { what }),
        })
        .collect()
}

fn changed_item(planned: Item<'_>, now: Item<'_>, begun: &BTreeSet<String>) -> Option<Change> {
    let what = now.what;
    if planned.target != now.target {
        return Some(Change::Target { what, planned: planned.target, now: now.target });
    }
    if planned.content != now.content {
        return Some(Change::Content { what });
    }
    let stands = planned.stand == now.stand
        || planned.stand.was_carried_out_to(&now.stand)
        || (begun.contains(&now.target) && planned.stand.was_begun_to(&now.stand));
    (!stands).then_some(Change::Stand { target: now.target, planned: planned.stand, now: now.stand })
}

/// By key: what each side has.
fn pairs<T>(
    planned: BTreeMap<String, T>,
    now: BTreeMap<String, T>,
) -> BTreeMap<String, (Option<T>, Option<T>)> {
    let mut pairs: BTreeMap<_, _> =
        planned.into_iter().map(|(key, value)| (key, (Some(value), None))).collect();
    for (key, value) in now {
        pairs.entry(key).or_insert((None, None)).1 = Some(value);
    }
    pairs
}
