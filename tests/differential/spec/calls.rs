//! Calls of the library and questions to systems. In: the registry of functions. Out: calls of the wanted kind.

use mapwright_values::functions::{Function, PatternUse, Returns, Takes, functions};

use super::{Author, Kind, Made, Name, quoted};

/// How many sets of functions there are of which a spec likes one.
pub(super) const LIKINGS: usize = 12;

impl Author {
    /// A call whose result serves.
    pub(super) fn library(&mut self, wanted: &Kind, depth: usize) -> Option<Made> {
        let fitting: Vec<&'static Function> =
            functions().filter(|function| function.name != "fit" && gives(function, wanted)).collect();
        if fitting.is_empty() {
            return None;
        }
        // Each spec has functions that it likes best, so that all of them come up.
        let liked: Vec<&'static Function> = fitting
            .iter()
            .copied()
            .filter(|function| {
                functions().position(|other| other.name == function.name).is_some_and(|at| at % LIKINGS == self.liking)
            })
            .collect();
        let any = liked.is_empty() || self.draw.chance(40);
        let function = *self.draw.choose(if any { &fitting } else { &liked });
        let mut arguments: Vec<String> = Vec::new();
        let mut passes = function.may_be_missing;
        for (index, param) in function.params.iter().enumerate() {
            if param.optional && self.draw.chance(50) && param.takes != Takes::Mode {
                break;
            }
            let times = if param.repeated { self.draw.between(1, 3) } else { 1 };
            for _ in 0..times {
                let made = self.argument(function, index, wanted, depth - 1)?;
                let may = index == 0 && !param.repeated && !param.optional && param.takes != Takes::AnyMaybeMissing;
                if made.optional && may && self.draw.chance(75) {
                    passes = true;
                    arguments.push(made.text);
                } else if made.optional && param.takes != Takes::AnyMaybeMissing {
                    arguments.push(format!(
                        "({} otherwise {})",
                        made.text,
                        self.otherwise_of(function, index, wanted)?
                    ));
                } else {
                    arguments.push(made.text);
                }
            }
        }
        let text = match arguments.split_first() {
            Some((first, rest)) if self.draw.chance(40) => {
                let rest = if rest.is_empty() { String::new() } else { format!("({})", rest.join(", ")) };
                format!("({first} | {}{rest})", function.name)
            }
            Some(_) | None => format!("{}({})", function.name, arguments.join(", ")),
        };
        if function.fails && self.draw.chance(60) {
            let answer = self.simple(wanted)?;
            return Some(Made::maybe(format!("({text} if invalid {})", answer.text), passes || answer.optional));
        }
        Some(Made::maybe(text, passes))
    }

    fn otherwise_of(&mut self, function: &Function, index: usize, wanted: &Kind) -> Option<String> {
        let kind = self.kind_of(function, index, wanted)?;
        let literal = self.literal(&kind);
        literal.or_else(|| (kind == Kind::Instant).then(|| "now()".to_owned()))
    }

    /// The kind that a parameter takes, where an expression may stand.
    fn kind_of(&mut self, function: &Function, index: usize, wanted: &Kind) -> Option<Kind> {
        let param = function.params.get(index)?;
        let of_list = |kind: Kind, missing: bool| Kind::List(Box::new(kind), missing);
        Some(match param.takes {
            Takes::Text => Kind::Text(None),
            Takes::Number | Takes::NumberOrQuotient => Kind::Number(6),
            Takes::Integer => Kind::Whole,
            // `argument` makes them; none is a kind of its own.
            Takes::Money => return None,
            Takes::Boolean => Kind::Boolean,
            Takes::Date => Kind::Date,
            Takes::Instant => Kind::Instant,
            Takes::Leaf => self.leaf_kind(),
            Takes::AnyMaybeMissing => wanted.clone(),
            Takes::List | Takes::ListMaybeMissing | Takes::ListOfComparable => {
                let missing = param.takes == Takes::ListMaybeMissing;
                match (function.returns, wanted) {
                    (Returns::ElementOf(_), kind) => of_list(kind.clone(), missing),
                    (Returns::ListOfElements(_), Kind::List(element, _)) => of_list(element.as_ref().clone(), missing),
                    _ => {
                        let kind = self.leaf_kind();
                        of_list(kind, missing)
                    }
                }
            }
            Takes::ListOfLists => match wanted {
                Kind::List(element, _) => of_list(of_list(element.as_ref().clone(), false), false),
                _ => return None,
            },
            Takes::ListOfNumbers => of_list(Kind::Number(6), false),
            Takes::ListOfTextMaybeMissing => of_list(Kind::Text(None), true),
            Takes::Mode
            | Takes::Zone
            | Takes::DatePattern(_)
            | Takes::NumberPattern
            | Takes::NumberFormat
            | Takes::Pattern
            | Takes::Word(_) => return None,
        })
    }

    fn argument(&mut self, function: &Function, index: usize, wanted: &Kind, depth: usize) -> Option<Made> {
        let takes = function.params.get(index)?.takes;
        let literal = match takes {
            Takes::Mode => self.mode(),
            Takes::Zone => {
                quoted(self.draw.pick(&["Europe/Berlin", "UTC", "America/New_York", "Asia/Kolkata", "Pacific/Apia"]))
            }
            Takes::DatePattern(PatternUse::PrintDay) => {
                self.draw.pick(&["'%d.%m.%Y'", "'%Y-%m-%d'", "'%Y%m%d'", "'%j of %Y'", "'%-d.%-m.%y'"]).to_owned()
            }
            Takes::DatePattern(PatternUse::ReadDay) => {
                self.draw.pick(&["'%d.%m.%Y'", "'%Y-%m-%d'", "'%Y%m%d'"]).to_owned()
            }
            Takes::DatePattern(PatternUse::PrintInstant) => {
                self.draw.pick(&["'%d.%m.%Y %H:%M'", "'%Y-%m-%dT%H:%M:%S'", "'%H:%M'"]).to_owned()
            }
            Takes::DatePattern(PatternUse::ReadInstant) => {
                self.draw.pick(&["'%Y-%m-%d %H:%M'", "'%d.%m.%Y %H:%M:%S'"]).to_owned()
            }
            Takes::NumberPattern => self.draw.pick(&["'#,##0.00'", "'0.000'", "'#.##0,00'", "'0'"]).to_owned(),
            Takes::NumberFormat => self.draw.pick(&["'1.234,56'", "'1,234.56'", "'1234.56'"]).to_owned(),
            Takes::Pattern => {
                self.draw.pick(&["'[0-9]+'", "'^[A-Z]{2}$'", "'(\\w+)\\s(\\w+)'", "'é|ä'", "'x*'", "'^$'"]).to_owned()
            }
            Takes::Word(words) => quoted(self.draw.pick(words)),
            Takes::Money => {
                let currency = self.draw.pick(&["EUR", "JPY", "KWD", "eur", "GBP"]);
                match self.draw.below(3) {
                    0 => format!("from_minor_units({}, \"{currency}\")", self.sure(&Kind::Whole, 0)?),
                    1 => format!(
                        "convert(money({}, \"EUR\"), \"{currency}\", 1.0873, 2)",
                        self.sure(&Kind::Number(6), 0)?
                    ),
                    _ => format!("money({}, \"{currency}\")", self.sure(&Kind::Number(6), 0)?),
                }
            }
            Takes::Integer if index > 0 && self.draw.chance(85) => {
                self.draw.pick(&["0", "1", "2", "3", "5", "10", "-1"]).to_owned()
            }
            Takes::NumberOrQuotient if depth > 0 && self.draw.chance(40) => {
                let (left, right) = (self.sure(&Kind::Number(6), depth - 1)?, self.sure(&Kind::Number(6), 0)?);
                format!("({left} / {right})")
            }
            _ => {
                let kind = self.kind_of(function, index, wanted)?;
                return self.expression(&kind, depth);
            }
        };
        Some(Made::sure(literal))
    }

    /// `find`, `find all` or `linked`.
    pub(super) fn asked(&mut self, wanted: &Kind, depth: usize) -> Option<Made> {
        if matches!(wanted, Kind::Whole) && self.draw.chance(30) {
            let key = self.expression(&Kind::Uuid, 0)?;
            let answer = self.draw.pick(&["wait", "0", "reject \"no link\""]);
            return Some(Made::sure(format!("(linked erp.Docs of shop.customer by {} otherwise {answer})", key.text)));
        }
        if matches!(wanted, Kind::Text(_)) && self.draw.chance(30) {
            let key = self.expression(&Kind::Uuid, 0)?;
            return Some(Made::maybe(format!("(linked erp.Items of shop.customer by {})", key.text), true));
        }
        let shape = self.shapes.iter().position(|shape| shape.path == "erp.Items")?;
        let name = self.fresh("i");
        let mut terms = vec![self.term(&name, depth)?];
        if self.draw.chance(40) {
            terms.push(self.term(&name, depth)?);
        }
        self.names.push(Name { text: name.clone(), kind: Kind::Record(shape), optional: false, element: false });
        if self.draw.chance(30) {
            terms.extend(self.sure(&Kind::Boolean, depth - 1));
        }
        let all = matches!(wanted, Kind::List(..));
        let kind = if let Kind::List(element, _) = wanted { element.as_ref().clone() } else { wanted.clone() };
        let taken = (kind != Kind::Record(shape)).then(|| self.expression(&kind, depth - 1));
        self.names.pop();
        let (taken, optional) = match taken {
            None => (String::new(), false),
            Some(made) => {
                let made = made?;
                (format!(" take {}", made.text), made.optional)
            }
        };
        if optional && matches!(wanted, Kind::List(_, false)) {
            return None;
        }
        let find =
            format!("find {}erp.Items as {name} where {}{taken}", if all { "all " } else { "" }, terms.join(" and "));
        if !all && self.draw.chance(30) {
            return Some(Made::maybe(format!("({find} otherwise wait)"), optional));
        }
        Some(Made::maybe(format!("({find})"), !all))
    }

    fn term(&mut self, name: &str, depth: usize) -> Option<String> {
        let (field, kind) = self
            .draw
            .choose(&[
                ("Code", Kind::Text(Some(20))),
                ("Code", Kind::Text(Some(20))),
                ("Group", Kind::Whole),
                ("Valid", Kind::Boolean),
                ("Since", Kind::Date),
                ("Link", Kind::Uuid),
                ("Price", Kind::Number(6)),
            ])
            .clone();
        let made = self.expression(&kind, depth - 1)?;
        if self.draw.chance(10) && matches!(kind, Kind::Text(_)) {
            let other = self.literal(&kind)?;
            let one = self.sure(&kind, 0)?;
            return Some(format!("{name}.{field} in [{one}, {other}]"));
        }
        let sign =
            if matches!(kind, Kind::Whole | Kind::Number(_) | Kind::Date) && self.draw.chance(30) && !made.optional {
                self.draw.pick(&["<", "<=", ">", ">="])
            } else {
                "=="
            };
        Some(format!("{name}.{field} {sign} {}", made.text))
    }
}

/// Can the function give such a value?
fn gives(function: &Function, wanted: &Kind) -> bool {
    match (function.returns, wanted) {
        (Returns::Text(_), Kind::Text(_))
        | (Returns::Number(_), Kind::Number(_))
        | (Returns::Integer, Kind::Whole | Kind::Number(_))
        | (Returns::Boolean, Kind::Boolean)
        | (Returns::Date, Kind::Date)
        | (Returns::Instant, Kind::Instant)
        | (Returns::Uuid, Kind::Uuid) => true,
        (Returns::SameAs(index), wanted) => match function.params.get(index).map(|param| param.takes) {
            Some(Takes::AnyMaybeMissing) => true,
            Some(Takes::Text) => matches!(wanted, Kind::Text(_)),
            Some(Takes::Number) => matches!(wanted, Kind::Number(_)),
            Some(Takes::Integer) => matches!(wanted, Kind::Whole),
            _ => false,
        },
        (Returns::ElementOf(_), wanted) => !matches!(wanted, Kind::List(..) | Kind::Json | Kind::Map(_)),
        (Returns::ListOfElements(_), Kind::List(element, _)) => !matches!(element.as_ref(), Kind::List(..)),
        (Returns::ListOfText(_), Kind::List(element, _)) => matches!(element.as_ref(), Kind::Text(_)),
        (Returns::ListOfNumbers(_), Kind::List(element, _)) => matches!(element.as_ref(), Kind::Number(_)),
        _ => false,
    }
}
