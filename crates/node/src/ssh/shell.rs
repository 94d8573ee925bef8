//! Words of a command line, as any shell on a node takes them.

/// A command line of these words, each of which arrives as it is.
pub(crate) fn command_line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// The word between single quotes, where it has anything that a shell reads.
fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./:@%+,=".contains(character);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_arrive_as_they_are() {
        for words in [
            vec!["ctr", "-n", "k8s.io", "images", "ls"],
            vec!["", "a b", "it's", "$(x)", "`x`", "\"", "\\", "*", "~", "a\nb", "é"],
        ] {
            let line = format!("printf '%s\\0' {}", command_line(words.iter().copied()));
            let output = std::process::Command::new("sh").arg("-c").arg(line).output().unwrap();
            let arrived: Vec<_> = words.iter().map(|word| format!("{word}\0")).collect();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), arrived.concat());
        }
    }
}
