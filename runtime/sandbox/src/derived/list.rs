//! Lists: conditions, order, pages, chosen fields. In: a request and what is stored. Out: a page's rows and where it goes on.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mapwright_manifest::{Driver, Entity, Manifest, More, Operation, PagingKind, Select, Sort, Tree};
use mapwright_values::Json;

use super::conditions::{Condition, Term, Test, asked_for};
use super::graphql;
use super::odata;
use super::reply::{For, Reply};
use super::route::Asked;
use super::schema::EntityType;
use super::store::{Store, Stored};
use super::tree::{Value, at, items, members, number, plain, put, take};
use super::unify::{Bound, Reader};

/// Rows a page where the manifest does not say.
const SIZE: u64 = 100;
/// The query value by which our own next links go on.
const LINK_PLACE: &str = "$skiptoken";

/// What a list is of.
#[derive(Clone, Copy)]
pub(crate) struct Listing<'l> {
    pub(crate) manifest: &'l Manifest,
    pub(crate) entity: &'l Entity,
    pub(crate) known: &'l EntityType,
    pub(crate) asked: &'l Asked,
    pub(crate) bound: &'l Bound,
    pub(crate) reader: Reader<'l>,
}

/// One page.
pub(crate) struct Page<'s> {
    pub(crate) rows: Vec<&'s Stored>,
    total: usize,
    /// Rows before this page.
    before: usize,
    size: usize,
    more: bool,
}

impl Listing<'_> {
    /// The rows that are asked for.
    pub(crate) fn page<'s>(&self, store: &'s Store, operation: &Operation) -> Result<Page<'s>, String> {
        let fixed: Vec<(String, String)> =
            operation.query.iter().filter_map(|(name, template)| Some((name.clone(), template.literal()?))).collect();
        let mut parts = vec![asked_for(self.manifest, self.entity, self.known, &self.reader, self.asked, &fixed)?];
        if self.entity.parent.is_some() {
            parts.extend(self.of_parent());
        }
        let order = self.order()?;
        let found = store.select(self.known, &Condition::All(parts), &order);
        let placed = self.placed();
        let size = self.size(&placed);
        let total = found.len();
        let before = match &self.manifest.paging.kind {
            PagingKind::None => 0,
            PagingKind::Page { first } | PagingKind::Keyset { first, .. } => {
                let page = self.number("page.number", &placed).unwrap_or(*first);
                usize::try_from(page.saturating_sub(*first)).unwrap_or(usize::MAX).saturating_mul(size)
            }
            PagingKind::Offset => {
                let offset = self.number("page.offset", &placed).unwrap_or(0);
                usize::try_from(offset).unwrap_or(usize::MAX)
            }
            PagingKind::NextLink { .. } => match self.asked.query(LINK_PLACE) {
                Some(token) => behind(&found, token)?,
                None => 0,
            },
            PagingKind::Cursor { .. } => match placed.text("cursor").or_else(|| self.bound.text("cursor")) {
                Some(token) if !token.is_empty() => behind(&found, &token)?,
                Some(_) | None => 0,
            },
        };
        let cuts = !matches!(self.manifest.paging.kind, PagingKind::None) || self.manifest.paging.size.is_some();
        let size = if cuts { size } else { usize::MAX };
        let rows: Vec<&Stored> = found.into_iter().skip(before).take(size).collect();
        let more = before.saturating_add(rows.len()) < total;
        Ok(Page { rows, total, before, size, more })
    }

    fn of_parent(&self) -> Vec<Condition> {
        let Some(parent) = self.bound.under("parent") else { return Vec::new() };
        let values = members(&parent).iter().map(|(_, value)| plain(value));
        let fields = self.known.key.iter().cloned();
        fields
            .zip(values)
            .map(|(field, value)| Condition::Term(Term { field, test: Test::Eq, values: vec![value] }))
            .collect()
    }

    /// What stands where the manifest puts page and size.
    fn placed(&self) -> Bound {
        let mut bound = Bound::default();
        for (place, tree) in &self.manifest.paging.into {
            if let Some(given) = self.asked.at(place) {
                bound.add(self.reader.tree(tree, Some(&given)).unwrap_or_default());
            }
        }
        for (name, template) in &self.manifest.paging.headers {
            if let Some(given) = self.asked.header(name) {
                bound.add(self.reader.text(template, given, None).unwrap_or_default());
            }
        }
        bound
    }

    fn number(&self, name: &str, placed: &Bound) -> Option<u64> {
        placed.text(name).or_else(|| self.bound.text(name))?.parse().ok()
    }

    /// Rows a page: what is asked for, at most what the manifest asks for itself.
    fn size(&self, placed: &Bound) -> usize {
        let most = match &self.manifest.paging.size {
            Some(Tree::Number(digits)) => digits.parse().ok(),
            Some(Tree::Text(template)) => self.reader.filled(template).and_then(|text| text.parse().ok()),
            Some(Tree::Null | Tree::Boolean(_) | Tree::List(_) | Tree::Map(_)) | None => None,
        };
        let most: u64 = most.unwrap_or(SIZE);
        let asked = self.number("page.size", placed).unwrap_or(most);
        usize::try_from(asked.clamp(1, most.max(1))).unwrap_or(usize::MAX)
    }

    /// The order that is asked for: field and whether it falls.
    fn order(&self) -> Result<Vec<(String, bool)>, String> {
        let check = |field: String, falling: bool| match self.known.field(&field) {
            Some(_) => Ok((field, falling)),
            None => Err(format!("rows cannot be ordered by {field}")),
        };
        match &self.manifest.sort {
            Sort::Odata => {
                let text = self.asked.query("$orderby").unwrap_or_default();
                text.split(',')
                    .map(str::trim)
                    .filter(|part| !part.is_empty())
                    .map(|part| {
                        let (field, way) = part.split_once(' ').unwrap_or((part, "asc"));
                        check(field.replace('/', "."), way.trim() == "desc")
                    })
                    .collect()
            }
            Sort::Templated { into, form, .. } => {
                let given = self.asked.at(into).unwrap_or(Json::Null);
                let entries: Vec<Value> = match &given {
                    Json::List(_) => items(&given).into_iter().cloned().collect(),
                    _ => vec![given.clone()],
                };
                let read = entries.iter().filter_map(|entry| {
                    let bound = self.reader.tree(&first_index(form), Some(entry))?;
                    bound.text("field")
                });
                read.map(|field| check(field, false)).collect()
            }
            Sort::None | Sort::Fixed(_) => Ok(Vec::new()),
        }
    }

    /// Where the list goes on, as the manifest looks for it.
    pub(crate) fn go_on(&self, page: &Page<'_>, of: For<'_>, reply: &mut Reply) {
        let token = page.rows.last().map(|stored| token(stored, page.before.saturating_add(page.rows.len())));
        match &self.manifest.paging.kind {
            PagingKind::NextLink { next } => {
                if let (true, Some(token), Some(selector)) = (page.more, token, next.first()) {
                    reply.put(selector, vec![Json::text(self.link(&token))], of.names);
                }
            }
            PagingKind::Cursor { cursor } => {
                // The last page's word for the next one is empty.
                let token = token.filter(|_| page.more).unwrap_or_default();
                if let Some(selector) = cursor.first() {
                    reply.put(selector, vec![Json::text(token)], of.names);
                }
            }
            PagingKind::None | PagingKind::Page { .. } | PagingKind::Offset | PagingKind::Keyset { .. } => {}
        }
        match &self.manifest.paging.more {
            More::FullPage => {}
            More::Says(selectors) => {
                let is_cursor = |text: &str| match &self.manifest.paging.kind {
                    PagingKind::Cursor { cursor } => cursor.iter().any(|known| known.text == text),
                    _ => false,
                };
                if let Some(selector) = selectors.first().filter(|selector| !is_cursor(&selector.text)) {
                    reply.put(selector, vec![Json::Boolean(page.more)], of.names);
                }
            }
            More::Above { at, above } => {
                let by_page = above.slots().any(|slot| slot.path.first().is_some_and(|step| step == "number"));
                let first = match &self.manifest.paging.kind {
                    PagingKind::Page { first } => usize::try_from(*first).unwrap_or(0),
                    _ => 0,
                };
                let pages = page.total.div_ceil(page.size.max(1));
                let value = if by_page { (first + pages).saturating_sub(1) } else { page.total };
                if let Some(selector) = at.first() {
                    reply.put(selector, vec![number(value)], of.names);
                }
            }
        }
    }

    /// The address of the next page: this one's, from there on.
    fn link(&self, token: &str) -> String {
        let others = self.asked.query.iter().filter(|(name, _)| name != LINK_PLACE);
        let mut pairs: Vec<String> =
            others.map(|(name, value)| format!("{name}={}", crate::text::escape_query(value))).collect();
        pairs.push(format!("{LINK_PLACE}={token}"));
        let host = self.asked.header("host").unwrap_or("127.0.0.1");
        format!("http://{host}{}?{}", self.asked.path, pairs.join("&"))
    }

    /// The record as a list or a `get` shows it: only what is asked for.
    pub(crate) fn shown(&self, stored: &Stored) -> Value {
        let mut record = stored.record.clone();
        match &self.manifest.select {
            Select::Odata => self.shown_by_odata(&mut record),
            Select::Nested { into, nest } => {
                let place = mapwright_manifest::Place::Body(into.clone());
                let asked = self.asked.at(&place).unwrap_or(Json::Null);
                for (path, _) in &self.entity.expand {
                    if !asked_nested(&asked, path, nest) {
                        nulled(&mut record, path);
                    }
                }
            }
            Select::Graphql => {
                if let Some(document) = &self.asked.document {
                    record = graphql::chosen(document, &self.entity.connections, record);
                }
            }
            Select::Paths { into, .. } => {
                if let Some(given) = self.asked.at(into) {
                    let names: Vec<String> = match &given {
                        Json::List(_) => items(&given).into_iter().map(plain).collect(),
                        lone => plain(lone).split(',').map(str::to_owned).collect(),
                    };
                    keep(&mut record, &names);
                }
            }
            Select::None => {}
        }
        record
    }

    fn shown_by_odata(&self, record: &mut Value) {
        let (select, expand) = odata::chosen(self.asked.query("$select"), self.asked.query("$expand"));
        let mut expanded = Vec::new();
        for (path, _) in &self.entity.expand {
            let Some(value) = take(record, path) else { continue };
            if let Some((_, inner)) = expand.iter().find(|(name, _)| name == path) {
                let chosen = |item: &Value| {
                    let mut item = item.clone();
                    if !inner.is_empty() {
                        keep(&mut item, inner);
                    }
                    item
                };
                let value = match &value {
                    Json::List(list) => Json::List(list.iter().map(chosen).collect()),
                    lone => chosen(lone),
                };
                expanded.push((path.clone(), value));
            }
        }
        if let Some(names) = &select {
            keep(record, names);
        }
        for (name, value) in expanded {
            put(record, &[&name], value);
        }
    }

    /// A row of a list that tells keys only: columns by the last steps of their paths.
    pub(crate) fn columns(&self, stored: &Stored) -> Value {
        let mut row = Json::Record(Vec::new());
        let patterns = self.entity.filter_on.iter().map(|field| field.pattern.as_str());
        for path in self.known.key.iter().map(String::as_str).chain(patterns) {
            let name = path.rsplit('.').next().unwrap_or(path);
            if let Some(value) = at(&stored.record, path) {
                let first = items(value).first().map_or(Json::Null, |value| (*value).clone());
                put(&mut row, &[name], first);
            }
        }
        for (name, value) in &stored.listed {
            put(&mut row, &[name], value.clone());
        }
        row
    }
}

/// A form whose `{index}` is the first.
fn first_index(form: &Tree) -> Tree {
    use mapwright_manifest::TreeMember;
    match form {
        Tree::Map(all) => Tree::Map(
            all.iter()
                .map(|member| match member {
                    TreeMember::One(name, tree) => TreeMember::One(name.replace("{index}", "0"), tree.clone()),
                    TreeMember::Spread(template) => TreeMember::Spread(template.clone()),
                })
                .collect(),
        ),
        other => other.clone(),
    }
}

/// A place in a list: the last row and how many came before, so that rows which leave the list push no others off a page.
fn token(stored: &Stored, before: usize) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}.{before}", stored.sequence))
}

fn behind(found: &[&Stored], token: &str) -> Result<usize, String> {
    let read = || {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        let (sequence, before) = text.split_once('.')?;
        Some((sequence.parse::<u64>().ok()?, before.parse::<usize>().ok()?))
    };
    let (sequence, before) = read().ok_or_else(|| format!("`{token}` is no place in a list"))?;
    Ok(match found.iter().position(|stored| stored.sequence == sequence) {
        Some(place) => place + 1,
        None => before,
    })
}

/// Is the path, or what leads to it, among the nested names that are asked for?
fn asked_nested(asked: &Value, path: &str, nest: &str) -> bool {
    let mut level = Some(asked);
    for step in path.split('.') {
        let Some(found) = level.and_then(|level| level.get(step)) else { return false };
        level = found.get(nest);
    }
    true
}

/// Empties what is at a path; lists on the way are entered.
fn nulled(value: &mut Value, path: &str) {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    match value {
        Json::List(list) => list.iter_mut().for_each(|item| nulled(item, path)),
        Json::Record(all) => {
            for (_, member) in all.iter_mut().filter(|(name, _)| name == first) {
                match rest {
                    Some(rest) => nulled(member, rest),
                    None => *member = Json::Null,
                }
            }
        }
        Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) => {}
    }
}

/// Leaves only these members, and what is said of the record itself.
fn keep(record: &mut Value, names: &[String]) {
    if let Json::Record(all) = record {
        all.retain(|(name, _)| {
            name.starts_with('@') || names.iter().any(|wanted| wanted == name || wanted.split('.').next() == Some(name))
        });
    }
}

/// The text before a slot of the path that an OData key stands in.
pub(crate) fn key_of(manifest: &Manifest, known: &EntityType, bound: &Bound) -> Result<Vec<String>, String> {
    let own = match (bound.get("key"), manifest.driver) {
        (Some(Json::Text(text)), Driver::Odata) => odata::key(text)?,
        (Some(value @ Json::Record(_)), _) => {
            known.key.iter().filter_map(|field| value.get(field).map(plain)).collect()
        }
        (Some(value), _) => vec![plain(value)],
        (None, _) => {
            let parts = bound.under("key");
            parts
                .iter()
                .flat_map(|parts| members(parts).iter().map(|(_, value)| plain(value)).collect::<Vec<_>>())
                .collect()
        }
    };
    let parent = bound.under("parent");
    let above =
        parent.iter().flat_map(|parent| members(parent).iter().map(|(_, value)| plain(value)).collect::<Vec<_>>());
    let whole: Vec<String> = above.chain(own.iter().cloned()).collect();
    Ok(if whole.len() > known.key.len() { own } else { whole })
}
