//! When the tags of an import stand, seen from outside.
//!
//! Where a registry writes without conditions, a merged tag is read again two seconds after its write, and the run
//! ends after that. The wait is told apart by looking at the tags meanwhile: how long it took from the start of
//! the run until the last of them was an index of two platforms.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::http::Connection;
use crate::link::Way;
use crate::material::{Package, TAG};

/// How often a tag is looked at.
const LOOK: Duration = Duration::from_millis(20);

const ACCEPT: &str = "Accept: application/vnd.docker.distribution.manifest.list.v2+json\r\n\
                      Accept: application/vnd.oci.image.index.v1+json\r\n\
                      Accept: application/vnd.docker.distribution.manifest.v2+json\r\n";

/// The media type by which a tag of several platforms is known.
const LIST: &str = "manifest.list.v2+json";

/// Somebody who looks at the tags.
pub(crate) struct Watching {
    is_over: Arc<AtomicBool>,
    looking: JoinHandle<Result<f64, String>>,
}

impl Watching {
    /// Begins to look at every tag of the package, and counts from now.
    pub(crate) fn begin(host: &str, package: &Package) -> Outcome<Self> {
        let targets: Vec<String> =
            package.images.iter().map(|image| format!("/v2/{}/manifests/{TAG}", image.repository)).collect();
        let is_over = Arc::new(AtomicBool::new(false));
        let (way, over) = (Way::plain(host.to_owned()), Arc::clone(&is_over));
        let looking =
            thread::spawn(move || until_merged(&way, &targets, &over).map_err(|error| error.to_string()));
        Ok(Self { is_over, looking })
    }

    /// Seconds until the last tag had both platforms. To be asked once the run has ended.
    pub(crate) fn end(self) -> Outcome<f64> {
        self.is_over.store(true, Ordering::Relaxed);
        Ok(self.looking.join().map_err(|_| "looking at tags failed")??)
    }
}

fn until_merged(way: &Way, targets: &[String], is_over: &AtomicBool) -> Outcome<f64> {
    let began = Instant::now();
    let mut connection = Connection::open(way)?;
    for target in targets {
        loop {
            let last_look = is_over.load(Ordering::Relaxed);
            let answer = connection.ask("GET", target, ACCEPT)?;
            if String::from_utf8_lossy(&answer.body).contains(LIST) {
                break;
            }
            if last_look {
                return Err(format!("{target} has one platform alone, though the import has ended").into());
            }
            thread::sleep(LOOK);
        }
    }
    Ok(began.elapsed().as_secs_f64())
}
