//! What nodes and their runtimes say, and the files by which they are known and named.

use portolan_cli::config::{
    self, Carried, ClusterConfig, ConfigError, Environment, ImportRequest, Overrides,
};
use portolan_node::{
    fuzzing::{self, CtrLists, HostLine},
    node_names,
    ssh::{Endpoint, NodeAddress, SSH_PORT},
};
use portolan_oci::{Digest, Reference};
use secrecy::ExposeSecret as _;

use crate::{
    configuration::error_holds,
    file::with_file,
    laws::{is_hidden, is_plain_line, prints_and_parses},
};

/// The longest refusal of a runtime that is shown, in characters.
const LONGEST: usize = 1001;

/// A node's address in the first line, and `known_hosts` behind it.
pub fn known_hosts(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (address, file) = text.split_once('\n').unwrap_or((&text, ""));
    let Some(address) = prints_and_parses::<NodeAddress>(address.trim_end_matches('\r')) else { return };
    let host = Endpoint::new(&address.host, address.port.unwrap_or(SSH_PORT));
    let (known, revoked) = fuzzing::known_hosts(&host, file);
    let lines = file.lines().count();
    for (number, kind, key) in known.iter().chain(&revoked) {
        assert!((1..=lines).contains(number), "line {number} of {lines}");
        is_found_again(&host, kind, key);
    }
    is_found_again(&host, "ssh-ed25519", b"\0\0\0\x0bssh-ed25519 and some key");
    let other = Endpoint::new(&format!("other-{}", address.host), host.port());
    let line = fuzzing::known_hosts_line(&host, "ssh-ed25519", b"\0\0\0\x0bssh-ed25519");
    assert_eq!(fuzzing::known_hosts(&other, &line), (vec![], vec![]), "{line:?} speaks for another host");
}

/// What is written down for a host is known of it afterwards, and of that host alone.
fn is_found_again(host: &Endpoint, kind: &str, key: &[u8]) {
    let line = fuzzing::known_hosts_line(host, kind, key);
    let expected: Vec<HostLine> = vec![(1, kind.to_owned(), key.to_owned())];
    assert_eq!(fuzzing::known_hosts(host, &line), (expected, vec![]), "{line:?}");
}

/// A text as each of the lists that `ctr` prints.
pub fn ctr_lists(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let found = fuzzing::ctr_lists(&text);
    let CtrLists { images, digests, committed, version, .. } = &found;
    assert!(images.len().max(digests.len()).max(committed.len()) <= text.lines().count());
    for (name, target, _) in images {
        assert!(!name.contains(char::is_whitespace) && text.contains(name), "{name:?}");
        assert!(text.contains(&target.to_string()), "{target}");
    }
    let is_listed = |digest: &Digest| digests.contains(digest) && text.contains(&digest.to_string());
    assert!(committed.iter().all(is_listed), "{committed:?} of {digests:?}");
    assert!(version.iter().all(|version| !version.contains(char::is_whitespace)), "{version:?}");
    let twice = fuzzing::ctr_lists(&format!("{text}\n{text}"));
    let same = (&twice.images, &twice.version, twice.has_cri) == (images, version, found.has_cri);
    // A last line of a first text may say where the version stands in the second.
    assert!(same || text.contains("Server:"), "{found:?} and {twice:?}");
}

/// What Docker answers: about itself, its images and one image, and when it refuses.
pub fn docker_answers(bytes: &[u8]) {
    if let Some(refusal) = fuzzing::docker_refusal(bytes) {
        is_plain_line(&refusal, LONGEST);
    }
    fuzzing::docker_words(bytes);
    let Some((names, layers, chains)) = fuzzing::docker_image(bytes) else { return };
    for name in names {
        let reference: Reference = name.parse().expect("because it is the name of an image");
        let again: Vec<_> = node_names(&reference).iter().map(ToString::to_string).collect();
        assert_eq!(again, [name]);
    }
    assert_eq!((chains.len(), chains.first()), (layers.len(), layers.first()));
}

/// The installer's `clusterConfig.yaml`: its nodes, and the import that it describes.
pub fn cluster_config(bytes: &[u8]) {
    with_file(".yaml", bytes, |path| {
        let environment = Environment::default();
        match ClusterConfig::read(path, &environment) {
            Ok(config) => nodes_hide_passwords(&config, bytes),
            Err(error) => error_holds(&error, bytes),
        }
        for carried in [Carried::AddonPackage, Carried::FullPackage] {
            let request = ImportRequest { config: path, manifest: None, carried };
            match config::load_import(request, &Overrides::default(), &environment) {
                Ok(settings) => crate::configuration::settings_hide_secrets(&settings, bytes),
                Err(error) => refusal_holds(&error, bytes),
            }
        }
    });
}

fn nodes_hide_passwords(config: &ClusterConfig, bytes: &[u8]) {
    let shown = format!("{config:?} {}", config.notes.join("\n"));
    for node in &config.nodes {
        assert!(node.port > 0 && !node.name.is_empty(), "{node:?}");
        let password = node.password.as_ref().map_or("", |password| password.expose_secret());
        is_hidden(password, bytes, &shown);
    }
}

/// Whatever is wrong is told of keys, not as a file that can't be read.
fn refusal_holds(error: &ConfigError, bytes: &[u8]) {
    error_holds(error, bytes);
    assert!(!matches!(error, ConfigError::Refused { problems, .. } if problems.is_empty()), "{error:?}");
}
