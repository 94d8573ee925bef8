//! Command lines in, commands or exact refusals out.

use super::*;

fn parsed(line: &str) -> Result<Invocation, String> {
    parse(line.split_whitespace().map(OsString::from)).map_err(|error| error.to_string())
}

/// The sync that a line asks for, as its `Debug` text without what is at its default.
#[track_caller]
fn sync_of(line: &str) -> SyncArgs {
    match parsed(line).unwrap().command {
        Command::Sync(sync) => sync,
        other => panic!("{line} is {other:?}"),
    }
}

#[track_caller]
fn same(line: &str, portolan: &str) {
    assert_eq!(format!("{:?}", sync_of(line)), format!("{:?}", sync_of(portolan)), "{line}");
}

#[test]
fn the_seeds_command_lines_as_they_stand() {
    // Seeds 002, 003 and 004 have the same one.
    same("charts-syncer sync --config load-image.yaml", "portolan sync --config load-image.yaml");
    same("/usr/local/bin/charts-syncer sync --config load-image.yaml", "portolan sync -c load-image.yaml");
    same("charts-syncer.exe sync -c load-image.yaml", "portolan sync -c load-image.yaml");
}

#[test]
fn the_installers_command_lines_as_they_stand() {
    #[track_caller]
    fn same(line: &str, portolan: &str) {
        let (called, own) = (parsed(line).unwrap(), parsed(portolan).unwrap());
        assert_eq!(format!("{:?}", called.command), format!("{:?}", own.command), "{line}");
        assert_eq!(called.verbosity, own.verbosity, "{line}");
    }
    // Seed 000 and seed 001, which writes the command in two words.
    let package = "--addon-path=/home/addon-offline-full-package-v0.9.0-arm64.tar.gz";
    let config = "-c /home/dce5/sample/clusterConfig.yaml";
    let portolan = format!("portolan import-addon {config} {package}");
    same(&format!("/root/dce5-installer import-addon {config} {package}"), &portolan);
    same(&format!("/root/dce5-installer import -addon {config} {package}"), &portolan);
    same(&format!("portolan import -addon {config} {package}"), &portolan);
    let create = format!("cluster-create {config} -m /home/dce5/sample/manifest.yaml -d -j13");
    same(&format!("dce5-installer {create}"), &format!("portolan {create}"));
    same(&format!("dce5-installer {create}"), &format!("portolan -vv {create}"));
    // Seed 003, and the installer's own word for upgrades.
    let create = "cluster-create -c /home/dce5/sample/clusterConfig.yaml -m /home/dce5/sample/manifest.yaml";
    for rest in ["-d -j 14,15", "-d -j13,14,15", "--upgrade gproduct,infrastructure", "-u gproduct"] {
        same(&format!("/root/dce5-installer {create} {rest}"), &format!("portolan {create} {rest}"));
    }
    for (line, expected) in [
        (format!("dce5-installer {create}"), "-j <N[,N]>"),
        (format!("dce5-installer {create} -u gproduct -j14"), "cannot be used with"),
        (format!("dce5-installer {create} -u all"), "invalid value 'all'"),
        ("dce5-installer cluster-create -c a.yaml -u gproduct".to_owned(), "--manifest <FILE>"),
    ] {
        let error = parsed(&line).unwrap_err();
        assert!(error.contains(expected), "{line}: {error}");
    }
    assert!(matches!(parsed("dce5-installer version").unwrap().command, Command::Version));
}

#[test]
fn charts_syncers_flags() {
    same("charts-syncer --config a.yaml sync", "portolan sync -c a.yaml");
    same("charts-syncer --insecure --dry-run sync -c a.yaml", "portolan sync -c a.yaml --dry-run --insecure");
    same(
        "charts-syncer sync --skip-images --skip-dependencies --auto-create-repository --workdir /tmp/w",
        "portolan sync --skip-images --skip-dependencies --auto-create-repository --workdir /tmp/w",
    );
    same(
        "charts-syncer sync --from-date 2020-05-01 --latest-version-only --platform linux/arm64 --verify --print-images",
        "portolan sync --from-date 2020-05-01 --latest-version-only --platform linux/arm64 --verify --print-images",
    );
    let levels = [("-v 4", 2), ("-v=10", 3), ("--v=1", 1), ("", 0)];
    for (flag, expected) in levels {
        let line = format!("charts-syncer sync --alsologtostderr --logtostderr=false {flag} -c a.yaml");
        assert_eq!(parsed(&line).unwrap().verbosity, Verbosity(expected), "{line}");
        same(&line, "portolan sync -c a.yaml");
    }
    assert!(matches!(parsed("charts-syncer version").unwrap().command, Command::Version));
    let generate = "charts-syncer generate -g manifest.yaml --output-dir d --bundles-path-prefix p";
    assert!(matches!(parsed(generate).unwrap().command, Command::Generate(_)));
}

#[test]
fn verbosity_counts() {
    assert_eq!(parsed("portolan sync -vv").unwrap().verbosity, Verbosity(2));
    assert_eq!(parsed("portolan -v quickstart --once").unwrap().verbosity, Verbosity(1));
}

#[test]
fn the_form_of_standard_error_is_found_whatever_else_is_wrong() {
    let check = |line: &str, expected| {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        assert_eq!(log_format(&words), expected, "{line}");
    };
    check("portolan sync", LogFormat::Text);
    check("portolan --log-format json sink", LogFormat::Json);
    check("portolan sync --nonsense --log-format=json", LogFormat::Json);
    check("portolan sync --log-format text", LogFormat::Text);
    check("portolan sync --log-format", LogFormat::Text);
    same("charts-syncer sync --log-format json -c a.yaml", "portolan sync -c a.yaml --log-format=json");
}

#[test]
fn refusals() {
    #[track_caller]
    fn check(line: &str, expected: &str) {
        let error = parsed(line).unwrap_err();
        assert_eq!(error.lines().next(), Some(expected), "{error}");
    }
    check("dce5-installer sync -c x", "error: unrecognized subcommand 'sync'");
    check("dce5-installer import-addon -c x --force", "error: unexpected argument '--force' found");
    check("portolan import -c x", "error: unrecognized subcommand 'import'");
    check(
        "portolan cluster-create -c x -j13-15",
        "error: invalid value '13-15' for '-j <N[,N]>': numbers are expected, with commas between them, as in 13 or 14,15",
    );
    check("portolan sink", "error: unrecognized subcommand 'sink'");
    check("portolan sync --dryrun", "error: unexpected argument '--dryrun' found");
    check(
        "portolan sync --jobs 0",
        "error: invalid value '0' for '--jobs <N>': a number from 1 to 64 is expected",
    );
    check(
        "portolan sync --limit-rate 10Mb",
        "error: invalid value '10Mb' for '--limit-rate <RATE>': \
         a number with K, M, G, KiB, MiB or GiB is expected, as in 10M or 1.5MiB",
    );
    check("portolan sync --on-existing more", "error: invalid value 'more' for '--on-existing <WHAT>'");
    check("portolan sync --output yaml", "error: invalid value 'yaml' for '--output <FORM>'");
}

#[test]
fn clap_finds_no_fault_in_the_commands() {
    description().debug_assert();
}

#[test]
fn a_release_or_a_group() {
    #[track_caller]
    fn refused(line: &str, expected: &str) {
        let error = parsed(line).unwrap_err();
        assert!(error.contains(expected), "{line}: {error}");
    }
    assert!(parsed("portolan upgrade --group manifest.yaml --rollback-group -n kpanda-system").is_ok());
    refused("portolan upgrade", "<RELEASE>");
    refused("portolan upgrade kpanda --group manifest.yaml", "cannot be used with");
    refused("portolan upgrade --group manifest.yaml --set a=b", "cannot be used with");
    refused("portolan upgrade --group manifest.yaml --keep-going --rollback-group", "cannot be used with");
}
