//! Manifests as Helm renders them, and the images in their objects.

use portolan_chart::{Evidence, IMAGES_LIMIT, RenderedObject, ValuePath, images_of, rendered_objects};
use portolan_oci::Reference;
use serde_json::Value;

use crate::laws::{can_be_told, prints_and_parses};

/// A manifest; each of its objects is looked through for images.
pub fn rendered_images(bytes: &[u8]) {
    let manifest = String::from_utf8_lossy(bytes);
    let rendered = rendered_objects(&manifest);
    rendered.faults.iter().for_each(|fault| can_be_told(fault));
    rendered.objects.iter().for_each(names_its_images);
}

fn names_its_images(object: &RenderedObject) {
    let found = images_of(&object.object);
    assert!(found.images.len() <= IMAGES_LIMIT, "{} images", found.images.len());
    for image in &found.images {
        let path = image.path.to_string();
        assert_eq!(path.parse().as_ref(), Ok(&image.path), "{path}");
        prints_and_parses::<Reference>(&image.reference.to_string());
        assert!(leads_to_a_value(&image.path, &object.object), "{path} leads nowhere");
        assert!(image.evidence != Evidence::Container || path.ends_with("image"), "{path}");
    }
    if object.name.kind == "Secret" {
        let told = |path: &ValuePath| path.keys().next() != Some("metadata");
        assert!(!found.images.iter().any(|image| told(&image.path)), "a Secret is told: {found:?}");
    }
}

/// Down to the value, or to the text that the rest of the path is in.
fn leads_to_a_value(path: &ValuePath, object: &Value) -> bool {
    let mut path = path.clone();
    if path.get(object).is_some() {
        return true;
    }
    while let Some(parent) = path.parent() {
        if parent.get(object).is_some_and(Value::is_string) {
            return true;
        }
        path = parent;
    }
    false
}
