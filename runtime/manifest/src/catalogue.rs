//! A manifest held against its catalogue. In: names of entities and their paths. Out: what the manifest invents.

use std::borrow::Cow;

use crate::fault::{At, Faults, ManifestFault, did_you_mean};
use crate::model::{Entity, Manifest, Pass};

/// What the check needs to know of a catalogue's entity or action.
#[derive(Clone, Debug)]
pub struct CatalogueEntity<'c> {
    /// Name.
    pub name: &'c str,
    /// Is it an action?
    pub action: bool,
    /// All its paths, dots between steps, list steps left out, inner nodes included.
    pub paths: Vec<Cow<'c, str>>,
}

impl CatalogueEntity<'_> {
    /// Is it a path, or the beginning of one (`U_*`)?
    fn has(&self, path: &str) -> bool {
        match path.strip_suffix('*') {
            // Custom fields are declared by each project, so a catalogue may have none of them.
            Some(_) => true,
            None => self.paths.iter().any(|known| known == path),
        }
    }
}

impl Manifest {
    /// Unknown entities, actions and fields, each with its line.
    #[must_use]
    pub fn check_against(&self, catalogue: &[CatalogueEntity<'_>]) -> Vec<ManifestFault> {
        let mut faults = Faults::new(&self.files);
        for entity in self.entities.values() {
            match catalogue.iter().find(|known| !known.action && known.name == entity.name) {
                Some(known) => check_entity(entity, known, catalogue, &mut faults),
                None => {
                    let names = catalogue.iter().filter(|known| !known.action).map(|known| known.name);
                    let message = format!("the catalogue has no entity `{}`", entity.name);
                    faults.add_with_help(entity.at, message, did_you_mean(&entity.name, names));
                }
            }
        }
        for (name, action) in &self.actions {
            if !catalogue.iter().any(|known| known.action && known.name == name) {
                let names = catalogue.iter().filter(|known| known.action).map(|known| known.name);
                let message = format!("the catalogue has no action `{name}`");
                faults.add_with_help(action.operation.at, message, did_you_mean(name, names));
            }
            for (entity, fields) in &action.changes {
                if let Some(shown) = catalogue.iter().find(|known| !known.action && known.name == entity) {
                    fields.iter().for_each(|(field, at)| check_path(field, *at, shown, &mut faults));
                }
            }
            if let Some(probe) = &action.probe
                && let Some(shown) = catalogue.iter().find(|known| !known.action && known.name == probe.entity)
            {
                for (path, _) in &probe.expect {
                    check_path(&path.field_path(), probe.at, shown, &mut faults);
                }
            }
        }
        faults.into_vec()
    }
}

fn check_entity(entity: &Entity, known: &CatalogueEntity<'_>, catalogue: &[CatalogueEntity<'_>], faults: &mut Faults) {
    for field in &entity.filter_on {
        check_path(&field.pattern, field.at, known, faults);
    }
    for (path, at) in &entity.expand {
        check_path(path, *at, known, faults);
    }
    for (path, of) in &entity.types {
        for (field, at) in of.values().flatten() {
            check_path(&format!("{path}.{field}"), *at, known, faults);
        }
    }
    if let Some(changes) = &entity.changes {
        let in_records = changes.passes.iter().filter(|pass| !matches!(pass, Pass::Field { from_list: true, .. }));
        for field in in_records.flat_map(|pass| pass.fields()) {
            check_path(field, changes.at, known, faults);
        }
        for (path, at) in &changes.misses {
            check_path(path, *at, known, faults);
        }
    }
    let Some(probe) = &entity.probe else { return };
    for (field, at) in &probe.by {
        check_path(field, *at, known, faults);
        for (other, _) in &probe.also_in {
            if let Some(other) = catalogue.iter().find(|candidate| candidate.name == other) {
                check_path(field, *at, other, faults);
            }
        }
    }
    for path in
        probe.conditions.iter().map(|(path, _)| path.clone()).chain(probe.compare.iter().map(|path| path.field_path()))
    {
        check_path(&path, probe.at, known, faults);
    }
}

fn check_path(path: &str, at: At, entity: &CatalogueEntity<'_>, faults: &mut Faults) {
    if !entity.has(path) {
        let help = match crate::fault::closest(path, entity.paths.iter().map(|path| &**path)) {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("see the catalogue's fields of `{}`", entity.name),
        };
        faults.add_with_help(at, format!("`{}` has no field `{path}`", entity.name), help);
    }
}
