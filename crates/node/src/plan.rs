//! What is to be done on one node: worked out of what the package brings and what the node has, without
//! asking anybody.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use portolan_oci::{Digest, Platform, Reference};
use portolan_transfer::{NamedImage, PackageImages};
use serde::{Serialize, Serializer};

use crate::{
    content::NodeImage,
    error::RuntimeError,
    names::{NodeName, node_names},
    options::{LoadOptions, Overwrite},
    survey::{RuntimeKind, Survey},
};

/// All that would be done on a node.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodePlan {
    /// The node, as a person named it.
    pub node: String,
    /// Where its runtime is asked.
    pub address: String,
    /// What runs there.
    pub runtime: RuntimeKind,
    /// Its version.
    pub version: String,
    /// The platform that is loaded.
    #[serde(serialize_with = "text")]
    pub platform: Platform,
    /// The images, in the package's order, each content once.
    pub images: Vec<PlannedLoad>,
    /// What a reader should know though nothing is wrong.
    pub notes: Vec<String>,
    /// What the node had when it was asked.
    #[serde(skip)]
    pub survey: Survey,
}

/// One image and what is to be done with it on a node.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedLoad {
    /// Its first name in the package, in full form.
    pub source: Reference,
    /// Every name that it is to have.
    pub names: Vec<NodeName>,
    /// Digest of what the names stand for; absent where it shows only while layers are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// What is to be done.
    #[serde(flatten)]
    pub action: LoadAction,
    /// Names of it that stand for another content on the node, and are left alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<NodeName>,
    /// Bytes that have to be brought for it, before any sharing.
    pub bytes: u64,
    /// The image, where it is one for this node.
    #[serde(skip)]
    pub image: Option<NodeImage>,
}

/// What is to be done with an image on a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum LoadAction {
    /// Bring what lacks of it, and give it its names.
    Load,
    /// It is there whole, and lacks names, or is to be pinned.
    Name,
    /// It is there under all its names.
    Exists,
    /// Every name of it stands for another content, and is left alone.
    Keep,
    /// It can't be brought to this node.
    Refuse {
        /// Why.
        error: String,
    },
}

/// An image that a node may be given: of a package, or of a registry.
#[derive(Clone)]
pub struct Offer {
    /// Where it comes from, for people.
    pub origin: String,
    /// Its name there.
    pub source: Reference,
    /// The name that it is to have.
    pub target: Reference,
    /// The image; why it is none for the node, where it isn't.
    pub image: Result<NodeImage, String>,
}

/// An image with all its names, before the node is looked at.
struct Wanted {
    origin: String,
    source: Reference,
    picked: Result<NodeImage, String>,
    names: BTreeSet<NodeName>,
}

/// What makes two images of a package the same one on a node.
type Key = (Option<Digest>, Option<Digest>, Digest);

/// Works out what is to be done on `node`, which has what `survey` tells.
pub fn plan(
    (node, address): (&str, &str),
    package: &PackageImages,
    survey: Survey,
    options: &LoadOptions,
) -> NodePlan {
    let platform = options.platform.clone().unwrap_or_else(|| survey.platform.clone());
    let offers = package.images.iter().map(|image| Offer::of(image, &platform)).collect();
    plan_offers((node, address), offers, survey, options)
}

/// The same of images that were picked for the node's platform already.
pub fn plan_offers(
    (node, address): (&str, &str),
    offers: Vec<Offer>,
    survey: Survey,
    options: &LoadOptions,
) -> NodePlan {
    let platform = options.platform.clone().unwrap_or_else(|| survey.platform.clone());
    let mut wanted = wanted(offers, options);
    refuse_collisions(&mut wanted);
    let images: Vec<PlannedLoad> = wanted.into_iter().map(|image| image.planned(&survey, options)).collect();
    NodePlan {
        node: node.to_owned(),
        address: address.to_owned(),
        runtime: survey.kind,
        version: survey.version.clone(),
        platform,
        images,
        notes: Vec::new(),
        survey,
    }
}

impl Offer {
    pub(crate) fn of(image: &NamedImage, platform: &Platform) -> Self {
        Self {
            origin: image.bundle.clone(),
            source: image.source.clone(),
            target: image.target.clone(),
            image: NodeImage::pick(&image.content, platform).map_err(|error| error.to_string()),
        }
    }
}

/// Every name that the images of a package may be given: what a node is asked about.
pub fn all_names(package: &PackageImages, options: &LoadOptions) -> Vec<NodeName> {
    let names: BTreeSet<NodeName> =
        package.images.iter().flat_map(|image| names_of(&image.source, &image.target, options)).collect();
    names.into_iter().collect()
}

/// The names that one image is to have.
pub(crate) fn names_of(source: &Reference, target: &Reference, options: &LoadOptions) -> Vec<NodeName> {
    let mut names = node_names(target);
    if options.keeps_original_names {
        names.extend(node_names(source));
    }
    names
}

/// Joins what is the same on a node. What is for other platforms is left out where the same name is brought
/// for this one too, since a package may hold both.
fn wanted(offers: Vec<Offer>, options: &LoadOptions) -> Vec<Wanted> {
    let mut wanted: Vec<Wanted> = Vec::new();
    let mut by_key: HashMap<Key, usize> = HashMap::new();
    for offer in offers {
        let names = names_of(&offer.source, &offer.target, options);
        let Offer { origin, source, image: picked, .. } = offer;
        let known = picked.as_ref().ok().map(key).map(|key| *by_key.entry(key).or_insert(wanted.len()));
        match known.and_then(|at| wanted.get_mut(at)) {
            Some(same) => same.names.extend(names),
            None => wanted.push(Wanted { origin, source, picked, names: names.into_iter().collect() }),
        }
    }
    let fitting: BTreeSet<NodeName> =
        wanted.iter().filter(|it| it.picked.is_ok()).flat_map(|it| it.names.clone()).collect();
    wanted.retain(|it| it.picked.is_ok() || !it.names.is_subset(&fitting));
    wanted
}

fn key(image: &NodeImage) -> Key {
    let digest = |manifest: &Option<portolan_oci::Manifest>| manifest.as_ref().map(|it| it.digest().clone());
    (digest(&image.index), digest(&image.manifest), image.config_digest.clone())
}

/// Two images that would have one name are both refused: neither is right by itself.
fn refuse_collisions(wanted: &mut [Wanted]) {
    let mut by_name: BTreeMap<NodeName, Vec<usize>> = BTreeMap::new();
    for (at, image) in wanted.iter().enumerate().filter(|(_, image)| image.picked.is_ok()) {
        for name in &image.names {
            by_name.entry(name.clone()).or_default().push(at);
        }
    }
    for (name, at) in by_name.into_iter().filter(|(_, at)| at.len() > 1) {
        let sources: Vec<String> =
            at.iter().map(|at| format!("{} (of {})", wanted[*at].source, wanted[*at].origin)).collect();
        let error = format!(
            "the images {} would both become {name} with different content: set target.containerPrefixRepository or containerPrefixRegistry, which keep the whole repository, instead of containerRepository",
            sources.join(" and ")
        );
        at.iter().for_each(|at| wanted[*at].picked = Err(error.clone()));
    }
}

impl Wanted {
    fn planned(self, survey: &Survey, options: &LoadOptions) -> PlannedLoad {
        let Self { source, picked, names, .. } = self;
        let names: Vec<NodeName> = names.into_iter().collect();
        let blank = PlannedLoad {
            source,
            names,
            digest: None,
            action: LoadAction::Exists,
            kept: Vec::new(),
            bytes: 0,
            image: None,
        };
        match picked {
            Err(error) => PlannedLoad { action: LoadAction::Refuse { error }, ..blank },
            Ok(image) => decided(blank, image, survey, options),
        }
    }
}

/// What is to be done with an image that is one for this node.
fn decided(blank: PlannedLoad, image: NodeImage, survey: &Survey, options: &LoadOptions) -> PlannedLoad {
    let digest = image.target().map(|target| target.digest);
    let kept: Vec<NodeName> = match options.overwrite {
        Overwrite::Replace => Vec::new(),
        Overwrite::Keep => {
            blank.names.iter().filter(|name| is_taken(name, &image, survey)).cloned().collect()
        }
    };
    let planned = PlannedLoad { digest, kept, ..blank };
    let by_digest_alone = planned.names.iter().all(NodeName::is_by_digest);
    if survey.kind == RuntimeKind::Docker && by_digest_alone {
        let error = RuntimeError::NameByDigest.to_string();
        return PlannedLoad { action: LoadAction::Refuse { error }, ..planned };
    }
    let action = action(&planned, &image, survey, options);
    let bytes = if action == LoadAction::Load { survey.bytes_lacking(&image) } else { 0 };
    PlannedLoad { action, bytes, image: Some(image), ..planned }
}

/// Whether a name stands for another content.
fn is_taken(name: &NodeName, image: &NodeImage, survey: &Survey) -> bool {
    // By digest it stands for that content, or for what is broken and is to be mended.
    !name.is_by_digest() && survey.names.get(name).is_some_and(|held| !held.is(image))
}

fn action(planned: &PlannedLoad, image: &NodeImage, survey: &Survey, options: &LoadOptions) -> LoadAction {
    let mut to_give = planned.gives(survey.kind).peekable();
    if to_give.peek().is_none() {
        return LoadAction::Keep;
    }
    let has = |name: &NodeName| {
        let held = survey.names.get(name).filter(|held| held.is(image));
        held.is_some_and(|held| held.is_pinned || !options.pins || survey.kind == RuntimeKind::Docker)
    };
    match (survey.is_whole(image), to_give.all(has)) {
        (false, _) => LoadAction::Load,
        (true, false) => LoadAction::Name,
        (true, true) => LoadAction::Exists,
    }
}

impl PlannedLoad {
    /// The names that it is to be given: all but those that are kept, and those that the runtime can't
    /// be given.
    pub fn gives(&self, kind: RuntimeKind) -> impl Iterator<Item = &NodeName> {
        let can_be_given = move |name: &NodeName| kind != RuntimeKind::Docker || !name.is_by_digest();
        self.names.iter().filter(move |name| can_be_given(name) && !self.kept.contains(name))
    }
}

impl NodePlan {
    /// Bytes of all images that are to be brought, before any sharing.
    pub fn bytes(&self) -> u64 {
        self.images.iter().map(|image| image.bytes).sum()
    }
}

/// A value as its text.
pub(crate) fn text<S: Serializer>(value: &impl ToString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}
