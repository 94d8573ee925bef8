//! What `ctr` prints, taken apart. Its columns are filled with blanks, and sizes have blanks in them: what is
//! read stands in the first columns, or in the last.

use std::collections::HashMap;

use portolan_oci::Digest;

/// The label that tells kubelets to leave an image, with its value (containerd, CRI plugin).
pub(crate) const PINNED: &str = "io.cri-containerd.pinned=pinned";

/// The label by which the CRI knows its images, with its value (containerd, CRI plugin).
pub(crate) const MANAGED: &str = "io.cri-containerd.image=managed";

/// A line of `ctr images ls`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImageLine {
    /// What the name stands for.
    pub(crate) target: Digest,
    /// Whether kubelets are told to leave it.
    pub(crate) is_pinned: bool,
    /// Whether the CRI knows it as its own.
    pub(crate) is_managed: bool,
}

/// `ctr images ls`: REF, TYPE, DIGEST, SIZE, PLATFORMS, LABELS.
pub(crate) fn images(text: &str) -> HashMap<String, ImageLine> {
    text.lines().filter_map(image).collect()
}

fn image(line: &str) -> Option<(String, ImageLine)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [name, _type, digest, .., labels] = words.as_slice() else { return None };
    let has = |wanted: &str| labels.split(',').any(|label| label == wanted);
    let (is_pinned, is_managed) = (has(PINNED), has(MANAGED));
    Some(((*name).to_owned(), ImageLine { target: digest.parse().ok()?, is_pinned, is_managed }))
}

/// `ctr content ls -q`: a digest a line.
pub(crate) fn digests(text: &str) -> impl Iterator<Item = Digest> {
    text.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok())
}

/// The keys of `ctr snapshots ls` that are unpacked layers: KEY, PARENT, KIND.
pub(crate) fn committed(text: &str) -> impl Iterator<Item = Digest> {
    let lines = text.lines().filter(|line| line.trim_end().ends_with("Committed"));
    lines.filter_map(|line| line.split_whitespace().next()?.parse().ok())
}

/// The server's version in `ctr version`.
pub(crate) fn server_version(text: &str) -> Option<&str> {
    let (_, server) = text.split_once("Server:")?;
    let line = server.lines().find_map(|line| line.trim().strip_prefix("Version:"))?;
    line.split_whitespace().next()
}

/// Whether `ctr plugins ls` has the CRI's part, and it works: TYPE, ID, PLATFORMS, STATUS.
pub(crate) fn has_cri(text: &str) -> bool {
    text.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        matches!(
            words.as_slice(),
            ["io.containerd.grpc.v1", "cri", .., "ok"] | ["io.containerd.cri.v1", "images", .., "ok"]
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(text: &str) -> Digest {
        Digest::sha256(text.as_bytes())
    }

    #[test]
    fn lists_of_images() {
        let (a, b) = (digest("a"), digest("b"));
        let text = format!(
            "REF           TYPE                  DIGEST SIZE       PLATFORMS               LABELS \n\
             r.example/a:1 application/vnd.oci.x {a}    1004.6 KiB linux/amd64,linux/s390x -      \n\
             r.example/b:1 application/vnd.oci.x {b}    1.2 MiB    -                       x=y,{PINNED},{MANAGED} \n\
             r.example/c:1 application/vnd.oci.x sha256:no  1.2 MiB  -  - \n\n"
        );
        let expected = [
            ("r.example/a:1".to_owned(), ImageLine { target: a, is_pinned: false, is_managed: false }),
            ("r.example/b:1".to_owned(), ImageLine { target: b, is_pinned: true, is_managed: true }),
        ];
        assert_eq!(images(&text), HashMap::from(expected));
        assert_eq!(images("REF TYPE DIGEST SIZE PLATFORMS LABELS \n"), HashMap::new());
    }

    #[test]
    fn lists_of_digests() {
        let (a, b) = (digest("a"), digest("b"));
        assert_eq!(digests(&format!("{a}\n{b}\nnonsense\n")).collect::<Vec<_>>(), [a.clone(), b.clone()]);
        let text = format!(
            "KEY PARENT KIND \n{a}      Committed \n{b} {a} Committed \nrun-1 {b} Active \n{b} {a} View \n"
        );
        assert_eq!(committed(&text).collect::<Vec<_>>(), [a, b]);
    }

    #[test]
    fn versions_of_servers() {
        let text = "Client:\n  Version:  1.6.20~ds1\n\nServer:\n  Version:  2.4.2+unknown\n  Revision: \n  UUID: x\n";
        assert_eq!(server_version(text), Some("2.4.2+unknown"));
        assert_eq!(server_version("Client:\n  Version: 1\n"), None);
        assert_eq!(server_version("Server:\n  Version: 2.4.2\runknown\n"), Some("2.4.2"));
        assert_eq!(server_version("Server:\n  Version:\n  Revision: 1\n"), None);
    }

    #[test]
    fn the_cri_among_plugins() {
        assert!(has_cri("TYPE ID PLATFORMS STATUS \nio.containerd.grpc.v1 cri linux/amd64 ok \n"));
        assert!(has_cri("io.containerd.cri.v1 images - ok \n"));
        assert!(!has_cri("io.containerd.grpc.v1 cri - error \nio.containerd.grpc.v1 images - ok \n"));
    }
}
