//! Platforms of images (OCI image specification, "Image Index", property `platform`).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Operating system and processor that an image is made for, e.g. `linux/arm64/v8`.
///
/// Equality is of the fields as written; compare [`Platform::normalized`] values to learn
/// whether two texts mean the same platform.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Platform {
    /// `GOOS`, e.g. `linux`.
    pub os: String,
    /// `GOARCH`, e.g. `amd64`.
    pub architecture: String,
    /// Variant of the processor, e.g. `v7` of `arm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// Version of the operating system; Windows needs it.
    #[serde(default, rename = "os.version", skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// Features that the operating system must have; Windows uses `win32k`.
    #[serde(default, rename = "os.features", skip_serializing_if = "Vec::is_empty")]
    pub os_features: Vec<String>,
}

/// A platform as a document has it.
#[derive(Deserialize)]
struct Written {
    os: String,
    architecture: String,
    #[serde(default)]
    variant: Option<String>,
    #[serde(default, rename = "os.version")]
    os_version: Option<String>,
    #[serde(default, rename = "os.features")]
    os_features: Vec<String>,
}

/// Why a text is no platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("platform {text:?} is not of the form os/architecture or os/architecture/variant, as in linux/arm64")]
pub struct PlatformError {
    /// The text as it was given.
    pub text: String,
}

impl Platform {
    /// A platform without variant, version or features.
    pub fn new(os: impl Into<String>, architecture: impl Into<String>) -> Self {
        Self {
            os: os.into(),
            architecture: architecture.into(),
            variant: None,
            os_version: None,
            os_features: Vec::new(),
        }
    }

    /// The same platform in the one spelling that containerd's `platforms.Normalize` gives:
    /// lower case, `x86_64` is `amd64`, `aarch64` is `arm64`, and `arm64/v8`, `amd64/v1` lose their default variant
    /// while `arm` without one is `arm/v7`.
    pub fn normalized(&self) -> Self {
        let variant = self.variant.as_deref().unwrap_or_default().to_lowercase();
        let (architecture, variant) = normal_processor(&self.architecture.to_lowercase(), &variant);
        let os = match self.os.to_lowercase().as_str() {
            "macos" => "darwin".to_owned(),
            other => other.to_owned(),
        };
        let variant = (!variant.is_empty()).then_some(variant);
        Self { os, architecture, variant, ..self.clone() }
    }

    /// The same platform in the one spelling in which two that mean the same to a merge are equal. The version
    /// of the operating system tells images apart on Windows alone.
    #[must_use]
    pub fn comparable(&self) -> Self {
        let mut one = self.normalized();
        if one.os != "windows" {
            one.os_version = None;
        }
        one.os_features.sort_unstable();
        one
    }
}

fn normal_processor(architecture: &str, variant: &str) -> (String, String) {
    let (architecture, variant) = match (architecture, variant) {
        ("i386", _) => ("386", ""),
        ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
        ("x86_64" | "x86-64", other) => ("amd64", other),
        ("aarch64" | "arm64", "8" | "v8") => ("arm64", ""),
        ("aarch64", other) => ("arm64", other),
        ("armhf", _) | ("arm", "" | "7") => ("arm", "v7"),
        ("armel", _) | ("arm", "6") => ("arm", "v6"),
        ("arm", "5") => ("arm", "v5"),
        ("arm", "8") => ("arm", "v8"),
        same => same,
    };
    (architecture.to_owned(), variant.to_owned())
}

impl TryFrom<Written> for Platform {
    type Error = PlatformError;

    /// Some writers give a platform with a variant of no letters, or with nothing in it at all.
    fn try_from(written: Written) -> Result<Self, PlatformError> {
        let Written { os, architecture, variant, os_version, os_features } = written;
        let variant = variant.filter(|variant| !variant.is_empty());
        let platform = Self { os, architecture, variant, os_version, os_features };
        let parts = [Some(&platform.os), Some(&platform.architecture), platform.variant.as_ref()];
        let can_be_named = parts.into_iter().flatten().all(|part| is_plain(part));
        if can_be_named { Ok(platform) } else { Err(PlatformError { text: platform.to_string() }) }
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let error = || PlatformError { text: text.to_owned() };
        let parts: Vec<&str> = text.split('/').collect();
        if !parts.iter().all(|part| !part.is_empty() && is_plain(part)) {
            return Err(error());
        }
        match parts[..] {
            [os, architecture] => Ok(Self::new(os, architecture)),
            [os, architecture, variant] => {
                Ok(Self { variant: Some(variant.to_owned()), ..Self::new(os, architecture) })
            }
            _ => Err(error()),
        }
    }
}

/// Whether a part of a platform has only the letters that Go's names of systems and processors have.
fn is_plain(part: &str) -> bool {
    part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_for_one_platform() {
        let check = |text: &str, expected: &str| {
            let platform: Platform = text.parse().unwrap();
            assert_eq!(platform.normalized().to_string(), expected, "{text}");
        };
        check("linux/amd64", "linux/amd64");
        check("Linux/x86_64", "linux/amd64");
        check("linux/amd64/v3", "linux/amd64/v3");
        check("linux/arm64/v8", "linux/arm64");
        check("linux/aarch64", "linux/arm64");
        check("linux/arm", "linux/arm/v7");
        check("linux/arm/v6", "linux/arm/v6");
        check("linux/i386", "linux/386");
    }

    #[test]
    fn documents_give_what_can_be_named() {
        let read = |text: &str| serde_json::from_str::<Platform>(text);
        let arm = read(r#"{"os":"linux","architecture":"arm","variant":""}"#).unwrap();
        assert_eq!(arm.to_string().parse(), Ok(arm), "a variant of no letters is none");
        assert!(read(r#"{"os":"","architecture":""}"#).is_ok());
        let error = read(r#"{"os":"linux\u001b[2J","architecture":"arm"}"#).unwrap_err().to_string();
        assert!(error.starts_with(r#"platform "linux\u{1b}[2J/arm" is not of the form"#), "{error}");
    }

    #[test]
    fn refuses_what_is_none() {
        for text in ["", "linux", "linux/", "a/b/c/d", "linux/am d64"] {
            assert!(text.parse::<Platform>().is_err(), "{text}");
        }
    }
}
