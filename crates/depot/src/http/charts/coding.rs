//! Which coding of a content a client wants (RFC 9110, section 12.5.3).

use axum::http::{HeaderMap, header};

/// How a content is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// As it is.
    Identity,
    /// Compressed.
    Gzip,
}

impl Coding {
    /// The better one for that client: compressed, unless it would rather not.
    pub(super) fn asked(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::ACCEPT_ENCODING);
        let listed: Vec<(&str, f32)> = values
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|text| text.split(','))
            .filter_map(weighed)
            .collect();
        let weight = |names: &[&str]| {
            listed
                .iter()
                .find(|(name, _)| names.iter().any(|own| name.eq_ignore_ascii_case(own)))
                .map(|&(_, weight)| weight)
        };
        let any = weight(&["*"]);
        let gzip = weight(&["gzip", "x-gzip"]).or(any).unwrap_or_default();
        let identity = weight(&["identity"]).unwrap_or_default();
        if gzip > 0.0 && gzip >= identity { Self::Gzip } else { Self::Identity }
    }
}

/// A coding and how much it is wanted, from 0 (not at all) to 1. What is no such thing is left out.
fn weighed(item: &str) -> Option<(&str, f32)> {
    let Some((name, parameter)) = item.split_once(';') else {
        return Some((item.trim(), 1.0));
    };
    let (key, weight) = parameter.trim().split_once('=')?;
    let weight = weight.trim().parse().ok().filter(|weight| (0.0..=1.0).contains(weight))?;
    key.trim().eq_ignore_ascii_case("q").then_some((name.trim(), weight))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_the_coding_that_it_asks_for() {
        #[track_caller]
        fn check(values: &[&str], expected: Coding) {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::ACCEPT_ENCODING, value.parse().unwrap());
            }
            assert_eq!(Coding::asked(&headers), expected, "{values:?}");
        }
        for gzip in [
            "gzip",
            "GZIP",
            "x-gzip",
            "*",
            "deflate, gzip;q=1.0, *;q=0.5",
            "br, gzip ; q = 0.1",
            "identity;q=0.5, gzip;q=0.5",
            "identity;q=0, gzip;q=0.1",
        ] {
            check(&[gzip], Coding::Gzip);
        }
        check(&["br", "gzip"], Coding::Gzip);
        check(&[], Coding::Identity);
        for identity in [
            "",
            "identity",
            "br",
            "gzip;q=0",
            "gzip;q=0.000",
            "*;q=0",
            "gzip;q=0, *",
            "identity, gzip;q=0.5",
            "gzip;q=x",
            "gzip;q=2",
            "gzip;level=9",
            "gzip;q=NaN",
        ] {
            check(&[identity], Coding::Identity);
        }
    }
}
