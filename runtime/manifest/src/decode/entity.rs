//! Entities and actions from YAML, defaults merged in.

use std::borrow::Cow;
use std::sync::Arc;

use indexmap::IndexMap;

use super::fields::{Decoder, Fields};
use crate::fault::{At, did_you_mean};
use crate::model::{
    Action, ActionProbe, BatchForm, BatchOutcome, CreateProbe, Entity, FilterField, LetterCase, Normalise, Operation,
    ProbeTarget, Verb,
};
use crate::node::{Entry, Node, Value};
use crate::template::{Template, TemplatePart};

/// The chain of `like` is no longer than this.
const LIKE_DEPTH_MAX: usize = 8;
/// Entries of an entity that templates may name.
const OWN_ENTRIES: [&str; 5] = ["path", "name", "public", "type", "key"];

/// What holds for every entity that says nothing else.
struct Defaults<'n> {
    changes: Option<&'n Node>,
    operations: &'n [Entry],
    /// Those operations that were read already, and without a fault.
    read: Vec<(Verb, Arc<Operation>)>,
}

impl Decoder {
    pub(crate) fn entities_and_actions(
        &mut self,
        fields: &mut Fields<'_>,
        changes: Option<&Node>,
        operations: Option<&Node>,
    ) -> (IndexMap<String, Entity>, IndexMap<String, Action>) {
        let at = fields.at;
        let operations = operations.and_then(|node| self.entries(node, "`operations`")).unwrap_or_default();
        for entry in operations {
            if Verb::of(&entry.key).is_none() {
                let help = did_you_mean(&entry.key, Verb::ALL.into_iter().map(Verb::word));
                self.faults.add_with_help(entry.key_at, format!("there is no operation `{}`", entry.key), help);
            }
        }
        let Some(node) = fields.get("entities") else {
            self.faults.add(at, "this manifest has no `entities`");
            return (IndexMap::new(), IndexMap::new());
        };
        let entries = self.entries(node, "`entities`").unwrap_or_default();
        let mut defaults = Defaults { changes, operations, read: Vec::new() };
        let entities: IndexMap<String, Entity> = entries
            .iter()
            .filter_map(|entry| {
                let merged = self.like(entry, entries);
                self.entity(entry, &merged, &mut defaults).map(|entity| (entry.key.clone(), entity))
            })
            .collect();
        let actions = fields.get("actions").map(|node| self.actions(node)).unwrap_or_default();
        self.check_mentioned_entities(&entities, &actions);
        (entities, actions)
    }

    /// The entity with what it is `like` laid below.
    fn like<'n>(&mut self, entry: &'n Entry, entries: &[Entry]) -> Cow<'n, Node> {
        let mut merged = Cow::Borrowed(&entry.node);
        let mut next = entry.node.get("like").and_then(Node::leaf);
        for _ in 0..LIKE_DEPTH_MAX {
            let Some(name) = next else { return merged };
            let Some(other) = entries.iter().find(|known| known.key == name) else {
                let help = did_you_mean(&name, entries.iter().map(|known| known.key.as_str()));
                self.faults.add_with_help(
                    entry.node.at,
                    format!("`{}` is like `{name}`, which is no entity here", entry.key),
                    help,
                );
                return merged;
            };
            merged = Cow::Owned(other.node.overlaid(&merged));
            next = other.node.get("like").and_then(Node::leaf);
        }
        self.faults.add(entry.node.at, format!("`{}` is like itself in a circle", entry.key));
        merged
    }

    fn entity(&mut self, entry: &Entry, node: &Node, defaults: &mut Defaults<'_>) -> Option<Entity> {
        let what = format!("entity `{}`", entry.key);
        let mut fields = self.fields(node, &what)?;
        fields.get("like");
        let own = self.own_entries(&entry.key, entry.key_at, &mut fields);
        let parent = fields.get("parent").and_then(|node| Some((self.text(node, "`parent`")?, node.at)));
        let can = self.can(&mut fields, &what);
        let filter_on = fields.get("filter_on").map(|node| self.filter_on(node)).unwrap_or_default();
        let (expand, connections) = fields.get("expand").map(|node| self.expand(node)).unwrap_or_default();
        let types = fields.get("types").map(|node| self.types(node)).unwrap_or_default();
        let changes_node = over(defaults.changes, fields.get("changes"));
        let changes = changes_node.and_then(|node| self.changes(&node));
        let probe = fields.get("probe").and_then(|node| self.create_probe(node));
        let settle = fields.get("settle").and_then(|node| self.duration(node, "`settle`"));
        let mut operations = Vec::new();
        for verb in Verb::ALL {
            let own = fields.get(verb.word());
            if !can.contains(&verb) {
                continue;
            }
            let default = defaults.operations.iter().find(|entry| entry.key == verb.word()).map(|entry| &entry.node);
            match over(default, own) {
                Some(described) => {
                    let of_all = own.is_none();
                    let known = defaults.read.iter().find(|(known, _)| of_all && *known == verb);
                    if let Some((_, operation)) = known {
                        operations.push((verb, Arc::clone(operation)));
                        continue;
                    }
                    let faults = self.faults.count();
                    let operation = self.operation(&described, &format!("`{}` of {what}", verb.word())).map(Arc::new);
                    if let Some(operation) = operation.as_ref().filter(|_| of_all && self.faults.count() == faults) {
                        defaults.read.push((verb, Arc::clone(operation)));
                    }
                    // What is written and cannot be read is told where it stands.
                    let said = |key: &str| described.get(key).is_some();
                    let tells = operation.is_none()
                        || match verb {
                            Verb::List | Verb::Find => said("records"),
                            Verb::Get => said("record") || said("records"),
                            Verb::Create | Verb::Update | Verb::Upsert | Verb::Delete | Verb::Batch => true,
                        };
                    if !tells {
                        let (key, example) = match verb {
                            Verb::Get => ("record", "record: body"),
                            _ => ("records", "records: \"body.items[]\""),
                        };
                        let message = format!("`{}` has no `{key}`: where in the answer that is", verb.word());
                        self.faults.add_with_help(described.at, message, format!("write for example `{example}`"));
                    }
                    operations.extend(operation.map(|operation| (verb, operation)));
                }
                None => {
                    let word = verb.word();
                    let message = format!("{what} can `{word}`, but no such operation is described");
                    let help = format!(
                        "write `{word}: {{ request: ... }}` here, or for all entities under `operations`, or take it out of `can`"
                    );
                    self.faults.add_with_help(entry.key_at, message, help);
                }
            }
        }
        fields.finish(self, &[]);
        let batch =
            operations.iter().find_map(|(_, operation)| operation.batch.as_ref().map(|batch| (operation, batch)));
        if let (Some(_), Some((operation, batch))) = (&parent, batch)
            && batch.form == BatchForm::Body
            && batch.outcome == BatchOutcome::Atomic
        {
            let help = "take `batch` out of what this entity `can`, or say that its rows have outcomes of their own: `outcome: per_row`";
            self.faults.add_with_help(
                operation.at,
                format!(
                    "records of `{}` belong to several others, so one request cannot be all of them or none",
                    entry.key
                ),
                help,
            );
        }
        Some(Entity {
            name: entry.key.clone(),
            at: entry.key_at,
            entries: own,
            can,
            filter_on,
            expand,
            connections,
            types,
            parent,
            changes,
            probe,
            settle,
            operations,
        })
    }

    fn own_entries(&mut self, name: &str, at: At, fields: &mut Fields<'_>) -> IndexMap<String, Template> {
        let mut own = IndexMap::new();
        own.insert("name".to_owned(), Template { at, parts: vec![TemplatePart::Literal(name.to_owned())] });
        for key in OWN_ENTRIES {
            if let Some(template) = fields.get(key).and_then(|node| self.template(node, key)) {
                own.insert(key.to_owned(), template);
            }
        }
        own
    }

    /// A list of paths, or a map from paths to `{ page: n }` where they are lists of their own.
    fn expand(&mut self, node: &Node) -> (Vec<(String, At)>, IndexMap<String, u64>) {
        let Value::Map(entries) = &node.value else { return (self.field_names(node, "`expand`"), IndexMap::new()) };
        let mut connections = IndexMap::new();
        for entry in entries {
            let Some(mut fields) = self.fields(&entry.node, "`expand`") else { continue };
            if let Some(page) = fields.get("page").and_then(|node| self.number(node, "`page`")) {
                connections.insert(entry.key.clone(), page);
            }
            fields.finish(self, &[]);
        }
        (entries.iter().map(|entry| (entry.key.clone(), entry.key_at)).collect(), connections)
    }

    /// Paths, each with its types and their fields.
    fn types(&mut self, node: &Node) -> IndexMap<String, IndexMap<String, Vec<(String, At)>>> {
        let mut paths = IndexMap::new();
        for entry in self.entries(node, "`types`").unwrap_or_default() {
            let what = format!("the types of `{}`", entry.key);
            let of = self.entries(&entry.node, &what).unwrap_or_default();
            let of = of.iter().map(|kind| (kind.key.clone(), self.field_names(&kind.node, &what)));
            paths.insert(entry.key.clone(), of.collect());
        }
        paths
    }

    fn can(&mut self, fields: &mut Fields<'_>, what: &str) -> Vec<Verb> {
        let Some(node) = fields.get("can") else {
            self.faults.add(fields.at, format!("{what} does not say what it `can`"));
            return Vec::new();
        };
        self.texts(node, "`can`")
            .into_iter()
            .filter_map(|(word, at)| {
                let verb = Verb::of(&word);
                if verb.is_none() {
                    let help = did_you_mean(&word, Verb::ALL.into_iter().map(Verb::word));
                    self.faults.add_with_help(at, format!("there is no operation `{word}`"), help);
                }
                verb
            })
            .collect()
    }

    fn filter_on(&mut self, node: &Node) -> Vec<FilterField> {
        let Value::Map(entries) = &node.value else {
            return self
                .field_names(node, "`filter_on`")
                .into_iter()
                .map(|(pattern, at)| FilterField { pattern, tests: None, at })
                .collect();
        };
        let mut fields: Vec<FilterField> = Vec::new();
        for entry in entries {
            if !super::reading::COMPARISONS.contains(&entry.key.as_str()) {
                let help = did_you_mean(&entry.key, super::reading::COMPARISONS);
                self.faults.add_with_help(entry.key_at, format!("there is no comparison `{}`", entry.key), help);
                continue;
            }
            for (pattern, at) in self.field_names(&entry.node, "`filter_on`") {
                match fields.iter_mut().find(|field| field.pattern == pattern) {
                    Some(field) => field.tests.get_or_insert_default().push(entry.key.clone()),
                    None => fields.push(FilterField { pattern, tests: Some(vec![entry.key.clone()]), at }),
                }
            }
        }
        fields
    }

    fn create_probe(&mut self, node: &Node) -> Option<CreateProbe> {
        let mut fields = self.fields(node, "`probe`")?;
        let by = fields.get("by").map(|node| self.texts(node, "`by`")).unwrap_or_default();
        if by.is_empty() {
            self.faults.add(node.at, "`probe` does not say `by` which field");
        }
        let asked_as = fields.get("as").and_then(|node| self.text(node, "`as`"));
        let also_in = fields.get("also_in").map(|node| self.texts(node, "`also_in`")).unwrap_or_default();
        let conditions = fields.get("where").map(|node| self.literal_conditions(node)).unwrap_or_default();
        let compare = fields
            .get("compare")
            .map(|node| self.texts(node, "`compare`"))
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(text, at)| self.record_selector(&text, at))
            .collect();
        let normalise = fields.get("normalise").map(|node| self.normalise(node)).unwrap_or_default();
        fields.finish(self, &[]);
        Some(CreateProbe { at: node.at, by, asked_as, also_in, conditions, compare, normalise })
    }

    fn literal_conditions(&mut self, node: &Node) -> Vec<(String, crate::template::Tree)> {
        let entries = self.entries(node, "`where`").unwrap_or_default();
        entries.iter().filter_map(|entry| self.tree(&entry.node).map(|tree| (entry.key.clone(), tree))).collect()
    }

    fn normalise(&mut self, node: &Node) -> Normalise {
        let mut normalise = Normalise::default();
        let Some(mut fields) = self.fields(node, "`normalise`") else { return normalise };
        let trim = fields.get("trim").and_then(|node| self.word(node, "`trim`", &["both", "start", "end"]));
        normalise.trim_start = matches!(trim.as_deref(), Some("both" | "start"));
        normalise.trim_end = matches!(trim.as_deref(), Some("both" | "end"));
        normalise.case = fields
            .get("case")
            .and_then(|node| self.word(node, "`case`", &["upper", "lower"]))
            .map(|word| if word == "upper" { LetterCase::Upper } else { LetterCase::Lower });
        normalise.cut = fields
            .get("cut")
            .and_then(|node| self.number(node, "`cut`"))
            .and_then(|number| usize::try_from(number).ok());
        fields.finish(self, &[]);
        normalise
    }

    fn actions(&mut self, node: &Node) -> IndexMap<String, Action> {
        let entries = self.entries(node, "`actions`").unwrap_or_default();
        entries
            .iter()
            .filter_map(|entry| {
                let what = format!("action `{}`", entry.key);
                let members = self.entries(&entry.node, &what)?;
                // The probe is no part of the request, so the rest is read as an operation.
                let own_keys = ["probe", "changes", "path", "public", "type"];
                let rest = members.iter().filter(|member| !own_keys.contains(&member.key.as_str())).cloned().collect();
                let operation = self.operation(&Node { at: entry.node.at, value: Value::Map(rest) }, &what)?;
                let mut fields = self.fields(&entry.node, &what)?;
                let entries = self.own_entries(&entry.key, entry.key_at, &mut fields);
                let probe = entry.node.get("probe").and_then(|node| self.action_probe(node));
                let changes = entry.node.get("changes").map(|node| self.changed(node)).unwrap_or_default();
                Some((entry.key.clone(), Action { operation, entries, changes, probe }))
            })
            .collect()
    }

    /// The fields that an action changes, by entity.
    fn changed(&mut self, node: &Node) -> IndexMap<String, Vec<(String, At)>> {
        let entries = self.entries(node, "an action's `changes`").unwrap_or_default();
        entries.iter().map(|entry| (entry.key.clone(), self.field_names(&entry.node, "`changes`"))).collect()
    }

    fn action_probe(&mut self, node: &Node) -> Option<ActionProbe> {
        let mut fields = self.fields(node, "an action's `probe`")?;
        let read = fields.get("read").and_then(|node| self.text(node, "`read`"));
        let find = fields.get("find").and_then(|node| self.text(node, "`find`"));
        let key = fields.get("key").and_then(|node| self.template(node, "`key`"));
        let conditions = fields.get("where").map(|node| self.literal_conditions(node)).unwrap_or_default();
        let expect_node = fields.get("expect");
        let gone = expect_node.is_some_and(|node| matches!(&node.value, Value::Text(word) if word == "gone"));
        let expect: Vec<_> = match expect_node {
            Some(node) if !gone => self
                .entries(node, "`expect`")
                .unwrap_or_default()
                .iter()
                .filter_map(|entry| Some((self.record_selector(&entry.key, entry.key_at)?, self.matcher(&entry.node)?)))
                .collect(),
            Some(_) | None => Vec::new(),
        };
        fields.finish(self, &[]);
        if expect.is_empty() && !gone {
            self.faults.add(node.at, "this `probe` does not say what to `expect`");
        }
        let (entity, target) = match (read, find, key) {
            (Some(entity), None, Some(key)) if gone => (entity, ProbeTarget::Gone(key)),
            (Some(entity), None, Some(key)) => (entity, ProbeTarget::Key(key)),
            (None, Some(entity), None) if !conditions.is_empty() => (entity, ProbeTarget::Conditions(conditions)),
            (_, _, _) => {
                self.faults.add(node.at, "an action's probe is `read` with `key`, or `find` with `where`");
                return None;
            }
        };
        Some(ActionProbe { at: node.at, entity, target, expect })
    }

    fn check_mentioned_entities(&mut self, entities: &IndexMap<String, Entity>, actions: &IndexMap<String, Action>) {
        let mut mentioned: Vec<(&str, At)> = Vec::new();
        for probe in entities.values().filter_map(|entity| entity.probe.as_ref()) {
            mentioned.extend(probe.also_in.iter().map(|(name, at)| (name.as_str(), *at)));
        }
        mentioned.extend(
            actions.values().filter_map(|action| action.probe.as_ref()).map(|probe| (probe.entity.as_str(), probe.at)),
        );
        for action in actions.values() {
            mentioned.extend(action.changes.keys().map(|entity| (entity.as_str(), action.operation.at)));
        }
        mentioned.extend(
            entities.values().filter_map(|entity| entity.parent.as_ref()).map(|(name, at)| (name.as_str(), *at)),
        );
        for (name, at) in mentioned {
            if !entities.contains_key(name) {
                let help = did_you_mean(name, entities.keys().map(String::as_str));
                self.faults.add_with_help(at, format!("`{name}` is no entity of this manifest"), help);
            }
        }
    }
}

/// What an entity says itself, laid over what holds for all of them.
fn over<'n>(default: Option<&'n Node>, own: Option<&'n Node>) -> Option<Cow<'n, Node>> {
    match (default, own) {
        (Some(default), Some(own)) => Some(Cow::Owned(default.overlaid(own))),
        (default, own) => own.or(default).map(Cow::Borrowed),
    }
}
