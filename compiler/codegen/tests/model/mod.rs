//! A small model made by hand that holds every construct of the language: what the emitted Rust is read and run on.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_possible_truncation,
    reason = "a test: what is not as expected ends it"
)]

use std::sync::Arc;

use mapwright_model::ir::*;
use mapwright_syntax::{FileId, Files, Span};
use mapwright_values::functions::function;
use mapwright_values::reference::Test;

const TEXT: Type = Type::Text { max: None, unit: Unit::Characters };
const NUMBER: Type = Type::Decimal { precision: 19, scale: 6 };
const INTEGER: Type = Type::Integer { min: None, max: None };

fn text(max: u32) -> Type {
    Type::Text { max: Some(max), unit: Unit::Characters }
}

fn list(element: Type) -> Type {
    Type::List(Arc::new(ListType { element, optional: false, min: 0, spelling: Spelling::Plain }))
}

fn some_list(element: Type) -> Type {
    Type::List(Arc::new(ListType { element, optional: true, min: 0, spelling: Spelling::Plain }))
}

fn words(values: &[(&str, &str)]) -> Type {
    let values = values.iter().map(|(name, wire)| EnumValue { name: (*name).into(), wire: (*wire).into() }).collect();
    Type::Enum(Arc::new(EnumType { name: "an enum".into(), values }))
}

fn expr(kind: ExprKind, ty: Type) -> Expr {
    Expr { kind, ty, optional: false, span: Span::default() }
}

fn missing(mut expr: Expr) -> Expr {
    expr.optional = true;
    expr
}

fn lit(value: &str) -> Expr {
    expr(ExprKind::Literal(Literal::Text(value.into())), TEXT)
}

fn num(digits: &str) -> Expr {
    expr(ExprKind::Literal(Literal::Number(digits.into())), NUMBER)
}

fn yes() -> Expr {
    expr(ExprKind::Literal(Literal::Boolean(true)), Type::Boolean)
}

fn read(of: Expr, path: &str, ty: Type) -> Expr {
    let steps = path.split('.').map(str::to_owned).collect();
    expr(ExprKind::Read { of: Box::new(of), steps, spelling: Spelling::Plain, missing_as: None }, ty)
}

fn binary(operator: Operator, left: Expr, right: Expr) -> Expr {
    let ty = match operator {
        Operator::Add | Operator::Subtract | Operator::Multiply => NUMBER,
        Operator::Divide => Type::Quotient,
        _ => Type::Boolean,
    };
    expr(ExprKind::Binary { operator, left: Box::new(left), right: Box::new(right) }, ty)
}

fn call(name: &str, arguments: Vec<Expr>, ty: Type) -> Expr {
    let arguments = arguments.into_iter().map(Argument::Value).collect();
    expr(ExprKind::Call { function: function(name).unwrap(), arguments }, ty)
}

fn round(value: Expr, places: &str) -> Expr {
    let arguments = vec![Argument::Value(value), Argument::Value(num(places)), Argument::Mode("half_up".into())];
    expr(ExprKind::Call { function: function("round").unwrap(), arguments }, NUMBER)
}

fn otherwise(value: Expr, branch: Branch) -> Expr {
    let ty = value.ty.clone();
    expr(ExprKind::Otherwise { value: Box::new(value), branch: Box::new(branch) }, ty)
}

fn if_else(condition: Expr, then: Branch, other: Branch, ty: Type) -> Expr {
    expr(ExprKind::If { condition: Box::new(condition), then: Box::new(then), otherwise: Box::new(other) }, ty)
}

fn template(parts: Vec<TemplatePart>) -> Expr {
    expr(ExprKind::Template(parts), TEXT)
}

fn part(fixed: &str) -> TemplatePart {
    TemplatePart::Text(fixed.into())
}

fn hole(value: Expr) -> TemplatePart {
    TemplatePart::Hole(value)
}

fn value(expr: Expr) -> Branch {
    Branch::Value(expr)
}

fn reject(reason: Expr) -> Branch {
    Branch::Answer(Answer::Reject(Box::new(reason)))
}

fn is(value: Expr, state: State, negated: bool) -> Expr {
    expr(ExprKind::Is { value: Box::new(value), state, negated }, Type::Boolean)
}

fn is_in(value: Expr, list: Expr, negated: bool) -> Expr {
    expr(ExprKind::In { value: Box::new(value), list: Box::new(list), negated }, Type::Boolean)
}

fn not(value: Expr) -> Expr {
    expr(ExprKind::Not(Box::new(value)), Type::Boolean)
}

fn field(name: &str, ty: Type) -> Field {
    Field {
        name: name.into(),
        wire: name.into(),
        ty,
        spelling: Spelling::Plain,
        optional: false,
        missing_as: None,
        key: false,
        natural_key: false,
        required: false,
        read_only: false,
        write_only: false,
        create_only: false,
        changed: false,
        personal: false,
        update: None,
        refers_to: None,
        deprecated: None,
        doc: String::new(),
        span: Span::default(),
    }
}

fn optional(mut field: Field) -> Field {
    field.optional = true;
    field
}

fn target(name: &str, ty: Type) -> Target {
    Target { name: name.into(), wire: name.into(), ty, spelling: Spelling::Plain }
}

/// The spec that the model's spans lie in: one line a statement, found by its first words.
const SPEC: &str = include_str!("whole.mapspec");

pub(crate) struct Whole {
    pub(crate) model: Model,
    pub(crate) files: Files,
}

struct Maker {
    file: FileId,
    locals: Vec<Local>,
}

impl Maker {
    /// The line that begins with these words.
    fn at(&self, words: &str) -> Span {
        let start = SPEC
            .find(&format!("\n{words}"))
            .or_else(|| SPEC.find(&format!("  {words}")).map(|at| at + 1))
            .map(|at| at + 1)
            .unwrap_or_else(|| panic!("no line of whole.mapspec begins with {words}"));
        let end = SPEC[start..].find('\n').map_or(SPEC.len(), |length| start + length);
        Span { file: self.file, start: start as u32, end: end as u32 }
    }

    fn local(&mut self, name: &str, ty: Type, kind: LocalKind) -> LocalId {
        self.locals.push(Local { name: name.into(), ty, optional: false, kind, span: Span::default() });
        LocalId(self.locals.len() - 1)
    }

    fn maybe(&mut self, name: &str, ty: Type, kind: LocalKind) -> LocalId {
        let id = self.local(name, ty, kind);
        self.locals[id.0].optional = true;
        id
    }

    fn get(&self, id: LocalId) -> Expr {
        let local = &self.locals[id.0];
        Expr { kind: ExprKind::Local(id), ty: local.ty.clone(), optional: local.optional, span: Span::default() }
    }

    fn set(&self, wire: &str, ty: Type, value: Branch) -> Statement {
        self.set_at(&format!("{wire} "), wire, ty, value)
    }

    fn set_at(&self, words: &str, wire: &str, ty: Type, value: Branch) -> Statement {
        let span = self.at(words);
        Statement::Set { field: target(wire, ty), value, also: false, on_create: false, span }
    }

    fn bind(&self, local: LocalId, value: Expr) -> Statement {
        let span = self.at(&format!("let {} ", self.locals[local.0].name));
        Statement::Let { local, value, span }
    }

    fn check(&self, words: &str, condition: Expr, skip: bool, reason: Expr) -> Statement {
        Statement::Check { condition, skip, reason, span: self.at(words) }
    }
}

const ORDER: RecordId = RecordId(0);
const LINE: RecordId = RecordId(1);
const TAX: RecordId = RecordId(2);
const ADDRESS: RecordId = RecordId(3);
const ORDERS: RecordId = RecordId(4);
const DOCUMENT_LINE: RecordId = RecordId(5);
const EXTENSION: RecordId = RecordId(6);
const ITEM: RecordId = RecordId(7);
const TERMS: RecordId = RecordId(8);

fn status() -> Type {
    words(&[("open", "open"), ("in_progress", "In Progress"), ("done", "done")])
}

fn records() -> Vec<Record> {
    let record = |name: &str, fields: Vec<Field>| Record::new(name, fields);
    vec![
        record(
            "shop.order",
            vec![
                Field { key: true, spelling: Spelling::Hex, ..field("id", Type::Uuid) },
                field("orderNumber", text(64)),
                optional(field("customerComment", TEXT)),
                field("placedAt", Type::Instant),
                optional(Field { missing_as: Some("0".into()), ..field("factor", NUMBER) }),
                field("status", status()),
                optional(field("lines", list(Type::Record(LINE)))),
                optional(field("billing", Type::Record(ADDRESS))),
                optional(field("tags", list(TEXT))),
                Field {
                    spelling: Spelling::BooleanWords { yes: "Y".into(), no: "N".into() },
                    ..field("paid", Type::Boolean)
                },
                optional(field("extra", Type::Json)),
            ],
        ),
        record(
            "shop.order.lines",
            vec![
                field("label", text(255)),
                field("kind", text(30)),
                field("quantity", INTEGER),
                field("price", NUMBER),
                optional(field("productNumber", text(64))),
                field("taxes", list(Type::Record(TAX))),
            ],
        ),
        record("shop.order.lines.taxes", vec![field("rate", NUMBER), field("amount", NUMBER)]),
        record(
            "shop.order.billing",
            vec![
                Field { personal: true, ..field("street", text(255)) },
                optional(field("zip", text(50))),
                optional(field("self", Type::Record(ADDRESS))),
            ],
        ),
        record(
            "erp.Orders",
            vec![
                Field { key: true, read_only: true, ..field("DocEntry", INTEGER) },
                Field { required: true, ..field("NumAtCard", text(20)) },
                optional(field("Comments", text(60))),
                field("Lines", list(Type::Record(DOCUMENT_LINE))),
                optional(field("Address", Type::Record(EXTENSION))),
            ],
        ),
        record(
            "erp.Orders.Lines",
            vec![field("ItemCode", text(20)), field("Quantity", NUMBER), field("VatGroup", text(8))],
        ),
        record("erp.Orders.Address", vec![field("Street", text(20)), optional(field("Zip", text(20)))]),
        record(
            "erp.Items",
            vec![
                Field { key: true, ..field("ItemCode", text(20)) },
                field("Valid", Type::Boolean),
                field("Price", NUMBER),
            ],
        ),
        record("terms", vec![field("days", INTEGER), field("means", text(15))]),
    ]
}

fn entity(name: &str, record: RecordId, key: &str) -> Entity {
    Entity {
        probed_in: Vec::new(),
        name: name.into(),
        action: false,
        doc: String::new(),
        record,
        key: vec![key.into()],
        natural_keys: Vec::new(),
        changed: Vec::new(),
        span: Span::default(),
    }
}

fn systems() -> Vec<System> {
    let system = |alias: &str, name: &str, entities: Vec<Entity>| System {
        alias: alias.into(),
        name: name.into(),
        title: name.into(),
        entities,
        manifest: format!("# How {name} is reached.\nprotocol: \"rest\"\n"),
        span: Span::default(),
    };
    vec![
        system("shop", "small-shop", vec![entity("order", ORDER, "id")]),
        system(
            "erp",
            "small-erp",
            vec![
                Entity { natural_keys: vec![vec!["NumAtCard".into()]], ..entity("Orders", ORDERS, "DocEntry") },
                entity("Items", ITEM, "ItemCode"),
                entity("Unused", ITEM, "ItemCode"),
            ],
        ),
    ]
}

fn reference(system: &str, entity: &str) -> EntityRef {
    EntityRef { system: system.into(), entity: entity.into() }
}

/// The whole model.
pub(crate) fn whole() -> Whole {
    let mut files = Files::default();
    let file = files.add("whole.mapspec", SPEC);
    let mut model = Model { name: "whole".into(), systems: systems(), records: records(), ..Model::default() };
    model.settings = settings(file);
    model.tables = vec![vat_groups(file), payment_terms(file)];
    model.rules = vec![net(file), address(file)];
    model.mappings = vec![order_to_document(file), values(file)];
    model.flows = vec![orders(file)];
    Whole { model, files }
}

fn settings(file: FileId) -> Vec<Setting> {
    let maker = Maker { file, locals: Vec::new() };
    let setting = |name: &str, ty: Type, default: Option<&str>, doc: &str| Setting {
        name: name.into(),
        ty,
        optional: false,
        spelling: Spelling::Plain,
        default: default.map(str::to_owned),
        doc: doc.into(),
        span: maker.at(&format!("setting {name}")),
    };
    vec![
        setting("zone", TEXT, Some("\"Europe/Berlin\""), "Zone in which days begin"),
        setting("kinds", list(TEXT), Some("[\"product\"]"), "Kinds of lines"),
        Setting { optional: true, ..setting("channel", TEXT, None, "Channel") },
    ]
}

fn vat_groups(file: FileId) -> Table {
    let mut maker = Maker { file, locals: Vec::new() };
    let country = maker.local("country", text(2), LocalKind::Parameter);
    let rate = maker.local("rate", NUMBER, LocalKind::Parameter);
    let business = maker.local("business", Type::Boolean, LocalKind::Parameter);
    let row = |country: Option<&str>, rate: &str, business: Option<bool>, group: &str| Row {
        cells: vec![
            country.map(|country| Literal::Text(country.into())),
            Some(Literal::Number(rate.into())),
            business.map(Literal::Boolean),
        ],
        result: value(lit(group)),
        span: Span::default(),
    };
    let reason =
        template(vec![part("no VAT group for "), hole(maker.get(rate)), part(" % in "), hole(maker.get(country))]);
    Table {
        name: "vat_groups".into(),
        doc: "Output VAT group".into(),
        keys: vec![country, rate, business],
        result: text(8),
        rows: vec![
            row(Some("DE"), "19.00", None, "A1"),
            row(Some("DE"), "7.00", None, "A2"),
            row(None, "0.00", Some(true), "A4"),
            row(None, "0.00", Some(false), "A3"),
        ],
        otherwise: Some(reject(reason)),
        reversed: None,
        span: maker.at("table vat_groups"),
        locals: maker.locals,
    }
}

fn payment_terms(file: FileId) -> Table {
    let mut maker = Maker { file, locals: Vec::new() };
    let method = maker.local("type", text(255), LocalKind::Parameter);
    let terms = |days: &str, means: &str, maker: &Maker| {
        let statements =
            vec![maker.set("days", INTEGER, value(num(days))), maker.set("means", text(15), value(lit(means)))];
        value(expr(ExprKind::Record(Block { record: TERMS, statements }), Type::Record(TERMS)))
    };
    let row = |cell: &str, result: Branch| Row {
        cells: vec![Some(Literal::Text(cell.into()))],
        result,
        span: Span::default(),
    };
    Table {
        name: "payment_terms".into(),
        doc: String::new(),
        keys: vec![method],
        result: Type::Record(TERMS),
        rows: vec![row("paypal", terms("-1", "PAYPAL", &maker)), row("invoice", terms("14", "TRANSFER", &maker))],
        otherwise: None,
        reversed: None,
        span: maker.at("table payment_terms"),
        locals: maker.locals,
    }
}

fn net(file: FileId) -> Rule {
    let mut maker = Maker { file, locals: Vec::new() };
    let tax = maker.local("tax", Type::Record(TAX), LocalKind::Parameter);
    let gross = maker.local("gross", Type::Boolean, LocalKind::Parameter);
    let amount = read(maker.get(tax), "amount", NUMBER);
    let less = binary(Operator::Subtract, amount.clone(), read(maker.get(tax), "rate", NUMBER));
    Rule {
        name: "net".into(),
        doc: "Without the tax".into(),
        parameters: vec![tax, gross],
        result: NUMBER,
        optional: false,
        body: if_else(maker.get(gross), value(less), value(amount), NUMBER),
        span: maker.at("rule net"),
        locals: maker.locals,
    }
}

fn address(file: FileId) -> Rule {
    let mut maker = Maker { file, locals: Vec::new() };
    let from = maker.local("from", Type::Record(ADDRESS), LocalKind::Parameter);
    let fallback = maker.maybe("fallback", TEXT, LocalKind::Parameter);
    let cut = call("cut", vec![read(maker.get(from), "street", text(255)), num("20")], text(20));
    let zip = otherwise(missing(read(maker.get(from), "zip", text(50))), value(maker.get(fallback)));
    let statements = vec![maker.set("Street", text(20), value(cut)), maker.set("Zip", text(20), value(missing(zip)))];
    Rule {
        name: "address".into(),
        doc: String::new(),
        parameters: vec![from, fallback],
        result: Type::Record(EXTENSION),
        optional: false,
        body: expr(ExprKind::Record(Block { record: EXTENSION, statements }), Type::Record(EXTENSION)),
        span: maker.at("rule address"),
        locals: maker.locals,
    }
}

fn mapping(
    maker: Maker,
    name: &str,
    doc: &str,
    source: LocalId,
    target: RecordId,
    statements: Vec<Statement>,
) -> Mapping {
    let span = maker.at(&format!("mapping {name}"));
    Mapping {
        name: name.into(),
        doc: doc.into(),
        sources: vec![Source {
            entity: reference("shop", "order"),
            local: source,
            deleted: false,
            grouped: None,
            select: vec!["id".into(), "orderNumber".into()],
        }],
        target: reference("erp", "Orders"),
        part: false,
        locals: maker.locals,
        body: Block { record: target, statements },
        one_per: None,
        create_only: Vec::new(),
        owner: "Sales".into(),
        agreed: None,
        personal: Vec::new(),
        span,
    }
}

fn lines(maker: &Maker, order: LocalId) -> Expr {
    read(maker.get(order), "lines", list(Type::Record(LINE)))
}

fn walk(list: Expr, element: LocalId, condition: Option<Expr>) -> Walk {
    Walk { list, element, with: Vec::new(), condition }
}

fn each(walks: Vec<Walk>, sorted: Option<(Expr, bool)>, take: Take, ty: Type) -> Expr {
    expr(ExprKind::Each(Box::new(Each { walks, sorted, take })), list(ty))
}

fn order_to_document(file: FileId) -> Mapping {
    let mut maker = Maker { file, locals: Vec::new() };
    let order = maker.local("order", Type::Record(ORDER), LocalKind::Source(0));
    let open = maker.local("open", Type::Boolean, LocalKind::Let);
    let billing = maker.local("billing", Type::Record(ADDRESS), LocalKind::Let);
    let goods = maker.local("goods", list(Type::Record(LINE)), LocalKind::Let);
    let line = maker.local("line", Type::Record(LINE), LocalKind::Element);
    let number = maker.local("number", text(64), LocalKind::Let);
    let item = maker.local("item", Type::Record(ITEM), LocalKind::Let);
    let found = maker.local("i", Type::Record(ITEM), LocalKind::Found);
    let tax = maker.local("part", Type::Record(TAX), LocalKind::Element);
    let status_of = |maker: &Maker| read(maker.get(order), "status", status());

    let is_kind =
        is_in(read(maker.get(line), "kind", text(30)), expr(ExprKind::Setting(SettingId(1)), list(TEXT)), false);
    let reason = template(vec![
        part("line "),
        hole(expr(ExprKind::Position(line), INTEGER)),
        part(" has no product number {!}"),
    ]);
    let find = expr(
        ExprKind::Find(Box::new(Find {
            all: false,
            entity: reference("erp", "Items"),
            local: found,
            terms: vec![Term {
                field: "ItemCode".into(),
                ty: text(20),
                spelling: Spelling::Plain,
                test: Test::Eq,
                value: maker.get(number),
            }],
            residual: None,
            take: None,
            select: vec!["ItemCode".into(), "Valid".into()],
        })),
        Type::Record(ITEM),
    );
    let unknown = reject(template(vec![part("the ERP has no item "), hole(maker.get(number))]));
    let group =
        |rate: Expr| expr(ExprKind::Lookup { table: TableId(0), arguments: vec![lit("DE"), rate, yes()] }, text(8));
    let first_rate = call("first", vec![read(maker.get(line), "taxes", list(Type::Record(TAX)))], Type::Record(TAX));
    let rate = otherwise(missing(read(missing(first_rate), "rate", NUMBER)), value(num("0")));
    let body = Block {
        record: DOCUMENT_LINE,
        statements: vec![
            maker.bind(number, otherwise(missing(read(maker.get(line), "productNumber", text(64))), reject(reason))),
            maker.bind(item, otherwise(missing(find), unknown)),
            maker.check(
                "check item.Valid",
                read(maker.get(item), "Valid", Type::Boolean),
                false,
                lit("item is blocked"),
            ),
            maker.set("ItemCode", text(20), value(read(maker.get(item), "ItemCode", text(20)))),
            maker.set("Quantity", NUMBER, value(read(maker.get(line), "quantity", INTEGER))),
            maker.set(
                "VatGroup",
                text(8),
                value(group(expr(ExprKind::Fit { value: Box::new(rate), to: NUMBER }, NUMBER))),
            ),
        ],
    };
    let discounts = Block {
        record: DOCUMENT_LINE,
        statements: vec![
            maker.set("ItemCode", text(20), value(lit("DISCOUNT"))),
            maker.set(
                "Quantity",
                NUMBER,
                value(expr(
                    ExprKind::Apply { rule: RuleId(0), arguments: vec![maker.get(tax), maker.get(open)] },
                    NUMBER,
                )),
            ),
        ],
    };
    let discount_walks = vec![
        walk(
            lines(&maker, order),
            line,
            Some(binary(Operator::Equal, read(maker.get(line), "kind", text(30)), lit("discount"))),
        ),
        walk(
            read(maker.get(line), "taxes", list(Type::Record(TAX))),
            tax,
            Some(binary(Operator::NotEqual, read(maker.get(tax), "amount", NUMBER), num("0"))),
        ),
    ];
    let comment = template(vec![
        part("Web order "),
        hole(read(maker.get(order), "orderNumber", text(64))),
        part(": "),
        hole(otherwise(missing(read(maker.get(order), "customerComment", TEXT)), value(lit("-")))),
    ]);
    let made_of = |each_lines: Expr| value(each_lines);
    let statements = vec![
        maker.check(
            "check order.status",
            binary(Operator::NotEqual, status_of(&maker), lit("done")),
            true,
            lit("done before export"),
        ),
        maker.bind(open, binary(Operator::Equal, status_of(&maker), lit("in_progress"))),
        maker.bind(
            billing,
            otherwise(missing(read(maker.get(order), "billing", Type::Record(ADDRESS))), reject(lit("no address"))),
        ),
        maker.bind(
            goods,
            each(vec![walk(lines(&maker, order), line, Some(is_kind))], None, Take::Element, Type::Record(LINE)),
        ),
        maker.set("NumAtCard", text(20), value(read(maker.get(order), "orderNumber", text(64)))),
        maker.set("Comments", text(60), value(call("cut", vec![comment, num("60")], text(60)))),
        maker.set_at(
            "Lines <-",
            "Lines",
            list(Type::Record(DOCUMENT_LINE)),
            made_of(each(
                vec![walk(maker.get(goods), line, None)],
                None,
                Take::Block(body),
                Type::Record(DOCUMENT_LINE),
            )),
        ),
        Statement::Set {
            field: target("Lines", list(Type::Record(DOCUMENT_LINE))),
            value: made_of(each(discount_walks, None, Take::Block(discounts), Type::Record(DOCUMENT_LINE))),
            also: true,
            on_create: false,
            span: maker.at("Lines also"),
        },
        Statement::Nested {
            field: target("Address", Type::Record(EXTENSION)),
            when: Some(maker.get(open)),
            body: Block {
                record: EXTENSION,
                statements: vec![maker.set_at(
                    "Street <- billing",
                    "Street",
                    text(20),
                    value(read(maker.get(billing), "street", text(255))),
                )],
            },
            on_create: false,
            span: maker.at("Address when"),
        },
    ];
    mapping(maker, "order_to_document", "A placed order", order, ORDERS, statements)
}

/// Every other kind of expression, each in a field of its own.
fn values(file: FileId) -> Mapping {
    let mut maker = Maker { file, locals: Vec::new() };
    let order = maker.local("order", Type::Record(ORDER), LocalKind::Source(0));
    let comment = maker.maybe("comment", TEXT, LocalKind::Let);
    let factor = maker.maybe("factor", NUMBER, LocalKind::Let);
    let line = maker.local("line", Type::Record(LINE), LocalKind::Element);
    let beside = maker.maybe("tag", TEXT, LocalKind::Element);
    let found = maker.local("found", Type::Record(ITEM), LocalKind::Found);
    let tags = read(maker.get(order), "tags", list(TEXT));
    let price = |maker: &Maker| read(maker.get(line), "price", NUMBER);
    let label = |maker: &Maker| read(maker.get(line), "label", text(255));
    let number = read(maker.get(order), "orderNumber", text(64));
    let the_factor = Expr {
        optional: true,
        ..expr(
            ExprKind::Read {
                of: Box::new(maker.get(order)),
                steps: vec!["factor".into()],
                spelling: Spelling::Plain,
                missing_as: Some("0".into()),
            },
            NUMBER,
        )
    };
    let walk_lines = |condition: Option<Expr>| walk(lines(&maker, order), line, condition);
    let prices = each(vec![walk_lines(None)], None, Take::Value(price(&maker)), NUMBER);
    let sorted = each(
        vec![walk_lines(Some(binary(Operator::Greater, price(&maker), num("1.50"))))],
        Some((price(&maker), true)),
        Take::Value(template(vec![hole(expr(ExprKind::Position(line), INTEGER)), part(". "), hole(label(&maker))])),
        TEXT,
    );
    let beside_walk =
        Walk { list: lines(&maker, order), element: line, with: vec![(tags.clone(), beside)], condition: None };
    let labelled = each(vec![beside_walk], None, Take::Value(otherwise(maker.get(beside), value(label(&maker)))), TEXT);
    let find_all = expr(
        ExprKind::Find(Box::new(Find {
            all: true,
            entity: reference("erp", "Items"),
            local: found,
            terms: vec![
                Term {
                    field: "ItemCode".into(),
                    ty: text(20),
                    spelling: Spelling::Plain,
                    test: Test::In,
                    value: tags.clone(),
                },
                Term {
                    field: "Price".into(),
                    ty: NUMBER,
                    spelling: Spelling::Plain,
                    test: Test::Eq,
                    value: maker.get(factor),
                },
            ],
            residual: Some(read(maker.get(found), "Valid", Type::Boolean)),
            take: Some(read(maker.get(found), "Price", NUMBER)),
            select: vec!["Price".into(), "Valid".into()],
        })),
        list(NUMBER),
    );
    let linked = Expr {
        optional: true,
        ..expr(
            ExprKind::Linked(Box::new(Linked {
                entity: reference("erp", "Orders"),
                of: reference("shop", "order"),
                by: read(maker.get(order), "id", Type::Uuid),
                by_spelling: Spelling::Hex,
            })),
            INTEGER,
        )
    };
    let pay = expr(ExprKind::Lookup { table: TableId(1), arguments: vec![maker.get(comment)] }, Type::Record(TERMS));
    let progress = expr(
        ExprKind::Match {
            value: Box::new(read(maker.get(order), "status", status())),
            arms: vec![
                (vec![Literal::Text("open".into()), Literal::Text("in_progress".into())], value(num("1"))),
                (vec![Literal::Text("done".into())], Branch::Answer(Answer::Omit)),
            ],
            otherwise: None,
        },
        NUMBER,
    );
    let counted = expr(
        ExprKind::Match {
            value: Box::new(call("sum", vec![prices.clone()], NUMBER)),
            arms: vec![(vec![Literal::Number("0".into()), Literal::Number("1.5".into())], value(lit("little")))],
            otherwise: Some(Box::new(value(lit("much")))),
        },
        TEXT,
    );
    let days = call(
        "date_in",
        vec![read(maker.get(order), "placedAt", Type::Instant), expr(ExprKind::Setting(SettingId(0)), TEXT)],
        Type::Date,
    );
    let parsed = expr(
        ExprKind::IfInvalid {
            value: Box::new(call("decimal", vec![number.clone()], NUMBER)),
            branch: Box::new(value(binary(Operator::Add, call("length", vec![number.clone()], INTEGER), num("-0.5")))),
        },
        NUMBER,
    );
    let share =
        round(binary(Operator::Divide, num("1"), otherwise(maker.get(factor), Branch::Answer(Answer::Clear))), "4");
    let both = binary(
        Operator::And,
        not(is(maker.get(comment), State::Blank, false)),
        binary(
            Operator::Or,
            is(tags.clone(), State::Empty, true),
            is_in(maker.get(comment), expr(ExprKind::List(vec![lit("a"), lit("b")]), list(TEXT)), true),
        ),
    );
    let address = expr(
        ExprKind::Apply {
            rule: RuleId(1),
            arguments: vec![
                otherwise(missing(read(maker.get(order), "billing", Type::Record(ADDRESS))), reject(lit("no address"))),
                lit("00000"),
            ],
        },
        Type::Record(EXTENSION),
    );
    let present = call(
        "present",
        vec![expr(ExprKind::List(vec![maker.get(comment), number.clone()]), some_list(TEXT))],
        list(TEXT),
    );
    let nested_if = if_else(
        is(maker.get(factor), State::Present, false),
        value(maker.get(factor)),
        value(expr(ExprKind::Negate(Box::new(call("count", vec![lines(&maker, order)], INTEGER))), NUMBER)),
        NUMBER,
    );
    let statements = vec![
        maker.bind(comment, missing(read(maker.get(order), "customerComment", TEXT))),
        maker.bind(factor, the_factor),
        maker.set("Total", NUMBER, value(call("sum", vec![prices], NUMBER))),
        maker.set("Sorted", list(TEXT), value(sorted)),
        maker.set("Labelled", list(TEXT), value(labelled)),
        maker.set("Prices", list(NUMBER), value(find_all)),
        maker.set("Entry", INTEGER, value(otherwise(linked, Branch::Answer(Answer::Wait)))),
        maker.set("Days", INTEGER, value(missing(read(missing(pay), "days", INTEGER)))),
        maker.set("Progress", NUMBER, value(progress)),
        maker.set("Counted", TEXT, value(counted)),
        maker.set("Day", Type::Date, value(days)),
        maker.set("Parsed", NUMBER, value(parsed)),
        maker.set("Share", NUMBER, value(share)),
        maker.set("Both", Type::Boolean, value(both)),
        maker.set("Address", Type::Record(EXTENSION), value(address)),
        maker.set("Present", list(TEXT), value(present)),
        maker.set("Either", NUMBER, value(missing(nested_if))),
        maker.set("Now", Type::Instant, value(expr(ExprKind::Now, Type::Instant))),
        maker.set("Channel", TEXT, value(missing(expr(ExprKind::Setting(SettingId(2)), TEXT)))),
        maker.set("Upper", TEXT, value(missing(call("uppercase", vec![maker.get(comment)], TEXT)))),
        maker.set("Since", Type::Date, value(expr(ExprKind::Literal(Literal::Date("2026-03-14".into())), Type::Date))),
        maker.set("Nothing", TEXT, Branch::Answer(Answer::Clear)),
        maker.set("Status", status(), value(read(maker.get(order), "status", status()))),
    ];
    mapping(maker, "values", "", order, ORDERS, statements)
}

fn orders(file: FileId) -> Flow {
    let mut maker = Maker { file, locals: Vec::new() };
    let order = maker.local("order", Type::Record(ORDER), LocalKind::Source(0));
    let paid = Expr {
        span: maker.at("read shop"),
        ..expr(
            ExprKind::Read {
                of: Box::new(maker.get(order)),
                steps: vec!["paid".into()],
                spelling: Spelling::BooleanWords { yes: "Y".into(), no: "N".into() },
                missing_as: None,
            },
            Type::Boolean,
        )
    };
    Flow {
        name: "orders".into(),
        doc: "Orders reach the ERP".into(),
        owner: "Sales".into(),
        schedules: vec![
            Schedule::Every { seconds: 60, everything: false },
            Schedule::Daily { at: "02:00".into(), zone: "{zone}".into(), everything: true },
            Schedule::Cron { expression: "0 3 * * 1".into(), zone: "Europe/Berlin".into(), everything: false },
            Schedule::OnDemand,
            Schedule::Webhook { topic: "order.placed".into(), system: "shop".into() },
        ],
        entity: reference("shop", "order"),
        local: order,
        filter: vec![PushedTerm { field: "status".into(), test: Test::Eq, value: "\"open\"".into() }],
        keep: Some(paid),
        group: None,
        select: vec!["id".into(), "orderNumber".into(), "paid".into()],
        writes: vec![Write {
            mapping: MappingId(0),
            manner: Manner::CreateOnce(vec!["NumAtCard".into()]),
            level: DeliveryLevel::Probeable,
            named: Some("written".into()),
            sources: vec![None],
            select: vec!["DocEntry".into()],
            batch: Some(20),
            together: false,
            span: Span::default(),
        }],
        also: vec![AlsoRead {
            entity: reference("shop", "order"),
            filter: Vec::new(),
            select: vec!["id".into(), "orderId".into()],
            parent: "orderId".into(),
        }],
        on_delete: Vec::new(),
        conflict: Some("erp".into()),
        after: vec!["customers".into()],
        latest_wins: false,
        retry_up_to_s: 86_400,
        on_failure: Some("sales".into()),
        on_silence: Some((14_400, "sales".into())),
        span: maker.at("flow orders"),
        locals: maker.locals,
    }
}
