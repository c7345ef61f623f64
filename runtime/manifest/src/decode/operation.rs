//! Operations and log-ins from YAML.

use super::fields::{Decoder, Fields};
use crate::fault::At;
use crate::model::{Auth, Lifetime, LogIn, Method, Operation, Repeat, Send, Unbuilt};
use crate::node::{Node, Value};
use crate::template::Template;

const METHODS: [Method; 5] = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];

/// The shape of an answer's key: a path into the answer, or the name of a unique field.
fn is_selector(text: &str) -> bool {
    ["body", "header", "cookie", "decoded"]
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
            Some((method, path)) if path.starts_with('/') || path.starts_with('{') => {
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
        self.lets.clear();
        fields.finish(self, &[]);
        operation
    }

    fn operation_fields(&mut self, fields: &mut Fields<'_>, what: &str) -> Option<Operation> {
        let mut unbuilt = self.unbuilt(
            fields,
            &[
                "call",
                "document",
                "with",
                "args",
                "variables",
                "decode",
                "job",
                "hook",
                "gives",
                "of",
                "size",
                "outcome",
                "on_permanent",
                "results",
                "match",
                "row",
                "batch",
            ],
        );
        if let Some(node) = fields.get("merge")
            && self.word(node, "`merge`", &["patch", "whole"]).as_deref() == Some("whole")
        {
            unbuilt.push(Unbuilt { what: "`merge: whole`".to_owned(), at: node.at });
        }
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
        let form = self.form(fields, &mut unbuilt);
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
        let Some((method, path)) = request else {
            if fields.get("request").is_none() && unbuilt.is_empty() {
                self.faults.add(fields.at, format!("{what} has no `request`"));
            }
            return None;
        };
        Some(Operation {
            at: fields.at,
            method,
            path,
            lets,
            query,
            headers,
            body,
            form,
            records,
            record,
            key,
            returns_nothing,
            success: if success.is_empty() { expect } else { success },
            gone,
            repeat,
            keyed_by,
            settle,
            unbuilt,
        })
    }

    fn let_trees(&mut self, fields: &mut Fields<'_>) -> Vec<(String, crate::template::Tree)> {
        let Some(node) = fields.get("let") else { return Vec::new() };
        let entries = self.entries(node, "`let`").unwrap_or_default();
        let trees: Vec<_> =
            entries.iter().filter_map(|entry| self.tree(&entry.node).map(|tree| (entry.key.clone(), tree))).collect();
        self.lets = trees.iter().map(|(name, _)| name.clone()).collect();
        trees
    }

    /// `form` is a map of values, or the name of a batch's form.
    fn form(&mut self, fields: &mut Fields<'_>, unbuilt: &mut Vec<Unbuilt>) -> Vec<(String, Template)> {
        match fields.get("form") {
            Some(node) if matches!(node.value, Value::Map(_)) => self.named_templates(node, "`form`"),
            Some(node) => {
                unbuilt.push(Unbuilt { what: "`form` of a batch".to_owned(), at: node.at });
                Vec::new()
            }
            None => Vec::new(),
        }
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

    /// The `auth` section.
    pub(crate) fn auth(&mut self, node: &Node, unbuilt: &mut Vec<Unbuilt>) -> Auth {
        self.secrets_allowed = true;
        let auth = self.auth_section(node, unbuilt);
        self.secrets_allowed = false;
        auth.unwrap_or(Auth::None)
    }

    fn auth_section(&mut self, node: &Node, unbuilt: &mut Vec<Unbuilt>) -> Option<Auth> {
        let mut fields = self.fields(node, "`auth`")?;
        let Some(kind_node) = fields.get("kind") else {
            self.faults.add(node.at, "`auth` does not say its `kind`");
            return None;
        };
        let kinds = ["none", "basic", "bearer", "api_key", "oauth2", "session", "jwt"];
        let kind = self.word(kind_node, "`auth.kind`", &kinds)?;
        let auth = match kind.as_str() {
            "basic" => {
                let user = fields.get("user").and_then(|node| self.template(node, "`user`"));
                let password = fields.get("password").and_then(|node| self.template(node, "`password`"));
                match (user, password) {
                    (Some(user), Some(password)) => Some(Auth::Basic { user, password }),
                    (_, _) => {
                        self.faults.add(node.at, "`basic` needs `user` and `password`");
                        None
                    }
                }
            }
            "bearer" | "api_key" => self.token(&mut fields, &kind),
            "oauth2" | "session" => self.log_in(node, &mut fields, kind == "oauth2", unbuilt),
            "jwt" => {
                unbuilt.push(Unbuilt { what: "`auth: jwt`".to_owned(), at: node.at });
                self.unbuilt(
                    &mut fields,
                    &["claims", "algorithm", "request", "body", "form", "keep", "expires", "send"],
                );
                None
            }
            _ => Some(Auth::None),
        };
        fields.finish(self, &[]);
        auth
    }

    fn token(&mut self, fields: &mut Fields<'_>, kind: &str) -> Option<Auth> {
        let token = fields.get("token");
        let send = fields.get("send");
        match (send, token) {
            (Some(node), _) => Some(Auth::Token(self.send(node))),
            (None, Some(token)) if kind == "bearer" => {
                let text = self.text(token, "`token`")?;
                let value = self.template_of(&format!("Bearer {text}"), token.at)?;
                Some(Auth::Token(Send { headers: vec![("Authorization".to_owned(), value)], ..Send::default() }))
            }
            (None, _) => {
                self.faults.add(fields.at, format!("`{kind}` does not say what to `send`"));
                None
            }
        }
    }

    fn log_in(
        &mut self,
        node: &Node,
        fields: &mut Fields<'_>,
        oauth2: bool,
        unbuilt: &mut Vec<Unbuilt>,
    ) -> Option<Auth> {
        unbuilt.extend(self.unbuilt(fields, &["durable", "first", "document", "variables"]));
        // The request's own keys are read as an operation, so that bodies and headers mean the same everywhere.
        let own = ["request", "body", "form", "headers", "success", "let"];
        for key in own {
            fields.get(key);
        }
        let request = match &node.value {
            Value::Map(entries) => entries.iter().filter(|entry| own.contains(&entry.key.as_str())).cloned().collect(),
            Value::Null | Value::Boolean(_) | Value::Number(_) | Value::Text(_) | Value::List(_) => Vec::new(),
        };
        let operation = self.operation(&Node { at: node.at, value: Value::Map(request) }, "`auth`");
        self.secrets_allowed = true;
        let keep = match fields.get("keep") {
            Some(keep) => self
                .entries(keep, "`keep`")
                .unwrap_or_default()
                .iter()
                .map(|entry| (entry.key.clone(), self.selectors(&entry.node, "`keep`")))
                .collect(),
            None => Vec::new(),
        };
        let (lifetime, early) = fields.get("expires").map(|node| self.expires(node)).unwrap_or_default();
        let send = fields.get("send").map(|node| self.send(node)).unwrap_or_default();
        if let Some(pool) = fields.get("pool") {
            self.number(pool, "`pool`");
        }
        let logout = fields.get("logout").and_then(|node| {
            let text = self.text(node, "`logout`")?;
            self.request(&text, node.at)
        });
        Some(Auth::LogIn(Box::new(LogIn { oauth2, operation: operation?, keep, lifetime, early, send, logout })))
    }

    fn expires(&mut self, node: &Node) -> (Option<Lifetime>, Option<std::time::Duration>) {
        let Some(mut fields) = self.fields(node, "`expires`") else { return (None, None) };
        let seconds = fields.get("seconds").map(|node| Lifetime::Seconds(self.selectors(node, "`seconds`")));
        let idle = fields.get("idle_minutes").map(|node| match node.leaf().and_then(|text| text.parse().ok()) {
            Some(minutes) => Lifetime::IdleMinutes(minutes),
            None => Lifetime::IdleMinutesOf(self.selectors(node, "`idle_minutes`")),
        });
        let after = fields.get("after").and_then(|node| self.duration(node, "`after`")).map(Lifetime::After);
        let early = fields.get("early").and_then(|node| self.duration(node, "`early`"));
        fields.finish(self, &[]);
        (seconds.or(idle).or(after), early)
    }

    fn send(&mut self, node: &Node) -> Send {
        let Some(mut fields) = self.fields(node, "`send`") else { return Send::default() };
        let send = Send {
            headers: fields.get("headers").map(|node| self.named_templates(node, "`headers`")).unwrap_or_default(),
            query: fields.get("query").map(|node| self.named_templates(node, "`query`")).unwrap_or_default(),
            cookies: fields.get("cookies").map(|node| self.named_templates(node, "`cookies`")).unwrap_or_default(),
        };
        fields.finish(self, &[]);
        send
    }
}
