//! What the resolver knows while it works: the model so far, the names of the project, the faults found.
//!
//! In: a project. Out: the checked model. It decides nothing itself.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};
use mapwright_syntax::tree::{self, Definition};
use mapwright_syntax::{Diagnostic, Span};

use crate::catalogue::Home;
use crate::checks::usage::{self, Usage};
use crate::checks::written::{self, Written};
use crate::ir::{EntityRef, Mapping, MappingId, Model, Record, RecordId, RuleId, SettingId, TableId, Type};
use crate::project::Project;
use crate::unread::Unread;

/// What a name of the project stands for in an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Global {
    /// A system, by position.
    System(usize),
    /// A setting.
    Setting(SettingId),
    /// A table.
    Table(TableId),
    /// A rule.
    Rule(RuleId),
}

impl Global {
    /// For messages.
    pub(crate) const fn noun(self) -> &'static str {
        match self {
            Self::System(_) => "system",
            Self::Setting(_) => "setting",
            Self::Table(_) => "table",
            Self::Rule(_) => "rule",
        }
    }
}

/// A mapping as far as it could be resolved.
#[derive(Debug)]
pub(crate) struct CheckedMapping<'p> {
    /// What was resolved; with holes where it is not sound.
    pub(crate) mapping: Mapping,
    /// Without an error: it becomes part of the model.
    pub(crate) sound: bool,
    /// Does it hold a `find` or `linked`?
    pub(crate) refers: bool,
    /// What it depends on.
    pub(crate) uses: HashSet<Global>,
    /// Its source.
    pub(crate) tree: &'p tree::Mapping,
    /// What it reads and writes, once a check has asked.
    usage: OnceLock<Usage>,
    written: OnceLock<Arc<Written>>,
}

impl<'p> CheckedMapping<'p> {
    /// A mapping that nothing is known of yet but itself.
    pub(crate) fn new(
        mapping: Mapping,
        sound: bool,
        refers: bool,
        uses: HashSet<Global>,
        tree: &'p tree::Mapping,
    ) -> Self {
        Self { mapping, sound, refers, uses, tree, usage: OnceLock::new(), written: OnceLock::new() }
    }

    /// Finds out what it reads and writes, before anybody asks.
    pub(crate) fn survey(&self, model: &Model) {
        self.usage(model);
        self.written(model);
    }

    /// What it reads.
    pub(crate) fn usage(&self, model: &Model) -> &Usage {
        self.usage.get_or_init(|| usage::of_mapping(model, &self.mapping))
    }

    /// What it writes.
    pub(crate) fn written(&self, model: &Model) -> &Arc<Written> {
        self.written.get_or_init(|| Arc::new(written::of_mapping(model, &self.mapping)))
    }
}

/// What a `leave` or `ignore` speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Dismissed {
    /// A path (names of specs) of an entity, with everything beneath it.
    Path {
        /// Entity.
        entity: EntityRef,
        /// At least one name; empty for `x.*` of a whole entity.
        path: Vec<String>,
    },
    /// A path of a record type that a rule makes.
    Made {
        /// Record.
        record: RecordId,
        /// Names of specs.
        path: Vec<String>,
    },
    /// All that is not otherwise settled beneath a path of an entity; empty = of the whole entity.
    Rest {
        /// Entity.
        entity: EntityRef,
        /// Beneath this.
        path: Vec<String>,
    },
}

/// A resolved `leave` or `ignore`.
#[derive(Clone, Debug)]
pub(crate) struct Dismissal {
    /// `ignore`, else `leave`.
    pub(crate) ignore: bool,
    /// What.
    pub(crate) what: Dismissed,
    /// Where.
    pub(crate) span: Span,
    /// The mapping it stands in (position in [`Context::mappings`]); `None` = for the whole project.
    pub(crate) mapping: Option<usize>,
}

/// The resolver's knowledge.
#[derive(Debug)]
pub(crate) struct Context<'p> {
    /// What is checked.
    pub(crate) project: &'p Project,
    /// What of it could not be read.
    pub(crate) unread: Unread,
    /// The model so far; tables and rules are there as shells before their bodies are resolved.
    pub(crate) model: Model,
    /// Faults so far.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// The same, so that none is told twice.
    told: HashSet<Diagnostic>,
    /// How many of them are errors.
    errors: usize,
    /// The project's rounding mode.
    pub(crate) rounding: Option<String>,
    /// The catalogue of each system, in the order of `model.systems`.
    pub(crate) homes: Vec<Home<'p>>,
    /// Names of systems, settings, tables and rules.
    pub(crate) names: HashMap<String, (Global, Span)>,
    /// Names of mappings and flows, with where each stands first.
    pub(crate) claimed: HashMap<(&'static str, String), Span>,
    /// The trees of tables and rules, in the order of the model.
    pub(crate) table_trees: Vec<&'p tree::Table>,
    /// The same of rules.
    pub(crate) rule_trees: Vec<&'p tree::Rule>,
    /// Tables turned round for `reverse_lookup`, by the table that was declared.
    pub(crate) turned: HashMap<TableId, TableId>,
    /// Record types that have the fields which a spec names, and the type of each.
    pub(crate) open: HashMap<RecordId, Type>,
    /// What each table and rule depends on.
    pub(crate) depends: HashMap<Global, HashSet<Global>>,
    /// The rules that each table and rule applies, as often as it says so.
    pub(crate) applies: HashMap<Global, Vec<RuleId>>,
    /// Settings, tables and rules with an error of their own.
    pub(crate) broken: HashSet<Global>,
    /// Everything that some definition uses.
    pub(crate) used: HashSet<Global>,
    /// Systems that some path begins with.
    systems_named: Mutex<HashSet<usize>>,
    /// Declared types that some field, parameter or setting is of, each with its system.
    pub(crate) types_named: HashSet<(usize, String)>,
    /// All mappings, sound or not, in order.
    pub(crate) mappings: Vec<CheckedMapping<'p>>,
    /// All `leave` and `ignore` statements.
    pub(crate) dismissals: Vec<Dismissal>,
}

impl<'p> Context<'p> {
    /// Nothing known yet.
    pub(crate) fn new(project: &'p Project) -> Self {
        Self {
            project,
            unread: Unread::of(project),
            model: Model { name: project.name.clone(), ..Model::default() },
            diagnostics: Vec::new(),
            told: HashSet::new(),
            errors: 0,
            rounding: None,
            homes: Vec::new(),
            names: HashMap::new(),
            claimed: HashMap::new(),
            table_trees: Vec::new(),
            rule_trees: Vec::new(),
            turned: HashMap::new(),
            open: HashMap::new(),
            depends: HashMap::new(),
            applies: HashMap::new(),
            broken: HashSet::new(),
            used: HashSet::new(),
            systems_named: Mutex::default(),
            types_named: HashSet::new(),
            mappings: Vec::new(),
            dismissals: Vec::new(),
        }
    }

    /// Notes a fault.
    #[cold]
    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        if self.told.insert(diagnostic.clone()) {
            self.errors += usize::from(diagnostic.severity == mapwright_syntax::Severity::Error);
            self.diagnostics.push(diagnostic);
        }
    }

    /// How many errors there are so far.
    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    /// All definitions of the project's own specs, in order.
    pub(crate) fn definitions(&self) -> impl Iterator<Item = &'p Definition> + use<'p> {
        self.project.specs.iter().flat_map(|(_, tree)| tree.definitions.iter())
    }

    /// Adds a record type.
    pub(crate) fn add_record(&mut self, record: Record) -> RecordId {
        self.model.records.push(record);
        RecordId(self.model.records.len() - 1)
    }

    /// A system by alias, as the specs name it: from then on it counts as used.
    pub(crate) fn system(&self, alias: &str) -> Option<usize> {
        let system = self.model.systems.iter().position(|system| system.alias == alias)?;
        self.systems_named().insert(system);
        Some(system)
    }

    /// Does some path begin with a system?
    pub(crate) fn names_system(&self, system: usize) -> bool {
        self.systems_named().contains(&system)
    }

    fn systems_named(&self) -> MutexGuard<'_, HashSet<usize>> {
        self.systems_named.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The final number of a mapping, if it is sound.
    pub(crate) fn mapping_id(&self, name: &str) -> Option<MappingId> {
        let sound = self.mappings.iter().filter(|checked| checked.sound);
        sound.into_iter().position(|checked| checked.mapping.name == name).map(MappingId)
    }

    /// Is something usable: without an error in it or in what it uses?
    pub(crate) fn is_sound(&self, global: Global) -> bool {
        let mut open = vec![global];
        let mut seen = HashSet::new();
        while let Some(next) = open.pop() {
            if self.broken.contains(&next) {
                return false;
            }
            if seen.insert(next) {
                open.extend(self.depends.get(&next).into_iter().flatten().copied());
            }
        }
        true
    }

    /// The model, with its sound mappings.
    pub(crate) fn into_model(mut self) -> Model {
        let mappings = std::mem::take(&mut self.mappings);
        self.model.mappings =
            mappings.into_iter().filter(|checked| checked.sound).map(|checked| checked.mapping).collect();
        self.model
    }
}
