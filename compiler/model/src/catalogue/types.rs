//! Types as written to types of the model.
//!
//! In: a type with its encoding and `?`. Out: type, spelling on the wire, may it be missing.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use mapwright_syntax::Span;
use mapwright_syntax::tree::{self, LiteralKind, Name, Path, TypeArgument, TypeBase};
use mapwright_values::spelling::check_format;
use mapwright_values::{Date, Instant, Time};

use super::records;
use crate::context::Context;
use crate::faults;
use crate::ir::{EnumType, EnumValue, Field, ListType, Model, RecordId, Spelling, Type, Unit};
use crate::types::PRECISION_MAX;

/// A type with what belongs to its place on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Typed {
    /// Type.
    pub(crate) ty: Type,
    /// Spelling of a leaf.
    pub(crate) spelling: Spelling,
    /// `?`.
    pub(crate) optional: bool,
    /// `missing as`, of a field whose type is taken.
    pub(crate) missing_as: Option<String>,
}

impl Typed {
    /// The same without a spelling of its own: a deployment file gives numbers, days and words as JSON has them.
    pub(crate) fn plainly(mut self) -> Self {
        if !self.spelling.is_plain() {
            self.spelling = Spelling::Plain;
        }
        if let Type::List(list) = &self.ty
            && !list.spelling.is_plain()
        {
            self.ty = Type::List(Arc::new(ListType { spelling: Spelling::Plain, ..list.as_ref().clone() }));
        }
        self
    }

    /// A type that is always there and spelled as JSON has it.
    pub(crate) fn plain(ty: Type) -> Self {
        Self { ty, spelling: Spelling::Plain, optional: false, missing_as: None }
    }

    /// What stands for a type that could not be resolved: it goes with everything, so that no fault follows.
    pub(crate) fn unknown() -> Self {
        Self::plain(Type::Never)
    }
}

/// The type of a field, for those who name it by path.
impl From<&Field> for Typed {
    fn from(field: &Field) -> Self {
        Self {
            ty: field.ty.clone(),
            spelling: field.spelling.clone(),
            optional: field.optional,
            missing_as: field.missing_as.clone(),
        }
    }
}

/// How a record or an enum is called that stands in a type: most types have none, so it is asked for.
pub(crate) type Naming<'a> = &'a dyn Fn() -> String;

/// Resolves a type. `home` is the system whose declared types are known by their bare name; `place` names records and enums.
pub(crate) fn resolve_type(
    ctx: &mut Context<'_>,
    written: &tree::Type,
    home: Option<usize>,
    place: Naming<'_>,
) -> Typed {
    let mut typed = match &written.base {
        TypeBase::Scalar { name, arguments } => scalar(ctx, name, arguments, written.span),
        TypeBase::Enum(values) => enumeration(ctx, values, written.span, place()),
        TypeBase::List { optional, range, element } => {
            let element = resolve_type(ctx, element, home, place);
            let min =
                range.as_ref().and_then(|range| range.from.as_ref()).and_then(|from| from.parse().ok()).unwrap_or(0);
            let list = ListType { element: element.ty, optional: element.optional, min, spelling: element.spelling };
            Typed { optional: *optional, ..Typed::plain(Type::List(Arc::new(list))) }
        }
        TypeBase::Map { optional, value, .. } => {
            let value = resolve_type(ctx, value, home, place);
            Typed { optional: *optional, ..Typed::plain(Type::Map(Arc::new(value.ty))) }
        }
        TypeBase::Record(fields) => {
            let record = records::begin_record(ctx, place());
            records::resolve_fields(ctx, record, fields, home);
            Typed::plain(Type::Record(record))
        }
        TypeBase::Path(path) => resolve_path(ctx, path, home),
    };
    if let Some(encoding) = &written.encoding {
        typed.spelling = encode(ctx, &typed, encoding);
    }
    typed.optional |= written.optional;
    typed
}

/// Words, each once; on the wire as well, or nobody could say which one is read.
fn enumeration(ctx: &mut Context<'_>, written: &[tree::EnumValue], span: Span, place: String) -> Typed {
    if written.is_empty() {
        ctx.report(faults::malformed_type(span, "enum", "name its words: `enum(open, closed)`"));
        return Typed::unknown();
    }
    let read: Vec<EnumValue> = written.iter().map(enum_value).collect();
    let mut names: HashMap<&str, Span> = HashMap::with_capacity(written.len());
    let mut wires: HashMap<&str, Span> = HashMap::with_capacity(written.len());
    let mut is_first = Vec::with_capacity(written.len());
    for (read, value) in read.iter().zip(written) {
        let known = names.get(read.name.as_str()).or_else(|| wires.get(read.wire.as_str())).copied();
        is_first.push(known.is_none());
        match known {
            Some(first) => ctx.report(faults::duplicate_name("word", &read.name, value.name.span, first)),
            None => {
                names.insert(&read.name, value.name.span);
                wires.insert(&read.wire, value.name.span);
            }
        }
    }
    let firsts = read.into_iter().zip(is_first).filter(|(_, is_first)| *is_first);
    let values = firsts.map(|(value, _)| value).collect();
    Typed::plain(Type::Enum(Arc::new(EnumType { name: place, values })))
}

fn enum_value(value: &tree::EnumValue) -> EnumValue {
    let name = value.name.text.clone();
    let wire = value.literal.as_ref().map_or_else(|| name.clone(), literal_text);
    EnumValue { name, wire }
}

/// A literal's text without quotes.
pub(crate) fn literal_text(literal: &tree::Literal) -> String {
    match &literal.kind {
        LiteralKind::Text(text)
        | LiteralKind::Raw(text)
        | LiteralKind::Number(text)
        | LiteralKind::Date(text)
        | LiteralKind::Time(text) => text.clone(),
        LiteralKind::Boolean(value) => value.to_string(),
    }
}

fn scalar(ctx: &mut Context<'_>, name: &Name, arguments: &[TypeArgument], span: Span) -> Typed {
    let malformed = |ctx: &mut Context<'_>, help: &str| {
        ctx.report(faults::malformed_type(span, &name.text, help));
        Typed::unknown()
    };
    let no_arguments = arguments.is_empty();
    match name.text.as_str() {
        "text" => match arguments {
            [] => Typed::plain(Type::Text { max: None, unit: Unit::Characters }),
            [TypeArgument::Number { number, unit, charset, .. }] => {
                let Some(max) = number.parse().ok().filter(|max| *max > 0) else {
                    return malformed(ctx, "write the greatest length: `text(50)`");
                };
                let unit = match unit.as_ref().map(|unit| unit.text.as_str()) {
                    None => Unit::Characters,
                    Some("utf16") => Unit::Utf16,
                    Some(_) => match known_charset(charset.as_ref().map_or("utf-8", |set| set.text.as_str())) {
                        Some(charset) => Unit::Bytes(charset.to_owned()),
                        None => {
                            let known = mapwright_values::measure::CHARSETS.join("\", \"");
                            return malformed(ctx, &format!("bytes are counted in one of \"{known}\""));
                        }
                    },
                };
                Typed::plain(Type::Text { max: Some(max), unit })
            }
            _ => malformed(ctx, "write `text(50)`, or `text(30 bytes \"windows-1252\")`"),
        },
        "integer" => match arguments {
            [] => Typed::plain(Type::Integer { min: None, max: None }),
            [TypeArgument::Range(range)] => {
                let end = |end: &Option<String>| end.as_ref().and_then(|digits| digits.parse().ok());
                Typed::plain(Type::Integer { min: end(&range.from), max: end(&range.to) })
            }
            _ => malformed(ctx, "write `integer` or a range: `integer(1..100)`"),
        },
        "decimal" => match arguments {
            [TypeArgument::Number { number: precision, .. }, TypeArgument::Number { number: scale, .. }] => {
                match (precision.parse::<u32>(), scale.parse::<u32>()) {
                    (Ok(precision), Ok(scale)) if scale <= precision && precision <= 28 => {
                        Typed::plain(Type::Decimal { precision, scale })
                    }
                    _ => malformed(
                        ctx,
                        "at most 28 digits, of which no more than all stand behind the point: `decimal(19,6)`",
                    ),
                }
            }
            _ => malformed(ctx, "write the digits in all and behind the point: `decimal(19,6)`"),
        },
        "boolean" => match arguments {
            [] => Typed::plain(Type::Boolean),
            [TypeArgument::Text(yes), TypeArgument::Text(no)] if yes.text != no.text => Typed {
                spelling: Spelling::BooleanWords { yes: yes.text.clone(), no: no.text.clone() },
                ..Typed::plain(Type::Boolean)
            },
            _ => malformed(ctx, "write the two words for true and false: `boolean(\"Y\", \"N\")`"),
        },
        "date" => moment(ctx, Type::Date, arguments)
            .unwrap_or_else(|| malformed(ctx, "write `date`, or a format: `date(\"%d.%m.%Y\")`")),
        "time" => moment(ctx, Type::Time, arguments)
            .unwrap_or_else(|| malformed(ctx, "write `time`, or a format: `time(\"%H:%M\")`")),
        "datetime" => moment(ctx, Type::Instant, arguments)
            .unwrap_or_else(|| malformed(ctx, "write `datetime`, or a format: `datetime(\"%Y%m%d%H%M%S\")`")),
        "uuid" if no_arguments => Typed::plain(Type::Uuid),
        "json" if no_arguments => Typed::plain(Type::Json),
        "file" if no_arguments => Typed::plain(Type::File),
        _ => malformed(ctx, "this type takes no arguments"),
    }
}

/// `date`, or with its format `date("%Y%m%d")`, which is short for `date as text("%Y%m%d")`.
fn moment(ctx: &mut Context<'_>, ty: Type, arguments: &[TypeArgument]) -> Option<Typed> {
    match arguments {
        [] => Some(Typed::plain(ty)),
        [TypeArgument::Text(format)] => {
            if let Err(why) = checked_format(&ty, &format.text) {
                ctx.report(faults::malformed_literal(format.span, &why));
            }
            Some(Typed { spelling: Spelling::Format(format.text.clone()), ..Typed::plain(ty) })
        }
        [TypeArgument::Number { .. } | TypeArgument::Range(_) | TypeArgument::Text(_), ..] => None,
    }
}

/// A character set by one of its names.
fn known_charset(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let name = match name.as_str() {
        "utf8" => "utf-8",
        "ascii" => "us-ascii",
        "latin1" | "latin-1" => "iso-8859-1",
        "cp1252" | "ansi" => "windows-1252",
        other => other,
    };
    mapwright_values::measure::CHARSETS.iter().find(|known| **known == name).copied()
}

/// Does a format say all of a day, time or instant?
fn checked_format(ty: &Type, format: &str) -> Result<(), String> {
    match ty {
        Type::Date => check_format::<Date>(format),
        Type::Time => check_format::<Time>(format),
        Type::Instant => check_format::<Instant>(format),
        Type::Text { .. }
        | Type::Integer { .. }
        | Type::Decimal { .. }
        | Type::Quotient
        | Type::Money
        | Type::Boolean
        | Type::Uuid
        | Type::Enum(_)
        | Type::Record(_)
        | Type::List(_)
        | Type::Map(_)
        | Type::Json
        | Type::File
        | Type::Never => Ok(()),
    }
}

/// `as hex`, `as text("%d.%m.%Y")`, `as text(",")`, `as text(8)`, `as number`.
fn encode(ctx: &mut Context<'_>, typed: &Typed, encoding: &tree::Encoding) -> Spelling {
    let argument = encoding.argument.as_ref().map(literal_text);
    let at = encoding.argument.as_ref().map_or(encoding.form.span, |argument| argument.span);
    match (&typed.ty, encoding.form.text.as_str(), argument) {
        (Type::Never, _, _) => Spelling::Plain,
        (Type::Uuid, "hex", None) => Spelling::Hex,
        (Type::Integer { .. } | Type::Decimal { .. }, "text", None) => Spelling::NumberAsText,
        (Type::Integer { .. } | Type::Decimal { scale: 0, .. }, "text", Some(width))
            if width.parse::<u32>().is_ok() =>
        {
            match width.parse::<u32>() {
                Ok(width @ 1..=PRECISION_MAX) => Spelling::PaddedNumber(width),
                Ok(_) | Err(_) => {
                    let why = format!("a number has 1 to {PRECISION_MAX} digits");
                    ctx.report(faults::malformed_type(at, &encoding.form.text, &why));
                    Spelling::Plain
                }
            }
        }
        (Type::Decimal { .. }, "text", Some(mark)) if mark == "," || mark == "\u{66b}" => Spelling::MarkedNumber(mark),
        (Type::Date | Type::Time | Type::Instant, "text", Some(format)) => {
            if let Err(why) = checked_format(&typed.ty, &format) {
                ctx.report(faults::malformed_literal(at, &why));
            }
            Spelling::Format(format)
        }
        // Texts, words, days, times and UUIDs are texts as they are.
        (Type::Text { .. } | Type::Enum(_) | Type::Date | Type::Time | Type::Instant | Type::Uuid, "text", None) => {
            Spelling::Plain
        }
        (Type::Boolean, "text", None) => match &typed.spelling {
            Spelling::Plain => Spelling::BooleanWords { yes: "true".to_owned(), no: "false".to_owned() },
            words => words.clone(),
        },
        (Type::Integer { .. } | Type::Decimal { .. }, "number", None) => Spelling::Plain,
        (Type::Text { unit: Unit::Characters, .. } | Type::Boolean, "number", None) => Spelling::AsNumber,
        (Type::Enum(words), "number", None) => {
            let is_number = |word: &str| word.parse::<i64>().is_ok_and(|number| number.to_string() == word);
            if let Some(word) = words.values.iter().find(|word| !is_number(&word.wire)) {
                let why = format!("`{0}` is no number: give each word its own, `{0} = 10`", word.wire);
                ctx.report(faults::malformed_type(at, &encoding.form.text, &why));
            }
            Spelling::AsNumber
        }
        (ty, form, argument) => {
            let form = argument.map_or_else(|| form.to_owned(), |argument| format!("{form}({argument})"));
            let noun = type_noun(&ctx.model, ty);
            let why = format!("{noun} cannot be written `as {form}`");
            ctx.report(faults::malformed_type(at, &format!("as {form}"), &why));
            Spelling::Plain
        }
    }
}

/// A declared type, a system's type, an entity, or a field whose type is taken.
fn resolve_path(ctx: &mut Context<'_>, path: &Path, home: Option<usize>) -> Typed {
    let Some((first, rest)) = path.names.split_first() else { return Typed::unknown() };
    if let Some(home) = home
        && let Some(typed) = named_type(ctx, home, first)
    {
        return walk(ctx, typed, rest, &first.text);
    }
    if let Some(system) = ctx.system(&first.text) {
        let Some((second, rest)) = rest.split_first() else {
            ctx.report(faults::unknown_type(path.span, &first.text, None));
            return Typed::unknown();
        };
        if ctx.homes.get(system).is_none_or(|home| home.tree.is_none()) {
            return Typed::unknown();
        }
        if let Some(typed) = named_type(ctx, system, second) {
            return walk(ctx, typed, rest, &format!("{}.{}", first.text, second.text));
        }
        let closest = closest_type(ctx, system, &second.text);
        ctx.report(faults::unknown_type(second.span, &second.text, closest.as_deref()));
        return Typed::unknown();
    }
    let closest = match home {
        Some(home) => closest_type(ctx, home, &first.text),
        None => mapwright_values::names::closest(
            &first.text,
            SCALARS.into_iter().chain(ctx.model.systems.iter().map(|system| system.alias.as_str())),
        )
        .map(str::to_owned),
    };
    ctx.report(faults::unknown_type(first.span, &first.text, closest.as_deref()));
    Typed::unknown()
}

/// The types of the language itself.
const SCALARS: [&str; 13] = [
    "text", "integer", "decimal", "boolean", "date", "time", "datetime", "uuid", "json", "file", "enum", "list", "map",
];

fn closest_type(ctx: &Context<'_>, system: usize, name: &str) -> Option<String> {
    let tree = ctx.homes.get(system)?.tree?;
    let declared = tree.types.iter().map(|declared| declared.name.text.as_str());
    let entities = tree.entities.iter().map(|entity| entity.name.text.as_str());
    mapwright_values::names::closest(name, declared.chain(entities).chain(SCALARS)).map(str::to_owned)
}

/// A declared type or an entity of a system, by its bare name.
fn named_type(ctx: &mut Context<'_>, system: usize, name: &Name) -> Option<Typed> {
    let tree = ctx.homes.get(system)?.tree?;
    ctx.types_named.insert((system, name.text.clone()));
    if let Some(known) = ctx.homes.get(system)?.types.get(&name.text) {
        let known = known.clone();
        if known.is_none() {
            ctx.report(faults::circular_definition(name.span, "type", &name.text));
        }
        return Some(known.unwrap_or_else(Typed::unknown));
    }
    if let Some(record) = ctx.homes.get(system)?.entities.get(&name.text) {
        return Some(Typed::plain(Type::Record(*record)));
    }
    if let Some(declared) = tree.types.iter().find(|declared| declared.name.text == name.text) {
        return Some(declare(ctx, system, declared));
    }
    let entity = tree.entities.iter().find(|entity| entity.name.text == name.text)?;
    Some(Typed::plain(Type::Record(records::resolve_entity(ctx, system, entity))))
}

/// Resolves a declared type once.
pub(super) fn declare(ctx: &mut Context<'_>, system: usize, declared: &tree::TypeDefinition) -> Typed {
    let name = declared.name.text.clone();
    let alias = ctx.model.systems.get(system).map(|system| system.alias.clone()).unwrap_or_default();
    let place = format!("{alias}.{name}");
    if let TypeBase::Record(fields) = &declared.ty.base {
        // The record is known before its fields are, so that a category may hold categories.
        let record = records::begin_record(ctx, place);
        let typed = Typed { optional: declared.ty.optional, ..Typed::plain(Type::Record(record)) };
        remember(ctx, system, &name, Some(typed.clone()));
        records::resolve_fields(ctx, record, fields, Some(system));
        return typed;
    }
    remember(ctx, system, &name, None);
    let typed = resolve_type(ctx, &declared.ty, Some(system), &|| place.clone());
    remember(ctx, system, &name, Some(typed.clone()));
    typed
}

fn remember(ctx: &mut Context<'_>, system: usize, name: &str, typed: Option<Typed>) {
    if let Some(home) = ctx.homes.get_mut(system) {
        home.types.insert(name.to_owned(), typed);
    }
}

/// Goes down a path of fields; through a list it names the element, also at its end.
fn walk(ctx: &mut Context<'_>, start: Typed, rest: &[Name], start_name: &str) -> Typed {
    let mut typed = start;
    let mut so_far = start_name.to_owned();
    for name in rest {
        let Some(record) = record_of(&typed.ty) else {
            if !typed.ty.is_never() {
                ctx.report(faults::no_fields(name, &so_far, &type_noun(&ctx.model, &typed.ty)));
            }
            return Typed::unknown();
        };
        let Some(record) = ctx.model.record(record) else { return Typed::unknown() };
        let Some(field) = record.field(&name.text) else {
            let fault = faults::unknown_field(record, name);
            ctx.report(fault);
            return Typed::unknown();
        };
        typed = Typed::from(field);
        so_far = format!("{so_far}.{}", name.text);
    }
    if rest.is_empty() {
        return typed;
    }
    match &typed.ty {
        Type::List(list) => {
            Typed { spelling: list.spelling.clone(), optional: list.optional, ..Typed::plain(list.element.clone()) }
        }
        Type::Text { .. }
        | Type::Integer { .. }
        | Type::Decimal { .. }
        | Type::Quotient
        | Type::Money
        | Type::Boolean
        | Type::Date
        | Type::Time
        | Type::Instant
        | Type::Uuid
        | Type::Enum(_)
        | Type::Record(_)
        | Type::Map(_)
        | Type::Json
        | Type::File
        | Type::Never => typed,
    }
}

/// The record that a type is, or holds as a list.
pub(crate) fn record_of(ty: &Type) -> Option<RecordId> {
    match ty {
        Type::Record(record) => Some(*record),
        Type::List(list) => match &list.element {
            Type::Record(record) => Some(*record),
            Type::Text { .. }
            | Type::Integer { .. }
            | Type::Decimal { .. }
            | Type::Quotient
            | Type::Money
            | Type::Boolean
            | Type::Date
            | Type::Time
            | Type::Instant
            | Type::Uuid
            | Type::Enum(_)
            | Type::List(_)
            | Type::Map(_)
            | Type::Json
            | Type::File
            | Type::Never => None,
        },
        Type::Text { .. }
        | Type::Integer { .. }
        | Type::Decimal { .. }
        | Type::Quotient
        | Type::Money
        | Type::Boolean
        | Type::Date
        | Type::Time
        | Type::Instant
        | Type::Uuid
        | Type::Enum(_)
        | Type::Map(_)
        | Type::Json
        | Type::File
        | Type::Never => None,
    }
}

/// A type in an analyst's words: `a text of up to 50 characters`.
pub(crate) fn type_noun(model: &Model, ty: &Type) -> String {
    match ty {
        Type::Text { max: None, .. } => "a text".to_owned(),
        Type::Text { max: Some(max), unit } => {
            let unit = match unit {
                Unit::Characters => "characters",
                Unit::Bytes(_) => "bytes",
                Unit::Utf16 => "UTF-16 units",
            };
            format!("a text of up to {max} {unit}")
        }
        Type::Integer { .. } => "a whole number".to_owned(),
        Type::Decimal { scale, .. } => format!("a number with {scale} decimals"),
        Type::Quotient => "the result of a division".to_owned(),
        Type::Money => "an amount with its currency, of which `amount` and `currency` give the parts".to_owned(),
        Type::Boolean => "true or false".to_owned(),
        Type::Date => "a day".to_owned(),
        Type::Time => "a time of day".to_owned(),
        Type::Instant => "an instant".to_owned(),
        Type::Uuid => "a UUID".to_owned(),
        Type::Enum(words) => format!("one of the words of `{}`", words.name),
        Type::Record(record) => {
            model.record(*record).map_or_else(|| "a record".to_owned(), |record| format!("a record `{}`", record.name))
        }
        Type::List(list) => {
            let element = type_noun(model, &list.element);
            match element.strip_prefix("a record ") {
                Some(record) => format!("a list of records {record}"),
                None => format!("a list ({element} each)"),
            }
        }
        Type::Map(_) => "a map".to_owned(),
        Type::Json => "JSON passed on unread".to_owned(),
        Type::File => "a file".to_owned(),
        Type::Never => "nothing".to_owned(),
    }
}
