//! A wish that no new work be begun: what an interruption comes to inside the libraries.
//!
//! Whoever holds a [`Stop`] looks at it before the next step; a request that is on its way ends by
//! itself. A wait before another attempt is cut short, and the error that it was about stands.

use std::sync::Arc;

use tokio::sync::watch;

/// A wish, shared by all clones, that no new work be begun. It can't be taken back.
#[derive(Clone, Debug)]
pub struct Stop {
    wish: Arc<watch::Sender<bool>>,
}

impl Stop {
    /// Says that no new work is to be begun.
    pub fn request(&self) {
        self.wish.send_replace(true);
    }

    /// Whether that was said.
    pub fn is_requested(&self) -> bool {
        *self.wish.borrow()
    }

    /// Waits until it is said.
    pub async fn requested(&self) {
        let mut wish = self.wish.subscribe();
        wish.wait_for(|said| *said).await.expect("because this value holds the sender");
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self { wish: Arc::new(watch::Sender::new(false)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_clone_hears_it() {
        let stop = Stop::default();
        let clone = stop.clone();
        let waiting = tokio::spawn(async move { clone.requested().await });
        assert!(!stop.is_requested());
        stop.request();
        waiting.await.unwrap();
        assert!(stop.clone().is_requested());
        stop.requested().await;
    }
}
