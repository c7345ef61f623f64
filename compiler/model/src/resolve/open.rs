//! Records whose fields the catalogue does not list: maps and JSON.
//!
//! In: the type of a place. Out: a record type of its own for what is written there; it gets its fields as the spec names them.

use mapwright_syntax::tree::Name;

use super::scope::Body;
use crate::ir::{Branch, Field, Record, RecordId, Spelling, Target, Type};

impl Body<'_, '_> {
    /// A record for what is written into a map or JSON.
    pub(crate) fn open_record(&mut self, ty: &Type) -> Option<RecordId> {
        let element = match ty {
            Type::Map(element) => element.as_ref().clone(),
            Type::Json => Type::Json,
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
            | Type::List(_)
            | Type::File
            | Type::Never => return None,
        };
        let name = self.noun(ty);
        let record = self.ctx.add_record(Record::new(name, []));
        self.ctx.open.insert(record, element);
        Some(record)
    }

    /// The record that a nested target makes: that of its type, or one for a map or JSON, the same for the whole mapping.
    pub(crate) fn nested_record(&mut self, owner: RecordId, field: &Field) -> Option<RecordId> {
        if let Type::Record(record) = field.ty {
            return Some(record);
        }
        let at = (owner, field.wire.clone());
        if let Some(known) = self.open_at.get(&at) {
            return Some(*known);
        }
        let record = self.open_record(&field.ty)?;
        self.open_at.insert(at, record);
        Some(record)
    }

    /// A field of an open record comes to be when it is named.
    pub(crate) fn open_field(&mut self, record: RecordId, name: &Name) {
        let Some(element) = self.ctx.open.get(&record).cloned() else { return };
        let Some(known) = self.ctx.model.records.get_mut(record.0) else { return };
        if known.field(&name.text).is_none() {
            known.add(field(name, element));
        }
    }
}

/// Can JSON hold it? An amount of money, a division and a file have no form of their own.
pub(crate) fn goes_into_json(ty: &Type) -> bool {
    match ty {
        Type::List(list) => goes_into_json(&list.element),
        Type::Quotient | Type::Money | Type::File => false,
        Type::Text { .. }
        | Type::Integer { .. }
        | Type::Decimal { .. }
        | Type::Boolean
        | Type::Date
        | Type::Time
        | Type::Instant
        | Type::Uuid
        | Type::Enum(_)
        | Type::Record(_)
        | Type::Map(_)
        | Type::Json
        | Type::Never => true,
    }
}

/// How a field is written to which a nested record or an untyped value goes.
pub(crate) fn as_written(mut target: Target, value: &Branch) -> Target {
    if let (Type::Json, Branch::Value(value)) = (&target.ty, value)
        && !matches!(value.ty, Type::Json | Type::Map(_) | Type::Never)
        && goes_into_json(&value.ty)
    {
        target.ty = value.ty.clone();
        target.spelling = Spelling::Plain;
    }
    target
}

fn field(name: &Name, ty: Type) -> Field {
    Field {
        name: name.text.clone(),
        wire: name.text.clone(),
        ty,
        spelling: Spelling::Plain,
        optional: true,
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
        span: name.span,
    }
}
