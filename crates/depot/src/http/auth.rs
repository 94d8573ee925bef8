//! Who sends a request, and what they may do: closed unless a line here opens it.

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;

use super::text_header;
use crate::options::{Options, Visibility};
use crate::protocol::Access;
use crate::serve::Reach;

/// Who sends a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// No account is configured, so everybody on this machine may do everything.
    Everybody,
    /// The account.
    Account,
    /// Nobody signed in.
    Nobody,
    /// Somebody tried to sign in and failed.
    Impostor,
}

/// What is known of the project that a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Project {
    /// The request is about none, or projects do not exist on their own.
    None,
    /// It was made.
    There(Visibility),
    /// It was never made.
    Missing,
}

/// Reads the credentials of a request.
pub(super) fn identify(options: &Options, reach: Reach, headers: &HeaderMap) -> Who {
    let Some(account) = &options.account else {
        return if reach == Reach::Loopback { Who::Everybody } else { Who::Nobody };
    };
    match headers.get(header::AUTHORIZATION) {
        None => Who::Nobody,
        Some(_) if basic(headers).is_some_and(|pair| account.signs_in(&pair)) => Who::Account,
        Some(_) => Who::Impostor,
    }
}

/// Whether `who` may do that.
pub(super) fn may(who: Who, access: &Access<'_>, project: Project) -> bool {
    match (who, access) {
        (Who::Everybody | Who::Account, _) | (_, Access::Open) => true,
        (Who::Nobody, Access::Read(_)) => project == Project::There(Visibility::Public),
        (Who::Nobody, Access::Write(_) | Access::Whole) | (Who::Impostor, _) => false,
    }
}

/// `user:password` of basic authentication (RFC 7617).
fn basic(headers: &HeaderMap) -> Option<SecretString> {
    let (scheme, encoded) = text_header(headers, &header::AUTHORIZATION)?.split_once(' ')?;
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let pair = SecretString::from(String::from_utf8(decoded).ok()?);
    scheme.eq_ignore_ascii_case("basic").then_some(pair)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Account;

    #[test]
    fn every_cell_of_the_table() {
        let accesses = [Access::Open, Access::Read("p"), Access::Write("p"), Access::Whole];
        let projects = [
            Project::None,
            Project::Missing,
            Project::There(Visibility::Private),
            Project::There(Visibility::Public),
        ];
        for access in &accesses {
            for project in projects {
                let open = *access == Access::Open;
                let public = *access == Access::Read("p") && project == Project::There(Visibility::Public);
                let check = |who, expected| {
                    assert_eq!(may(who, access, project), expected, "{who:?} {access:?} {project:?}")
                };
                check(Who::Everybody, true);
                check(Who::Account, true);
                check(Who::Nobody, open || public);
                check(Who::Impostor, open);
            }
        }
    }

    #[test]
    fn reads_basic_credentials() {
        let options =
            Options { account: Some(Account::new("a", SecretString::from("b"))), ..Options::default() };
        let check = |value: Option<&str>, expected| {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(header::AUTHORIZATION, value.parse().expect("a header"));
            }
            assert_eq!(identify(&options, Reach::Network, &headers), expected, "{value:?}");
        };
        check(Some("Basic YTpi"), Who::Account);
        check(Some("basic YTpi"), Who::Account);
        check(None, Who::Nobody);
        for bad in ["Bearer YTpi", "Basic", "Basic YTpj", "Basic !!", "Basic /w=="] {
            check(Some(bad), Who::Impostor);
        }
        let without = |reach| identify(&Options::default(), reach, &HeaderMap::new());
        assert_eq!(without(Reach::Loopback), Who::Everybody);
        assert_eq!(without(Reach::Network), Who::Nobody);
    }
}
