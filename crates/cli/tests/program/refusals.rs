//! Arguments, configurations and packages that cannot be used, to the letter.

use crate::inputs::local_configuration;
use crate::site::{Site, ended};

#[test]
fn an_unknown_key_names_file_line_and_key() {
    let site = Site::new();
    site.write(
        "load-image.yaml",
        local_configuration("r.example").replace("containerRegistry", "containerRegisty"),
    );
    let refused = site.run("sync --config load-image.yaml").expect(2);
    let expected =
        "error: load-image.yaml:4: unknown key `containerRegisty`\nhint: did you mean `containerRegistry`?\n";
    assert_eq!((refused.err.as_str(), refused.out.as_str()), (expected, ""));
}

#[test]
fn all_problems_are_told_at_once() {
    let site = Site::new();
    site.write("load-image.yaml", "target:\n  repo:\n    kind: JFROG\ncontainerPlatforms: [linux/arm64]\n");
    let expected = "\
error: load-image.yaml cannot be used as it is
  - `source.intermediateBundlesPath` is missing: it says where the bundles lie
  - `target.containerRegistry` is missing: it says which registry the images go to
  - line 3: `target.repo.kind: JFROG` is not done by this version yet
  - line 4: `containerPlatforms` is not done by this version yet
hint: take `target.repo.kind: JFROG` out, or do that part with the tool that you use today
";
    assert_eq!(site.run("sync -c load-image.yaml").expect(2).err, expected);
}

#[test]
fn what_comes_later_is_named() {
    let site = Site::new();
    site.write("load-image.yaml", local_configuration("r.example"));
    let check = |line: &str, what: &str| {
        let expected = format!(
            "error: {what} is not done by this version yet\n\
             hint: leave it out, or do that part with the tool that you use today\n"
        );
        assert_eq!(site.run(line).expect(2).err, expected);
    };
    check("sync -c load-image.yaml --platform linux/arm64", "`--platform`");
    check("sync -c load-image.yaml --from-date 2020-05-01", "`--from-date`");
    check("sync -c load-image.yaml --latest-version-only", "`--latest-version-only`");
    check("generate -g manifest.yaml --output-dir d", "the command `generate`");
}

#[cfg(unix)]
#[test]
fn commands_of_the_installer_that_are_not_done() {
    let site = Site::new();
    let refused =
        ended(&mut site.through_link("dce5-installer", "install-app -c clusterConfig.yaml")).expect(2);
    assert!(refused.err.starts_with("error: unrecognized subcommand 'install-app'\n"), "{refused:?}");
}

#[test]
fn no_configuration() {
    let site = Site::new();
    let refused = site.run("sync").expect(2);
    let home = site.path("home");
    let expected = format!(
        "error: no configuration file: charts-syncer.yaml is not in . or {}\nhint: name the file with --config FILE\n",
        home.display()
    );
    assert_eq!(refused.err, expected);
    let refused = site.run("sync -c nowhere.yaml").expect(2);
    assert!(
        refused.err.starts_with("error: cannot read the configuration nowhere.yaml\ncaused by: "),
        "{refused:?}"
    );
}

#[test]
fn no_package() {
    let site = Site::new();
    site.write("load-image.yaml", local_configuration("127.0.0.1:9"));
    let refused = site.run("sync -c load-image.yaml").expect(1);
    assert!(refused.err.starts_with("error: bundles: "), "{refused:?}");
    let hint = "hint: source.intermediateBundlesPath of load-image.yaml names the package; \
                a relative path counts from the working directory\n";
    assert!(refused.err.ends_with(hint), "{refused:?}");
}

#[test]
fn a_registry_that_is_not_there() {
    let site = Site::new();
    crate::inputs::two_bundles(&site);
    let port = portolan_testkit::ports::free();
    site.write("load-image.yaml", local_configuration(&format!("127.0.0.1:{port}")));
    let refused = site.run("sync -c load-image.yaml").expect(1);
    assert!(
        refused.err.contains("error: nothing was written, because one thing stands in the way\n"),
        "{refused:?}"
    );
    assert!(refused.err.contains(&format!("127.0.0.1:{port}")), "{refused:?}");
    assert!(!site.path("charts").exists());
}

#[test]
fn help_and_version() {
    let site = Site::new();
    let help = site.run("sync --help").expect(0);
    assert!(help.out.contains("--charts-anyway") && help.err.is_empty(), "{help:?}");
    assert_eq!(site.run("--version").expect(0).out, concat!("portolan ", env!("CARGO_PKG_VERSION"), "\n"));
    site.run("").expect(2);
    site.run("sync --nonsense").expect(2);
}
