//! `portolan merge`: one tag gains the platforms of other images.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use clap::Args;
use portolan_oci::{Reference, RegistryHost};
use portolan_package::Image;
use portolan_registry::{Access, Registry, Stop};
use portolan_transfer::{
    Existing, MergeFailure, MergeOptions, MergeSource, MergeTarget, execute_merge, plan_merge,
};

use super::connect;
use super::interruption::Interrupted;
use super::registry_flags::{NamedReference, RegistryFlags};
use super::transfer::{Jobs, OnExisting, jobs, show_report};
use crate::config::{DEFAULT_JOBS, Environment, Flags, KnownRegistries, SchemeChoice};
use crate::failure::{Exit, Failure};
use crate::output::{Console, Format, merging};

/// Has one tag name the platforms of other images too.
///
/// Whatever the tag names already stays: it gains the platforms that it lacks, with their attestations, and
/// signatures and other referrers go along. Blobs are mounted within a registry, and pass through from another
/// one; nothing is laid down here. Where the tag is free it names the source as that is.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct MergeArgs {
    /// The tag that gains platforms, HOST/REPOSITORY:TAG, also behind oci://, http:// or https://
    #[arg(value_name = "TARGET")]
    target: String,
    /// Images whose platforms it gains: in a registry, HOST/REPOSITORY:TAG or HOST/REPOSITORY@DIGEST, or in a
    /// package, PACKAGE#NAME
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<String>,
    /// What to do if the tag exists with other content
    #[arg(long, value_name = "WHAT", default_value = "merge")]
    on_existing: OnExisting,
    /// Replace what the tag has for a platform of the sources; of two sources that have one platform, the
    /// later one is taken
    #[arg(long)]
    overwrite: bool,
    /// Leave out of the tag what its registry has lost
    #[arg(long)]
    drop_lost: bool,
    /// Show what would be done, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// How many blobs are sent at once
    #[arg(long, value_name = "N", value_parser = jobs, default_value_t = Jobs(DEFAULT_JOBS))]
    jobs: Jobs,
    /// Form of the result on standard output
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    access: Box<RegistryFlags>,
}

const EXAMPLES: &str = "\
Examples:
  portolan merge registry.example.com/team/web:1.2 registry.example.com/team/web:1.2-arm64
  portolan merge registry.example.com/team/web:1.2 other.example.com/web:amd64 other.example.com/web:arm64
  portolan merge registry.example.com/team/web:1.2 bundles/web.bundle.tar#quay.io/team/web:1.2 --dry-run

Exit codes: 0 done, 1 failed and nothing was changed, 2 usage or configuration, 3 a platform was kept with
other content, or interrupted.";

/// Merges, or shows what that would do.
///
/// # Errors
///
/// [`Failure`] where the arguments cannot be used, or nothing was merged.
pub fn run(arguments: &MergeArgs, environment: &Environment, console: &Console) -> Result<Exit, Failure> {
    let target = named_target(&arguments.target)?;
    let sources = arguments.sources.iter().map(|text| Source::of(text)).collect::<Result<Vec<_>, _>>()?;
    let known = arguments.access.known(environment)?;
    let stop = Stop::default();
    let work = merge(arguments, &target, &sources, Clients::new(&known, &target, &stop), console);
    super::carry_out(Interrupted::Run, &stop, console, work)
}

fn refused(message: impl Into<String>) -> Failure {
    Failure { exit: Exit::Usage, ..Failure::failed(message) }
}

/// The target has to be a tag: a digest names what it names.
fn named_target(text: &str) -> Result<NamedReference, Failure> {
    let named = NamedReference::parse(text)?;
    match (&named.reference.tag, &named.reference.digest) {
        (Some(_), None) => Ok(named),
        _ => Err(refused(format!("the target {} is no tag, which alone can gain anything", named.reference))),
    }
}

async fn merge(
    arguments: &MergeArgs,
    target: &NamedReference,
    sources: &[Source],
    mut clients: Clients<'_>,
    console: &Console,
) -> Result<Exit, Failure> {
    let existing = Existing {
        policy: arguments.on_existing.into(),
        overwrite: arguments.overwrite,
        drop_lost: arguments.drop_lost,
    };
    let options = MergeOptions { existing, jobs: arguments.jobs.0, stop: clients.stop.clone() };
    // What lies here is looked at before anybody is called.
    let mut opened = Vec::with_capacity(sources.len());
    for source in sources {
        opened.push(source.opened().await?);
    }
    let target = MergeTarget { registry: clients.of(target).await?, name: target.reference.clone() };
    let mut from = Vec::with_capacity(sources.len());
    for source in opened {
        from.push(source.reached(&mut clients).await?);
    }
    let plan = plan_merge(&target, &from, &options).await.map_err(failure)?;
    if arguments.dry_run {
        match arguments.output {
            Format::Text => console.result(&merging::text(&plan, console.style())),
            Format::Json => console.json(&plan)?,
        }
        return Ok(Exit::Done);
    }
    let progress = console.progress();
    let report = execute_merge(&plan, &target, &options, progress.as_ref()).await;
    show_report(&report, arguments.output, existing.policy, console)
}

fn failure(error: MergeFailure) -> Failure {
    match error {
        MergeFailure::Interrupted => Failure::interrupted(),
        error => Failure::of(&error),
    }
}

/// The registries of a merge, each reached by one client.
struct Clients<'a> {
    known: &'a KnownRegistries,
    target: &'a RegistryHost,
    stop: Stop,
    open: HashMap<(RegistryHost, Option<&'static str>), Registry>,
}

impl<'a> Clients<'a> {
    fn new(known: &'a KnownRegistries, target: &'a NamedReference, stop: &Stop) -> Self {
        Self { known, target: &target.reference.registry, stop: stop.clone(), open: HashMap::new() }
    }

    /// The login of the command line is the target's.
    async fn of(&mut self, named: &NamedReference) -> Result<Registry, Failure> {
        let host = &named.reference.registry;
        let scheme = named.scheme.map(|scheme| match scheme {
            SchemeChoice::Http => "http",
            SchemeChoice::Https | SchemeChoice::Either => "https",
        });
        let key = (host.clone(), scheme);
        if let Some(registry) = self.open.get(&key) {
            return Ok(registry.clone());
        }
        let is_target = host == self.target;
        let flags = if is_target { Flags::Count } else { Flags::AreForAnother };
        let access = if is_target { Access::PullPush } else { Access::Pull };
        let registry =
            connect::named(&self.known.named(host, named.scheme, flags), access, &self.stop).await?;
        // Where nobody answers, this says so at once and gives advice.
        registry.ping().await.map_err(|error| Failure::of(&error))?;
        self.open.insert(key, registry.clone());
        Ok(registry)
    }
}

/// What a source is.
enum Source {
    Name(NamedReference),
    Packed { package: String, name: Reference },
}

impl Source {
    fn of(text: &str) -> Result<Self, Failure> {
        let Some((package, name)) = text.split_once('#') else {
            return NamedReference::parse(text).map(Self::Name);
        };
        let name = name.parse().map_err(|error| refused(format!("{text}: {error}")))?;
        Ok(Self::Packed { package: package.to_owned(), name })
    }

    /// Opens it, where it lies here.
    async fn opened(&self) -> Result<Opened<'_>, Failure> {
        Ok(match self {
            Self::Name(named) => Opened::Name(named),
            Self::Packed { package, name } => {
                let image = packed(package.clone(), name.clone()).await?;
                Opened::Package(MergeSource::in_package(&image, name))
            }
        })
    }
}

/// A source that was found, as far as it lies here.
enum Opened<'a> {
    Name(&'a NamedReference),
    Package(MergeSource),
}

impl Opened<'_> {
    /// Has its registry's client, where it lies in one.
    async fn reached(self, clients: &mut Clients<'_>) -> Result<MergeSource, Failure> {
        match self {
            Self::Name(named) => Ok(MergeSource::in_registry(&clients.of(named).await?, &named.reference)),
            Self::Package(source) => Ok(source),
        }
    }
}

/// The image that a package has under that name. Reading blocks, so it is done beside the runtime's own threads.
async fn packed(path: String, name: Reference) -> Result<Arc<Image>, Failure> {
    let opened = tokio::task::spawn_blocking({
        let path = path.clone();
        move || portolan_package::open(Path::new(&path))
    });
    let package = opened.await.map_err(|error| Failure::of(&error))?.map_err(|error| Failure::of(&error))?;
    let mut images = package.bundles.into_iter().flat_map(|bundle| bundle.images);
    let is_named = |image: &Image| image.names.contains(&name);
    images.find(is_named).map(Arc::new).ok_or_else(|| {
        Failure::failed(format!("{path} holds no image of the name {name}"))
            .with_hint(format!("portolan inspect {path} shows what it holds"))
    })
}
