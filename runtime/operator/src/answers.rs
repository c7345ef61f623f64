//! Answers to references from a file, for mapping without endpoints.
//!
//! In: a JSON list as golden cases have it. `{"find": "erp.Items", "where": {...}, "records": [...]}` answers one question;
//! without `where` the records are a data set to search in; `{"linked": "erp.BusinessPartners", "of": "shop.customer",
//! "key": "...", "is": "..."}` is a link. Out: the answer to a reference, or that there is none.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use mapwright_values::decimal::Decimal;
use mapwright_values::{Find, Json, Reference, Resolved, Term, Test};

/// What a file of references can answer.
#[derive(Debug, Default)]
pub struct Answers<'t> {
    questions: Vec<Question<'t>>,
    data: HashMap<String, Vec<Json<'t>>>,
    /// Target's key by target entity, source entity, source's key.
    links: HashMap<(String, String, String), Option<String>>,
    /// Indexes by entity and field, made when first asked for.
    indexes: RwLock<HashMap<(String, String), Arc<Index>>>,
}

/// One question with its answer.
#[derive(Debug)]
struct Question<'t> {
    entity: String,
    /// Field and value as JSON text.
    asked: Vec<(String, String)>,
    records: Vec<Json<'t>>,
}

/// Positions in a data set by the text of one field's value.
type Index = HashMap<String, Vec<usize>>;

impl<'t> Answers<'t> {
    /// Reads the list.
    ///
    /// # Errors
    /// What stands in the file that is no answer, with its number in the list.
    pub fn parse(text: &'t str) -> Result<Self, String> {
        let json = Json::parse(text).map_err(|error| format!("line {}: {}", error.line, error.message))?;
        let Json::List(entries) = json else {
            return Err("a list of answers is expected".to_owned());
        };
        let mut answers = Self::default();
        for (index, entry) in entries.into_iter().enumerate() {
            answers.add(entry).map_err(|fault| format!("answer {}: {fault}", index + 1))?;
        }
        Ok(answers)
    }

    fn add(&mut self, mut entry: Json<'t>) -> Result<(), String> {
        if let Some(entity) = text_of(&entry, "find") {
            let Some(Json::List(records)) = take(&mut entry, "records") else {
                return Err("`records` must be a list".to_owned());
            };
            match entry.get("where") {
                None => self.data.entry(entity).or_default().extend(records),
                Some(Json::Record(fields)) => {
                    let asked = fields.iter().map(|(field, value)| (field.to_string(), value.to_text())).collect();
                    self.questions.push(Question { entity, asked, records });
                }
                Some(_) => return Err("`where` must be an object".to_owned()),
            }
            return Ok(());
        }
        let (Some(target), Some(source), Some(key)) =
            (text_of(&entry, "linked"), text_of(&entry, "of"), text_of(&entry, "key"))
        else {
            return Err("expected `find` with `records`, or `linked`, `of`, `key` and `is`".to_owned());
        };
        self.links.insert((target, source, key), text_of(&entry, "is"));
        Ok(())
    }

    /// The answer to a reference; `None` = the file says nothing about it.
    #[must_use]
    pub fn answer(&self, reference: &Reference) -> Option<Resolved> {
        match reference {
            Reference::Find(find) => self.found(find).map(Resolved::Found),
            Reference::Link(link) => {
                let target = format!("{}.{}", link.system, link.entity);
                let source = format!("{}.{}", link.of_system, link.of_entity);
                self.links.get(&(target, source, link.key.clone())).cloned().map(Resolved::Linked)
            }
        }
    }

    fn found(&self, find: &Find) -> Option<Vec<Json<'static>>> {
        let entity = format!("{}.{}", find.system, find.entity);
        let question = self.questions.iter().find(|question| {
            question.entity == entity
                && question.asked.len() == find.terms.len()
                && find.terms.iter().all(|term| question.asked.contains(&(term.field.clone(), term.value.clone())))
        });
        if let Some(question) = question {
            return Some(owned(&question.records));
        }
        let data = self.data.get(&entity)?;
        let candidates: Vec<&Json<'t>> = match find.terms.iter().find(|term| term.test == Test::Eq) {
            Some(term) => {
                let index = self.index(&entity, &term.field, data);
                let positions = index.get(&term.value).cloned().unwrap_or_default();
                positions.into_iter().filter_map(|position| data.get(position)).collect()
            }
            None => data.iter().collect(),
        };
        let fits = |record: &&Json<'t>| find.terms.iter().all(|term| holds(term, record));
        Some(owned(candidates.into_iter().filter(fits)))
    }

    fn index(&self, entity: &str, field: &str, data: &[Json<'t>]) -> Arc<Index> {
        let name = (entity.to_owned(), field.to_owned());
        if let Some(index) = self.indexes.read().unwrap_or_else(PoisonError::into_inner).get(&name) {
            return Arc::clone(index);
        }
        let mut index = Index::new();
        for (position, record) in data.iter().enumerate() {
            index.entry(at(record, field).to_text()).or_default().push(position);
        }
        let index = Arc::new(index);
        self.indexes.write().unwrap_or_else(PoisonError::into_inner).insert(name, Arc::clone(&index));
        index
    }
}

fn owned<'a, 't: 'a>(records: impl IntoIterator<Item = &'a Json<'t>>) -> Vec<Json<'static>> {
    records.into_iter().map(|record| record.clone().into_owned()).collect()
}

/// A member's value, taken out.
fn take<'t>(entry: &mut Json<'t>, name: &str) -> Option<Json<'t>> {
    let Json::Record(members) = entry else { return None };
    members.iter_mut().find(|(member, _)| member == name).map(|(_, value)| std::mem::replace(value, Json::Null))
}

fn text_of(entry: &Json<'_>, name: &str) -> Option<String> {
    match entry.get(name) {
        Some(Json::Text(text) | Json::Number(text)) => Some(text.to_string()),
        Some(Json::Null | Json::Boolean(_) | Json::List(_) | Json::Record(_)) | None => None,
    }
}

fn at<'a, 't>(record: &'a Json<'t>, path: &str) -> &'a Json<'t> {
    static NOTHING: Json<'static> = Json::Null;
    path.split('.').try_fold(record, |record, step| record.get(step)).unwrap_or(&NOTHING)
}

fn holds(term: &Term, record: &Json<'_>) -> bool {
    let actual = at(record, &term.field);
    let Ok(wanted) = Json::parse(&term.value) else { return false };
    match term.test {
        Test::Eq => same(actual, &wanted),
        Test::Ne => !same(actual, &wanted),
        Test::Lt => order(actual, &wanted) == Some(Ordering::Less),
        Test::Le => matches!(order(actual, &wanted), Some(Ordering::Less | Ordering::Equal)),
        Test::Gt => order(actual, &wanted) == Some(Ordering::Greater),
        Test::Ge => matches!(order(actual, &wanted), Some(Ordering::Greater | Ordering::Equal)),
        Test::In => matches!(&wanted, Json::List(list) if list.iter().any(|one| same(actual, one))),
        Test::Missing => actual.is_null(),
    }
}

fn same(left: &Json<'_>, right: &Json<'_>) -> bool {
    match (number(left), number(right)) {
        (Some(left), Some(right)) => left == right,
        _ => left.to_text() == right.to_text(),
    }
}

fn order(left: &Json<'_>, right: &Json<'_>) -> Option<Ordering> {
    match (left, right) {
        (Json::Text(left), Json::Text(right)) => Some(left.cmp(right)),
        _ => Some(number(left)?.cmp(&number(right)?)),
    }
}

fn number(json: &Json<'_>) -> Option<Decimal> {
    let Json::Number(digits) = json else { return None };
    let digits: &Cow<'_, str> = digits;
    Decimal::parse(digits).ok()
}

#[cfg(test)]
mod tests {
    use mapwright_values::Link;

    use super::*;

    fn find(field: &str, test: Test, value: &str) -> Reference {
        let term = Term { field: field.into(), test, value: value.into() };
        Reference::Find(Find { system: "erp".into(), entity: "Items".into(), terms: vec![term], select: vec![] })
    }

    fn count(answers: &Answers, reference: &Reference) -> Option<usize> {
        match answers.answer(reference) {
            Some(Resolved::Found(records)) => Some(records.len()),
            Some(Resolved::Linked(_)) | None => None,
        }
    }

    #[test]
    fn a_data_set_is_searched_and_a_question_is_matched() {
        let answers = Answers::parse(
            r#"[{"find":"erp.Items","records":[{"ItemCode":"A","Stock":5.0},{"ItemCode":"B","Stock":12}]},
                {"linked":"erp.BusinessPartners","of":"shop.customer","key":"k1","is":"C1"}]"#,
        )
        .expect("sound");
        assert_eq!(count(&answers, &find("ItemCode", Test::Eq, "\"A\"")), Some(1));
        assert_eq!(count(&answers, &find("ItemCode", Test::Eq, "\"C\"")), Some(0));
        assert_eq!(count(&answers, &find("Stock", Test::Ge, "5")), Some(2));
        assert_eq!(count(&answers, &find("ItemCode", Test::In, "[\"A\",\"B\"]")), Some(2));
        let link = |key: &str| {
            Reference::Link(Link {
                system: "erp".into(),
                entity: "BusinessPartners".into(),
                of_system: "shop".into(),
                of_entity: "customer".into(),
                key: key.into(),
            })
        };
        assert_eq!(answers.answer(&link("k1")), Some(Resolved::Linked(Some("C1".into()))));
        assert_eq!(answers.answer(&link("k2")), None);
    }

    #[test]
    fn what_is_no_answer_is_named() {
        let fault = Answers::parse(r#"[{"find":"erp.Items"}]"#).expect_err("no records");
        assert_eq!(fault, "answer 1: `records` must be a list");
    }
}
