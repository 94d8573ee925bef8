//! Keeping credentials out of what is shown.

/// The text with the user-info of every URL in it left out: `https://user:pass@host/` becomes
/// `https://host/`.
pub(crate) fn without_user_info(text: &str) -> String {
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
    fn user_info_is_left_out() {
        let check = |text: &str, expected: &str| assert_eq!(without_user_info(text), expected);
        check("https://charts.example.com/x", "https://charts.example.com/x");
        check("https://user:p@ss@charts.example.com/x@y", "https://charts.example.com/x@y");
        check("helm repo add a http://u:p@h b@c https://v@i", "helm repo add a http://h b@c https://i");
        check("@local", "@local");
    }
}
