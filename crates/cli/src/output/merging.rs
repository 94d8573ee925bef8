//! What a merge by hand would do, as `portolan merge --dry-run` shows it.

use indicatif::BinaryBytes;
use portolan_transfer::{ImageAction, MergePlan};

use super::plan::{count, platforms};
use super::style::Style;
use super::summary::in_words;

/// The tag, what becomes of it, and what is brought for that.
#[must_use]
pub fn text(plan: &MergePlan, style: Style) -> String {
    let mut lines = vec![format!("{}: {}", style.bold(&plan.target), in_words_of(&plan.action, style))];
    lines.extend(plan.sources.iter().map(|source| format!("  from {} ({})", source.name, source.digest)));
    lines.push(format!("  {} ({})", platforms(&plan.platforms), plan.digest));
    lines.push(format!(
        "  {} to put, {} of them about others; blobs of {} are asked for, and sent where they lack",
        count(plan.manifests.len(), "manifest"),
        plan.companions.len(),
        BinaryBytes(plan.bytes),
    ));
    lines.extend(plan.notes.iter().map(|note| format!("{} {note}", style.dim("note:"))));
    lines.push("Nothing was written.".to_owned());
    lines.join("\n")
}

fn in_words_of(action: &ImageAction, style: Style) -> String {
    match action {
        ImageAction::Push => format!("{}, the tag is free", style.good("push")),
        ImageAction::Exists => format!("{}, the tag has all of it", style.dim("exists")),
        ImageAction::Mend { lacks } => {
            let lacks: Vec<String> = lacks.iter().map(ToString::to_string).collect();
            format!("{}, the registry lacks {}", style.warn("mend"), lacks.join(", "))
        }
        ImageAction::Merge { found, changes } => {
            format!("{} into {found}: {}", style.good("merge"), in_words(changes))
        }
        ImageAction::Replace { found, holds } => {
            format!("{} {holds}, {found}", style.warn("replace"))
        }
        ImageAction::Keep { found, holds } => format!("{} {holds}, {found}", style.warn("keep")),
    }
}
