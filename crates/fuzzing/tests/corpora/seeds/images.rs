//! Archives of images, as the text that their targets take: a docker archive of each writer, and layouts.

use super::{Seed, named};

pub(super) fn seeds() -> Vec<Seed> {
    let docker = |name, text: &str| named("docker_archive", name, text.as_bytes().to_vec());
    let layout = |name, text: &str| named("oci_layout", name, text.as_bytes().to_vec());
    vec![
        docker("go-containerregistry", GO_CONTAINERREGISTRY),
        docker("docker-save", DOCKER_SAVE),
        docker("skopeo", SKOPEO),
        docker("unnamed-gzip", UNNAMED_GZIP),
        docker("nothing", "manifest.json\nnull"),
        layout("single", SINGLE),
        layout("index", INDEX),
        layout("partial", &INDEX.replace("%%\nblobs/sha256/@4\n", "%%\ngone/@4\n")),
        layout("docker-save-25", DOCKER_SAVE_25),
    ]
}

const GO_CONTAINERREGISTRY: &str = r#"manifest.json
[{"Config":"sha256:@1","RepoTags":["quay.io/a/b:1"],"Layers":["@2.tar.gz"]},{"Config":"sha256:@1","RepoTags":["nginx"],"Layers":["@2.tar.gz"],"LayerSources":{}}]
%%
sha256:@1
{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":["sha256:@3"]}}
%%
@2.tar.gz tar gz
layer
%%
copy tar
layer
"#;

const DOCKER_SAVE: &str = r#"manifest.json
[{"Config":"@1.json","RepoTags":["a:1","docker.io/library/a:1"],"Layers":["x/layer.tar"]}]
%%
@1.json
{"os":"linux","architecture":"arm64","variant":"v8","rootfs":{"type":"layers","diff_ids":["sha256:@2"]}}
%%
x/layer.tar tar
layer
%%
x/VERSION
1.0%%
repositories
{}
"#;

const SKOPEO: &str = r#"@2.tar tar
one
%%
@2.json
{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":["sha256:@4"]}}
%%
manifest.json
[{"Config":"config","RepoTags":["localhost/a:1"],"Layers":["./@4.tar"]}]
%%
config
{"os":"linux","architecture":"amd64","rootfs":{"diff_ids":["sha256:@4"]}}
%%
@4.tar tar
two
"#;

const UNNAMED_GZIP: &str = r#"manifest.json
[{"Config":"c","RepoTags":["a/b"],"Layers":["l","l"]}]
%%
c
{"os":"linux","architecture":"amd64","rootfs":{"diff_ids":["sha256:@3","sha256:@3"]}}
%%
l tar gz
layer
%%
copy tar
layer
"#;

const SINGLE: &str = r#"index.json
{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:@2","size":#2,"annotations":{"io.containerd.image.name":"quay.io/a/b:1","org.opencontainers.image.ref.name":"1"}}]}
%%
blobs/sha256/@2
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:@3","size":#3},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:@4","size":#4}]}
%%
blobs/sha256/@3
{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":["sha256:@5"]}}
%%
blobs/sha256/@4 tar gz
layer
%%
copy tar
layer
"#;

const INDEX: &str = r#"index.json
{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"sha256:@2","size":#2,"annotations":{"org.opencontainers.image.ref.name":"a/b:1"}}]}
%%
blobs/sha256/@2
{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.docker.distribution.manifest.v2+json","digest":"sha256:@3","size":#3,"platform":{"os":"linux","architecture":"amd64"}},{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:@4","size":#4,"platform":{"os":"unknown","architecture":"unknown"}}]}
%%
blobs/sha256/@3
{"schemaVersion":2,"config":{"mediaType":"application/vnd.docker.container.image.v1+json","digest":"sha256:@5","size":#5},"layers":[{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","digest":"sha256:@6","size":#6}]}
%%
blobs/sha256/@4
{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:@5","size":#5},"layers":[]}
%%
blobs/sha256/@5
{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":["sha256:@7"]}}
%%
blobs/sha256/@6 tar gz
layer
%%
copy tar
layer
"#;

const DOCKER_SAVE_25: &str = r#"index.json
{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:@2","size":#2}]}
%%
blobs/sha256/@2
{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:@4","size":#4},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:@5","size":#5}]}
%%
manifest.json
[{"Config":"blobs/sha256/@4","RepoTags":["a:1"],"Layers":["blobs/sha256/@5"]}]
%%
blobs/sha256/@4
{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":["sha256:@5"]}}
%%
blobs/sha256/@5 tar
layer
"#;
