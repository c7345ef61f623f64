//! Random catalogues. In: choices. Out: the text of a system, and its records as the author knows them.

use super::{Author, Field, Kind, Shape, Words};

const ENUMS: &[&[(&str, Option<&str>)]] = &[
    &[("open", None), ("done", None), ("in_work", Some("In Work"))],
    &[("a", None), ("b", Some("1"))],
    &[("small", Some("S")), ("large", Some("L")), ("huge", None), ("none", Some(""))],
];

impl Author {
    /// A leaf type: how it is declared, and its kind.
    fn leaf(&mut self, path: &str, target: bool) -> (String, Kind) {
        if self.draw.chance(30) {
            return self.spelled(path);
        }
        let (text, kind) = match self.draw.below(24) {
            0 | 1 => ("text", Kind::Text(None)),
            2 => ("text(1)", Kind::Text(Some(1))),
            3 => ("text(5)", Kind::Text(Some(5))),
            4 | 5 => ("text(40)", Kind::Text(Some(40))),
            6 | 7 => ("integer", Kind::Whole),
            8 => ("integer(0..9)", Kind::Whole),
            9 => ("integer(-50..1000)", Kind::Whole),
            10 => ("decimal(10,2)", Kind::Number(2)),
            11 => ("decimal(19,6)", Kind::Number(6)),
            12 => ("decimal(28,10)", Kind::Number(10)),
            13 => ("boolean", Kind::Boolean),
            14 => ("boolean(\"Y\", \"N\")", Kind::Boolean),
            15 => ("date", Kind::Date),
            16 => ("datetime", Kind::Instant),
            17 => ("time", Kind::Time),
            18 => ("uuid", Kind::Uuid),
            19 => ("uuid as hex", Kind::Uuid),
            22 => ("decimal(12,3) as text", Kind::Number(3)),
            23 if target => ("json", Kind::Json),
            23 => return self.open(),
            _ => return self.enumeration(path),
        };
        (text.to_owned(), kind)
    }

    /// A leaf that is written otherwise than JSON has it, or counted otherwise than in characters.
    fn spelled(&mut self, path: &str) -> (String, Kind) {
        let (text, kind) = match self.draw.below(16) {
            0 => ("integer as text", Kind::Whole),
            1 => ("integer as text(8)", Kind::Whole),
            2 => ("decimal(8,0) as text(8)", Kind::Number(0)),
            3 => ("decimal(9,3) as text(\",\")", Kind::Number(3)),
            4 => ("text(10) as number", Kind::Text(Some(10))),
            5 => ("boolean as number", Kind::Boolean),
            6 => ("boolean as text", Kind::Boolean),
            7 => ("date as text(\"%d.%m.%Y\")", Kind::Date),
            8 => ("date as text(\"%Y%m%d\")", Kind::Date),
            9 => ("time as text(\"%H%M%S\")", Kind::Time),
            10 => ("datetime as text(\"%d.%m.%Y %H:%M:%S%:z\")", Kind::Instant),
            11 => ("text(12 bytes)", Kind::Text(Some(12))),
            12 => ("text(12 bytes \"windows-1252\")", Kind::Text(Some(12))),
            13 => ("text(6 utf16)", Kind::Text(Some(6))),
            _ => {
                self.words.push(Words { path: path.to_owned(), names: vec!["open", "done", "gone"] });
                let text = "enum(open = 10, done = 20, gone = -1) as number".to_owned();
                return (text, Kind::Word(self.words.len() - 1));
            }
        };
        (text.to_owned(), kind)
    }

    /// A map or JSON.
    fn open(&mut self) -> (String, Kind) {
        let (text, kind) = match self.draw.below(4) {
            0 => ("map from text to text(40)", Kind::Map(Box::new(Kind::Text(Some(40))))),
            1 => ("map from text to integer", Kind::Map(Box::new(Kind::Whole))),
            2 => ("map from text to decimal(10,2)", Kind::Map(Box::new(Kind::Number(2)))),
            _ => ("json", Kind::Json),
        };
        (text.to_owned(), kind)
    }

    fn enumeration(&mut self, path: &str) -> (String, Kind) {
        let values = *self.draw.choose(ENUMS);
        let said: Vec<String> = values
            .iter()
            .map(|(name, wire)| wire.map_or_else(|| (*name).to_owned(), |wire| format!("{name} = \"{wire}\"")))
            .collect();
        let names = values.iter().map(|(name, _)| *name).collect();
        self.words.push(Words { path: path.to_owned(), names });
        (format!("enum({})", said.join(", ")), Kind::Word(self.words.len() - 1))
    }

    /// The fields of a record: their text in braces, and the record.
    pub(super) fn record(&mut self, path: &str, depth: usize, target: bool) -> (String, usize) {
        let mut lines = Vec::new();
        let mut fields = Vec::new();
        if depth == 0 {
            lines.push("id uuid as hex  key".to_owned());
            fields.push(Field { name: "id".to_owned(), kind: Kind::Uuid, optional: false, required: false });
        }
        if depth > 0 && !target && self.draw.chance(50) {
            lines.push("no integer  key".to_owned());
            fields.push(Field { name: "no".to_owned(), kind: Kind::Whole, optional: false, required: false });
        }
        if self.draw.chance(40) {
            for (name, text, kind, optional) in
                [("Alike", "text(20)?", Kind::Text(Some(20)), true), ("Same", "integer", Kind::Whole, false)]
            {
                lines.push(format!("{name} {text}"));
                fields.push(Field { name: name.to_owned(), kind, optional, required: false });
            }
        }
        for _ in 0..self.draw.between(3, if depth == 0 { 12 } else { 5 }) {
            let name = self.fresh(if target { "T" } else { "s" });
            let (text, kind) = self.leaf(&format!("{path}.{name}"), target);
            let optional = self.draw.chance(45) && (target || kind != Kind::Json);
            let required = target && self.draw.chance(20);
            let mut line = format!("{name} {text}");
            line.push_str(if optional { "?" } else { "" });
            let mut marks = Vec::new();
            if required {
                marks.push("required".to_owned());
            }
            if optional && !target && matches!(kind, Kind::Text(_)) && self.draw.chance(20) {
                marks.push("missing as \"\"".to_owned());
            }
            if self.draw.chance(10) {
                marks.push(format!("named \"{name} x\""));
            }
            line.push_str(&format!("  {}", marks.join(", ")));
            lines.push(line);
            fields.push(Field { name, kind, optional, required });
        }
        for _ in 0..if depth < 2 { self.draw.between(1, 3) } else { 0 } {
            let name = self.fresh(if target { "R" } else { "r" });
            let (text, kind, optional) = self.inner(&format!("{path}.{name}"), depth, target);
            lines.push(format!("{name} {text}"));
            fields.push(Field { name, kind, optional, required: false });
        }
        self.shapes.push(Shape { path: path.to_owned(), fields });
        (format!("{{ {} }}", lines.join(";  ")), self.shapes.len() - 1)
    }

    /// A record or list in a record.
    fn inner(&mut self, path: &str, depth: usize, target: bool) -> (String, Kind, bool) {
        match self.draw.below(7) {
            6 => {
                let (text, kind) = self.open();
                let optional = self.draw.chance(50);
                (format!("{text}{}", if optional { "?" } else { "" }), kind, optional)
            }
            0 | 1 => {
                let (text, record) = self.record(path, depth + 1, target);
                let optional = self.draw.chance(50);
                (format!("{text}{}", if optional { "?" } else { "" }), Kind::Record(record), optional)
            }
            2..=4 => {
                let (text, record) = self.record(path, depth + 1, target);
                let maybe = self.draw.pick(&["", "", "", "?", "?", "(1..)"]);
                let mark = if target { self.draw.pick(&["", "", "  added", "  replaced"]) } else { "" };
                (format!("list{maybe} {text}{mark}"), Kind::List(Box::new(Kind::Record(record)), false), false)
            }
            _ => {
                let (text, kind) = loop {
                    let (text, kind) = self.leaf(path, target);
                    if !matches!(kind, Kind::Word(_) | Kind::Json | Kind::Map(_)) {
                        break (text, kind);
                    }
                };
                let maybe = if self.draw.chance(50) { "?" } else { "" };
                (format!("list{maybe} of {text}"), Kind::List(Box::new(kind), false), false)
            }
        }
    }
}
