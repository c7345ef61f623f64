//! Reading maps key by key, so that every key that nobody asked for is a fault.

use std::time::Duration;

use crate::condition::{Condition, Expected, Matcher, Pattern};
use crate::fault::{At, Faults, did_you_mean};
use crate::model::Place;
use crate::node::{Entry, Node, Value};
use crate::selector::Selector;
use crate::template::{Template, Tree, TreeItem, TreeMember};

/// What `{page.X}` may name.
const PAGE: [&str; 4] = ["number", "offset", "size", "end"];

/// What all readers share: the faults and the names that templates may use.
pub(crate) struct Decoder {
    pub(crate) faults: Faults,
    pub(crate) config: Vec<String>,
    pub(crate) secrets: Vec<String>,
    /// Names of the `let` trees of the manifest, then of those beside the request that is being read.
    pub(crate) lets: Vec<String>,
    /// The manifest's own `let` trees: every request may name them.
    pub(crate) common_lets: Vec<(String, Tree)>,
    /// Names of the argument groups under `shared`.
    pub(crate) shared: Vec<String>,
    /// May templates name secrets here?
    pub(crate) secrets_allowed: bool,
    /// What the log-in keeps; `None` = it has not been read yet.
    pub(crate) kept: Option<Vec<String>>,
}

/// A map under reading.
pub(crate) struct Fields<'n> {
    pub(crate) at: At,
    what: String,
    entries: &'n [Entry],
    asked: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// The member of that key.
    pub(crate) fn get(&mut self, key: &'static str) -> Option<&'n Node> {
        self.asked.push(key);
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// Members whose key begins with one of these: `body.x`, `header.x`.
    pub(crate) fn with_prefix(&self, prefixes: &[&str]) -> Vec<&'n Entry> {
        self.entries.iter().filter(|entry| prefixes.iter().any(|prefix| entry.key.starts_with(prefix))).collect()
    }

    /// Tells every key that was not asked for.
    pub(crate) fn finish(self, decoder: &mut Decoder, open_prefixes: &[&str]) {
        for entry in self.entries {
            let known = self.asked.iter().any(|key| *key == entry.key)
                || open_prefixes.iter().any(|prefix| entry.key.starts_with(prefix));
            if !known {
                decoder.faults.add_with_help(
                    entry.key_at,
                    format!("{} has no key `{}`", self.what, entry.key),
                    did_you_mean(&entry.key, self.asked.iter().copied()),
                );
            }
        }
    }
}

impl Decoder {
    /// Opens a map.
    pub(crate) fn fields<'n>(&mut self, node: &'n Node, what: &str) -> Option<Fields<'n>> {
        let entries = self.entries(node, what)?;
        Some(Fields { at: node.at, what: what.to_owned(), entries, asked: Vec::new() })
    }

    /// The members of a map.
    pub(crate) fn entries<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Entry]> {
        match &node.value {
            Value::Map(entries) => Some(entries),
            Value::Null | Value::Boolean(_) | Value::Number(_) | Value::Text(_) | Value::List(_) => {
                self.faults.add(node.at, format!("{what} must be a map, not {}", node.kind()));
                None
            }
        }
    }

    /// A text, number or boolean as text.
    pub(crate) fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        let leaf = node.leaf();
        if leaf.is_none() {
            self.faults.add(node.at, format!("{what} must be a text, not {}", node.kind()));
        }
        leaf
    }

    /// A text or a list of texts.
    pub(crate) fn texts(&mut self, node: &Node, what: &str) -> Vec<(String, At)> {
        match &node.value {
            Value::List(items) => {
                items.iter().filter_map(|item| self.text(item, what).map(|text| (text, item.at))).collect()
            }
            Value::Null | Value::Boolean(_) | Value::Number(_) | Value::Text(_) | Value::Map(_) => {
                self.text(node, what).map(|text| (text, node.at)).into_iter().collect()
            }
        }
    }

    /// A name or a list of names. A word that YAML takes for something else is no name until it stands in quotes.
    pub(crate) fn field_names(&mut self, node: &Node, what: &str) -> Vec<(String, At)> {
        let items = match &node.value {
            Value::List(items) => items.as_slice(),
            Value::Null | Value::Boolean(_) | Value::Number(_) | Value::Text(_) | Value::Map(_) => {
                std::slice::from_ref(node)
            }
        };
        let mut names = Vec::with_capacity(items.len());
        for item in items {
            match &item.value {
                Value::Boolean(_) | Value::Null => self.faults.add_with_help(
                    item.at,
                    format!("{what}: YAML takes this word for {}, not for a name", item.kind()),
                    "put a field's name in quotes where YAML has a meaning for the word: \"No\", \"Yes\", \"On\", \"Null\"",
                ),
                Value::Number(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => {
                    names.extend(self.text(item, what).map(|text| (text, item.at)));
                }
            }
        }
        names
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&mut self, node: &Node, what: &str) -> bool {
        match &node.value {
            Value::Boolean(value) => *value,
            Value::Null | Value::Number(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => {
                self.faults.add(node.at, format!("{what} must be true or false, not {}", node.kind()));
                false
            }
        }
    }

    /// A whole number.
    pub(crate) fn number(&mut self, node: &Node, what: &str) -> Option<u64> {
        let number = node.leaf().and_then(|text| text.parse().ok());
        if number.is_none() {
            self.faults.add(node.at, format!("{what} must be a whole number"));
        }
        number
    }

    /// One word of a fixed set.
    pub(crate) fn word(&mut self, node: &Node, what: &str, known: &[&str]) -> Option<String> {
        let text = self.text(node, what)?;
        if known.contains(&text.as_str()) {
            return Some(text);
        }
        let message = format!("{what} cannot be `{text}`");
        self.faults.add_with_help(node.at, message, did_you_mean(&text, known.iter().copied()));
        None
    }

    /// `10 min`, `110 s`, `1 day`.
    pub(crate) fn duration(&mut self, node: &Node, what: &str) -> Option<Duration> {
        let text = self.text(node, what)?;
        let parsed = parse_duration(&text);
        if parsed.is_none() {
            let message = format!("{what}: `{text}` is no length of time");
            self.faults.add_with_help(node.at, message, "write a number and a unit: us, ms, s, min, h or day");
        }
        parsed
    }

    /// `2 mb`, `500 kb`.
    pub(crate) fn bytes(&mut self, node: &Node, what: &str) -> Option<usize> {
        let text = self.text(node, what)?;
        let parsed = parse_bytes(&text);
        if parsed.is_none() {
            self.faults.add_with_help(node.at, format!("{what}: `{text}` is no size"), "write for example `16 mb`");
        }
        parsed
    }

    /// A text with slots.
    pub(crate) fn template(&mut self, node: &Node, what: &str) -> Option<Template> {
        let text = self.text(node, what)?;
        self.template_of(&text, node.at)
    }

    /// A text with slots, names checked.
    pub(crate) fn template_of(&mut self, text: &str, at: At) -> Option<Template> {
        let template = match Template::parse(text, at, &self.lets) {
            Ok(template) => template,
            Err((message, help)) => {
                match help {
                    Some(help) => self.faults.add_with_help(at, message, help),
                    None => self.faults.add(at, message),
                }
                return None;
            }
        };
        for slot in template.slots() {
            let name = slot.path.first().map_or("", String::as_str);
            match slot.root.as_str() {
                "config" if name != "url" && !self.config.iter().any(|known| known == name) => {
                    let help = match self.config.is_empty() {
                        true => "the system's address is `{config.url}`; what else the deployment gives is declared: `config: { NAME: { required: true, about: \"...\" } }`".to_owned(),
                        false => did_you_mean(name, self.config.iter().map(String::as_str)),
                    };
                    self.faults.add_with_help(at, format!("`{name}` is not declared under `config`"), help);
                }
                "secret" if !self.secrets.iter().any(|known| known == name) => {
                    let help = did_you_mean(name, self.secrets.iter().map(String::as_str));
                    self.faults.add_with_help(at, format!("`{name}` is not declared under `secrets`"), help);
                }
                "secret" if !self.secrets_allowed => {
                    let help = "secrets may stand in `auth`, `webhooks` and `headers` only";
                    self.faults.add_with_help(at, format!("the secret `{name}` may not be used here"), help);
                }
                "page" if !PAGE.contains(&name) => {
                    let help = did_you_mean(name, PAGE);
                    self.faults.add_with_help(at, format!("a page has no `{name}`"), help);
                }
                "session" => {
                    if let Some(kept) = self.kept.as_ref().filter(|kept| !kept.iter().any(|known| known == name)) {
                        let help = did_you_mean(name, kept.iter().map(String::as_str));
                        self.faults.add_with_help(at, format!("the log-in keeps no `{name}`"), help);
                    }
                }
                _ => {}
            }
        }
        Some(template)
    }

    /// Named templates: headers, query, form.
    pub(crate) fn named_templates(&mut self, node: &Node, what: &str) -> Vec<(String, Template)> {
        let entries = self.entries(node, what).unwrap_or_default();
        entries
            .iter()
            .filter_map(|entry| self.template(&entry.node, what).map(|template| (entry.key.clone(), template)))
            .collect()
    }

    /// A tree with templates in its leaves.
    pub(crate) fn tree(&mut self, node: &Node) -> Option<Tree> {
        Some(match &node.value {
            Value::Null => Tree::Null,
            Value::Boolean(value) => Tree::Boolean(*value),
            Value::Number(digits) => Tree::Number(digits.clone()),
            Value::Text(text) => Tree::Text(self.template_of(text, node.at)?),
            Value::List(items) => Tree::List(items.iter().filter_map(|item| self.tree_item(item)).collect()),
            Value::Map(entries) => Tree::Map(entries.iter().filter_map(|entry| self.tree_member(entry)).collect()),
        })
    }

    fn tree_item(&mut self, node: &Node) -> Option<TreeItem> {
        if let Value::Text(text) = &node.value
            && let Some(spread) = text.strip_prefix('*')
            && spread.starts_with('{')
        {
            return self.template_of(spread, node.at).map(TreeItem::Spread);
        }
        self.tree(node).map(TreeItem::One)
    }

    fn tree_member(&mut self, entry: &Entry) -> Option<TreeMember> {
        if entry.key == "..." {
            return self.template(&entry.node, "`...`").map(TreeMember::Spread);
        }
        self.tree(&entry.node).map(|tree| TreeMember::One(entry.key.clone(), tree))
    }

    /// One selector or a list of them.
    pub(crate) fn selectors(&mut self, node: &Node, what: &str) -> Vec<Selector> {
        self.texts(node, what).into_iter().filter_map(|(text, at)| self.selector(&text, at)).collect()
    }

    pub(crate) fn selector(&mut self, text: &str, at: At) -> Option<Selector> {
        self.read_selector(Selector::parse(text), at)
    }

    pub(crate) fn record_selector(&mut self, text: &str, at: At) -> Option<Selector> {
        self.read_selector(Selector::parse_in_record(text), at)
    }

    fn read_selector(&mut self, parsed: Result<Selector, (String, Option<String>)>, at: At) -> Option<Selector> {
        match parsed {
            Ok(selector) => Some(selector),
            Err((message, Some(help))) => {
                self.faults.add_with_help(at, message, help);
                None
            }
            Err((message, None)) => {
                self.faults.add(at, message);
                None
            }
        }
    }

    /// A map of conditions over an answer.
    pub(crate) fn conditions(&mut self, node: &Node, what: &str) -> Vec<Condition> {
        let entries = self.entries(node, what).unwrap_or_default();
        entries.iter().filter_map(|entry| self.condition(entry)).collect()
    }

    pub(crate) fn condition(&mut self, entry: &Entry) -> Option<Condition> {
        let subject = self.selector(&entry.key, entry.key_at)?;
        let matcher = self.matcher(&entry.node)?;
        Some(Condition { subject, matcher })
    }

    /// What a value must be.
    pub(crate) fn matcher(&mut self, node: &Node) -> Option<Matcher> {
        match &node.value {
            Value::Map(_) => self.table(node),
            Value::List(items) => Some(Matcher::AnyOf(items.iter().filter_map(|item| self.expected(item)).collect())),
            Value::Null => Some(Matcher::Absent),
            Value::Text(word) if word == "present" => Some(Matcher::Present),
            Value::Text(word) if word == "absent" => Some(Matcher::Absent),
            Value::Text(word) if word == "empty" => Some(Matcher::Empty),
            Value::Text(word) if word == "not_empty" => Some(Matcher::NotEmpty),
            Value::Text(_) | Value::Number(_) | Value::Boolean(_) => Some(Matcher::AnyOf(vec![self.expected(node)?])),
        }
    }

    fn expected(&mut self, node: &Node) -> Option<Expected> {
        let text = self.text(node, "an expected value")?;
        if let Some(expression) = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
            return self.pattern(expression, node.at).map(Expected::Pattern);
        }
        if text.contains('{') {
            return self.template_of(&text, node.at).map(Expected::Template);
        }
        Some(Expected::Text(text))
    }

    pub(crate) fn pattern(&mut self, expression: &str, at: At) -> Option<Pattern> {
        match Pattern::new(expression) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                self.faults.add(at, format!("`/{expression}/` is no regular expression: {error}"));
                None
            }
        }
    }

    fn table(&mut self, node: &Node) -> Option<Matcher> {
        let entries = self.entries(node, "an expectation")?;
        let Some(of) = node.get("of").and_then(Node::leaf) else {
            self.faults.add_with_help(node.at, "this table does not say what it goes by", "write `of: record.FIELD`");
            return None;
        };
        let Some(of) = of.strip_prefix("record.") else {
            self.faults.add(node.at, format!("a table goes by a field of the record, not by `{of}`"));
            return None;
        };
        let rows = entries
            .iter()
            .filter(|entry| entry.key != "of")
            .filter_map(|entry| self.text(&entry.node, "a table's value").map(|value| (entry.key.clone(), value)))
            .collect();
        Some(Matcher::Table { of: of.split('.').map(str::to_owned).collect(), rows })
    }

    /// One selector into an item of an answer.
    pub(crate) fn item_selector(&mut self, node: &Node, what: &str) -> Option<Selector> {
        let text = self.text(node, what)?;
        self.read_selector(Selector::parse_in_item(&text), node.at)
    }

    /// A text that is one path (`header.X`) or a template (`{each.id}/{each.time}`).
    pub(crate) fn path_or_template(&mut self, node: &Node, what: &str) -> Option<Template> {
        let text = self.text(node, what)?;
        let text = if text.contains('{') { text } else { format!("{{{text}}}") };
        self.template_of(&text, node.at)
    }

    /// Where something goes: `body.a.b`, `query.page`, `variables.after`, `args.keys`, `header.X`.
    pub(crate) fn place(&mut self, node: &Node, what: &str) -> Option<Place> {
        let text = self.text(node, what)?;
        self.place_of(&text, node.at)
    }

    /// As [`Self::place`], of a text.
    pub(crate) fn place_of(&mut self, text: &str, at: At) -> Option<Place> {
        let (root, path) = text.split_once('.').map_or((text, None), |(root, path)| (root, Some(path)));
        let steps = |path: &str| path.split('.').map(str::to_owned).collect::<Vec<String>>();
        match (root, path) {
            ("query", path) => Some(Place::Query(path.map(str::to_owned))),
            ("body", Some(path)) => Some(Place::Body(steps(path))),
            ("header", Some(name)) => Some(Place::Header(name.to_owned())),
            ("variables", Some(path)) => Some(Place::Variables(steps(path))),
            ("args", Some(path)) => Some(Place::Args(steps(path))),
            (_, _) => {
                let help = "write `body.NAME`, `query.NAME`, `header.NAME`, `variables.NAME` or `args.NAME`";
                self.faults.add_with_help(at, format!("`{text}` is no place in a request"), help);
                None
            }
        }
    }

    /// Places and what goes there: `{ query.page: "{page.number}", ... }`.
    pub(crate) fn placed(&mut self, node: &Node, what: &str) -> Vec<(Place, Tree)> {
        let entries = self.entries(node, what).unwrap_or_default();
        entries
            .iter()
            .filter_map(|entry| Some((self.place_of(&entry.key, entry.key_at)?, self.tree(&entry.node)?)))
            .collect()
    }

    /// `600 per 1 min`.
    pub(crate) fn rate(&mut self, node: &Node) -> Option<crate::model::Rate> {
        let text = self.text(node, "`rate`")?;
        let rate = text.split_once(" per ").and_then(|(requests, per)| {
            let requests = requests.trim().parse().ok().filter(|requests| *requests > 0)?;
            let per = parse_duration(per).filter(|per| !per.is_zero())?;
            Some(crate::model::Rate { requests, per })
        });
        if rate.is_none() {
            self.faults.add_with_help(node.at, format!("`{text}` is no rate"), "write for example `600 per 1 min`");
        }
        rate
    }
}

fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.trim().split_once(' ')?;
    let number: u64 = number.parse().ok()?;
    match unit.trim() {
        "us" => Some(Duration::from_micros(number)),
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "min" => number.checked_mul(60).map(Duration::from_secs),
        "h" => number.checked_mul(3600).map(Duration::from_secs),
        "d" | "day" | "days" => number.checked_mul(86_400).map(Duration::from_secs),
        _ => None,
    }
}

fn parse_bytes(text: &str) -> Option<usize> {
    let (number, unit) = text.trim().split_once(' ')?;
    let number: usize = number.parse().ok()?;
    match unit.trim().to_ascii_lowercase().as_str() {
        "kb" => number.checked_mul(1024),
        "mb" => number.checked_mul(1024 * 1024),
        _ => None,
    }
}
