//! A whole random spec. In: a seed. Out: catalogues, settings, tables, rules and one mapping.

use super::{Author, Callable, Field, Kind, Name, Piece, Shape, Spec};
use crate::draw::Draw;

/// What `find` and `linked` ask for is the same in every spec.
const ASKED: &str = "  entity Items { Code text(20) key;  Name text(100)?;  Group integer?;  Price decimal(19,6)?;  \
                     Valid boolean(\"tYES\", \"tNO\");  Since date?;  Link uuid as hex? }\n  \
                     entity Docs { Entry integer key;  Number text(30)? }\n";

/// A random spec.
pub(crate) fn draw(seed: u64) -> Spec {
    let mut author = Author {
        draw: Draw::new(seed),
        shapes: Vec::new(),
        words: Vec::new(),
        names: Vec::new(),
        callables: Vec::new(),
        count: 0,
    };
    let (order, source) = author.record("shop.order", 0, false);
    let (orders, target) = author.record("erp.Orders", 0, true);
    author.items();
    let shop = format!(
        "system shop_system \"Shop\" {{\n  entity order {order}\n  entity customer {{ id uuid as hex key;  name text? }}\n}}\n"
    );
    let erp = format!("system erp_system \"ERP\" {{\n  entity Orders {orders}\n{ASKED}}}\n");
    let mut pieces = vec![
        Piece::line("use \"shop\" as shop").fixed(),
        Piece::line("use \"erp\" as erp").fixed(),
        Piece::line("rounding half_up").fixed(),
        Piece::line("leave rest of erp.Orders because \"not of interest here\"").fixed(),
        Piece::line("ignore rest of shop.order, rest of erp.Items because \"not of interest here\"").fixed(),
    ];
    author.settings(&mut pieces);
    for _ in 0..author.draw.between(1, 3) {
        pieces.extend(author.table());
    }
    for _ in 0..author.draw.between(1, 3) {
        pieces.extend(author.rule());
    }
    author.names.push(Name { text: "order".to_owned(), kind: Kind::Record(source), optional: false, element: false });
    let body = author.block(target, 0);
    let part = if author.draw.chance(50) { "part of " } else { "" };
    pieces.push(Piece::block(format!("mapping m from shop.order as order to {part}erp.Orders"), body).fixed());
    Spec { systems: vec![("shop".to_owned(), shop), ("erp".to_owned(), erp)], pieces }
}

impl Author {
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
            rows.push(Piece::line(format!("{cells} -> {value}")));
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
        self.callables.push(Callable { name: name.clone(), table: true, parameters: kinds, result: kind, optional });
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
        });
        Some(Piece::line(format!("rule {name}({parameters}) {said}{} = {value}", if optional { "?" } else { "" })))
    }
}
