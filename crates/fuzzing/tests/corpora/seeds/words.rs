//! Names, headers and other short texts.

use super::{Seed, texts};

pub(super) fn seeds() -> Vec<Seed> {
    [
        texts("reference", REFERENCES),
        texts("challenge", CHALLENGES),
        texts("headers", HEADERS),
        texts("token", TOKENS),
        texts("error_body", ERRORS),
    ]
    .concat()
}

const REFERENCES: &[&str] = &[
    "nginx",
    "library/nginx:1.25",
    "docker.io/bitnami/redis:7.0.11-debian-11-r12",
    "10.16.10.111/release.daocloud.io/kpanda/kpanda-apiserver:v0.19.0",
    "localhost:5000/x/y__z.a-b--c:1",
    "[::1]:5000/a/b:latest",
    "quay.io/a/b:v1@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
    "linux/arm64/v8",
    "Windows/x86_64",
    "application/vnd.oci.image.index.v1+json; charset=utf-8",
    "v23.9.0-rc.1+build.7",
    "1.20",
    "127.0.0.1",
    "a/../b",
    "index.docker.io/nginx",
];

const CHALLENGES: &[&str] = &[
    r#"Basic realm="registry""#,
    r#"Bearer realm="https://a/token",service="reg",scope="repository:x/y:pull,push""#,
    r#"BEARER Service=reg , REALM=https://a/t?x=1"#,
    r#"Bearer realm="a\"b\\c", error="invalid_token""#,
    r#"Negotiate dGVzdA==, Basic realm="x, y", Bearer realm=r"#,
    r#"Digest nonce="==", qop="auth" Bearer realm="never ends"#,
    ",, ;@",
];

const HEADERS: &[&str] = &[
    "/v2/a/b/blobs/uploads/1?_state=x%2By",
    "https://r.example:8443/v2/a/b/blobs/uploads/1",
    "http://r.example:5000/u?s=1",
    "http://10.0.0.1/u",
    "https://storage.example/u?X-Amz-Signature=1",
    "//storage.example/u",
    "../x",
    "</v2/a/tags/list?n=2&last=b>; rel=\"next\"",
    "<https://r.example/v2/a/tags/list?n=2&last=b>;rel=next",
    "120",
    "Wed, 21 Oct 2026 07:28:00 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "file:///etc/passwd",
];

const TOKENS: &[&str] = &[
    "https://auth.example/token?a=b\n{\"token\":\"abc.def\",\"expires_in\":300}",
    "http://10.0.0.1/service/token\n{\"access_token\":\"abc\",\"token\":null,\"issued_at\":\"2024-01-01T00:00:00Z\"}",
    "http://10.9.8.7:5001/\n{\"token\":\"t\",\"expires_in\":18446744073709551615}",
    "http://other.example/\n{\"token\":\"\"}",
    "https://10.1.1.1/t\n{\"token\":\"t\",\"expires_in\":\"3600\",\"issued_at\":\"2023-11-14T22:13:00Z\"}",
    "https://localhost/\n{\"token\":\"t\",\"expires_in\":1e300,\"issued_at\":1}",
    "ftp://u:p@r.example/\n[]",
];

const ERRORS: &[&str] = &[
    r#"{"errors":[{"code":"DENIED","message":"requested access is denied","detail":null},{"code":"UNKNOWN"}]}"#,
    r#"{"error":"chart already exists"}"#,
    r#"{"errors":[{"code":"NOT_FOUND","message":"project p not found"}]}"#,
    r#"{"code":404,"message":"no\nsuch\tthing\u001b[2J"}"#,
    "<html><body>502 Bad Gateway</body></html>",
    "busy\u{1b}[2J\r\nline",
    "Client sent an HTTP request to an HTTPS server.\n",
];
