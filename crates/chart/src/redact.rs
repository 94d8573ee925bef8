//! Keeping credentials out of what is shown.

/// What names of secrets have in them (rules.md, "Hosts, TLS, secrets"), in lower case.
const SECRET_WORDS: &[&str] =
    &["password", "passwd", "passphrase", "pwd", "secret", "token", "dsn", "key", "credential"];

/// Whether what goes by this name is kept out of everything that is shown.
#[must_use]
pub fn names_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// The text with the user-info of every URL in it left out: `https://user:pass@host/` becomes
/// `https://host/`.
#[must_use]
pub fn without_user_info(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("://") {
        shown.push_str(before);
        shown.push_str("://");
        let authority = behind.find(|c: char| c == '/' || c.is_whitespace()).unwrap_or(behind.len());
        let user_info = behind[..authority].rfind('@').map_or(0, |at| at + 1);
        rest = &behind[user_info..];
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets() {
        for name in ["password", "rootPassword", "DB_PASSWD", "client-secret", "apiKey", "dsn", "TOKEN"] {
            assert!(names_secret(name), "{name}");
        }
        for name in ["image", "user", "registry", "host"] {
            assert!(!names_secret(name), "{name}");
        }
    }

    #[test]
    fn user_info_is_left_out() {
        let check = |text: &str, expected: &str| assert_eq!(without_user_info(text), expected);
        check("https://charts.example.com/x", "https://charts.example.com/x");
        check("https://user:p@ss@charts.example.com/x@y", "https://charts.example.com/x@y");
        check("helm repo add a http://u:p@h b@c https://v@i", "helm repo add a http://h b@c https://i");
        check("@local", "@local");
    }
}
