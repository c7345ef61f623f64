//! Which fields of which entity are read.
//!
//! In: resolved expressions. Out: for each entity the leaves that are read, the records and lists that are looked at, and
//! those that are passed on whole. Reads are followed through `let`s, elements, rules and records found.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashMapExt};
use mapwright_syntax::Span;

use crate::catalogue::record_of;
use crate::ir::{
    Answer, Argument, Block, Branch, Each, EntityRef, Expr, ExprKind, Find, LocalId, Mapping, Model, RuleId, Statement,
    Take, TemplatePart, Type,
};
use crate::trails::{Trail, Trails};

/// Paths (wire names) with the place where each is first said.
pub(crate) type Paths = BTreeMap<Vec<String>, Span>;

/// What is read of one entity.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    /// Leaves, lists of leaves included.
    pub(crate) leaves: Paths,
    /// Records and lists of records that are walked, counted or asked whether they are there.
    pub(crate) nodes: Paths,
    /// Records and lists of records that go on as they are, with all that is beneath.
    pub(crate) wholes: Paths,
}

impl Reading {
    /// Where a leaf is read, by itself or with what it stands in.
    pub(crate) fn used_at(&self, path: &[String]) -> Option<Span> {
        let whole = || self.wholes.iter().find(|(whole, _)| path.starts_with(whole)).map(|(_, span)| *span);
        self.leaves.get(path).copied().or_else(whole)
    }

    /// Something at or beneath a path that is read.
    pub(crate) fn beneath(&self, path: &[String]) -> Option<(&[String], Span)> {
        let all = self.leaves.iter().chain(self.wholes.iter());
        all.into_iter().find(|(known, _)| known.starts_with(path)).map(|(known, span)| (known.as_slice(), *span))
    }

    /// Every path, dots between steps.
    pub(crate) fn dotted(&self) -> impl Iterator<Item = String> {
        self.leaves.keys().chain(self.nodes.keys()).chain(self.wholes.keys()).map(|path| path.join("."))
    }
}

/// What is read, by entity.
#[derive(Clone, Debug, Default)]
pub(crate) struct Usage {
    entities: HashMap<EntityRef, Reading>,
}

impl Usage {
    /// What is read of an entity.
    pub(crate) fn of(&self, entity: &EntityRef) -> Option<&Reading> {
        self.entities.get(entity)
    }

    /// What is read of each entity, in no order.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&EntityRef, &Reading)> {
        self.entities.iter()
    }
}

impl Usage {
    /// What is read of the rows of a group is read of their entity, and so is what makes them a group.
    fn ungroup(&mut self, entity: &EntityRef, by: &str, span: Span) {
        let group = self.entities.remove(&group_of(entity)).unwrap_or_default();
        let rows = self.entities.entry(entity.clone()).or_default();
        let kinds =
            [(group.leaves, &mut rows.leaves), (group.nodes, &mut rows.nodes), (group.wholes, &mut rows.wholes)];
        for (read, of_rows) in kinds {
            for (path, at) in read {
                if let Some((first, rest)) = path.split_first()
                    && first == "rows"
                {
                    of_rows.entry(rest.to_vec()).or_insert(at);
                }
            }
        }
        rows.leaves.entry(by.split('.').map(str::to_owned).collect()).or_insert(span);
    }
}

/// What a mapping reads.
pub(crate) fn of_mapping(model: &Model, mapping: &Mapping) -> Usage {
    let mut walker = Walker::new(model);
    let mut known = Known::default();
    for source in &mapping.sources {
        let entity = match source.grouped {
            Some(_) => Place::Group(&source.entity),
            None => Place::Entity(&source.entity),
        };
        known.insert(source.local, vec![Spot { entity: walker.entity(entity), path: Trail::START }]);
    }
    walker.block(&mapping.body, &mut known);
    let mut usage = walker.usage();
    for source in &mapping.sources {
        if let Some(by) = &source.grouped {
            usage.ungroup(&source.entity, by, mapping.span);
        }
    }
    usage
}

/// What is read of a group is kept apart until it is known of the rows.
fn group_of(entity: &EntityRef) -> EntityRef {
    EntityRef { system: entity.system.clone(), entity: format!("group of {}", entity.entity) }
}

/// What a condition on one record reads of it.
pub(crate) fn of_condition(model: &Model, entity: &EntityRef, local: LocalId, condition: &Expr) -> Usage {
    let mut walker = Walker::new(model);
    let spot = Spot { entity: walker.entity(Place::Entity(entity)), path: Trail::START };
    walker.expr(condition, &mut Known::from_iter([(local, vec![spot])]));
    walker.usage()
}

/// A place in a record that a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Spot {
    /// By position in [`Walker::entities`].
    entity: usize,
    path: Trail,
}

/// What a record is one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place<'m> {
    Entity(&'m EntityRef),
    /// The groups of its rows.
    Group(&'m EntityRef),
}

/// How a place is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Leaf,
    Node,
    Whole,
}

type Known = HashMap<LocalId, Vec<Spot>>;

struct Walker<'m> {
    model: &'m Model,
    entities: Vec<Place<'m>>,
    trails: Trails<'m>,
    /// What is read, with the place where it is first said.
    read: HashMap<(Spot, Kind), Span>,
    /// Rules on the way: one that uses itself is a fault of its own.
    applying: Vec<RuleId>,
}

impl<'m> Walker<'m> {
    fn new(model: &'m Model) -> Self {
        Self { model, entities: Vec::new(), trails: Trails::new(), read: HashMap::new(), applying: Vec::new() }
    }

    fn entity(&mut self, entity: Place<'m>) -> usize {
        self.entities.iter().position(|known| *known == entity).unwrap_or_else(|| {
            self.entities.push(entity);
            self.entities.len() - 1
        })
    }

    /// What was read, as paths.
    fn usage(self) -> Usage {
        let mut usage = Usage::default();
        let mut readings: Vec<Reading> = self.entities.iter().map(|_| Reading::default()).collect();
        for ((spot, kind), span) in &self.read {
            let Some(reading) = readings.get_mut(spot.entity) else { continue };
            let paths = match kind {
                Kind::Leaf => &mut reading.leaves,
                Kind::Node => &mut reading.nodes,
                Kind::Whole => &mut reading.wholes,
            };
            paths.insert(self.trails.path(spot.path), *span);
        }
        let read = |reading: &Reading| reading.dotted().next().is_some();
        for (place, reading) in self.entities.iter().zip(readings).filter(|(_, reading)| read(reading)) {
            let entity = match place {
                Place::Entity(entity) => (*entity).clone(),
                Place::Group(entity) => group_of(entity),
            };
            usage.entities.insert(entity, reading);
        }
        usage
    }

    fn note(&mut self, spot: Spot, kind: Kind, span: Span) {
        self.read.entry((spot, kind)).or_insert(span);
    }

    fn block(&mut self, block: &'m Block, known: &mut Known) {
        for statement in &block.statements {
            match statement {
                Statement::Let { local, value, .. } => {
                    let spots = self.expr(value, known);
                    known.insert(*local, spots);
                }
                Statement::Check { condition, reason, .. } => {
                    self.expr(condition, known);
                    self.expr(reason, known);
                }
                Statement::Set { value, span, .. } => {
                    let spots = self.branch(value, known);
                    self.pass_on(spots, *span);
                }
                Statement::Nested { when, body, .. } => {
                    if let Some(when) = when {
                        self.expr(when, known);
                    }
                    self.block(body, known);
                }
            }
        }
    }

    fn pass_on(&mut self, spots: Vec<Spot>, span: Span) {
        for spot in spots {
            self.note(spot, Kind::Whole, span);
        }
    }

    fn branch(&mut self, branch: &'m Branch, known: &mut Known) -> Vec<Spot> {
        match branch {
            Branch::Value(value) => self.expr(value, known),
            Branch::Answer(Answer::Reject(reason) | Answer::Skip(reason)) => self.expr(reason, known),
            Branch::Answer(Answer::Omit | Answer::Clear | Answer::Wait) => Vec::new(),
        }
    }

    /// Where the records come from that an expression gives; leaves are noted on the way.
    fn expr(&mut self, expr: &'m Expr, known: &mut Known) -> Vec<Spot> {
        match &expr.kind {
            ExprKind::Literal(_) | ExprKind::Setting(_) | ExprKind::Position(_) | ExprKind::Now => Vec::new(),
            ExprKind::Template(parts) => {
                for part in parts {
                    match part {
                        TemplatePart::Text(_) => {}
                        TemplatePart::Hole(hole) => {
                            self.expr(hole, known);
                        }
                    }
                }
                Vec::new()
            }
            ExprKind::Local(local) => known.get(local).cloned().unwrap_or_default(),
            ExprKind::Read { of, steps, .. } => {
                let spots = self.expr(of, known);
                self.read(spots, steps, &expr.ty, expr.span)
            }
            ExprKind::Negate(value) | ExprKind::Not(value) | ExprKind::Is { value, .. } => {
                self.expr(value, known);
                Vec::new()
            }
            ExprKind::Fit { value, .. } => self.expr(value, known),
            ExprKind::Binary { left: value, right: other, .. } | ExprKind::In { value, list: other, .. } => {
                self.expr(value, known);
                self.expr(other, known);
                Vec::new()
            }
            ExprKind::If { condition, then, otherwise } => {
                self.expr(condition, known);
                let mut spots = self.branch(then, known);
                spots.extend(self.branch(otherwise, known));
                spots
            }
            ExprKind::Match { value, arms, otherwise } => {
                self.expr(value, known);
                let branches = arms.iter().map(|(_, branch)| branch).chain(otherwise.as_deref());
                branches.flat_map(|branch| self.branch(branch, known)).collect()
            }
            ExprKind::Otherwise { value, branch } | ExprKind::IfInvalid { value, branch } => {
                let mut spots = self.expr(value, known);
                spots.extend(self.branch(branch, known));
                spots
            }
            ExprKind::Each(each) => self.each(each, known),
            ExprKind::Find(find) => self.find(find, expr.span, known),
            ExprKind::Linked(linked) => {
                self.expr(&linked.by, known);
                Vec::new()
            }
            ExprKind::Call { arguments, .. } => {
                let values = arguments.iter().filter_map(|argument| match argument {
                    Argument::Value(value) => Some(value),
                    Argument::Mode(_) => None,
                });
                let spots: Vec<Spot> = values.flat_map(|value| self.expr(value, known)).collect();
                // `first` and its like give what they are given; `count` and its like do not.
                if record_of(&expr.ty).is_some() { spots } else { Vec::new() }
            }
            ExprKind::Apply { rule, arguments } => {
                let model = self.model;
                let spots: Vec<Vec<Spot>> = arguments.iter().map(|argument| self.expr(argument, known)).collect();
                let Some(known_rule) = model.rules.get(rule.0).filter(|_| !self.applying.contains(rule)) else {
                    return Vec::new();
                };
                let mut inner: Known = known_rule.parameters.iter().copied().zip(spots).collect();
                self.applying.push(*rule);
                let given = self.expr(&known_rule.body, &mut inner);
                self.applying.pop();
                given
            }
            ExprKind::Lookup { arguments, .. } => {
                for argument in arguments {
                    self.expr(argument, known);
                }
                Vec::new()
            }
            ExprKind::List(elements) => elements.iter().flat_map(|element| self.expr(element, known)).collect(),
            ExprKind::Record(block) => {
                self.block(block, known);
                Vec::new()
            }
        }
    }

    fn read(&mut self, mut spots: Vec<Spot>, steps: &'m [String], ty: &Type, span: Span) -> Vec<Spot> {
        let holds_fields = record_of(ty).is_some();
        let kind = if holds_fields { Kind::Node } else { Kind::Leaf };
        for spot in &mut spots {
            spot.path = self.trails.walk(spot.path, steps.iter().map(String::as_str));
            self.note(*spot, kind, span);
        }
        if holds_fields { spots } else { Vec::new() }
    }

    fn each(&mut self, each: &'m Each, known: &mut Known) -> Vec<Spot> {
        let mut innermost = Vec::new();
        for walk in &each.walks {
            innermost = self.expr(&walk.list, known);
            known.insert(walk.element, innermost.clone());
            for (list, element) in &walk.with {
                let spots = self.expr(list, known);
                known.insert(*element, spots);
            }
            if let Some(condition) = &walk.condition {
                self.expr(condition, known);
            }
        }
        if let Some((by, _)) = &each.sorted {
            self.expr(by, known);
        }
        match &each.take {
            Take::Element => innermost,
            Take::Value(value) => self.expr(value, known),
            Take::Block(block) => {
                self.block(block, known);
                Vec::new()
            }
        }
    }

    fn find(&mut self, find: &'m Find, span: Span, known: &mut Known) -> Vec<Spot> {
        let entity = self.entity(Place::Entity(&find.entity));
        let found = vec![Spot { entity, path: Trail::START }];
        known.insert(find.local, found.clone());
        for term in &find.terms {
            let path = self.trails.walk(Trail::START, term.field.split('.'));
            self.note(Spot { entity, path }, Kind::Leaf, span);
            self.expr(&term.value, known);
        }
        if let Some(residual) = &find.residual {
            self.expr(residual, known);
        }
        match &find.take {
            Some(take) => self.expr(take, known),
            None => found,
        }
    }
}
