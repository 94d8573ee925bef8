//! A bundle whose chart stays where it is: its images alone are carried.

use portolan_chart::{Chart, hint_images};

use super::{
    bundle::{Inputs, PrepareError, Prepared, all_images, hints_of},
    contents::contents,
};
use crate::options::ImagePolicy;

/// What a bundle asks for whose chart stays where it is.
pub(super) fn images_of(
    inputs: &Inputs<'_>,
    index: usize,
    chart: &Chart,
    policy: ImagePolicy,
) -> Result<Prepared, PrepareError> {
    let bundle = &inputs.package.bundles[index];
    let images = match policy {
        ImagePolicy::RewriteOnly | ImagePolicy::Leave => Vec::new(),
        ImagePolicy::Relocate => {
            let hints = hints_of(bundle, chart)?;
            let named = hint_images(chart, &hints, &inputs.options.rules)
                .map_err(|source| PrepareError::Relocate { source })?;
            all_images(inputs.naming(), index, &named)?
        }
    };
    let (source, contents) = (bundle.origin.to_string(), contents(bundle, Some(chart)));
    Ok(Prepared { index, source, contents, images, chart: None, notes: Vec::new() })
}
