//! Random statements of a mapping. In: the target's records and the names in scope. Out: pieces, one a statement.

use super::{Author, Field, Kind, Name, Piece};

/// How deep expressions are nested.
const DEPTH: usize = 3;

impl Author {
    /// Statements that make a record of that shape.
    pub(super) fn block(&mut self, shape: usize, depth: usize) -> Vec<Piece> {
        let outer = self.names.len();
        let mut pieces = Vec::new();
        let mut fields = self.shapes[shape].fields.clone();
        if fields.iter().any(|field| field.name == "Same") && self.draw.chance(60) {
            let mut records = self.paths();
            records.retain(|path| match path.kind {
                Kind::Record(shape) => self.shapes[shape].fields.iter().any(|field| field.name == "Same"),
                _ => false,
            });
            if !records.is_empty() {
                let record = self.draw.choose(&records).text.clone();
                let names = self.draw.pick(&["Same", "Alike", "Alike, Same"]);
                pieces.push(Piece::line(format!("copy {names} from {record}")));
                fields.retain(|field| !names.contains(field.name.as_str()));
            }
        }
        while !fields.is_empty() {
            if self.draw.chance(if depth == 0 { 35 } else { 15 }) {
                pieces.extend(self.local());
            }
            if self.draw.chance(5) {
                pieces.extend(self.check());
            }
            let field = fields.remove(self.draw.below(fields.len()));
            if self.draw.chance(88) {
                let before = pieces.len();
                self.field(&field, depth, &mut pieces);
                if self.draw.chance(6) {
                    let once = pieces.split_off(before);
                    if !once.is_empty() {
                        pieces.push(Piece::block("on create", once));
                    }
                }
            } else if self.draw.chance(30) && !field.required {
                pieces.push(Piece::line(format!("leave {} because \"nobody fills it\"", field.name)));
            }
        }
        self.names.truncate(outer);
        pieces
    }

    fn local(&mut self) -> Option<Piece> {
        let kind = match self.draw.below(10) {
            0..=4 => self.leaf_kind(),
            5 => Kind::Boolean,
            6 if !self.words.is_empty() => Kind::Word(self.draw.below(self.words.len())),
            7 | 8 => {
                let records: Vec<usize> = self
                    .paths()
                    .iter()
                    .filter_map(|path| if let Kind::Record(shape) = path.kind { Some(shape) } else { None })
                    .collect();
                Kind::Record(*self.draw.choose(if records.is_empty() { &[0] } else { &records }))
            }
            _ => {
                let kind = self.leaf_kind();
                Kind::List(Box::new(kind), self.draw.chance(50))
            }
        };
        let made = self.expression(&kind, DEPTH)?;
        let name = self.fresh("v");
        self.names.push(Name { text: name.clone(), kind, optional: made.optional, element: false });
        Some(Piece::line(format!("let {name} = {}", bare(&made.text))))
    }

    fn check(&mut self) -> Option<Piece> {
        let condition = self.sure(&Kind::Boolean, 2)?;
        let answer = if self.draw.chance(75) { self.reason("reject", 2) } else { self.reason("skip", 2) };
        Some(Piece::line(format!("check {} otherwise {answer}", bare(&condition))))
    }

    fn field(&mut self, field: &Field, depth: usize, pieces: &mut Vec<Piece>) {
        let name = &field.name;
        match &field.kind {
            Kind::Record(shape) => match self.draw.below(4) {
                0 => {
                    let head = match self.sure(&Kind::Boolean, 2) {
                        Some(condition) => format!("{name} when {}", bare(&condition)),
                        None => name.clone(),
                    };
                    let body = self.block(*shape, depth + 1);
                    pieces.push(Piece::block(head, body));
                }
                1 => {
                    let rule = self.expression(&field.kind, 2);
                    pieces.extend(rule.map(|made| Piece::line(format!("{name} <- {}", bare(&made.text)))));
                }
                2 => {
                    let leaf = self.shapes[*shape]
                        .fields
                        .iter()
                        .find(|inner| !matches!(inner.kind, Kind::Record(_) | Kind::List(..)))
                        .cloned();
                    if let Some(mut leaf) = leaf {
                        leaf.name = format!("{name}.{}", leaf.name);
                        self.leaf_field(&leaf, pieces);
                    }
                }
                _ => {
                    let body = self.block(*shape, depth + 1);
                    pieces.push(Piece::block(name.clone(), body));
                }
            },
            Kind::List(element, _) => {
                let mut also = "";
                for _ in 0..self.draw.between(1, 3) {
                    if let Some(piece) = self.elements(name, also, element, depth) {
                        pieces.push(piece);
                        also = " also";
                    }
                }
            }
            Kind::Json | Kind::Map(_) => self.open_field(field, pieces),
            _ => self.leaf_field(field, pieces),
        }
    }

    /// A map or JSON: in braces, field by field, or as a whole.
    fn open_field(&mut self, field: &Field, pieces: &mut Vec<Piece>) {
        let name = &field.name;
        let kind = match &field.kind {
            Kind::Map(of) => of.as_ref().clone(),
            _ => self.leaf_kind(),
        };
        let mut lines = Vec::new();
        for inner in ["first", "second", "`third one`"] {
            if self.draw.chance(60) {
                let leaf = Field { name: inner.to_owned(), kind: kind.clone(), optional: true, required: false };
                self.leaf_field(&leaf, &mut lines);
            }
        }
        match self.draw.below(5) {
            0 | 1 => pieces.push(Piece::block(name.clone(), lines)),
            2 => {
                lines.iter_mut().filter(|line| line.body.is_none()).for_each(|line| {
                    line.head = format!("{name}.{}", line.head);
                });
                pieces.extend(lines.into_iter().filter(|line| line.body.is_none()));
            }
            3 => pieces.extend(
                self.sure(&Kind::Boolean, 2)
                    .map(|condition| Piece::block(format!("{name} when {}", bare(&condition)), lines)),
            ),
            _ => {
                let made = self.expression(&field.kind, 2);
                pieces.extend(made.map(|made| Piece::line(format!("{name} <- {}", bare(&made.text)))));
            }
        }
    }

    /// `[{ ... }, { ... }]`: records of that shape in one line, of leaves alone.
    fn listed(&mut self, shape: usize) -> String {
        let leaves: Vec<Field> = self.shapes[shape]
            .fields
            .iter()
            .filter(|field| !matches!(field.kind, Kind::Record(_) | Kind::List(..) | Kind::Json | Kind::Map(_)))
            .cloned()
            .collect();
        let count = self.draw.between(1, 2);
        let records: Vec<String> = (0..count)
            .map(|_| {
                let mut lines = Vec::new();
                for leaf in &leaves {
                    if leaf.required || self.draw.chance(40) {
                        self.leaf_field(leaf, &mut lines);
                    }
                }
                let lines: Vec<&str> =
                    lines.iter().filter(|line| line.body.is_none()).map(|line| line.head.as_str()).collect();
                format!("{{ {} }}", lines.join("; "))
            })
            .collect();
        format!("[{}]", records.join(", "))
    }

    fn elements(&mut self, name: &str, also: &str, element: &Kind, depth: usize) -> Option<Piece> {
        let Kind::Record(shape) = element else {
            let list = self.expression(&Kind::List(Box::new(element.clone()), true), DEPTH)?;
            return Some(Piece::line(format!("{name}{also} <- {}", bare(&list.text))));
        };
        match self.draw.below(8) {
            6 | 7 => Some(Piece::line(format!("{name}{also} <- {}", self.listed(*shape)))),
            0 => {
                let condition = self.sure(&Kind::Boolean, 2)?;
                let body = self.block(*shape, depth + 1);
                Some(Piece::block(format!("{name} when {}", bare(&condition)), body))
            }
            1 => {
                let list = self.expression(&Kind::List(Box::new(element.clone()), false), 2)?;
                Some(Piece::line(format!("{name}{also} <- {}", bare(&list.text))))
            }
            _ => {
                let (head, names) = self.walks(2)?;
                let outer = self.names.len() - names;
                let body = self.block(*shape, depth + 1);
                self.names.truncate(outer);
                Some(Piece::block(format!("{name}{also} <- {head}"), body))
            }
        }
    }

    /// `each ... where ... sorted by ...`; how many names it has brought into scope.
    pub(super) fn walks(&mut self, depth: usize) -> Option<(String, usize)> {
        let mut text = String::new();
        let mut names = 0;
        for _ in 0..if self.draw.chance(25) { 2 } else { 1 } {
            let mut lists = self.paths();
            lists.retain(|path| matches!(path.kind, Kind::List(..)));
            if lists.is_empty() {
                break;
            }
            let list = self.draw.choose(&lists);
            let Kind::List(element, missing) = list.kind.clone() else { break };
            let name = self.fresh("e");
            text.push_str(&format!("{}each {} as {name}", if text.is_empty() { "" } else { " " }, list.text));
            let mut found = vec![Name { text: name, kind: *element, optional: missing, element: false }];
            if self.draw.chance(15) {
                let beside = self.draw.choose(&lists);
                if let Kind::List(element, _) = beside.kind.clone() {
                    let name = self.fresh("w");
                    text.push_str(&format!(" with {} as {name}", beside.text));
                    found.push(Name { text: name, kind: *element, optional: true, element: false });
                }
            }
            names += found.len();
            self.names.extend(found);
            if self.draw.chance(40)
                && let Some(condition) = self.sure(&Kind::Boolean, depth.min(2))
            {
                text.push_str(&format!(" where {condition}"));
            }
        }
        if text.is_empty() {
            return None;
        }
        if self.draw.chance(35) {
            let kind =
                self.draw.choose(&[Kind::Number(6), Kind::Text(None), Kind::Date, Kind::Instant, Kind::Whole]).clone();
            if let Some(key) = self.expression(&kind, 1) {
                let descending = if self.draw.chance(50) { " descending" } else { "" };
                text.push_str(&format!(" sorted by {}{descending}", key.text));
            }
        }
        // `position` counts what is kept and sorted, so it has a meaning only behind both.
        let first = self.names.len() - names;
        for name in &mut self.names[first..] {
            name.element = true;
        }
        Some((text, names))
    }

    fn leaf_field(&mut self, field: &Field, pieces: &mut Vec<Piece>) {
        let name = &field.name;
        if field.optional && self.draw.chance(4) {
            pieces.push(Piece::line(format!("{name} <- {}", self.draw.pick(&["omit", "clear"]))));
            return;
        }
        let Some(made) = self.expression(&field.kind, DEPTH) else { return };
        let fitted = match &field.kind {
            Kind::Text(Some(max)) => match self.draw.below(10) {
                0..=4 => format!("{} | cut", made.text),
                5 => format!("{} | cut({})", made.text, (*max).min(3)),
                6..=8 => format!("{} | fit", made.text),
                _ => made.text.clone(),
            },
            Kind::Whole if self.draw.chance(40) => format!("{} | fit", made.text),
            Kind::Number(scale) => match self.draw.below(8) {
                0..=3 => format!("round({}, {scale}, {})", made.text, self.mode()),
                4..=6 => format!("{} | fit", made.text),
                _ => made.text.clone(),
            },
            _ => made.text.clone(),
        };
        let mut text = if fitted == made.text { bare(&fitted).to_owned() } else { fitted };
        if made.optional && (field.required || self.draw.chance(40)) {
            let answer = match self.draw.below(6) {
                0 if !field.required => "omit".to_owned(),
                1 if field.optional => "clear".to_owned(),
                2 => self.reason("skip", 1),
                3 => self.literal(&field.kind).unwrap_or_else(|| "reject \"none\"".to_owned()),
                _ => self.reason("reject", 1),
            };
            text = format!("{text} otherwise {answer}");
        }
        if self.draw.chance(10) {
            let answer = match self.draw.below(4) {
                0 if !field.required => "omit".to_owned(),
                1 if field.optional => "clear".to_owned(),
                2 => self.literal(&field.kind).unwrap_or_else(|| "reject \"invalid\"".to_owned()),
                _ => self.reason("reject", 1),
            };
            text = format!("{text} if invalid {answer}");
        }
        if self.draw.chance(10)
            && let Some(chosen) = self.answered_choice(field, &text)
        {
            text = chosen;
        }
        let piece = Piece::line(format!("{name} <- {text}"));
        pieces.push(if self.draw.chance(3) && !name.contains('.') {
            Piece::block("on create", vec![piece])
        } else {
            piece
        });
    }
}

impl Author {
    /// `if` or `match` of which one side is an answer.
    fn answered_choice(&mut self, field: &Field, text: &str) -> Option<String> {
        let answer = match self.draw.below(6) {
            0 | 1 if !field.required => "omit".to_owned(),
            2 | 3 if field.optional => "clear".to_owned(),
            4 => self.reason("skip", 1),
            _ => self.reason("reject", 1),
        };
        if self.draw.chance(50) {
            let condition = self.sure(&Kind::Boolean, 2)?;
            return Some(if self.draw.chance(50) {
                format!("if {} then {text} else {answer}", bare(&condition))
            } else {
                format!("if {} then {answer} else {text}", bare(&condition))
            });
        }
        let kind = if self.words.is_empty() { Kind::Text(None) } else { Kind::Word(self.draw.below(self.words.len())) };
        let (value, literal) = (self.sure(&kind, 1)?, self.literal(&kind)?);
        Some(format!("match {} {{ {literal} -> {answer}; otherwise -> {text} }}", bare(&value)))
    }
}

/// Without the brackets around the whole.
fn bare(text: &str) -> &str {
    let Some(inner) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) else { return text };
    let mut depth = 0_i32;
    for character in inner.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            // Brackets in quotes are not counted apart: then the outer ones stay.
            '"' | '\'' => return text,
            _ => {}
        }
        if depth < 0 {
            return text;
        }
    }
    inner
}
