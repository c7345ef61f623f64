//! Selectors: paths into an answer. In: text such as `body.value[]`. Out: root and steps; nothing is read here.

use crate::fault::did_you_mean;

/// Where a selector starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectorRoot {
    /// The parsed body.
    Body,
    /// A header of the answer.
    Header,
    /// A cookie that the answer sets.
    Cookie,
    /// The HTTP status.
    Status,
    /// The document that `decode` gave.
    Decoded,
    /// A record of the catalogue (in probes): the path starts at its top.
    Record,
    /// One item of what a webhook or a batch brings.
    Each,
    /// A query value of a webhook's address.
    Query,
    /// A field of a webhook's form.
    Form,
}

/// A step of a selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelectorStep {
    /// A member by name.
    Member(String),
    /// The member that `entity.X` names.
    EntityMember(String),
    /// Each item of a list.
    Each,
    /// One item of a list.
    Item(usize),
    /// Any one key.
    Any,
}

/// A path into an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// The text it was written as.
    pub text: String,
    /// Where it starts.
    pub root: SelectorRoot,
    /// Its steps.
    pub steps: Vec<SelectorStep>,
    /// `count(path)`: how many it selects.
    pub count: bool,
    /// `path?`: finding nothing is no fault.
    pub optional: bool,
}

impl Selector {
    /// Reads a selector of an answer (`body.x`, `header.X`, `count(body.x[])`).
    ///
    /// # Errors
    /// What is wrong with it, and help where there is some.
    pub fn parse(text: &str) -> Result<Self, (String, Option<String>)> {
        let (text, optional) = text.strip_suffix('?').map_or((text, false), |text| (text, true));
        let (inner, count) = uncounted(text);
        let mut steps = steps(inner)?.into_iter();
        let root = match steps.next() {
            Some(SelectorStep::Member(root)) => match root.as_str() {
                "body" => SelectorRoot::Body,
                "header" => SelectorRoot::Header,
                "cookie" => SelectorRoot::Cookie,
                "status" => SelectorRoot::Status,
                "decoded" => SelectorRoot::Decoded,
                "each" => SelectorRoot::Each,
                "query" => SelectorRoot::Query,
                "form" => SelectorRoot::Form,
                other => {
                    let known = ["body", "header", "cookie", "status", "decoded", "each", "query", "form"];
                    let message = format!("`{text}` starts with `{other}`, which is no part of an answer");
                    return Err((message, Some(did_you_mean(other, known))));
                }
            },
            Some(SelectorStep::EntityMember(_) | SelectorStep::Each | SelectorStep::Item(_) | SelectorStep::Any)
            | None => return Err((format!("`{text}` names no part of an answer"), None)),
        };
        Ok(Self { text: text.to_owned(), root, steps: steps.collect(), count, optional })
    }

    /// Reads a path into a record (`CardCode`, `count(DocumentLines)`).
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse_in_record(text: &str) -> Result<Self, (String, Option<String>)> {
        let (inner, count) = uncounted(text);
        Ok(Self { text: text.to_owned(), root: SelectorRoot::Record, steps: steps(inner)?, count, optional: false })
    }

    /// Reads a path into one item of an answer: `each.error.code`, or `error.code` in short.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse_in_item(text: &str) -> Result<Self, (String, Option<String>)> {
        let inner = text.strip_prefix("each.").unwrap_or(text);
        Ok(Self {
            text: text.to_owned(),
            root: SelectorRoot::Each,
            steps: steps(inner)?,
            count: false,
            optional: false,
        })
    }

    /// The dotted path of member names, list steps left out.
    #[must_use]
    pub fn field_path(&self) -> String {
        let names: Vec<&str> = self
            .steps
            .iter()
            .filter_map(|step| match step {
                SelectorStep::Member(name) => Some(name.as_str()),
                SelectorStep::EntityMember(_) | SelectorStep::Each | SelectorStep::Item(_) | SelectorStep::Any => None,
            })
            .collect();
        names.join(".")
    }
}

fn uncounted(text: &str) -> (&str, bool) {
    match text.strip_prefix("count(").and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => (inner, true),
        None => (text, false),
    }
}

fn steps(text: &str) -> Result<Vec<SelectorStep>, (String, Option<String>)> {
    let fault =
        || (format!("`{text}` is no selector"), Some("write `body.a.b`, `body.items[]` or `body[\"a.b\"]`".to_owned()));
    let mut steps = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('[') {
            let (inner, after) = after.split_once(']').ok_or_else(fault)?;
            steps.push(bracketed(inner).ok_or_else(fault)?);
            rest = after;
            continue;
        }
        let word = match rest.strip_prefix('.') {
            Some(after) if !steps.is_empty() => after,
            None if steps.is_empty() => rest,
            Some(_) | None => return Err(fault()),
        };
        let end = word.find(['.', '[']).unwrap_or(word.len());
        let (name, after) = word.split_at_checked(end).ok_or_else(fault)?;
        if name.is_empty() {
            return Err(fault());
        }
        steps.push(if name == "*" { SelectorStep::Any } else { SelectorStep::Member(name.to_owned()) });
        rest = after;
    }
    if steps.is_empty() { Err(fault()) } else { Ok(steps) }
}

fn bracketed(inner: &str) -> Option<SelectorStep> {
    if inner.is_empty() {
        return Some(SelectorStep::Each);
    }
    if let Some(quoted) = inner.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return Some(SelectorStep::Member(quoted.to_owned()));
    }
    if let Some(own) = inner.strip_prefix("entity.") {
        return Some(SelectorStep::EntityMember(own.to_owned()));
    }
    inner.parse().ok().map(SelectorStep::Item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms() {
        let steps = |text: &str| Selector::parse(text).unwrap().steps;
        assert_eq!(
            steps("body.a[].b"),
            [SelectorStep::Member("a".into()), SelectorStep::Each, SelectorStep::Member("b".into())]
        );
        assert_eq!(steps("body[\"@odata.etag\"]"), [SelectorStep::Member("@odata.etag".into())]);
        assert_eq!(steps("body[entity.key]"), [SelectorStep::EntityMember("key".into())]);
        assert_eq!(
            steps("body.data[0].x"),
            [SelectorStep::Member("data".into()), SelectorStep::Item(0), SelectorStep::Member("x".into())]
        );
        assert_eq!(steps("body.*"), [SelectorStep::Any]);
        assert!(Selector::parse("count(body.x[])").unwrap().count);
        assert_eq!(Selector::parse("header.Retry-After").unwrap().root, SelectorRoot::Header);
        assert_eq!(Selector::parse_in_record("count(DocumentLines)").unwrap().field_path(), "DocumentLines");
    }

    #[test]
    fn misspelt_root() {
        assert_eq!(Selector::parse("bdoy.x").unwrap_err().1.unwrap(), "did you mean `body`?");
        assert!(Selector::parse("body..x").is_err());
        assert!(Selector::parse("body[x").is_err());
    }
}
