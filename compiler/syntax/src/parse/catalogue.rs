//! Systems, their types and fields.

use super::Reader;
use super::expression::{name, path, word};
use super::grammar::Rule;
use super::node::Node;
use crate::tree::{
    Encoding, Entity, EnumValue, Field, Fields, GroupKind, KeyGroup, Mark, MarkKind, Range, System, Text, Type,
    TypeArgument, TypeBase, TypeDefinition,
};

impl Reader<'_> {
    /// The documentation directly below a definition.
    pub(super) fn doc(&self, node: &Node<'_>) -> Option<Text> {
        node.child(Rule::text).map(|text| self.plain_text(&text))
    }

    pub(super) fn system(&self, node: &Node<'_>) -> Option<System> {
        let (types, entities) = (Vec::new(), Vec::new());
        let mut system = System { name: word(node)?, doc: self.doc(node), types, entities, span: node.span() };
        for item in node.children() {
            self.system_item(&item, &mut system);
        }
        Some(system)
    }

    /// An item of a system; its name, title and braces are none.
    pub(super) fn system_item(&self, item: &Node<'_>, system: &mut System) {
        match item.rule() {
            Rule::type_definition => system.types.extend(self.type_definition(item)),
            Rule::entity => system.entities.extend(self.entity(item)),
            Rule::bad_item => self.bad_line(item),
            _ => {}
        }
    }

    fn type_definition(&self, node: &Node<'_>) -> Option<TypeDefinition> {
        Some(TypeDefinition {
            name: name(&node.child(Rule::name)?),
            ty: self.type_(&node.child(Rule::type_)?)?,
            span: node.span(),
        })
    }

    fn entity(&self, node: &Node<'_>) -> Option<Entity> {
        Some(Entity {
            action: node.has(Rule::k_action),
            name: name(&node.child(Rule::name)?),
            doc: self.doc(node),
            fields: self.fields(&node.child(Rule::fields)?),
            span: node.span(),
        })
    }

    /// `{ field; ... }`.
    pub(super) fn fields(&self, node: &Node<'_>) -> Fields {
        let mut fields = Fields { span: node.span(), ..Fields::default() };
        fields.fields.reserve_exact(node.all(Rule::field).count());
        for child in node.children() {
            match child.rule() {
                Rule::field => {
                    if let Some(field) = self.field(&child) {
                        fields.fields.push(field);
                    }
                }
                Rule::key_group => fields.groups.push(key_group(&child)),
                Rule::bad_field => self.bad_line(&child),
                // The braces.
                _ => {}
            }
        }
        fields
    }

    fn field(&self, node: &Node<'_>) -> Option<Field> {
        Some(Field {
            name: name(&node.child(Rule::name)?),
            ty: self.type_(&node.child(Rule::type_)?)?,
            marks: node.read_all(Rule::mark, |mark| self.mark(&mark))?,
            doc: self.doc(node),
            span: node.span(),
        })
    }

    fn mark(&self, node: &Node<'_>) -> Option<Mark> {
        let text = || node.child(Rule::text).map(|text| self.plain_text(&text));
        let kind = match node.children().next()?.rule() {
            Rule::k_natural => MarkKind::NaturalKey,
            Rule::k_key => MarkKind::Key,
            Rule::k_required => MarkKind::Required,
            Rule::k_read => MarkKind::ReadOnly,
            Rule::k_write => MarkKind::WriteOnly,
            Rule::k_create => MarkKind::CreateOnly,
            Rule::k_changed => MarkKind::Changed,
            Rule::k_personal => MarkKind::Personal,
            Rule::k_merged => MarkKind::Merged,
            Rule::k_added => MarkKind::Added,
            Rule::k_replaced => MarkKind::Replaced,
            Rule::k_refers => MarkKind::RefersTo(path(&node.child(Rule::path)?)),
            Rule::k_missing => MarkKind::MissingAs(self.literal(&node.child(Rule::literal)?)?),
            Rule::k_named => MarkKind::Named(text()?),
            _ => MarkKind::Deprecated(text()?),
        };
        Some(Mark { kind, span: node.span() })
    }

    /// `type`.
    pub(super) fn type_(&self, node: &Node<'_>) -> Option<Type> {
        let encoding = match node.child(Rule::encoding) {
            Some(encoding) => Some(Box::new(self.encoding(&encoding)?)),
            None => None,
        };
        let base = self.type_base(&node.children().next()?)?;
        Some(Type { base, encoding, optional: node.has(Rule::optional), span: node.span() })
    }

    fn encoding(&self, node: &Node<'_>) -> Option<Encoding> {
        let argument = match node.child(Rule::literal) {
            Some(literal) => Some(self.literal(&literal)?),
            None => None,
        };
        Some(Encoding { form: name(&node.child(Rule::encoding_form)?), argument })
    }

    fn type_base(&self, node: &Node<'_>) -> Option<TypeBase> {
        let types = || node.all(Rule::type_).map(|part| self.type_(&part));
        match node.rule() {
            Rule::fields => Some(TypeBase::Record(self.fields(node))),
            Rule::path => Some(TypeBase::Path(path(node))),
            Rule::enum_type => node.read_all(Rule::enum_value, |value| self.enum_value(&value)).map(TypeBase::Enum),
            Rule::map_type => {
                let mut types = types();
                let (key, value) = (Box::new(types.next()??), Box::new(types.next()??));
                Some(TypeBase::Map { optional: node.has(Rule::optional), key, value })
            }
            Rule::list_type => {
                let element = match node.child(Rule::fields) {
                    Some(fields) => {
                        let base = TypeBase::Record(self.fields(&fields));
                        Type { base, encoding: None, optional: false, span: fields.span() }
                    }
                    None => types().next()??,
                };
                let range = node.child(Rule::range).map(|part| range(&part));
                Some(TypeBase::List { optional: node.has(Rule::optional), range, element: Box::new(element) })
            }
            _ => {
                let arguments = node.read_all(Rule::type_argument, |argument| self.type_argument(&argument))?;
                Some(TypeBase::Scalar { name: name(&node.child(Rule::scalar_name)?), arguments })
            }
        }
    }

    fn enum_value(&self, node: &Node<'_>) -> Option<EnumValue> {
        let written = node.children().next()?;
        let value = match written.rule() {
            Rule::text => self.plain_text(&written),
            _ => {
                let name = name(&written);
                Text { text: name.text, span: name.span }
            }
        };
        let literal = match node.child(Rule::literal) {
            Some(literal) => Some(self.literal(&literal)?),
            None => None,
        };
        Some(EnumValue { name: value, literal })
    }

    fn type_argument(&self, node: &Node<'_>) -> Option<TypeArgument> {
        let argument = node.children().next()?;
        match argument.rule() {
            Rule::range => Some(TypeArgument::Range(range(&argument))),
            Rule::text => Some(TypeArgument::Text(self.plain_text(&argument))),
            _ => Some(TypeArgument::Number {
                number: argument.child(Rule::number)?.text().to_owned(),
                unit: argument.child(Rule::k_bytes).map(|unit| name(&unit)),
                charset: argument.child(Rule::text).map(|charset| self.plain_text(&charset)),
                span: argument.span(),
            }),
        }
    }
}

fn key_group(node: &Node<'_>) -> KeyGroup {
    let kind = match (node.has(Rule::k_natural), node.has(Rule::k_changed)) {
        (true, _) => GroupKind::NaturalKey,
        (false, true) => GroupKind::Changed,
        (false, false) => GroupKind::Key,
    };
    KeyGroup { kind, names: node.all(Rule::name).map(|part| name(&part)).collect(), span: node.span() }
}

fn range(node: &Node<'_>) -> Range {
    let text = node.text();
    let (from, to) = text.split_once("..").unwrap_or((text, ""));
    let bound = |part: &str| {
        let digits: String = part.chars().filter(|character| !character.is_whitespace()).collect();
        (!digits.is_empty()).then_some(digits)
    };
    Range { from: bound(from), to: bound(to), span: node.span() }
}
