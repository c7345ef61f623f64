//! The store and the two systems as one program sees them: every call may fail, die, or let others go first.

use std::sync::Arc;
use std::time::Duration;

use mapwright_engine::connector::*;
use mapwright_engine::store::*;
use mapwright_values::Find;

use super::fate::{Fate, Life, Mutant};
use super::people::People;
use crate::common::relay::Hooks;
use crate::common::world::{World, failure};

pub(crate) struct SimulatedStore {
    pub(crate) fate: Arc<Fate>,
    pub(crate) life: Arc<Life>,
}

impl Hooks for SimulatedStore {
    fn before(&self, call: &'static str) -> Result<(), StoreError> {
        self.life.passes(false, call)
    }
    fn after(&self, call: &'static str) -> Result<(), StoreError> {
        self.life.passes(true, call)
    }
    fn waits(&self) -> u64 {
        self.fate.waits()
    }
    fn captures(&self, page: &mut CapturePage) {
        if self.fate.mutant == Some(Mutant::WatermarkAhead) && page.rows.len() > 2 {
            page.rows.pop();
        }
        if self.fate.mutant == Some(Mutant::GoneForgotten) {
            page.on_gone = None;
        }
        let keys: Vec<&str> = page.rows.iter().map(|row| row.source_key.as_str()).collect();
        self.life.note(format!("capture {} {} {keys:?} {:?}", page.flow, page.pass, page.position));
    }
    fn leased(&self, answer: &mut Vec<Leased>) {
        for leased in answer {
            self.life.note(format!("lease {} fence {} {:?}", leased.id, leased.fence, leased.state));
            let new = self.fate.fences.lock().unwrap().insert((leased.id.0, leased.fence));
            assert!(new, "I9: two claims on the message {} have the fence {}", leased.id, leased.fence);
        }
    }
    fn intends(&self, intent: &mut Intent) {
        self.life.note(format!("intend {} {:?} {}", intent.id, intent.sent.deed, intent.sent.record));
    }
    fn concludes(&self, conclusion: &mut Conclusion) {
        if let Verdict::Retry { at, quiet_until, alone: false, .. } = &mut conclusion.verdict {
            // The pauses that an engine draws by chance are drawn by the seed here.
            *at = conclusion.now.checked_add(Duration::from_secs(self.fate.below(30))).unwrap();
            if self.fate.mutant == Some(Mutant::NoQuietAfterUnproven) {
                *quiet_until = None;
            }
        }
        if self.fate.mutant == Some(Mutant::RejectionSkipped)
            && let Verdict::Dead { fault } = &conclusion.verdict
        {
            conclusion.verdict = Verdict::Skipped { reason: fault.message.clone() };
        }
        self.life.note(format!("conclude {} {:?}", conclusion.id, conclusion.verdict));
    }
}

pub(crate) struct SimulatedSystem {
    pub(crate) inner: Arc<dyn Connector>,
    pub(crate) fate: Arc<Fate>,
    pub(crate) life: Arc<Life>,
    pub(crate) world: Arc<World>,
    pub(crate) people: Arc<People>,
}

impl SimulatedSystem {
    /// A question takes its time and may fail; users go on meanwhile.
    fn question<'a, T: Send + 'a>(
        &'a self,
        what: &'a str,
        asked: impl FnOnce() -> Reply<'a, Result<T, Failure>> + Send + 'a,
    ) -> Reply<'a, Result<T, Failure>> {
        Box::pin(async move {
            let fails = self.fate.percent(8) || self.life.is_over();
            self.life.note(format!("{} {what} {}", self.alias(), if fails { "fails" } else { "works" }));
            let answer = if fails { Err(failure(Class::Transient, "busy")) } else { asked().await };
            self.others_go().await;
            answer
        })
    }

    async fn others_go(&self) {
        if self.fate.percent(4) {
            self.people.act();
        }
        for _ in 0..self.fate.waits() {
            tokio::task::yield_now().await;
        }
    }
}

impl Connector for SimulatedSystem {
    fn alias(&self) -> &str {
        self.inner.alias()
    }
    fn reading(&self, entity: &str) -> Reading {
        self.inner.reading(entity)
    }
    fn writing(&self, entity: &str) -> Writing {
        let mut writing = self.inner.writing(entity);
        if self.fate.mutant == Some(Mutant::ProbeWithoutSettle) {
            writing.settle = Duration::ZERO;
        }
        writing
    }
    fn fetch_page<'a>(&'a self, request: &'a PageRequest) -> Reply<'a, Result<Page, Failure>> {
        Box::pin(async move {
            let mut page = self.question("page", || self.inner.fetch_page(request)).await?;
            // A row is shown twice, as where the list moved while it was read.
            if self.fate.percent(10)
                && let Some(row) = page.rows.first().cloned()
            {
                page.rows.push(row);
            }
            Ok(page)
        })
    }
    fn fetch_record<'a>(
        &'a self,
        entity: &'a str,
        key: &'a [String],
        select: &'a [String],
    ) -> Reply<'a, Result<Option<String>, Failure>> {
        self.question("record", || self.inner.fetch_record(entity, key, select))
    }
    fn find<'a>(&'a self, finds: &'a [Find]) -> Reply<'a, Result<Vec<Vec<String>>, Failure>> {
        self.question("find", || self.inner.find(finds))
    }
    fn send<'a>(&'a self, write: &'a WriteRequest) -> Reply<'a, Result<Written, Failure>> {
        Box::pin(async move {
            if self.life.is_over() {
                return Err(failure(Class::Ambiguous, "dead"));
            }
            if self.alias() == "erp" {
                let trouble = self.fate.trouble();
                self.life.note(format!("send {trouble:?}"));
                *self.world.troubles.lock().unwrap() = trouble.into_iter().collect();
            }
            let answer = self.inner.send(write).await;
            self.others_go().await;
            // A request takes its time, and more of it where its answer is lost.
            let seconds = if answer.is_ok() { self.fate.below(3) } else { self.fate.below(20) };
            self.fate.clock.advance(Duration::from_secs(seconds));
            self.life.note(format!("answer {answer:?}"));
            answer
        })
    }
    fn probe<'a>(&'a self, entity: &'a str, by: &'a [String], record: &'a str) -> Reply<'a, Result<Probe, Failure>> {
        self.question("probe", || self.inner.probe(entity, by, record))
    }
    fn check(&self) -> Reply<'_, Result<String, Failure>> {
        self.inner.check()
    }
    fn close(&self) -> Reply<'_, ()> {
        self.inner.close()
    }
}
