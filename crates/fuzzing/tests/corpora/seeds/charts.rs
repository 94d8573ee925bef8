//! Charts: archives, metadata, hints, values.

use portolan_testkit::{
    charts::Chart,
    tarball::{Tarball, gzip},
};

use super::{Seed, named, texts};

pub(super) fn seeds() -> Vec<Seed> {
    [
        archives(),
        texts("chart_metadata", METADATA),
        texts("provenance", PROVENANCE),
        texts("hints", HINTS),
        texts("values_edit", VALUES),
        texts("relocation", RELOCATIONS),
    ]
    .concat()
}

fn archives() -> Vec<Seed> {
    let inner = Chart::new("db", "0.1.0").image("app", "docker.io", "library/db", "1");
    let outer = Chart::new("web", "1.2.3+build.4").sub_chart(&inner).crd("widgets");
    let packed = Chart::new("web", "v2").packed_sub_chart(&outer);
    let tar = |chart: &Chart| {
        let add = |tar: Tarball, (path, data): (String, Vec<u8>)| tar.file(&format!("web/{path}"), &data);
        chart.files().into_iter().fold(Tarball::new(), add)
    };
    let metadata = "apiVersion: v2\nname: a\nversion: 1.0.0\n";
    let least = || Tarball::new().file("a/Chart.yaml", metadata.as_bytes());
    let long = format!("a/templates/{}.yaml", "long".repeat(40));
    let v1 = "dependencies:\n- name: db\n  version: ~1.0\n  repository: https://u:p@charts.example/\n";
    vec![
        named("chart_archive", "packed-in-packed.tgz", packed.archive()),
        named("chart_archive", "folder.tar", tar(&outer).finish()),
        named("chart_archive", "least.tgz", gzip(&least().finish())),
        named("chart_archive", "least.tar", least().finish()),
        named("chart_archive", "long-name.tar", least().file(&long, b"x").finish()),
        named(
            "chart_archive",
            "dotted.tar",
            Tarball::new().file("./a/Chart.yaml", metadata.as_bytes()).finish(),
        ),
        named(
            "chart_archive",
            "requirements.tar",
            least().file("a/requirements.yaml", v1.as_bytes()).finish(),
        ),
        named("chart_archive", "link.tar", least().symlink("a/values.yaml", "/etc/passwd").finish()),
        named("chart_archive", "leads-out.tar", least().raw_name(b"a/../../b", b"x").finish()),
        named("chart_archive", "claims.tar", least().claims("a/big", 100 << 30, b"x").finish()),
    ]
}

const METADATA: &[&str] = &[
    "apiVersion: v2\nname: web\nversion: 1.2.3+build.4\nappVersion: 1.20\ndescription: \"é\"\nkeywords: [a, 'b']\nmaintainers:\n- name: Ann\n  email: a@example.com\nannotations:\n  a: 1\n  b: true\ndependencies:\n- name: redis\n  version: ^17.0.0\n  repository: https://charts.example.com\n  alias: cache\n  condition: redis.enabled\n  tags: [x]\n",
    "name: a\nversion: v1\n",
    "{\"apiVersion\": \"v1\", \"name\": \"a\", \"version\": \"1.0.0-rc.1\"}",
    "a: &a {b: [1e3, 0x10, ~, .nan, 1_000]}\n<<: *a\nname: a\nversion: 1.0.0\nc: *a\n",
    "name: ../a\nversion: 1\n",
    "apiVersion: v3\nname: a\nversion: 1.0.0\n",
    "- a\n",
];

const PROVENANCE: &[&str] = &[
    "-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA512\r\n\r\napiVersion: v2\r\nname: web\r\nversion: 1.0.0\r\n\r\n...\r\nfiles:\r\n  web-1.0.0.tgz: sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\r\n-----BEGIN PGP SIGNATURE-----\r\n\r\nwsBc\r\n=x\r\n-----END PGP SIGNATURE-----\r\n",
    "-----BEGIN PGP SIGNED MESSAGE-----\n...\nfiles: &a {\"web-1.0.0.tgz\": sha256:00}\n<<: *a\n-----BEGIN PGP SIGNATURE-----\n",
    "-----BEGIN PGP SIGNATURE-----\n...\n-----BEGIN PGP SIGNED MESSAGE-----\n",
];

const HINTS: &[&str] = &[
    "- \"{{ .image.registry }}/{{ .image.repository }}:{{ .image.tag }}\"\n- '{{ .app.image }}@{{ .app.digest }}'\n",
    "---\n# only a comment\n",
    "- docker.io/{{ .image }}\n- >-\n  {{ .a-b.c_d }}:\n  {{.t}}\n",
    "[ \"{{ .a }}\", \"{{.b}}/{{.c}}:v1\" ]\n",
    "- {{ .a }}\n",
    "- \"{{ .a }}{{ .b }}{{ .c }}\"\n",
];

const VALUES: &[&str] = &[
    "t.io/p/nginx\n# ours\nimage: bitnami/nginx # why\ntag: 1.25.3\nglobal:\n  imageRegistry: \"\"\n",
    "10.0.0.1:5000/x\r\na: 'it''s'\r\nb: \"q\\\"uoted\"\r\nc: |-\r\n  block\r\n  lines\r\nd: >\r\n  folded\r\n",
    "new\na: &x {b: 1, \"c\": [d, {e: f}]}\ng: *x\nh: !!str 1\ni: !x y\n<<: *x\n",
    "x: y\n? complex\n: value\nempty:\nnull: ~\nlist:\n- a: b\n  c:\n    - d: e\n",
    "new\n{\"image\":{\"registry\":\"a\",\"tag\":1.20},\"global\":{}}\n",
    "é\na: é # ü\nb:\n    'é'\n--- # second\nc: d\n...\n",
    "yes\n\n# nothing but a comment\n",
    "12\na: |+\n\n  kept\n\n\nz: >1\n  x\n y\n",
];

const RELOCATIONS: &[&str] = &[
    "- \"{{ .image.registry }}/{{ .image.repository }}:{{ .image.tag }}\"\n%%\nimage:\n  registry: quay.io # ours\n  repository: a/b\n  tag: v1\n%%\n%%\n# top\n\n    helm repo add bitnami https://charts.bitnami.com/bitnami\n    helm install x bitnami/top\n%%\ndependencies:\n- name: db\n  repository: https://u:p@charts.example/\n",
    "- '{{ .db.image }}'\n- \"docker.io/{{ .one }}\"\n%%\none: library/nginx:1\n%%\nimage: \"gcr.io/x/y\"\n",
    "- \"{{ .db.image.name }}:{{ .db.image.tag }}\"\n- \"{{ .global.r }}/{{ .x.repo }}@{{ .x.digest }}\"\n%%\nglobal: {r: quay.io}\nx: &x\n  repo: |\n    a/b\n  digest: \"\"\ny: *x\ndb:\n  image:\n    tag: 1\n%%\nimage:\n  name: 'a/b'\n",
    "- \"{{ .a }}\"\n%%\n%%\na: b\n",
];
