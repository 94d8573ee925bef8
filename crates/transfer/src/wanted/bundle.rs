//! One bundle: which images it brings under which names, and its chart relocated.

use std::sync::Arc;

use bytes::Bytes;
use portolan_chart::{
    Chart, ChartError, Edit, HintImage, Hints, HintsError, RelocateError, Rules, hint_images,
};
use portolan_chartrepo::{ChartRepoError, ChartRepository, PackError, PackedChart};
use portolan_oci::{Digest, Reference, RegistryHost};
use portolan_package::{Bundle, BundleError, Image, Package};

use super::{
    ChartState, PackedForm, WantedChart, WantedImage, alone,
    contents::contents,
    packing::{Packing, Subject, pack},
};
use crate::{
    chart_places::{Charts, PlaceError},
    content::Identity,
    options::{ImagePolicy, SyncOptions},
};

/// The tag that go-containerregistry writes for an image that was named by digest alone.
const DIGEST_PLACEHOLDER: &str = "i-was-a-digest";

/// What the bundles are worked out from.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a> {
    pub(crate) package: &'a Package,
    pub(crate) options: &'a SyncOptions,
    /// The registry that targets must name; `None` where everything is pushed to one address whatever charts name.
    pub(crate) only_registry: Option<&'a RegistryHost>,
    /// Where charts go; repositories are asked for names alone, which they answer by themselves.
    pub(crate) charts: &'a Charts,
}

/// What the names of a bundle's images are worked out from.
#[derive(Clone, Copy)]
pub(super) struct Naming<'a> {
    pub(super) package: &'a Package,
    pub(super) rules: &'a Rules,
    /// As [`Inputs::only_registry`].
    pub(super) only_registry: Option<&'a RegistryHost>,
}

impl<'a> Inputs<'a> {
    pub(super) fn naming(&self) -> Naming<'a> {
        Naming { package: self.package, rules: &self.options.rules, only_registry: self.only_registry }
    }
}

/// What one bundle asks for.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// Where it stands in the package.
    pub(crate) index: usize,
    pub(crate) source: String,
    /// What it is known by.
    pub(crate) contents: Digest,
    pub(crate) images: Vec<WantedImage>,
    pub(crate) chart: Option<WantedChart>,
    /// What a reader should know of it, each with the bundle's name.
    pub(crate) notes: Vec<String>,
}

impl Prepared {
    /// Gives it another number.
    pub(super) fn number(&mut self, index: usize) {
        self.index = index;
        self.images.iter_mut().for_each(|image| image.bundle = index);
        self.chart.iter_mut().for_each(|chart| chart.bundle = index);
    }
}

/// Why a bundle can't be planned.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrepareError {
    #[error("reading the bundle")]
    Bundle {
        #[source]
        source: BundleError,
    },
    #[error("Helm would refuse the chart, so it stays out with its images")]
    Refused {
        #[source]
        source: ChartError,
    },
    #[error("the chart has no repository to go to, so it stays out with its images")]
    Place {
        #[source]
        source: PlaceError,
    },
    #[error("the chart repository takes no chart of this name, so it stays out with its images")]
    Name {
        #[source]
        source: ChartRepoError,
    },
    #[error("packing the chart")]
    Chart {
        #[source]
        source: PackError,
    },
    #[error("reading the chart's image hints")]
    Hints {
        #[source]
        source: HintsError,
    },
    #[error("relocating the chart")]
    Relocate {
        #[source]
        source: RelocateError,
    },
    #[error(
        "hint {hint:?} names the image {image}, which images.tar does not hold: make the bundle anew with all its images, or leave them out with --skip-images"
    )]
    NotCarried { hint: String, image: Reference },
    #[error(
        "the image {image} would go to the registry {registry}, but this run pushes to {only}: set target.containerRegistry"
    )]
    OtherRegistry { image: Reference, registry: RegistryHost, only: RegistryHost },
}

/// Works one bundle out; `None` where its chart was not chosen.
pub(super) fn prepare(inputs: &Inputs<'_>, index: usize) -> Result<Option<Prepared>, PrepareError> {
    let bundle = &inputs.package.bundles[index];
    let source = bundle.origin.to_string();
    let Some(chart) = bundle.chart().map_err(|source| PrepareError::Bundle { source })? else {
        let images = carried(inputs.naming(), index)?;
        let contents = contents(bundle, None);
        return Ok(Some(Prepared { index, source, contents, images, chart: None, notes: Vec::new() }));
    };
    let Some(policy) = policy_for(inputs.options, &chart) else { return Ok(None) };
    if matches!(inputs.charts, Charts::Nowhere) {
        return alone::images_of(inputs, index, &chart, policy).map(Some);
    }
    let repository = inputs.charts.of(bundle.folder.as_deref());
    let repository = repository.map_err(|source| PrepareError::Place { source })?;
    let mut notes = remarks(repository.as_ref(), &chart)?;
    let contents = contents(bundle, Some(&chart));
    let hints = hints_of(bundle, &chart)?;
    let named = hint_images(&chart, &hints, &inputs.options.rules)
        .map_err(|source| PrepareError::Relocate { source })?;
    let images = match policy {
        ImagePolicy::Relocate => all_images(inputs.naming(), index, &named)?,
        ImagePolicy::RewriteOnly | ImagePolicy::Leave => Vec::new(),
    };
    let subject = Subject { bundle, chart: &chart, hints: &hints, policy };
    let (edits, state, more) = relocated(inputs.options, subject, &named)?;
    notes.extend(more);
    let chart = WantedChart {
        bundle: index,
        source: source.clone(),
        name: chart.name().to_owned(),
        version: chart.version().clone(),
        repository,
        edits,
        images: images.iter().map(|image| image.target.clone()).collect(),
        repeats: false,
        state,
    };
    let notes = notes.into_iter().map(|note| format!("{source}: {note}")).collect();
    Ok(Some(Prepared { index, source, contents, images, chart: Some(chart), notes }))
}

/// The names that the images of a bundle will have, as far as its chart and hints tell, which come first in a
/// stream; in the order of the hints. Nothing where the chart is not chosen, or goes without images.
pub(crate) fn foretold(inputs: &Inputs<'_>, index: usize) -> Result<Option<Vec<Reference>>, PrepareError> {
    let bundle = &inputs.package.bundles[index];
    let Some(chart) = bundle.chart().map_err(|source| PrepareError::Bundle { source })? else {
        return Ok(Some(Vec::new()));
    };
    if policy_for(inputs.options, &chart) != Some(ImagePolicy::Relocate) {
        return Ok(None);
    }
    let hints = hints_of(bundle, &chart)?;
    let rules = &inputs.options.rules;
    let relocate = |source| PrepareError::Relocate { source };
    let named = hint_images(&chart, &hints, rules).map_err(relocate)?;
    let targets = named.iter().map(|hint| target_of(inputs.naming(), &hint.source));
    targets.collect::<Result<_, _>>().map(Some)
}

/// The chart as it will be uploaded, as far as the digests that it pins are known by now: what relocation
/// edits, the archive, and notes.
fn relocated(
    options: &SyncOptions,
    subject: Subject<'_>,
    named: &[HintImage],
) -> Result<(Vec<Edit>, ChartState, Vec<String>), PrepareError> {
    let Subject { bundle, policy, .. } = subject;
    if policy != ImagePolicy::Leave && awaits_digests(bundle, named) {
        let stand_in = |reference: &Reference| stand_in(bundle, reference);
        let packing = pack(options, subject, &stand_in)?;
        let provisional = packing.chart.digest().clone();
        return Ok((Vec::new(), ChartState::AwaitsDigests { provisional }, Vec::new()));
    }
    let known = |reference: &Reference| digest_in(bundle, reference);
    let packing = pack(options, subject, &known)?;
    let state = ChartState::Packed(PackedForm::of(&Arc::new(packing.chart)));
    Ok((packing.edits, state, packing.notes))
}

/// Checks the chart by Helm's rules and the repository's; gives what Helm would only warn of.
fn remarks(repository: &dyn ChartRepository, chart: &Chart) -> Result<Vec<String>, PrepareError> {
    let remarks = chart.validate().map_err(|source| PrepareError::Refused { source })?;
    repository.takes(chart.name(), chart.version()).map_err(|source| PrepareError::Name { source })?;
    Ok(remarks)
}

/// Relocates and packs a bundle's chart again: because its archive was given up for want of room, or
/// because `digest_of` knows digests now of the bundle's images that weren't known before.
pub(crate) fn repack(
    inputs: &Inputs<'_>,
    index: usize,
    digest_of: &dyn Fn(&Reference, &Image) -> Option<Digest>,
) -> Result<PackedChart, PrepareError> {
    let bundle = &inputs.package.bundles[index];
    let chart = bundle
        .chart()
        .map_err(|source| PrepareError::Bundle { source })?
        .expect("because this bundle had a chart when it was planned");
    let policy = policy_for(inputs.options, &chart).unwrap_or_default();
    let hints = hints_of(bundle, &chart)?;
    let look_up = |reference: &Reference| {
        let image = find(bundle, reference)?;
        Identity::of(image).digest().cloned().or_else(|| digest_of(reference, image))
    };
    let subject = Subject { bundle, chart: &chart, hints: &hints, policy };
    let Packing { chart, .. } = pack(inputs.options, subject, &look_up)?;
    Ok(chart)
}

fn policy_for(options: &SyncOptions, chart: &Chart) -> Option<ImagePolicy> {
    let chosen = options.selection.choose(chart.name(), &chart.version().to_string())?;
    Some(chosen.max(options.images))
}

/// The image hints of a bundle, else those that its chart carries.
pub(crate) fn hints_of(bundle: &Bundle, chart: &Chart) -> Result<Hints, PrepareError> {
    if let Some(hints) = bundle.hints().map_err(|source| PrepareError::Bundle { source })? {
        return Ok(hints);
    }
    let (origin, data) = match chart.hints_file() {
        Some(file) => (format!("{}: {}", bundle.origin, file.path), file.data.clone()),
        None => (bundle.origin.to_string(), Bytes::new()),
    };
    Hints::parse(&origin, &data).map_err(|source| PrepareError::Hints { source })
}

/// Every image of the bundle under every name that its archive gives it.
pub(super) fn carried(naming: Naming<'_>, index: usize) -> Result<Vec<WantedImage>, PrepareError> {
    let mut wanted = Vec::new();
    for image in &naming.package.bundles[index].images {
        let content = Arc::new(image.clone());
        for source in image.names.iter().filter(|name| !is_placeholder(name)) {
            wanted.push(aim(naming, index, source, &content)?);
        }
    }
    Ok(wanted)
}

/// The images that the archive names, and those that hints name by digest.
pub(super) fn all_images(
    naming: Naming<'_>,
    index: usize,
    named: &[HintImage],
) -> Result<Vec<WantedImage>, PrepareError> {
    let bundle = &naming.package.bundles[index];
    let mut wanted = carried(naming, index)?;
    if bundle.images.is_empty() {
        return Ok(wanted);
    }
    for hint in named {
        let image = find(bundle, &hint.source).ok_or_else(|| PrepareError::NotCarried {
            hint: hint.hint.clone(),
            image: hint.source.clone(),
        })?;
        if hint.source.digest.is_some() {
            wanted.push(aim(naming, index, &hint.source, &Arc::new(image.clone()))?);
        }
    }
    Ok(wanted)
}

pub(super) fn aim(
    naming: Naming<'_>,
    bundle: usize,
    source: &Reference,
    content: &Arc<Image>,
) -> Result<WantedImage, PrepareError> {
    let target = target_of(naming, source)?;
    Ok(WantedImage { bundle, source: source.clone(), target, content: Arc::clone(content) })
}

/// Where an image goes.
fn target_of(naming: Naming<'_>, source: &Reference) -> Result<Reference, PrepareError> {
    let target = naming.rules.target(source).map_err(|source| PrepareError::Relocate { source })?;
    match naming.only_registry {
        Some(only) if *only != target.registry => Err(PrepareError::OtherRegistry {
            image: source.clone(),
            registry: target.registry,
            only: only.clone(),
        }),
        _ => Ok(target),
    }
}

fn is_placeholder(name: &Reference) -> bool {
    name.tag.as_ref().is_some_and(|tag| tag.as_str() == DIGEST_PLACEHOLDER)
}

/// The image of the bundle that `reference` names.
pub(crate) fn find<'a>(bundle: &'a Bundle, reference: &Reference) -> Option<&'a Image> {
    bundle.images.iter().find(|image| image.names.iter().any(|name| names(name, image, reference)))
}

fn names(name: &Reference, image: &Image, wanted: &Reference) -> bool {
    let same_repository = name.registry == wanted.registry && name.repository == wanted.repository;
    let same_content = match &wanted.digest {
        Some(digest) => Identity::of(image).digest() == Some(digest),
        None => name.locator() == wanted.locator() || wanted.tag.is_none(),
    };
    same_repository && same_content
}

pub(super) fn digest_in(bundle: &Bundle, reference: &Reference) -> Option<Digest> {
    Identity::of(find(bundle, reference)?).digest().cloned()
}

/// The digest of an image's config where that of its manifest isn't known yet.
fn stand_in(bundle: &Bundle, reference: &Reference) -> Option<Digest> {
    Some(Identity::of(find(bundle, reference)?).pin().digest().clone())
}

fn awaits_digests(bundle: &Bundle, named: &[HintImage]) -> bool {
    pending(bundle, named).is_some()
}

/// The first image that the chart is to name by a digest which nobody knows before it was sent.
pub(super) fn pending<'a>(bundle: &Bundle, named: &'a [HintImage]) -> Option<&'a Reference> {
    let is_pending = |hint: &&HintImage| {
        find(bundle, &hint.source).is_some_and(|image| Identity::of(image).digest().is_none())
    };
    named.iter().filter(|hint| hint.pin_digest).find(is_pending).map(|hint| &hint.source)
}
