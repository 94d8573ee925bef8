//! Repositories of images that carry a registry or a project, though the templates put one before them.
//!
//! `global.imageRegistry: 10.6.135.222/release.daocloud.io` and `repository: release.daocloud.io/kpanda/x` give
//! `10.6.135.222/release.daocloud.io/release.daocloud.io/kpanda/x`, which no registry holds. Which repository is
//! right is not guessed: it is the one that names an image which the registry holds (rules.md, "Upgrades").
//! After a sync with `containerRepository: release.daocloud.io/kpanda` the chart's own defaults say
//! `release.daocloud.io/kpanda/x`: those are mended too where they repeat what stands in the registry, and what
//! they say of other repositories is where relocation put them.

use std::collections::BTreeSet;

use portolan_chart::ValuePath;
use portolan_oci::{Reference, RegistryHost, Repository};
use serde_json::Value;

use super::{Mending, PathPattern};
use crate::{
    advisories::{facts::Held, format::Wording, outcome::QuestionOption},
    values::Values,
};

/// The answer that leaves a repository as it is.
const LEAVE: &str = "leave";

/// An image of the values.
struct Image {
    path: ValuePath,
    repository: String,
    /// What the templates put before the repository.
    registry: String,
    /// Empty where the values don't say: then any tag counts.
    tag: String,
    /// Where the chart's own defaults say that it is, `HOST/REPOSITORY`.
    default: Option<String>,
}

impl Mending<'_> {
    pub(super) fn repositories(&mut self, path: &PathPattern, registry: &PathPattern) {
        let computed = self.overrides.over(self.subject.defaults);
        let global = registry.as_path().and_then(|path| computed.get(path)?.as_str()).unwrap_or_default();
        for (path, value) in path.find(&computed) {
            let Some(repository) = value.as_str() else { continue };
            let is_default = self.overrides.get(&path).is_none();
            let Some(mut image) = Image::of(path, repository.to_owned(), &computed, global) else { continue };
            image.default = default_place(&image.path, self.subject.defaults);
            match is_default {
                false => self.repository(&image),
                true if image.repeats_its_registry() => self.default_repository(&image),
                true => {}
            }
        }
    }

    /// A repository of the chart's own defaults. Where the registry holds none of what it may be, it is left to
    /// whoever looks for the rendered images: the part of the chart that names it may be switched off.
    fn default_repository(&mut self, image: &Image) {
        let candidates = self.candidates(image);
        let is_absent = candidates.iter().all(|name| self.held(image, name) == Held::No);
        if !is_absent {
            self.repository(image);
        }
    }

    fn repository(&mut self, image: &Image) {
        let candidates = self.candidates(image);
        // All are asked about, also where the first answer would do: whoever fetches answers has to know them.
        let held: Vec<(String, Held)> =
            candidates.into_iter().map(|name| (name.clone(), self.held(image, &name))).collect();
        if self.held(image, &image.repository) == Held::Yes {
            return;
        }
        let is_known = held.iter().all(|(_, held)| *held != Held::Unknown);
        let mut there = held.iter().filter(|(_, held)| *held == Held::Yes);
        if let (true, Some((name, _)), None) = (is_known, there.next(), there.next()) {
            return self.put(image, name);
        }
        self.ask_for_repository(image, &held);
    }

    /// What the repository may be in truth: its last two elements, else where relocation put it.
    fn candidates(&self, image: &Image) -> BTreeSet<String> {
        let relocated = self.subject.images.relocated(&image.repository);
        let last_two = last_two(&image.repository).map(str::to_owned);
        let candidates = last_two.into_iter().chain(relocated).chain(image.where_the_default_is());
        candidates.filter(|name| *name != image.repository && name.parse::<Repository>().is_ok()).collect()
    }

    fn held(&self, image: &Image, repository: &str) -> Held {
        image.reference(repository).map_or(Held::No, |reference| self.subject.images.holds(&reference))
    }

    fn ask_for_repository(&mut self, image: &Image, held: &[(String, Held)]) {
        let option = |name: &String, held: Held| QuestionOption {
            id: name.clone(),
            title: title(held),
            recommended: false,
        };
        let mut options: Vec<_> = held.iter().map(|(name, held)| option(name, *held)).collect();
        options.push(QuestionOption { id: LEAVE.to_owned(), title: left(), recommended: false });
        let answer = self.ask(&image.path, asked(image), options);
        if let Some(answer) = answer.filter(|answer| answer != LEAVE) {
            self.put(image, &answer);
        }
    }

    fn put(&mut self, image: &Image, repository: &str) {
        if !self.overrides.set(&image.path, repository.into()) {
            let what = format!("can't become {repository}, since it stands in a list of the chart's own");
            self.fault(&image.path, &what);
        }
    }
}

impl Image {
    /// The image that a repository is part of; `None` where it is none, or carries nothing that it shouldn't.
    fn of(path: ValuePath, repository: String, computed: &Values, global: &str) -> Option<Self> {
        let map_path = path.parent()?;
        let of_map = |key: &str| computed.get(&map_path.key(key)).filter(|value| !value.is_null());
        let is_called_image =
            map_path.last_key().is_some_and(|key| key.to_ascii_lowercase().contains("image"));
        let is_image = is_called_image || of_map("registry").is_some() || of_map("tag").is_some();
        let text = |key: &str| match of_map(key) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let registry = if global.is_empty() { text("registry") } else { global.to_owned() };
        let tag = text("tag");
        let image = Self { path, repository, registry, tag, default: None };
        (is_image && image.carries_more_than_its_name()).then_some(image)
    }

    /// Whether the repository has a host, a project, or more than two elements before its name.
    fn carries_more_than_its_name(&self) -> bool {
        let Some((first, rest)) = self.repository.split_once('/') else { return false };
        let is_host =
            first.parse::<RegistryHost>().is_ok() && (first.contains(['.', ':']) || first == "localhost");
        let is_name = rest.parse::<Repository>().is_ok() && (is_host || first.parse::<Repository>().is_ok());
        is_name && (is_host || rest.contains('/'))
    }

    /// The registry without scheme and closing slash: both are written now and then.
    fn registry(&self) -> &str {
        let registry = self.registry.split_once("://").map_or(self.registry.as_str(), |(_, rest)| rest);
        registry.trim_end_matches('/')
    }

    /// Whether the repository begins with the host or with the project that the templates put before it.
    fn repeats_its_registry(&self) -> bool {
        let (host, project) = self.registry().split_once('/').unwrap_or((self.registry(), ""));
        let begins_with = |part: &str| {
            !part.is_empty() && self.repository.strip_prefix(part).is_some_and(|rest| rest.starts_with('/'))
        };
        begins_with(host) || begins_with(project)
    }

    /// The place of the chart's default under this registry, where that is an image of the same name.
    fn where_the_default_is(&self) -> Option<String> {
        let name = |repository: &str| repository.rsplit('/').next().map(str::to_owned);
        let place = self.default.as_ref()?.strip_prefix(self.registry())?.strip_prefix('/')?;
        (name(place) == name(&self.repository)).then(|| place.to_owned())
    }

    fn reference(&self, repository: &str) -> Option<Reference> {
        let registry = self.registry();
        let host = registry.split('/').next().unwrap_or_default();
        let name: Reference = format!("{registry}/{repository}").parse().ok()?;
        // A registry without a dot or a port would be taken for a part of Docker Hub's name.
        let is_host = name.registry.as_str() == host;
        let tag = if self.tag.is_empty() { None } else { Some(self.tag.parse().ok()?) };
        is_host.then_some(Reference { tag, digest: None, ..name })
    }
}

/// `HOST/REPOSITORY` of an image in a chart's defaults.
fn default_place(path: &ValuePath, defaults: &Values) -> Option<String> {
    let text = |path: &ValuePath| defaults.get(path)?.as_str().filter(|text| !text.is_empty());
    Some(format!("{}/{}", text(&path.parent()?.key("registry"))?, text(path)?))
}

/// `kpanda/kpanda-apiserver` of `release.daocloud.io/kpanda/kpanda-apiserver`.
fn last_two(repository: &str) -> Option<&str> {
    let mut slashes = repository.rmatch_indices('/').map(|(at, _)| at);
    slashes.next()?;
    slashes.next().map(|at| &repository[at + 1..])
}

fn title(held: Held) -> Wording {
    let (en, zh) = match held {
        Held::Yes => ("the registry holds it", "镜像仓库中有该镜像"),
        Held::No => ("the registry does not hold it", "镜像仓库中没有该镜像"),
        Held::Unknown => ("whether the registry holds it is not known", "不清楚镜像仓库中是否有该镜像"),
    };
    Wording { en: en.to_owned(), zh: zh.to_owned() }
}

fn left() -> Wording {
    Wording { en: "leave it as it is".to_owned(), zh: "保持不变".to_owned() }
}

fn asked(image: &Image) -> Wording {
    let (path, repository, registry) = (&image.path, &image.repository, &image.registry);
    Wording {
        en: format!(
            "{path} is {repository}, which under {registry} names no image that is known to be there: what is it?"
        ),
        zh: format!("{path} 为 {repository}，在 {registry} 下找不到对应的镜像，应改为什么？"),
    }
}
