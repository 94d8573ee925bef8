//! Which bundle of a stream brings what to which target, so that none takes the place of another.

use std::collections::HashMap;

use portolan_oci::Reference;

use crate::{content::Share, wanted::WantedImage};

/// What each target of an image is to hold, and which bundle said so first.
#[derive(Debug, Default)]
pub(super) struct Claims(HashMap<Reference, Vec<(Share, String)>>);

impl Claims {
    /// Notes what the bundle brings.
    ///
    /// # Errors
    /// In words, which of its images would have a place that other content of the package has for one of its
    /// platforms. Then nothing of the bundle is noted.
    pub(super) fn claim(&mut self, bundle: &str, images: &[WantedImage]) -> Result<(), String> {
        let shares: Vec<Share> = images.iter().map(|image| Share::of(&image.content)).collect();
        for (image, share) in images.iter().zip(&shares) {
            let mut earlier = self.0.get(&image.target).into_iter().flatten();
            if let Some((_, other)) = earlier.find(|(earlier, _)| earlier.collides_with(share)) {
                return Err(format!(
                    "the image {} would become {}, where this package has brought other content before (of {other}); have each go to a place of its own",
                    image.source, image.target
                ));
            }
        }
        for (image, share) in images.iter().zip(shares) {
            let known = self.0.entry(image.target.clone()).or_default();
            if known.iter().all(|(earlier, _)| *earlier != share) {
                known.push((share, bundle.to_owned()));
            }
        }
        Ok(())
    }
}
