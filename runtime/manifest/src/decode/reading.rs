//! Conditions, selection, order, pages and changes from YAML.

use std::time::Duration;

use indexmap::IndexMap;

use super::fields::Decoder;
use crate::model::{
    Changes, Deletes, FilterForm, Filters, Paging, PagingKind, Pass, Select, Sort, TemplatedFilters, Unbuilt,
};
use crate::node::{Node, Value};

/// Comparisons that a filter can spell.
pub(crate) const COMPARISONS: [&str; 9] = ["eq", "ne", "in", "ge", "gt", "le", "lt", "prefix", "missing"];
/// Most values of one `in`, where a manifest does not say.
const IN_MAX_DEFAULT: usize = 20;

impl Decoder {
    /// `body.a.b` -> `[a, b]`: where a tree goes.
    fn place_in_body(&mut self, node: &Node) -> Option<Vec<String>> {
        let text = self.text(node, "`into`")?;
        match text.strip_prefix("body.") {
            Some(path) => Some(path.split('.').map(str::to_owned).collect()),
            None => {
                self.faults.add_with_help(node.at, format!("`{text}` cannot be filled in yet"), "write `body.NAME`");
                None
            }
        }
    }

    fn is_odata(&mut self, form: Option<&Node>) -> bool {
        form.is_some_and(|node| matches!(&node.value, Value::Text(word) if word == "odata"))
    }

    pub(crate) fn filters(&mut self, node: &Node, unbuilt: &mut Vec<Unbuilt>) -> Option<Filters> {
        let mut fields = self.fields(node, "`filters`")?;
        let form = fields.get("form");
        let in_max = fields.get("in_max").and_then(|node| self.number(node, "`in_max`"));
        let in_max = in_max.and_then(|number| usize::try_from(number).ok()).unwrap_or(IN_MAX_DEFAULT).max(1);
        if let Some(form) = form {
            self.word(form, "`filters.form`", &["odata"]);
        }
        let into = fields.get("into").and_then(|node| self.place_in_body(node));
        let mut forms = IndexMap::new();
        for comparison in COMPARISONS {
            if let Some(tree) = fields.get(comparison).and_then(|node| self.tree(node)) {
                forms.insert(comparison.to_owned(), tree);
            }
        }
        // `any` spells alternatives; terms are always joined by "all", so it is read and not needed.
        if let Some(any) = fields.get("any") {
            self.tree(any);
        }
        unbuilt.extend(self.unbuilt(&mut fields, &["encode", "all", "quote", "exact", "per_field"]));
        let spelled = if self.is_odata(form) {
            FilterForm::Odata
        } else if let Some(into) = into {
            FilterForm::Templated(Box::new(TemplatedFilters { into, forms }))
        } else {
            if form.is_none() {
                self.faults.add(node.at, "`filters` says neither `form: odata` nor `into`");
            }
            FilterForm::None
        };
        fields.finish(self, &[]);
        Some(Filters { form: spelled, in_max })
    }

    pub(crate) fn select(&mut self, node: &Node, unbuilt: &mut Vec<Unbuilt>) -> Option<Select> {
        let mut fields = self.fields(node, "`select`")?;
        let form_node = fields.get("form");
        let form = form_node
            .and_then(|node| self.word(node, "`select.form`", &["odata", "nested", "paths", "graphql", "none"]));
        let into = fields.get("into").and_then(|node| self.place_in_body(node));
        let nest = fields.get("nest").and_then(|node| self.text(node, "`nest`"));
        unbuilt.extend(self.unbuilt(&mut fields, &["repeat"]));
        let select = match form.as_deref() {
            Some("odata") => Select::Odata,
            Some("nested") => match (into, nest) {
                (Some(into), Some(nest)) => Select::Nested { into, nest },
                (_, _) => {
                    self.faults.add(node.at, "`select: nested` needs `into` and `nest`");
                    Select::None
                }
            },
            Some("none") | None => Select::None,
            Some(other) => {
                unbuilt.push(Unbuilt { what: format!("`select: {other}`"), at: node.at });
                Select::None
            }
        };
        fields.finish(self, &[]);
        Some(select)
    }

    pub(crate) fn sort(&mut self, node: &Node, unbuilt: &mut Vec<Unbuilt>) -> Option<Sort> {
        let mut fields = self.fields(node, "`sort`")?;
        let form = fields.get("form");
        let into = fields.get("into").and_then(|node| self.place_in_body(node));
        unbuilt.extend(self.unbuilt(&mut fields, &["encode", "all", "fixed"]));
        let sort = if self.is_odata(form) {
            Sort::Odata
        } else {
            match (form.and_then(|node| self.tree(node)), into) {
                (Some(form), Some(into)) => Sort::Templated { into, form },
                (_, _) => {
                    self.faults.add(node.at, "`sort` says neither `form: odata` nor `form` with `into`");
                    Sort::None
                }
            }
        };
        fields.finish(self, &[]);
        Some(sort)
    }

    pub(crate) fn paging(&mut self, node: &Node, unbuilt: &mut Vec<Unbuilt>) -> Option<Paging> {
        let mut fields = self.fields(node, "`paging`")?;
        let kinds = ["none", "page", "offset", "cursor", "next_link", "keyset"];
        let kind = fields.get("kind").and_then(|node| self.word(node, "`paging.kind`", &kinds));
        let by = fields.get("by").and_then(|node| self.text(node, "`by`"));
        let first = fields.get("first").and_then(|node| self.number(node, "`first`"));
        let size = fields.get("size").and_then(|node| self.tree(node));
        if let Some(more) = fields.get("more") {
            self.word(more, "`more` (other ways are not built yet)", &["full_page"]);
        }
        let next = fields.get("next").map(|node| self.selectors(node, "`next`")).unwrap_or_default();
        let headers = fields.get("headers").map(|node| self.named_templates(node, "`headers`")).unwrap_or_default();
        let resend_headers = fields.get("resend_headers").is_some_and(|node| self.boolean(node, "`resend_headers`"));
        unbuilt.extend(self.unbuilt(&mut fields, &["into", "cursor", "full_page_is"]));
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
            Some("none") | None => PagingKind::None,
            Some(other) => {
                unbuilt.push(Unbuilt { what: format!("`paging: {other}`"), at: node.at });
                PagingKind::None
            }
        };
        if matches!(kind, PagingKind::Page { .. } | PagingKind::Keyset { .. } | PagingKind::Offset) && size.is_none() {
            self.faults.add(node.at, "this `paging` does not say its `size`, so no page could be told to be the last");
        }
        fields.finish(self, &[]);
        Some(Paging { kind, size, headers, resend_headers })
    }

    /// `none` is `None`.
    pub(crate) fn changes(&mut self, node: &Node, unbuilt: &mut Vec<Unbuilt>) -> Option<Changes> {
        if matches!(&node.value, Value::Text(word) if word == "none") {
            return None;
        }
        let mut fields = self.fields(node, "`changes`")?;
        let order = fields.get("order").and_then(|node| self.word(node, "`order`", &["time", "key"]));
        let passes: Vec<Pass> = match fields.get("passes").map(|node| &node.value) {
            Some(Value::List(items)) => items.iter().filter_map(|item| self.pass(item, unbuilt)).collect(),
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
        let misses = fields.get("misses").map(|node| self.texts(node, "`misses`")).unwrap_or_default();
        if let Some(filterable) = fields.get("filterable")
            && !self.boolean(filterable, "`filterable`")
        {
            unbuilt.push(Unbuilt { what: "`filterable: false`".to_owned(), at: filterable.at });
        }
        unbuilt.extend(self.unbuilt(&mut fields, &["partition"]));
        fields.finish(self, &[]);
        Some(Changes {
            at: node.at,
            ordered_by_time: order.as_deref() == Some("time"),
            passes,
            resolution: resolution.unwrap_or(Duration::from_secs(1)),
            overlap: overlap.unwrap_or(Duration::from_secs(600)),
            deletes: match deletes.as_deref() {
                Some("sweep") => Deletes::Sweep,
                Some("event") => Deletes::Event,
                Some(_) | None => Deletes::None,
            },
            misses,
        })
    }

    fn pass(&mut self, node: &Node, unbuilt: &mut Vec<Unbuilt>) -> Option<Pass> {
        let mut fields = self.fields(node, "a pass")?;
        let field = fields.get("field").and_then(|node| self.text(node, "`field`"));
        let date = fields.get("date").and_then(|node| self.text(node, "`date`"));
        let time = fields.get("time").and_then(|node| self.text(node, "`time`"));
        let zone = fields.get("zone").and_then(|node| self.template(node, "`zone`"));
        unbuilt.extend(self.unbuilt(&mut fields, &["filter", "from", "resolution"]));
        fields.finish(self, &[]);
        match (field, date, zone) {
            (Some(field), None, None) if time.is_none() => Some(Pass::Field(field)),
            (None, Some(date), Some(zone)) => Some(Pass::DateAndTime { date, time, zone }),
            (_, _, _) => {
                self.faults.add(node.at, "a pass is either a `field`, or `date`, `time` and `zone`");
                None
            }
        }
    }
}
