//! What clients ask of a depot: request lines with ranges, and whole exchanges.

use portolan_testkit::charts::Chart;

use super::{Seed, named, texts};

pub(super) fn seeds() -> Vec<Seed> {
    let form = [FORM_HEAD, &Chart::new("demo", "1.0.0").archive(), FORM_END].concat();
    [
        texts("depot_request", REQUESTS),
        texts("depot_exchange", EXCHANGES),
        vec![named("depot_exchange", "chart-form", form)],
    ]
    .concat()
}

const REQUESTS: &[&str] = &[
    "GET /v2/\nbytes=0-4",
    "HEAD /v2/a/b/blobs/sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\nbytes=-3",
    "GET /v2/a/manifests/v1.2\nbytes=5-",
    "PUT /v2/a/manifests/sha256%3Ae3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855?tag=x&tag=y\n0-9",
    "POST /v2/a/blobs/uploads/?mount=sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855&from=b/c\nbytes 10-19/*",
    "POST /v2/a/blobs/uploads/?digest-algorithm=sha512\nbytes=4-2",
    "PATCH /v2/a/blobs/uploads/0123456789abcdef0123456789abcdef\n0-18446744073709551615",
    "GET /v2/a/tags/list?n=10&last=%ff\n9-0",
    "GET /v2/_catalog?n=99999999999999999999\n",
    "GET /v2/a/referrers/sha256:00?artifactType=x/y+z\nbytes=0-1,3-4",
    "GET /v2/a%2f..%2fb/manifests/x\nlines=1-2",
    "GET /v2/../%2e%2e/manifests/x\n+0-1",
    "DELETE /api/addon/charts/a/1.0.0+2\n",
    "GET /addon/charts/a-1.tgz.prov\n",
    "POST /api/chartrepo/p/charts?force\n",
    "GET /api/v2.0/projects/p\n",
    "OPTIONS *\n",
];

const EXCHANGES: &[&str] = &[
    // An image: read by tag, put, its blobs before it.
    r#"GET /v2/a/manifests/x | If-None-Match: "y"
%%
PUT /v2/a/manifests/x?tag=y | Content-Type: application/vnd.oci.image.manifest.v1+json | If-None-Match: *
{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:@2","size":2},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:@3","size":5}]}%%
POST /v2/a/blobs/uploads/?digest=sha256:@self
{}%%
POST /v2/a/blobs/uploads/?digest=sha256:@self
layer"#,
    // A referrer of what need not be there, found and filtered.
    r#"GET /v2/a/referrers/sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855?artifactType=a/b
%%
PUT /v2/a/manifests/sha256:@self
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","artifactType":"a/b","manifests":[],"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0}}"#,
    // A blob's part, its mount, its end.
    "GET /v2/b/blobs/sha256:@3\n%%\nDELETE /v2/a/blobs/sha256:@3\n%%\nPOST /v2/b/blobs/uploads/?mount=sha256:@3&from=a\n%%\nPOST /v2/a/blobs/uploads/?digest=sha256:@self\n0123456789",
    "GET /v2/a/blobs/sha256:@1 | Range: bytes=2-4 | If-Range: \"x\"\n%%\nPOST /v2/a/blobs/uploads/?digest=sha256:@self\n0123456789",
    // A raw chart that is none, an index without charts, a catalog, a session.
    "POST /api/p/charts\n\x1f\u{fffd}",
    "GET /p/index.yaml\n%%\nPOST /api/p/prov\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nname: demo\nversion: 1.0.0\n\n...\nfiles:\n  demo-1.0.0.tgz: sha256:00\n-----BEGIN PGP SIGNATURE-----\n-----END PGP SIGNATURE-----\n",
    "GET /v2/_catalog?n=1\n%%\nPOST /v2/a/blobs/uploads/\n%%\nPATCH /v2/a/blobs/uploads/0123456789abcdef0123456789abcdef | Content-Range: 0-1\nab",
];

const FORM_HEAD: &[u8] = b"GET /p/charts/demo-1.0.0.tgz\n%%\nGET /p/index.yaml\n%%\n\
    POST /api/p/charts | Content-Type: multipart/form-data; boundary=b\n\
    --b\r\nContent-Disposition: form-data; name=\"chart\"; filename=\"demo-1.0.0.tgz\"\r\n\r\n";
const FORM_END: &[u8] = b"\r\n--b--\r\n";
