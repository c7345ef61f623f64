//! Templates: `{root.path}`, `{root.path?}`, `{root.path | pipe}`. In: text. Out: parts; nothing is evaluated here.

use crate::fault::{At, did_you_mean};

/// Roots that a template may name, in the order of `manifest.md` 1.
pub(crate) const ROOTS: &[&str] = &[
    "config",
    "secret",
    "session",
    "entity",
    "page",
    "cursor",
    "field",
    "value",
    "values",
    "terms",
    "key",
    "parent",
    "record",
    "records",
    "merged",
    "version",
    "create_key",
    "body",
    "header",
    "cookie",
    "status",
    "query",
    "form",
    "each",
    "match",
    "index",
    "webhook",
    "now",
    "job",
];

/// A text with slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Where it stands.
    pub at: At,
    /// Its parts in order.
    pub parts: Vec<TemplatePart>,
}

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplatePart {
    /// Text as it stands.
    Literal(String),
    /// A value to fill in.
    Slot(Slot),
}

/// `{root.path? | pipe}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// `config`, `record`, ... or the name of a `let`.
    pub root: String,
    /// Steps after the root.
    pub path: Vec<String>,
    /// `?`: a missing value removes the entry.
    pub optional: bool,
    /// Pipes in order.
    pub pipes: Vec<Pipe>,
}

/// A pipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pipe {
    /// As JSON text.
    Json,
    /// Base64 of the text.
    Base64,
    /// Base64 for URLs, without padding.
    Base64Url,
    /// As text.
    Text,
    /// In quotes, for search languages: those of `filters.quote`, else double ones.
    Quoted,
    /// As the manifest's codec writes it (`named_xml`: the text of an XML document).
    Encode,
    /// List items joined.
    Join(String),
}

/// A tree with templates in its leaves: the body of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    /// `null`.
    Null,
    /// `true`, `false`.
    Boolean(bool),
    /// Digits.
    Number(String),
    /// A text with slots; one that is a single slot keeps the value's type.
    Text(Template),
    /// A list.
    List(Vec<TreeItem>),
    /// An object.
    Map(Vec<TreeMember>),
}

/// An item of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreeItem {
    /// One item.
    One(Tree),
    /// `"*{terms}"`: the items of a list.
    Spread(Template),
}

/// A member of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreeMember {
    /// `name: value`.
    One(String, Tree),
    /// `"...": "{record}"`: the members of an object.
    Spread(Template),
}

impl Template {
    /// The slots in order.
    pub fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.parts.iter().filter_map(|part| match part {
            TemplatePart::Slot(slot) => Some(slot),
            TemplatePart::Literal(_) => None,
        })
    }

    /// The slot, if the text is one slot and nothing else.
    #[must_use]
    pub fn single(&self) -> Option<&Slot> {
        match self.parts.as_slice() {
            [TemplatePart::Slot(slot)] => Some(slot),
            _ => None,
        }
    }

    /// The text, if it has no slots.
    #[must_use]
    pub fn literal(&self) -> Option<String> {
        self.parts.iter().try_fold(String::new(), |text, part| match part {
            TemplatePart::Literal(literal) => Some(text + literal),
            TemplatePart::Slot(_) => None,
        })
    }

    /// Reads a text; `lets` are the names that stand beside the request.
    pub(crate) fn parse(text: &str, at: At, lets: &[String]) -> Result<Self, (String, Option<String>)> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '{' | '}' if letters.peek() == Some(&letter) => {
                    letters.next();
                    literal.push(letter);
                }
                '{' => {
                    let mut inner = String::new();
                    loop {
                        match letters.next() {
                            Some('}') => break,
                            Some('{') | None => {
                                let help = "write `{{` and `}}` for braces that are meant as such".to_owned();
                                return Err((
                                    format!("the template `{text}` has a brace that is not closed"),
                                    Some(help),
                                ));
                            }
                            Some(other) => inner.push(other),
                        }
                    }
                    if !literal.is_empty() {
                        parts.push(TemplatePart::Literal(std::mem::take(&mut literal)));
                    }
                    parts.push(TemplatePart::Slot(Slot::parse(&inner, lets)?));
                }
                '}' => {
                    return Err((format!("the template `{text}` closes a brace that was not opened"), None));
                }
                other => literal.push(other),
            }
        }
        if !literal.is_empty() {
            parts.push(TemplatePart::Literal(literal));
        }
        Ok(Self { at, parts })
    }
}

impl Slot {
    fn parse(inner: &str, lets: &[String]) -> Result<Self, (String, Option<String>)> {
        let pieces = pieces(inner);
        let mut pieces = pieces.iter().map(|piece| piece.trim());
        let path = pieces.next().unwrap_or_default();
        let (path, optional) = match path.strip_suffix('?') {
            Some(path) => (path.trim_end(), true),
            None => (path, false),
        };
        let mut steps = path.split('.').map(str::to_owned);
        let root = steps.next().unwrap_or_default();
        if root.is_empty() || path.split('.').any(|step| step.is_empty() || step.contains(char::is_whitespace)) {
            return Err((format!("`{{{inner}}}` is no path"), Some("write `{root.path}`".to_owned())));
        }
        if !ROOTS.contains(&root.as_str()) && !lets.contains(&root) {
            let known = ROOTS.iter().copied().chain(lets.iter().map(String::as_str));
            let help = did_you_mean(&root, known.clone());
            return Err((format!("nothing called `{root}` can be used in a template"), Some(help)));
        }
        let pipes = pieces.map(Pipe::parse).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { root, path: steps.collect(), optional, pipes })
    }
}

/// The parts between the bars; a bar in quotes is none.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut quote = None;
    for letter in text.chars() {
        match (quote, letter) {
            (None, '|') => pieces.push(String::new()),
            (_, letter) => {
                quote = match (quote, letter) {
                    (None, '\'' | '"') => Some(letter),
                    (Some(open), letter) if open == letter => None,
                    (quote, _) => quote,
                };
                if let Some(last) = pieces.last_mut() {
                    last.push(letter);
                }
            }
        }
    }
    pieces
}

impl Pipe {
    fn parse(text: &str) -> Result<Self, (String, Option<String>)> {
        match text {
            "json" => Ok(Self::Json),
            "base64" => Ok(Self::Base64),
            "base64url" => Ok(Self::Base64Url),
            "text" => Ok(Self::Text),
            "quoted" => Ok(Self::Quoted),
            "encode" => Ok(Self::Encode),
            other => match other.strip_prefix("join(").and_then(|rest| rest.strip_suffix(')')) {
                Some(separator) => Ok(Self::Join(separator.trim_matches(['"', '\'']).to_owned())),
                None => {
                    let known = ["json", "base64", "base64url", "text", "quoted", "encode", "join(SEP)"];
                    Err((format!("there is no pipe `{other}`"), Some(did_you_mean(other, known))))
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Template, (String, Option<String>)> {
        Template::parse(text, At::default(), &["context".to_owned()])
    }

    #[test]
    fn slots_braces_and_pipes() {
        let template = parse("a{{b}}{record.x.y?}/{context | json | base64url}").unwrap();
        assert_eq!(template.parts.len(), 4);
        assert_eq!(template.parts[0], TemplatePart::Literal("a{b}".to_owned()));
        let slots: Vec<&Slot> = template.slots().collect();
        assert!(slots[0].optional);
        assert_eq!(slots[0].path, ["x", "y"]);
        assert_eq!(slots[1].pipes, [Pipe::Json, Pipe::Base64Url]);
        let joined = parse("{values | join('|') | quoted}").unwrap();
        assert_eq!(joined.single().unwrap().pipes, [Pipe::Join("|".to_owned()), Pipe::Quoted]);
    }

    #[test]
    fn faults_say_what_is_meant() {
        assert_eq!(parse("{recrod.x}").unwrap_err().1.unwrap(), "did you mean `record`?");
        assert!(parse("{record").unwrap_err().0.contains("not closed"));
        assert_eq!(parse("{record | bas64}").unwrap_err().1.unwrap(), "did you mean `base64`?");
    }
}
