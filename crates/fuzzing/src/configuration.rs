//! The configuration file.

use portolan_cli::config::{self, ConfigError, Environment, Overrides, Settings};
use secrecy::ExposeSecret as _;

use crate::{
    file::with_file,
    laws::{can_be_told, is_hidden},
};

/// A file of charts-syncer's format: for a sync, and for a load, which asks it for names alone.
pub fn configuration(bytes: &[u8]) {
    with_file(".yaml", bytes, |path| {
        let environment = Environment::default();
        let settings = config::load(path, &Overrides::default(), &environment);
        let naming = config::naming(path, &environment);
        if let Err(error) = &naming {
            error_holds(error, bytes);
        }
        match settings {
            Ok(settings) => {
                settings_hide_secrets(&settings, bytes);
                naming.expect("because a file that can be synced names its images");
            }
            Err(error) => error_holds(&error, bytes),
        }
    });
}

pub(crate) fn settings_hide_secrets(settings: &Settings, bytes: &[u8]) {
    let shown = format!("{settings:?}");
    for login in [&settings.registry.login, &settings.charts.login].into_iter().flatten() {
        is_hidden(login.password.expose_secret(), bytes, &shown);
    }
    assert!(!settings.package.path.as_os_str().is_empty());
}

/// What is wrong is told without the passwords that stand beside it.
pub(crate) fn error_holds(error: &ConfigError, bytes: &[u8]) {
    can_be_told(error);
    let mut told = vec![error.to_string()];
    told.extend(error.problems().iter().map(ToString::to_string));
    told.extend(error.hint());
    let told = told.join("\n");
    passwords(&String::from_utf8_lossy(bytes)).for_each(|password| is_hidden(password, bytes, &told));
    let lines = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() as u64 + 1;
    if let ConfigError::Syntax { line, .. } | ConfigError::UnknownKey { line, .. } = error {
        assert!(*line <= lines + 1, "line {line} of {lines}");
    }
}

/// The plain words behind `password:`, and keys of that kind in the installer's file.
fn passwords(text: &str) -> impl Iterator<Item = &str> {
    let keys = ["password", "ansiblePass", "externalImageRepoPassword", "externalChartRepoPassword"];
    let pairs = text.lines().filter_map(|line| line.split_once(": "));
    let behind = pairs.filter(move |(key, _)| keys.contains(&key.trim_start_matches([' ', '-'])));
    behind.map(|(_, word)| word.trim()).filter(|word| word.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}
