//! What records were made of, kept to be used again.
//!
//! A record is many small lists: its fields, those of each record within, the elements of its lists. To ask for their memory and to give it
//! back, record after record, cost a sixth of the time that mapping takes. Who is done with a record may say so ([`Json::reuse`]); then the
//! next one that this thread reads or makes is put where that one was. Nothing of a record is kept, only its room, and not much of that.

use std::borrow::Cow;
use std::cell::RefCell;

use crate::json::Json;

/// The fields of a record, in order.
pub(crate) type Fields<'r> = Vec<(Cow<'r, str>, Json<'r>)>;

/// Room for more fields is not kept: few records have so many.
const FIELDS_MAX: usize = 32;

/// Room for so many elements is kept, no more and no less: what most lists begin with.
const ELEMENTS: usize = 4;

/// So much is kept by a thread.
const BYTES_MAX: usize = 1 << 20;

/// Room of one size.
struct Room<T> {
    free: Vec<Vec<T>>,
    /// How often it was asked for and did not come back. What nobody has asked for is not kept.
    lent: usize,
}

impl<T> Room<T> {
    const NONE: Room<T> = Room { free: Vec::new(), lent: 0 };

    fn take(&mut self, size: usize, bytes: &mut usize) -> Vec<T> {
        self.lent += 1;
        let Some(room) = self.free.pop() else { return Vec::with_capacity(size) };
        *bytes -= size_of::<T>() * size;
        room
    }

    fn give_back(&mut self, room: Vec<T>, bytes: &mut usize) {
        let size = size_of::<T>() * room.capacity();
        if self.lent > 0 && *bytes + size <= BYTES_MAX {
            self.lent -= 1;
            *bytes += size;
            self.free.push(room);
        }
    }
}

struct Spare {
    /// By the number of fields that fit.
    fields: [Room<(Cow<'static, str>, Json<'static>)>; FIELDS_MAX],
    elements: Room<Json<'static>>,
    bytes: usize,
}

thread_local! {
    static SPARE: RefCell<Spare> =
        const { RefCell::new(Spare { fields: [const { Room::NONE }; FIELDS_MAX], elements: Room::NONE, bytes: 0 }) };
}

/// Room for so many fields.
pub(crate) fn fields<'r>(size: usize) -> Fields<'r> {
    let spare = |spare: &mut Spare| Some(spare.fields.get_mut(size)?.take(size, &mut spare.bytes));
    with(spare).flatten().unwrap_or_else(|| Vec::with_capacity(size))
}

/// Room for some elements.
pub(crate) fn elements<'r>() -> Vec<Json<'r>> {
    with(|spare| spare.elements.take(ELEMENTS, &mut spare.bytes)).unwrap_or_default()
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
            // Collecting from a list puts what comes where that was.
            Json::Record(fields) => {
                let emptied: Vec<_> = fields.into_iter().filter_map(|(_, value)| self.emptied(value)).collect();
                if let Some(room) = self.fields.get_mut(emptied.capacity()) {
                    room.give_back(emptied, &mut self.bytes);
                }
            }
            Json::List(elements) => {
                let emptied: Vec<_> = elements.into_iter().filter_map(|value| self.emptied(value)).collect();
                if emptied.capacity() == ELEMENTS {
                    self.elements.give_back(emptied, &mut self.bytes);
                }
            }
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
        let mut made = fields(3);
        made.push((Cow::Owned("name".to_owned()), Json::List(elements())));
        let was = made.as_ptr();
        Json::Record(made).reuse();
        let next = fields::<'static>(3);
        assert_eq!((next.as_ptr(), next.len(), next.capacity()), (was, 0, 3));
        let other = fields::<'static>(3);
        assert_ne!(other.as_ptr(), was);
    }

    #[test]
    fn what_nobody_asked_for_is_not_kept_and_of_the_rest_not_much() {
        Json::Record(Vec::with_capacity(5)).reuse();
        assert_eq!(with(|spare| spare.bytes), Some(0));
        let many: Vec<Fields<'static>> = (0..2000).map(|_| fields(20)).collect();
        many.into_iter().map(Json::Record).for_each(Json::reuse);
        let kept = with(|spare| spare.bytes).unwrap_or_default();
        assert!(kept > BYTES_MAX / 2 && kept <= BYTES_MAX, "{kept}");
    }
}
