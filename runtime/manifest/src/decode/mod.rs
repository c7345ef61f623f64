//! From YAML to [`Manifest`]: sections in the order of `manifest.md` 2.

mod entity;
mod errors;
mod fields;
mod operation;
mod reading;

use std::time::Duration;

use indexmap::IndexMap;

use crate::fault::{Faults, ManifestFault};
use crate::model::{
    ConfigDefault, ConfigEntry, Driver, FilterForm, Filters, Limits, Lock, Manifest, OdataStyle, Paging, PagingKind,
    Select, Sort, Unbuilt,
};
use crate::node::{Node, Value};
use fields::{Decoder, Fields};

pub(crate) use entity::not_built;

/// Longest time a write may still work after its answer was lost, where a manifest does not say.
const SETTLE_DEFAULT: Duration = Duration::from_secs(120);
/// Longest one request may take, where a manifest does not say.
const REQUEST_TIMEOUT_DEFAULT: Duration = Duration::from_secs(60);
/// Largest answer, where a manifest does not say.
const BODY_BYTES_MAX_DEFAULT: usize = 32 * 1024 * 1024;

/// Reads a manifest.
pub(crate) fn parse(text: &str, file: &str) -> Result<Manifest, Vec<ManifestFault>> {
    let root = Node::parse(text, file).map_err(|fault| vec![fault])?;
    let mut decoder = Decoder {
        faults: Faults::new(file),
        config: Vec::new(),
        secrets: Vec::new(),
        lets: Vec::new(),
        secrets_allowed: false,
    };
    let manifest = decoder.manifest(&root, file);
    let faults = decoder.faults.into_vec();
    match manifest {
        Some(manifest) if faults.is_empty() => Ok(manifest),
        Some(_) => Err(faults),
        None if faults.is_empty() => Err(vec![ManifestFault {
            file: file.to_owned(),
            line: 1,
            column: 1,
            message: "this is no manifest".to_owned(),
            help: Some("a manifest begins with `manifest: 1`".to_owned()),
        }]),
        None => Err(faults),
    }
}

impl Decoder {
    fn manifest(&mut self, root: &Node, file: &str) -> Option<Manifest> {
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
        let mut unbuilt = self.unbuilt(&mut fields, &["extends", "soap", "let", "shared"]);
        let driver = self.driver(&mut fields, &mut unbuilt);
        let odata = fields
            .get("odata")
            .map(|node| self.odata(node, &mut unbuilt))
            .unwrap_or(OdataStyle { dates_quoted: false });
        let config = fields.get("config").map(|node| self.config_entries(node)).unwrap_or_default();
        self.config = config.keys().cloned().collect();
        let secrets = fields.get("secrets").map(|node| self.secret_entries(node)).unwrap_or_default();
        self.secrets = secrets.keys().cloned().collect();
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
            Some(node) => self.auth(node, &mut unbuilt),
            None => crate::model::Auth::None,
        };
        if let Some(node) = fields.get("codec") {
            self.codec(node, &mut unbuilt);
        }
        let limits = self.limits(fields.get("limits"), &mut unbuilt);
        let settle = fields.get("settle").and_then(|node| self.duration(node, "`settle`")).unwrap_or(SETTLE_DEFAULT);
        let index_lag = fields.get("index_lag").and_then(|node| self.duration(node, "`index_lag`")).unwrap_or_default();
        let lock = fields.get("lock").and_then(|node| self.lock(node)).unwrap_or(Lock::None { compare: None });
        let filters = fields
            .get("filters")
            .and_then(|node| self.filters(node, &mut unbuilt))
            .unwrap_or(Filters { form: FilterForm::None, in_max: 1 });
        let select = fields.get("select").and_then(|node| self.select(node, &mut unbuilt)).unwrap_or(Select::None);
        let sort = fields.get("sort").and_then(|node| self.sort(node, &mut unbuilt)).unwrap_or(Sort::None);
        let paging = fields.get("paging").and_then(|node| self.paging(node, &mut unbuilt)).unwrap_or(Paging {
            kind: PagingKind::None,
            size: None,
            headers: Vec::new(),
            resend_headers: false,
        });
        let changes = fields.get("changes");
        let operations = fields.get("operations");
        let (entities, actions) = self.entities_and_actions(&mut fields, changes, operations);
        let action_names: Vec<String> = actions.keys().cloned().collect();
        let errors = fields.get("errors").map(|node| self.errors(node, &action_names)).unwrap_or_default();
        let webhooks = fields.get("webhooks").map(|node| self.webhooks(node)).is_some();
        let check = fields.get("check").and_then(|node| self.operation(node, "`check`"));
        fields.finish(self, &[]);
        Some(Manifest {
            file: file.to_owned(),
            title: title.unwrap_or_else(|| system.clone().unwrap_or_default()),
            system: system?,
            driver: driver?,
            odata,
            base: base?,
            config,
            secrets,
            headers,
            tls_ca,
            auth,
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
            unbuilt,
        })
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

    fn driver(&mut self, fields: &mut Fields<'_>, unbuilt: &mut Vec<Unbuilt>) -> Option<Driver> {
        let Some(node) = fields.get("driver") else {
            self.faults.add(fields.at, "this manifest has no `driver`");
            return None;
        };
        let word = self.word(node, "`driver`", &["rest", "odata", "soap", "graphql"])?;
        let driver = match word.as_str() {
            "rest" => Driver::Rest,
            "odata" => Driver::Odata,
            "soap" => Driver::Soap,
            _ => Driver::Graphql,
        };
        if matches!(driver, Driver::Soap | Driver::Graphql) {
            unbuilt.push(Unbuilt { what: format!("`driver: {word}`"), at: node.at });
        }
        Some(driver)
    }

    fn odata(&mut self, node: &Node, unbuilt: &mut Vec<Unbuilt>) -> OdataStyle {
        let mut style = OdataStyle { dates_quoted: false };
        let Some(mut fields) = self.fields(node, "`odata`") else { return style };
        if let Some(version) = fields.get("version")
            && self.text(version, "`version`").is_some_and(|text| text != "4")
        {
            unbuilt.push(Unbuilt { what: "an `odata` version other than 4".to_owned(), at: version.at });
        }
        if let Some(quote) = fields.get("string_quote") {
            self.word(quote, "`string_quote`", &["single"]);
        }
        if let Some(key_style) = fields.get("key_style") {
            self.word(key_style, "`key_style`", &["parentheses"]);
        }
        if let Some(enums) = fields.get("enum_literal") {
            self.word(enums, "`enum_literal`", &["text"]);
        }
        if let Some(dates) = fields.get("date_literal") {
            style.dates_quoted = self.word(dates, "`date_literal`", &["text", "bare"]).as_deref() == Some("text");
        }
        fields.finish(self, &[]);
        style
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
            Value::Null | Value::List(_) | Value::Map(_) => {
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

    fn codec(&mut self, node: &Node, unbuilt: &mut Vec<Unbuilt>) {
        let Some(mut fields) = self.fields(node, "`codec`") else { return };
        let kinds = ["json", "xml", "named_xml", "csv", "hook"];
        if let Some(kind) = fields.get("kind").and_then(|node| self.word(node, "`codec.kind`", &kinds))
            && kind != "json"
        {
            unbuilt.push(Unbuilt { what: format!("`codec: {kind}`"), at: node.at });
        }
        unbuilt.extend(
            self.unbuilt(&mut fields, &["tagged", "write", "root", "group", "field", "table", "list", "embed", "hook"]),
        );
        fields.finish(self, &[]);
    }

    fn limits(&mut self, node: Option<&Node>, unbuilt: &mut Vec<Unbuilt>) -> Limits {
        let mut limits =
            Limits { parallel: 4, request_timeout: REQUEST_TIMEOUT_DEFAULT, body_bytes_max: BODY_BYTES_MAX_DEFAULT };
        let Some(mut fields) = node.and_then(|node| self.fields(node, "`limits`")) else { return limits };
        if let Some(parallel) = fields.get("parallel").and_then(|node| self.number(node, "`parallel`")) {
            limits.parallel = usize::try_from(parallel).unwrap_or(1).max(1);
        }
        if let Some(timeout) = fields.get("request_timeout").and_then(|node| self.duration(node, "`request_timeout`")) {
            limits.request_timeout = timeout;
        }
        if let Some(bytes) = fields.get("body_max").and_then(|node| self.bytes(node, "`body_max`")) {
            limits.body_bytes_max = bytes;
        }
        unbuilt.extend(self.unbuilt(&mut fields, &["rate", "cost"]));
        fields.finish(self, &[]);
        limits
    }

    fn lock(&mut self, node: &Node) -> Option<Lock> {
        let mut fields = self.fields(node, "`lock`")?;
        let kind = fields.get("kind").and_then(|node| self.word(node, "`lock.kind`", &["etag", "field", "none"]));
        let from = fields.get("from").map(|node| self.selectors(node, "`from`")).unwrap_or_default();
        let send = fields.get("send").and_then(|node| self.text(node, "`send`"));
        let field = fields.get("field").and_then(|node| self.text(node, "`field`"));
        let compare = fields.get("compare").and_then(|node| self.text(node, "`compare`"));
        let optional = fields.get("optional").is_some_and(|node| self.boolean(node, "`optional`"));
        fields.finish(self, &[]);
        match kind.as_deref() {
            Some("etag") => Some(Lock::Etag { from, send: send.unwrap_or_else(|| "If-Match".to_owned()), optional }),
            Some("field") => field.map(Lock::Field),
            Some(_) => Some(Lock::None { compare }),
            None => None,
        }
    }

    /// Webhooks are read for their keys only; a flow that wants one is told that they are not built.
    fn webhooks(&mut self, node: &Node) {
        let Some(mut fields) = self.fields(node, "`webhooks`") else { return };
        for key in ["verify", "handshake", "each", "id", "sequence", "topic", "answer", "never_answer", "subscribe"] {
            fields.get(key);
        }
        let topics = fields.get("topics").map(|topics| self.entries(topics, "`topics`").unwrap_or_default());
        for entry in topics.unwrap_or_default() {
            let Some(mut topic) = self.fields(&entry.node, "a topic") else { continue };
            for key in ["entity", "key", "each", "when"] {
                topic.get(key);
            }
            if let Some(carries) = topic.get("carries") {
                self.word(carries, "`carries`", &["hint", "record", "delete", "window"]);
            }
            topic.finish(self, &[]);
        }
        fields.finish(self, &[]);
    }
}
