//! A reader beside an import: whatever a tag names while it runs can be pulled whole.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use portolan_testkit::docker_registry::DockerRegistry;
use portolan_testkit::skopeo::Skopeo;

/// Does `work` while skopeo pulls every tag that there is, over and over; gives what it said of those that
/// could not be pulled.
pub(crate) fn watched<T>(
    registry: &DockerRegistry,
    skopeo: &Skopeo,
    tags: &[String],
    work: impl FnOnce() -> T,
) -> (T, Vec<String>) {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut found = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                found.extend(tags.iter().filter_map(|tag| not_whole(registry, skopeo, tag)));
            }
            found
        });
        let end = End(&is_over);
        let done = work();
        drop(end);
        (done, watcher.join().unwrap())
    })
}

/// Ends the watching when it goes, also where `work` panics: else that would wait for the watcher for ever.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What skopeo says of a tag that is there and can't be pulled with all that it names.
pub(crate) fn not_whole(registry: &DockerRegistry, skopeo: &Skopeo, tag: &str) -> Option<String> {
    skopeo.digest(registry, tag)?;
    let folder = tempfile::tempdir().unwrap();
    let source = format!("docker://{}/{tag}", registry.host());
    let pulled = skopeo.copy_all(&source, &format!("dir:{}", folder.path().display()));
    (!pulled.status.success()).then(|| format!("{tag}: {}", String::from_utf8_lossy(&pulled.stderr)))
}
