//! What the compiler asks a manifest. In: names of entities and fields. Out: yes, no, or the manifest's own words.

use mapwright_values::Test;

use crate::decode;
use crate::fault::ManifestFault;
use crate::model::{Action, Changes, Entity, FilterForm, Manifest, Repeat, Verb};

/// What a second sending of a create does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateRepeat {
    /// What it does.
    pub repeat: Repeat,
    /// Where it is keyed: the unique field, if it is not the catalogue's key.
    pub keyed_by: Option<String>,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// Every fault with its line, in the order of the file.
    pub fn parse(text: &str, file_name: &str) -> Result<Self, Vec<ManifestFault>> {
        decode::parse(text, file_name, &|_| None)
    }

    /// Reads a manifest that may extend another; `below` gives the text of that one by its system's name.
    ///
    /// # Errors
    /// As [`Self::parse`]; a fault names the file that it stands in.
    pub fn parse_over(
        text: &str,
        file_name: &str,
        below: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Vec<ManifestFault>> {
        decode::parse(text, file_name, below)
    }

    /// Names of all entities, in the order of the file.
    pub fn entity_names(&self) -> impl Iterator<Item = &str> {
        self.entities.keys().map(String::as_str)
    }

    /// Names of all actions, in the order of the file.
    pub fn action_names(&self) -> impl Iterator<Item = &str> {
        self.actions.keys().map(String::as_str)
    }

    /// The entity of that name.
    #[must_use]
    pub fn entity(&self, name: &str) -> Option<&Entity> {
        self.entities.get(name)
    }

    /// The action of that name.
    #[must_use]
    pub fn action(&self, name: &str) -> Option<&Action> {
        self.actions.get(name)
    }

    /// Can this be done to the entity?
    #[must_use]
    pub fn can(&self, entity: &str, verb: Verb) -> bool {
        self.entity(entity).is_some_and(|entity| entity.can.contains(&verb))
    }

    /// Can the system itself evaluate this condition?
    #[must_use]
    pub fn filterable(&self, entity: &str, field: &str, test: Test) -> bool {
        let spelled = match &self.filters.form {
            FilterForm::None => false,
            FilterForm::Odata => true,
            FilterForm::Templated(filters) => filters.forms.contains_key(comparison(test)),
            FilterForm::PerField(filters) => {
                filters.iter().any(|filter| filter.field == field && filter.forms.contains_key(comparison(test)))
            }
        };
        let named = |pattern: &str| match pattern.strip_suffix('*') {
            Some(start) => field.starts_with(start),
            None => pattern == field,
        };
        spelled
            && self.entity(entity).is_some_and(|entity| {
                entity.filter_on.iter().any(|known| {
                    named(&known.pattern)
                        && known.tests.as_ref().is_none_or(|tests| tests.iter().any(|word| word == comparison(test)))
                })
            })
    }

    /// Is this path absent from records unless it is asked for, and can it be asked for?
    /// True for a path in `expand` and for the paths that lead to one.
    #[must_use]
    pub fn expandable(&self, entity: &str, path: &str) -> bool {
        self.entity(entity).is_some_and(|entity| {
            entity
                .expand
                .iter()
                .any(|(known, _)| known == path || known.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
        })
    }

    /// What a second sending of a create does; unknown entities and creates that do not say are unsafe.
    #[must_use]
    pub fn create_repeat(&self, entity: &str) -> CreateRepeat {
        let operation = self.entity(entity).and_then(|entity| entity.operation(Verb::Create));
        CreateRepeat {
            repeat: operation.and_then(|operation| operation.repeat).unwrap_or(Repeat::Unsafe),
            keyed_by: operation.and_then(|operation| operation.keyed_by.clone()),
        }
    }

    /// Fields by which a create can be probed (`U_*` = a beginning).
    #[must_use]
    pub fn probe_fields(&self, entity: &str) -> Vec<&str> {
        match self.entity(entity).and_then(|entity| entity.probe.as_ref()) {
            Some(probe) => probe.by.iter().map(|(field, _)| field.as_str()).collect(),
            None => Vec::new(),
        }
    }

    /// Can a create be probed by this field?
    #[must_use]
    pub fn can_probe_by(&self, entity: &str, field: &str) -> bool {
        self.probe_fields(entity).into_iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => field.starts_with(start),
            None => pattern == field,
        })
    }

    /// How changes are read: passes and misses; `None` = they are not told.
    #[must_use]
    pub fn changes(&self, entity: &str) -> Option<&Changes> {
        self.entity(entity)?.changes.as_ref()
    }
}

/// A comparison as the manifest writes it.
#[must_use]
pub const fn comparison(test: Test) -> &'static str {
    match test {
        Test::Eq => "eq",
        Test::Ne => "ne",
        Test::Lt => "lt",
        Test::Le => "le",
        Test::Gt => "gt",
        Test::Ge => "ge",
        Test::In => "in",
        Test::Missing => "missing",
    }
}
