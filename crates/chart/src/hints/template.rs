//! The template language of hints: texts and paths, nothing else.

/// What a path of a hint stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Registry,
    Repository,
    /// Registry and repository in one, and the tag or digest where the template has none.
    Both,
    Tag,
    Digest,
}

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    Path { keys: Vec<String>, role: Role },
}

/// Why a text is no template of an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// `{{` without `}}`.
    #[error("a placeholder isn't closed with }}}}")]
    Unclosed,
    /// Anything but a path between the braces.
    #[error("{{{{ {text} }}}} is no path into the values, as in {{{{ .image.repository }}}}")]
    NoPath {
        /// What stands between the braces.
        text: String,
    },
    /// Two tags or two digests.
    #[error("more than one placeholder for the {what}")]
    Repeated {
        /// Tag or digest.
        what: &'static str,
    },
    /// Nothing for registry and repository.
    #[error("no placeholder for registry or repository")]
    NoImage,
    /// More than registry and repository.
    #[error("{count} placeholders for registry and repository; there can be one or two")]
    TooMany {
        /// How many there are.
        count: usize,
    },
}

/// Divides a template into its pieces and finds out what each stands for.
pub(super) fn parse(text: &str) -> Result<Vec<Piece>, TemplateError> {
    let mut pieces = split(text)?;
    let count = |wanted: Role| pieces.iter().filter(|piece| has_role(piece, wanted)).count();
    for (role, what) in [(Role::Tag, "tag"), (Role::Digest, "digest")] {
        if count(role) > 1 {
            return Err(TemplateError::Repeated { what });
        }
    }
    match count(Role::Both) {
        0 => Err(TemplateError::NoImage),
        1 => Ok(pieces),
        2 => {
            name_two(&mut pieces);
            Ok(pieces)
        }
        count => Err(TemplateError::TooMany { count }),
    }
}

fn has_role(piece: &Piece, wanted: Role) -> bool {
    matches!(piece, Piece::Path { role, .. } if *role == wanted)
}

/// Of two placeholders beside tag and digest, the first is the registry.
fn name_two(pieces: &mut [Piece]) {
    let mut roles = [Role::Registry, Role::Repository].into_iter();
    for piece in pieces {
        if let Piece::Path { role: role @ Role::Both, .. } = piece {
            *role = roles.next().unwrap_or(Role::Repository);
        }
    }
}

fn split(text: &str) -> Result<Vec<Piece>, TemplateError> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("{{") {
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        let (path, behind) = behind.split_once("}}").ok_or(TemplateError::Unclosed)?;
        let role = match before.chars().last() {
            Some(':') => Role::Tag,
            Some('@') => Role::Digest,
            _ => Role::Both,
        };
        pieces.push(Piece::Path { keys: keys(path)?, role });
        rest = behind;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(pieces)
}

/// `.a.b` as keys. Wider than Go's templates in one thing: `-` may stand in a key.
fn keys(path: &str) -> Result<Vec<String>, TemplateError> {
    let no_path = || TemplateError::NoPath { text: path.trim().to_owned() };
    let keys = path.trim().strip_prefix('.').ok_or_else(no_path)?;
    let is_key =
        |key: &str| !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    match keys.split('.').all(is_key) {
        true => Ok(keys.split('.').map(str::to_owned).collect()),
        false => Err(no_path()),
    }
}
