//! What goes wrong: the image concerned says so, and the others are there.

mod collections;
mod disk;
mod killed;
mod layers;
mod nobody;
mod refusing;
mod whole_images;

use std::sync::atomic::{AtomicBool, Ordering};

use portolan_node::{Event, Observer};

/// Does something once, when the first image is done with.
struct Once<F> {
    done: AtomicBool,
    action: F,
}

impl<F: Fn() + Send + Sync> Once<F> {
    fn new(action: F) -> Self {
        Self { done: AtomicBool::new(false), action }
    }
}

impl<F: Fn() + Send + Sync> Observer for Once<F> {
    fn event(&self, event: Event<'_>) {
        if matches!(event, Event::ImageFinished { .. }) && !self.done.swap(true, Ordering::Relaxed) {
            (self.action)();
        }
    }
}
