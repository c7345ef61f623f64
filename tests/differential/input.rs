//! Random inputs of a mapping. In: the record types of the model. Out: JSON texts, from well-formed to wild, and answers of references.
//!
//! The texts are written digit by digit here, so that numbers reach both back ends as no serializer of ours would write them.

use mapwright_model::ir::{EntityRef, Field, Model, Record, RecordId, Spelling, Type, Unit};
use mapwright_values::{Json, Reference, Test};

use crate::draw::Draw;
use crate::spec::TEXTS;
use crate::wire::Answer;

/// Texts that only inputs have.
const ODD_TEXTS: &[&str] = &[
    "e\u{301}",
    "👩‍👩‍👧",
    "שלום",
    "\u{202e}abc",
    "\u{1}\u{7}",
    "a\nb\tc",
    "\u{a0}x\u{2003}",
    "ﬁ",
    "İstanbul",
    "ß",
    "\"quoted\"",
    "\\",
    "{x}",
    "ᾳ",
    "👍🏽",
    "\u{feff}bom",
    "0",
    "1e5",
    "+7",
    " 12 ",
    "１２",
    "true",
];
/// Numbers as JSON may write them.
const ODD_NUMBERS: &[&str] = &[
    "-0",
    "1e-7",
    "1E5",
    "1e30",
    "-1e30",
    "0.1000000000000000055511151231257827",
    "9999999999999999999999999999",
    "79228162514264337593543950335",
    "79228162514264337593543950336",
    "1.0000000000000000000000000001",
    "0.00",
    "1.50",
    "1e400",
    "-0.005",
    "123456789012345678901234567890",
    "9223372036854775808",
];
const WRONG: &[&str] = &["null", "true", "\"text\"", "12", "[]", "{}", "[1,\"a\",null]", "{\"a\":{}}", "\"\"", "-7.5"];

/// Draws inputs; `wild` is how many of a hundred leaves are not as they should be.
pub(crate) struct Inputs<'m> {
    pub(crate) model: &'m Model,
    pub(crate) draw: Draw,
    pub(crate) wild: usize,
    /// How deep in the record we are: only the outermost lists are long.
    pub(crate) depth: usize,
}

impl Inputs<'_> {
    pub(crate) fn record(&mut self, id: RecordId) -> String {
        if self.draw.chance(self.wild / 10) {
            return (*self.draw.choose(WRONG)).to_owned();
        }
        let model = self.model;
        let mut members = Vec::new();
        self.depth += 1;
        for field in model.record(id).into_iter().flat_map(Record::fields) {
            if let Some(value) = self.field(field) {
                members.push(format!("{}:{value}", Json::text(field.wire.clone()).to_text()));
            }
        }
        self.depth -= 1;
        format!("{{{}}}", members.join(","))
    }

    fn field(&mut self, field: &Field) -> Option<String> {
        if field.optional || self.draw.chance(self.wild) {
            match self.draw.below(6) {
                0 => return None,
                1 => return Some("null".to_owned()),
                2 if field.missing_as.is_some() => return field.missing_as.clone(),
                _ => {}
            }
        }
        Some(self.value(&field.ty, &field.spelling))
    }

    pub(crate) fn value(&mut self, ty: &Type, spelling: &Spelling) -> String {
        if self.draw.chance(self.wild) {
            return self.odd();
        }
        let text = |text: &str| Json::text(text.to_owned()).to_text();
        match ty {
            Type::Text { .. } if *spelling == Spelling::AsNumber => {
                self.draw.pick(&["0", "7", "12", "10231", "1.50", "-3", "0.10"]).to_owned()
            }
            Type::Text { max: Some(max), unit: unit @ (Unit::Bytes(_) | Unit::Utf16) } => {
                let drawn = if self.draw.chance(30) && *unit == Unit::Utf16 {
                    self.draw.choose(ODD_TEXTS)
                } else {
                    self.draw.choose(TEXTS)
                };
                let most = *max as usize + usize::from(self.draw.chance(self.wild.min(2)));
                let mut fitting = String::new();
                for character in drawn.chars() {
                    let length =
                        |text: &str| if *unit == Unit::Utf16 { text.encode_utf16().count() } else { text.len() };
                    if length(&fitting) + length(character.encode_utf8(&mut [0; 4])) <= most {
                        fitting.push(character);
                    }
                }
                text(&fitting)
            }
            Type::Text { max, .. } => {
                let drawn = if self.draw.chance(15) { self.draw.choose(ODD_TEXTS) } else { self.draw.choose(TEXTS) };
                let long = drawn.repeat(if self.draw.chance(5) { 30 } else { 1 });
                let max = max.map_or(usize::MAX, |max| max as usize);
                text(
                    &long
                        .chars()
                        .take(if self.draw.chance(self.wild.min(2)) { max.saturating_add(1) } else { max })
                        .collect::<String>(),
                )
            }
            Type::Integer { min, max } => {
                let drawn = *self.draw.choose(&[0, 1, 2, 3, 7, 12, 100, -1, 5000, 1_000_000_007]);
                let drawn = drawn.clamp(min.unwrap_or(i64::MIN), max.unwrap_or(i64::MAX));
                self.number(drawn.to_string(), spelling)
            }
            Type::Decimal { precision, scale } => {
                let whole = self.draw.below(10_usize.pow(precision.saturating_sub(*scale).clamp(1, 7)));
                let digits = self.draw.below(*scale as usize + 1);
                let mut number = if self.draw.chance(30) { format!("{}", whole % 20) } else { whole.to_string() };
                if digits > 0 {
                    let fraction = self.draw.below(10_usize.pow(digits as u32));
                    number = format!("{number}.{fraction:0digits$}");
                }
                if self.draw.chance(20) {
                    number.insert(0, '-');
                }
                self.number(number, spelling)
            }
            Type::Boolean => {
                let yes = self.draw.chance(50);
                match spelling {
                    Spelling::BooleanWords { yes: one, no: other } => text(if yes { one } else { other }),
                    Spelling::AsNumber => if yes { "1" } else { "0" }.to_owned(),
                    _ => yes.to_string(),
                }
            }
            Type::Date | Type::Time | Type::Instant if matches!(spelling, Spelling::Format(_)) => {
                let Spelling::Format(format) = spelling else { return "null".to_owned() };
                let (year, month, day) = *self.draw.choose(&[
                    ("2026", "03", "14"),
                    ("2024", "02", "29"),
                    ("1999", "12", "31"),
                    ("2026", "10", "25"),
                ]);
                let (hour, minute, second) = *self.draw.choose(&[
                    ("10", "15", "00"),
                    ("02", "30", "59"),
                    ("00", "00", "00"),
                    ("23", "59", "59"),
                ]);
                let zone = *self.draw.choose(&["+00:00", "+01:00", "-05:00"]);
                let parts = [
                    ("%Y", year),
                    ("%m", month),
                    ("%d", day),
                    ("%H", hour),
                    ("%M", minute),
                    ("%S", second),
                    ("%:z", zone),
                ];
                text(&parts.iter().fold(format.clone(), |said, (sign, part)| said.replace(sign, part)))
            }
            Type::Date => text(self.draw.pick(&[
                "2026-03-14",
                "2024-02-29",
                "1999-12-31",
                "2026-10-25",
                "2026-03-29",
                "0001-01-01",
                "9999-12-31",
            ])),
            Type::Time => text(self.draw.pick(&["02:00", "10:15", "23:59:59", "00:00:00", "10:15:30.5"])),
            Type::Instant => text(self.draw.pick(&[
                "2026-03-14T10:15:00Z",
                "2026-10-25T01:30:00+01:00",
                "2026-03-29T01:30:00.123Z",
                "1969-12-31T23:59:59.999-05:00",
                "2026-11-02T23:30:00.000+00:00",
            ])),
            Type::Uuid => {
                let digits = self.draw.pick(&[
                    "018f3c2a9b7d7e41a5c60d1e2f3a4b5c",
                    "00000000000000000000000000000000",
                    "ABCDEFabcdef00112233445566778899",
                ]);
                let dashed = format!(
                    "{}-{}-{}-{}-{}",
                    &digits[..8],
                    &digits[8..12],
                    &digits[12..16],
                    &digits[16..20],
                    &digits[20..]
                );
                text(if (*spelling == Spelling::Hex) != self.draw.chance(10) { digits } else { &dashed })
            }
            Type::Enum(words) => {
                let word = self.draw.choose(&words.values).wire.clone();
                if *spelling == Spelling::AsNumber { word } else { text(&word) }
            }
            Type::Record(id) => self.record(*id),
            Type::List(list) => {
                let count = match self.draw.below(12) {
                    0 | 1 => 0,
                    11 if self.depth == 1 && self.draw.chance(5) => 40,
                    other => other % 3 + 1,
                };
                let elements: Vec<String> = (0..count).map(|_| self.value(&list.element, &list.spelling)).collect();
                format!("[{}]", elements.join(","))
            }
            Type::Map(of) => {
                let count = self.draw.below(4);
                let members: Vec<String> = ["b", "a", "colour x"]
                    .iter()
                    .take(count)
                    .map(|name| format!("\"{name}\":{}", self.value(of, &Spelling::Plain)))
                    .collect();
                format!("{{{}}}", members.join(","))
            }
            Type::Json | Type::File => (*self.draw.choose(WRONG)).to_owned(),
            Type::Quotient | Type::Money | Type::Never => "null".to_owned(),
        }
    }

    fn number(&mut self, digits: String, spelling: &Spelling) -> String {
        match spelling {
            Spelling::NumberAsText => format!("\"{digits}\""),
            Spelling::MarkedNumber(mark) => format!("\"{}\"", digits.replace('.', mark)),
            Spelling::PaddedNumber(width) => {
                let width = *width as usize;
                let whole = digits.trim_start_matches('-');
                format!("\"{whole:0>width$}\"")
            }
            Spelling::Plain
            | Spelling::BooleanWords { .. }
            | Spelling::Hex
            | Spelling::Format(_)
            | Spelling::AsNumber => digits,
        }
    }

    fn odd(&mut self) -> String {
        match self.draw.below(6) {
            0 | 1 => (*self.draw.choose(ODD_NUMBERS)).to_owned(),
            2 => Json::text((*self.draw.choose(ODD_TEXTS)).to_owned()).to_text(),
            3 => self
                .draw
                .pick(&[
                    "\"2026-02-30\"",
                    "\"14.03.2026\"",
                    "\"2026-03-14T10:15:00\"",
                    "\"25:00\"",
                    "\"018f\"",
                    "\"unknown\"",
                ])
                .to_owned(),
            4 => format!("\"{}\"", "long ".repeat(60)),
            _ => (*self.draw.choose(WRONG)).to_owned(),
        }
    }

    /// Settings as a deployment gives them.
    pub(crate) fn settings(&mut self) -> String {
        let settings = self.model.settings.clone();
        let mut members = Vec::new();
        for setting in &settings {
            if setting.optional && self.draw.chance(40) {
                continue;
            }
            let value = match &setting.default {
                Some(default) if self.draw.chance(70) => default.clone(),
                Some(_) | None => self.value(&setting.ty, &setting.spelling),
            };
            members.push(format!("\"{}\":{value}", setting.name));
        }
        format!("{{{}}}", members.join(","))
    }

    /// What a reference finds; `None` where it stays unanswered.
    pub(crate) fn answer(&mut self, reference: &Reference) -> Option<Answer> {
        if self.draw.chance(5) {
            return None;
        }
        Some(match reference {
            Reference::Find(find) => {
                let entity = EntityRef { system: find.system.clone(), entity: find.entity.clone() };
                let id = self.model.entity(&entity).map(|entity| entity.record)?;
                let count = *self.draw.choose(&[0, 1, 1, 1, 1, 1, 2, 3]);
                Answer::Found((0..count).map(|_| self.found(id, &find.terms)).collect())
            }
            Reference::Link(_) => match self.draw.below(6) {
                0 | 1 => Answer::Linked(None),
                2 => Answer::Linked(Some("T1".to_owned())),
                _ => Answer::Linked(Some(self.draw.pick(&["1", "77", "-3", "12345678901234567890123"]).to_owned())),
            },
        })
    }

    /// A record that mostly is what was asked for.
    fn found(&mut self, id: RecordId, terms: &[mapwright_values::Term]) -> String {
        let text = self.record(id);
        let Ok(Json::Record(mut members)) = Json::parse(&text).map(Json::into_owned) else { return text };
        for term in terms.iter().filter(|term| term.test == Test::Eq) {
            if self.draw.chance(80)
                && let Ok(value) = Json::parse(&term.value)
                && let Some(member) = members.iter_mut().find(|(name, _)| *name == term.field)
            {
                member.1 = value.into_owned();
            }
        }
        Json::Record(members).to_text()
    }
}
