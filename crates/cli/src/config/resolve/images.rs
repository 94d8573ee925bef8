//! `target.container…`: where images go, under which names, and who signs in.

use portolan_chart::{AppendOrigin, Rules};
use portolan_oci::{RegistryHost, Repository};
use portolan_registry::Credentials;
use portolan_transfer::ImagePolicy;
use serde_saphyr::Spanned;

use super::super::ProblemKind;
use super::super::credentials::{self, GivenLogin};
use super::super::file::{ContainersKind, RegistryAuth, Target};
use super::super::hosts::{RegistryAddress, without_login};
use super::super::problems::{Problems, line};
use super::super::settings::{PushAddress, RegistrySettings};
use super::{Context, Overrides, registries};

/// What happens to images by flag and key. With bundles they are relocated unless the file says no.
pub(super) fn policy(relocate: Option<&Spanned<bool>>, overrides: &Overrides) -> ImagePolicy {
    match relocate {
        Some(relocate) if !relocate.value => ImagePolicy::Leave,
        _ => overrides.images,
    }
}

/// The registry that images are pushed to. Problems are noted, and the address is absent then.
pub(super) fn registry(
    target: &Target,
    rules: &Rules,
    policy: ImagePolicy,
    context: &mut Context<'_>,
) -> RegistrySettings {
    refuse_jfrog(target, &mut context.problems);
    let address = push_address(target, rules, policy, context);
    let login = login(target, address.as_ref(), rules, context);
    RegistrySettings { address, login, token_servers: token_servers(target, context) }
}

fn refuse_jfrog(target: &Target, problems: &mut Problems) {
    let kind = target.containers.as_ref().and_then(|containers| containers.value.kind.as_ref());
    if let Some(kind) = kind.filter(|kind| kind.value == ContainersKind::Jfrog) {
        problems.add("target.containers.kind: JFROG", line(kind), ProblemKind::Later);
    }
}

/// Those of the file and of the command line.
fn token_servers(target: &Target, context: &mut Context<'_>) -> Vec<RegistryHost> {
    let written = registries::token_servers(target, &mut context.problems);
    [context.overrides.token_servers.clone(), written].concat()
}

/// The relocation rules of formats.md section 4.
pub(super) fn rules(target: &Target, problems: &mut Problems) -> Rules {
    let append = target.append_origin_registry.as_ref();
    if let Some(append) = append.filter(|append| append.value && target.container_prefix_registry.is_none()) {
        let reason = "it only means something beside `containerPrefixRegistry`";
        problems.invalid("target.appendOriginRegistry", line(append), reason);
    }
    Rules {
        registry: problems.parse("target.containerRegistry", &target.container_registry, host),
        repository: problems.parse("target.containerRepository", &target.container_repository, repository),
        prefix_registry: problems.parse(
            "target.containerPrefixRegistry",
            &target.container_prefix_registry,
            |text| without_login(text)?.parse().map_err(|error| format!("{error}")),
        ),
        prefix_repository: problems.parse(
            "target.containerPrefixRepository",
            &target.container_prefix_repository,
            repository,
        ),
        append_origin_registry: if append.is_some_and(|append| append.value) {
            AppendOrigin::ToRegistry
        } else {
            AppendOrigin::ToRepository
        },
    }
}

/// The registry that charts will name: a host alone, since a scheme has no place in an image reference.
fn host(text: &str) -> Result<RegistryHost, String> {
    let text = without_login(text)?;
    if text.contains("://") {
        return Err("charts name registries without a scheme: leave it out here, and set \
                    `target.containers.url` where the registry is spoken to in the clear"
            .to_owned());
    }
    if let Some((host, path)) = text.split_once('/') {
        return Err(format!("`{host}` is the registry; the path `{path}` goes to `containerRepository`"));
    }
    text.parse().map_err(|error| format!("{error}"))
}

fn repository(text: &str) -> Result<Repository, String> {
    text.trim_matches('/').parse().map_err(|error| format!("{error}"))
}

/// `target.containers.url`, else the registry that charts name (decision 13 of the design).
fn push_address(
    target: &Target,
    rules: &Rules,
    policy: ImagePolicy,
    context: &mut Context<'_>,
) -> Option<PushAddress> {
    let url = target.containers.as_ref().and_then(|containers| containers.value.url.clone());
    if url.is_some() {
        let address = context.problems.parse("target.containers.url", &url, str::parse::<RegistryAddress>)?;
        let trust = context.overrides.tls.trust;
        let scheme = address.scheme.unwrap_or_else(|| context.hosts.scheme_of(&address.host, trust));
        return Some(PushAddress { host: address.host, scheme });
    }
    let Some(host) = named_registry(rules) else {
        refuse_nowhere(target, policy, &mut context.problems);
        return None;
    };
    let scheme = context.hosts.scheme_of(&host, context.overrides.tls.trust);
    Some(PushAddress { host, scheme })
}

/// The host that images are pushed to, where charts name another one.
pub(super) fn push_host(rules: &Rules, address: Option<&PushAddress>) -> Option<RegistryHost> {
    let host = &address?.host;
    (named_registry(rules).as_ref() != Some(host)).then(|| host.clone())
}

fn named_registry(rules: &Rules) -> Option<RegistryHost> {
    rules.registry.clone().or_else(|| rules.prefix_registry.as_ref().map(|prefix| prefix.host.clone()))
}

/// Without any of these keys images would go back to where they came from, which nobody asks for.
fn refuse_nowhere(target: &Target, policy: ImagePolicy, problems: &mut Problems) {
    let named = target.container_registry.is_some() || target.container_prefix_registry.is_some();
    if policy == ImagePolicy::Relocate && !named {
        problems.missing("target.containerRegistry", "it says which registry the images go to");
    }
}

fn login(
    target: &Target,
    push_to: Option<&PushAddress>,
    rules: &Rules,
    context: &mut Context<'_>,
) -> Option<Credentials> {
    let auth = target.containers.as_ref().and_then(|containers| containers.value.auth.as_ref());
    if let (Some(named), Some(push_to)) = (auth.and_then(|auth| auth.value.registry.as_ref()), push_to) {
        check_owner(named, push_to, rules, &mut context.problems);
    }
    let written = auth.map_or_else(GivenLogin::default, |auth| written(&auth.value));
    let names = &credentials::TARGET_CONTAINERS;
    let flags = &context.overrides.logins.registry;
    credentials::login(names, flags, written, context.environment, &mut context.problems)
}

pub(super) fn written(auth: &RegistryAuth) -> GivenLogin {
    GivenLogin {
        username: auth.username.as_ref().map(|name| name.value.clone()),
        password: auth.password.clone(),
    }
}

/// Credentials go to their own registry's host alone (decision 11 of the design).
fn check_owner(named: &Spanned<String>, push_to: &PushAddress, rules: &Rules, problems: &mut Problems) {
    let key = "target.containers.auth.registry";
    let Some(owner) = problems.accept(key, line(named), named.value.parse::<RegistryAddress>()) else {
        return;
    };
    if owner.host != push_to.host && named_registry(rules).as_ref() != Some(&owner.host) {
        let reason = format!("this login is for {}, and images are pushed to {}", owner.host, push_to.host);
        problems.invalid(key, line(named), reason);
    }
}
