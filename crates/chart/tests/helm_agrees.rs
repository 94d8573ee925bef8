//! Charts good and bad: Portolan takes and refuses what Helm's own programs do, version by version; and
//! where they differ, the table says how and why.

#![expect(clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

use std::fs;
use std::path::Path;
use std::process::Command;

use portolan_chart::Chart;
use portolan_testkit::helm::Helm;
use portolan_testkit::tarball::{Tarball, gzip};

const NAMED: &str = "apiVersion: v2\nname: web\n";
const METADATA: &str = "apiVersion: v2\nname: web\nversion: 1.0.0\n";

/// What becomes of a chart, beside the reason where it is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Takes,
    Refuses,
}
use Verdict::{Refuses, Takes};

/// Commands of Helm that judge otherwise, as `VERSION COMMAND`; a version `*` stands for all.
type Others = &'static [&'static str];

const ALIKE: Others = &[];
/// Lint asks for more than what installs.
const LINT: Others = &["* lint"];
/// Only packing looks into the schema, and installing then fails on it.
const SHOWN: Others = &["* show"];
/// Nothing else looks at what stands behind the schema.
const SHOWN_AND_LINTED_BY_3_10: Others = &["* show", "3.10.1 lint"];
/// Helm 3.10 knew no such rule; where packing refuses, it is since the sub-chart of that name is missing.
const SHOWN_AND_LINTED_ALONE_BY_3_10: Others = &["3.10.1 show", "3.10.1 lint"];
const TAKEN_BY_3_10: Others = &["3.10.1 show", "3.10.1 package", "3.10.1 lint"];
const TAKEN_BUT_FOR_LINT_BY_3_10: Others = &["3.10.1 show", "3.10.1 package"];
/// The name of the file is too long for this system.
const TOO_LONG_A_NAME: Others = &["* package"];
const NO_LIMIT_IN_3_10: Others = &["3.10.1 show", "3.10.1 lint"];
/// A backslash is no path to Helm, here; on the machine of somebody who runs Windows it is.
const TAKEN: Others = &["* show", "* package", "* lint"];
/// Lint refuses every other format, Helm 4 makes none of it, and what loads it would take it for version 2.
const LOADED: Others = &["* show", "3.10.1 package", "3.22.0 package"];
/// Images and chart can be brought all the same, so it is only remarked on.
const NOT_INSTALLED: Others = &["* package", "* lint"];

/// One chart: what it is, its files beside an ordinary `values.yaml` and template, and who says what.
struct Case {
    what: &'static str,
    files: Vec<(String, Vec<u8>)>,
    ours: Verdict,
    others: Others,
}

fn case(what: &'static str, files: &[(&str, &str)], ours: Verdict, others: Others) -> Case {
    let files = files.iter().map(|(path, data)| ((*path).to_owned(), data.as_bytes().to_vec())).collect();
    Case { what, files, ours, others }
}

/// A chart whose `Chart.yaml` is this.
fn metadata(what: &'static str, text: &str, ours: Verdict, others: Others) -> Case {
    case(what, &[("Chart.yaml", text)], ours, others)
}

/// A chart of this version, as it is written in `Chart.yaml`.
fn version(text: &str, ours: Verdict, others: Others) -> Case {
    let what: &'static str = Box::leak(format!("version {text}").into_boxed_str());
    metadata(what, &format!("{NAMED}version: {text}\n"), ours, others)
}

/// A chart of the version 1.0.0 with these lines more.
fn more(what: &'static str, lines: &str, ours: Verdict, others: Others) -> Case {
    metadata(what, &format!("{METADATA}{lines}"), ours, others)
}

fn with(what: &'static str, path: &str, data: &str, ours: Verdict, others: Others) -> Case {
    case(what, &[("Chart.yaml", METADATA), (path, data)], ours, others)
}

impl Case {
    fn archive(&self) -> Vec<u8> {
        let entry = |tar: Tarball, (path, data): &(String, Vec<u8>)| tar.file(&format!("web/{path}"), data);
        let own = |path: &str| self.files.iter().any(|(other, _)| other == path);
        let usual = [("values.yaml", "a: b\n"), ("templates/note.yaml", "# {{ .Values.a }}\n")];
        let usual = usual.into_iter().filter(|(path, _)| !own(path));
        let tar = self.files.iter().fold(Tarball::new(), entry);
        gzip(&usual.fold(tar, |tar, (path, data)| tar.file(&format!("web/{path}"), data.as_bytes())).finish())
    }
}

fn ours(archive: &[u8]) -> Result<(), String> {
    let chart = Chart::from_archive("web.tgz", archive).map_err(|error| told(&error))?;
    chart.validate().map(drop).map_err(|error| told(&error))
}

fn told(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// `show` loads the archive as `install` and `pull` do, `package` makes one of the folder.
fn verdict_of(helm: &Helm, command: &str, folder: &Path) -> (Verdict, String) {
    let mut run: Command = helm.command();
    match command {
        "show" => run.args(["show", "chart"]).arg(folder.join("web.tgz")),
        "lint" => run.arg("lint").arg(folder.join("web.tgz")),
        _ => run.args(["package", "--destination"]).arg(folder.join("out")).arg(folder.join("web")),
    };
    let output = run.output().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (if output.status.success() { Takes } else { Refuses }, said)
}

fn names_and_versions() -> Vec<Case> {
    let long = |length: usize| format!("1.0.0-{}", "a".repeat(length - "1.0.0-".len()));
    let named = |name: &str| format!("apiVersion: v2\nversion: 1.0.0\nname: {name}\n");
    vec![
        version("1.0.0", Takes, ALIKE),
        version("'1.0.0'", Takes, ALIKE),
        version("0.1.0-rc.1+git.abc", Takes, ALIKE),
        version("v1.2.3", Takes, ALIKE),
        version("1.2", Takes, LINT),
        version("1", Takes, LINT),
        version("01.2.3", Takes, ALIKE),
        version("1.2.3-01", Refuses, ALIKE),
        version("1.2.3.4", Refuses, ALIKE),
        version("latest", Refuses, ALIKE),
        version("1.2.3-", Refuses, ALIKE),
        version("'1.2.3 '", Refuses, ALIKE),
        version("''", Refuses, ALIKE),
        version("[1]", Refuses, ALIKE),
        version("18446744073709551616.0.0", Refuses, ALIKE),
        version(&long(256), Takes, TOO_LONG_A_NAME),
        version(&long(257), Refuses, NO_LIMIT_IN_3_10),
        metadata("no version", NAMED, Refuses, ALIKE),
        metadata("no name", "apiVersion: v2\nversion: 1.0.0\n", Refuses, ALIKE),
        metadata("an empty name", &named("''"), Refuses, ALIKE),
        metadata("a name with a digit first", &named("3scale"), Takes, ALIKE),
        metadata("a name in upper case", &named("Web_App.x"), Takes, ALIKE),
        metadata("a name that is a number", &named("12"), Takes, ALIKE),
        metadata("a name that is a path", &named("a/b"), Refuses, TAKEN_BUT_FOR_LINT_BY_3_10),
        metadata("a name that leads up", &named("'..'"), Refuses, TAKEN_BUT_FOR_LINT_BY_3_10),
        metadata("a name with a backslash", &named(r"'a\b'"), Refuses, TAKEN),
        metadata("a name with a control character", &named("\"a\\u0007b\""), Takes, ALIKE),
        metadata("a name that is a list", &named("[a]"), Refuses, ALIKE),
    ]
}

fn metadata_fields() -> Vec<Case> {
    let everything = "appVersion: 1.20\nkubeVersion: '>=1.20'\ntype: library\nkeywords: [a, 1]\nhome: https://x.test\n\
        sources: [https://x.test]\nicon: https://x.test/i.png\ndeprecated: yes\nmaintainers: [{name: me, email: me@x.test}]\n\
        annotations: {a: true, b: 1.5}\nunknown: {a: [b]}\n";
    vec![
        more("all fields", everything, Takes, LINT),
        more("keys in another case", "AppVersion: x\nDescription: y\n", Takes, ALIKE),
        more(
            "empty fields",
            "description:\nkeywords:\nmaintainers:\nannotations:\ndependencies:\ntype:\n",
            Takes,
            ALIKE,
        ),
        more("control characters in a text", "description: \"a\\u0007b\\u200bc\"\n", Takes, ALIKE),
        more("a key twice", "description: a\ndescription: b\n", Takes, ALIKE),
        metadata("a byte order mark", &format!("\u{feff}{METADATA}"), Takes, ALIKE),
        metadata("line ends of Windows", &METADATA.replace('\n', "\r\n"), Takes, ALIKE),
        metadata("two documents", &format!("{METADATA}---\nname: other\n"), Takes, ALIKE),
        metadata("no apiVersion", "name: web\nversion: 1.0.0\n", Takes, LINT),
        metadata("an empty apiVersion", "apiVersion:\nname: web\nversion: 1.0.0\n", Takes, LINT),
        metadata("apiVersion v1", "apiVersion: v1\nname: web\nversion: 1.0.0\n", Takes, ALIKE),
        metadata("apiVersion v3", "apiVersion: v3\nname: web\nversion: 1.0.0\n", Refuses, LOADED),
        metadata("no YAML", "name: [\n", Refuses, ALIKE),
        metadata("a list", "- name: web\n", Refuses, ALIKE),
        metadata("an empty file", "", Refuses, ALIKE),
        metadata("no UTF-8 declared", "%TAG\nname: web\n", Refuses, ALIKE),
        more("another type", "type: operator\n", Refuses, ALIKE),
        more("a type in version 1", "type: application\n", Takes, ALIKE),
        more("an empty maintainer", "maintainers:\n- name: me\n-\n", Refuses, ALIKE),
        more("a maintainer without a name", "maintainers: [{url: https://x.test}]\n", Takes, LINT),
        more("a maintainer that is a text", "maintainers: [me]\n", Refuses, ALIKE),
        more("maintainers that are no list", "maintainers: {name: me}\n", Refuses, ALIKE),
        more("keywords that are a text", "keywords: a\n", Refuses, ALIKE),
        more("a keyword that is null", "keywords: [a, ~]\n", Takes, ALIKE),
        more("sources of lists", "sources: [[a]]\n", Refuses, ALIKE),
        more("a description that is a list", "description: [a]\n", Refuses, ALIKE),
        more("deprecated as a text", "deprecated: 'true'\n", Refuses, ALIKE),
        more("annotations that are a list", "annotations: [a]\n", Refuses, ALIKE),
        more("annotations of maps", "annotations: {a: {b: c}}\n", Refuses, ALIKE),
        more("annotations with null", "annotations: {a: ~}\n", Takes, ALIKE),
        more("a date", "appVersion: 2024-01-02\n", Takes, ALIKE),
    ]
}

const DB: &str = "apiVersion: v2\nname: db\nversion: 1.0.0\n";

/// A chart with the sub-chart `db` that its `Chart.yaml` names so.
fn with_db(what: &'static str, dependencies: &str, ours: Verdict, others: Others) -> Case {
    let text = format!("{METADATA}dependencies:\n{dependencies}");
    case(what, &[("Chart.yaml", &text), ("charts/db/Chart.yaml", DB)], ours, others)
}

fn dependencies() -> Vec<Case> {
    let v1 = "apiVersion: v1\nname: web\nversion: 1.0.0\n";
    let requirements = ("requirements.yaml", "dependencies:\n- name: db\n  version: 1.0.0\n");
    let db = ("charts/db/Chart.yaml", DB);
    vec![
        with_db("a dependency", "- {name: db, version: 1.0.0, repository: https://x.test}\n", Takes, ALIKE),
        with_db(
            "a dependency with all fields",
            "- {name: db, version: 1, condition: db.on, tags: [a], enabled: true, import-values: [a, {child: b, parent: c}], alias: d_B-1}\n",
            Takes,
            ALIKE,
        ),
        with_db("an alias with a point", "- {name: db, version: 1.0.0, alias: a.b}\n", Refuses, ALIKE),
        with_db(
            "two of one name",
            "- {name: db, version: 1.0.0}\n- {name: db, version: 1.0.0}\n",
            Refuses,
            TAKEN_BY_3_10,
        ),
        with_db(
            "two of one name, one with an alias",
            "- {name: db, version: 1.0.0}\n- {name: db, version: 1.0.0, alias: x}\n",
            Takes,
            ALIKE,
        ),
        with_db(
            "an alias that is a name",
            "- {name: db, version: 1.0.0}\n- {name: x, version: 1.0.0, alias: db}\n",
            Refuses,
            SHOWN_AND_LINTED_ALONE_BY_3_10,
        ),
        with_db("an empty dependency", "- {name: db, version: 1.0.0}\n-\n", Refuses, ALIKE),
        with_db("a dependency without a name", "- {version: 1.0.0}\n", Refuses, SHOWN),
        with_db("a dependency that isn't there", "- {name: cache, version: 1.0.0}\n", Takes, NOT_INSTALLED),
        with_db("tags that are a text", "- {name: db, version: 1.0.0, tags: a}\n", Refuses, ALIKE),
        more("dependencies that are a map", "dependencies: {name: db}\n", Refuses, ALIKE),
        case("a sub-chart that nobody names", &[("Chart.yaml", METADATA), db], Takes, LINT),
        case(
            "requirements of version 1",
            &[("Chart.yaml", v1), requirements, ("requirements.lock", "dependencies: []\n"), db],
            Takes,
            ALIKE,
        ),
        case("requirements of version 2", &[("Chart.yaml", METADATA), requirements, db], Takes, ALIKE),
        case(
            "requirements that are a list",
            &[("Chart.yaml", v1), ("requirements.yaml", "- db\n")],
            Refuses,
            ALIKE,
        ),
        with(
            "a lock",
            "Chart.lock",
            "dependencies: []\ndigest: sha256:0\ngenerated: '2024-01-02T03:04:05.6+01:00'\n",
            Takes,
            ALIKE,
        ),
        with("a lock that is a list", "Chart.lock", "- a\n", Refuses, ALIKE),
        with("a lock that is no YAML", "Chart.lock", "a: [\n", Refuses, ALIKE),
    ]
}

fn other_files() -> Vec<Case> {
    let inner = |text: &str| {
        let file = [("Chart.yaml", text)];
        case("", &file, Takes, ALIKE).archive()
    };
    let packed = |what: &'static str, data: Vec<u8>, ours: Verdict, others: Others| {
        let mut case = case(what, &[("Chart.yaml", METADATA)], ours, others);
        case.files.push(("charts/db-1.0.0.tgz".to_owned(), data));
        case
    };
    vec![
        with("empty values", "values.yaml", "", Takes, ALIKE),
        with("values of comments", "values.yaml", "# nothing\n", Takes, ALIKE),
        with("values that are null", "values.yaml", "~\n", Takes, ALIKE),
        with("values of two documents", "values.yaml", "a: b\n---\nc: d\n", Takes, ALIKE),
        with("values with an anchor", "values.yaml", "a: &x {b: c}\nd: {<<: *x}\n", Takes, ALIKE),
        with("values with a byte order mark", "values.yaml", "\u{feff}a: b\n", Takes, ALIKE),
        with("values that are a list", "values.yaml", "- a\n", Refuses, ALIKE),
        with("values that are a text", "values.yaml", "a\n", Refuses, ALIKE),
        with("values that are no YAML", "values.yaml", "a: {b\n", Refuses, ALIKE),
        with("values that hold no number", "values.yaml", "a: .nan\n", Refuses, ALIKE),
        with("an alias without an anchor", "values.yaml", "a: *b\n", Refuses, ALIKE),
        with("a schema", "values.schema.json", "{\"type\": \"object\"}", Takes, ALIKE),
        with("a schema that is no JSON", "values.schema.json", "type: object\n", Refuses, SHOWN),
        with(
            "a schema with more behind it",
            "values.schema.json",
            "{} {}",
            Refuses,
            SHOWN_AND_LINTED_BY_3_10,
        ),
        with(
            "a sub-chart without a version",
            "charts/db/Chart.yaml",
            "apiVersion: v2\nname: db\n",
            Refuses,
            ALIKE,
        ),
        with("a folder that is no sub-chart", "charts/db/values.yaml", "a: b\n", Refuses, ALIKE),
        with("a file beside sub-charts", "charts/README.md", "# Charts\n", Refuses, ALIKE),
        with("a hidden file beside sub-charts", "charts/.gitkeep", "", Takes, ALIKE),
        with("a file that sub-charts pass over", "charts/_notes/x.md", "", Takes, ALIKE),
        with("a folder like an archive", "charts/db.tgz/Chart.yaml", DB, Refuses, ALIKE),
        case(
            "a sub-chart with bad values",
            &[("Chart.yaml", METADATA), ("charts/db/Chart.yaml", DB), ("charts/db/values.yaml", "[]")],
            Refuses,
            ALIKE,
        ),
        packed("a packed sub-chart", inner(DB), Takes, LINT),
        packed("a packed sub-chart without a version", inner("name: db\n"), Refuses, ALIKE),
        packed("a packed sub-chart that is none", b"no gzip".to_vec(), Refuses, ALIKE),
    ]
}

fn cases() -> impl Iterator<Item = Case> {
    [names_and_versions(), metadata_fields(), dependencies(), other_files()].into_iter().flatten()
}

/// What one Helm says otherwise than the table.
fn compare(helm: &Helm) -> Vec<String> {
    let mut wrong = Vec::new();
    for case in cases() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("web.tgz"), case.archive()).unwrap();
        unpack(folder.path());
        for command in ["show", "package", "lint"] {
            let version = helm.name.trim_start_matches("helm-");
            let differs = [version, "*"]
                .iter()
                .any(|version| case.others.contains(&format!("{version} {command}").as_str()));
            let (found, said) = verdict_of(helm, command, folder.path());
            if (found != case.ours) != differs {
                wrong.push(format!("{}: {version} {command} {found:?}: {said}", case.what));
            }
        }
    }
    wrong
}

#[test]
fn helm_takes_and_refuses_the_same_charts() {
    let mut wrong = Vec::new();
    for case in cases() {
        let verdict = ours(&case.archive());
        if verdict.is_ok() != (case.ours == Takes) {
            wrong.push(format!("{}: Portolan says {verdict:?}", case.what));
        }
    }
    let helms = Helm::all();
    let compared = std::thread::scope(|scope| {
        let threads: Vec<_> = helms.iter().map(|helm| scope.spawn(|| compare(helm))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    wrong.extend(compared.concat());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An archive whose entries are named so; the metadata is an ordinary chart's.
fn entries(names: &[&str]) -> Vec<u8> {
    let named = |tar: Tarball, name: &&str| match name.ends_with("Chart.yaml") {
        true => tar.raw_name(name.as_bytes(), METADATA.as_bytes()),
        false => tar.raw_name(name.as_bytes(), b"a: b\n"),
    };
    gzip(&names.iter().fold(Tarball::new(), named).finish())
}

#[test]
fn helm_takes_and_refuses_the_same_archives() {
    let chart = || Tarball::new().file("web/Chart.yaml", METADATA.as_bytes());
    let zeros = |mebibytes: usize| vec![0; mebibytes << 20];
    let many = (0..21).fold(chart(), |tar, at| tar.file(&format!("web/files/{at}"), &zeros(5)));
    let cases: Vec<(&str, Vec<u8>, Verdict, Others)> = vec![
        ("an ordinary one", entries(&["web/Chart.yaml", "web/values.yaml"]), Takes, ALIKE),
        ("another folder", entries(&["x-1/Chart.yaml"]), Takes, ALIKE),
        ("made on Windows", entries(&[r"web\Chart.yaml", r"web\templates\a.yaml"]), Takes, ALIKE),
        ("empty elements", entries(&["web/./Chart.yaml", "web/templates//a.yaml"]), Takes, ALIKE),
        ("an absolute name in the folder", entries(&["web//Chart.yaml"]), Refuses, ALIKE),
        ("no folder", entries(&["Chart.yaml"]), Refuses, ALIKE),
        ("a folder called .", entries(&["./web/Chart.yaml"]), Refuses, ALIKE),
        ("a file beside the folder", entries(&["web/Chart.yaml", "README.md"]), Refuses, ALIKE),
        ("a name that leads up", entries(&["web/Chart.yaml", "web/../../x"]), Refuses, ALIKE),
        ("a drive", entries(&["web/Chart.yaml", "web/c:/x"]), Refuses, ALIKE),
        ("nothing", gzip(&Tarball::new().finish()), Refuses, ALIKE),
        ("no Chart.yaml", entries(&["web/values.yaml"]), Refuses, ALIKE),
        ("a sub-chart's folder alone", entries(&["web/charts/db/Chart.yaml"]), Refuses, ALIKE),
        ("no gzip", Tarball::new().finish(), Refuses, ALIKE),
        ("cut off", chart().finish()[..900].to_vec(), Refuses, ALIKE),
        ("a large file", gzip(&chart().file("web/big", &zeros(5)).finish()), Takes, ALIKE),
        // Helm 4 gave that limit up again, and then what it packs is not for Helm 3.
        (
            "too large a file",
            gzip(&chart().file("web/big", &zeros(6)).finish()),
            Refuses,
            &["3.10.1", "4.3.1"],
        ),
        ("too much in all", gzip(&many.finish()), Refuses, &["3.10.1"]),
        // Helm takes these for what they are not: a file in a folder without name, one chart, an empty file.
        ("an absolute name", entries(&["web/Chart.yaml", "/etc/x"]), Refuses, &["*"]),
        ("two charts", entries(&["web/Chart.yaml", "db/Chart.yaml"]), Refuses, &["*"]),
        ("a link", gzip(&chart().symlink("web/values.yaml", "/etc/passwd").finish()), Refuses, &["*"]),
    ];
    let helms = Helm::all();
    for (what, archive, verdict, others) in cases {
        let said = ours(&archive);
        assert_eq!(said.is_ok(), verdict == Takes, "{what}: Portolan says {said:?}");
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("web.tgz"), archive).unwrap();
        for helm in &helms {
            let version = helm.name.trim_start_matches("helm-");
            let differs = others.iter().any(|other| [version, "*"].contains(other));
            let (found, said) = verdict_of(helm, "show", folder.path());
            assert_eq!(found != verdict, differs, "{what}: {version} {found:?}: {said}");
        }
    }
}

fn unpack(folder: &Path) {
    let mut command = Command::new("tar");
    command.args(["-xz", "-C"]).arg(folder).arg("-f").arg(folder.join("web.tgz"));
    assert!(command.status().unwrap().success());
}
