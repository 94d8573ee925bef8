//! What a hint names in the values as they are.

use portolan_oci::Reference;

use super::{RelocateError, error::place};
use crate::{
    hints::{Hint, Hints, Piece, Role},
    values::{Leaf, Values},
};

/// A hint with its values in it.
pub(super) struct Rendered {
    pub(super) reference: Reference,
    /// The values of the placeholders, in their order.
    pub(super) slots: Vec<Slot>,
}

/// A placeholder and its value.
pub(super) struct Slot {
    pub(super) role: Role,
    pub(super) path: Vec<String>,
    pub(super) leaf: Leaf,
    /// The value as Go prints it.
    pub(super) text: String,
}

/// Resolves the hint's paths and reads the text as an image reference.
pub(super) fn render(values: &Values, hints: &Hints, hint: &Hint) -> Result<Rendered, RelocateError> {
    let mut text = String::new();
    let mut slots = Vec::new();
    for piece in hint.pieces() {
        match piece {
            Piece::Text(part) => text.push_str(part),
            Piece::Path { keys, role } => {
                let slot = resolve(values, hints, hint, keys, *role)?;
                text.push_str(&slot.text);
                if slot.text.is_empty() {
                    drop_sign(&mut text, slot.role);
                }
                slots.push(slot);
            }
        }
    }
    // An empty registry means Docker Hub.
    let text = text.trim().trim_start_matches('/');
    match text.parse() {
        Ok(reference) => Ok(Rendered { reference, slots }),
        Err(source) => Err(RelocateError::Reference { hint: place(hints, hint), source }),
    }
}

/// An empty digest means that the tag decides.
fn drop_sign(text: &mut String, role: Role) {
    if role == Role::Digest {
        text.pop();
    }
}

fn resolve(
    values: &Values,
    hints: &Hints,
    hint: &Hint,
    keys: &[String],
    role: Role,
) -> Result<Slot, RelocateError> {
    let path = || format!(".{}", keys.join("."));
    let fault = |fault| RelocateError::Path { hint: place(hints, hint), path: path(), fault };
    let leaf = values.get(keys).map_err(fault)?;
    let text = leaf.value.print().ok_or_else(|| fault(crate::values::PathError::Nothing))?;
    // A block scalar ends with a line end that is not meant to be part of the name.
    let text = text.trim().to_owned();
    if text.is_empty() && !matches!(role, Role::Registry | Role::Digest) {
        return Err(RelocateError::Empty { hint: place(hints, hint), path: path() });
    }
    Ok(Slot { role, path: keys.to_vec(), leaf, text })
}
