//! An archive as the standard input of a command on a node.

use portolan_registry::Progress;

use super::program::Program;
use super::refusal::refused;
use crate::error::RuntimeError;
use crate::feed::Feed;

/// Runs a command that reads an archive, and waits for its end.
pub(super) async fn send(
    program: &Program,
    words: &[&str],
    mut feed: Feed,
    doing: &str,
    sent: Progress<'_>,
) -> Result<(), RuntimeError> {
    let mut running = program.start(words).await?;
    while let Some(piece) = feed.next().await {
        let piece = match piece {
            Ok(piece) => piece,
            Err(source) => {
                running.abandon().await;
                return Err(RuntimeError::Source { entry: doing.to_owned(), source });
            }
        };
        let size = piece.len() as u64;
        if !running.send(piece).await {
            break;
        }
        sent(size);
    }
    let ended = running.ended().await.map_err(|error| program.lost(&error))?;
    match ended.is_good() {
        true => Ok(()),
        false => Err(refused(program.kind, &program.address(), doing, &ended)),
    }
}
