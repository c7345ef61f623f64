//! Reading a flow's source, page by page, into the inbox.
//!
//! In: the flow's plan, the connector's account of how its entity is read. Out: pages committed with the position behind
//! them. Nothing is mapped here. The watermark never passes `the source's clock - max(resolution, index lag)`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::{SignedDuration, Timestamp};
use mapwright_values::plan::FlowPlan;
use mapwright_values::{Input, Json, References, Term};

use super::{Core, deciding, halting, record};
use crate::EngineError;
use crate::clock::{earlier, later};
use crate::connector::{Class, Connector, Failure, Page, PageRequest, Reading, Row, Window};
use crate::keys;
use crate::store::{CapturePage, CaptureRow, Fault, OpenWindow, Position, ReadingNote};

/// The name under which the position of a full scan is kept.
const EVERYTHING: &str = "everything";

/// How a flow is to be read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extent {
    /// A full scan, whatever the watermarks say.
    pub(crate) everything: bool,
    /// Changes from here on, whatever the watermarks say.
    pub(crate) since: Option<Timestamp>,
}

/// How a reading came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// All there was.
    Complete,
    /// Stopped on the way; the position is kept.
    Stopped,
    /// Given up until its next turn, for this reason.
    Failed(String),
}

/// One pass over a source.
struct Pass<'a> {
    core: &'a Core,
    flow: &'static FlowPlan,
    connector: &'a dyn Connector,
    reading: Reading,
    /// `None` = a full scan.
    index: Option<usize>,
    name: String,
}

/// Reads a flow's source to the end.
pub(crate) async fn read_flow(core: &Core, flow: &'static FlowPlan, extent: Extent) -> Result<Ended, EngineError> {
    let connector = core.connector(flow.read.system)?.as_ref();
    let reading = connector.reading(flow.read.entity);
    let passes: Vec<(Option<usize>, String)> = if extent.everything || reading.passes.is_empty() {
        vec![(None, EVERYTHING.to_owned())]
    } else {
        reading.passes.iter().cloned().enumerate().map(|(index, name)| (Some(index), name)).collect()
    };
    for (index, name) in passes {
        let pass = Pass { core, flow, connector, reading: reading.clone(), index, name };
        match pass.read(extent).await? {
            Ended::Complete => {}
            Ended::Stopped => return Ok(Ended::Stopped),
            Ended::Failed(reason) => return Ok(Ended::Failed(reason)),
        }
    }
    note(core, flow, None).await?;
    Ok(Ended::Complete)
}

/// Asks for the page that is next, and keeps nothing of it: the canary of a connection whose reading was refused.
pub(crate) async fn try_page(core: &Core, flow: &'static FlowPlan) -> Result<Result<(), Failure>, EngineError> {
    let connector = core.connector(flow.read.system)?.as_ref();
    let reading = connector.reading(flow.read.entity);
    let (index, name) = match reading.passes.first() {
        Some(name) => (Some(0), name.clone()),
        None => (None, EVERYTHING.to_owned()),
    };
    let mut position = core.store.position(flow.name, &name).await?;
    let pass = Pass { core, flow, connector, reading, index, name };
    let window = position.window.take().unwrap_or_else(|| pass.new_window(&position, Extent::default()));
    Ok(pass.fetch(&window).await.map(|_| ()))
}

async fn note(core: &Core, flow: &FlowPlan, fault: Option<Fault>) -> Result<(), EngineError> {
    let note =
        ReadingNote { flow: flow.name.to_owned(), now: core.now(), fault, channel: flow.on_failure.map(str::to_owned) };
    Ok(core.store.reading(note).await?)
}

impl Pass<'_> {
    /// Reads the window that an earlier run left open, if there is one, and then the newest.
    async fn read(&self, extent: Extent) -> Result<Ended, EngineError> {
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
            if self.core.is_stopping() {
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
            position = self.behind(&position, &window, &page);
            self.commit(page, position.clone()).await?;
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
        let skew = self.core.skews.lock().ok().and_then(|skews| skews.get(self.flow.read.system).copied());
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
            skews.insert(self.flow.read.system.to_owned(), theirs.duration_since(self.core.now()));
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
        let request = PageRequest {
            entity: read.entity.to_owned(),
            filter: read
                .filter
                .iter()
                .map(|term| Term { field: term.field.to_owned(), test: term.test, value: term.value.to_owned() })
                .collect(),
            select: read.select.iter().map(|path| (*path).to_owned()).collect(),
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

    async fn fail(&self, failure: &Failure) -> Result<Ended, EngineError> {
        let fault = Fault::told(failure);
        if failure.class == Class::Halt {
            halting::halt(self.core, self.flow.read.system, &fault, self.flow, Some(self.flow.name)).await?;
        }
        self.fail_with(fault).await
    }

    async fn fail_with(&self, fault: Fault) -> Result<Ended, EngineError> {
        tracing::error!(flow = self.flow.name, class = %fault.class, code = ?fault.code, "the reading failed");
        note(self.core, self.flow, Some(fault.clone())).await?;
        Ok(Ended::Failed(fault.message))
    }

    async fn commit(&self, page: Page, position: Position) -> Result<(), EngineError> {
        let now = self.core.now();
        let read = page.rows.len() as u64;
        let rows: Vec<CaptureRow> = page.rows.into_iter().filter_map(|row| self.row(row, now)).collect();
        let target = self.core.next_target(self.flow, 0)?;
        let capture = CapturePage {
            flow: self.flow.name.to_owned(),
            pass: self.name.clone(),
            source: (self.flow.read.system.to_owned(), self.flow.read.entity.to_owned()),
            target,
            filtered: read - rows.len() as u64,
            rows,
            position,
            now,
        };
        self.core.crash.reach("page.before_commit");
        let captured = self.core.store.capture(capture).await?;
        self.core.crash.reach("page.after_commit");
        self.core.progress.send_modify(|progress| {
            progress.step = format!("reading {}", self.flow.name);
            progress.read += read;
            progress.accepted += captured.accepted;
            progress.dead += captured.dead;
        });
        Ok(())
    }

    /// A row to be kept; `None` = the flow's condition leaves it out.
    fn row(&self, row: Row, now: Timestamp) -> Option<CaptureRow> {
        let hash = keys::digest(&[&row.record]);
        let (source_key, fault) = match Json::parse(&row.record) {
            Err(error) => (
                format!("?{hash}"),
                Some(Fault::own("unreadable", format!("the source sent a record that is no JSON: {error}"))),
            ),
            Ok(json) => match record::fields_text(&json, self.flow.read.key) {
                None => (
                    format!("?{hash}"),
                    Some(Fault::own(
                        "no_key",
                        format!("the record has no `{}`, which is its key", self.flow.read.key.join(", ")),
                    )),
                ),
                Some(key) => match self.keeps(&json, now) {
                    Ok(true) => (keys::key_text(&key), None),
                    Ok(false) => return None,
                    Err(fault) => (keys::key_text(&key), Some(*fault)),
                },
            },
        };
        Some(CaptureRow { source_key, body: row.record, hash, stamp: row.stamp, fault })
    }

    fn keeps(&self, json: &Json<'_>, now: Timestamp) -> Result<bool, Box<Fault>> {
        if !self.flow.read.keep {
            return Ok(true);
        }
        let keep = self.core.integration.keeps.iter().find(|(flow, _)| *flow == self.flow.name).map(|(_, keep)| *keep);
        let Some(keep) = keep else { return Ok(true) };
        let references = References::new();
        let input = Input {
            sources: std::slice::from_ref(json),
            references: &references,
            settings: &self.core.settings,
            captured_at: now,
        };
        match catch_unwind(AssertUnwindSafe(|| keep(&input))) {
            Ok(Ok(kept)) => Ok(kept),
            Ok(Err(rejections)) => Err(Box::new(deciding::rejected(&rejections))),
            Err(_) => Err(Box::new(Fault::own(
                "panic",
                format!("the condition of the flow `{}` failed on this record: a fault of the program", self.flow.name),
            ))),
        }
    }
}

impl Core {
    /// Target system and entity of a flow's write.
    pub(crate) fn next_target(&self, flow: &FlowPlan, write: usize) -> Result<(String, String), EngineError> {
        let mapping = flow.writes.get(write).and_then(|write| self.plan().mapping(write.mapping));
        mapping
            .map(|mapping| (mapping.system.to_owned(), mapping.entity.to_owned()))
            .ok_or_else(|| EngineError::Setup(format!("the flow `{}` writes nothing", flow.name)))
    }

    /// Until when a claim made now lasts.
    pub(crate) fn lease_end(&self) -> Timestamp {
        later(self.now(), self.lease)
    }
}
