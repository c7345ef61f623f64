//! From YAML to [`Manifest`]: sections in the order of `manifest.md` 2.

mod access;
mod codec;
mod entity;
mod errors;
mod fields;
mod operation;
mod reading;
mod webhooks;

use std::time::Duration;

use indexmap::IndexMap;

use crate::fault::{At, Faults, ManifestFault};
use crate::model::{
    Codec, ConfigDefault, ConfigEntry, Driver, FilterForm, Filters, JsonCodec, Lock, Manifest, More, OdataStyle,
    Paging, PagingKind, Select, SoapStyle, Sort,
};
use crate::node::{Node, Value};
use crate::template::Tree;
use fields::{Decoder, Fields};

/// Longest time a write may still work after its answer was lost, where a manifest does not say.
const SETTLE_DEFAULT: Duration = Duration::from_secs(120);
/// The chain of `extends` is no longer than this.
const EXTENDS_MAX: u8 = 4;

/// Reads a manifest; `below` gives the text of one that it extends, by its system's name.
pub(crate) fn parse(
    text: &str,
    file: &str,
    below: &dyn Fn(&str) -> Option<String>,
) -> Result<Manifest, Vec<ManifestFault>> {
    let root = Node::parse(text, file).map_err(|fault| vec![fault])?;
    let (root, files) = extended(root, file, below)?;
    let mut decoder = Decoder {
        faults: Faults::new(&files),
        config: Vec::new(),
        secrets: Vec::new(),
        lets: Vec::new(),
        common_lets: Vec::new(),
        shared: Vec::new(),
        secrets_allowed: false,
        kept: None,
    };
    let whole = if files.len() > 1 { root.to_json().to_text() } else { text.to_owned() };
    let manifest = decoder.manifest(&root, files, whole);
    let faults = decoder.faults.into_vec();
    match manifest {
        Some(manifest) if faults.is_empty() => Ok(manifest),
        Some(_) => Err(faults),
        None if faults.is_empty() => {
            let help = Some("a manifest begins with `manifest: 1`".to_owned());
            Err(vec![fault_at(file, At { line: 1, column: 1, layer: 0 }, "this is no manifest".to_owned(), help)])
        }
        None => Err(faults),
    }
}

fn fault_at(file: &str, at: At, message: String, help: Option<String>) -> ManifestFault {
    ManifestFault { file: file.to_owned(), line: at.line, column: at.column, message, help }
}

/// The manifest laid over those that it extends, and their file names.
fn extended(
    root: Node,
    file: &str,
    below: &dyn Fn(&str) -> Option<String>,
) -> Result<(Node, Vec<String>), Vec<ManifestFault>> {
    let mut files = vec![file.to_owned()];
    let mut layers = vec![root];
    while let Some(named) = layers.last().and_then(|layer| layer.get("extends")).cloned() {
        let layer = u8::try_from(layers.len()).unwrap_or(u8::MAX);
        let here = files.last().map_or(file, String::as_str).to_owned();
        let fault = |message: String, help: Option<String>| Err(vec![fault_at(&here, named.at, message, help)]);
        let Some(name) = named.leaf() else { return fault("`extends` must name a system".to_owned(), None) };
        if layer > EXTENDS_MAX {
            return fault(format!("manifests extend one another in a circle, or more than {EXTENDS_MAX} times"), None);
        }
        let Some(text) = below(&name) else {
            let help = "the system that is extended has its own folder with a `connector.yaml`".to_owned();
            return fault(format!("there is no manifest of a system `{name}`"), Some(help));
        };
        let file = format!("{name}/connector.yaml");
        layers.push(Node::parse(&text, &file).map_err(|fault| vec![fault])?.in_layer(layer));
        files.push(file);
    }
    let mut whole = layers.pop();
    while let Some(over) = layers.pop() {
        whole = whole.map(|below| below.extended(&over));
    }
    let mut whole = whole.unwrap_or(Node { at: At::default(), value: Value::Null });
    if let Value::Map(entries) = &mut whole.value {
        entries.retain(|entry| entry.key != "extends");
    }
    Ok((whole, files))
}

impl Decoder {
    fn manifest(&mut self, root: &Node, files: Vec<String>, text: String) -> Option<Manifest> {
        let mut fields = self.fields(root, "a manifest")?;
        match fields.get("manifest").and_then(Node::leaf).as_deref() {
            Some("1") => {}
            Some(_) | None => {
                self.faults.add_with_help(
                    root.at,
                    "this version reads manifests of version 1 only",
                    "write `manifest: 1`",
                );
            }
        }
        let system = self.required_text(&mut fields, "system");
        let title = fields.get("title").and_then(|node| self.text(node, "`title`"));
        let driver = self.driver(&mut fields);
        let odata = fields.get("odata").map(|node| self.odata(node));
        let odata = odata.unwrap_or(OdataStyle { version: 4, dates_quoted: false });
        let config = fields.get("config").map(|node| self.config_entries(node)).unwrap_or_default();
        self.config = config.keys().cloned().collect();
        let secrets = fields.get("secrets").map(|node| self.secret_entries(node)).unwrap_or_default();
        self.secrets = secrets.keys().cloned().collect();
        let soap = fields.get("soap").map(|node| self.soap(node)).unwrap_or_default();
        if driver == Some(Driver::Soap) && soap == SoapStyle::default() {
            self.faults.add(root.at, "a manifest for SOAP needs `soap` with the service's `namespace`");
        }
        self.common_lets = fields.get("let").map(|node| self.named_trees(node, "`let`")).unwrap_or_default();
        self.reset_lets();
        let shared: IndexMap<String, Tree> = fields
            .get("shared")
            .map(|node| self.named_trees(node, "`shared`"))
            .unwrap_or_default()
            .into_iter()
            .collect();
        self.shared = shared.keys().cloned().collect();
        let base = match fields.get("base") {
            Some(node) => self.template(node, "`base`"),
            None => {
                self.faults.add(root.at, "this manifest has no `base`");
                None
            }
        };
        self.secrets_allowed = true;
        let headers = fields.get("headers").map(|node| self.named_templates(node, "`headers`")).unwrap_or_default();
        self.secrets_allowed = false;
        let tls_ca = fields.get("tls").and_then(|node| {
            let mut tls = self.fields(node, "`tls`")?;
            let ca = tls.get("ca").and_then(|node| self.template(node, "`ca`"));
            tls.finish(self, &[]);
            ca
        });
        let auth = match fields.get("auth") {
            Some(node) => self.auth(node),
            None => crate::model::Auth::None,
        };
        self.kept.get_or_insert_default();
        let codec = fields.get("codec").and_then(|node| self.codec(node));
        let (sign, classify) = fields.get("hooks").map(|node| self.hooks(node)).unwrap_or_default();
        let limits = self.limits(fields.get("limits"));
        let settle = fields.get("settle").and_then(|node| self.duration(node, "`settle`")).unwrap_or(SETTLE_DEFAULT);
        let index_lag = fields.get("index_lag").and_then(|node| self.duration(node, "`index_lag`")).unwrap_or_default();
        let lock = fields.get("lock").and_then(|node| self.lock(node)).unwrap_or(Lock::None { compare: None });
        let filters = fields.get("filters").and_then(|node| self.filters(node)).unwrap_or(Filters {
            form: FilterForm::None,
            in_max: 1,
            last_step: false,
        });
        let select = fields.get("select").and_then(|node| self.select(node)).unwrap_or(Select::None);
        let sort = fields.get("sort").and_then(|node| self.sort(node)).unwrap_or(Sort::None);
        let paging = fields.get("paging").and_then(|node| self.paging(node)).unwrap_or(Paging {
            kind: PagingKind::None,
            size: None,
            headers: Vec::new(),
            resend_headers: false,
            into: Vec::new(),
            more: More::FullPage,
            full_page_is_error: false,
        });
        let changes = fields.get("changes");
        let operations = fields.get("operations");
        let (entities, actions) = self.entities_and_actions(&mut fields, changes, operations);
        let action_names: Vec<String> = actions.keys().cloned().collect();
        let mut errors = fields.get("errors").map(|node| self.errors(node, &action_names)).unwrap_or_default();
        errors.classify = classify;
        let webhooks = fields.get("webhooks").and_then(|node| self.webhooks(node));
        let check = fields.get("check").and_then(|node| self.operation(node, "`check`"));
        fields.finish(self, &[]);
        Some(Manifest {
            files,
            text,
            title: title.unwrap_or_else(|| system.clone().unwrap_or_default()),
            system: system?,
            driver: driver?,
            odata,
            soap,
            shared,
            codec: codec.unwrap_or(Codec::Json(JsonCodec::default())),
            base: base?,
            config,
            secrets,
            headers,
            tls_ca,
            auth,
            sign,
            limits,
            settle,
            index_lag,
            lock,
            filters,
            select,
            sort,
            paging,
            entities,
            actions,
            errors,
            check,
            webhooks,
        })
    }

    /// Named trees: `let`, `shared`.
    pub(crate) fn named_trees(&mut self, node: &Node, what: &str) -> Vec<(String, Tree)> {
        let entries = self.entries(node, what).unwrap_or_default();
        // Each may name those before it.
        let mut trees = Vec::new();
        for entry in entries {
            if let Some(tree) = self.tree(&entry.node) {
                trees.push((entry.key.clone(), tree));
            }
            self.lets.push(entry.key.clone());
        }
        trees
    }

    /// Forgets the names beside a request.
    pub(crate) fn reset_lets(&mut self) {
        self.lets = self.common_lets.iter().map(|(name, _)| name.clone()).collect();
    }

    fn required_text(&mut self, fields: &mut Fields<'_>, key: &'static str) -> Option<String> {
        match fields.get(key) {
            Some(node) => self.text(node, key),
            None => {
                self.faults.add(fields.at, format!("this manifest has no `{key}`"));
                None
            }
        }
    }

    fn driver(&mut self, fields: &mut Fields<'_>) -> Option<Driver> {
        let Some(node) = fields.get("driver") else {
            self.faults.add(fields.at, "this manifest has no `driver`");
            return None;
        };
        let word = self.word(node, "`driver`", &["rest", "odata", "soap", "graphql"])?;
        Some(match word.as_str() {
            "rest" => Driver::Rest,
            "odata" => Driver::Odata,
            "soap" => Driver::Soap,
            _ => Driver::Graphql,
        })
    }

    fn config_entries(&mut self, node: &Node) -> IndexMap<String, ConfigEntry> {
        let entries = self.entries(node, "`config`").unwrap_or_default();
        entries
            .iter()
            .filter_map(|entry| {
                let what = format!("config `{}`", entry.key);
                let mut fields = self.fields(&entry.node, &what)?;
                let required = fields.get("required").is_some_and(|node| self.boolean(node, "`required`"));
                if let Some(optional) = fields.get("optional") {
                    self.boolean(optional, "`optional`");
                }
                let default = fields.get("default").and_then(|node| self.config_default(node));
                let about = fields.get("about").and_then(|node| self.text(node, "`about`")).unwrap_or_default();
                fields.finish(self, &[]);
                Some((entry.key.clone(), ConfigEntry { required, default, about }))
            })
            .collect()
    }

    fn config_default(&mut self, node: &Node) -> Option<ConfigDefault> {
        match &node.value {
            Value::Boolean(value) => Some(ConfigDefault::Boolean(*value)),
            Value::Number(digits) => Some(ConfigDefault::Number(digits.clone())),
            Value::Text(text) => Some(ConfigDefault::Text(text.clone())),
            Value::Map(entries) => Some(ConfigDefault::Map(
                entries
                    .iter()
                    .filter_map(|entry| Some((entry.key.clone(), self.text(&entry.node, "a default")?)))
                    .collect(),
            )),
            Value::Null | Value::List(_) => {
                self.faults.add(node.at, format!("a default must be a text, number or boolean, not {}", node.kind()));
                None
            }
        }
    }

    fn secret_entries(&mut self, node: &Node) -> IndexMap<String, bool> {
        let entries = self.entries(node, "`secrets`").unwrap_or_default();
        entries
            .iter()
            .filter_map(|entry| {
                let word = self.word(&entry.node, "a secret", &["required", "optional"])?;
                Some((entry.key.clone(), word == "required"))
            })
            .collect()
    }
}
