//! What registries have said, kept while a plan is worked out: members of a group share images.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use portolan_oci::{Reference, RegistryHost};
use portolan_registry::{Registry, RegistryError};
use portolan_transfer::Part;
use tokio::sync::{Mutex, OnceCell};

use super::{Registries, parts};

/// Registries that are asked once for each image, and connected to once. What kept one from answering is not kept:
/// it is asked again.
///
/// It is for one plan: what is pushed afterwards, or lost, shows to the registries themselves.
pub struct Remembering<'a> {
    registries: &'a dyn Registries,
    clients: Kept<RegistryHost, Registry>,
    memory: Memory,
}

/// The parts of the images that were asked for.
#[derive(Default)]
pub struct Memory(Kept<Reference, Option<Vec<Part>>>);

/// What was answered; whoever asks for the same meanwhile waits for the first one's answer.
type Kept<K, V> = Mutex<BTreeMap<K, Arc<OnceCell<V>>>>;

impl<'a> Remembering<'a> {
    /// Remembers what these registries say from now on.
    pub fn new(registries: &'a dyn Registries) -> Self {
        Self { registries, clients: Kept::default(), memory: Memory::default() }
    }
}

#[async_trait]
impl Registries for Remembering<'_> {
    async fn registry(&self, host: &RegistryHost) -> Result<Registry, String> {
        let client = cell(&self.clients, host).await;
        client.get_or_try_init(|| self.registries.registry(host)).await.cloned()
    }

    fn memory(&self) -> Option<&Memory> {
        Some(&self.memory)
    }
}

impl Memory {
    pub(super) async fn parts(
        &self,
        registry: &Registry,
        image: &Reference,
    ) -> Result<Option<Vec<Part>>, RegistryError> {
        let kept = cell(&self.0, image).await;
        kept.get_or_try_init(|| parts(registry, image)).await.cloned()
    }
}

async fn cell<K: Ord + Clone, V>(kept: &Kept<K, V>, key: &K) -> Arc<OnceCell<V>> {
    Arc::clone(kept.lock().await.entry(key.clone()).or_default())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::io::{BufReader, Write};
    use std::net::TcpListener;
    use std::sync::Mutex as Lock;

    use portolan_oci::{Digest, Platform};
    use portolan_registry::{Endpoint, RegistryOptions, Scheme};
    use portolan_testkit::images::Image;
    use portolan_testkit::scripted::head_lines;

    use super::*;
    use crate::upgrade::images::{Beforehand, CheckedImage, ImageState, check, check_again};

    /// A registry that has one image under the tag `there`, and writes down what it is asked.
    struct OneImage {
        host: RegistryHost,
        asked: Arc<Lock<Vec<String>>>,
    }

    impl OneImage {
        fn serve() -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let host = listener.local_addr().unwrap().to_string().parse().unwrap();
            let asked = Arc::new(Lock::new(Vec::new()));
            let (image, seen) =
                (Image::random_for("a:1", 7, &Platform::new("linux", "amd64")), Arc::clone(&asked));
            std::thread::spawn(move || {
                for mut stream in listener.incoming().map_while(Result::ok) {
                    let lines = head_lines(&mut BufReader::new(&stream)).unwrap();
                    let line = lines.first().cloned().unwrap_or_default();
                    let answer = answer(&image, &line);
                    seen.lock().unwrap().push(line);
                    // A client that has gone is nothing to this test.
                    let _ = stream.write_all(&answer);
                }
            });
            Self { host, asked }
        }

        /// How often manifests were asked for since the last time.
        fn manifests(&self) -> usize {
            let asked = std::mem::take(&mut *self.asked.lock().unwrap());
            asked.iter().filter(|line| line.contains("/manifests/")).count()
        }
    }

    fn answer(image: &Image, line: &str) -> Vec<u8> {
        let path = line.split(' ').nth(1).unwrap_or_default();
        let layers = image.layers.iter().map(|layer| layer.blob.clone());
        let mut blobs = std::iter::once(image.config.clone()).chain(layers);
        let body = match path {
            "/v2/" => Some(b"{}".to_vec()),
            path if path.ends_with("/manifests/there") => Some(image.oci_manifest()),
            path => blobs.find(|blob| path.ends_with(&Digest::sha256(blob).to_string())),
        };
        let status = if body.is_some() { "200 OK" } else { "404 Not Found" };
        let body = body.unwrap_or_default();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/vnd.oci.image.manifest.v1+json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let body = if line.starts_with("HEAD") { Vec::new() } else { body };
        [head.into_bytes(), body].concat()
    }

    #[async_trait]
    impl Registries for OneImage {
        async fn registry(&self, host: &RegistryHost) -> Result<Registry, String> {
            let endpoint = Endpoint::new(Scheme::Http, host.clone());
            Registry::new(endpoint, None, &RegistryOptions::default()).map_err(|error| error.to_string())
        }
    }

    async fn looked(registries: &dyn Registries, host: &RegistryHost) -> Vec<CheckedImage> {
        let pod = |tag| {
            format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: {tag}}}\nspec: {{containers: [{{name: c, image: '{host}/a/b:{tag}'}}]}}\n"
            )
        };
        let manifest = [pod("there"), pod("missing")].join("---\n");
        let objects = portolan_chart::rendered_objects(&manifest).objects;
        let platforms = BTreeSet::from([Platform::new("linux", "amd64")]);
        check(&objects, &platforms, registries, &Beforehand::default()).await
    }

    #[tokio::test]
    async fn what_several_members_name_is_asked_for_once() {
        let registry = OneImage::serve();
        let remembering = Remembering::new(&registry);
        let first = looked(&remembering, &registry.host).await;
        let states: Vec<&ImageState> = first.iter().map(|image| &image.state).collect();
        assert_eq!(states, [&ImageState::Absent, &ImageState::Complete]);
        assert_eq!(registry.manifests(), 2);
        assert_eq!(looked(&remembering, &registry.host).await, first);
        assert_eq!(registry.manifests(), 0);
        // Whoever asks the registries themselves, as after a push, hears them.
        let all: Vec<&CheckedImage> = first.iter().collect();
        let again = check_again(&all, &BTreeSet::from([Platform::new("linux", "amd64")]), &registry).await;
        assert_eq!((again, registry.manifests()), (first.clone(), 2));
    }

    #[tokio::test]
    async fn what_kept_a_registry_from_answering_is_not_kept() {
        /// A registry that can't be reached the first time.
        struct Late(OneImage, Lock<u32>);

        #[async_trait]
        impl Registries for Late {
            async fn registry(&self, host: &RegistryHost) -> Result<Registry, String> {
                let tries = {
                    let mut tries = self.1.lock().unwrap();
                    *tries += 1;
                    *tries
                };
                match tries {
                    1 => Err("nobody is there yet".to_owned()),
                    _ => self.0.registry(host).await,
                }
            }
        }

        let late = Late(OneImage::serve(), Lock::default());
        let remembering = Remembering::new(&late);
        let unknown = ImageState::Unknown("nobody is there yet".to_owned());
        assert!(looked(&remembering, &late.0.host).await.iter().all(|image| image.state == unknown));
        for _ in 0..2 {
            assert_eq!(looked(&remembering, &late.0.host).await[1].state, ImageState::Complete);
        }
        assert_eq!((*late.1.lock().unwrap(), late.0.manifests()), (2, 2));
    }
}
