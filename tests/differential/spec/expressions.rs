//! Random expressions of a wanted kind. In: the names in scope. Out: text that is probably well-typed, safe as an operand.

use super::{Author, Kind, Made, TEXTS, quoted};

/// What can be reached from the names in scope.
pub(super) struct Path {
    pub(super) text: String,
    pub(super) kind: Kind,
    pub(super) optional: bool,
}

impl Author {
    /// Every path from every name in scope, lists on the way included.
    pub(super) fn paths(&self) -> Vec<Path> {
        let mut found = Vec::new();
        for name in &self.names {
            self.walk(name.text.clone(), name.kind.clone(), name.optional, 0, &mut found);
        }
        found
    }

    fn walk(&self, text: String, kind: Kind, optional: bool, depth: usize, found: &mut Vec<Path>) {
        match &kind {
            Kind::Record(shape) if depth < 3 => {
                for field in &self.shapes[*shape].fields {
                    let list = matches!(field.kind, Kind::List(..));
                    let optional = (optional || field.optional) && !list;
                    self.walk(format!("{text}.{}", field.name), field.kind.clone(), optional, depth + 1, found);
                }
            }
            Kind::List(element, _) if depth < 3 => {
                if let Kind::Record(shape) = element.as_ref() {
                    for field in self.shapes[*shape].fields.iter().filter(|field| !matches!(field.kind, Kind::List(..)))
                    {
                        let kind = Kind::List(Box::new(field.kind.clone()), field.optional);
                        found.push(Path { text: format!("{text}.{}", field.name), kind, optional: false });
                    }
                }
            }
            _ => {}
        }
        found.push(Path { text, kind, optional });
    }

    fn path(&mut self, wanted: &Kind) -> Option<Made> {
        let mut paths = self.paths();
        paths.retain(|path| path.kind.serves(wanted));
        if paths.is_empty() {
            return None;
        }
        let path = self.draw.choose(&paths);
        Some(Made::maybe(path.text.clone(), path.optional))
    }

    /// A literal, where the kind has one.
    pub(super) fn literal(&mut self, wanted: &Kind) -> Option<String> {
        Some(match wanted {
            Kind::Text(max) => {
                let text = *self.draw.choose(TEXTS);
                let text: String = text.chars().take(max.map_or(usize::MAX, |max| max as usize)).collect();
                quoted(&text)
            }
            Kind::Whole => self.draw.pick(&["0", "1", "2", "3", "7", "12", "100", "-1"]).to_owned(),
            Kind::Number(_) => {
                self.draw.pick(&["0", "1", "-2", "0.5", "19", "2.75", "100.00", "0.005", "-0.15"]).to_owned()
            }
            Kind::Boolean => self.draw.pick(&["true", "false"]).to_owned(),
            Kind::Date => self.draw.pick(&["2026-03-14", "2024-02-29", "1999-12-31", "2026-10-25"]).to_owned(),
            Kind::Time => self.draw.pick(&["02:00", "10:15", "00:00"]).to_owned(),
            Kind::Word(words) => {
                let name = *self.draw.choose(&self.words[*words].names);
                quoted(name)
            }
            Kind::Instant | Kind::Uuid | Kind::Json | Kind::Map(_) | Kind::Record(_) | Kind::List(..) => return None,
        })
    }

    /// Something of that kind, as simple as can be; always there.
    pub(super) fn simple(&mut self, wanted: &Kind) -> Option<Made> {
        if self.draw.chance(50)
            && let Some(path) = self.path(wanted).filter(|path| !path.optional)
        {
            return Some(path);
        }
        if let Some(literal) = self.literal(wanted) {
            return Some(Made::sure(literal));
        }
        if *wanted == Kind::Instant {
            return Some(Made::sure("now()"));
        }
        (0..8).find_map(|_| self.path(wanted).filter(|path| !path.optional))
    }

    /// An expression that is always there; stops where needed.
    pub(super) fn sure(&mut self, wanted: &Kind, depth: usize) -> Option<String> {
        let made = self.expression(wanted, depth)?;
        if made.optional { self.answered(&made, wanted, depth) } else { Some(made.text) }
    }

    /// A missing value answered.
    fn answered(&mut self, made: &Made, wanted: &Kind, depth: usize) -> Option<String> {
        let answer = match self.draw.below(16) {
            0 => self.reason("reject", depth),
            1 if self.draw.chance(20) => self.reason("skip", depth),
            2 => self.expression(wanted, depth.saturating_sub(1)).filter(|made| !made.optional)?.text,
            _ => self.simple(wanted)?.text,
        };
        Some(format!("({} otherwise {answer})", made.text))
    }

    /// `reject "..."`.
    pub(super) fn reason(&mut self, word: &str, depth: usize) -> String {
        let text = if depth > 0 && self.draw.chance(50) { self.template(depth - 1) } else { quoted("for a reason") };
        format!("{word} {text}")
    }

    fn template(&mut self, depth: usize) -> String {
        let mut text = String::from("\"");
        for _ in 0..self.draw.between(1, 3) {
            text.push_str(self.draw.pick(&["", "x ", "no. ", "ä-", "\\{", ", "]));
            let kind = self.leaf_kind();
            if let Some(hole) = self.sure(&kind, depth) {
                text.push_str(&format!("{{{hole}}}"));
            }
        }
        text.push('"');
        text
    }

    pub(super) fn leaf_kind(&mut self) -> Kind {
        match self.draw.below(12) {
            0..=3 => Kind::Text(None),
            4 => Kind::Whole,
            5 | 6 => Kind::Number(6),
            7 => Kind::Boolean,
            8 => Kind::Date,
            9 => Kind::Instant,
            10 => Kind::Uuid,
            _ => Kind::Time,
        }
    }

    /// An expression of that kind, which may be missing.
    pub(super) fn expression(&mut self, wanted: &Kind, depth: usize) -> Option<Made> {
        if depth == 0 {
            return if self.draw.chance(70) {
                self.path(wanted).or_else(|| self.simple(wanted))
            } else {
                self.simple(wanted)
            };
        }
        for _ in 0..4 {
            let made = match self.draw.below(20) {
                0..=3 => self.path(wanted),
                4..=8 => self.library(wanted, depth),
                9 => self.choice(wanted, depth),
                10 => self.matched(wanted, depth),
                11 | 12 => self.called(wanted, depth),
                13 => self.invalid(wanted, depth),
                14 => self.asked(wanted, depth),
                15 => self.expression(wanted, depth - 1).filter(|made| made.optional).and_then(|made| {
                    let other = self.expression(wanted, 0)?;
                    Some(Made::maybe(format!("({} otherwise {})", made.text, other.text), other.optional))
                }),
                _ => self.own(wanted, depth),
            };
            if made.is_some() {
                return made;
            }
        }
        self.simple(wanted)
    }

    /// What only values of this kind are made of.
    fn own(&mut self, wanted: &Kind, depth: usize) -> Option<Made> {
        match wanted {
            Kind::Text(_) => Some(Made::sure(self.template(depth - 1))),
            Kind::Whole => self.whole(depth),
            Kind::Number(_) => self.number(depth),
            Kind::Boolean => self.boolean(depth),
            Kind::List(element, missing) => self.list(element, *missing, depth),
            Kind::Map(of) => {
                let of = of.as_ref().clone();
                self.map(&of, depth)
            }
            Kind::Json => {
                let kind = self.leaf_kind();
                if self.draw.chance(50) { self.map(&kind, depth) } else { self.expression(&kind, depth - 1) }
            }
            Kind::Date | Kind::Time | Kind::Instant | Kind::Uuid | Kind::Word(_) | Kind::Record(_) => None,
        }
    }

    /// `{ a <- ... }`: a map or JSON made in place.
    fn map(&mut self, of: &Kind, depth: usize) -> Option<Made> {
        let mut lines = Vec::new();
        for name in ["a", "b", "`c d`"] {
            if self.draw.chance(60) {
                lines.push(format!("{name} <- {}", self.expression(of, depth - 1)?.text));
            }
        }
        Some(Made::sure(format!("{{ {} }}", lines.join("; "))))
    }

    fn whole(&mut self, depth: usize) -> Option<Made> {
        let elements: Vec<String> =
            self.names.iter().filter(|name| name.element).map(|name| name.text.clone()).collect();
        if !elements.is_empty() && self.draw.chance(60) {
            return Some(Made::sure(format!("position({})", self.draw.choose(&elements))));
        }
        let (left, right) = (self.sure(&Kind::Whole, depth - 1)?, self.sure(&Kind::Whole, depth - 1)?);
        Some(Made::sure(format!("({left} {} {right})", self.draw.pick(&["+", "-", "*"]))))
    }

    fn number(&mut self, depth: usize) -> Option<Made> {
        let (left, right) = (self.sure(&Kind::Number(6), depth - 1)?, self.sure(&Kind::Number(6), depth - 1)?);
        Some(Made::sure(match self.draw.below(6) {
            0 => format!("(-{left})"),
            1 => format!("round({left} / {right}, {}, {})", self.draw.below(7), self.mode()),
            2 => format!("{}({left} / {right})", self.draw.pick(&["floor", "ceiling"])),
            3 => match self.draw.below(3) {
                0 => {
                    let list = self.expression(&Kind::List(Box::new(Kind::Number(6)), false), depth - 1)?;
                    let text = format!("({} | average | round({}, {}))", list.text, self.draw.below(7), self.mode());
                    return Some(Made::maybe(text, true));
                }
                1 => {
                    let units = self.draw.pick(&["\"kg\", \"g\"", "\"lb\", \"kg\"", "\"cm\", \"in\"", "\"ml\", \"l\""]);
                    format!("round(convert_unit({left}, {units}), {}, {})", self.draw.below(7), self.mode())
                }
                _ => format!("tax_in({left}, {right}, 2, {})", self.mode()),
            },
            _ => format!("({left} {} {right})", self.draw.pick(&["+", "-", "*"])),
        }))
    }

    pub(super) fn mode(&mut self) -> String {
        self.draw.pick(&["half_up", "half_even", "half_down", "up", "down", "ceiling", "floor"]).to_owned()
    }

    fn boolean(&mut self, depth: usize) -> Option<Made> {
        let under = depth - 1;
        let text = match self.draw.below(10) {
            0 => format!("(not {})", self.sure(&Kind::Boolean, under)?),
            1 | 2 => {
                let (left, right) = (self.sure(&Kind::Boolean, under)?, self.sure(&Kind::Boolean, under)?);
                format!("({left} {} {right})", self.draw.pick(&["and", "or"]))
            }
            3 | 4 => {
                let kind = self.compared();
                let (left, right) = (self.expression(&kind, under)?, self.expression(&kind, 0)?);
                format!("({} {} {})", left.text, self.draw.pick(&["==", "!="]), right.text)
            }
            5 => {
                let kind = self.ordered();
                let (left, right) = (self.sure(&kind, under)?, self.sure(&kind, 0)?);
                format!("({left} {} {right})", self.draw.pick(&["<", "<=", ">", ">="]))
            }
            6 => {
                let kind = self.compared();
                let value = self.expression(&kind, under)?;
                let list = match self.draw.chance(50) {
                    true => self.path(&Kind::List(Box::new(kind.clone()), true)).map(|made| made.text),
                    false => None,
                };
                let list = match list {
                    Some(list) => list,
                    None => format!("[{}, {}]", self.literal(&kind)?, self.simple(&kind)?.text),
                };
                format!("({} {} {list})", value.text, self.draw.pick(&["in", "not in"]))
            }
            7 | 8 => {
                let mut paths = self.paths();
                paths.retain(|path| path.optional || matches!(path.kind, Kind::List(..)));
                if paths.is_empty() {
                    return None;
                }
                let path = self.draw.choose(&paths);
                let state = match path.kind {
                    Kind::List(..) => "empty",
                    Kind::Text(_) => ["blank", "missing", "present", "empty"][path.text.len() % 4],
                    _ => ["missing", "present"][path.text.len() % 2],
                };
                format!("({} is {}{state})", path.text, self.draw.pick(&["", "not "]))
            }
            _ => {
                let (left, right) = (self.sure(&Kind::Number(6), under)?, self.sure(&Kind::Number(6), 0)?);
                format!("({left} / {right} {} {})", self.draw.pick(&["<", ">"]), self.simple(&Kind::Number(6))?.text)
            }
        };
        Some(Made::sure(text))
    }

    fn compared(&mut self) -> Kind {
        if self.draw.chance(25) && !self.words.is_empty() {
            return Kind::Word(self.draw.below(self.words.len()));
        }
        self.leaf_kind()
    }

    fn ordered(&mut self) -> Kind {
        self.draw
            .choose(&[Kind::Number(6), Kind::Whole, Kind::Date, Kind::Instant, Kind::Time, Kind::Text(None)])
            .clone()
    }

    fn choice(&mut self, wanted: &Kind, depth: usize) -> Option<Made> {
        let condition = self.sure(&Kind::Boolean, depth - 1)?;
        let (then, otherwise) = (self.expression(wanted, depth - 1)?, self.expression(wanted, 0)?);
        let otherwise = if self.draw.chance(10) { Made::sure(self.reason("reject", depth - 1)) } else { otherwise };
        let text = format!("(if {condition} then {} else {})", then.text, otherwise.text);
        Some(Made::maybe(text, then.optional || otherwise.optional))
    }

    fn matched(&mut self, wanted: &Kind, depth: usize) -> Option<Made> {
        let kind = match self.draw.below(6) {
            0 => Kind::Boolean,
            1 => Kind::Whole,
            2 => Kind::Text(None),
            3 => Kind::Number(2),
            _ if !self.words.is_empty() => Kind::Word(self.draw.below(self.words.len())),
            _ => Kind::Date,
        };
        let value = self.sure(&kind, depth - 1)?;
        let mut arms = Vec::new();
        let mut literals: Vec<String> = Vec::new();
        for _ in 0..self.draw.between(1, 3) {
            let literal = self.literal(&kind)?;
            if !literals.contains(&literal) {
                literals.push(literal);
            }
        }
        let (mut optional, mut whole) = (false, false);
        for literal in literals {
            let made = self.expression(wanted, depth - 1)?;
            optional |= made.optional;
            let more = if self.draw.chance(30) { self.literal(&kind) } else { None };
            let more = more.filter(|more| *more != literal).map(|more| format!(", {more}")).unwrap_or_default();
            let answer = match self.draw.below(25) {
                0 => self.reason("reject", 1),
                1 => self.reason("skip", 1),
                _ => made.text,
            };
            arms.push(format!("{literal}{more} -> {answer}"));
        }
        if kind == Kind::Boolean && arms.len() == 2 {
            whole = true;
        }
        if !whole {
            let made =
                if self.draw.chance(15) { Made::sure(self.reason("reject", 0)) } else { self.expression(wanted, 0)? };
            optional |= made.optional;
            arms.push(format!("otherwise -> {}", made.text));
        }
        Some(Made::maybe(format!("(match {value} {{ {} }})", arms.join("; ")), optional))
    }

    /// A table or a rule.
    fn called(&mut self, wanted: &Kind, depth: usize) -> Option<Made> {
        if self.draw.chance(25) {
            let turned: Vec<_> = self
                .callables
                .iter()
                .filter(|one| one.one_to_one && one.parameters[0].0.serves(wanted))
                .cloned()
                .collect();
            if !turned.is_empty() {
                let table = self.draw.choose(&turned).clone();
                let value = self.sure(&table.result, depth - 1)?;
                let text = if self.draw.chance(50) {
                    format!("reverse_lookup({}, {value})", table.name)
                } else {
                    format!("({value} | reverse_lookup({}))", table.name)
                };
                let answer = self.simple(wanted)?;
                let answered = self.draw.chance(80);
                return Some(Made::maybe(
                    if answered { format!("({text} if invalid {})", answer.text) } else { text },
                    answered && answer.optional,
                ));
            }
        }
        let fitting: Vec<_> = self.callables.iter().filter(|one| one.result.serves(wanted)).cloned().collect();
        if fitting.is_empty() {
            return None;
        }
        let callable = self.draw.choose(&fitting).clone();
        let mut arguments = Vec::new();
        let mut passes = false;
        for (index, (kind, optional)) in callable.parameters.iter().enumerate() {
            let made = self.expression(kind, depth - 1)?;
            let may = *optional || (index == 0 && self.draw.chance(70));
            passes |= made.optional && index == 0 && !*optional;
            let made = if made.optional && !may { Made::sure(self.answered(&made, kind, 0)?) } else { made };
            // A text with a bound takes what fits it.
            let text = match kind {
                Kind::Text(Some(_)) => format!("({} | {})", made.text, self.draw.pick(&["fit", "cut"])),
                Kind::Number(scale) => format!("round({}, {scale}, half_up)", made.text),
                _ => made.text,
            };
            arguments.push(text);
        }
        let Some((first, rest)) = arguments.split_first() else {
            return Some(Made::maybe(format!("{}()", callable.name), callable.optional));
        };
        let optional = callable.optional || passes;
        let word = if callable.table { "lookup " } else { "" };
        let text = if self.draw.chance(50) || passes {
            let rest = if rest.is_empty() { String::new() } else { format!("({})", rest.join(", ")) };
            format!("({first} | {word}{}{rest})", callable.name)
        } else {
            format!("({word}{}({}))", callable.name, arguments.join(", "))
        };
        Some(Made::maybe(text, optional))
    }

    fn invalid(&mut self, wanted: &Kind, depth: usize) -> Option<Made> {
        let made = self.library(wanted, depth)?;
        let answer = match self.draw.below(5) {
            0 => Made::sure(self.reason("reject", depth - 1)),
            1 => self.expression(wanted, depth - 1)?,
            _ => self.simple(wanted)?,
        };
        Some(Made::maybe(format!("({} if invalid {})", made.text, answer.text), made.optional || answer.optional))
    }

    fn list(&mut self, element: &Kind, missing: bool, depth: usize) -> Option<Made> {
        if self.draw.chance(35) {
            let mut elements = Vec::new();
            for _ in 0..self.draw.between(1, 3) {
                elements.push(if missing {
                    self.expression(element, depth - 1)?.text
                } else {
                    self.sure(element, depth - 1)?
                });
            }
            return Some(Made::sure(format!("[{}]", elements.join(", "))));
        }
        if matches!(element, Kind::Number(_)) && self.draw.chance(20) {
            let (total, weights) =
                (self.sure(element, 0)?, self.expression(&Kind::List(Box::new(Kind::Number(6)), false), 0)?);
            return Some(Made::sure(format!(
                "(allocate({total}, {}, {}) if invalid [{total}])",
                weights.text,
                self.draw.below(4)
            )));
        }
        if self.draw.chance(15) {
            let list = self.expression(&Kind::List(Box::new(element.clone()), missing), depth - 1)?;
            return Some(Made::sure(format!("flatten(chunk({}, {}))", list.text, self.draw.between(1, 3))));
        }
        let (head, names) = self.walks(depth)?;
        let outer = self.names.len() - names;
        let made =
            if matches!(element, Kind::Record(_)) { self.path(element) } else { self.expression(element, depth - 1) };
        let taken =
            made.and_then(
                |made| {
                    if made.optional && !missing { self.answered(&made, element, 0) } else { Some(made.text) }
                },
            );
        self.names.truncate(outer);
        Some(Made::sure(format!("({head} take {})", taken?)))
    }
}
