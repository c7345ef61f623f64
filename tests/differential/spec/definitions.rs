//! A whole random spec. In: a seed. Out: catalogues, settings, tables, rules and one mapping.

use super::{Author, Callable, Field, Kind, Name, Piece, Shape, Spec};
use crate::draw::Draw;

/// What `find` and `linked` ask for is the same in every spec.
const ASKED: &str = "  entity Items { Code text(20) key;  Name text(100)?;  Group integer?;  Price decimal(19,6)?;  \
                     Valid boolean(\"tYES\", \"tNO\");  Since date?;  Link uuid as hex? }\n  \
                     entity Docs { Entry integer key;  Number text(30)? }\n";
/// The second source of some mappings.
const CUSTOMER: &str = "  entity customer { id uuid as hex key;  name text?;  rank integer(0..9)?;  since date;  \
                        labels list? of text(20);  Alike text(30)?;  Same integer }\n";

/// A random spec.
pub(crate) fn draw(seed: u64) -> Spec {
    let mut author = Author {
        draw: Draw::new(seed),
        shapes: Vec::new(),
        words: Vec::new(),
        names: Vec::new(),
        callables: Vec::new(),
        csv: Vec::new(),
        liking: (seed % super::calls::LIKINGS as u64) as usize,
        count: 0,
    };
    let (order, source) = author.record("shop.order", 0, false);
    let (orders, target) = author.record("erp.Orders", 0, true);
    author.items();
    let shop = format!("system shop_system \"Shop\" {{\n  entity order {order}\n{CUSTOMER}}}\n");
    let erp = format!("system erp_system \"ERP\" {{\n  entity Orders {orders}\n{ASKED}}}\n");
    let mut pieces = vec![
        Piece::line("use \"shop\" as shop").fixed(),
        Piece::line("use \"erp\" as erp").fixed(),
        Piece::line("rounding half_up").fixed(),
        Piece::line("leave rest of erp.Orders because \"not of interest here\"").fixed(),
        Piece::line("ignore rest of shop.order, rest of erp.Items because \"not of interest here\"").fixed(),
    ];
    author.settings(&mut pieces);
    if author.draw.chance(40) {
        pieces.push(author.csv_table());
    }
    for _ in 0..author.draw.between(1, 3) {
        pieces.extend(author.table());
    }
    for _ in 0..author.draw.between(1, 3) {
        pieces.extend(author.rule());
    }
    let (sources, parts) = author.sources(source);
    let mut body = author.block(target, 0);
    if author.draw.chance(20) {
        body.insert(0, Piece::line("owner \"Sales\", agreed 2026-03-14   note \"as the workshop said\""));
    }
    let part = if author.draw.chance(50) { "part of " } else { "" };
    pieces.push(Piece::block(format!("mapping m from {sources} to {part}erp.Orders{parts}"), body).fixed());
    let systems = vec![("shop".to_owned(), shop), ("erp".to_owned(), erp)];
    Spec { systems, csv: author.csv, pieces }
}

impl Author {
    /// What a mapping is made from, and `one per` where it makes several; brings the names into scope.
    fn sources(&mut self, source: usize) -> (String, String) {
        let mut name = |text: &str, kind: Kind, element: bool| {
            self.names.push(Name { text: text.to_owned(), kind, optional: false, element });
        };
        let field = |name: &str, kind: Kind| Field { name: name.to_owned(), kind, optional: false, required: false };
        let sure = |field: &&Field| {
            !field.optional
                && !matches!(field.kind, Kind::Json | Kind::Map(_) | Kind::Record(_) | Kind::List(..) | Kind::Boolean)
        };
        match self.draw.below(12) {
            0 | 1 => {
                let leaves: Vec<Field> = self.shapes[source].fields.iter().filter(sure).cloned().collect();
                let by = self.draw.choose(&leaves).clone();
                let rows = Kind::List(Box::new(Kind::Record(source)), false);
                let fields = vec![field("key", by.kind.clone()), field("rows", rows)];
                self.shapes.push(Shape { path: String::new(), fields });
                name("group", Kind::Record(self.shapes.len() - 1), false);
                (format!("shop.order as order grouped by order.{} as group", by.name), String::new())
            }
            2 => {
                let fields = vec![field("id", Kind::Uuid)];
                self.shapes.push(Shape { path: String::new(), fields });
                name("order", Kind::Record(self.shapes.len() - 1), false);
                ("deleted shop.order as order".to_owned(), String::new())
            }
            3 => {
                let optional = |name: &str, kind: Kind| Field { optional: true, ..field(name, kind) };
                let fields = vec![
                    field("id", Kind::Uuid),
                    optional("name", Kind::Text(None)),
                    optional("rank", Kind::Whole),
                    field("since", Kind::Date),
                    field("labels", Kind::List(Box::new(Kind::Text(Some(20))), false)),
                    optional("Alike", Kind::Text(Some(30))),
                    field("Same", Kind::Whole),
                ];
                self.shapes.push(Shape { path: "shop.customer".to_owned(), fields });
                name("order", Kind::Record(source), false);
                name("customer", Kind::Record(self.shapes.len() - 1), false);
                ("shop.order as order, shop.customer as customer".to_owned(), String::new())
            }
            4..=6 => {
                name("order", Kind::Record(source), false);
                let lists: Vec<(String, Kind)> = self.shapes[source]
                    .fields
                    .iter()
                    .filter_map(|field| match &field.kind {
                        Kind::List(element, _) => Some((field.name.clone(), element.as_ref().clone())),
                        _ => None,
                    })
                    .filter(|(_, element)| match element {
                        Kind::Record(shape) => self.shapes[*shape].fields.iter().any(|field| field.name == "no"),
                        _ => true,
                    })
                    .collect();
                if lists.is_empty() {
                    return ("shop.order as order".to_owned(), String::new());
                }
                let (list, element) = self.draw.choose(&lists).clone();
                self.names.push(Name { text: "piece".to_owned(), kind: element, optional: false, element: false });
                let kept = if self.draw.chance(40) { self.sure(&Kind::Boolean, 2) } else { None };
                let kept = kept.map(|condition| format!(" where {condition}")).unwrap_or_default();
                self.names.iter_mut().for_each(|name| name.element |= name.text == "piece");
                ("shop.order as order".to_owned(), format!(" one per order.{list} as piece{kept}"))
            }
            _ => {
                name("order", Kind::Record(source), false);
                ("shop.order as order".to_owned(), String::new())
            }
        }
    }

    /// A table whose rows stand in a CSV file.
    fn csv_table(&mut self) -> Piece {
        let name = self.fresh("sheet");
        let file = format!("{name}.csv");
        let two = self.draw.chance(40);
        let head = if two { "method,class,code,note\n" } else { "method,code,note\n" };
        let mut text = head.to_owned();
        for (index, method) in ["DE", "AT", "10231", "a", "\"x,y,z\"", "Müller", "01"].iter().enumerate() {
            if self.draw.chance(75) {
                let class = if two { format!("{},", index % 3) } else { String::new() };
                text.push_str(&format!("{method},{class}{},\"note {index}\"\n", index * 3));
            }
        }
        let (keys, columns) = if two { (", class integer", ", class") } else { ("", "") };
        let mut parameters = vec![(Kind::Text(Some(20)), false)];
        parameters.extend(two.then_some((Kind::Whole, false)));
        self.csv.push((file.clone(), text));
        self.callables.push(Callable {
            name: name.clone(),
            table: true,
            parameters,
            result: Kind::Whole,
            optional: false,
            one_to_one: !two,
        });
        Piece::line(format!(
            "table {name} from method text(20){keys} to integer in csv \"{file}\" columns method{columns}, code"
        ))
    }

    fn items(&mut self) {
        let field =
            |name: &str, kind: Kind, optional: bool| Field { name: name.to_owned(), kind, optional, required: false };
        self.shapes.push(Shape {
            path: "erp.Items".to_owned(),
            fields: vec![
                field("Code", Kind::Text(Some(20)), false),
                field("Name", Kind::Text(Some(100)), true),
                field("Group", Kind::Whole, true),
                field("Price", Kind::Number(6), true),
                field("Valid", Kind::Boolean, false),
                field("Since", Kind::Date, true),
                field("Link", Kind::Uuid, true),
            ],
        });
    }

    fn settings(&mut self, pieces: &mut Vec<Piece>) {
        let types = [
            ("text", Kind::Text(None)),
            ("text(5)", Kind::Text(Some(5))),
            ("integer", Kind::Whole),
            ("decimal(10,2)", Kind::Number(2)),
            ("boolean", Kind::Boolean),
            ("date", Kind::Date),
            ("datetime", Kind::Instant),
            ("time", Kind::Time),
            ("uuid", Kind::Uuid),
            ("text(6 utf16)", Kind::Text(Some(6))),
        ];
        for _ in 0..self.draw.between(1, 3) {
            let (said, kind) = self.draw.choose(&types).clone();
            let name = self.fresh("set");
            let optional = self.draw.chance(25);
            let default = if optional {
                None
            } else {
                self.literal(&kind).filter(|text| kind != Kind::Number(2) || !text.contains(".005"))
            };
            let line = match default {
                Some(default) => format!("setting {name} {said} = {default}"),
                None => format!("setting {name} {said}{}", if optional { "?" } else { "" }),
            };
            pieces.push(Piece::line(line));
            self.names.push(Name { text: name, kind, optional, element: false });
        }
    }

    /// A scalar type as tables and rules declare it.
    fn declared(&mut self) -> (String, Kind) {
        if self.draw.chance(25) && !self.words.is_empty() {
            let index = self.draw.below(self.words.len());
            return (self.words[index].path.clone(), Kind::Word(index));
        }
        let (text, kind) = self
            .draw
            .choose(&[
                ("text", Kind::Text(None)),
                ("text(2)", Kind::Text(Some(2))),
                ("text(20)", Kind::Text(Some(20))),
                ("integer", Kind::Whole),
                ("decimal(10,2)", Kind::Number(2)),
                ("boolean", Kind::Boolean),
                ("date", Kind::Date),
                ("uuid", Kind::Uuid),
            ])
            .clone();
        (text.to_owned(), kind)
    }

    fn table(&mut self) -> Option<Piece> {
        let name = self.fresh("table");
        let mut keys = Vec::new();
        let mut kinds = Vec::new();
        for _ in 0..self.draw.between(1, 3) {
            let (said, kind) = loop {
                let (said, kind) = self.declared();
                if kind != Kind::Uuid {
                    break (said, kind);
                }
            };
            let optional = !kinds.is_empty() && self.draw.chance(15);
            keys.push(format!("{} {said}{}", self.fresh("k"), if optional { "?" } else { "" }));
            kinds.push((kind, optional));
        }
        let (result, kind) = loop {
            let (said, kind) = self.declared();
            if kind != Kind::Uuid {
                break (said, kind);
            }
        };
        let record = self.draw.chance(20);
        let one_to_one = kinds.len() == 1 && !record && self.draw.chance(60);
        let mut results = Vec::new();
        let mut rows = Vec::new();
        let mut seen = Vec::new();
        for _ in 0..self.draw.between(1, 5) {
            let mut cells = Vec::new();
            for (kind, _) in &kinds {
                cells.push(if self.draw.chance(15) && kinds.len() > 1 {
                    "any".to_owned()
                } else {
                    self.literal(kind)?
                });
            }
            let cells = cells.join(", ");
            if seen.contains(&cells) {
                continue;
            }
            let value = self.cell(&kind, record)?;
            if one_to_one && results.contains(&value) {
                continue;
            }
            let answer = if one_to_one { 100 } else { self.draw.below(100) };
            rows.push(Piece::line(match answer {
                0..4 => format!("{cells} -> reject \"not {{{}}}\"", keys[0].split(' ').next().unwrap_or_default()),
                4..6 => format!("{cells} -> skip \"not this one\""),
                _ => format!("{cells} -> {value}"),
            }));
            results.push(value);
            seen.push(cells);
        }
        let mut optional = false;
        match self.draw.below(5) {
            0 => {
                rows.push(Piece::line("otherwise -> omit"));
                optional = true;
            }
            1 => rows.push(Piece::line("otherwise -> reject \"no row\"")),
            2 => rows.push(Piece::line("otherwise -> skip \"no row, no record\"")),
            _ => {
                let value = self.cell(&kind, record)?;
                rows.push(Piece::line(format!("otherwise -> {value}")));
            }
        }
        let (result, kind) = if record {
            let fields = vec![
                Field { name: "one".to_owned(), kind, optional: false, required: false },
                Field { name: "two".to_owned(), kind: Kind::Whole, optional: false, required: false },
            ];
            self.shapes.push(Shape { path: String::new(), fields });
            (format!("{{ one {result};  two integer }}"), Kind::Record(self.shapes.len() - 1))
        } else {
            (result, kind)
        };
        self.callables.push(Callable {
            name: name.clone(),
            table: true,
            parameters: kinds,
            result: kind,
            optional,
            one_to_one,
        });
        Some(Piece::block(format!("table {name} from {} to {result}", keys.join(", ")), rows))
    }

    fn cell(&mut self, kind: &Kind, record: bool) -> Option<String> {
        let literal = self.literal(kind)?;
        Some(if record { format!("{{ one <- {literal};  two <- {} }}", self.draw.below(9)) } else { literal })
    }

    fn rule(&mut self) -> Option<Piece> {
        let name = self.fresh("rule");
        let outer = self.names.clone();
        let mut parameters = Vec::new();
        let mut kinds = Vec::new();
        for _ in 0..self.draw.between(1, 2) {
            let (said, kind, optional) = if self.draw.chance(35) {
                let records: Vec<usize> =
                    (0..self.shapes.len()).filter(|index| self.shapes[*index].path.starts_with("shop.")).collect();
                let shape = *self.draw.choose(&records);
                (self.shapes[shape].path.clone(), Kind::Record(shape), false)
            } else {
                let (said, kind) = self.declared();
                (said, kind, self.draw.chance(20))
            };
            let parameter = self.fresh("p");
            parameters.push(format!("{parameter} {said}{}", if optional { "?" } else { "" }));
            kinds.push((kind.clone(), optional));
            self.names.push(Name { text: parameter, kind, optional, element: false });
        }
        let targets: Vec<usize> = (0..self.shapes.len())
            .filter(|index| {
                self.shapes[*index].path.matches('.').count() > 1 && self.shapes[*index].path.starts_with("erp.")
            })
            .collect();

        let piece = if self.draw.chance(40) && !targets.is_empty() {
            let shape = *self.draw.choose(&targets);
            let path = self.shapes[shape].path.clone();
            let body = self.block(shape, 2);
            self.callables.push(Callable {
                name: name.clone(),
                table: false,
                parameters: kinds,
                result: Kind::Record(shape),
                optional: false,
                one_to_one: false,
            });
            Some(Piece::block(format!("rule {name}({}) {path} =", parameters.join(", ")), body))
        } else {
            let (said, kind) = self.declared();
            self.scalar_rule(&name, &parameters.join(", "), kinds, (said, kind))
        };
        self.names = outer;
        piece
    }

    fn scalar_rule(
        &mut self,
        name: &str,
        parameters: &str,
        kinds: Vec<(Kind, bool)>,
        (said, kind): (String, Kind),
    ) -> Option<Piece> {
        let made = self.expression(&kind, 3)?;
        let value = match &kind {
            Kind::Text(Some(_)) => format!("{} | cut", made.text),
            Kind::Number(scale) => format!("round({}, {scale}, half_up)", made.text),
            _ => made.text,
        };
        let optional = made.optional;
        self.callables.push(Callable {
            name: name.to_owned(),
            table: false,
            parameters: kinds,
            result: kind,
            optional,
            one_to_one: false,
        });
        Some(Piece::line(format!("rule {name}({parameters}) {said}{} = {value}", if optional { "?" } else { "" })))
    }
}
