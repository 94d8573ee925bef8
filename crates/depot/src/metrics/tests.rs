//! The text as a scraper gets it.

use std::net::Ipv4Addr;

use super::*;

/// The lines that are about `name`, without their comments.
fn lines(metrics: &Metrics, name: &str) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let text = metrics.text(&Store::open(dir.path()).unwrap()).unwrap();
    let name = format!("portolan_depot_{name}");
    let about = |line: &&str| line.split(['{', ' ']).next() == Some(&name);
    text.lines().filter(about).map(str::to_owned).collect()
}

fn answered(metrics: &Metrics, method: &str, status: u16) {
    metrics.answered(&Answered {
        route: "blobs",
        method: &method.parse().unwrap(),
        status: StatusCode::from_u16(status).unwrap(),
        took: Duration::from_millis(20),
        received: 3,
        sent: 4,
    });
}

#[test]
fn requests_are_counted_by_route_method_and_status() {
    let metrics = Metrics::new();
    answered(&metrics, "GET", 200);
    answered(&metrics, "GET", 200);
    answered(&metrics, "BREW", 405);
    let mut requests = lines(&metrics, "requests_total");
    requests.sort();
    assert_eq!(
        requests,
        [
            r#"portolan_depot_requests_total{route="blobs",method="GET",status="200"} 2"#,
            r#"portolan_depot_requests_total{route="blobs",method="other",status="405"} 1"#,
        ]
    );
    assert_eq!(lines(&metrics, "received_bytes_total"), ["portolan_depot_received_bytes_total 9"]);
    assert_eq!(lines(&metrics, "sent_bytes_total"), ["portolan_depot_sent_bytes_total 12"]);
    let buckets = lines(&metrics, "request_duration_seconds_bucket");
    assert!(
        buckets.contains(
            &r#"portolan_depot_request_duration_seconds_bucket{route="blobs",le="0.005"} 0"#.to_owned()
        ),
        "{buckets:?}"
    );
    assert!(
        buckets.contains(
            &r#"portolan_depot_request_duration_seconds_bucket{route="blobs",le="0.025"} 3"#.to_owned()
        ),
        "{buckets:?}"
    );
}

#[test]
fn a_connection_counts_while_it_is_there() {
    let metrics = Metrics::new();
    let first = metrics.connected();
    let _second = metrics.connected();
    drop(first);
    assert_eq!(lines(&metrics, "connections"), ["portolan_depot_connections 1"]);
    assert_eq!(
        lines(&metrics, "accepted_connections_total"),
        ["portolan_depot_accepted_connections_total 2"]
    );
}

#[test]
fn the_store_and_its_disk_are_measured() {
    let metrics = Metrics::new();
    metrics.certificate_ends(SocketAddr::from((Ipv4Addr::LOCALHOST, 443)), 17);
    assert_eq!(
        lines(&metrics, "certificate_end_timestamp_seconds"),
        [r#"portolan_depot_certificate_end_timestamp_seconds{address="127.0.0.1:443"} 17"#]
    );
    for name in ["uploads", "projects", "repositories", "tags", "charts", "contents", "content_bytes"] {
        assert_eq!(lines(&metrics, name), [format!("portolan_depot_{name} 0")]);
    }
    for name in ["disk_free_bytes", "disk_size_bytes", "start_timestamp_seconds", "build_info"] {
        let found = lines(&metrics, name);
        assert!(matches!(found.as_slice(), [line] if !line.ends_with(" 0")), "{name}: {found:?}");
    }
}
