//! Opening reads headers, lists and configs, never a layer: shown on packages that nobody could read through.

use std::fs::File;
use std::os::unix::fs::FileExt;

use portolan_oci::{Algorithm, Digest};
use serde_json::json;
use tar::Header;

use crate::support::{Folder, only, single};

/// How large each layer is said to be: two tebibytes in all, of which the disk holds next to nothing.
const LAYER: u64 = 40 << 30;
const LAYERS: u64 = 50;

/// A file with holes, written in pieces.
struct Sparse {
    file: File,
    position: u64,
}

impl Sparse {
    fn header(&mut self, name: &str, size: u64) {
        let mut header = Header::new_gnu();
        header.set_path(name).unwrap();
        header.set_size(size);
        header.set_cksum();
        self.file.write_all_at(header.as_bytes(), self.position).unwrap();
        self.position += 512;
    }

    fn entry(&mut self, name: &str, begin: &[u8], size: u64) {
        self.header(name, size);
        self.file.write_all_at(begin, self.position).unwrap();
        self.position += size.next_multiple_of(512);
    }

    fn end(self) {
        self.file.set_len(self.position + 1024).unwrap();
    }
}

fn hex(at: u64) -> String {
    Digest::sha256(&at.to_le_bytes()).hex().to_owned()
}

/// What the disk of this machine may not take: files of that size.
fn sparse(folder: &Folder) -> Option<Sparse> {
    let file = File::create(folder.path().join("huge.tar")).unwrap();
    match file.set_len(LAYER * LAYERS * 2) {
        Ok(()) => Some(Sparse { file, position: 0 }),
        Err(error) => {
            portolan_testkit::components::skip(&format!("the disk takes no large sparse file: {error}"));
            None
        }
    }
}

#[test]
fn two_tebibytes_are_opened_by_their_headers() {
    let folder = Folder::new();
    let Some(mut tar) = sparse(&folder) else { return };
    let diff_ids: Vec<_> = (0..LAYERS).map(|at| format!("sha256:{}", hex(at + 1000))).collect();
    let config =
        json!({"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": diff_ids}});
    let config = config.to_string();
    for at in 0..LAYERS {
        tar.entry(&format!("{}.tar.gz", hex(at)), &[0x1f, 0x8b, 0x08], LAYER);
    }
    tar.entry("config.json", config.as_bytes(), config.len() as u64);
    let layers: Vec<_> = (0..LAYERS).map(|at| format!("{}.tar.gz", hex(at))).collect();
    let list = json!([{"Config": "config.json", "RepoTags": ["a.example.com/huge:1"], "Layers": layers}])
        .to_string();
    tar.entry("manifest.json", list.as_bytes(), list.len() as u64);
    tar.end();

    let package = portolan_package::open(&folder.path().join("huge.tar")).unwrap();
    let source = single(&only(&package).images[0]);
    assert_eq!(source.layers.iter().map(|layer| layer.blob.stored_size()).sum::<u64>(), LAYER * LAYERS);
    let last = &source.layers[LAYERS as usize - 1].blob;
    assert_eq!(last.digest(), Some(&Digest::from_hex(Algorithm::Sha256, &hex(LAYERS - 1)).unwrap()));
    assert_eq!(last.file_offset(), (LAYERS - 1) * (LAYER + 512) + 512);
}
