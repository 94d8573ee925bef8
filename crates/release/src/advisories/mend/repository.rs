//! Repositories of images that carry a registry or a project, though the templates put one before them.
//!
//! `global.imageRegistry: 10.6.135.222/release.daocloud.io` and `repository: release.daocloud.io/kpanda/x` give
//! `10.6.135.222/release.daocloud.io/release.daocloud.io/kpanda/x`, which no registry holds. Which repository is
//! right is not guessed: it is the one that names an image which the registry holds (rules.md, "Upgrades").

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
}

impl Mending<'_> {
    pub(super) fn repositories(&mut self, path: &PathPattern, registry: &PathPattern) {
        let computed = self.overrides.over(self.subject.defaults);
        let global = registry.as_path().and_then(|path| computed.get(path)?.as_str()).unwrap_or_default();
        for (path, repository) in self.texts(path) {
            if let Some(image) = Image::of(path, repository, &computed, global) {
                self.repository(&image);
            }
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
            self.overrides.set(&image.path, name.as_str().into());
            return;
        }
        self.ask_for_repository(image, &held);
    }

    /// What the repository may be in truth: its last two elements, else where relocation put it.
    fn candidates(&self, image: &Image) -> BTreeSet<String> {
        let relocated = self.subject.images.relocated(&image.repository);
        let candidates = last_two(&image.repository).map(str::to_owned).into_iter().chain(relocated);
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
            self.overrides.set(&image.path, answer.into());
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
        let image = Self { path, repository, registry, tag };
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

    fn reference(&self, repository: &str) -> Option<Reference> {
        let registry = self.registry.split_once("://").map_or(self.registry.as_str(), |(_, rest)| rest);
        let registry = registry.trim_end_matches('/');
        let host = registry.split('/').next().unwrap_or_default();
        let name: Reference = format!("{registry}/{repository}").parse().ok()?;
        // A registry without a dot or a port would be taken for a part of Docker Hub's name.
        let is_host = name.registry.as_str() == host;
        let tag = if self.tag.is_empty() { None } else { Some(self.tag.parse().ok()?) };
        is_host.then_some(Reference { tag, digest: None, ..name })
    }
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
