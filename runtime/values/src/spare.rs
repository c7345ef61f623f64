//! What records were made of, kept to be used again.
//!
//! A record is many small lists: its fields, and those of each record within. To ask for their memory and to give it back, record after
//! record, is much of the time that mapping takes. Who is done with a record may say so ([`Json::reuse`]); then the next one that this thread
//! makes is put where that one was. Nothing of a record is kept, only its room, and not much of that.

use std::borrow::Cow;
use std::cell::RefCell;

use crate::json::Json;

/// The fields of a record, in order.
pub(crate) type Fields<'r> = Vec<(Cow<'r, str>, Json<'r>)>;

/// Most records have no more fields. Room for so many is kept, no more and no less.
const FIELDS: usize = 8;

/// So much room is kept by a thread.
const KEPT_MAX: usize = 2048;

struct Spare {
    free: Vec<Fields<'static>>,
    /// How often room was asked for and did not come back. What nobody has asked for is not kept.
    lent: usize,
}

thread_local! {
    static SPARE: RefCell<Spare> = const { RefCell::new(Spare { free: Vec::new(), lent: 0 }) };
}

/// Room for the fields of a record.
pub(crate) fn fields<'r>() -> Fields<'r> {
    with(|spare| {
        spare.lent += 1;
        spare.free.pop()
    })
    .flatten()
    .unwrap_or_else(|| Vec::with_capacity(FIELDS))
}

/// `None` where the thread ends and has given up what it kept.
fn with<T>(act: impl FnOnce(&mut Spare) -> T) -> Option<T> {
    SPARE.try_with(|spare| spare.try_borrow_mut().ok().map(|mut spare| act(&mut spare))).ok().flatten()
}

impl Json<'_> {
    /// Says that this is done with: this thread makes the next records where it was.
    pub fn reuse(self) {
        with(|spare| spare.take_back(self));
    }
}

impl Spare {
    fn take_back(&mut self, json: Json<'_>) {
        match json {
            Json::Record(fields) => {
                let has_room = fields.capacity() == FIELDS;
                // Collecting from a list puts what comes where that was.
                let emptied: Fields<'static> =
                    fields.into_iter().filter_map(|(_, value)| self.emptied(value)).collect();
                if has_room && self.lent > 0 && self.free.len() < KEPT_MAX {
                    self.lent -= 1;
                    self.free.push(emptied);
                }
            }
            Json::List(elements) => elements.into_iter().for_each(|element| self.take_back(element)),
            Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) => {}
        }
    }

    /// Takes a value back; nothing is left of it.
    fn emptied<T>(&mut self, json: Json<'_>) -> Option<T> {
        self.take_back(json);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_record_is_put_where_the_last_one_was() {
        let mut made = fields();
        made.push((Cow::Owned("name".to_owned()), Json::List(Vec::new())));
        let was = made.as_ptr();
        Json::Record(made).reuse();
        let next = fields::<'static>();
        assert_eq!((next.as_ptr(), next.len(), next.capacity()), (was, 0, FIELDS));
        let other = fields::<'static>();
        assert_ne!(other.as_ptr(), was);
    }

    #[test]
    fn what_nobody_asked_for_is_not_kept_and_of_the_rest_not_much() {
        Json::Record(Vec::with_capacity(FIELDS)).reuse();
        assert_eq!(with(|spare| spare.free.len()), Some(0));
        let many: Vec<Fields<'static>> = (0..3000).map(|_| fields()).collect();
        many.into_iter().map(Json::Record).for_each(Json::reuse);
        assert_eq!(with(|spare| spare.free.len()), Some(KEPT_MAX));
    }
}
