//! The configuration as a whole: texts in, settings or exact errors out.

mod errors;
mod logins;
mod values;

use std::path::Path;

use super::resolve::resolve;
use super::{ConfigError, Environment, Overrides, Settings, parse};

/// The first file of the seeds (002), as a site has it.
pub(super) const HARBOR: &str = r#"source:
  intermediateBundlesPath: kairship # The path where the .tar.gz package is located
target:
  containerRegistry: 10.16.10.111 # Container registry address
  containerRepository: release.daocloud.io/kairship # Container registry path
  repo:
    kind: HARBOR # Helm Chart repository type
    url: http://10.16.10.111/chartrepo/release.daocloud.io # Helm repository address
    auth:
      username: "admin" # Container registry username
      password: "Harbor12345" # Container registry password
  containers:
    auth:
      username: "admin" # Helm repository username
      password: "Harbor12345" # Helm repository password
"#;

/// The least that can be synced.
pub(super) const LEAST: &str = "source:
  intermediateBundlesPath: in
target:
  containerRegistry: r.example
  repo:
    kind: LOCAL
    path: out
";

pub(super) fn environment(set: &[(&str, &str)]) -> Environment {
    Environment::read(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
}

pub(super) fn settings_with(
    text: &str,
    overrides: &Overrides,
    set: &[(&str, &str)],
) -> Result<Settings, ConfigError> {
    let path = Path::new("load-image.yaml");
    resolve(path, parse::parse(path, text)?, overrides, &environment(set))
}

pub(super) fn settings(text: &str) -> Settings {
    settings_with(text, &Overrides::default(), &[]).unwrap()
}

/// The error with its problems, one a line, and its hint, as the program shows them.
pub(super) fn error_of(text: &str) -> String {
    shown(&settings_with(text, &Overrides::default(), &[]).unwrap_err())
}

pub(super) fn shown(error: &ConfigError) -> String {
    let mut lines = vec![error.to_string()];
    lines.extend(error.problems().iter().map(|problem| format!("  {problem}")));
    lines.extend(error.hint().map(|hint| format!("hint: {hint}")));
    lines.join("\n")
}
