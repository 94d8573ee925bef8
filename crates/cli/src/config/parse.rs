//! From the text of a configuration file to its keys, with errors that name file, line and key.

use std::fs::File as Handle;
use std::io::Read;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_saphyr::{Error as YamlError, MessageFormatter, UserMessageFormatter};

use super::{ConfigError, keys};

/// The largest file that is read, in bytes; real ones have a few hundred.
const LIMIT: u64 = 1024 * 1024;

/// Reads and parses `path`.
pub(super) fn read<T: Default + DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    parse(path, &text(path)?)
}

/// The text of `path`.
pub(super) fn text(path: &Path) -> Result<String, ConfigError> {
    let failed = |source| ConfigError::Read { file: path.to_owned(), source };
    let mut text = String::new();
    let handle = Handle::open(path).map_err(failed)?;
    let read = handle.take(LIMIT + 1).read_to_string(&mut text).map_err(failed)?;
    if read as u64 > LIMIT {
        return Err(ConfigError::TooLarge { file: path.to_owned(), limit: LIMIT });
    }
    Ok(text)
}

/// Parses `text`; `path` is named in errors.
pub(super) fn parse<T: Default + DeserializeOwned>(path: &Path, text: &str) -> Result<T, ConfigError> {
    // Snippets would print neighbouring lines, and passwords stand on those.
    let options = serde_saphyr::options! { with_snippet: false };
    let file: Option<T> =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| refused(path, &error))?;
    Ok(file.unwrap_or_default())
}

fn refused(path: &Path, error: &YamlError) -> ConfigError {
    let (line, column) = error.location().map_or((0, 0), |at| (at.line(), at.column()));
    let file = path.to_owned();
    match error.without_snippet() {
        YamlError::SerdeUnknownField { field, expected, .. } => ConfigError::UnknownKey {
            file,
            line,
            suggestion: suggestion(field, expected),
            key: field.clone(),
        },
        other => ConfigError::Syntax { file, line, column, message: message(other) },
    }
}

fn suggestion(unknown: &str, allowed: &[&str]) -> String {
    keys::suggestion(unknown, allowed)
        .unwrap_or_else(|| format!("the keys known there are {}", allowed.join(", ")))
}

fn message(error: &YamlError) -> String {
    match error {
        YamlError::DuplicateMappingKey { key: Some(key), .. } => format!("the key `{key}` is there twice"),
        YamlError::MultipleDocuments { .. } => {
            "a second document begins here, and only one is read".to_owned()
        }
        YamlError::SerdeUnknownVariant { variant, expected, .. } => {
            format!("`{variant}` is none of {}", expected.join(", "))
        }
        other => UserMessageFormatter.format_message(other).into_owned(),
    }
}
