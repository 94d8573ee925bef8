//! When the tags of an import stand, seen from outside.
//!
//! Where a registry writes without conditions, a merged tag is read again two seconds after its write, and the run
//! ends after that. The wait is told apart by looking meanwhile at the files in which docker-registry keeps what its
//! tags name, which costs the registry nothing: how long it took from the start of the run until the last of them had
//! changed.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use portolan_testkit::docker_registry::DockerRegistry;

use crate::Outcome;
use crate::http::Connection;
use crate::link::Way;
use crate::material::{Package, TAG};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_millis(5);

const ACCEPT: &str = "Accept: application/vnd.docker.distribution.manifest.list.v2+json\r\n\
                      Accept: application/vnd.oci.image.index.v1+json\r\n\
                      Accept: application/vnd.docker.distribution.manifest.v2+json\r\n";

/// The media type by which a tag of several platforms is known.
const LIST: &str = "manifest.list.v2+json";

/// Somebody who looks at the tags.
pub(crate) struct Watching {
    way: Way,
    /// Paths of the manifests that the tags name.
    targets: Vec<String>,
    is_over: Arc<AtomicBool>,
    looking: JoinHandle<Result<f64, String>>,
}

impl Watching {
    /// Begins to look at every tag of the package, and counts from now.
    pub(crate) fn begin(registry: &DockerRegistry, package: &Package) -> Outcome<Self> {
        let repositories = || package.images.iter().map(|image| &image.repository);
        let links: Vec<PathBuf> = repositories().map(|it| link(registry, it)).collect();
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let looking = thread::spawn(move || until_changed(&links, &over).map_err(|error| error.to_string()));
        let targets = repositories().map(|it| format!("/v2/{it}/manifests/{TAG}")).collect();
        Ok(Self { way: Way::plain(registry.host().to_string()), targets, is_over, looking })
    }

    /// Seconds until the last tag had both platforms. To be asked once the run has ended.
    pub(crate) fn end(self) -> Outcome<f64> {
        self.is_over.store(true, Ordering::Relaxed);
        let seconds = self.looking.join().map_err(|_| "looking at tags failed")??;
        let mut connection = Connection::open(&self.way)?;
        for target in &self.targets {
            let answer = connection.ask("GET", target, ACCEPT)?;
            if !String::from_utf8_lossy(&answer.body).contains(LIST) {
                return Err(format!("{target} has one platform alone, though the import has ended").into());
            }
        }
        Ok(seconds)
    }
}

/// The file that holds the digest which a repository's tag names.
fn link(registry: &DockerRegistry, repository: &str) -> PathBuf {
    let tags = format!("docker/registry/v2/repositories/{repository}/_manifests/tags");
    registry.storage().join(tags).join(TAG).join("current/link")
}

fn until_changed(links: &[PathBuf], is_over: &AtomicBool) -> Outcome<f64> {
    let began = Instant::now();
    let before = links.iter().map(fs::read).collect::<Result<Vec<_>, _>>()?;
    for (link, before) in links.iter().zip(&before) {
        loop {
            let last_look = is_over.load(Ordering::Relaxed);
            // While it is written, the file may be gone or empty.
            if fs::read(link).is_ok_and(|now| !now.is_empty() && now != *before) {
                break;
            }
            if last_look {
                return Err(format!("{} is as it was, though the import has ended", link.display()).into());
            }
            thread::sleep(LOOK);
        }
    }
    Ok(began.elapsed().as_secs_f64())
}
