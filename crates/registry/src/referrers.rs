//! Referrers: manifests that name another one as their subject, such as signatures and attestations
//! (distribution specification, end-12, and "Referrers Tag Schema" for registries without it).

use portolan_oci::{Descriptor, Digest, Locator, MANIFEST_LIMIT, Manifest, MediaType, Repository, Tag};
use reqwest::{
    Method, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue},
};

use crate::{call::Call, error::RegistryError, registry::Registry, scope::Access, tags::linked_page};

/// How many pages are read at most; a server that has more is one that repeats itself.
const PAGE_LIMIT: usize = 1_000;

/// How many characters of a digest's algorithm and of its digits the name of a list has at most.
const ALGORITHM_LENGTH: usize = 32;
const DIGITS_LENGTH: usize = 64;

/// What the registry knows to refer to a manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Referrers {
    /// The referring manifests, in the registry's order.
    pub list: Vec<Descriptor>,
    /// Who keeps the list.
    pub keeper: Keeper,
}

/// Who keeps the list of what refers to a manifest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keeper {
    /// The registry, by itself.
    Registry,
    /// Those who push: it stands under a tag of its own ([`referrers_tag`]).
    #[default]
    Clients,
}

impl Registry {
    /// What refers to the manifest `subject` of `repository`, whether or not that is there.
    ///
    /// # Errors
    /// Any [`RegistryError`].
    pub async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
    ) -> Result<Referrers, RegistryError> {
        if let Some(list) = self.listed(repository, subject).await? {
            return Ok(Referrers { list, keeper: Keeper::Registry });
        }
        let tagged = self.get_manifest(repository, &Locator::Tag(referrers_tag(subject))).await?;
        let list = tagged.as_ref().and_then(Manifest::index).map(|index| index.manifests.clone());
        Ok(Referrers { list: list.unwrap_or_default(), keeper: Keeper::Clients })
    }

    /// The registry's own list, page by page; `None` where it keeps none.
    async fn listed(
        &self,
        repository: &Repository,
        subject: &Digest,
    ) -> Result<Option<Vec<Descriptor>>, RegistryError> {
        let mut next = Some(self.wire.url(&format!("v2/{repository}/referrers/{subject}")));
        let mut list: Vec<Descriptor> = Vec::new();
        for _ in 0..PAGE_LIMIT {
            let Some(url) = next.take() else { break };
            let call = Call::new(format!("list what refers to {repository}@{subject}"), Method::GET, url)
                .scope(self.wire.scope(repository, Access::Pull))
                .header(ACCEPT, HeaderValue::from_static("application/vnd.oci.image.index.v1+json"));
            let without = [StatusCode::NOT_FOUND, StatusCode::BAD_REQUEST, StatusCode::METHOD_NOT_ALLOWED];
            let answer = self.wire.fetch(&call, &without, MANIFEST_LIMIT).await?;
            if !answer.status.is_success() || !is_index(&answer.headers) {
                return Ok(None);
            }
            next = linked_page(&call.url, &answer.headers);
            let page = Manifest::parse(answer.body, Some(&MediaType::OCI_INDEX))
                .map_err(|source| RegistryError::Manifest { attempted: call.attempted, source })?;
            let new = page.index().into_iter().flat_map(|index| &index.manifests);
            let new: Vec<Descriptor> = new.filter(|one| !list.contains(one)).cloned().collect();
            if new.is_empty() {
                break;
            }
            list.extend(new);
        }
        Ok(Some(list))
    }
}

/// Whether the answer is a list: servers without one may show a page for people in its place.
fn is_index(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|text| MediaType::from_content_type(text) == MediaType::OCI_INDEX)
}

/// The tag under which clients keep the list of what refers to `subject`, where the registry keeps none.
pub fn referrers_tag(subject: &Digest) -> Tag {
    let text = subject.to_string();
    let (algorithm, digits) = text.split_once(':').expect("because a digest has both parts");
    let cut = |part: &str, most: usize| part.chars().take(most).collect::<String>();
    let name = format!("{}-{}", cut(algorithm, ALGORITHM_LENGTH), cut(digits, DIGITS_LENGTH));
    name.parse().expect("because letters and digits of a digest make a tag")
}
