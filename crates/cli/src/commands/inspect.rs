//! `portolan inspect`: what stands under names in registries, and what packages hold.

use std::io;
use std::path::Path;

use clap::Args;
use portolan_oci::RegistryHost;
use portolan_registry::{Access, Stop};
use portolan_transfer::{InspectedRepository, Inspection, Inspector, Uninspected};

use super::connect;
use super::interruption::Interrupted;
use super::registry_flags::{NamedReference, RegistryFlags};
use crate::config::{Environment, Flags, KnownRegistries};
use crate::failure::{Exit, Failure, one_line_of};
use crate::output::{Console, Format, inspection};

/// Shows what stands under names in registries, and what packages hold.
///
/// Of an image: its platforms with digests and sizes, attestations, signatures and other referrers, and
/// whether each is complete, that is, whether every manifest, config and layer of it is in its repository. Of a
/// repository: all tags. Of a package: charts, images, platforms, sizes, and what is wrong with its hints.
/// Nothing is written.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct InspectArgs {
    /// Images as oci://HOST/REPOSITORY:TAG or oci://HOST/REPOSITORY@DIGEST, repositories as
    /// oci://HOST/REPOSITORY, and packages by their path; - is a package on standard input
    #[arg(required = true, value_name = "NAME|PACKAGE")]
    what: Vec<String>,
    /// Form of the result on standard output
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    access: Box<RegistryFlags>,
}

const EXAMPLES: &str = "\
Examples:
  portolan inspect oci://registry.example.com/team/web:1.2
  portolan inspect oci://registry.example.com/team/web            every tag, with its platforms
  portolan inspect -c load-image.yaml oci://10.16.10.111/team/web:1.2 --output json
  portolan inspect addon-offline-full-package-v0.12.0-amd64.tar.gz
  ssh host cat package.tar.gz | portolan inspect -

Exit codes: 0 all of it is whole, 1 nothing could be looked at, 2 usage or configuration, 3 something
lacks or could not be looked at.";

/// Looks at everything and shows it.
///
/// # Errors
///
/// [`Failure`] where the arguments cannot be used, or nothing could be looked at.
pub fn run(arguments: &InspectArgs, environment: &Environment, console: &Console) -> Result<Exit, Failure> {
    let subjects = arguments.what.iter().map(|text| Subject::of(text)).collect::<Result<Vec<_>, _>>()?;
    arguments.read_standard_input_once()?;
    let known = arguments.access.known(environment)?;
    check_login(&known, &subjects)?;
    let stop = Stop::default();
    let work = async {
        tokio::select! {
            biased;
            () = stop.requested() => Err(Failure::interrupted()),
            inspection = look(&subjects, &known, &stop) => inspection,
        }
    };
    let inspection = super::carry_out(Interrupted::Run, &stop, console, work)?;
    match arguments.output {
        Format::Text => console.result(&inspection::text(&inspection, console.style())),
        Format::Json => console.json(&inspection)?,
    }
    Ok(exit(&inspection))
}

impl InspectArgs {
    fn read_standard_input_once(&self) -> Result<(), Failure> {
        let packages = self.what.iter().filter(|text| *text == "-").count();
        match packages + usize::from(self.access.reads_standard_input()) {
            0 | 1 => Ok(()),
            _ => Err(refused("standard input can be read once, and more than one argument wants it")),
        }
    }
}

fn refused(message: &str) -> Failure {
    Failure { exit: Exit::Usage, ..Failure::failed(message) }
}

fn exit(inspection: &Inspection) -> Exit {
    match (inspection.is_whole(), inspection.is_empty()) {
        (true, _) => Exit::Done,
        (false, true) => Exit::Failed,
        (false, false) => Exit::InPart,
    }
}

/// What is looked at.
enum Subject {
    Name(NamedReference),
    Package(String),
}

impl Subject {
    /// A path that is there is a package; else what looks like a name in a registry is one.
    fn of(text: &str) -> Result<Self, Failure> {
        let is_package = text == "-" || Path::new(text).exists();
        if !NamedReference::is_meant(text) && (is_package || !may_be_name(text)) {
            return Ok(Self::Package(text.to_owned()));
        }
        NamedReference::parse(text).map(Self::Name)
    }

    fn text(&self) -> String {
        match self {
            Self::Name(named) => named.reference.to_string(),
            Self::Package(path) => path.clone(),
        }
    }

    fn host(&self) -> Option<&RegistryHost> {
        match self {
            Self::Name(named) => Some(&named.reference.registry),
            Self::Package(_) => None,
        }
    }
}

/// Whether a name that is no path here begins with a host: a dot or a port stands in its first part.
fn may_be_name(text: &str) -> bool {
    let Some((host, _)) = text.split_once('/') else { return false };
    host == "localhost" || (host.contains(['.', ':']) && host.parse::<RegistryHost>().is_ok())
}

/// A login of the command line belongs to one registry.
fn check_login(known: &KnownRegistries, subjects: &[Subject]) -> Result<(), Failure> {
    let mut hosts: Vec<&RegistryHost> = subjects.iter().filter_map(Subject::host).collect();
    hosts.sort();
    hosts.dedup();
    if hosts.len() < 2 || !known.has_given_login() {
        return Ok(());
    }
    let failure = refused("--registry-username is the login of one registry, and several are named");
    Err(failure.with_hint("inspect one after the other, or have their logins in Docker's configuration"))
}

async fn look(subjects: &[Subject], known: &KnownRegistries, stop: &Stop) -> Result<Inspection, Failure> {
    let mut inspection = Inspection::default();
    for subject in subjects {
        let looked = match subject {
            Subject::Name(named) => look_at(named, known, stop, &mut inspection).await,
            Subject::Package(path) => look_into(path.clone(), &mut inspection).await,
        };
        match looked {
            Ok(()) => {}
            Err(failure) if subjects.len() == 1 => return Err(failure),
            Err(failure) => inspection.failed.push(uninspected(subject.text(), &failure)),
        }
    }
    Ok(inspection)
}

fn uninspected(name: String, failure: &Failure) -> Uninspected {
    Uninspected { name, error: one_line_of(failure) }
}

/// Looks at a name, or at every tag of a repository.
async fn look_at(
    named: &NamedReference,
    known: &KnownRegistries,
    stop: &Stop,
    inspection: &mut Inspection,
) -> Result<(), Failure> {
    let NamedReference { reference, scheme } = named;
    let registry = known.named(&reference.registry, *scheme, Flags::Count);
    let registry = connect::named(&registry, Access::Pull, stop).await?;
    registry.ping().await.map_err(|error| Failure::of(&error))?;
    let inspector = Inspector::new(&registry);
    if reference.tag.is_none() && reference.digest.is_none() {
        return list(&inspector, named, inspection).await;
    }
    let found = inspector.name(reference).await.map_err(|error| Failure::of(&error))?;
    inspection.names.push(found.ok_or_else(|| Failure::failed(format!("{reference} is not there")))?);
    Ok(())
}

/// Looks at every tag; one that fails leaves the others to be shown.
async fn list(
    inspector: &Inspector<'_>,
    named: &NamedReference,
    inspection: &mut Inspection,
) -> Result<(), Failure> {
    let name = named.reference.name();
    let tags = inspector.tags(&named.reference).await.map_err(|error| Failure::of(&error))?;
    let tags = tags.ok_or_else(|| Failure::failed(format!("there is no repository {name}")))?;
    let mut repository = InspectedRepository { name: name.clone(), tags: Vec::new() };
    for (tag, looked) in tags {
        match looked {
            Ok(found) => repository.tags.push(found),
            Err(error) => {
                inspection.failed.push(uninspected(format!("{name}:{tag}"), &Failure::of(&error)));
            }
        }
    }
    inspection.repositories.push(repository);
    Ok(())
}

/// Reading blocks, so it is done beside the runtime's own threads.
async fn look_into(path: String, inspection: &mut Inspection) -> Result<(), Failure> {
    let looked = tokio::task::spawn_blocking(move || match path.as_str() {
        "-" => portolan_transfer::inspect_stream("-", io::stdin()),
        path => portolan_transfer::inspect_package(Path::new(path)),
    });
    let looked = looked.await.map_err(|error| Failure::of(&error))?;
    inspection.packages.push(looked.map_err(|error| Failure::of(&error))?);
    Ok(())
}
