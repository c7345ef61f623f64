//! Reading pages: of changes, or of everything. In: the engine's questions. Out: records as canonical JSON text, and where
//! to go on.

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mapwright_engine::connector::{Class, Failure, Page, PageRequest, Row, Window};
use mapwright_manifest::{Entity, FilterForm, More, Operation, PagingKind, Partition, Pass, Verb};
use mapwright_values::plan::EntityPlan;
use mapwright_values::{Json, Term, Test};

use crate::answer::ReadAnswer;
use crate::classify::{Asked, http_date};
use crate::codec;
use crate::connection::{Call, RestConnector};
use crate::fetching::{all, listed_key, record_key, records, together};
use crate::fields::{at, kind_of, list_items};
use crate::graphql;
use crate::paging::{Cursor, resolve_link};
use crate::template::plain;
use crate::windows::Stamped;

/// A list within a record has no more pages than this.
const NESTED_PAGES_MAX: u32 = 200;

/// A list to be asked for, one page of it.
pub(crate) struct Listing<'a> {
    pub(crate) entity: &'a str,
    pub(crate) verb: Verb,
    pub(crate) terms: Vec<Term>,
    /// Paths to ask for; empty = everything.
    pub(crate) select: Vec<String>,
    /// Fields to order by; empty = as it comes.
    pub(crate) order: Vec<String>,
    pub(crate) cursor: Cursor,
    /// The key of the record that these belong to.
    pub(crate) parent: Json<'static>,
}

impl Listing<'_> {
    /// The parts in which the list is asked for. A look-up for a value is one question, however long the whole list would be.
    pub(crate) fn partition<'e>(&self, entity: &'e Entity) -> Option<&'e Partition> {
        if self.terms.iter().any(|term| matches!(term.test, Test::Eq | Test::In)) {
            return None;
        }
        entity.changes.as_ref()?.partition.as_ref()
    }
}

/// A page as it came.
pub(crate) struct RawPage {
    /// Records, owned.
    pub(crate) records: Vec<Json<'static>>,
    pub(crate) next: Option<Cursor>,
    pub(crate) server_time: Option<Timestamp>,
}

impl RestConnector {
    pub(crate) fn entity_known(&self, name: &str) -> Result<(&Entity, &'static EntityPlan), Failure> {
        let entity = self.manifest.entity(name);
        let plan = self.plan(name);
        match (entity, plan) {
            (Some(entity), Some(plan)) => Ok((entity, plan)),
            (_, _) => Err(self.failure(
                Class::Halt,
                format!("`{name}` is no entity that this project uses of {}", self.manifest.system),
            )),
        }
    }

    pub(crate) fn operation_known<'e>(&self, entity: &'e Entity, verb: Verb) -> Result<&'e Operation, Failure> {
        entity.operation(verb).ok_or_else(|| {
            self.failure(Class::Halt, format!("{} cannot `{}` {}", self.manifest.title, verb.word(), entity.name))
        })
    }

    /// One page of changes or of everything.
    pub(crate) async fn page(&self, request: &PageRequest) -> Result<Page, Failure> {
        let (entity, plan) = self.entity_known(&request.entity)?;
        if let Some((parent, _)) = &entity.parent {
            return self.page_of_parents(request, plan, parent).await;
        }
        let stamped = match &request.window {
            Some(window) => Some(self.stamped(entity, plan, window)?),
            None => None,
        };
        let mut terms = request.filter.clone();
        let mut select = request.select.clone();
        let mut order: Vec<String> = Vec::new();
        if let (Some(stamped), Some(window)) = (&stamped, &request.window) {
            if stamped.asked {
                terms.extend(stamped.terms(window));
            }
            let fields = stamped.pass.fields();
            if !select.is_empty() {
                select.extend(fields.iter().map(|field| (*field).to_owned()));
            }
            if entity.changes.as_ref().is_some_and(|changes| changes.ordered_by_time) {
                order.extend(fields.into_iter().map(str::to_owned));
            }
        }
        if !select.is_empty() {
            select.extend(plan.key.iter().map(|name| (*name).to_owned()));
        }
        order.extend(plan.key.iter().map(|name| (*name).to_owned()));
        let cursor = Cursor::read(request.cursor.as_deref()).map_err(|words| self.failure(Class::Halt, words))?;
        if self.keyset_field(plan).is_some() && order.len() > plan.key.len() {
            let words = format!("{} is read ordered by time, which `paging: keyset` cannot do yet", entity.name);
            return Err(self.failure(Class::Halt, words));
        }
        let parent = Json::Null;
        let listing = Listing { entity: &request.entity, verb: Verb::List, terms, select, order, cursor, parent };
        let raw = self.raw_page(&listing).await?;
        let mut kept = Vec::with_capacity(raw.records.len());
        for record in raw.records {
            let (stamp, belongs) = match (&stamped, &request.window) {
                (Some(stamped), Some(window)) => stamped.stamp(&record, window),
                (_, _) => (None, true),
            };
            if belongs {
                kept.push((record, stamp));
            }
        }
        let rows = if self.operation_known(entity, Verb::List)?.gives_keys {
            self.each_by_key(plan, &kept, &listing.select).await?
        } else {
            kept.into_iter().map(|(record, stamp)| Row { record: record.to_text(), stamp }).collect()
        };
        let next = raw.next.map(|cursor| cursor.write()).transpose();
        let next = next.map_err(|words| self.failure(Class::Halt, words))?;
        Ok(Page { rows, next, server_time: raw.server_time })
    }

    /// All records that belong to one page of parents; the cursor is that of the parents.
    async fn page_of_parents(
        &self,
        request: &PageRequest,
        plan: &'static EntityPlan,
        parent: &str,
    ) -> Result<Page, Failure> {
        let (_, above) = self.entity_known(parent)?;
        let keys = |plan: &EntityPlan| plan.key.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
        let cursor = Cursor::read(request.cursor.as_deref()).map_err(|words| self.failure(Class::Halt, words))?;
        let parents = Listing {
            entity: parent,
            verb: Verb::List,
            terms: Vec::new(),
            select: keys(above),
            order: keys(above),
            cursor,
            parent: Json::Null,
        };
        let raw = self.raw_page(&parents).await?;
        let mut rows = Vec::new();
        for record in &raw.records {
            let Some(key) = record_key(above, record) else {
                return Err(self.failure(Class::Halt, format!("a record of {parent} does not carry its key")));
            };
            let members = crate::fetching::key_members(above, above.key, &key);
            let mut listing = Listing {
                entity: &request.entity,
                verb: Verb::List,
                terms: request.filter.clone(),
                select: request.select.clone(),
                order: Vec::new(),
                cursor: Cursor::default(),
                parent: Json::Record(members),
            };
            for _ in 0..NESTED_PAGES_MAX {
                let page = self.raw_page(&listing).await?;
                for record in page.records {
                    let record = with_parent(record, plan, above, &listing.parent);
                    rows.push(Row { record: record.to_text(), stamp: None });
                }
                match page.next {
                    Some(next) => listing.cursor = next,
                    None => break,
                }
            }
        }
        let next = raw.next.map(|cursor| cursor.write()).transpose();
        let next = next.map_err(|words| self.failure(Class::Halt, words))?;
        Ok(Page { rows, next, server_time: raw.server_time })
    }

    fn stamped<'e>(&self, entity: &'e Entity, plan: &EntityPlan, window: &Window) -> Result<Stamped<'e>, Failure> {
        let pass = entity.changes.as_ref().and_then(|changes| changes.passes.get(window.pass));
        let Some(pass) = pass else {
            let words = format!("{} has no change pass number {}", entity.name, window.pass);
            return Err(self.failure(Class::Halt, words));
        };
        let zone = match pass {
            Pass::Field { .. } => TimeZone::UTC,
            Pass::DateAndTime { zone, .. } => {
                let name = self
                    .configured(|scope| scope.text(zone))
                    .map_err(|unfilled| self.failure(Class::Halt, unfilled.message))?
                    .unwrap_or_default();
                TimeZone::get(&name).map_err(|_| {
                    self.failure(Class::Halt, format!("`{name}` is no time zone: write one like Europe/Berlin"))
                })?
            }
        };
        let kind = pass.fields().first().and_then(|field| kind_of(plan, field));
        let asked = entity.changes.as_ref().is_none_or(|changes| changes.filterable);
        Ok(Stamped { pass, zone, kind, asked })
    }

    /// The records of rows that tell keys only. A record that has gone meanwhile is left out: it is no change any more.
    async fn each_by_key(
        &self,
        plan: &'static EntityPlan,
        rows: &[(Json<'static>, Option<Timestamp>)],
        select: &[String],
    ) -> Result<Vec<Row>, Failure> {
        let next = AtomicUsize::new(0);
        let found: Vec<tokio::sync::OnceCell<Row>> = rows.iter().map(|_| tokio::sync::OnceCell::new()).collect();
        let worker = || async {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let (Some((row, stamp)), Some(cell)) = (rows.get(index), found.get(index)) else { return Ok(()) };
                let key = listed_key(plan, row).ok_or_else(|| {
                    self.failure(
                        Class::Halt,
                        format!("a row of {} does not carry its key {}", plan.name, plan.key.join(", ")),
                    )
                })?;
                if let Some(record) = together(|| self.record(plan.name, &key, select)).await? {
                    // Each index is handed out once, so the cell is empty.
                    let _ = cell.set(Row { record: record.to_text(), stamp: *stamp });
                }
            }
        };
        let workers = self.manifest.limits.parallel.min(rows.len());
        all((0..workers).map(|_| worker()).collect()).await?;
        Ok(found.into_iter().filter_map(tokio::sync::OnceCell::into_inner).collect())
    }

    /// One page, its records owned.
    pub(crate) async fn raw_page(&self, listing: &Listing<'_>) -> Result<RawPage, Failure> {
        let (entity, plan) = self.entity_known(listing.entity)?;
        let operation = self.operation_known(entity, listing.verb)?;
        let size = self.page_size()?;
        let number = match &self.manifest.paging.kind {
            PagingKind::Page { first } => listing.cursor.pages.saturating_add(*first),
            PagingKind::Keyset { first, .. } => listing.cursor.ties.saturating_add(*first),
            PagingKind::None | PagingKind::Offset | PagingKind::NextLink { .. } | PagingKind::Cursor { .. } => {
                listing.cursor.pages
            }
        };
        let count = |number: u64| Json::Number(number.to_string().into());
        let mut page = vec![("number".into(), count(number)), ("offset".into(), count(listing.cursor.rows))];
        page.extend(size.map(|size| ("size".into(), count(size))));
        page.extend(size.map(|size| ("end".into(), count(number.saturating_mul(size)))));
        let page = Json::Record(page);
        let go_on = listing.cursor.token.clone().map_or(Json::Null, Json::text);
        let call = Call {
            operation,
            asked: Asked::Entity(listing.verb),
            name: listing.entity,
            plan: Some(plan),
            key: &[],
            roots: vec![("page", &page), ("cursor", &go_on), ("parent", &listing.parent)],
            extras: self.list_extras(listing, entity, plan, &page, &go_on)?,
            personal: &[],
        };
        let outcome = self
            .call(&call, |read| {
                let records = records(read, operation)?;
                let next = self.next(listing, entity, plan, read, &records, (size, number));
                let server_time = read.answer.header("date").and_then(http_date);
                Ok((records, next, server_time))
            })
            .await;
        match outcome {
            Ok((records, next, server_time)) => {
                let next =
                    next.map_err(|words| self.failure(Class::Halt, format!("list {}: {words}", listing.entity)))?;
                let mut shaped = Vec::with_capacity(records.len());
                for record in records {
                    let record = self.shaped(entity, plan, record).await?;
                    if self.meets(&record, &listing.terms) {
                        shaped.push(record);
                    }
                }
                Ok(RawPage { records: shaped, next, server_time })
            }
            // A list that says "no matching records" as an error has none.
            Err(failure) if failure.class == Class::Missing => {
                Ok(RawPage { records: Vec::new(), next: None, server_time: None })
            }
            Err(failure) => Err(failure),
        }
    }

    /// A record in the catalogue's shape, its nested lists read to their end.
    pub(crate) async fn shaped(
        &self,
        entity: &Entity,
        plan: &'static EntityPlan,
        record: Json<'static>,
    ) -> Result<Json<'static>, Failure> {
        let halt = |words: String| self.failure(Class::Halt, format!("{}: {words}", entity.name));
        if entity.connections.is_empty() {
            return Ok(codec::from_wire(&self.manifest.codec, plan.fields, record));
        }
        let (mut record, mut more) = graphql::flattened(record, plan.fields, &entity.connections).map_err(halt)?;
        let mut requests = 0;
        while let Some(going_on) = more.pop() {
            requests += 1;
            if requests > NESTED_PAGES_MAX {
                return Err(halt(format!("`{}` goes on for more than {NESTED_PAGES_MAX} pages", going_on.path)));
            }
            let key = record_key(plan, &record).ok_or_else(|| halt("a record does not carry its key".to_owned()))?;
            let Some((page, _)) = self.raw_record(entity, plan, &key, &[], Some(&going_on)).await? else { break };
            let (page, further) = graphql::flattened(page, plan.fields, &entity.connections).map_err(halt)?;
            if further.contains(&going_on) {
                return Err(halt(format!("`{}` leads to a page that was read already", going_on.path)));
            }
            if let Some(Json::List(items)) = at(&page, &going_on.path) {
                graphql::appended(&mut record, &going_on.path, items.clone());
            }
            more.extend(further);
        }
        Ok(codec::from_wire(&self.manifest.codec, plan.fields, record))
    }

    /// Where a search is approximate, or answers more than was asked, rows are compared again.
    fn meets(&self, record: &Json<'_>, terms: &[Term]) -> bool {
        let approximate = match &self.manifest.filters.form {
            FilterForm::Templated(forms) => !forms.exact,
            FilterForm::PerField(_) => true,
            FilterForm::None | FilterForm::Odata => false,
        };
        !approximate
            || terms.iter().all(|term| {
                let values = crate::answer::path_values(record, &term.field);
                let texts: Vec<String> = values.iter().filter_map(|value| crate::answer::leaf(value)).collect();
                let Ok(wanted) = Json::parse(&term.value) else { return true };
                // A field that conditions know and records do not cannot be compared.
                texts.is_empty()
                    || match term.test {
                        Test::Eq => texts.contains(&plain(&wanted)),
                        Test::In => list_items(&wanted).iter().any(|wanted| texts.contains(&plain(wanted))),
                        Test::Ne | Test::Lt | Test::Le | Test::Gt | Test::Ge | Test::Missing => true,
                    }
            })
    }

    fn next(
        &self,
        listing: &Listing<'_>,
        entity: &Entity,
        plan: &EntityPlan,
        read: &ReadAnswer<'_>,
        records: &[Json<'static>],
        (size, number): (Option<u64>, u64),
    ) -> Result<Option<Cursor>, String> {
        let cursor = &listing.cursor;
        let full = size.is_some_and(|size| u64::try_from(records.len()).unwrap_or(u64::MAX) >= size);
        let texts = |records: &[Json<'static>]| records.iter().map(Json::to_text).collect::<Vec<String>>();
        let paging = &self.manifest.paging;
        if full && paging.full_page_is_error {
            let size = size.unwrap_or_default();
            return Err(format!("the list is cut at {size} rows and has no further pages: ask for less at once"));
        }
        if let Some(partition) = listing.partition(entity) {
            return cursor.after_part(records.len(), partition.beginnings.len());
        }
        match &paging.kind {
            PagingKind::None => Ok(None),
            PagingKind::Page { .. } | PagingKind::Offset => {
                if self.more(read, full, size, number) {
                    cursor.after_full_page(&texts(records)).map(Some)
                } else {
                    Ok(None)
                }
            }
            PagingKind::Keyset { .. } => {
                let last =
                    self.keyset_field(plan).and_then(|by| records.last()?.get(by)).filter(|value| !value.is_null());
                if full { cursor.after_value(&texts(records), last.map(Json::to_text)).map(Some) } else { Ok(None) }
            }
            PagingKind::NextLink { next } => match read.text(next, &Json::Null) {
                Some(link) if !link.is_empty() => {
                    // Followed later; a link to another host is refused now, while its page is at hand.
                    resolve_link(&self.base, &link)?;
                    cursor.after_link(link, &texts(records)).map(Some)
                }
                Some(_) | None => Ok(None),
            },
            PagingKind::Cursor { cursor: selectors } => {
                let token = read.text(selectors, &Json::Null).filter(|token| !token.is_empty());
                match token {
                    Some(token) if self.more(read, full, size, number) => {
                        cursor.after_token(token, &texts(records)).map(Some)
                    }
                    Some(_) | None => Ok(None),
                }
            }
        }
    }

    /// Does the answer say that there are more pages?
    fn more(&self, read: &ReadAnswer<'_>, full: bool, size: Option<u64>, number: u64) -> bool {
        match &self.manifest.paging.more {
            More::FullPage => full,
            More::Says(selectors) => {
                let said = read.text(selectors, &Json::Null);
                said.is_some_and(|said| !matches!(said.as_str(), "" | "false" | "0"))
            }
            More::Above { at, above } => {
                let mut page = vec![("number".into(), Json::Number(number.to_string().into()))];
                page.extend(size.map(|size| ("size".into(), Json::Number(size.to_string().into()))));
                let end = size.map(|size| number.saturating_mul(size));
                page.extend(end.map(|end| ("end".into(), Json::Number(end.to_string().into()))));
                let page = Json::Record(page);
                let scope = crate::template::Scope { roots: &[("page", &page)], ..crate::template::Scope::default() };
                let above = scope.text(above).ok().flatten().and_then(|text| text.parse::<u64>().ok());
                let said = read.text(at, &Json::Null).and_then(|text| text.trim().parse::<u64>().ok());
                matches!((said, above), (Some(said), Some(above)) if said > above)
            }
        }
    }
}

/// The record with its parent's key in its own leading key fields: lists of one parent seldom repeat it.
pub(crate) fn with_parent(
    record: Json<'static>,
    plan: &EntityPlan,
    above: &EntityPlan,
    parent: &Json<'static>,
) -> Json<'static> {
    let Json::Record(mut members) = record else { return record };
    for (index, name) in above.key.iter().enumerate() {
        let Some(own) = plan.key.get(index).filter(|own| members.iter().all(|(known, _)| known != *own)) else {
            continue;
        };
        members.extend(parent.get(name).map(|value| ((*own).into(), value.clone())));
    }
    Json::Record(members)
}
