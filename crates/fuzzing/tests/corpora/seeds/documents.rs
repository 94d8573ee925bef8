//! Documents of JSON and YAML.

use portolan_oci::Platform;
use portolan_testkit::images::Image;

use super::{Seed, named, texts};

pub(super) fn seeds() -> Vec<Seed> {
    let image = Image::random_for("a.example/a:1", 1, &Platform::new("linux", "arm64"));
    [
        texts("manifest", MANIFESTS),
        vec![
            named("manifest", "docker", image.docker_manifest().into_bytes()),
            named("manifest", "oci", image.oci_manifest()),
            named("manifest", "config", image.config),
        ],
        texts("docker_config", DOCKER_CONFIGS),
        texts("report", REPORTS),
        texts("plan", PLANS),
        texts("chart_index", CHART_INDEXES),
        texts("configuration", CONFIGURATIONS),
    ]
    .concat()
}

const MANIFESTS: &[&str] = &[
    r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":7,"platform":{"os":"linux","architecture":"arm","variant":"v7"},"annotations":{"a":"b"}}]}"#,
    r#"{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.list.v2+json","manifests":[{"mediaType":"application/vnd.docker.distribution.manifest.v2+json","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":7,"platform":{"os":"windows","os.version":"10.0.17763","os.features":["win32k"],"architecture":"amd64"}}]}"#,
    r#"{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2,"data":"e30="},"layers":[],"artifactType":"text/x","subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}}"#,
    r#"{"schemaVersion":2,"manifests":[]}"#,
    r#"{"manifests":[],"config":{}}"#,
    r#"{"architecture":"arm","variant":"","os":"linux","rootfs":{"type":"layers","diff_ids":null}}"#,
];

const DOCKER_CONFIGS: &[&str] = &[
    r#"{"auths":{"https://index.docker.io/v1/":{"auth":"dXNlcjpwYXNzd29yZA=="},"r.example:5000":{"username":"robot$x","password":"Harbor12345"}}}"#,
    r#"{"auths":{"http://127.0.0.1/v2/":{"identitytoken":"an-identity-token"}},"credsStore":"pass","credHelpers":{"r.example:5000":"../x"}}"#,
    r#"{"auths":{"127.0.0.1":{"auth":"bm8gY29sb24"}},"HttpHeaders":{"User-Agent":"x"}}"#,
    r#"{"ServerURL":"r.example","Username":"<token>","Secret":"a-long-secret"}"#,
    "{}",
];

const REPORTS: &[&str] = &[
    r#"{"reportVersion":1,"images":[{"source":"docker.io/library/nginx:1","target":"r.example/nginx:1","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","platforms":["linux/amd64","linux/arm64/v8"],"action":"pushed","bytesSent":7}],"charts":[{"name":"a","version":"1.0.0","source":"p.tar: a","target":"out/a-1.0.0.tgz","action":"withheld","error":"an image is not there"}],"broken":[{"source":"b.tar","error":"cut off"}],"notes":["n"],"totals":{"bytesSent":7,"blobsUploaded":1,"blobsMounted":2,"blobsExisted":3,"seconds":1.5}}"#,
    r#"{"reportVersion":1,"images":[{"source":"a.example/a:1","target":"r.example/a:1","platforms":[],"action":"failed","bytesSent":0,"error":"e"},{"source":"a.example/b:1","target":"r.example/b:1","platforms":[],"action":"kept","bytesSent":0,"found":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}],"charts":[],"broken":[],"notes":[],"totals":{"bytesSent":0,"blobsUploaded":0,"blobsMounted":0,"blobsExisted":0,"seconds":0.0}}"#,
];

const PLANS: &[&str] = &[
    r#"{"registry":"https://r.example","chartRepository":"LOCAL charts","policies":{"chartsAnyway":false,"existing":{"policy":"keep","overwrite":false,"dropLost":true},"verify":false},"bundles":[{"origin":"b.bundle.tar","contents":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}],"projects":[{"name":"apps","visibility":"private"}],"images":[{"source":"quay.test/team/b:1","target":"r.example/apps/b:1","content":{"digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},"action":"keep","found":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}],"charts":[{"bundle":"b.bundle.tar","name":"b","version":"1.0.0","target":"charts/b-1.0.0.tgz","content":{"provisional":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},"action":"push"}],"leftOut":["c.bundle.tar"]}"#,
    r#"{"planVersion":1}"#,
];

const CHART_INDEXES: &[&str] = &[
    "apiVersion: v1\nentries:\n  kpanda:\n  - apiVersion: v2\n    appVersion: \"1.20\"\n    created: \"2024-03-05T06:07:08.123456789Z\"\n    dependencies:\n    - name: redis\n      repository: \"\"\n      version: ^17.0.0\n    digest: 9b5a4ae7f5dd9e1b2d1a6b1b8a3a4ad1f5e6b7c8d9e0f1a2b3c4d5e6f7a8b9c0\n    team: {on: call}\n    urls:\n    - https://charts.example.com/kpanda-0.9.0.tgz\n    - charts/kpanda-0.9.0%2B1.tgz\n    version: 0.9.0\n  - version: 1.2\n  empty: null\ngenerated: \"2024-03-05T06:07:08Z\"\nserverInfo: {}\n",
    "{\"apiVersion\":\"v1\",\"entries\":{\"a\":[{\"name\":\"a\",\"version\":\"v1.0.0-rc.1\",\"urls\":[\"../a.tgz\"]}]}}",
    "apiVersion: v1\nentries: {}\n",
    "a: &a [1, 2.5e3, ~, true]\napiVersion: v1\nb: *a\nentries:\n  c:\n  - <<: {version: \"3\"}\n    n: \"\\u00e9\\x1b\"\n",
    "<!DOCTYPE html>\n",
];

const CONFIGURATIONS: &[&str] = &[
    "source:\n  intermediateBundlesPath: kairship # where the package lies\ntarget:\n  containerRegistry: 10.16.10.111\n  containerRepository: release.daocloud.io/kairship\n  repo:\n    kind: HARBOR\n    url: http://10.16.10.111/chartrepo/release.daocloud.io\n    auth:\n      username: \"admin\"\n      password: Harbor12345\n  containers:\n    auth:\n      username: \"admin\"\n      password: Other67890\n",
    "source:\n  intermediateBundlesPath: in\ntarget:\n  containerPrefixRegistry: r.example/mirror\n  containerPrefixRepository: a/b\n  appendOriginRegistry: true\n  repoName: mine\n  repo:\n    kind: LOCAL\n    path: out\ncharts:\n- a\n- name: b\n  versions: [1.0.0, \"2.0\"]\n  skipImages: true\n",
    "source:\n  repo: {kind: HELM, url: \"https://charts.example.com\"}\n  containers: {auth: {registry: r, username: u, password: p}}\ntarget:\n  repo: {kind: CHARTMUSEUM, url: \"http://h:8081/addon\", auth: {username: rootuser, password: rootpass123}}\n  containers: {kind: JFROG, url: \"http://r.example:5000\"}\nskipCharts: [x]\nrelocateContainerImages: false\ncontainerPlatforms: [linux/amd64]\nskipArtifacts: true\n",
    "target:\n  repo:\n    kind: OCI\n    url: oci://h.io:5000/charts\n    chartsIndex: x\n    useChartsIndex: yes\n  containerRegistry: ~\n",
    "target:\n  repo:\n    knd: OCI\n    auth:\n      password: Harbor12345\n      password: Harbor12345\n",
    "# nothing\n",
];
