//! Reading: pages, records by key, look-ups. In: the engine's questions. Out: records as canonical JSON text.

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mapwright_engine::connector::{Class, Failure, Page, PageRequest, Row, Window};
use mapwright_manifest::{Entity, FilterForm, More, Operation, PagingKind, Pass, Select, Sort, Verb};
use mapwright_values::plan::{EntityPlan, Kind};
use mapwright_values::{Find, Json, Term, Test};

use crate::answer::ReadAnswer;
use crate::classify::{Asked, http_date};
use crate::codec;
use crate::connection::{Call, RestConnector};
use crate::fields::{at, key_of, kind_of, list_items};
use crate::lock;
use crate::paging::{Cursor, resolve_link};
use crate::request::Extras;
use crate::template::plain;
use crate::windows::Stamped;
use crate::{graphql, odata, places, rest};

/// A look-up reads no more pages than this: a condition that finds more is no look-up.
const FIND_PAGES_MAX: u64 = 20;
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
        if let Some(words) = self.manifest.not_built(&entity.name, verb) {
            return Err(
                self.failure(Class::Halt, format!("{} of {} asks for what is {words}", verb.word(), entity.name))
            );
        }
        entity.operation(verb).ok_or_else(|| {
            self.failure(Class::Halt, format!("{} cannot `{}` {}", self.manifest.title, verb.word(), entity.name))
        })
    }

    /// One page of changes or of everything.
    pub(crate) async fn page(&self, request: &PageRequest) -> Result<Page, Failure> {
        let (entity, plan) = self.entity_known(&request.entity)?;
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
        let listing = Listing { entity: &request.entity, verb: Verb::List, terms, select, order, cursor };
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
                if let Some(record) = self.record(plan.name, &key, select).await? {
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
            roots: vec![("page", &page), ("cursor", &go_on)],
            extras: self.list_extras(listing, entity, plan, &page, &go_on)?,
            personal: &[],
        };
        let outcome = self
            .call(&call, |read| {
                let records = records(read, operation)?;
                let next = self.next(&listing.cursor, entity, plan, read, &records, (size, number));
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

    /// The field that pages go by, where the catalogue has it; otherwise they go by number.
    fn keyset_field(&self, plan: &EntityPlan) -> Option<&str> {
        match &self.manifest.paging.kind {
            PagingKind::Keyset { by, .. } => kind_of(plan, by).map(|_| by.as_str()),
            PagingKind::None
            | PagingKind::Page { .. }
            | PagingKind::Offset
            | PagingKind::NextLink { .. }
            | PagingKind::Cursor { .. } => None,
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

    fn page_size(&self) -> Result<Option<u64>, Failure> {
        let Some(tree) = &self.manifest.paging.size else { return Ok(None) };
        let size = self
            .configured(|scope| scope.tree(tree))
            .map_err(|unfilled| self.failure(Class::Halt, unfilled.message))?;
        match size.map(|size| plain(&size).parse::<u64>()) {
            Some(Ok(size)) if size > 0 => Ok(Some(size)),
            Some(_) | None => Err(self.failure(Class::Halt, "the page size must be a whole number above 0")),
        }
    }

    fn next(
        &self,
        cursor: &Cursor,
        entity: &Entity,
        plan: &EntityPlan,
        read: &ReadAnswer<'_>,
        records: &[Json<'static>],
        (size, number): (Option<u64>, u64),
    ) -> Result<Option<Cursor>, String> {
        let full = size.is_some_and(|size| u64::try_from(records.len()).unwrap_or(u64::MAX) >= size);
        let texts = |records: &[Json<'static>]| records.iter().map(Json::to_text).collect::<Vec<String>>();
        let paging = &self.manifest.paging;
        if full && paging.full_page_is_error {
            let size = size.unwrap_or_default();
            return Err(format!("the list is cut at {size} rows and has no further pages: ask for less at once"));
        }
        if let Some(partition) = entity.changes.as_ref().and_then(|changes| changes.partition.as_ref()) {
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
                    cursor.after_link(link, records.len()).map(Some)
                }
                Some(_) | None => Ok(None),
            },
            PagingKind::Cursor { cursor: selectors } => {
                let token = read.text(selectors, &Json::Null).filter(|token| !token.is_empty());
                match token {
                    Some(token) if self.more(read, full, size, number) => {
                        cursor.after_token(token, records.len()).map(Some)
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

    fn list_extras(
        &self,
        listing: &Listing<'_>,
        entity: &Entity,
        plan: &'static EntityPlan,
        page: &Json<'static>,
        go_on: &Json<'static>,
    ) -> Result<Extras, Failure> {
        let manifest = &self.manifest;
        let halt = |words: String| self.failure(Class::Halt, words);
        let mut extras = Extras::default();
        if listing.cursor.link.is_none() || manifest.paging.resend_headers {
            extras.headers.clone_from(&manifest.paging.headers);
        }
        if let Some(link) = &listing.cursor.link {
            extras.address = Some(resolve_link(&self.base, link).map_err(halt)?);
            return Ok(extras);
        }
        let (mut terms, mut order) = (listing.terms.clone(), listing.order.clone());
        if let Some(by) = self.keyset_field(plan) {
            order.insert(0, by.to_owned());
            let from = listing.cursor.from.clone();
            terms.extend(from.map(|value| Term { field: by.to_owned(), test: Test::Ge, value }));
        }
        let paged = self.configured(|scope| {
            let mut roots = scope.roots.to_vec();
            roots.extend([("page", page), ("cursor", go_on)]);
            places::filled(&manifest.paging.into, &crate::template::Scope { roots: &roots, ..*scope })
        });
        extras.placed.extend(paged.map_err(|unfilled| halt(unfilled.message))?);
        for term in &terms {
            self.check_in(term, entity)?;
        }
        if manifest.filters.last_step {
            for term in &mut terms {
                term.field = term.field.rsplit('.').next().unwrap_or_default().to_owned();
            }
        }
        let changes = entity.changes.as_ref();
        let part = changes.and_then(|changes| changes.partition.as_ref()).and_then(|partition| {
            let index = usize::try_from(listing.cursor.pages).unwrap_or(usize::MAX);
            partition.beginnings.get(index).map(|beginning| (partition.field.as_str(), beginning.as_str()))
        });
        if !terms.is_empty() || part.is_some() {
            match &manifest.filters.form {
                FilterForm::None => return Err(halt(format!("{} takes no conditions", manifest.title))),
                FilterForm::Odata => {
                    let spelled = odata::filter(&terms, |path| kind_of(plan, path), manifest.odata).map_err(halt)?;
                    extras.query.extend(spelled.map(|text| ("$filter".to_owned(), text)));
                }
                FilterForm::Templated(forms) => {
                    let list = self.configured(|scope| rest::filter(&terms, part, forms, scope));
                    let list = list.map_err(|unfilled| halt(unfilled.message))?;
                    extras.placed.push(places::conditions(list, forms));
                }
                FilterForm::PerField(filters) => {
                    let placed = self.configured(|scope| rest::per_field(&terms, filters, scope));
                    extras.placed.extend(placed.map_err(|unfilled| halt(unfilled.message))?);
                }
            }
        }
        self.selection(entity, plan, &listing.select, None, &mut extras);
        if !order.is_empty() {
            match &manifest.sort {
                Sort::None => {}
                Sort::Odata => extras.query.push(("$orderby".to_owned(), order.join(","))),
                Sort::Templated { into, form, join } => {
                    let list = self.configured(|scope| rest::sort(&order, form, scope));
                    let list = list.map_err(|unfilled| halt(unfilled.message))?;
                    extras.placed.push((into.clone(), places::joined(list, join)));
                }
                Sort::Fixed(fixed) => {
                    let placed = self.configured(|scope| places::filled(fixed, scope));
                    extras.placed.extend(placed.map_err(|unfilled| halt(unfilled.message))?);
                }
            }
        }
        Ok(extras)
    }

    /// What asks for the used fields only.
    fn selection(
        &self,
        entity: &Entity,
        plan: &'static EntityPlan,
        select: &[String],
        after: Option<&graphql::More>,
        extras: &mut Extras,
    ) {
        match &self.manifest.select {
            Select::None => {}
            Select::Odata => {
                let (chosen, expanded) = odata::select(select, entity);
                extras.query.extend(chosen.map(|text| ("$select".to_owned(), text)));
                extras.query.extend(expanded.map(|text| ("$expand".to_owned(), text)));
            }
            Select::Nested { into, nest } => {
                let tree = rest::associations(select, entity, nest);
                extras.placed.extend(tree.map(|tree| (mapwright_manifest::Place::Body(into.clone()), tree)));
            }
            Select::Paths { into, repeat } => {
                if !select.is_empty() {
                    let paths = select.iter().map(|path| Json::text(path.clone())).collect();
                    let whole = if *repeat { Json::List(paths) } else { Json::text(select.join(",")) };
                    extras.placed.push((into.clone(), whole));
                }
            }
            Select::Graphql => {
                let kind = entity.entries.get("type").and_then(mapwright_manifest::Template::literal);
                let kind = kind.unwrap_or_else(|| entity.name.clone());
                extras.fragment = Some(graphql::fragment(&kind, plan.fields, select, &entity.connections, after));
            }
        }
    }

    fn check_in(&self, term: &Term, entity: &Entity) -> Result<(), Failure> {
        if term.test != Test::In {
            return Ok(());
        }
        let count = Json::parse(&term.value).map_or(0, |value| list_items(&value).len());
        if count > self.manifest.filters.in_max {
            let words = format!(
                "{} can be asked for at most {} values of {} at once, not {count}",
                entity.name, self.manifest.filters.in_max, term.field
            );
            return Err(self.failure(Class::Halt, words));
        }
        Ok(())
    }

    /// One record by key.
    pub(crate) async fn record(
        &self,
        name: &str,
        key: &[String],
        select: &[String],
    ) -> Result<Option<Json<'static>>, Failure> {
        Ok(self.versioned(name, key, select).await?.map(|(record, _)| record))
    }

    /// One record by key, with its version where the manifest's lock tells one.
    pub(crate) async fn versioned(
        &self,
        name: &str,
        key: &[String],
        select: &[String],
    ) -> Result<Option<(Json<'static>, Option<String>)>, Failure> {
        let (entity, plan) = self.entity_known(name)?;
        let Some((record, tag)) = self.raw_record(entity, plan, key, select, None).await? else { return Ok(None) };
        let record = self.shaped(entity, plan, record).await?;
        let version = tag.or_else(|| lock::version(&self.manifest.lock, &record));
        Ok(Some((record, version)))
    }

    /// One record by key as it came, with its tag; `after` = one of its lists, from there on.
    async fn raw_record(
        &self,
        entity: &Entity,
        plan: &'static EntityPlan,
        key: &[String],
        select: &[String],
        after: Option<&graphql::More>,
    ) -> Result<Option<(Json<'static>, Option<String>)>, Failure> {
        let operation = self.operation_known(entity, Verb::Get)?;
        let value = self.own_key(&entity.name, plan, key);
        let parent = self.parent(&entity.name, Some(plan), key, &Json::Null);
        let mut wanted = select.to_vec();
        if !wanted.is_empty() {
            wanted.extend(plan.key.iter().map(|name| (*name).to_owned()));
            wanted.extend(lock::field(&self.manifest.lock).map(str::to_owned));
        }
        let mut extras = Extras::default();
        self.selection(entity, plan, &wanted, after, &mut extras);
        let call = Call {
            operation,
            asked: Asked::Entity(Verb::Get),
            name: &entity.name,
            plan: Some(plan),
            key,
            roots: vec![("key", &value), ("parent", &parent)],
            extras,
            personal: &[],
        };
        let read_all = |read: &ReadAnswer<'_>| Ok((records(read, operation)?, lock::tag(&self.manifest.lock, read)));
        match self.call(&call, read_all).await {
            Ok((records, tag)) => Ok(records.into_iter().next().map(|record| (record, tag))),
            Err(failure) if failure.class == Class::Missing => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// All records of a look-up.
    pub(crate) async fn look_up(
        &self,
        entity: &str,
        terms: &[Term],
        select: &[String],
    ) -> Result<Vec<Json<'static>>, Failure> {
        let (known, plan) = self.entity_known(entity)?;
        let verb = if known.operation(Verb::Find).is_some() { Verb::Find } else { Verb::List };
        let mut wanted = select.to_vec();
        if !wanted.is_empty() {
            wanted.extend(plan.key.iter().map(|name| (*name).to_owned()));
        }
        let order = plan.key.iter().map(|name| (*name).to_owned()).collect();
        let mut listing =
            Listing { entity, verb, terms: terms.to_vec(), select: wanted, order, cursor: Cursor::default() };
        let gives_keys = self.operation_known(known, verb)?.gives_keys;
        let mut found = Vec::new();
        for _ in 0..FIND_PAGES_MAX {
            let mut page = self.raw_page(&listing).await?;
            if gives_keys {
                let mut whole = Vec::with_capacity(page.records.len());
                for row in &page.records {
                    let key = listed_key(plan, row).ok_or_else(|| {
                        self.failure(Class::Halt, format!("a row of {entity} does not carry its key"))
                    })?;
                    whole.extend(self.record(entity, &key, select).await?);
                }
                page.records = whole;
            }
            // A page that goes on from a value begins with rows that the page before ended with.
            for record in page.records {
                if !found.contains(&record) {
                    found.push(record);
                }
            }
            match page.next {
                Some(cursor) => listing.cursor = cursor,
                None => return Ok(found),
            }
        }
        Err(self.failure(
            Class::Halt,
            format!("a look-up in {entity} found more than {} records: its condition is too wide", found.len()),
        ))
    }

    /// Several look-ups, in order, several at once.
    pub(crate) async fn look_ups(&self, finds: &[Find]) -> Result<Vec<Vec<String>>, Failure> {
        let next = AtomicUsize::new(0);
        let answers: Vec<tokio::sync::OnceCell<Vec<String>>> =
            finds.iter().map(|_| tokio::sync::OnceCell::new()).collect();
        let worker = || async {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let (Some(find), Some(answer)) = (finds.get(index), answers.get(index)) else { return Ok(()) };
                let found = self.look_up(&find.entity, &find.terms, &find.select).await?;
                // Each index is handed out once, so the cell is empty.
                let _ = answer.set(found.iter().map(Json::to_text).collect());
            }
        };
        let workers = self.manifest.limits.parallel.min(finds.len());
        all((0..workers).map(|_| worker()).collect()).await?;
        Ok(answers.into_iter().map(|answer| answer.into_inner().unwrap_or_default()).collect())
    }
}

/// Runs futures together on this task; the first failure ends it.
async fn all<F: Future<Output = Result<(), Failure>>>(futures: Vec<F>) -> Result<(), Failure> {
    let mut waiting: Vec<_> = futures.into_iter().map(Box::pin).collect();
    std::future::poll_fn(move |context| {
        let mut index = 0;
        while let Some(future) = waiting.get_mut(index) {
            match future.as_mut().poll(context) {
                std::task::Poll::Ready(Ok(())) => drop(waiting.swap_remove(index)),
                std::task::Poll::Ready(Err(failure)) => return std::task::Poll::Ready(Err(failure)),
                std::task::Poll::Pending => index += 1,
            }
        }
        if waiting.is_empty() { std::task::Poll::Ready(Ok(())) } else { std::task::Poll::Pending }
    })
    .await
}

/// The records of an answer: those of `records`, or the one of `record`, each an object.
pub(crate) fn records(read: &ReadAnswer<'_>, operation: &Operation) -> Result<Vec<Json<'static>>, String> {
    let selectors = if operation.records.is_empty() { &operation.record } else { &operation.records };
    if !operation.records.is_empty() {
        // An empty list is an answer; a missing one is not, but in XML, where no element stands for none.
        let there = read.format != crate::answer::Format::Json && read.format != crate::answer::Format::Graphql;
        let there = there
            || selectors.iter().any(|selector| {
                let mut whole = selector.clone();
                let each = whole.steps.iter().position(|step| *step == mapwright_manifest::SelectorStep::Each);
                whole.steps.truncate(each.unwrap_or(whole.steps.len()));
                read.select(&whole, &Json::Null).iter().any(|value| matches!(value.as_ref(), Json::List(_)))
            });
        if !there {
            let place = selectors.first().map_or("", |selector| selector.text.as_str());
            return Err(format!("the answer holds no list at `{place}`"));
        }
    }
    let found = read.select_first(selectors, &Json::Null);
    found
        .into_iter()
        .map(|value| match value.as_ref() {
            Json::Record(_) => Ok(value.into_owned().into_owned()),
            Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => {
                Err(format!("a record was expected, and the answer holds {}", value.kind_name()))
            }
        })
        .collect()
}

/// The key of a row that tells little more: by the path, or by its last step.
fn listed_key(plan: &EntityPlan, row: &Json<'_>) -> Option<Vec<String>> {
    if plan.key.is_empty() {
        return None;
    }
    key_of(row, plan.key).or_else(|| {
        let short: Vec<&str> = plan.key.iter().map(|name| name.rsplit('.').next().unwrap_or(name)).collect();
        key_of(row, &short)
    })
}

impl RestConnector {
    /// What `{key}` names: the key without the parts that are its parent's.
    pub(crate) fn own_key(&self, name: &str, plan: &EntityPlan, key: &[String]) -> Json<'static> {
        let above = self.manifest.entity(name).and_then(|entity| entity.parent.as_ref());
        let skipped = above.and_then(|(parent, _)| self.plan(parent)).map_or(0, |above| above.key.len());
        let named = plan.key.get(skipped..).unwrap_or_default();
        let values = key.get(skipped..).unwrap_or_default();
        key_of_parts(plan, named, values)
    }
}

/// A key as templates see it: a leaf, or a record of its parts.
pub(crate) fn key_value(plan: &EntityPlan, key: &[String]) -> Json<'static> {
    key_of_parts(plan, plan.key, key)
}

fn key_of_parts(plan: &EntityPlan, names: &[&'static str], key: &[String]) -> Json<'static> {
    let leaf = |name: &str, text: &String| match kind_of(plan, name) {
        Some(Kind::Integer) if text.parse::<i64>().is_ok() => Json::Number(text.clone().into()),
        Some(_) | None => Json::text(text.clone()),
    };
    match (names, key) {
        ([name], [value]) => leaf(name, value),
        (names, values) => {
            Json::Record(names.iter().zip(values).map(|(name, value)| ((*name).into(), leaf(name, value))).collect())
        }
    }
}

/// The key of a record in the catalogue's order, as texts.
pub(crate) fn record_key(plan: &EntityPlan, record: &Json<'_>) -> Option<Vec<String>> {
    if plan.key.is_empty() { None } else { key_of(record, plan.key) }
}
