//! The ways of rounding.
//!
//! In: what is kept of a number and what is cut off. Out: whether the last digit kept grows. No digit is touched here.

use std::cmp::Ordering;

/// How a number is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Halves away from zero.
    HalfUp,
    /// Halves to the even neighbour.
    HalfEven,
    /// Halves towards zero.
    HalfDown,
    /// Away from zero.
    Up,
    /// Towards zero.
    Down,
    /// Towards the greater.
    Ceiling,
    /// Towards the lesser.
    Floor,
}

impl Mode {
    /// All modes with their words in the language.
    pub const WORDS: &'static [(&'static str, Mode)] = &[
        ("half_up", Mode::HalfUp),
        ("half_even", Mode::HalfEven),
        ("half_down", Mode::HalfDown),
        ("up", Mode::Up),
        ("down", Mode::Down),
        ("ceiling", Mode::Ceiling),
        ("floor", Mode::Floor),
    ];

    /// The mode of that word (`half_up`).
    #[must_use]
    pub fn from_word(word: &str) -> Option<Mode> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, mode)| *mode)
    }

    /// The word in the language.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Mode::HalfUp => "half_up",
            Mode::HalfEven => "half_even",
            Mode::HalfDown => "half_down",
            Mode::Up => "up",
            Mode::Down => "down",
            Mode::Ceiling => "ceiling",
            Mode::Floor => "floor",
        }
    }

    /// Does the magnitude grow by one? `rest` compares what is cut off with one half; `odd` is the last digit kept.
    pub(crate) fn grows(self, negative: bool, odd: bool, exact: bool, rest: Ordering) -> bool {
        if exact {
            return false;
        }
        match self {
            Mode::HalfUp => rest != Ordering::Less,
            Mode::HalfDown => rest == Ordering::Greater,
            Mode::HalfEven => rest == Ordering::Greater || (rest == Ordering::Equal && odd),
            Mode::Up => true,
            Mode::Down => false,
            Mode::Ceiling => !negative,
            Mode::Floor => negative,
        }
    }
}
