//! A list that is made element by element, of records that a rule or a look-up makes.
//!
//! In: for each element, what it came to. Out: the list, or why there is none. What stops one element is noted under the element's number
//! and hides nothing of the elements behind it, as in a list of records made line by line.

use crate::fault::Stop;
use crate::run::Run;

/// The elements that are made so far.
#[derive(Debug)]
pub struct Elements<T> {
    made: Vec<T>,
    stopped: bool,
}

impl<T> Default for Elements<T> {
    fn default() -> Self {
        Elements { made: Vec::new(), stopped: false }
    }
}

impl<T> Elements<T> {
    /// No element yet.
    #[must_use]
    pub fn new() -> Elements<T> {
        Elements::default()
    }

    /// One more element, which stopped nowhere.
    pub fn push(&mut self, element: T) {
        self.made.push(element);
    }

    /// All elements.
    ///
    /// # Errors
    /// [`Stop::Held`] if one of them stopped.
    pub fn all(self) -> Result<Vec<T>, Stop> {
        if self.stopped { Err(Stop::Held) } else { Ok(self.made) }
    }
}

impl Run<'_> {
    /// One more element, counted from 1, which the spec makes in `line`.
    ///
    /// # Errors
    /// A failure that is the first thing wrong with the list, or `omit` and `clear`: whoever uses the list may answer them.
    pub fn row<T>(
        &self,
        elements: &mut Elements<T>,
        number: usize,
        line: u32,
        made: impl FnOnce() -> Result<T, Stop>,
    ) -> Result<(), Stop> {
        match self.within(number, made) {
            Ok(element) => elements.made.push(element),
            Err(stop @ (Stop::Omit | Stop::Clear)) => return Err(stop),
            Err(stop @ Stop::Failed(_)) if !elements.stopped => return Err(stop),
            Err(stop) => {
                self.within(number, || self.note(line, stop));
                elements.stopped = true;
            }
        }
        Ok(())
    }
}
