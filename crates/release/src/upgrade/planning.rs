//! From what was prepared to the plan: rendered, rehearsed, compared, and its images looked for.

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;
use tokio::sync::oneshot;

use super::compare::{Rendered, compare, divide, way_back};
use super::definitions;
use super::error::UpgradeError;
use super::ground::{Ground, Standing, differing};
use super::hooks::{Hook, hooks};
use super::images::{self, CheckedImage};
use super::live::AT_ONCE;
use super::looking::{self, Looked};
use super::options::{Frozen as FrozenPolicy, ImageCheck, UpgradeOptions};
use super::package::Push;
use super::plan::{NoWayBack, PLAN_VERSION, UpgradePlan};
use super::prepare::Prepared;
use super::rehearse::{Manner, Rehearsal, rehearse};
use super::{DefinitionsError, Site, namespace, rights};
use crate::advisories::{Advice, ChartFacts, KnownImages, NoImages};
use crate::diff::{Action, Change, CrdDiff, ObjectDiff, crd_diff, value_changes};
use crate::event::Step;
use crate::helm::{Input, Line, Upgrade};
use crate::run::Run;
use crate::stored::StoredRelease;
use crate::values::Values;
use crate::verify::Watched;

/// Works the upgrade out. Only reads.
///
/// # Errors
/// [`UpgradeError`] where it can't be worked out. What merely stands in the way is in the plan.
pub async fn plan(
    site: Site<'_>,
    prepared: Prepared,
    options: &UpgradeOptions,
    run: &Run<'_>,
) -> Result<UpgradePlan, UpgradeError> {
    let advice = advise(site, &prepared, options).await;
    let upgrade = Upgrade {
        installs: prepared.now.is_none(),
        chart: prepared.path.clone(),
        values: yaml(&advice.overrides),
        timeout: options.timeout,
        end: options.end,
    };
    let words = |rendered: &Rendering| {
        let Rendered { objects, definitions } = &rendered.rendered;
        format!("{}, {}", count(objects.len(), "object"), count(definitions.len(), "definition"))
    };
    let rendering = run.step(Step::Render, render(site, &upgrade, options), words).await?;
    // Cluster and registries at once: a future that is large, and boxed for that.
    let found = Box::pin(find_out(site, &prepared, &rendering.rendered, options, run)).await?;
    Ok(assemble(prepared, options, advice, upgrade, rendering, found))
}

/// What Helm rendered.
struct Rendering {
    rendered: Rendered,
    note: Option<String>,
    /// Objects that another rendering gave differently.
    not_pinned: Vec<String>,
}

/// What server and registries say of it.
struct FoundOut {
    rehearsal: Rehearsal,
    definitions: Vec<CrdDiff>,
    refused_definitions: Vec<String>,
    objects: Vec<ObjectDiff>,
    images: Vec<CheckedImage>,
    hooks: Vec<Hook>,
    pushes: Vec<Push>,
    notes: Vec<String>,
}

async fn find_out(
    site: Site<'_>,
    prepared: &Prepared,
    rendered: &Rendered,
    options: &UpgradeOptions,
    run: &Run<'_>,
) -> Result<FoundOut, UpgradeError> {
    let namespace = options.release.namespace.as_str();
    let now = prepared.now.as_ref();
    let is_server_side = match now {
        Some(now) => now.apply_method == "ssa",
        None => site.helm.version().line() == Line::Four,
    };
    let old_manifest = now.map_or("", |now| &now.manifest);
    let trial = async {
        let to_come = namespace::to_come(namespace, prepared.makes_namespace, &rendered.objects);
        let manner = Manner { namespace, to_come: &to_come, is_server_side };
        let tried = rehearse(site.cluster, &rendered.objects, manner).await?;
        Ok::<_, UpgradeError>((tried, try_definitions(site, &rendered.definitions).await?))
    };
    let words =
        |((rehearsal, _), (_, refused)): &((Rehearsal, _), (_, Vec<_>))| rehearsed(rehearsal, refused);
    // The registry is asked while the cluster is: neither waits for the other, and both are told in their order.
    let (answer, answered) = oneshot::channel();
    let asking = async {
        // Nobody listens any more where the cluster failed.
        let _ = answer.send(looking::look(site, prepared, &rendered.objects, options).await);
    };
    let in_order = async {
        let ((mut rehearsal, tried), (definitions, refused_definitions)) =
            run.step(Step::Rehearse, trial, words).await?;
        let comparing = async {
            let objects = compare(site.cluster, old_manifest, &rendered.objects, &tried, namespace).await?;
            rights::ask(site.cluster, &options.release, &objects, &mut rehearsal).await?;
            Ok::<_, UpgradeError>(objects)
        };
        let words = |objects: &Vec<ObjectDiff>| compared(objects, &definitions);
        let objects = run.step(Step::Compare, comparing, words).await?;
        let hooks = hooks(&rendered.objects, &tried);
        let looking = async { answered.await.expect("because whoever asks goes on until it has sent") };
        let words = |(_, images, _): &Looked| looking::words(images);
        let (pushes, images, notes) = run.step(Step::Images, looking, words).await?;
        Ok(FoundOut { rehearsal, definitions, refused_definitions, objects, images, hooks, pushes, notes })
    };
    tokio::join!(asking, in_order).1
}

fn assemble(
    prepared: Prepared,
    options: &UpgradeOptions,
    advice: Advice,
    upgrade: Upgrade,
    rendering: Rendering,
    found: FoundOut,
) -> UpgradePlan {
    let Rendering { rendered, note, not_pinned } = rendering;
    let Derived { ground, values, way_back } = derive(&prepared, &advice, &rendered, &found, not_pinned);
    let (now, version) = (prepared.now, prepared.chart.version().to_string());
    let notes = prepared.notes.into_iter().chain(note).chain(found.notes).collect();
    UpgradePlan {
        plan_version: PLAN_VERSION,
        release: prepared.release.name.to_string(),
        namespace: prepared.release.namespace.to_string(),
        makes_namespace: prepared.makes_namespace,
        chart: prepared.chart.name().to_owned(),
        revision: now.as_ref().map(|now| now.version),
        from: now.as_ref().map(|now| now.chart.metadata.version.clone()),
        to: version,
        source: prepared.from,
        digest: ground.digest(),
        ground,
        values,
        frozen: prepared.frozen,
        drops_frozen: options.frozen == FrozenPolicy::Drop,
        concerns: prepared.concerns,
        advice,
        definitions: found.definitions,
        refused_definitions: found.refused_definitions,
        objects: found.objects,
        images: found.images,
        pushes: found.pushes,
        way_back,
        rehearsal: found.rehearsal,
        notes,
        now,
        upgrade,
        watched: rendered.objects.into_iter().map(Watched::from).collect(),
        crds: rendered.definitions,
        hooks: found.hooks,
    }
}

/// What follows from two sides of the plan together.
struct Derived {
    ground: Ground,
    values: Vec<Change>,
    way_back: Vec<NoWayBack>,
}

fn derive(
    prepared: &Prepared,
    advice: &Advice,
    rendered: &Rendered,
    found: &FoundOut,
    not_pinned: Vec<String>,
) -> Derived {
    let now = prepared.now.as_ref();
    let standing = Standing {
        release: &prepared.release,
        now,
        chart: &prepared.chart,
        overrides: &advice.overrides,
        rendered,
        pushes: &found.pushes,
    };
    let old_manifest = now.map_or("", |now| &now.manifest);
    Derived {
        ground: Ground::of(&standing, not_pinned),
        values: value_changes(&own_values(now), &advice.overrides),
        way_back: way_back(old_manifest, &rendered.objects, prepared.release.namespace.as_str()),
    }
}

/// The overrides that stand; none of a release that is not there yet.
fn own_values(now: Option<&StoredRelease>) -> Values {
    let own = now.map(|now| Value::Object(now.config.clone()));
    own.and_then(|own| Values::of_json("the release", own).ok()).unwrap_or_default()
}

/// What the advisories come to. What they want to know of registries is asked first.
pub(super) async fn advise(site: Site<'_>, prepared: &Prepared, options: &UpgradeOptions) -> Advice {
    let overrides = match options.frozen {
        FrozenPolicy::Keep => prepared.overrides.clone(),
        FrozenPolicy::Drop => prepared.overrides.without(&prepared.frozen),
    };
    let from = prepared.from();
    let chart = ChartFacts::of(&prepared.chart);
    let subject = prepared.subject(&overrides, from.as_ref(), &chart, &NoImages);
    let asked = prepared.advisories.images_to_ask(&subject);
    let known = match options.image_check {
        ImageCheck::Require => images::held(asked, site.registries).await,
        ImageCheck::Skip => KnownImages::default(),
    };
    prepared.advise(&overrides, options, &known)
}

/// Renders; twice, where the plan is to be held to later.
async fn render(
    site: Site<'_>,
    upgrade: &Upgrade,
    options: &UpgradeOptions,
) -> Result<Rendering, UpgradeError> {
    let (text, note) = site.helm.render(&options.release, upgrade, site.cluster).await?;
    let rendered = divide(&text)?;
    let not_pinned = match options.pins {
        false => Vec::new(),
        true => {
            let (again, _) = site.helm.render(&options.release, upgrade, site.cluster).await?;
            differing(&rendered, &divide(&again)?)
        }
    };
    Ok(Rendering { rendered, note, not_pinned })
}

/// What becomes of each definition, and what the server refuses. Compared is what the server would make of it,
/// so that what it fills in is no change.
async fn try_definitions(
    site: Site<'_>,
    definitions: &[Value],
) -> Result<(Vec<CrdDiff>, Vec<String>), UpgradeError> {
    let trials = definitions.iter().map(|definition| try_definition(site, definition));
    let tried: Vec<_> = stream::iter(trials).buffered(AT_ONCE).try_collect().await?;
    let (diffs, refused): (Vec<_>, Vec<_>) = tried.into_iter().unzip();
    Ok((diffs, refused.into_iter().flatten().collect()))
}

/// What becomes of one, and why the server refuses it where it does.
async fn try_definition(
    site: Site<'_>,
    definition: &Value,
) -> Result<(CrdDiff, Option<String>), UpgradeError> {
    let live = definitions::live(site.cluster, definition).await?;
    match definitions::apply(site.cluster, definition, true).await {
        Ok(applied) => Ok((crd_diff(live.as_ref(), &applied), None)),
        Err(DefinitionsError::Refused { source, .. }) if source.may_pass() => Err(source.into()),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            let why = format!("{error}{}", cause.unwrap_or_default());
            Ok((crd_diff(live.as_ref(), definition), Some(why)))
        }
    }
}

/// Overrides as a values file. JSON is YAML, and says types exactly.
pub(super) fn yaml(overrides: &Values) -> Input {
    overrides.to_json().to_string().into_bytes().into()
}

fn compared(objects: &[ObjectDiff], definitions: &[CrdDiff]) -> String {
    let of = |wanted: Action| objects.iter().filter(|one| one.action == wanted).count();
    let changed = definitions.iter().filter(|one| one.action != Action::Keep).count();
    let (made, differs, gone) = (of(Action::Create), of(Action::Change), of(Action::Delete));
    let changed = count(changed, "definition");
    format!("of objects {made} are made, {differs} changed, {gone} removed; {changed} changed")
}

fn rehearsed(rehearsal: &Rehearsal, refused: &[String]) -> String {
    let refused = rehearsal.refused.len() + refused.len();
    let left = rehearsal.not_rehearsed.len();
    let taken = count(rehearsal.taken, "object");
    format!("the server takes {taken} and refuses {refused}; {left} can't be tried")
}

/// `1 object`, `2 objects`
pub(super) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
