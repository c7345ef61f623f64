//! What a list is asked: conditions, order, pages, used fields. In: a listing and the manifest's spellings. Out: what its
//! request adds. Nothing is sent here.

use mapwright_engine::connector::{Class, Failure};
use mapwright_manifest::{Entity, FilterForm, PagingKind, Select, Sort};
use mapwright_values::plan::EntityPlan;
use mapwright_values::{Json, Term, Test};

use crate::connection::RestConnector;
use crate::fields::{kind_of, list_items};
use crate::paging::resolve_link;
use crate::reading::Listing;
use crate::request::Extras;
use crate::template::plain;
use crate::{graphql, odata, places, rest};

impl RestConnector {
    /// The field that pages go by, where the catalogue has it; otherwise they go by number.
    pub(crate) fn keyset_field(&self, plan: &EntityPlan) -> Option<&str> {
        match &self.manifest.paging.kind {
            PagingKind::Keyset { by, .. } => kind_of(plan, by).map(|_| by.as_str()),
            PagingKind::None
            | PagingKind::Page { .. }
            | PagingKind::Offset
            | PagingKind::NextLink { .. }
            | PagingKind::Cursor { .. } => None,
        }
    }

    pub(crate) fn page_size(&self) -> Result<Option<u64>, Failure> {
        let Some(tree) = &self.manifest.paging.size else { return Ok(None) };
        let size = self
            .configured(|scope| scope.tree(tree))
            .map_err(|unfilled| self.failure(Class::Halt, unfilled.message))?;
        match size.map(|size| plain(&size).parse::<u64>()) {
            Some(Ok(size)) if size > 0 => Ok(Some(size)),
            Some(_) | None => Err(self.failure(Class::Halt, "the page size must be a whole number above 0")),
        }
    }

    pub(crate) fn list_extras(
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
        let part = listing.partition(entity).and_then(|partition| {
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
    pub(crate) fn selection(
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
                let nested = graphql::Nested { connections: &entity.connections, types: &entity.types };
                extras.fragment = Some(graphql::fragment(&kind, plan.fields, select, nested, after));
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
}
