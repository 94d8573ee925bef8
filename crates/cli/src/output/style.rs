//! Colours, where they may be.

use std::fmt::Display;

use anstyle::{AnsiColor, Style as Ansi};

/// What a stream can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Text alone.
    Plain,
    /// ANSI colours.
    Coloured,
}

impl Style {
    /// Something went well, or helps.
    pub fn good(self, text: impl Display) -> String {
        self.paint(Ansi::new().fg_color(Some(AnsiColor::Green.into())), text)
    }

    /// Something wants attention and did not fail.
    pub fn warn(self, text: impl Display) -> String {
        self.paint(Ansi::new().fg_color(Some(AnsiColor::Yellow.into())), text)
    }

    /// Something failed.
    pub fn bad(self, text: impl Display) -> String {
        self.paint(Ansi::new().fg_color(Some(AnsiColor::Red.into())).bold(), text)
    }

    /// Something that matters less.
    pub fn dim(self, text: impl Display) -> String {
        self.paint(Ansi::new().dimmed(), text)
    }

    /// A heading.
    pub fn bold(self, text: impl Display) -> String {
        self.paint(Ansi::new().bold(), text)
    }

    fn paint(self, style: Ansi, text: impl Display) -> String {
        match self {
            Self::Plain => text.to_string(),
            Self::Coloured => format!("{style}{text}{style:#}"),
        }
    }
}
