//! The command line: what can be asked for, and how.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::deployment::DEFAULT_FILE;

/// Keeps a shop and an ERP in step, as the specs that this program was compiled from say.
///
/// Exit statuses: 0 all is well; 1 something needs a person; 2 wrong use, or something that is needed cannot be had.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub(crate) struct Arguments {
    /// Where the systems are, what the analysts left open, whom to alert.
    #[arg(long, global = true, default_value = DEFAULT_FILE)]
    pub(crate) deployment: PathBuf,
    /// Log what is going on, not only errors (or set MAPWRIGHT_LOG, for example to `debug`).
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
    /// Log one JSON object a line.
    #[arg(long, global = true)]
    pub(crate) log_json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run all flows by their schedules until told to stop (Ctrl-C, SIGTERM).
    Run,
    /// Read and deliver now, then end.
    Sync(SyncArguments),
    /// Read a flow's changes from an instant on once more, and deliver what is new of them.
    Backfill(BackfillArguments),
    /// Deliver what was last captured of one record once more; nothing is made twice.
    Replay(ReplayArguments),
    /// Erase the content of a person's records, by their key, for good.
    ///
    /// That they were delivered, and under which keys, stays known, so that nothing is written twice. Records that are not
    /// finished are named, and nothing is erased until they are delivered or discarded. The systems themselves are not touched.
    Forget(ForgetArguments),
    /// Show where every flow stands.
    Status(Form),
    /// Look at records that need a person, and decide about them.
    #[command(subcommand)]
    DeadLetters(DeadLettersCommand),
    /// Map records without any system: NDJSON in, NDJSON out.
    ///
    /// Reads one source record a line from standard input and writes one target record a line. What is not mapped goes to
    /// --rejections (or standard error), one JSON object a line with every reason.
    ///
    /// A mapping that looks records up needs --references FILE: a JSON list of {"find": "erp.Items", "records": [...]} (a data
    /// set to search in), {"find": "erp.Items", "where": {"ItemCode": "A"}, "records": [...]} (one answer) and
    /// {"linked": "erp.BusinessPartners", "of": "shop.customer", "key": "...", "is": "C001"}.
    Map(MapArguments),
    /// Reach and authenticate every system.
    Doctor,
    /// Run everything against played systems, with faults, and prove that the books balance.
    Rehearse(RehearseArguments),
}

#[derive(Debug, Default, Args)]
pub(crate) struct SyncArguments {
    /// Only these flows; all of them if none is named.
    pub(crate) flows: Vec<String>,
    /// One turn: what must be tried again later is left for later.
    #[arg(long)]
    pub(crate) once: bool,
    /// Read every record, not only changes.
    #[arg(long)]
    pub(crate) everything: bool,
    /// Read changes from this instant on, whatever was read before (2026-11-02T08:00:00Z).
    #[arg(long)]
    pub(crate) since: Option<jiff::Timestamp>,
    /// Carry out deletes although a good part of all records is gone from its source at once.
    #[arg(long, requires = "everything")]
    pub(crate) accept_deletes: bool,
    /// Send nothing: show what would be written now, field by field, beside what the target holds.
    ///
    /// Plays on a copy of the store (a file). What follows a write, such as the next write of its flow, is not shown.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Show personal values in a dry run.
    #[arg(long, requires = "dry_run")]
    pub(crate) personal: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BackfillArguments {
    /// The flow.
    pub(crate) flow: String,
    /// From this instant on (2026-11-02T08:00:00Z).
    #[arg(long)]
    pub(crate) since: jiff::Timestamp,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArguments {
    /// The flow.
    pub(crate) flow: String,
    /// The record's key at its source; a key of several fields as a JSON list.
    pub(crate) key: String,
    /// Why: kept with the record.
    #[arg(long, default_value = "")]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct ForgetArguments {
    /// The records' key at their source; a key of several fields as a JSON list.
    pub(crate) key: String,
    /// Only of these flows; of all if none is named.
    #[arg(long)]
    pub(crate) flow: Vec<String>,
    /// Why, and who asked for it: kept as long as the store.
    #[arg(long)]
    pub(crate) reason: String,
}

/// How something is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Form {
    /// How it is printed.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Numbers of dead letters.
    pub(crate) ids: Vec<i64>,
    /// All of this flow.
    #[arg(long)]
    pub(crate) flow: Option<String>,
    /// All of this cause (as `list` shows it).
    #[arg(long)]
    pub(crate) cause: Option<String>,
    /// All that have needed a person since this instant or later (2026-11-02T08:00:00Z).
    #[arg(long)]
    pub(crate) since: Option<jiff::Timestamp>,
    /// All that have needed a person since before this instant.
    #[arg(long)]
    pub(crate) before: Option<jiff::Timestamp>,
    /// All there are.
    #[arg(long)]
    pub(crate) all: bool,
    /// Why: kept with the record.
    #[arg(long, default_value = "")]
    pub(crate) reason: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLettersCommand {
    /// List them, oldest first.
    List {
        /// Of this flow.
        #[arg(long)]
        flow: Option<String>,
        /// Of this cause.
        #[arg(long)]
        cause: Option<String>,
        /// That have needed a person since this instant or later.
        #[arg(long)]
        since: Option<jiff::Timestamp>,
        /// That have needed a person since before this instant.
        #[arg(long)]
        before: Option<jiff::Timestamp>,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Show personal values that reasons repeat.
        #[arg(long)]
        personal: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show one: original, what was sent, every attempt. Personal fields are redacted.
    Show {
        /// Its number.
        id: i64,
        /// Show personal fields too.
        #[arg(long)]
        personal: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Deliver them again; nothing is written twice.
    Retry(Which),
    /// Give them up, for a reason.
    Discard(Which),
    /// Replace a record by the one in a file, then deliver it; both versions are kept.
    Edit {
        /// Its number.
        id: i64,
        /// The record as JSON.
        file: PathBuf,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// A parked one whose answer was lost: somebody looked, and the effect is not there. It is sent.
    NotThere {
        /// Its number.
        id: i64,
        /// Who looked, and where.
        #[arg(long)]
        reason: String,
    },
    /// A parked one whose answer was lost: somebody looked, and the effect is there under this key. It is done.
    There {
        /// Its number.
        id: i64,
        /// The target's key.
        key: String,
        /// Who looked, and where.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct MapArguments {
    /// The mapping.
    pub(crate) mapping: String,
    /// Answers to look-ups (see above).
    #[arg(long)]
    pub(crate) references: Option<PathBuf>,
    /// Values of settings as a JSON object; the others take their defaults.
    #[arg(long)]
    pub(crate) settings: Option<PathBuf>,
    /// Where rejected, skipped and waiting records go.
    #[arg(long)]
    pub(crate) rejections: Option<PathBuf>,
    /// The time of capture that `now()` gives; the present if not said.
    #[arg(long)]
    pub(crate) at: Option<jiff::Timestamp>,
    /// How many threads map; 0 = as many as the machine has cores. The order of the records is kept either way.
    #[arg(long, default_value_t = 0)]
    pub(crate) threads: usize,
}

#[derive(Debug, Args)]
pub(crate) struct RehearseArguments {
    /// How many orders, the two samples not counted; as many as the scene says.
    #[arg(long)]
    pub(crate) orders: Option<usize>,
    /// Where the dice start: the same number gives the same orders and the same faults.
    #[arg(long, default_value_t = 20_261_102)]
    pub(crate) seed: u64,
    /// A calm day: no faults.
    #[arg(long)]
    pub(crate) calm: bool,
    /// Keep the store in this file, which must not be there yet; a temporary one if not said.
    #[arg(long)]
    pub(crate) store: Option<PathBuf>,
}
