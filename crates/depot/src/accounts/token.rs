//! Bearer tokens: who somebody is and what was asked for, marked so that nobody else can make one.
//!
//! A token holds no rights. It says which account it was made for and narrows what that account
//! may do when the token is used, so a right that was taken away is gone at once, and so is a
//! token whose account has another password by then.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::directory::Stamp;
use super::seal::Seal;
use crate::protocol::Scope;

/// What marks of tokens are for.
const PURPOSE: &str = "token";

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claims {
    /// The account, and its stamp then; `None` for somebody who didn't sign in.
    pub(crate) user: Option<(String, Stamp)>,
    /// What it narrows to.
    pub(crate) scopes: Vec<Scope>,
    /// When it ends, in seconds since the process started: no clock that is set moves it.
    pub(crate) ends: u64,
}

/// Why a token counts for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenFault {
    /// This process didn't make it.
    Forged,
    /// It is too old, or its account is gone or has another password.
    Expired,
}

/// The claims as they are written.
#[derive(Serialize, Deserialize)]
struct Written {
    user: Option<(String, Stamp)>,
    scopes: Vec<String>,
    ends: u64,
}

impl Claims {
    /// The token for them: what it says, and the mark of that.
    pub(crate) fn seal(&self, seal: &Seal) -> SecretString {
        let written = Written {
            user: self.user.clone(),
            scopes: self.scopes.iter().map(ToString::to_string).collect(),
            ends: self.ends,
        };
        let said = serde_json::to_vec(&written).expect("because these are texts and numbers");
        let mark = seal.mark(PURPOSE, &[&said]);
        format!("{}.{}", URL_SAFE_NO_PAD.encode(said), URL_SAFE_NO_PAD.encode(mark)).into()
    }

    /// Reads a token at `now`, in seconds since the process started. Nothing of it is looked into
    /// before its mark was found right.
    pub(crate) fn open(seal: &Seal, token: &str, now: u64) -> Result<Self, TokenFault> {
        let (said, mark) = token.split_once('.').ok_or(TokenFault::Forged)?;
        let decoded = |text| URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenFault::Forged);
        let (said, mark) = (decoded(said)?, decoded(mark)?);
        if !seal.is_mark(&mark, PURPOSE, &[&said]) {
            return Err(TokenFault::Forged);
        }
        let Written { user, scopes, ends } = serde_json::from_slice(&said).map_err(|_| TokenFault::Forged)?;
        if ends <= now {
            return Err(TokenFault::Expired);
        }
        Ok(Self { user, scopes: scopes.iter().filter_map(|text| Scope::parse(text)).collect(), ends })
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn claims() -> Claims {
        let scopes = ["repository:p/a:pull,push", "registry:catalog:*"];
        Claims {
            user: Some(("ann".to_owned(), Stamp::of(&Seal::random(), "s3cret"))),
            scopes: scopes.iter().filter_map(|text| Scope::parse(text)).collect(),
            ends: 100,
        }
    }

    #[test]
    fn a_token_says_what_was_put_into_it_until_it_ends() {
        let (seal, claims) = (Seal::random(), claims());
        let token = claims.seal(&seal);
        let open = |now| Claims::open(&seal, token.expose_secret(), now);
        assert_eq!(open(0), Ok(claims.clone()));
        assert_eq!(open(99), Ok(claims));
        assert_eq!(open(100), Err(TokenFault::Expired));
    }

    #[test]
    fn nobody_else_makes_one() {
        let (seal, claims) = (Seal::random(), claims());
        let token = claims.seal(&seal);
        let token = token.expose_secret();
        let check = |text: &str| assert_eq!(Claims::open(&seal, text, 0), Err(TokenFault::Forged), "{text}");
        check(claims.seal(&Seal::random()).expose_secret());
        let (said, mark) = token.split_once('.').unwrap();
        let wider = Claims { ends: 1_000_000, ..claims }.seal(&Seal::random());
        let wider = wider.expose_secret().split_once('.').unwrap().0.to_owned();
        for bad in
            ["", ".", said, mark, &format!("{said}."), &format!("{wider}.{mark}"), &format!("{token}=")]
        {
            check(bad);
        }
        for at in 0..token.len() {
            let other = if token.as_bytes()[at] == b'A' { 'B' } else { 'A' };
            let changed = format!("{}{other}{}", &token[..at], &token[at + 1..]);
            check(&changed);
        }
    }
}
