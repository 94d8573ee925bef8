//! Which of the given packages would bring an image that lacks.
//!
//! A package brings an image where it has it under a name that relocation turns into this one, or under a
//! repository that this one's ends with, of the same tag. Nothing else is said of a package that nobody gave.

use std::path::{Path, PathBuf};

use portolan_chart::Rules;
use portolan_oci::{Platform, Reference};
use portolan_transfer::{InspectedImage, InspectedPackage, inspect_package};

use super::images::{CheckedImage, ImageState};
use super::options::Packages;

/// Names the packages that bring images which lack; gives what a reader should know. Packages are read only where
/// an image lacks, since a compressed one has to be read to its end.
pub(super) async fn name(images: &mut [CheckedImage], packages: &Packages) -> Vec<String> {
    if packages.paths.is_empty() || !images.iter().any(CheckedImage::lacks) {
        return Vec::new();
    }
    let paths = packages.paths.clone();
    let inspected = tokio::task::spawn_blocking(move || paths.into_iter().map(inspect).collect::<Vec<_>>());
    let mut notes = Vec::new();
    for inspected in inspected.await.unwrap_or_default() {
        match inspected {
            Ok((path, package)) => enter(images, &path, &package, &packages.rules),
            Err(note) => notes.push(note),
        }
    }
    notes
}

fn inspect(path: PathBuf) -> Result<(PathBuf, InspectedPackage), String> {
    match inspect_package(&path) {
        Ok(package) => Ok((path, package)),
        Err(error) => {
            let causes =
                std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
            let said = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
            Err(format!("{} can't be looked into for images that lack: {said}", path.display()))
        }
    }
}

fn enter(images: &mut [CheckedImage], path: &Path, package: &InspectedPackage, rules: &Rules) {
    for image in images.iter_mut().filter(|image| image.lacks()) {
        let carried = package.bundles.iter().flat_map(|bundle| &bundle.images);
        if carried.into_iter().any(|carried| brings(carried, image, rules)) {
            image.brought_by.push(path.display().to_string());
        }
    }
}

/// Whether that is the image, for a platform that lacks.
fn brings(carried: &InspectedImage, lacking: &CheckedImage, rules: &Rules) -> bool {
    let wanted = &lacking.image;
    let by_digest = || wanted.digest.is_some() && carried.digest == wanted.digest;
    let is_it = carried.names.iter().any(|name| {
        let is_target = rules.target(name).is_ok_and(|target| target == *wanted);
        is_target || (ends_alike(name, wanted) && (name.tag == wanted.tag || by_digest()))
    });
    let serves = |text: &String| {
        let same = |platform: &Platform| platform.normalized().to_string() == *text;
        carried.platforms.iter().any(same)
    };
    match &lacking.state {
        ImageState::NotFor(platforms) => is_it && platforms.iter().any(serves),
        _ => is_it,
    }
}

/// Whether the wanted repository is the name's own, or ends with it.
fn ends_alike(name: &Reference, wanted: &Reference) -> bool {
    let (name, wanted) = (name.repository.as_str(), wanted.repository.as_str());
    wanted.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

/// What packages and bundles that carry a chart are called (formats.md, sections 1 and 2), where none of the given
/// ones brings an image that lacks.
pub(super) fn usual_names(images: &[CheckedImage], chart: &str, version: &str) -> Option<String> {
    let unbrought = |image: &&CheckedImage| image.stands_in_the_way() && image.brought_by.is_empty();
    let lacking = images.iter().filter(unbrought).count();
    let number = version.trim_start_matches('v');
    (lacking > 0).then(|| {
        format!(
            "no package that was given brings {lacking} of the images that lack; a module's package is usually called \
             {chart}_v{number}_ARCHITECTURE.tar, and a bundle {chart}_{number}.bundle.tar: give it with --package to \
             have it looked into"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upgrade::images::Named;

    fn lacking(image: &str, state: ImageState) -> CheckedImage {
        let object = "Deployment a/b".to_owned();
        let image = image.parse().unwrap();
        CheckedImage { image, named: Named::Run, object, state, brought_by: Vec::new() }
    }

    #[test]
    fn what_a_package_brings() {
        let carried = InspectedImage {
            names: vec!["release.daocloud.io/kpanda/kpanda-apiserver:v0.21.0".parse().unwrap()],
            digest: None,
            platforms: vec![Platform::new("linux", "amd64")],
            size: 1,
        };
        let none = Rules::default();
        let flat = Rules { repository: Some("other/place".parse().unwrap()), ..Rules::default() };
        let check = |image: &str, state: ImageState, rules: &Rules, expected: bool| {
            assert_eq!(brings(&carried, &lacking(image, state), rules), expected, "{image}");
        };
        let name = "10.0.0.1/release.daocloud.io/kpanda/kpanda-apiserver";
        check(&format!("{name}:v0.21.0"), ImageState::Absent, &none, true);
        check(&format!("{name}:v0.22.0"), ImageState::Absent, &none, false);
        check("10.0.0.1/mykpanda/kpanda-apiserver:v0.21.0", ImageState::Absent, &none, false);
        check("10.0.0.1/other/place/kpanda-apiserver:v0.21.0", ImageState::Absent, &none, false);
        let flat_target = "release.daocloud.io/other/place/kpanda-apiserver:v0.21.0";
        check(flat_target, ImageState::Absent, &flat, true);
        let not_for = |platform: &str| ImageState::NotFor(vec![platform.to_owned()]);
        check(&format!("{name}:v0.21.0"), not_for("linux/amd64"), &none, true);
        check(&format!("{name}:v0.21.0"), not_for("linux/arm64"), &none, false);
    }

    #[test]
    fn usual_names_are_said_where_nothing_better_is_known() {
        let images = [lacking("10.0.0.1/a/b:1", ImageState::Absent)];
        let said = usual_names(&images, "kpanda", "v0.21.0").unwrap();
        assert!(
            said.contains("called kpanda_v0.21.0_ARCHITECTURE.tar, and a bundle kpanda_0.21.0.bundle.tar")
        );
        let brought = CheckedImage { brought_by: vec!["x.tar".to_owned()], ..images[0].clone() };
        assert_eq!(usual_names(&[brought], "kpanda", "0.21.0"), None);
    }
}
