//! Images without the layers that a Docker has, on this machine or behind SSH; whole where it takes none so.

use std::{
    future::Future,
    sync::atomic::{AtomicBool, Ordering},
};

use crate::{error::RuntimeError, runtime::Import, turns::Turns};

/// What one Docker has, and whether it takes images without that.
#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) turns: Turns,
    /// Whether an image had to be sent whole though parts of it were there.
    sends_whole: AtomicBool,
}

impl Parts {
    /// Has `send` bring an image; it is told by layer, lowest first, what has to be sent.
    ///
    /// # Errors
    /// Those of `send`; where the image was refused without the layers that are there, those of sending it whole.
    pub(crate) async fn import<F>(
        &self,
        import: &Import<'_>,
        send: impl Fn(Vec<bool>) -> F,
    ) -> Result<(), RuntimeError>
    where
        F: Future<Output = Result<(), RuntimeError>>,
    {
        let chains = import.image.chain_ids();
        let turn = self.turns.take(&chains).await;
        let whole = vec![true; chains.len()];
        // What was refused once would be again.
        let lacks = if self.sends_whole.load(Ordering::Relaxed) { whole.clone() } else { turn.lacks() };
        let may_be_incomplete = lacks != whole;
        let mut done = send(lacks).await;
        if let Err(RuntimeError::Refused { is_of_the_node: false, .. }) = &done
            && may_be_incomplete
        {
            done = send(whole).await;
            self.sends_whole.fetch_or(done.is_ok(), Ordering::Relaxed);
        }
        if done.is_ok() {
            self.turns.note(chains);
        }
        done
    }

    /// What is to be said once all is loaded.
    pub(crate) fn notes(&self) -> Vec<String> {
        let note = "this Docker takes no image without the layers that it has: images were sent whole";
        self.sends_whole.load(Ordering::Relaxed).then(|| note.to_owned()).into_iter().collect()
    }
}
