//! Codecs and SOAP spellings from YAML.

use indexmap::IndexMap;
use mapwright_values::hooks::{Classify, Sign};

use super::fields::Decoder;
use crate::fault::did_you_mean;
use crate::model::{Codec, Embed, Hooked, JsonCodec, NamedXml, OdataStyle, SoapStyle, Tagged, XmlCodec};
use crate::node::Node;

/// The catalogue's words for kinds of leaves.
const LEAVES: [&str; 10] = ["any", "text", "integer", "decimal", "boolean", "date", "time", "datetime", "uuid", "enum"];

impl Decoder {
    pub(crate) fn codec(&mut self, node: &Node) -> Option<Codec> {
        let mut fields = self.fields(node, "`codec`")?;
        let kinds = ["json", "xml", "named_xml", "csv", "hook"];
        let kind = fields.get("kind").and_then(|node| self.word(node, "`codec.kind`", &kinds))?;
        let codec = match kind.as_str() {
            "json" => {
                let tagged = fields.get("tagged").map(|node| self.tagged(node)).unwrap_or_default();
                let list = fields.get("write").and_then(|node| {
                    let mut write = self.fields(node, "`write`")?;
                    let list = write.get("list").and_then(|node| self.text(node, "`list`"));
                    write.finish(self, &[]);
                    list
                });
                Codec::Json(JsonCodec { tagged, list })
            }
            "xml" => {
                let root = fields.get("root").and_then(|node| self.text(node, "`root`"));
                let item = fields.get("list").and_then(|node| {
                    let mut list = self.fields(node, "`list`")?;
                    let item = list.get("item").and_then(|node| self.text(node, "`item`"));
                    list.finish(self, &[]);
                    item
                });
                Codec::Xml(XmlCodec { root, item })
            }
            "named_xml" => self.named_xml(&mut fields),
            "csv" => {
                let separator = fields.get("separator").and_then(|node| self.text(node, "`separator`"));
                let separator = separator.and_then(|text| text.chars().next()).unwrap_or(',');
                Codec::Csv { separator }
            }
            _ => match fields.get("hook").and_then(|node| self.hook(node, "`hook`")) {
                Some(hook) => Codec::Hook(hook),
                None => {
                    self.faults.add(node.at, "this codec does not say which `hook`");
                    Codec::Json(JsonCodec::default())
                }
            },
        };
        fields.finish(self, &[]);
        Some(codec)
    }

    /// The name of a hook.
    pub(crate) fn hook<F>(&mut self, node: &Node, what: &str) -> Option<Hooked<F>> {
        Some(Hooked { name: self.text(node, what)?, at: node.at, function: None })
    }

    /// The hooks of requests and answers.
    pub(crate) fn hooks(&mut self, node: &Node) -> (Option<Hooked<Sign>>, Option<Hooked<Classify>>) {
        let Some(mut fields) = self.fields(node, "`hooks`") else { return (None, None) };
        let sign = fields.get("sign").and_then(|node| self.hook(node, "`sign`"));
        let classify = fields.get("classify").and_then(|node| self.hook(node, "`classify`"));
        fields.finish(self, &[]);
        (sign, classify)
    }

    fn tagged(&mut self, node: &Node) -> Vec<Tagged> {
        let entries = self.entries(node, "`tagged`").unwrap_or_default();
        let mut tagged = Vec::new();
        for entry in entries {
            if !LEAVES.contains(&entry.key.as_str()) {
                let help = did_you_mean(&entry.key, LEAVES);
                self.faults.add_with_help(entry.key_at, format!("there is no kind of field `{}`", entry.key), help);
            }
            let member = self.text(&entry.node, "`tagged`");
            tagged.extend(member.map(|member| Tagged { kind: entry.key.clone(), member }));
        }
        tagged
    }

    fn named_xml(&mut self, fields: &mut super::fields::Fields<'_>) -> Codec {
        let root = fields.get("root").and_then(|node| self.text(node, "`root`")).unwrap_or_else(|| "PARAM".to_owned());
        let pair = |decoder: &mut Self, node: Option<&Node>, element: &str, name: &str, more: &[&'static str]| {
            let mut pair = (element.to_owned(), name.to_owned());
            let mut rest = vec![String::new(); more.len()];
            if let Some(mut inner) = node.and_then(|node| decoder.fields(node, "an element of `named_xml`")) {
                if let Some(text) = inner.get("element").and_then(|node| decoder.text(node, "`element`")) {
                    pair.0 = text;
                }
                if let Some(text) = inner.get("name").and_then(|node| decoder.text(node, "`name`")) {
                    pair.1 = text;
                }
                for (key, place) in more.iter().zip(&mut rest) {
                    if let Some(text) = inner.get(key).and_then(|node| decoder.text(node, key)) {
                        *place = text;
                    }
                }
                inner.finish(decoder, &[]);
            }
            (pair, rest)
        };
        let or = |text: Option<&String>, default: &str| match text {
            Some(text) if !text.is_empty() => text.clone(),
            Some(_) | None => default.to_owned(),
        };
        let (group, _) = pair(self, fields.get("group"), "GRP", "ID", &[]);
        let (field, _) = pair(self, fields.get("field"), "FLD", "NAME", &[]);
        let (table, table_rest) = pair(self, fields.get("table"), "TAB", "ID", &["row", "number"]);
        let (list, list_rest) = pair(self, fields.get("list"), "LST", "NAME", &["item"]);
        let embed = fields.get("embed").and_then(|node| self.word(node, "`embed`", &["cdata", "text", "none"]));
        Codec::NamedXml(Box::new(NamedXml {
            root,
            group,
            field,
            table,
            row: or(table_rest.first(), "LIN"),
            number: or(table_rest.get(1), "NUM"),
            list,
            item: or(list_rest.first(), "ITM"),
            embed: match embed.as_deref() {
                Some("text") => Embed::Text,
                Some("none") => Embed::None,
                Some(_) | None => Embed::Cdata,
            },
        }))
    }

    pub(crate) fn odata(&mut self, node: &Node) -> OdataStyle {
        let mut style = OdataStyle { version: 4, dates_quoted: false };
        let Some(mut fields) = self.fields(node, "`odata`") else { return style };
        if let Some(version) = fields.get("version").and_then(|node| self.word(node, "`version`", &["4", "3", "2"])) {
            style.version = version.parse().unwrap_or(4);
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

    pub(crate) fn soap(&mut self, node: &Node) -> SoapStyle {
        let mut style = SoapStyle::default();
        let Some(mut fields) = self.fields(node, "`soap`") else { return style };
        let version = fields.get("version").and_then(|node| self.word(node, "`version`", &["1.1", "1.2"]));
        style.twelve = version.as_deref() == Some("1.2");
        let written = fields.get("style").and_then(|node| self.word(node, "`style`", &["document", "rpc_encoded"]));
        style.rpc_encoded = written.as_deref() == Some("rpc_encoded");
        match fields.get("namespace").and_then(|node| self.text(node, "`namespace`")) {
            Some(namespace) => style.namespace = namespace,
            None => self.faults.add(node.at, "`soap` does not say the service's `namespace`"),
        }
        style.action = fields.get("action").and_then(|node| self.text(node, "`action`"));
        if let Some(types) = fields.get("types") {
            let entries = self.entries(types, "`types`").unwrap_or_default();
            style.types = entries
                .iter()
                .filter_map(|entry| Some((entry.key.clone(), self.text(&entry.node, "a type")?)))
                .collect::<IndexMap<String, String>>();
        }
        if let Some(security) = fields.get("security") {
            self.secrets_allowed = true;
            if let Some(mut inner) = self.fields(security, "`security`") {
                let user = inner.get("user").and_then(|node| self.template(node, "`user`"));
                let password = inner.get("password").and_then(|node| self.template(node, "`password`"));
                inner.finish(self, &[]);
                style.security = user.zip(password);
                if style.security.is_none() {
                    self.faults.add(security.at, "`security` needs `user` and `password`");
                }
            }
            self.secrets_allowed = false;
        }
        fields.finish(self, &[]);
        style
    }
}
