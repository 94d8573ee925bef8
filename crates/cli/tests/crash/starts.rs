//! Starts from what was left by others: by a power loss, and by a depot of format 1. The power fails again
//! while the depot mends, or takes over, what it finds.

use std::fs;
use std::path::Path;

use portolan_oci::Digest;
use portolan_testkit::charts::Chart;
use portolan_testkit::power_loss::{self, FailPoint, Position};
use portolan_testkit::random::Random;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::ledger::{Course, Key, Ledger};
use crate::recording::{Recording, Work};
use crate::seeds;
use crate::stage::Stage;
use crate::workload::Worker;

/// Power losses, and further ones after each.
const FIRST: u64 = 4;
const SECOND: u64 = 10;

/// More calls than a start has.
const MOST: u64 = 1000;

#[test]
fn the_power_may_fail_again_after_a_start() {
    let Some(recording) = Recording::new(Work::Pushes, 3) else { return };
    for seed in 0..FIRST {
        let cut = seeds::cut(&recording.trace, &recording.ledger, seed);
        let left = power_loss::folder();
        recording.trace.after_power_loss(cut, seed).write_to(left.path());
        let stage = Stage::new(|recorder| recorder).expect("because it has recorded already");
        let found = power_fails_later(&stage, left.path(), recording.ledger.after_crash(cut.0));
        assert!(found.is_empty(), "after seed {seed}: {found:#?}");
    }
}

/// Starts with what was left, pushes, and lets the power fail somewhere in between.
fn power_fails_later(stage: &Stage, left: &Path, known: Ledger) -> Vec<(u64, Vec<String>)> {
    stage.furnish(left);
    *stage.notes.ledger.lock().unwrap() = known;
    let began = stage.recorder.position();
    stage.live(None, async |site| Worker::new("later", 1, &stage.notes).push_each(site).await);
    let (trace, ledger) = (stage.recorder.trace(), stage.ledger());
    let places: Vec<Position> = trace.positions().filter(|place| *place >= began).collect();
    let runtime = Runtime::new().unwrap();
    let fails = |seed| {
        let cut = places[Random::new(seed).below(places.len())];
        (seed, runtime.block_on(seeds::findings_on(&trace.after_power_loss(cut, seed), &ledger, cut)))
    };
    (0..SECOND).map(fails).filter(|(_, found)| !found.is_empty()).collect()
}

/// The first start on the data of format 1, killed at each of its calls, and the next one after it.
#[test]
fn a_depot_of_format_1_can_be_taken_over_at_any_rate() {
    let (old, runtime) = (Old::new(), Runtime::new().unwrap());
    for call in 1..MOST {
        let Some(stage) = Stage::new(|recorder| recorder) else { return };
        stage.furnish(old.folder.path());
        *stage.notes.ledger.lock().unwrap() = old.ledger();
        if stage.live(Some(FailPoint::After(call)), async |_| Ok(())) {
            return;
        }
        let killed = stage.recorder.position();
        stage.live(None, async |_| Ok(()));
        let (trace, ledger) = (stage.recorder.trace(), stage.ledger());
        let later: Vec<Position> = trace.positions().filter(|place| *place >= killed).collect();
        let anywhere = later[Random::new(call).below(later.len())];
        let disks = [
            (killed, trace.sure(killed)),
            (anywhere, trace.after_power_loss(anywhere, call)),
            (trace.end(), trace.sure(trace.end())),
        ];
        for (cut, disk) in disks {
            let found = runtime.block_on(seeds::findings_on(&disk, &ledger, cut));
            assert!(found.is_empty(), "killed after call {call}, power lost at {cut:?}: {found:#?}");
        }
    }
    panic!("{MOST} calls were not all");
}

/// The directory of a depot of format 1, which had small files in place of a database.
struct Old {
    folder: tempfile::TempDir,
    image: Vec<u8>,
    layer: Vec<u8>,
    chart: Vec<u8>,
}

impl Old {
    fn new() -> Self {
        let layer = b"a layer".to_vec();
        let part =
            json!({"mediaType": "application/octet-stream", "digest": digest(&layer), "size": layer.len()});
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let image = json!({"schemaVersion": 2, "mediaType": media_type, "config": part, "layers": [part]});
        let image = image.to_string().into_bytes();
        let old =
            Self { folder: power_loss::folder(), image, layer, chart: Chart::new("demo", "1.0.0").archive() };
        for content in [&old.layer, &old.image, &old.chart] {
            let hex = hex(content);
            old.write(&format!("blobs/sha256/{}/{hex}", &hex[..2]), content);
        }
        old.write("format", b"portolan-depot 1\n");
        old.write("projects/p", b"private\n");
        old.write(&format!("repositories/p/app/_blobs/sha256/{}", hex(&old.layer)), b"");
        old.write(
            &format!("repositories/p/app/_manifests/sha256/{}", hex(&old.image)),
            format!("{media_type}\n").as_bytes(),
        );
        old.write("repositories/p/app/_tags/v1", format!("{}\n", digest(&old.image)).as_bytes());
        let record = json!({
            "apiVersion": "v2", "name": "demo", "version": "1.0.0", "urls": ["charts/demo-1.0.0.tgz"],
            "created": "2026-01-01T00:00:00Z", "digest": hex(&old.chart),
        });
        old.write("charts/projects/p/demo-1.0.0.chart", record.to_string().as_bytes());
        old
    }

    fn write(&self, path: &str, content: &[u8]) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// All of it is there from the beginning.
    fn ledger(&self) -> Ledger {
        let (project, repository) = ("p".to_owned(), "p/app".to_owned());
        let (layer, image) = (digest(&self.layer), digest(&self.image));
        let keys = [
            (Key::Project { name: project.clone() }, project.clone()),
            (Key::Blob { repository: repository.clone(), digest: layer.clone() }, layer),
            (Key::Manifest { repository: repository.clone(), digest: image.clone() }, image.clone()),
            (Key::Tag { repository, tag: "v1".to_owned() }, image),
            (Key::Chart { project, stem: "demo-1.0.0".to_owned() }, digest(&self.chart)),
        ];
        let mut ledger = Ledger::default();
        for (key, value) in keys {
            ledger.note(key, Some(value), Course { began: 0, ended: 0, acknowledged: true });
        }
        ledger
    }
}

fn digest(content: &[u8]) -> String {
    Digest::sha256(content).to_string()
}

fn hex(content: &[u8]) -> String {
    Digest::sha256(content).hex().to_owned()
}
