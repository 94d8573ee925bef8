//! `--log-format json`: whatever happens, every line on standard error is one object.

use serde_json::Value;

use crate::inputs::{local_configuration, two_bundles};
use crate::site::{Depot, Ended, Site};

/// The lines on standard error, each of which must be a whole object of version 1.
#[track_caller]
fn records(ended: &Ended) -> Vec<Value> {
    let record = |line: &str| -> Value {
        let record: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}\n{}", ended.err));
        assert_eq!(record["logVersion"], 1, "{line}");
        assert!(record["time"].as_str().unwrap().ends_with('Z') && record["type"].is_string(), "{line}");
        record
    };
    ended.err.lines().map(record).collect()
}

fn types(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["type"].as_str().unwrap()).collect()
}

fn of_type<'a>(records: &'a [Value], wanted: &str) -> Vec<&'a Value> {
    records.iter().filter(|record| record["type"] == wanted).collect()
}

#[test]
fn a_run_that_goes_well() {
    let (site, depot) = (Site::new(), Depot::open());
    two_bundles(&site);
    site.write("load-image.yaml", local_configuration(&depot.host()));
    let done = site.run("sync -c load-image.yaml --workdir w -vvv --output json --log-format json").expect(0);
    let report: Value = serde_json::from_str(&done.out).unwrap();
    let records = records(&done);
    let beginning = ["note", "checking", "planned", "message", "started"];
    let kinds: Vec<&str> =
        types(&records).into_iter().filter(|kind| !["log", "checked"].contains(kind)).collect();
    assert_eq!(kinds[..5], beginning);
    assert_eq!(kinds.last(), Some(&"finished"));
    let planned = of_type(&records, "planned")[0];
    assert_eq!(
        planned["images"],
        serde_json::json!({"push": 2, "mend": 0, "merge": 0, "replace": 0, "exists": 0, "keep": 0})
    );
    assert_eq!(planned["digest"], report["planDigest"]);
    // Two layers and a config each, the lowest layer shared; it is sent once and mounted.
    assert_eq!(of_type(&records, "blob-started").len(), 5);
    assert_eq!(of_type(&records, "blob-finished").len(), 5);
    let mut images: Vec<_> = of_type(&records, "image-finished").iter().map(|r| r["image"].clone()).collect();
    images.sort_by_key(|image| image["target"].to_string());
    assert_eq!(Value::from(images), report["images"]);
    let charts: Vec<_> = of_type(&records, "chart-finished").iter().map(|r| r["chart"].clone()).collect();
    assert_eq!(Value::from(charts), report["charts"]);
    let finished = of_type(&records, "finished")[0];
    assert_eq!((&finished["outcome"], &finished["totals"]), (&"done".into(), &report["totals"]));
}

#[test]
fn a_run_that_fails() {
    let site = Site::new();
    two_bundles(&site);
    let port = portolan_testkit::ports::free();
    site.write("load-image.yaml", local_configuration(&format!("127.0.0.1:{port}")));
    let failed = site.run("--log-format=json sync -c load-image.yaml -v").expect(1);
    let records = records(&failed);
    let error = records.last().unwrap();
    assert_eq!((&error["type"], &error["exitCode"]), (&"error".into(), &1.into()));
    assert_eq!(error["message"], "nothing was written, because one thing stands in the way");
    assert_eq!(error["parts"].as_array().unwrap().len(), 1);
    // The first question is tried twice.
    let log = of_type(&records, "log")[0];
    assert_eq!((&log["level"], &log["message"]), (&"warn".into(), &"trying again".into()));
    assert_eq!(log["fields"]["attempt"], 1);
    assert_eq!(failed.out, "");
}

#[test]
fn arguments_and_configurations_that_cannot_be_used() {
    let site = Site::new();
    site.write("load-image.yaml", "target:\n  repo:\n    kind: JFROG\n");
    let refused = |line: &str| {
        let refused = site.run(line).expect(2);
        let mut records = records(&refused);
        assert_eq!((records.len(), types(&records)[0]), (1, "error"), "{refused:?}");
        records.remove(0)
    };
    let unknown = refused("--log-format json sync --nonsense");
    assert_eq!(unknown["message"], "unexpected argument '--nonsense' found");
    assert!(unknown["hint"].as_str().unwrap().contains("Usage: portolan sync"), "{unknown}");
    assert_eq!(refused("sync --jobs 0 --log-format json")["exitCode"], 2);
    let missing = refused("sync --log-format json -c nowhere.yaml");
    assert_eq!(missing["message"], "cannot read the configuration nowhere.yaml");
    assert_eq!(missing["causes"].as_array().unwrap().len(), 1);
    let several = refused("sync --log-format json -c load-image.yaml");
    assert_eq!(several["parts"].as_array().unwrap().len(), 3, "{several}");
}

#[test]
fn quickstart_speaks_it_too() {
    let shown = Site::new().run("quickstart --once --log-format json").expect(0);
    let records = records(&shown);
    assert_eq!(of_type(&records, "finished").len(), 2);
    assert!(of_type(&records, "message").iter().all(|record| record["message"] != ""));
}
