//! Follows records from where they come from to where their fields are read.
//!
//! In: the expressions of a mapping, and of the rules it applies, at each application. Out: the paths read of each root.

use foldhash::{HashMap, HashMapExt, HashSet};

use super::{Owner, Reads, Root};
use crate::ir::{
    Answer, Argument, Block, Branch, Each, Expr, ExprKind, Find, LocalId, Mapping, Model, Statement, Take,
    TemplatePart, Type,
};
use crate::trails::{Trail, Trails};

/// A root and the path from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Origin {
    root: Root,
    path: Trail,
}

/// Several, each once, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Origins(Vec<Origin>);

impl Origins {
    /// None: a value that is no record.
    const fn none() -> Self {
        Self(Vec::new())
    }

    fn one(root: Root, path: Trail) -> Self {
        Self(vec![Origin { root, path }])
    }

    fn add(&mut self, others: Self) {
        if self.0.is_empty() {
            *self = others;
        } else if !others.0.is_empty() {
            self.0.extend(others.0);
            self.0.sort_unstable();
            self.0.dedup();
        }
    }
}

/// Follows records.
pub(super) struct Tracer<'m> {
    model: &'m Model,
    trails: Trails<'m>,
    /// The places that are read, and whether one goes on whole.
    touched: HashMap<Origin, bool>,
    /// What each rule gave for the same arguments. An entry stands before the rule is followed, so that one that applies
    /// itself (which is refused elsewhere) comes to an end.
    applied: HashMap<(usize, Vec<Origins>), Origins>,
}

/// One mapping, or one application of a rule.
struct Frame {
    owner: Owner,
    locals: HashMap<LocalId, Origins>,
}

impl<'m> Tracer<'m> {
    pub(super) fn new(model: &'m Model) -> Self {
        Self { model, trails: Trails::new(), touched: HashMap::new(), applied: HashMap::new() }
    }

    pub(super) fn mapping(&mut self, number: usize, mapping: &'m Mapping) {
        let owner = Owner::Mapping(number);
        let mut frame = Frame { owner, locals: HashMap::new() };
        for source in &mapping.sources {
            frame.root(source.local);
        }
        self.block(&mapping.body, &mut frame);
    }

    pub(super) fn lone_rule(&mut self, number: usize) {
        let model = self.model;
        let Some(rule) = model.rules.get(number) else { return };
        let mut frame = Frame { owner: Owner::Rule(number), locals: HashMap::new() };
        let result = self.expr(&rule.body, &mut frame);
        self.mark(&result, false);
    }

    /// Paths as text. What lies beneath a path that is passed on whole is not named besides.
    pub(super) fn finish(self) -> Reads {
        let above = |origin: &Origin| {
            let root = origin.root;
            self.trails.above(origin.path).map(move |path| Origin { root, path })
        };
        let opened: HashSet<Origin> = self.touched.keys().flat_map(above).collect();
        let mut reads = Reads::default();
        for (origin, whole) in self.touched.iter().filter(|(origin, _)| origin.path != Trail::START) {
            let hidden = above(origin).any(|other| self.touched.get(&other) == Some(&true));
            if !hidden && (*whole || !opened.contains(origin)) {
                let path = self.trails.dotted(origin.path);
                reads.of_root.entry(origin.root).or_default().insert(path);
            }
        }
        reads
    }

    /// Notes that these places are read.
    fn mark(&mut self, origins: &Origins, whole: bool) {
        for origin in &origins.0 {
            *self.touched.entry(*origin).or_default() |= whole;
        }
    }

    fn block(&mut self, block: &'m Block, frame: &mut Frame) {
        for statement in &block.statements {
            match statement {
                Statement::Let { local, value, .. } => {
                    let origins = self.expr(value, frame);
                    frame.locals.insert(*local, origins);
                }
                Statement::Check { condition, reason, .. } => {
                    self.read(condition, frame);
                    self.read(reason, frame);
                }
                Statement::Set { value, .. } => {
                    let origins = self.branch(value, frame);
                    self.mark(&origins, true);
                }
                Statement::Nested { when, body, .. } => {
                    if let Some(when) = when {
                        self.read(when, frame);
                    }
                    self.block(body, frame);
                }
            }
        }
    }

    /// Reads an expression as a value; of a record or list no more than that it is there.
    fn read(&mut self, expr: &'m Expr, frame: &mut Frame) {
        let origins = self.expr(expr, frame);
        self.mark(&origins, false);
    }

    fn branch(&mut self, branch: &'m Branch, frame: &mut Frame) -> Origins {
        match branch {
            Branch::Value(value) => self.expr(value, frame),
            Branch::Answer(answer) => {
                match answer {
                    Answer::Reject(reason) | Answer::Skip(reason) => self.read(reason, frame),
                    Answer::Omit | Answer::Clear | Answer::Wait => {}
                }
                Origins::none()
            }
        }
    }

    /// What an expression's value is made of, as far as it is a record or list that was read. Leaves are marked at once.
    fn expr(&mut self, expr: &'m Expr, frame: &mut Frame) -> Origins {
        match &expr.kind {
            ExprKind::Literal(_) | ExprKind::Setting(_) | ExprKind::Now => Origins::none(),
            ExprKind::Template(parts) => {
                for part in parts {
                    match part {
                        TemplatePart::Text(_) => {}
                        TemplatePart::Hole(hole) => self.read(hole, frame),
                    }
                }
                Origins::none()
            }
            ExprKind::Local(id) => frame.locals.get(id).cloned().unwrap_or_default(),
            ExprKind::Position(_) => Origins::none(),
            ExprKind::Read { of, steps, .. } => {
                let mut origins = self.expr(of, frame);
                for origin in &mut origins.0 {
                    origin.path = self.trails.walk(origin.path, steps.iter().map(String::as_str));
                }
                origins.0.sort_unstable();
                self.mark(&origins, false);
                if expr.ty.is_container() { origins } else { Origins::none() }
            }
            ExprKind::Negate(inner) | ExprKind::Not(inner) => {
                self.read(inner, frame);
                Origins::none()
            }
            ExprKind::Binary { left, right, .. } => {
                self.read(left, frame);
                self.read(right, frame);
                Origins::none()
            }
            ExprKind::In { value, list, .. } => {
                self.read(value, frame);
                self.read(list, frame);
                Origins::none()
            }
            ExprKind::Is { value, .. } => {
                self.read(value, frame);
                Origins::none()
            }
            ExprKind::Fit { value, .. } => self.expr(value, frame),
            ExprKind::If { condition, then, otherwise } => {
                self.read(condition, frame);
                let mut origins = self.branch(then, frame);
                origins.add(self.branch(otherwise, frame));
                origins
            }
            ExprKind::Match { value, arms, otherwise } => {
                self.read(value, frame);
                let mut origins = Origins::none();
                for (_, arm) in arms {
                    origins.add(self.branch(arm, frame));
                }
                if let Some(branch) = otherwise {
                    origins.add(self.branch(branch, frame));
                }
                origins
            }
            ExprKind::Otherwise { value, branch } | ExprKind::IfInvalid { value, branch } => {
                let mut origins = self.expr(value, frame);
                origins.add(self.branch(branch, frame));
                origins
            }
            ExprKind::Each(each) => self.each(each, frame),
            ExprKind::Find(find) => self.find(find, frame),
            ExprKind::Linked(linked) => {
                self.read(&linked.by, frame);
                Origins::none()
            }
            ExprKind::Call { arguments, .. } => {
                let mut origins = Origins::none();
                for argument in arguments {
                    match argument {
                        Argument::Value(value) => origins.add(self.expr(value, frame)),
                        Argument::Mode(_) => {}
                    }
                }
                self.pass(origins, &expr.ty)
            }
            ExprKind::Apply { rule, arguments } => self.apply(rule.0, arguments, &expr.ty, frame),
            ExprKind::Lookup { table, arguments } => {
                for argument in arguments {
                    self.read(argument, frame);
                }
                self.table(table.0);
                Origins::none()
            }
            ExprKind::List(elements) => {
                let mut origins = Origins::none();
                for element in elements {
                    origins.add(self.expr(element, frame));
                }
                origins
            }
            ExprKind::Record(block) => {
                self.block(block, frame);
                Origins::none()
            }
        }
    }

    /// A function passes a record or list on, or has read it.
    fn pass(&mut self, origins: Origins, ty: &Type) -> Origins {
        self.mark(&origins, false);
        if ty.is_container() { origins } else { Origins::none() }
    }

    fn each(&mut self, each: &'m Each, frame: &mut Frame) -> Origins {
        let mut innermost = Origins::none();
        for walk in &each.walks {
            innermost = self.expr(&walk.list, frame);
            self.mark(&innermost, false);
            frame.locals.insert(walk.element, innermost.clone());
            for (list, element) in &walk.with {
                let origins = self.expr(list, frame);
                self.mark(&origins, false);
                frame.locals.insert(*element, origins);
            }
            if let Some(condition) = &walk.condition {
                self.read(condition, frame);
            }
        }
        if let Some((key, _)) = &each.sorted {
            self.read(key, frame);
        }
        match &each.take {
            Take::Element => innermost,
            Take::Value(value) => self.expr(value, frame),
            Take::Block(block) => {
                self.block(block, frame);
                Origins::none()
            }
        }
    }

    fn find(&mut self, find: &'m Find, frame: &mut Frame) -> Origins {
        for term in &find.terms {
            self.read(&term.value, frame);
        }
        frame.root(find.local);
        let root = Root { owner: frame.owner, local: find.local };
        for term in &find.terms {
            // Answers to several questions asked at once are told apart by what was asked.
            let path = self.trails.walk(Trail::START, term.field.split('.'));
            self.mark(&Origins::one(root, path), false);
        }
        if let Some(residual) = &find.residual {
            self.read(residual, frame);
        }
        match &find.take {
            Some(take) => self.expr(take, frame),
            None => Origins::one(root, Trail::START),
        }
    }

    fn apply(&mut self, number: usize, arguments: &'m [Expr], ty: &Type, frame: &mut Frame) -> Origins {
        let given: Vec<Origins> = arguments.iter().map(|argument| self.expr(argument, frame)).collect();
        for origins in &given {
            self.mark(origins, false);
        }
        let model = self.model;
        let Some(rule) = model.rules.get(number) else { return Origins::none() };
        let key = (number, given.clone());
        if let Some(known) = self.applied.get(&key) {
            return known.clone();
        }
        self.applied.insert(key.clone(), Origins::none());
        let locals = rule.parameters.iter().copied().zip(given).collect();
        let mut inner = Frame { owner: Owner::Rule(number), locals };
        let result = self.expr(&rule.body, &mut inner);
        let passed = self.pass(result, ty);
        self.applied.insert(key, passed.clone());
        passed
    }

    /// Rows may hold expressions; their locals are the key columns, which are leaves.
    fn table(&mut self, number: usize) {
        let model = self.model;
        let Some(table) = model.tables.get(number) else { return };
        let mut frame = Frame { owner: Owner::Table(number), locals: HashMap::new() };
        let results = table.rows.iter().map(|row| &row.result).chain(table.otherwise.as_ref());
        for result in results {
            let origins = self.branch(result, &mut frame);
            self.mark(&origins, false);
        }
    }
}

impl Frame {
    /// A local that is a root of its own.
    fn root(&mut self, local: LocalId) {
        let root = Root { owner: self.owner, local };
        self.locals.insert(local, Origins::one(root, Trail::START));
    }
}
