//! The configuration file.

use portolan_chart::YamlText;
use portolan_cli::config::{self, ConfigError, Environment, Overrides, Settings};
use secrecy::ExposeSecret as _;
use serde_json::Value;

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
    passwords(bytes).iter().for_each(|password| is_hidden(password, bytes, &told));
    let lines = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() as u64 + 1;
    if let ConfigError::Syntax { line, .. } | ConfigError::UnknownKey { line, .. } = error {
        assert!(*line <= lines + 1, "line {line} of {lines}");
    }
}

/// Keys of secrets, here and in the installer's file.
const SECRETS: [&str; 4] =
    ["password", "ansiblePass", "externalImageRepoPassword", "externalChartRepoPassword"];

/// The plain words behind keys of secrets: those of the tree, or of lines that look like it where there is
/// none. A line within a quoted text is no key's, and may be shown with it.
fn passwords(bytes: &[u8]) -> Vec<String> {
    let is_plain = |word: &String| word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let mut found = Vec::new();
    match YamlText::parse(bytes).and_then(|text| text.documents()) {
        Ok(documents) => documents.iter().for_each(|document| collect(document, &mut found)),
        Err(_) => found.extend(lines_of_secrets(&String::from_utf8_lossy(bytes))),
    }
    found.retain(is_plain);
    found
}

/// What stands behind keys of secrets in lines that don't begin within quotes.
fn lines_of_secrets(text: &str) -> Vec<String> {
    let is_within = |before: &str| ['"', '\''].iter().any(|mark| before.matches(*mark).count() % 2 == 1);
    let mut at = 0;
    let mut found = Vec::new();
    for line in text.split_inclusive('\n') {
        let pair = line.split_once(": ").filter(|_| !is_within(&text[..at]));
        let secret = pair.filter(|(key, _)| SECRETS.contains(&key.trim_start_matches([' ', '-'])));
        found.extend(secret.map(|(_, word)| word.trim().to_owned()));
        at += line.len();
    }
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                let secret = value.as_str().filter(|_| SECRETS.contains(&key.as_str()));
                found.extend(secret.map(str::to_owned));
                collect(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}
