//! How to look at the result with other programs.

use std::net::SocketAddr;
use std::path::Path;

use super::PROJECT;
use super::charts::{CHARTS, Chart};

/// The commands, as they can be pasted.
pub(super) fn text(depot: SocketAddr, configuration: &Path) -> String {
    let [Chart { name: chart, version, images }, _] = &CHARTS;
    let image = format!("{depot}/{PROJECT}/{}:{}", images[0], super::images::TAG);
    let lines = [
        "\nLook at it with:".to_owned(),
        format!("  curl http://{depot}/v2/_catalog"),
        format!("  curl http://{depot}/v2/{PROJECT}/{}/tags/list", images[0]),
        format!("  curl http://{depot}/{PROJECT}/index.yaml"),
        format!("  helm template demo {chart} --version {version} --repo http://{depot}/{PROJECT}"),
        format!("  skopeo inspect --tls-verify=false docker://{image}"),
        format!("  ctr image pull --plain-http {image} && ctr run --rm {image} ahoy"),
        format!("  portolan sync --config {} --dry-run", configuration.display()),
    ];
    lines.join("\n")
}
