//! Probes: is the effect of an unproven write there? In: what was written. Out: absent, same, differs, several.

use mapwright_engine::connector::{Class, Failure, Probe};
use mapwright_manifest::{Action, CreateProbe, Matcher, ProbeTarget, Selector, Tree, Verb};
use mapwright_values::{Json, Term, Test};

use crate::answer::{holds, leaf, walk};
use crate::connection::RestConnector;
use crate::fetching::record_key;
use crate::fields::at;
use crate::template::{Scope, plain};

impl RestConnector {
    /// Looks for the effect of a create (`by` a natural key) or of an action.
    pub(crate) async fn look_for(&self, name: &str, by: &[String], record: &str) -> Result<Probe, Failure> {
        let record = self.parsed(record)?;
        if let Some(action) = self.manifest.action(name) {
            return self.look_for_action(name, action, &record).await;
        }
        let (entity, plan) = self.entity_known(name)?;
        let by_key = !by.is_empty() && by.iter().map(String::as_str).eq(plan.key.iter().copied());
        let asked = by.iter().all(|field| self.manifest.can_probe_by(name, field));
        if by_key && !asked {
            return self.look_for_key(name, entity.probe.as_ref(), &record).await;
        }
        let Some(probe) = &entity.probe else {
            return Err(self.failure(Class::Halt, format!("the manifest tells no probe for {name}")));
        };
        let mut terms = Vec::with_capacity(by.len());
        for field in by {
            if !self.manifest.can_probe_by(name, field) {
                return Err(self.failure(Class::Halt, format!("{name} cannot be probed by `{field}`")));
            }
            terms.push(self.key_term(probe, field, &record)?);
        }
        if terms.is_empty() {
            return Err(self.failure(Class::Halt, format!("a probe of {name} needs a field to go by")));
        }
        terms.extend(self.parent_terms(name, &record, &terms));
        let mut asked = terms.clone();
        asked.extend(self.literal_terms(&probe.conditions, &record)?);
        let mut found = Vec::new();
        for (entity, terms) in
            std::iter::once((name, &asked)).chain(probe.also_in.iter().map(|(other, _)| (other.as_str(), &terms)))
        {
            for candidate in self.look_up(entity, terms, &[]).await? {
                found.push((entity.to_owned(), candidate));
            }
        }
        match found.as_slice() {
            [] => Ok(Probe::Absent),
            [(entity, candidate)] => Ok(self.compared(name, entity, probe, &record, candidate)),
            several => Ok(Probe::Several { count: several.len() }),
        }
    }

    /// Looks at the record that the target itself names as the one that is there.
    pub(crate) async fn look_at_existing(
        &self,
        name: &str,
        existing: &str,
        record: &str,
    ) -> Result<Option<Probe>, Failure> {
        let record = self.parsed(record)?;
        let (entity, plan) = self.entity_known(name)?;
        let above = self.parent_parts(name);
        let Some(probe) = &entity.probe else { return Ok(None) };
        if entity.operation(Verb::Get).is_none() || plan.key.len() != above + 1 {
            return Ok(None);
        }
        let named = |field: &&str| record.get(field).map(plain);
        let Some(mut key) = plan.key.iter().take(above).map(named).collect::<Option<Vec<String>>>() else {
            return Ok(None);
        };
        key.push(existing.to_owned());
        let Some(found) = self.record(name, &key, &[]).await? else { return Ok(None) };
        Ok(Some(self.compared(name, name, probe, &record, &found)))
    }

    /// A record under the key that we gave it is ours; what the manifest compares must agree besides.
    async fn look_for_key(
        &self,
        name: &str,
        probe: Option<&CreateProbe>,
        record: &Json<'static>,
    ) -> Result<Probe, Failure> {
        let Some(key) = self.plan(name).and_then(|plan| record_key(plan, record)) else {
            let words = format!("{name}: the record carries no key, so it cannot be looked for by it");
            return Err(self.failure(Class::Permanent, words));
        };
        Ok(match (self.record(name, &key, &[]).await?, probe) {
            (None, _) => Probe::Absent,
            (Some(found), Some(probe)) => self.compared(name, name, probe, record, &found),
            (Some(found), None) => Probe::Same { key, record: found.to_text() },
        })
    }

    fn key_term(&self, probe: &CreateProbe, field: &str, record: &Json<'_>) -> Result<Term, Failure> {
        let value = at(record, field).filter(|value| !value.is_null());
        let normal = match value {
            Some(Json::Text(text)) => Json::text(probe.normalise.apply(text)),
            Some(other) => other.clone().into_owned(),
            None => Json::Null,
        };
        if plain(&normal).is_empty() {
            let words = format!("the record carries no `{field}`, so it cannot be looked for by it");
            return Err(self.failure(Class::Permanent, words));
        }
        let field = probe.asked_as.clone().unwrap_or_else(|| field.to_owned());
        Ok(Term { field, test: Test::Eq, value: normal.to_text() })
    }

    /// What leads to the records that this one stands among, where these belong to others.
    fn parent_terms(&self, name: &str, record: &Json<'_>, known: &[Term]) -> Vec<Term> {
        let own = self.plan(name).and_then(|plan| plan.key.get(..self.parent_parts(name))).unwrap_or_default();
        let missing = own.iter().filter(|field| known.iter().all(|term| term.field != **field));
        missing
            .filter_map(|field| {
                let value = record.get(field)?;
                Some(Term { field: (*field).to_owned(), test: Test::Eq, value: value.to_text() })
            })
            .collect()
    }

    fn literal_terms(&self, conditions: &[(String, Tree)], record: &Json<'static>) -> Result<Vec<Term>, Failure> {
        let roots = [("record", record)];
        let scope = Scope { roots: &roots, ..Scope::default() };
        let mut terms = Vec::with_capacity(conditions.len());
        for (field, tree) in conditions {
            let value = scope.tree(tree).map_err(|unfilled| self.failure(unfilled.class, unfilled.message))?;
            terms.extend(value.map(|value| Term { field: field.clone(), test: Test::Eq, value: value.to_text() }));
        }
        Ok(terms)
    }

    fn compared(
        &self,
        name: &str,
        entity: &str,
        probe: &CreateProbe,
        record: &Json<'_>,
        candidate: &Json<'_>,
    ) -> Probe {
        let key = self.plan(entity).and_then(|plan| record_key(plan, candidate)).unwrap_or_default();
        let personal = |path: &str| {
            let top = path.split('.').next().unwrap_or(path);
            self.plan(name).is_some_and(|plan| plan.fields.iter().any(|field| field.name == top && field.personal))
        };
        let mut differences = differences(&probe.compare, record, candidate, personal);
        if entity != name {
            // A draft is no order: a person has to finish it, and its key is not the order's.
            differences.insert(0, format!("it is in {entity}, not in {name}"));
        }
        if differences.is_empty() {
            Probe::Same { key, record: candidate.to_text() }
        } else {
            Probe::Differs { key, difference: differences.join("; ") }
        }
    }

    async fn look_for_action(&self, name: &str, action: &Action, record: &Json<'static>) -> Result<Probe, Failure> {
        let Some(probe) = &action.probe else {
            return Err(self.failure(Class::Halt, format!("the manifest tells no probe for the action {name}")));
        };
        let roots = [("record", record)];
        let scope = Scope { roots: &roots, ..Scope::default() };
        for (path, matcher) in &probe.expect {
            if let Matcher::Table { of, rows } = matcher {
                let by = of.iter().try_fold(record, |value, step| value.get(step)).map(plain).unwrap_or_default();
                if !rows.iter().any(|(value, _)| *value == by) {
                    let words = format!(
                        "the manifest does not tell what `{}` is after `{by}`, so the action {name} cannot be proved",
                        path.text
                    );
                    return Err(self.failure(Class::Permanent, words));
                }
            }
        }
        if let ProbeTarget::Gone(template) = &probe.target {
            let key = scope.text(template).map_err(|unfilled| self.failure(unfilled.class, unfilled.message))?;
            let key = vec![key.unwrap_or_default()];
            return Ok(match self.record(&probe.entity, &key, &[]).await? {
                Some(_) => Probe::Absent,
                None => Probe::Same { key, record: "{}".to_owned() },
            });
        }
        let paths: Vec<String> = probe.expect.iter().map(|(path, _)| path.field_path()).collect();
        let found = match &probe.target {
            ProbeTarget::Key(template) => {
                let key = scope.text(template).map_err(|unfilled| self.failure(unfilled.class, unfilled.message))?;
                self.record(&probe.entity, &[key.unwrap_or_default()], &paths).await?.into_iter().collect()
            }
            ProbeTarget::Conditions(conditions) => {
                let terms = self.literal_terms(conditions, record)?;
                self.look_up(&probe.entity, &terms, &paths).await?
            }
            // Answered above.
            ProbeTarget::Gone(_) => Vec::new(),
        };
        let met: Vec<&Json<'static>> = found
            .iter()
            .filter(|candidate| {
                probe
                    .expect
                    .iter()
                    .all(|(path, matcher)| holds(matcher, &walk(candidate, &path.steps, &Json::Null), &scope))
            })
            .collect();
        match met.as_slice() {
            [] => Ok(Probe::Absent),
            [one] => {
                let key = self.plan(&probe.entity).and_then(|plan| record_key(plan, one)).unwrap_or_default();
                Ok(Probe::Same { key, record: one.to_text() })
            }
            several => Ok(Probe::Several { count: several.len() }),
        }
    }
}

/// What differs of the compared paths, as far as our record carries them: totals that the target computes are not ours.
/// Personal values are not told.
fn differences(
    compare: &[Selector],
    record: &Json<'_>,
    candidate: &Json<'_>,
    personal: impl Fn(&str) -> bool,
) -> Vec<String> {
    compare
        .iter()
        .filter_map(|selector| {
            let ours = selected(selector, record)?;
            let theirs = selected(selector, candidate).unwrap_or_else(|| "absent".to_owned());
            (!same(&ours, &theirs)).then(|| {
                if !selector.count && personal(&selector.field_path()) {
                    format!("{} differs", selector.text)
                } else {
                    format!("{} is {theirs} there and {ours} here", selector.text)
                }
            })
        })
        .collect()
}

fn selected(selector: &Selector, record: &Json<'_>) -> Option<String> {
    let found = walk(record, &selector.steps, &Json::Null);
    if selector.count {
        return match found.first() {
            Some(Json::List(items)) => Some(items.len().to_string()),
            Some(_) | None => None,
        };
    }
    found.first().and_then(|value| leaf(value))
}

/// Texts agree as they stand; numbers agree without their trailing zeros.
fn same(ours: &str, theirs: &str) -> bool {
    let trimmed = |text: &str| {
        let numeric =
            !text.is_empty() && text.chars().all(|letter| letter.is_ascii_digit() || matches!(letter, '.' | '-'));
        if numeric && text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text.to_owned()
        }
    };
    trimmed(ours) == trimmed(theirs)
}
