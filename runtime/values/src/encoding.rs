//! Leaves that a system writes in another kind of JSON than theirs: `decimal(9,2) as text(",")`, `integer as text(8)`, `text as number`.
//!
//! In: a value or the JSON of the wire, and how the catalogue says it is written. Out: the other of the two, or a fault. Nothing is cut.

use std::borrow::Cow;

use crate::decimal::Decimal;
use crate::fault::{Stop, shortened};
use crate::json::Json;
use crate::node::Node;
use crate::step::Step;
use crate::write::{self, IntoText, Written};

impl<'r> Node<'r> {
    /// `decimal(precision, scale) as text(MARK)`: a text with another decimal mark than a point.
    ///
    /// # Errors
    /// No text, no number written so, or more digits than the catalogue says.
    pub fn decimal_marked(
        &self,
        steps: &[Step<'_>],
        precision: u32,
        scale: u32,
        mark: &str,
    ) -> Result<Option<Decimal>, Stop> {
        let Some(text) = self.text(steps, None)? else { return Ok(None) };
        let plain =
            if text.contains(['.', 'e', 'E']) { None } else { Decimal::parse(&text.replacen(mark, ".", 1)).ok() };
        match plain {
            Some(value) => self.fitting(steps, value, precision, scale).map(Some),
            None => Err(self.said(steps, text, &format!("is not a number with \"{mark}\" before its decimals"))),
        }
    }

    /// Digits in a text, perhaps with zeros before them.
    fn padded(&self, steps: &[Step<'_>], width: u32) -> Result<Option<Decimal>, Stop> {
        let Some(text) = self.text(steps, None)? else { return Ok(None) };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() <= width as usize;
        match Decimal::parse(&text).ok().filter(|_| digits) {
            Some(value) => Ok(Some(value)),
            None => Err(self.said(steps, text, &format!("is not a number of {width} digits"))),
        }
    }

    /// `decimal(precision, 0) as text(WIDTH)`: digits with zeros before them.
    ///
    /// # Errors
    /// No text, other than digits, or more of them than the catalogue says.
    pub fn decimal_padded(
        &self,
        steps: &[Step<'_>],
        precision: u32,
        scale: u32,
        width: u32,
    ) -> Result<Option<Decimal>, Stop> {
        self.padded(steps, width)?.map(|value| self.fitting(steps, value, precision, scale)).transpose()
    }

    /// `integer as text(WIDTH)`: digits with zeros before them.
    ///
    /// # Errors
    /// No text, other than digits, more of them than the catalogue says, or out of bounds.
    pub fn integer_padded(
        &self,
        steps: &[Step<'_>],
        low: Option<i64>,
        high: Option<i64>,
        width: u32,
    ) -> Result<Option<Decimal>, Stop> {
        self.padded(steps, width)?.map(|value| self.whole(steps, value, low, high)).transpose()
    }

    /// `text as number`: the digits of a JSON number, as they are written there.
    ///
    /// # Errors
    /// No number, or longer than the catalogue says.
    pub fn text_as_number(&self, steps: &[Step<'_>], max: Option<u32>) -> Result<Option<Cow<'r, str>>, Stop> {
        let Some(json) = self.json(steps)? else { return Ok(None) };
        let Json::Number(digits) = json else { return Err(self.wrong(steps, &json, "a number")) };
        if let Some(max) = max
            && digits.len() > max as usize
        {
            let said = format!("has {} characters, but the catalogue says at most {max}", digits.len());
            return Err(self.said(steps, digits, &said));
        }
        Ok(Some(digits))
    }

    /// `enum(...) as number`: one of the numbers of an enum.
    ///
    /// # Errors
    /// No number, or one that the catalogue does not know.
    pub fn word_as_number(&self, steps: &[Step<'_>], known: &[&str]) -> Result<Option<Cow<'r, str>>, Stop> {
        let Some(digits) = self.text_as_number(steps, None)? else { return Ok(None) };
        if known.contains(&digits.as_ref()) {
            return Ok(Some(digits));
        }
        let said =
            format!("is {}, which the catalogue does not know (it knows {})", shortened(&digits), known.join(", "));
        Err(self.said(steps, digits, &said))
    }

    /// `boolean as number`: 1 or 0.
    ///
    /// # Errors
    /// Neither of the two.
    pub fn boolean_as_number(&self, steps: &[Step<'_>]) -> Result<Option<bool>, Stop> {
        let Some(digits) = self.text_as_number(steps, None)? else { return Ok(None) };
        match digits.as_ref() {
            "1" => Ok(Some(true)),
            "0" => Ok(Some(false)),
            _ => Err(self.said(steps, digits, "should be 1 or 0")),
        }
    }

    fn said(&self, steps: &[Step<'_>], text: Cow<'r, str>, said: &str) -> Stop {
        self.fault(steps, &Json::Text(text), said)
    }
}

/// `decimal(precision, scale) as text(MARK)`.
///
/// # Errors
/// The number has more digits than fit.
pub fn decimal_marked(value: Decimal, precision: u32, scale: u32, mark: &str) -> Written<'static> {
    write::decimal(value, precision, scale)?;
    Ok(Json::Text(Cow::Owned(value.to_string().replacen('.', mark, 1))))
}

fn padded(value: Decimal, width: u32) -> Written<'static> {
    let digits = value.to_string();
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Stop::failed_on(&value, format!("{value} cannot be written as {width} digits")));
    }
    if digits.len() > width as usize {
        return Err(Stop::failed_on(&value, format!("{value} has {} digits, {width} fit", digits.len())));
    }
    Ok(Json::Text(Cow::Owned(format!("{digits:0>width$}", width = width as usize))))
}

/// `decimal(precision, 0) as text(WIDTH)`.
///
/// # Errors
/// The number is negative or has more digits than fit.
pub fn decimal_padded(value: Decimal, precision: u32, scale: u32, width: u32) -> Written<'static> {
    write::decimal(value, precision, scale)?;
    padded(value, width)
}

/// `integer as text(WIDTH)`.
///
/// # Errors
/// The number is negative, has decimals, is out of bounds or has more digits than fit.
pub fn integer_padded(value: Decimal, low: Option<i64>, high: Option<i64>, width: u32) -> Written<'static> {
    write::integer(value, low, high)?;
    padded(value, width)
}

/// `text as number`.
///
/// # Errors
/// The text is no number as JSON writes one, or longer than fits.
pub fn text_as_number<'v>(value: impl IntoText<'v>, max: Option<u32>) -> Written<'v> {
    let digits = value.as_ref();
    write::fitting(digits, max)?;
    if !matches!(Json::parse(digits), Ok(Json::Number(number)) if number == digits) {
        let said = format!("the target takes a number here, and \"{}\" is none", shortened(digits));
        return Err(Stop::failed_on(digits, said));
    }
    Ok(Json::Number(value.into_text()))
}

/// `enum(...) as number`.
///
/// # Errors
/// A word that the target does not know, or one that is no number.
pub fn word_as_number<'v>(value: &str, known: &[&'v str]) -> Written<'v> {
    text_as_number(write::known_word(value, known)?, None)
}

/// `boolean as number`: 1 or 0.
///
/// # Errors
/// None.
pub fn boolean_as_number(value: bool) -> Written<'static> {
    Ok(Json::Number(Cow::Borrowed(if value { "1" } else { "0" })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at;

    fn reason<T: std::fmt::Debug>(result: Result<T, Stop>) -> String {
        match result {
            Err(Stop::Failed(fault)) => fault.reason,
            other => panic!("should fail: {other:?}"),
        }
    }

    #[test]
    fn numbers_are_written_and_read_as_flat_files_have_them() {
        let json = Json::parse(r#"{"q":"-1,50","w":"1.50","n":"00010023","l":"123456789"}"#).unwrap();
        let row = Node::borrowed(&json, "row");
        let quantity = row.decimal_marked(at!["q"], 9, 3, ",").unwrap().unwrap();
        assert_eq!(quantity.to_string(), "-1.5");
        assert_eq!(decimal_marked(quantity, 9, 3, ",").unwrap().to_text(), "\"-1,5\"");
        assert_eq!(
            reason(row.decimal_marked(at!["w"], 9, 3, ",")),
            "`row.w` is not a number with \",\" before its decimals"
        );
        assert!(row.decimal_marked(at!["q"], 9, 0, ",").is_err());
        let number = row.decimal_padded(at!["n"], 8, 0, 8).unwrap().unwrap();
        assert_eq!(decimal_padded(number, 8, 0, 8).unwrap().to_text(), "\"00010023\"");
        assert_eq!(reason(row.integer_padded(at!["l"], None, None, 8)), "`row.l` is not a number of 8 digits");
        assert_eq!(reason(integer_padded(Decimal::integer(-1), None, None, 8)), "-1 cannot be written as 8 digits");
        assert_eq!(reason(integer_padded(Decimal::integer(123), None, None, 2)), "123 has 3 digits, 2 fit");
        assert_eq!(row.integer_padded(at!["none"], None, None, 8), Ok(None));
    }

    #[test]
    fn texts_words_and_booleans_can_be_numbers() {
        let json = Json::parse(r#"{"id":4711,"s":2,"b":1,"t":"4711"}"#).unwrap();
        let row = Node::borrowed(&json, "row");
        assert_eq!(row.text_as_number(at!["id"], Some(4)).unwrap().unwrap(), "4711");
        assert!(row.text_as_number(at!["id"], Some(3)).is_err());
        assert_eq!(reason(row.text_as_number(at!["t"], None)), "`row.t` should be a number, but is a text");
        assert_eq!(row.word_as_number(at!["s"], &["1", "2"]).unwrap().unwrap(), "2");
        assert!(row.word_as_number(at!["id"], &["1", "2"]).is_err());
        assert_eq!(row.boolean_as_number(at!["b"]), Ok(Some(true)));
        assert!(row.boolean_as_number(at!["s"]).is_err());
        assert_eq!(text_as_number("4711", None).unwrap().to_text(), "4711");
        for wrong in ["", "047", "A1", " 1", "true"] {
            assert!(text_as_number(wrong, None).is_err(), "{wrong}");
        }
        assert_eq!(word_as_number("2", &["1", "2"]).unwrap().to_text(), "2");
        assert_eq!(boolean_as_number(false).unwrap().to_text(), "0");
    }
}
