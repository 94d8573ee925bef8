//! The one command more.

use crate::place::{Place, TIMEOUT};
use crate::table::Shown;

/// What Portolan is told after a fault.
#[derive(Clone, Copy)]
pub(crate) enum Then {
    Again,
    Resume,
    Undo,
    Recover,
    RecoverOn,
}

impl Then {
    pub(crate) fn shown(self) -> &'static str {
        match self {
            Self::Again => "the same again",
            Self::Resume => "upgrade --resume",
            Self::Undo => "upgrade --undo",
            Self::Recover => "recover",
            Self::RecoverOn => "recover --on",
        }
    }

    pub(crate) fn line(self, place: &Place) -> String {
        match self {
            Self::Again => place.upgrade(),
            Self::Resume => "upgrade kant --resume".to_owned(),
            Self::Undo => "upgrade kant --undo".to_owned(),
            Self::Recover => format!("recover kant --timeout {TIMEOUT}"),
            Self::RecoverOn => format!("recover kant --on --timeout {TIMEOUT}"),
        }
    }
}

/// Gives the one command more, and shows what stands.
pub(crate) fn settled(place: &Place, step: String, left: String, then: Then) -> Shown {
    let ended = place.run(&then.line(place));
    let stands = place.whole(&ended);
    Shown { step, left, then: then.shown().to_owned(), stands }
}
