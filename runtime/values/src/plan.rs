//! The plan: what the compiler tells the runtime about a project. Data, no code.
//!
//! Generated code holds one `static PLAN: Plan`; engine, connectors, sandbox and `doctor` read it and nothing else of the spec.

use crate::reference::Test;

/// A project.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The project's name (its folder).
    pub name: &'static str,
    /// Systems in the order of their `use`.
    pub systems: &'static [SystemPlan],
    /// Settings in spec order.
    pub settings: &'static [SettingPlan],
    /// Mappings in spec order.
    pub mappings: &'static [MappingPlan],
    /// Flows in an order in which every flow stands behind those that it comes `after`.
    pub flows: &'static [FlowPlan],
}

impl Plan {
    /// The mapping of that name.
    #[must_use]
    pub fn mapping(&self, name: &str) -> Option<&'static MappingPlan> {
        self.mappings.iter().find(|mapping| mapping.name == name)
    }

    /// The flow of that name.
    #[must_use]
    pub fn flow(&self, name: &str) -> Option<&'static FlowPlan> {
        self.flows.iter().find(|flow| flow.name == name)
    }

    /// The system of that alias.
    #[must_use]
    pub fn system(&self, alias: &str) -> Option<&'static SystemPlan> {
        self.systems.iter().find(|system| system.alias == alias)
    }
}

/// A system of the project.
#[derive(Clone, Copy, Debug)]
pub struct SystemPlan {
    /// `shop` in `use "shopware-6" as shop`.
    pub alias: &'static str,
    /// `shopware-6`.
    pub name: &'static str,
    /// The connector manifest's text (YAML), as it was when the project was compiled.
    pub manifest: &'static str,
    /// Entities and actions of the catalogue that the project uses.
    pub entities: &'static [EntityPlan],
}

impl SystemPlan {
    /// The entity or action of that name.
    #[must_use]
    pub fn entity(&self, name: &str) -> Option<&'static EntityPlan> {
        self.entities.iter().find(|entity| entity.name == name)
    }
}

/// An entity (or action) with all its catalogued fields.
#[derive(Clone, Copy, Debug)]
pub struct EntityPlan {
    /// Name in the catalogue.
    pub name: &'static str,
    /// Is it an `action`?
    pub action: bool,
    /// Key fields in order.
    pub key: &'static [&'static str],
    /// Natural keys, each a list of fields.
    pub natural_keys: &'static [&'static [&'static str]],
    /// Fields in catalogue order.
    pub fields: &'static [FieldPlan],
}

/// A field as the wire knows it.
#[derive(Clone, Copy, Debug)]
pub struct FieldPlan {
    /// Name in the catalogue, which is the name in the canonical record.
    pub name: &'static str,
    /// Shape and spelling.
    pub kind: Kind,
    /// `?` in the catalogue.
    pub optional: bool,
    /// Must be given on create.
    pub required: bool,
    /// Never written.
    pub read_only: bool,
    /// Written when the record is made, and never again.
    pub create_only: bool,
    /// The entity whose key or natural key it holds.
    pub refers_to: Option<&'static str>,
    /// To be redacted in logs, alerts and consoles.
    pub personal: bool,
    /// A number that is a text on the wire.
    pub as_text: bool,
}

/// What a field holds. Leaf spellings follow the catalogue.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Text with its bound in characters.
    Text(Option<u32>),
    /// Whole number.
    Integer,
    /// Exact decimal (precision, scale).
    Decimal(u32, u32),
    /// JSON true/false, or a pair of words.
    Boolean(Option<(&'static str, &'static str)>),
    /// Calendar day.
    Date,
    /// Time of day.
    Time,
    /// Instant.
    DateTime,
    /// UUID, with (`false`) or without (`true`) dashes.
    Uuid(bool),
    /// One of these wire values.
    Enum(&'static [&'static str]),
    /// A nested record.
    Record(&'static [FieldPlan]),
    /// A list of records or leaves.
    List(&'static Kind),
    /// Anything else, passed on unread.
    Json,
}

/// A setting.
#[derive(Clone, Copy, Debug)]
pub struct SettingPlan {
    /// Name.
    pub name: &'static str,
    /// Type.
    pub kind: Kind,
    /// Default as JSON text; without one the deployment must give a value.
    pub default: Option<&'static str>,
    /// What it is for.
    pub doc: &'static str,
}

/// One `from` of a mapping.
#[derive(Clone, Copy, Debug)]
pub struct SourcePlan {
    /// System alias.
    pub system: &'static str,
    /// Entity.
    pub entity: &'static str,
    /// Paths that the mapping reads, dots between steps, sorted; the key fields always included.
    pub select: &'static [&'static str],
}

/// A mapping.
#[derive(Clone, Copy, Debug)]
pub struct MappingPlan {
    /// Name.
    pub name: &'static str,
    /// Its documentation.
    pub doc: &'static str,
    /// Its sources; the first is the record that a flow reads.
    pub sources: &'static [SourcePlan],
    /// Alias of the target's system.
    pub system: &'static str,
    /// Target entity or action.
    pub entity: &'static str,
    /// `to part of`.
    pub part: bool,
    /// `on create`: paths (dots between steps; through a list: of each element) that are written when the record is created and left
    /// out of every later update.
    pub create_only: &'static [&'static str],
    /// Content hash of everything that the mapping's result depends on, 16 hex digits.
    pub version: &'static str,
    /// Who answers for it.
    pub owner: &'static str,
    /// Where it stands.
    pub file: &'static str,
    /// Its line.
    pub line: u32,
}

/// When a flow runs by itself.
#[derive(Clone, Copy, Debug)]
pub enum Schedule {
    /// Every so many seconds; `everything` = a full scan.
    Every {
        /// Interval.
        seconds: u64,
        /// Full scan?
        everything: bool,
    },
    /// Once a day.
    Daily {
        /// `HH:MM`.
        at: &'static str,
        /// Zone name, or the name of a setting in braces (`{zone}`).
        zone: &'static str,
        /// Full scan?
        everything: bool,
    },
    /// Cron expression.
    Cron {
        /// Five fields.
        expression: &'static str,
        /// Zone as in `Daily`.
        zone: &'static str,
        /// Full scan?
        everything: bool,
    },
    /// Only when asked.
    OnDemand,
    /// On a webhook of a system.
    Webhook {
        /// Topic.
        topic: &'static str,
        /// System alias.
        system: &'static str,
    },
}

/// A literal condition pushed to the source.
#[derive(Clone, Copy, Debug)]
pub struct TermPlan {
    /// Path.
    pub field: &'static str,
    /// Comparison.
    pub test: Test,
    /// JSON text in the catalogue's spelling.
    pub value: &'static str,
}

/// What a flow reads.
#[derive(Clone, Copy, Debug)]
pub struct ReadPlan {
    /// System alias.
    pub system: &'static str,
    /// Entity.
    pub entity: &'static str,
    /// The record's key fields.
    pub key: &'static [&'static str],
    /// Conditions that the source evaluates (all hold).
    pub filter: &'static [TermPlan],
    /// Is there a residual condition (`Integration::keeps`)?
    pub keep: bool,
    /// Paths that any of the flow's mappings reads, sorted, key and watermark fields included.
    pub select: &'static [&'static str],
    /// Its mappings map groups of records, `{"key": ..., "rows": [...]}`: path of the field that is the same in all of one.
    pub group: Option<&'static str>,
    /// `also read`: entities whose changes count as changes of this one's records.
    pub also: &'static [AlsoReadPlan],
}

/// `also read X as d for d.orderId`: a change of `d` is a change of the record that `d.orderId` names.
#[derive(Clone, Copy, Debug)]
pub struct AlsoReadPlan {
    /// System alias.
    pub system: &'static str,
    /// Entity.
    pub entity: &'static str,
    /// Conditions that the source evaluates (all hold).
    pub filter: &'static [TermPlan],
    /// Paths asked for, sorted, key and watermark fields included.
    pub select: &'static [&'static str],
    /// Path in its records to the keys of the flow's own records; a list on the way gives several.
    pub parent: &'static str,
}

/// What a second sending of a write does, proven by the compiler from catalogue, manifest and mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryLevel {
    /// The target honours a key that the mapping writes.
    Keyed,
    /// The same state again: an update or upsert by our key.
    Natural,
    /// A natural key that we write can be asked for.
    Probeable,
    /// Ambiguity stops for a person.
    Unsafe,
}

/// How a write is done.
#[derive(Clone, Copy, Debug)]
pub enum Manner {
    /// `create once by F`.
    CreateOnce {
        /// The natural key's fields.
        by: &'static [&'static str],
    },
    /// `upsert by F`.
    Upsert {
        /// Key fields.
        by: &'static [&'static str],
    },
    /// `update by F`.
    Update {
        /// Key fields.
        by: &'static [&'static str],
    },
    /// `delete by F`.
    Delete {
        /// Key fields.
        by: &'static [&'static str],
    },
    /// `action`.
    Action,
}

/// One write of a flow: a message of its own.
#[derive(Clone, Copy, Debug)]
pub struct WritePlan {
    /// The mapping.
    pub mapping: &'static str,
    /// How.
    pub manner: Manner,
    /// How safe.
    pub level: DeliveryLevel,
    /// Key fields of the target entity.
    pub key: &'static [&'static str],
    /// `as NAME`: later writes of the flow may read the written record.
    pub named: Option<&'static str>,
    /// For each source of the mapping: `None` = the record that the flow read, `Some(name)` = an earlier write's record.
    pub sources: &'static [Option<&'static str>],
    /// Paths of the written record that later writes read.
    pub select: &'static [&'static str],
    /// `in batches of n`.
    pub batch: Option<u32>,
    /// `together`: all parts that the mapping makes of one record are written in one request, all or none.
    pub together: bool,
}

impl FlowPlan {
    /// The write of that number: those of a deleted record are counted on behind the others.
    #[must_use]
    pub fn write(&self, number: usize) -> Option<&'static WritePlan> {
        match number.checked_sub(self.writes.len()) {
            None => self.writes.get(number),
            Some(after) => self.on_delete.get(after),
        }
    }

    /// The number of the write behind that one, if there is one.
    #[must_use]
    pub fn next(&self, number: usize) -> Option<usize> {
        let next = number.checked_add(1)?;
        (next != self.writes.len() && self.write(next).is_some()).then_some(next)
    }
}

/// A flow.
#[derive(Clone, Copy, Debug)]
pub struct FlowPlan {
    /// Name.
    pub name: &'static str,
    /// Documentation.
    pub doc: &'static str,
    /// Who answers for it.
    pub owner: &'static str,
    /// When it runs.
    pub schedules: &'static [Schedule],
    /// What it reads.
    pub read: ReadPlan,
    /// Its writes in order.
    pub writes: &'static [WritePlan],
    /// `on delete write`: what is written, in order, when a record is gone from the source; empty = nothing.
    pub on_delete: &'static [WritePlan],
    /// `on conflict SYSTEM wins`: alias of the system whose state is kept where both sides have changed.
    pub conflict: Option<&'static str>,
    /// Flows that run first.
    pub after: &'static [&'static str],
    /// `latest wins`: a newer state overtakes a dead or queued one; otherwise strict order by key.
    pub latest_wins: bool,
    /// How long a transient failure is retried, in seconds.
    pub retry_up_to_s: u64,
    /// Alert channel for failures.
    pub on_failure: Option<&'static str>,
    /// Alert channel and seconds of silence.
    pub on_silence: Option<(u64, &'static str)>,
    /// Where it stands.
    pub file: &'static str,
    /// Its line.
    pub line: u32,
}
