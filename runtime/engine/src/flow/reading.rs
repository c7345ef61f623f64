//! Reading a flow's source, page by page, into the inbox.
//!
//! In: the flow's plan, the connector's account of how its entity is read. Out: pages committed with the position behind
//! them. Nothing is mapped here. The watermark never passes `the source's clock - max(resolution, index lag)`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use mapwright_values::plan::{AlsoReadPlan, FlowPlan, TermPlan};
use mapwright_values::{Input, Json, References, Sources, Term};

use super::{Core, deciding, gathering, gone, halting, record, turns};
use crate::EngineError;
use crate::clock::{earlier, later};
use crate::connector::{Class, Connector, Failure, Page, PageRequest, Reading, Row, Window};
use crate::keys;
use crate::store::{CapturePage, CaptureRow, Captured, Fault, OpenWindow, Position, ReadingNote, RowKind};
use crate::trace;

/// The name under which the position of a full scan is kept.
pub(crate) const EVERYTHING: &str = "everything";

/// How far `also read` reaches back before the moment at which its flow was read for the first time.
const FIRST_ALSO: Duration = Duration::from_secs(3600);

/// How a flow is to be read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extent {
    /// A full scan, whatever the watermarks say.
    pub(crate) everything: bool,
    /// Changes from here on, whatever the watermarks say.
    pub(crate) since: Option<Timestamp>,
    /// Very many records at once may be gone.
    pub(crate) accept_gone: bool,
}

/// How a reading came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// All there was.
    Complete,
    /// Stopped on the way; the position is kept.
    Stopped,
    /// Another process reads it now.
    Elsewhere,
    /// It failed, for this reason, and is to be tried again.
    Failed(String),
    /// A person must decide, about this; the next turn finds out what was decided.
    Refused(String),
}

/// What a pass goes over.
#[derive(Clone, Copy)]
pub(crate) enum Over {
    /// The flow's own records.
    Own,
    /// Those whose changes count as changes of the flow's own.
    Also(&'static AlsoReadPlan),
    /// The keys of the flow's own, whatever its conditions say.
    Keys,
}

/// One pass over a source.
pub(crate) struct Pass<'a> {
    core: &'a Core,
    flow: &'static FlowPlan,
    connector: &'a dyn Connector,
    reading: Reading,
    over: Over,
    /// `None` = a full scan.
    index: Option<usize>,
    name: String,
    /// A full scan of a flow of groups holds its rows until the last one: any may belong to any group.
    held: Mutex<gathering::Groups>,
}

/// Most rows that a full scan holds for their groups.
const ROWS_HELD_MAX: usize = 1_000_000;

/// Reads a flow's source to the end.
pub(crate) async fn read_flow(core: &Core, flow: &'static FlowPlan, extent: Extent) -> Result<Ended, EngineError> {
    let passes = core.connector(flow.read.system)?.reading(flow.read.entity).passes;
    if passes.is_empty() || extent.everything {
        let ended = Pass::new(core, flow, Over::Own, (None, EVERYTHING.to_owned()))?.read(extent).await?;
        if ended != Ended::Complete {
            return Ok(ended);
        }
        let ended = gone::sweep(core, flow, extent).await?;
        if ended == Ended::Complete {
            note(core, flow, None).await?;
        }
        return Ok(ended);
    }
    let began = core.now();
    let fresh = is_fresh(core, flow, &passes).await?;
    for (index, name) in passes.into_iter().enumerate() {
        let ended = Pass::new(core, flow, Over::Own, (Some(index), name))?.read(extent).await?;
        if ended != Ended::Complete {
            return Ok(ended);
        }
    }
    let ended = read_also(core, flow, extent, fresh.then(|| earlier(began, FIRST_ALSO))).await?;
    if ended != Ended::Complete {
        return Ok(ended);
    }
    if fresh {
        // Everything was read: the first sweep is due when the next would be.
        gone::mark(core, flow, EVERYTHING, began).await?;
    }
    note(core, flow, None).await?;
    Ok(Ended::Complete)
}

/// Has the flow never been read to an end?
async fn is_fresh(core: &Core, flow: &FlowPlan, passes: &[String]) -> Result<bool, EngineError> {
    for name in passes {
        if core.store.position(flow.name, name).await?.read_wm.is_some() {
            return Ok(false);
        }
    }
    Ok(!passes.is_empty())
}

/// `also read`: `since` = everything before is known, for the flow's own records were just read for the first time.
async fn read_also(
    core: &Core,
    flow: &'static FlowPlan,
    extent: Extent,
    since: Option<Timestamp>,
) -> Result<Ended, EngineError> {
    for also in flow.read.also {
        let passes = core.connector(also.system)?.reading(also.entity).passes;
        for (index, name) in passes.iter().enumerate() {
            let name = format!("also {}.{} {name}", also.system, also.entity);
            let pass = Pass::new(core, flow, Over::Also(also), (Some(index), name))?;
            let begins = Extent { since: extent.since.or(since), ..extent };
            let ended = pass.read(begins).await?;
            if ended != Ended::Complete {
                return Ok(ended);
            }
        }
    }
    Ok(Ended::Complete)
}

/// Asks for the page that is next, and keeps nothing of it: the canary of a connection whose reading was refused.
pub(crate) async fn try_page(core: &Core, flow: &'static FlowPlan) -> Result<Result<(), Failure>, EngineError> {
    let connector = core.connector(flow.read.system)?.as_ref();
    let place = match connector.reading(flow.read.entity).passes.first() {
        Some(name) => (Some(0), name.clone()),
        None => (None, EVERYTHING.to_owned()),
    };
    let mut position = core.store.position(flow.name, &place.1).await?;
    let pass = Pass::new(core, flow, Over::Own, place)?;
    let window = position.window.take().unwrap_or_else(|| pass.new_window(&position, Extent::default()));
    Ok(pass.fetch(&window).await.map(|_| ()))
}

pub(crate) async fn note(core: &Core, flow: &FlowPlan, fault: Option<Fault>) -> Result<(), EngineError> {
    let note =
        ReadingNote { flow: flow.name.to_owned(), now: core.now(), fault, channel: flow.on_failure.map(str::to_owned) };
    Ok(core.store.reading(note).await?)
}

impl<'a> Pass<'a> {
    pub(crate) fn new(
        core: &'a Core,
        flow: &'static FlowPlan,
        over: Over,
        (index, name): (Option<usize>, String),
    ) -> Result<Self, EngineError> {
        let (system, entity) = match over {
            Over::Own | Over::Keys => (flow.read.system, flow.read.entity),
            Over::Also(also) => (also.system, also.entity),
        };
        let connector = core.connector(system)?.as_ref();
        let (reading, held) = (connector.reading(entity), Mutex::default());
        Ok(Self { core, flow, connector, reading, over, index, name, held })
    }

    /// Alias of the system that is read.
    fn system(&self) -> &'static str {
        match self.over {
            Over::Own | Over::Keys => self.flow.read.system,
            Over::Also(also) => also.system,
        }
    }

    /// Reads the window that an earlier run left open, if there is one, and then the newest.
    pub(crate) async fn read(&self, extent: Extent) -> Result<Ended, EngineError> {
        let position = self.core.store.position(self.flow.name, &self.name).await?;
        if position.window.is_some() && extent.since.is_none() {
            let ended = self.read_window(position, extent).await?;
            if ended != Ended::Complete {
                return Ok(ended);
            }
        }
        let position = self.core.store.position(self.flow.name, &self.name).await?;
        self.read_window(position, extent).await
    }

    async fn read_window(&self, mut position: Position, extent: Extent) -> Result<Ended, EngineError> {
        let mut resumed = position.window.is_some() && extent.since.is_none();
        let mut window = match position.window.take() {
            Some(window) if extent.since.is_none() => window,
            Some(_) | None => self.new_window(&position, extent),
        };
        let mut clock_known = resumed;
        loop {
            if self.core.is_stopping() || !turns::hold(self.core, self.flow).await? {
                return Ok(Ended::Stopped);
            }
            let page = match self.fetch(&window).await {
                Ok(page) => page,
                // A place in a list that an earlier run kept may be gone by now: the window is read again.
                Err(failure) if resumed && matches!(failure.class, Class::Permanent | Class::Missing) => {
                    window.cursor = None;
                    resumed = false;
                    continue;
                }
                Err(failure) => return self.fail(&failure).await,
            };
            resumed = false;
            if !clock_known {
                clock_known = true;
                if let Some(until) = self.too_late(&window, page.server_time) {
                    window.until = Some(until);
                    continue;
                }
            }
            if page.next.is_some() && page.next == window.cursor {
                return self
                    .fail_with(Fault::own(
                        "paging",
                        "the source answers the same page again and again: its paging is broken",
                    ))
                    .await;
            }
            let next = page.next.clone();
            if self.holds() && next.is_some() {
                // Nothing is committed on the way: a scan that is broken off begins anew.
                if let Some(fault) = self.hold(page.rows) {
                    return self.fail_with(fault).await;
                }
                window.cursor = next;
                continue;
            }
            position = self.behind(&position, &window, &page);
            if let Err(failure) = self.commit(page, position.clone()).await? {
                return self.fail(&failure).await;
            }
            match next {
                Some(cursor) => window.cursor = Some(cursor),
                None => return Ok(Ended::Complete),
            }
        }
    }

    fn new_window(&self, position: &Position, extent: Extent) -> OpenWindow {
        let after_wm = position.read_wm.map(|wm| earlier(wm, self.reading.overlap));
        let since = match (extent.since, after_wm) {
            // A later beginning than the watermark would leave a gap that nobody reads again.
            (Some(since), Some(after_wm)) => Some(since.min(after_wm)),
            (since, after_wm) => since.or(after_wm),
        };
        let since = since.filter(|_| self.index.is_some());
        let skew = self.core.skews.lock().ok().and_then(|skews| skews.get(self.system()).copied());
        let theirs = self.core.now().checked_add(skew.unwrap_or(SignedDuration::ZERO)).unwrap_or(self.core.now());
        OpenWindow { since, until: Some(self.horizon(theirs)), cursor: None }
    }

    /// How far the watermark may go when the source's clock shows this.
    fn horizon(&self, theirs: Timestamp) -> Timestamp {
        earlier(theirs, self.reading.resolution.max(self.reading.index_lag))
    }

    /// The window's end on the source's own clock, where ours had set it too late.
    fn too_late(&self, window: &OpenWindow, server_time: Option<Timestamp>) -> Option<Timestamp> {
        let theirs = server_time?;
        if let Ok(mut skews) = self.core.skews.lock() {
            skews.insert(self.system().to_owned(), theirs.duration_since(self.core.now()));
        }
        let horizon = self.horizon(theirs);
        window.until.is_some_and(|until| until > horizon).then_some(horizon)
    }

    /// INVARIANT: within a window ordered by key the watermark stands still; ordered by time it never passes the page.
    fn behind(&self, position: &Position, window: &OpenWindow, page: &Page) -> Position {
        let reached = match &page.next {
            None => window.until,
            Some(_) if self.index.is_some() && self.reading.ordered_by_time => {
                let last = page.rows.iter().filter_map(|row| row.stamp).max();
                match (last, window.until) {
                    (Some(last), Some(until)) => Some(last.min(until)),
                    (last, _) => last,
                }
            }
            Some(_) => None,
        };
        let open = page.next.clone().map(|cursor| OpenWindow { cursor: Some(cursor), ..window.clone() });
        Position { read_wm: position.read_wm.max(reached), window: open }
    }

    async fn fetch(&self, window: &OpenWindow) -> Result<Page, Failure> {
        let read = &self.flow.read;
        let (entity, filter, select) = match self.over {
            Over::Own => (read.entity, read.filter, read.select),
            Over::Also(also) => (also.entity, also.filter, also.select),
            Over::Keys => (read.entity, &[][..], read.key),
        };
        let request = PageRequest {
            entity: entity.to_owned(),
            filter: terms(filter),
            select: select.iter().map(|path| (*path).to_owned()).collect(),
            window: self.index.map(|pass| Window { pass, since: window.since, until: window.until }),
            cursor: window.cursor.clone(),
        };
        let mut failures = 0;
        loop {
            let failure = match self.connector.fetch_page(&request).await {
                Ok(page) => return Ok(page),
                Err(failure) => failure,
            };
            failures += 1;
            let again = matches!(failure.class, Class::Transient | Class::Throttled | Class::Ambiguous);
            if !again || failures >= self.core.options.page_attempts_max || self.core.is_stopping() {
                return Err(failure);
            }
            tracing::warn!(flow = self.flow.name, code = ?failure.code, failures, "a page could not be read, trying again");
            self.core.pause(self.core.options.retry.pause(failures, failure.retry_after, self.core.random())).await;
        }
    }

    pub(crate) async fn fail(&self, failure: &Failure) -> Result<Ended, EngineError> {
        let fault = Fault::told(failure);
        if failure.class == Class::Halt {
            halting::halt(self.core, self.system(), &fault, self.flow, Some(self.flow.name)).await?;
        }
        self.fail_with(fault).await
    }

    pub(crate) async fn fail_with(&self, fault: Fault) -> Result<Ended, EngineError> {
        tracing::error!(flow = self.flow.name, class = %fault.class, code = ?fault.code, "the reading failed");
        note(self.core, self.flow, Some(fault.clone())).await?;
        Ok(Ended::Failed(fault.message))
    }

    /// Does it wait for the last row before it keeps any?
    fn holds(&self) -> bool {
        matches!(self.over, Over::Own) && self.index.is_none() && self.flow.read.group.is_some()
    }

    /// Holds rows until the scan has ended; answers why it cannot.
    fn hold(&self, rows: Vec<Row>) -> Option<Fault> {
        let (Some(by), Ok(mut held)) = (self.flow.read.group, self.held.lock()) else { return None };
        sort(self.core, self.flow, by, rows, &mut held);
        (held.rows() > ROWS_HELD_MAX).then(|| {
            Fault::own(
                "too_many_rows",
                format!(
                    "a full scan has more than {ROWS_HELD_MAX} rows, too many to be grouped at once: read the changes only, or narrow the flow's condition"
                ),
            )
        })
    }

    /// The groups of a page, or of a whole scan.
    async fn grouped(&self, by: &str, rows: Vec<Row>) -> Result<Vec<Row>, Failure> {
        if !self.holds() {
            return gathering::groups(self.core, self.flow, by, rows).await;
        }
        if let Some(fault) = self.hold(rows) {
            return Err(Failure {
                class: Class::Permanent,
                status: None,
                code: Some(fault.class),
                message: fault.message,
                field: None,
                retry_after: None,
                existing: None,
            });
        }
        Ok(self.held.lock().map(|mut held| std::mem::take(&mut *held).into_rows()).unwrap_or_default())
    }

    /// Keeps a page; an inner error is that of the records that the page named.
    async fn commit(&self, page: Page, position: Position) -> Result<Result<(), Failure>, EngineError> {
        let now = self.core.now();
        let read = page.rows.len() as u64;
        let (rows, filtered) = match (self.over, self.flow.read.group) {
            (Over::Own, Some(by)) => match self.grouped(by, page.rows).await {
                Ok(rows) => (rows.into_iter().filter_map(|row| own_row(self.core, self.flow, row, now)).collect(), 0),
                Err(failure) => return Ok(Err(failure)),
            },
            (Over::Own, None) => {
                let rows: Vec<CaptureRow> =
                    page.rows.into_iter().filter_map(|row| own_row(self.core, self.flow, row, now)).collect();
                let filtered = read - rows.len() as u64;
                (rows, filtered)
            }
            (Over::Keys, _) => (page.rows.iter().filter_map(|row| gone::met(self.flow, row)).collect(), 0),
            (Over::Also(also), _) => match gathering::parents(self.core, self.flow, also, &page.rows).await {
                Ok(rows) => (rows.into_iter().filter_map(|row| own_row(self.core, self.flow, row, now)).collect(), 0),
                Err(failure) => return Ok(Err(failure)),
            },
        };
        let kept = keep(self.core, self.flow, &self.name, (rows, filtered), position).await?;
        self.core.progress.send_modify(|progress| {
            progress.step = format!("reading {}", self.flow.name);
            progress.read += read;
            progress.accepted += kept.accepted;
            progress.dead += kept.dead;
        });
        Ok(Ok(()))
    }
}

/// Keeps rows and the position behind them.
pub(crate) async fn keep(
    core: &Core,
    flow: &FlowPlan,
    pass: &str,
    (rows, filtered): (Vec<CaptureRow>, u64),
    position: Position,
) -> Result<Captured, EngineError> {
    let capture = CapturePage {
        flow: flow.name.to_owned(),
        pass: pass.to_owned(),
        source: (flow.read.system.to_owned(), flow.read.entity.to_owned()),
        target: core.next_target(flow, 0)?,
        on_gone: super::first_on_gone(core.plan(), flow),
        filtered,
        rows,
        position,
        now: core.now(),
    };
    core.crash.reach("page.before_commit");
    let captured = core.store.capture(capture).await?;
    core.crash.reach("page.after_commit");
    captured.keys.iter().for_each(|key| trace::captured(flow, key));
    core.line.ring(captured.accepted, core.options.batch).await;
    Ok(captured)
}

/// A condition as connectors are asked it.
pub(crate) fn terms(filter: &[TermPlan]) -> Vec<Term> {
    let term = |term: &TermPlan| Term { field: term.field.to_owned(), test: term.test, value: term.value.to_owned() };
    filter.iter().map(term).collect()
}

/// A row to be kept; `None` = the flow's condition leaves it out.
pub(crate) fn own_row(core: &Core, flow: &'static FlowPlan, row: Row, now: Timestamp) -> Option<CaptureRow> {
    let hash = keys::digest(&[&row.record]);
    let (source_key, fault) = match Json::parse(&row.record) {
        Err(error) => (
            format!("?{hash}"),
            Some(Fault::own("unreadable", format!("the source sent a record that is no JSON: {error}"))),
        ),
        Ok(json) => match (flow.read.group, record::fields_text(&json, flow.read.key)) {
            (Some(by), _) => match group_of(core, flow, by, &json, now) {
                Ok(key) => (key, None),
                Err(fault) => (format!("?{hash}"), Some(*fault)),
            },
            (None, None) => (
                format!("?{hash}"),
                Some(Fault::own(
                    "no_key",
                    format!("the record has no `{}`, which is its key", flow.read.key.join(", ")),
                )),
            ),
            (None, Some(key)) => match keeps(core, flow, &json, now) {
                Ok(true) => (keys::key_text(&key), None),
                Ok(false) => return None,
                Err(fault) => (keys::key_text(&key), Some(*fault)),
            },
        },
    };
    let (source_key, fault) = match keys::is_too_long(&source_key) {
        true => (format!("?{hash}"), Some(Fault::too_long("the record"))),
        false => (source_key, fault),
    };
    Some(CaptureRow { kind: RowKind::State, source_key, body: row.record, hash, stamp: row.stamp, fault })
}

/// Puts the rows that the flow's condition lets through with their groups; one that cannot be judged is told by itself.
pub(crate) fn sort(core: &Core, flow: &'static FlowPlan, by: &str, rows: Vec<Row>, groups: &mut gathering::Groups) {
    for row in rows {
        match Json::parse(&row.record).ok().map(|json| keeps(core, flow, &json, core.now())) {
            Some(Ok(false)) => {}
            Some(Ok(true)) => groups.add(by, row),
            Some(Err(_)) | None => groups.leave(row),
        }
    }
}

/// The key of a group; a row that is in none says why.
fn group_of(
    core: &Core,
    flow: &'static FlowPlan,
    by: &str,
    json: &Json<'_>,
    now: Timestamp,
) -> Result<String, Box<Fault>> {
    let key = record::fields_text(json, &["key"]).filter(|_| matches!(json.get("rows"), Some(Json::List(_))));
    match (key, keeps(core, flow, json, now)) {
        (Some(key), _) => Ok(keys::key_text(&key)),
        (None, Err(fault)) => Err(fault),
        (None, Ok(_)) => {
            Err(Box::new(Fault::own("no_key", format!("the record has no `{by}`, which names its group"))))
        }
    }
}

fn keeps(core: &Core, flow: &'static FlowPlan, json: &Json<'_>, now: Timestamp) -> Result<bool, Box<Fault>> {
    if !flow.read.keep {
        return Ok(true);
    }
    let keep = core.integration.keeps.iter().find(|(name, _)| *name == flow.name).map(|(_, keep)| *keep);
    let Some(keep) = keep else { return Ok(true) };
    let references = References::new();
    let input = Input {
        sources: Sources::Whole(std::slice::from_ref(json)),
        references: &references,
        settings: &core.settings,
        captured_at: now,
    };
    match catch_unwind(AssertUnwindSafe(|| keep(&input))) {
        Ok(Ok(kept)) => Ok(kept),
        Ok(Err(rejections)) => Err(Box::new(deciding::rejected(&rejections))),
        Err(_) => Err(Box::new(Fault::own(
            "panic",
            format!("the condition of the flow `{}` failed on this record: a fault of the program", flow.name),
        ))),
    }
}

impl Core {
    /// Target system and entity of a flow's write.
    pub(crate) fn next_target(&self, flow: &FlowPlan, write: usize) -> Result<(String, String), EngineError> {
        let mapping = flow.write(write).and_then(|write| self.plan().mapping(write.mapping));
        mapping
            .map(|mapping| (mapping.system.to_owned(), mapping.entity.to_owned()))
            .ok_or_else(|| EngineError::Setup(format!("the flow `{}` writes nothing", flow.name)))
    }

    /// Until when a claim made now lasts.
    pub(crate) fn lease_end(&self) -> Timestamp {
        later(self.now(), self.lease)
    }
}
