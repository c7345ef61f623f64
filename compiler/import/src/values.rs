//! What texts look like: days, instants, numbers. In: values of one field. Out: the type that they all have.

use mapwright_values::time::{parse_date, parse_instant};

use crate::draft::{Shape, Typed};

/// What is seen of the texts of one field.
#[derive(Clone, Debug, Default)]
pub(crate) struct Looks {
    /// Texts that were seen, empty ones not counted.
    pub(crate) seen: usize,
    /// Characters of the longest.
    pub(crate) longest: usize,
    others: usize,
    days: usize,
    german_days: usize,
    instants: usize,
    uuids: usize,
    truths: usize,
    whole: usize,
    pointed: usize,
    commaed: usize,
    /// The most digits before and behind the point.
    digits: (usize, usize),
}

impl Looks {
    /// Looks at one text.
    pub(crate) fn look(&mut self, text: &str) {
        self.seen += 1;
        self.longest = self.longest.max(text.chars().count());
        let number = |mark: char| {
            let unsigned = text.strip_prefix('-').unwrap_or(text);
            let (whole, behind) = unsigned.split_once(mark).unwrap_or((unsigned, ""));
            let digits = |part: &str| part.chars().all(|digit| digit.is_ascii_digit());
            let plain = !whole.is_empty() && digits(whole) && digits(behind) && whole.len() + behind.len() <= 28;
            // Zeros in front belong to a number that is a name.
            let named = whole.len() > 1 && whole.starts_with('0');
            (plain && !named).then_some((whole.len(), behind.len(), unsigned.contains(mark)))
        };
        if let Some((whole, behind, marked)) = number('.').or_else(|| number(',')) {
            self.digits = (self.digits.0.max(whole), self.digits.1.max(behind));
            match (marked, text.contains(',')) {
                (false, _) => self.whole += 1,
                (true, true) => self.commaed += 1,
                (true, false) => self.pointed += 1,
            }
        } else if is_german_day(text) {
            self.german_days += 1;
        } else if parse_date(text).is_some() {
            self.days += 1;
        } else if parse_instant(text).is_some() {
            self.instants += 1;
        } else if is_uuid(text) {
            self.uuids += 1;
        } else if text == "true" || text == "false" {
            self.truths += 1;
        } else {
            self.others += 1;
        }
    }

    /// The type of texts that mean something by their form: days, instants, UUIDs.
    pub(crate) fn formed(&self) -> Option<Typed> {
        let all = |count: usize| count > 0 && count == self.seen;
        if all(self.days) {
            Some(Typed::plain(Shape::Date))
        } else if all(self.german_days) {
            Some(Typed { spelled: Some("text(\"%d.%m.%Y\")"), ..Typed::plain(Shape::Date) })
        } else if all(self.instants) {
            Some(Typed::plain(Shape::Instant))
        } else if all(self.uuids) {
            Some(Typed::plain(Shape::Uuid))
        } else {
            None
        }
    }

    /// The type of texts that are numbers or truths.
    pub(crate) fn counted(&self) -> Option<Typed> {
        let all = |count: usize| count > 0 && count == self.seen;
        if all(self.truths) {
            Some(Typed::as_text(Shape::Boolean))
        } else if all(self.whole) && self.digits.0 <= 18 {
            Some(Typed::as_text(Shape::WHOLE))
        } else if all(self.whole + self.pointed) {
            Some(Typed::as_text(self.decimal()))
        } else if all(self.whole + self.commaed) {
            Some(Typed { spelled: Some("text(\",\")"), ..Typed::plain(self.decimal()) })
        } else {
            None
        }
    }

    /// The type of JSON numbers.
    pub(crate) fn number(&self) -> Shape {
        if self.pointed == 0 && self.others == 0 && self.digits.0 <= 18 { Shape::WHOLE } else { self.decimal() }
    }

    /// With room before the point: samples seldom show the greatest amount.
    fn decimal(&self) -> Shape {
        let scale = u32::try_from(self.digits.1).unwrap_or(28).min(28);
        let whole = u32::try_from(self.digits.0).unwrap_or(28);
        Shape::Decimal { precision: (whole.max(13) + scale).min(28), scale }
    }
}

fn is_german_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    matches!(parts.as_slice(), [day, month, year]
        if day.len() == 2 && month.len() == 2 && year.len() == 4 && parse_date(&format!("{year}-{month}-{day}")).is_some())
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let hex = |part: &&str| part.chars().all(|digit| digit.is_ascii_hexdigit());
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(hex)
}
