//! Conditions, selection, order, pages and changes from YAML.

use std::time::Duration;

use indexmap::IndexMap;

use super::fields::Decoder;
use crate::fault::did_you_mean;
use crate::model::{
    Changes, Deletes, FieldFilter, FilterForm, Filters, Join, More, Paging, PagingKind, Partition, Pass, Place, Quote,
    Select, Sort, TemplatedFilters,
};
use crate::node::{Node, Value};

/// Comparisons that a filter can spell.
pub(crate) const COMPARISONS: [&str; 9] = ["eq", "ne", "in", "ge", "gt", "le", "lt", "prefix", "missing"];
/// Most values of one `in`, where a manifest does not say.
const IN_MAX_DEFAULT: usize = 20;

impl Decoder {
    fn is_odata(&mut self, form: Option<&Node>) -> bool {
        form.is_some_and(|node| matches!(&node.value, Value::Text(word) if word == "odata"))
    }

    pub(crate) fn filters(&mut self, node: &Node) -> Option<Filters> {
        let mut fields = self.fields(node, "`filters`")?;
        let form = fields.get("form");
        let in_max = fields.get("in_max").and_then(|node| self.number(node, "`in_max`"));
        let in_max = in_max.and_then(|number| usize::try_from(number).ok()).unwrap_or(IN_MAX_DEFAULT).max(1);
        if let Some(form) = form {
            self.word(form, "`filters.form`", &["odata"]);
        }
        let into = fields.get("into").and_then(|node| self.place(node, "`into`"));
        let mut forms = IndexMap::new();
        for comparison in COMPARISONS {
            if let Some(tree) = fields.get(comparison).and_then(|node| self.tree(node)) {
                forms.insert(comparison.to_owned(), tree);
            }
        }
        let join = fields.get("all").and_then(|node| self.join(node)).unwrap_or(Join::List);
        let any = fields.get("any").and_then(|node| self.any(node));
        let quote = fields.get("quote").and_then(|node| self.quote(node));
        let encode = fields.get("encode").and_then(|node| self.word(node, "`encode`", &["json"]));
        let exact = fields.get("exact").is_none_or(|node| self.boolean(node, "`exact`"));
        let per_field = fields.get("per_field").map(|node| self.per_field(node));
        let names = fields.get("names").and_then(|node| self.word(node, "`names`", &["path", "last"]));
        let spelled = if self.is_odata(form) {
            FilterForm::Odata
        } else if let Some(per_field) = per_field {
            FilterForm::PerField(per_field)
        } else if let Some(into) = into {
            let as_json = encode.is_some();
            FilterForm::Templated(Box::new(TemplatedFilters { into, forms, join, any, quote, as_json, exact }))
        } else {
            if form.is_none() {
                self.faults.add(node.at, "`filters` says neither `form: odata`, `into` nor `per_field`");
            }
            FilterForm::None
        };
        fields.finish(self, &[]);
        Some(Filters { form: spelled, in_max, last_step: names.as_deref() == Some("last") })
    }

    /// `merge`, `list`, or `{ join: " AND " }`.
    fn join(&mut self, node: &Node) -> Option<Join> {
        if matches!(node.value, Value::Map(_)) {
            let mut fields = self.fields(node, "`all`")?;
            let text = fields.get("join").and_then(|node| self.text(node, "`join`"));
            fields.finish(self, &[]);
            return text.map(Join::Text);
        }
        let word = self.word(node, "`all`", &["list", "merge"])?;
        Some(if word == "merge" { Join::Merge } else { Join::List })
    }

    /// Alternatives: a text between them matters here; a tree spells a condition that the engine never asks.
    fn any(&mut self, node: &Node) -> Option<String> {
        match node.get("join").and_then(Node::leaf) {
            Some(text) => Some(text),
            None => {
                self.tree(node);
                None
            }
        }
    }

    fn quote(&mut self, node: &Node) -> Option<Quote> {
        let mut fields = self.fields(node, "`quote`")?;
        let open = fields.get("open").and_then(|node| self.text(node, "`open`"));
        let close = fields.get("close").and_then(|node| self.text(node, "`close`"));
        let escape = match fields.get("escape") {
            Some(node) => self
                .entries(node, "`escape`")
                .unwrap_or_default()
                .iter()
                .filter_map(|entry| Some((entry.key.clone(), self.text(&entry.node, "`escape`")?)))
                .collect(),
            None => Vec::new(),
        };
        fields.finish(self, &[]);
        Some(Quote { open: open?, close: close?, escape })
    }

    fn per_field(&mut self, node: &Node) -> Vec<FieldFilter> {
        let entries = self.entries(node, "`per_field`").unwrap_or_default();
        let mut filters = Vec::new();
        for entry in entries {
            let mut forms = IndexMap::new();
            for form in self.entries(&entry.node, "the filters of a field").unwrap_or_default() {
                if !COMPARISONS.contains(&form.key.as_str()) {
                    let help = did_you_mean(&form.key, COMPARISONS);
                    self.faults.add_with_help(form.key_at, format!("there is no comparison `{}`", form.key), help);
                    continue;
                }
                forms.insert(form.key.clone(), self.placed(&form.node, "a filter"));
            }
            filters.push(FieldFilter { field: entry.key.clone(), forms, at: entry.key_at });
        }
        filters
    }

    pub(crate) fn select(&mut self, node: &Node) -> Option<Select> {
        let mut fields = self.fields(node, "`select`")?;
        let form = fields.get("form");
        let form =
            form.and_then(|node| self.word(node, "`select.form`", &["odata", "nested", "paths", "graphql", "none"]));
        let into = fields.get("into").and_then(|node| self.place(node, "`into`"));
        let nest = fields.get("nest").and_then(|node| self.text(node, "`nest`"));
        let repeat = fields.get("repeat").is_some_and(|node| self.boolean(node, "`repeat`"));
        let select = match (form.as_deref(), into, nest) {
            (Some("odata"), _, _) => Select::Odata,
            (Some("nested"), Some(Place::Body(into)), Some(nest)) => Select::Nested { into, nest },
            (Some("nested"), _, _) => {
                self.faults.add(node.at, "`select: nested` needs `into: body.NAME` and `nest`");
                Select::None
            }
            (Some("paths"), Some(into), _) => Select::Paths { into, repeat },
            (Some("paths"), None, _) => {
                self.faults.add(node.at, "`select: paths` needs `into`");
                Select::None
            }
            (Some("graphql"), _, _) => Select::Graphql,
            (Some(_) | None, _, _) => Select::None,
        };
        fields.finish(self, &[]);
        Some(select)
    }

    pub(crate) fn sort(&mut self, node: &Node) -> Option<Sort> {
        let mut fields = self.fields(node, "`sort`")?;
        let form = fields.get("form");
        let into = fields.get("into").and_then(|node| self.place(node, "`into`"));
        let join = fields.get("all").and_then(|node| self.join(node)).unwrap_or(Join::List);
        let fixed = fields.get("fixed").map(|node| self.placed(node, "`fixed`"));
        let sort = if self.is_odata(form) {
            Sort::Odata
        } else if let Some(fixed) = fixed {
            Sort::Fixed(fixed)
        } else {
            match (form.and_then(|node| self.tree(node)), into) {
                (Some(form), Some(into)) => Sort::Templated { into, form, join },
                (_, _) => {
                    self.faults.add(node.at, "`sort` says neither `form: odata`, `form` with `into`, nor `fixed`");
                    Sort::None
                }
            }
        };
        fields.finish(self, &[]);
        Some(sort)
    }

    pub(crate) fn paging(&mut self, node: &Node) -> Option<Paging> {
        let mut fields = self.fields(node, "`paging`")?;
        let kinds = ["none", "page", "offset", "cursor", "next_link", "keyset"];
        let kind = fields.get("kind").and_then(|node| self.word(node, "`paging.kind`", &kinds));
        let by = fields.get("by").and_then(|node| self.text(node, "`by`"));
        let first = fields.get("first").and_then(|node| self.number(node, "`first`"));
        let size = fields.get("size").and_then(|node| self.tree(node));
        let more = fields.get("more").and_then(|node| self.more(node));
        let next = fields.get("next").map(|node| self.selectors(node, "`next`")).unwrap_or_default();
        let cursor = fields.get("cursor").map(|node| self.selectors(node, "`cursor`")).unwrap_or_default();
        let headers = fields.get("headers").map(|node| self.named_templates(node, "`headers`")).unwrap_or_default();
        let resend_headers = fields.get("resend_headers").is_some_and(|node| self.boolean(node, "`resend_headers`"));
        let into = fields.get("into").map(|node| self.placed(node, "`into`")).unwrap_or_default();
        let cut = fields.get("full_page_is").and_then(|node| self.word(node, "`full_page_is`", &["error"]));
        let kind = match kind.as_deref() {
            Some("page") => PagingKind::Page { first: first.unwrap_or(1) },
            Some("offset") => PagingKind::Offset,
            Some("keyset") => match by {
                Some(by) => PagingKind::Keyset { by, first: first.unwrap_or(1) },
                None => {
                    self.faults.add(node.at, "`keyset` does not say `by` which field that never changes");
                    PagingKind::None
                }
            },
            Some("next_link") => {
                if next.is_empty() {
                    self.faults.add(node.at, "`next_link` does not say where the link is: `next`");
                }
                PagingKind::NextLink { next }
            }
            Some("cursor") => {
                if cursor.is_empty() {
                    self.faults.add(node.at, "`paging: cursor` does not say where the `cursor` is");
                }
                PagingKind::Cursor { cursor }
            }
            Some(_) | None => PagingKind::None,
        };
        let counted = matches!(kind, PagingKind::Page { .. } | PagingKind::Keyset { .. } | PagingKind::Offset);
        if counted && size.is_none() && matches!(more, None | Some(More::FullPage)) {
            self.faults.add(node.at, "this `paging` does not say its `size`, so no page could be told to be the last");
        }
        if cut.is_some() && size.is_none() {
            self.faults.add(node.at, "`full_page_is: error` needs the `size` of a full page");
        }
        let more = match (more, &kind) {
            (Some(more), _) => more,
            // A cursor that is there leads on.
            (None, PagingKind::Cursor { cursor }) => More::Says(cursor.clone()),
            (None, _) => More::FullPage,
        };
        fields.finish(self, &[]);
        Some(Paging { kind, size, headers, resend_headers, into, more, full_page_is_error: cut.is_some() })
    }

    /// `full_page`, a selector, or `{ at, above }`.
    fn more(&mut self, node: &Node) -> Option<More> {
        match &node.value {
            Value::Text(word) if word == "full_page" => Some(More::FullPage),
            Value::Map(_) => {
                let mut fields = self.fields(node, "`more`")?;
                let at = fields.get("at").map(|node| self.selectors(node, "`at`")).unwrap_or_default();
                let above = fields.get("above").and_then(|node| self.template(node, "`above`"));
                fields.finish(self, &[]);
                if at.is_empty() || above.is_none() {
                    self.faults.add(node.at, "`more` needs `at` and `above`");
                }
                Some(More::Above { at, above: above? })
            }
            Value::Text(_) | Value::List(_) => Some(More::Says(self.selectors(node, "`more`"))),
            Value::Null | Value::Boolean(_) | Value::Number(_) => {
                let help = "write `full_page`, a selector, or `{ at: SELECTOR, above: \"{page.number}\" }`";
                self.faults.add_with_help(
                    node.at,
                    "`more` does not say how it is told that there are more pages",
                    help,
                );
                None
            }
        }
    }

    /// `none` is `None`.
    pub(crate) fn changes(&mut self, node: &Node) -> Option<Changes> {
        if matches!(&node.value, Value::Text(word) if word == "none") {
            return None;
        }
        let mut fields = self.fields(node, "`changes`")?;
        let order = fields.get("order").and_then(|node| self.word(node, "`order`", &["time", "key"]));
        let passes: Vec<Pass> = match fields.get("passes").map(|node| &node.value) {
            Some(Value::List(items)) => items.iter().filter_map(|item| self.pass(item)).collect(),
            Some(_) | None => Vec::new(),
        };
        if passes.is_empty() {
            self.faults.add_with_help(
                node.at,
                "`changes` has no `passes`",
                "write `changes: none` where nothing tells a change",
            );
        }
        let resolution = fields.get("resolution").and_then(|node| self.duration(node, "`resolution`"));
        let overlap = fields.get("overlap").and_then(|node| self.duration(node, "`overlap`"));
        let deletes = fields.get("deletes").and_then(|node| self.word(node, "`deletes`", &["sweep", "event", "none"]));
        let misses = fields.get("misses").map(|node| self.field_names(node, "`misses`")).unwrap_or_default();
        let filterable = fields.get("filterable").is_none_or(|node| self.boolean(node, "`filterable`"));
        let partition = fields.get("partition").and_then(|node| self.partition(node));
        // A pass may be coarser than the rest.
        let resolution = resolution.or_else(|| self.coarsest(node));
        fields.finish(self, &[]);
        Some(Changes {
            at: node.at,
            ordered_by_time: order.as_deref() == Some("time"),
            passes,
            resolution: resolution.unwrap_or(Duration::from_secs(1)),
            overlap: overlap.unwrap_or(Duration::from_secs(600)),
            deletes: match deletes.as_deref() {
                Some("none") => Deletes::None,
                Some("event") => Deletes::Event,
                // Comparing all keys needs nothing of a vendor but what reading needs anyway.
                Some(_) | None => Deletes::Sweep,
            },
            misses,
            filterable,
            partition,
        })
    }

    /// `{ prefix: FIELD, values: "0-9A-Z" }`, or a list of beginnings.
    fn partition(&mut self, node: &Node) -> Option<Partition> {
        let mut fields = self.fields(node, "`partition`")?;
        let field = fields.get("prefix").and_then(|node| self.text(node, "`prefix`"));
        let beginnings = match fields.get("values") {
            Some(node) if matches!(node.value, Value::List(_)) => {
                self.texts(node, "`values`").into_iter().map(|(text, _)| text).collect()
            }
            Some(node) => self.text(node, "`values`").map(|text| letters(&text)).unwrap_or_default(),
            None => Vec::new(),
        };
        fields.finish(self, &[]);
        if field.is_none() || beginnings.is_empty() {
            self.faults.add(node.at, "`partition` needs the field whose `prefix` tells parts apart, and its `values`");
        }
        Some(Partition { field: field?, beginnings })
    }

    /// The longest resolution that a pass names.
    fn coarsest(&mut self, changes: &Node) -> Option<Duration> {
        let Some(Value::List(passes)) = changes.get("passes").map(|node| &node.value) else { return None };
        let named: Vec<&Node> = passes.iter().filter_map(|pass| pass.get("resolution")).collect();
        named.into_iter().filter_map(|node| self.duration(node, "`resolution`")).max()
    }

    fn pass(&mut self, node: &Node) -> Option<Pass> {
        let mut fields = self.fields(node, "a pass")?;
        let field = fields.get("field").and_then(|node| self.text(node, "`field`"));
        let date = fields.get("date").and_then(|node| self.text(node, "`date`"));
        let time = fields.get("time").and_then(|node| self.text(node, "`time`"));
        let zone = fields.get("zone").and_then(|node| self.template(node, "`zone`"));
        let asked_as = fields.get("filter").and_then(|node| self.text(node, "`filter`"));
        let from = fields.get("from").and_then(|node| self.word(node, "`from`", &["list", "record"]));
        let from_list = from.as_deref() == Some("list");
        fields.get("resolution");
        let format = fields.get("format").and_then(|node| self.text(node, "`format`"));
        fields.finish(self, &[]);
        match (field, date, zone) {
            (Some(field), None, None) if time.is_none() => Some(Pass::Field { field, asked_as, from_list, format }),
            (None, Some(date), Some(zone)) => Some(Pass::DateAndTime { date, time, zone }),
            (_, _, _) => {
                self.faults.add(node.at, "a pass is either a `field`, or `date`, `time` and `zone`");
                None
            }
        }
    }
}

/// `0-9A-Z` -> one text for each letter.
fn letters(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut all = Vec::new();
    let mut index = 0;
    while let Some(letter) = letters.get(index) {
        match (letters.get(index + 1), letters.get(index + 2)) {
            (Some('-'), Some(last)) => {
                all.extend((*letter..=*last).map(String::from));
                index += 3;
            }
            (_, _) => {
                all.push(letter.to_string());
                index += 1;
            }
        }
    }
    all
}
