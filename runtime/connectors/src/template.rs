//! Filling in templates. In: a template and a scope. Out: values, texts escaped for their position, or what is missing.
//! Nothing is sent here.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mapwright_engine::connector::Class;
use mapwright_manifest::{Codec, Pipe, Quote, Slot, Template, TemplatePart, Tree, TreeItem, TreeMember};
use mapwright_values::Json;
use secrecy::{ExposeSecret, SecretString};

/// How deep a `let` may name another `let`.
const LET_DEPTH_MAX: usize = 4;

/// A template that cannot be filled in: nothing is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unfilled {
    /// A record's value is missing: its own fault; otherwise the connection's.
    pub(crate) class: Class,
    /// What is missing, in words.
    pub(crate) message: String,
}

/// The values that templates may name, and how pipes spell them.
#[derive(Clone, Copy, Default)]
pub(crate) struct Scope<'s> {
    /// Roots by name, without secrets.
    pub(crate) roots: &'s [(&'s str, &'s Json<'static>)],
    /// Credentials; `None` where they may not be used.
    pub(crate) secrets: &'s [(String, SecretString)],
    /// What the log-in kept.
    pub(crate) session: &'s [(String, SecretString)],
    /// Trees beside the request.
    pub(crate) lets: &'s [(String, Tree)],
    /// What `quoted` quotes with; `None` = double quotes.
    pub(crate) quote: Option<&'s Quote>,
    /// What `encode` writes by; `None` = JSON.
    pub(crate) codec: Option<&'s Codec>,
}

impl<'s> Scope<'s> {
    /// The value of a slot; `None` = missing and allowed to be.
    pub(crate) fn value(&self, slot: &Slot) -> Result<Option<Json<'static>>, Unfilled> {
        self.value_at(slot, LET_DEPTH_MAX)
    }

    fn value_at(&self, slot: &Slot, depth: usize) -> Result<Option<Json<'static>>, Unfilled> {
        let raw = self.raw(slot, depth)?;
        // Nothing is a value where a value is asked for; a key, a version or a cursor that is nothing is missing.
        let may_be_nothing =
            slot.path.is_empty() && !matches!(slot.root.as_str(), "key" | "version" | "cursor" | "merged");
        match raw.filter(|value| !value.is_null() || may_be_nothing) {
            Some(value) => slot.pipes.iter().try_fold(value, |value, pipe| self.apply(value, pipe)).map(Some),
            None if slot.optional => Ok(None),
            None => Err(missing(slot)),
        }
    }

    fn raw(&self, slot: &Slot, depth: usize) -> Result<Option<Json<'static>>, Unfilled> {
        let kept = match slot.root.as_str() {
            "secret" => Some(self.secrets),
            "session" => Some(self.session),
            _ => None,
        };
        if let Some(kept) = kept {
            let name = slot.path.first().map_or("", String::as_str);
            let found = kept.iter().find(|(known, _)| known == name);
            return Ok(found.map(|(_, secret)| Json::text(secret.expose_secret().to_owned())));
        }
        if let Some((_, tree)) = self.lets.iter().find(|(name, _)| *name == slot.root) {
            return match depth.checked_sub(1) {
                Some(depth) => self.tree_at(tree, depth),
                None => Err(Unfilled { class: Class::Halt, message: format!("`let` {} names itself", slot.root) }),
            };
        }
        let root = self.roots.iter().find(|(name, _)| *name == slot.root).map(|(_, value)| *value);
        let found = slot.path.iter().try_fold(root, |value, step| match value {
            Some(value) => Some(value.get(step)),
            None => Some(None),
        });
        Ok(found.flatten().cloned())
    }

    /// A tree, filled in; `None` = it is one missing optional value.
    pub(crate) fn tree(&self, tree: &Tree) -> Result<Option<Json<'static>>, Unfilled> {
        self.tree_at(tree, LET_DEPTH_MAX)
    }

    fn tree_at(&self, tree: &Tree, depth: usize) -> Result<Option<Json<'static>>, Unfilled> {
        Ok(Some(match tree {
            Tree::Null => Json::Null,
            Tree::Boolean(value) => Json::Boolean(*value),
            Tree::Number(digits) => Json::Number(digits.clone().into()),
            Tree::Text(template) => match template.single() {
                Some(slot) => return self.value_at(slot, depth),
                None => return Ok(self.text(template)?.map(Json::text)),
            },
            Tree::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for item in items {
                    match item {
                        TreeItem::One(tree) => list.extend(self.tree_at(tree, depth)?),
                        TreeItem::Spread(template) => match self.single(template, depth)? {
                            Some(Json::List(more)) => list.extend(more),
                            Some(other) => list.push(other),
                            None => {}
                        },
                    }
                }
                Json::List(list)
            }
            Tree::Map(members) => {
                let mut record = Vec::with_capacity(members.len());
                for member in members {
                    match member {
                        TreeMember::One(name, tree) => {
                            let value = self.tree_at(tree, depth)?;
                            record.extend(value.map(|value| (self.member(name).into(), value)));
                        }
                        TreeMember::Spread(template) => match self.single(template, depth)? {
                            Some(Json::Record(more)) => record.extend(more),
                            Some(_) => {
                                let message = "`...` can only spread an object".to_owned();
                                return Err(Unfilled { class: Class::Halt, message });
                            }
                            None => {}
                        },
                    }
                }
                Json::Record(record)
            }
        }))
    }

    /// The name of a member; `{index}` is filled in where terms are numbered.
    fn member(&self, name: &str) -> String {
        match self.roots.iter().find(|(root, _)| *root == "index") {
            Some((_, index)) => name.replace("{index}", &plain(index)),
            None => name.to_owned(),
        }
    }

    fn apply(&self, value: Json<'static>, pipe: &Pipe) -> Result<Json<'static>, Unfilled> {
        match (pipe, self.quote, self.codec) {
            (Pipe::Quoted, Some(quote), _) => Ok(Json::text(quoted(&plain(&value), quote))),
            (Pipe::Encode, _, Some(codec)) => crate::codec::encode(codec, &value)
                .map(Json::text)
                .map_err(|message| Unfilled { class: Class::Permanent, message }),
            (_, _, _) => apply(value, pipe),
        }
    }

    fn single(&self, template: &Template, depth: usize) -> Result<Option<Json<'static>>, Unfilled> {
        match template.single() {
            Some(slot) => self.value_at(slot, depth),
            None => Ok(self.text(template)?.map(Json::text)),
        }
    }

    /// A text without escaping (the base, a header before its check); `None` = an optional value is missing.
    pub(crate) fn text(&self, template: &Template) -> Result<Option<String>, Unfilled> {
        self.text_with(template, |_, text| text.to_owned())
    }

    /// A text whose slots are escaped; literals stand as they are.
    pub(crate) fn text_with(
        &self,
        template: &Template,
        escape: impl Fn(&Slot, &str) -> String,
    ) -> Result<Option<String>, Unfilled> {
        let mut text = String::new();
        for part in &template.parts {
            match part {
                TemplatePart::Literal(literal) => text.push_str(literal),
                TemplatePart::Slot(slot) => match self.value(slot)? {
                    Some(value) => text.push_str(&escape(slot, &plain(&value))),
                    None => return Ok(None),
                },
            }
        }
        Ok(Some(text))
    }

    /// A header's value.
    pub(crate) fn header(&self, name: &str, template: &Template) -> Result<Option<String>, Unfilled> {
        let value = self.text(template)?;
        if value.as_ref().is_some_and(|value| value.chars().any(|letter| letter.is_control())) {
            let message = format!("the value for header {name} holds a line break or control character");
            return Err(Unfilled { class: Class::Permanent, message });
        }
        Ok(value)
    }
}

fn missing(slot: &Slot) -> Unfilled {
    let name = if slot.path.is_empty() { slot.root.clone() } else { format!("{}.{}", slot.root, slot.path.join(".")) };
    let class = match slot.root.as_str() {
        "record" | "records" | "key" | "parent" | "merged" => Class::Permanent,
        _ => Class::Halt,
    };
    Unfilled { class, message: format!("`{name}` has no value, and the request needs one") }
}

fn apply(value: Json<'static>, pipe: &Pipe) -> Result<Json<'static>, Unfilled> {
    Ok(match pipe {
        Pipe::Json => Json::text(value.to_text()),
        Pipe::Text => Json::text(plain(&value)),
        Pipe::Base64 => Json::text(STANDARD.encode(plain(&value))),
        Pipe::Base64Url => Json::text(URL_SAFE_NO_PAD.encode(plain(&value))),
        Pipe::Quoted => Json::text(format!("\"{}\"", plain(&value).replace('\\', "\\\\").replace('"', "\\\""))),
        Pipe::Encode => Json::text(value.to_text()),
        Pipe::Join(separator) => match value {
            Json::List(items) => {
                let items: Vec<String> = items.iter().map(plain).collect();
                Json::text(items.join(separator))
            }
            Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::Record(_) => value,
        },
    })
}

/// A text in the quotes of a search language.
fn quoted(text: &str, quote: &Quote) -> String {
    let mut inner = String::with_capacity(text.len());
    for letter in text.chars() {
        match quote.escape.iter().find(|(from, _)| from.chars().eq([letter])) {
            Some((_, to)) => inner.push_str(to),
            None => inner.push(letter),
        }
    }
    format!("{}{inner}{}", quote.open, quote.close)
}

/// A value as text: leaves as they are, the rest as JSON.
pub(crate) fn plain(value: &Json<'_>) -> String {
    match value {
        Json::Text(text) => text.as_ref().to_owned(),
        Json::Number(digits) => digits.as_ref().to_owned(),
        Json::Null => String::new(),
        Json::Boolean(_) | Json::List(_) | Json::Record(_) => value.to_text(),
    }
}

/// Percent-encoding of everything but unreserved characters.
pub(crate) fn percent(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}
