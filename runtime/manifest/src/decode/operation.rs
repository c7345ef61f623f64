//! Operations from YAML.

use super::fields::{Decoder, Fields};
use crate::fault::{At, did_you_mean};
use crate::model::{
    Batch, BatchForm, BatchOutcome, BatchRow, Document, Job, Method, Operation, Repeat, SoapCall, Verb,
};
use crate::node::{Node, Value};
use crate::template::{Template, TemplatePart};

const METHODS: [Method; 5] = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];

/// The shape of an answer's key: a path into the answer, or the name of a unique field.
fn is_selector(text: &str) -> bool {
    ["body", "header", "cookie", "decoded", "each"]
        .iter()
        .any(|root| text.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '['])))
}

impl Decoder {
    /// `METHOD /path`.
    pub(crate) fn request(&mut self, text: &str, at: At) -> Option<(Method, Template)> {
        let split = text.split_once(' ').and_then(|(word, path)| {
            METHODS.into_iter().find(|method| method.word() == word).map(|method| (method, path.trim()))
        });
        match split {
            Some((method, path)) if path.starts_with(['/', '{']) || path.starts_with("https://") => {
                self.template_of(path, at).map(|path| (method, path))
            }
            Some(_) | None => {
                let help = "write a method and a path: `POST /search/{entity.path}`";
                self.faults.add_with_help(at, format!("`{text}` is no request"), help);
                None
            }
        }
    }

    /// An operation. `None` after a fault.
    pub(crate) fn operation(&mut self, node: &Node, what: &str) -> Option<Operation> {
        let mut fields = self.fields(node, what)?;
        let operation = self.operation_fields(&mut fields, what);
        self.reset_lets();
        fields.finish(self, &[]);
        operation
    }

    fn operation_fields(&mut self, fields: &mut Fields<'_>, what: &str) -> Option<Operation> {
        let whole = fields
            .get("merge")
            .and_then(|node| self.word(node, "`merge`", &["patch", "whole"]))
            .is_some_and(|word| word == "whole");
        let lets = self.let_trees(fields);
        let secrets_before = self.secrets_allowed;
        self.secrets_allowed = true;
        let headers = fields.get("headers").map(|node| self.named_templates(node, "`headers`")).unwrap_or_default();
        self.secrets_allowed = secrets_before;
        let request = fields.get("request").and_then(|node| {
            let text = self.text(node, "`request`")?;
            self.request(&text, node.at)
        });
        let query = fields.get("query").map(|node| self.named_templates(node, "`query`")).unwrap_or_default();
        let body = fields.get("body").and_then(|node| self.tree(node));
        let call = self.call(fields);
        let document = self.document(fields);
        let form = self.form(fields);
        let decode = fields.get("decode").map(|node| self.selectors(node, "`decode`")).unwrap_or_default();
        let gives = fields.get("gives").and_then(|node| self.word(node, "`gives`", &["keys", "whole"]));
        let job = fields.get("job").and_then(|node| self.job(node));
        let batch = self.batch(fields);
        let (key, keyed_by) = self.key(fields);
        let repeat = fields
            .get("repeat")
            .and_then(|node| self.word(node, "`repeat`", &["safe", "keyed", "unsafe"]))
            .map(|word| match word.as_str() {
                "safe" => Repeat::Safe,
                "keyed" => Repeat::Keyed,
                _ => Repeat::Unsafe,
            });
        let returns_nothing =
            fields.get("returns").and_then(|node| self.word(node, "`returns`", &["nothing"])).is_some();
        let records = fields.get("records").map(|node| self.selectors(node, "`records`")).unwrap_or_default();
        let record = fields.get("record").map(|node| self.selectors(node, "`record`")).unwrap_or_default();
        let success = fields.get("success").map(|node| self.conditions(node, "`success`")).unwrap_or_default();
        let expect = fields.get("expect").map(|node| self.conditions(node, "`expect`")).unwrap_or_default();
        let gone = fields.get("gone").map(|node| self.conditions(node, "`gone`")).unwrap_or_default();
        let settle = fields.get("settle").and_then(|node| self.duration(node, "`settle`"));
        let (method, path) = match request {
            Some(request) => request,
            // A call or a document goes to the base.
            None if call.is_some() || document.is_some() => {
                (Method::Post, Template { at: fields.at, parts: vec![TemplatePart::Literal(String::new())] })
            }
            None => {
                if fields.get("request").is_none() {
                    let help = "write `request: GET /path`, `call` (SOAP) or `document` (GraphQL)";
                    self.faults.add_with_help(fields.at, format!("{what} has no `request`"), help);
                }
                return None;
            }
        };
        Some(Operation {
            at: fields.at,
            method,
            path,
            call,
            document,
            lets,
            query,
            headers,
            body,
            form,
            decode,
            records,
            record,
            key,
            gives_keys: gives.as_deref() == Some("keys"),
            returns_nothing,
            success: if success.is_empty() { expect } else { success },
            gone,
            repeat,
            keyed_by,
            settle,
            whole,
            job,
            batch,
        })
    }

    fn let_trees(&mut self, fields: &mut Fields<'_>) -> Vec<(String, crate::template::Tree)> {
        let own = fields.get("let").map(|node| self.named_trees(node, "`let`")).unwrap_or_default();
        let mut trees = self.common_lets.clone();
        trees.retain(|(name, _)| own.iter().all(|(known, _)| known != name));
        trees.extend(own);
        trees
    }

    /// `form` is a map of values; as a word it names a batch's form and is read there.
    fn form(&mut self, fields: &mut Fields<'_>) -> Vec<(String, Template)> {
        match fields.get("form") {
            Some(node) if matches!(node.value, Value::Map(_)) => self.named_templates(node, "`form`"),
            Some(_) | None => Vec::new(),
        }
    }

    fn call(&mut self, fields: &mut Fields<'_>) -> Option<SoapCall> {
        let with = fields.get("with").map(|node| self.texts(node, "`with`")).unwrap_or_default();
        for (name, at) in &with {
            if !self.shared.contains(name) {
                let help = did_you_mean(name, self.shared.iter().map(String::as_str));
                self.faults.add_with_help(*at, format!("`shared` holds no `{name}`"), help);
            }
        }
        let args = fields.get("args").and_then(|node| self.tree(node));
        let name = fields.get("call").and_then(|node| self.text(node, "`call`"))?;
        Some(SoapCall { name, with: with.into_iter().map(|(name, _)| name).collect(), args })
    }

    fn document(&mut self, fields: &mut Fields<'_>) -> Option<Document> {
        let variables = fields.get("variables").and_then(|node| self.tree(node));
        // Its braces are GraphQL's own: nothing is ever filled into a document.
        let text = fields.get("document").and_then(|node| self.text(node, "`document`"))?;
        Some(Document { text, variables })
    }

    fn job(&mut self, node: &Node) -> Option<Job> {
        let mut fields = self.fields(node, "`job`")?;
        let poll = fields.get("poll").and_then(|node| {
            let text = self.text(node, "`poll`")?;
            self.request(&text, node.at)
        });
        let id = fields.get("id").map(|node| self.selectors(node, "`id`")).unwrap_or_default();
        let every = fields.get("every").and_then(|node| self.duration(node, "`every`"));
        let done = fields.get("done").map(|node| self.conditions(node, "`done`")).unwrap_or_default();
        let failed = fields.get("failed").map(|node| self.conditions(node, "`failed`")).unwrap_or_default();
        let lost_after = fields.get("lost_after").and_then(|node| self.duration(node, "`lost_after`"));
        let results = fields.get("results").map(|node| self.selectors(node, "`results`")).unwrap_or_default();
        fields.finish(self, &[]);
        match (poll, every, lost_after) {
            (Some(poll), Some(every), Some(lost_after)) if !done.is_empty() => {
                Some(Job { poll, id, every, done, failed, lost_after, results })
            }
            (_, _, _) => {
                self.faults.add(node.at, "`job` needs `poll`, `every`, `done` and `lost_after`");
                None
            }
        }
    }

    /// A batch's own keys: beside those of a request, or under `batch` of an action.
    fn batch(&mut self, fields: &mut Fields<'_>) -> Option<Batch> {
        let of = fields.get("of").map(|node| self.texts(node, "`of`"));
        let form = fields.get("form").filter(|node| !matches!(node.value, Value::Map(_)));
        let size = fields.get("size");
        let outcome = fields.get("outcome");
        let on_permanent = fields.get("on_permanent");
        let results = fields.get("results");
        let matched = fields.get("match");
        let row = fields.get("row");
        let nested = fields.get("batch");
        if let Some(nested) = nested {
            let mut inner = self.fields(nested, "`batch` of an action")?;
            let batch = self.batch(&mut inner);
            inner.finish(self, &[]);
            return batch;
        }
        let (Some(size), Some(outcome)) = (size, outcome) else {
            let stray = [size, outcome, form, on_permanent, results, matched, row].into_iter().flatten().next();
            if let Some(stray) = stray {
                self.faults.add(stray.at, "a batch needs both `size` and `outcome`");
            }
            return None;
        };
        let verbs = of.unwrap_or_default().into_iter().filter_map(|(word, at)| {
            let verb = Verb::of(&word);
            if verb.is_none() {
                let help = did_you_mean(&word, Verb::ALL.into_iter().map(Verb::word));
                self.faults.add_with_help(at, format!("there is no operation `{word}`"), help);
            }
            verb
        });
        let of: Vec<Verb> = verbs.collect();
        let form =
            form.and_then(|node| self.word(node, "`form` of a batch", &["body", "odata_json", "odata_multipart"]));
        let outcome = self.word(outcome, "`outcome`", &["per_row", "atomic"])?;
        let on_permanent = on_permanent.and_then(|node| self.word(node, "`on_permanent`", &["split", "dead"]));
        let results = match results {
            Some(node) if matches!(node.value, Value::Map(_)) => self
                .entries(node, "`results`")
                .unwrap_or_default()
                .iter()
                .map(|entry| (Verb::of(&entry.key), self.selectors(&entry.node, "`results`")))
                .collect(),
            Some(node) => vec![(None, self.selectors(node, "`results`"))],
            None => Vec::new(),
        };
        let matched = match matched {
            Some(node) if matches!(node.value, Value::Map(_)) => {
                let mut inner = self.fields(node, "`match`")?;
                let row = inner.get("row").and_then(|node| self.item_selector(node, "`row`"));
                inner.finish(self, &[]);
                row
            }
            Some(node) => {
                self.word(node, "`match`", &["position"]);
                None
            }
            None => None,
        };
        let row = row.map(|node| self.batch_row(node)).unwrap_or_default();
        Some(Batch {
            of,
            form: match form.as_deref() {
                Some("odata_json") => BatchForm::OdataJson,
                Some("odata_multipart") => BatchForm::OdataMultipart,
                Some(_) | None => BatchForm::Body,
            },
            size: self.number(size, "`size`").and_then(|size| usize::try_from(size).ok()).unwrap_or(1).max(1),
            outcome: if outcome == "atomic" { BatchOutcome::Atomic } else { BatchOutcome::PerRow },
            split: on_permanent.as_deref() == Some("split"),
            results,
            matched,
            row,
        })
    }

    fn batch_row(&mut self, node: &Node) -> BatchRow {
        let Some(mut fields) = self.fields(node, "`row`") else { return BatchRow::default() };
        let mut selector =
            |decoder: &mut Self, key: &'static str| fields.get(key).and_then(|node| decoder.item_selector(node, key));
        let row = BatchRow {
            failed: selector(self, "failed"),
            code: selector(self, "code"),
            message: selector(self, "message"),
            status: selector(self, "status"),
            key: selector(self, "key"),
            body: selector(self, "body"),
        };
        fields.finish(self, &[]);
        row
    }

    fn key(&mut self, fields: &mut Fields<'_>) -> (Vec<crate::selector::Selector>, Option<String>) {
        let Some(node) = fields.get("key") else { return (Vec::new(), None) };
        match &node.value {
            Value::Text(text) if !is_selector(text) => (Vec::new(), Some(text.clone())),
            Value::Text(_) | Value::List(_) | Value::Null | Value::Boolean(_) | Value::Number(_) | Value::Map(_) => {
                (self.selectors(node, "`key`"), None)
            }
        }
    }
}
