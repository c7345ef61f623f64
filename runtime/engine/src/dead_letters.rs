//! What an operator does with records that need a person.
//!
//! In: a selection, a decision, a name and a reason. Out: how many it touched. Large selections go in small
//! transactions: killed half-way, the same command goes on where it was. A live message is never touched.

use mapwright_values::plan::{Manner, Plan};
use mapwright_values::{Json, Link};

use crate::clock::Clock;
use crate::crash::CrashPoint;
use crate::engine::EngineError;
use crate::flow::{makes, next_write_of, write_plan};
use crate::keys;
use crate::status::{DeadLetter, DeadLetterDetail};
use crate::store::{Action, Answer, Fault, MessageId, Operation, Selection, Store, WrittenRecord};

/// Messages in one transaction.
const STEP: u32 = 200;

/// The dead letters of a store; needs no connection to any system.
pub struct DeadLetters<'a> {
    /// The store.
    pub store: &'a dyn Store,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Who decides.
    pub operator: String,
    /// Armed by tests alone.
    pub crash: &'a CrashPoint,
}

impl std::fmt::Debug for DeadLetters<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("DeadLetters").field("operator", &self.operator).finish_non_exhaustive()
    }
}

impl DeadLetters<'_> {
    /// Lists them, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(&self, selection: Selection, limit: u32) -> Result<Vec<DeadLetter>, EngineError> {
        Ok(self.store.dead_letters(selection, limit).await?)
    }

    /// Shows one with original, edits and every attempt. Holds personal values.
    ///
    /// # Errors
    /// When there is none of that number, or the store fails.
    pub async fn show(&self, id: MessageId) -> Result<DeadLetterDetail, EngineError> {
        self.store.dead_letter(id).await?.ok_or_else(|| EngineError::Setup(format!("no message {id}")))
    }

    /// Tries again: the create key stays, so that nothing is made twice. A parked one asks its target again.
    ///
    /// # Errors
    /// When the store fails; what was touched before stays so.
    pub async fn retry(&self, selection: Selection, reason: &str) -> Result<u64, EngineError> {
        self.operate_all(selection, Action::Redrive, reason).await
    }

    /// Gives up.
    ///
    /// # Errors
    /// Without a reason, or when the store fails.
    pub async fn discard(&self, selection: Selection, reason: &str) -> Result<u64, EngineError> {
        if reason.trim().is_empty() {
            return Err(EngineError::Setup("a dead letter is discarded for a reason: give one".to_owned()));
        }
        self.operate_all(selection, Action::Discard, reason).await
    }

    /// Tries again with this record in place of the one that was read; both are kept.
    ///
    /// # Errors
    /// When the record is no JSON object, the message is not dead, or the store fails.
    pub async fn edit(&self, id: MessageId, body: &str, reason: &str) -> Result<(), EngineError> {
        match Json::parse(body) {
            Ok(Json::Record(_)) => {}
            Ok(_) => return Err(EngineError::Setup("the edited record must be a JSON object".to_owned())),
            Err(error) => return Err(EngineError::Setup(format!("the edited record is no JSON: {error}"))),
        }
        self.operate_one(id, Action::Edit { body: body.to_owned() }, reason).await
    }

    /// A parked one: a person has looked, the effect is not there; it is sent.
    ///
    /// # Errors
    /// When the message is not parked, or the store fails.
    pub async fn answer_absent(&self, id: MessageId, reason: &str) -> Result<(), EngineError> {
        self.operate_one(id, Action::AnswerAbsent, reason).await
    }

    /// A parked one: a person has looked, the effect is there under this key; it is done.
    ///
    /// # Errors
    /// When the message is not parked, this program does not make the write that it was made for, or the store fails.
    pub async fn answer_there(
        &self,
        plan: &'static Plan,
        id: MessageId,
        target_key: &str,
        reason: &str,
    ) -> Result<(), EngineError> {
        if keys::is_too_long(target_key) {
            return Err(EngineError::Setup(Fault::too_long("the target's record").message));
        }
        let DeadLetterDetail { letter, target_system, target_entity, gone, .. } = self.show(id).await?;
        let unknown = || EngineError::Setup(format!("this program does not know the flow `{}`", letter.flow));
        let flow = plan.flow(&letter.flow).ok_or_else(unknown)?;
        // What is kept and what comes next would be another write's.
        if !makes(plan, flow, letter.write, (&target_system, &target_entity, gone)) {
            return Err(EngineError::Setup(format!(
                "message {id} was made for {target_system}.{target_entity} as write {} of the flow `{}`, and this program makes another one there: give the answer with the program that made it, or `discard` the message, which leaves the target as it is",
                letter.write.saturating_add(1),
                flow.name
            )));
        }
        let write = write_plan(flow, letter.write)?;
        let mapping = plan.mapping(write.mapping).ok_or_else(unknown)?;
        let links = matches!(write.manner, Manner::CreateOnce { .. } | Manner::Upsert { .. });
        let link = links.then(|| Link {
            system: mapping.system.to_owned(),
            entity: mapping.entity.to_owned(),
            of_system: flow.read.system.to_owned(),
            of_entity: flow.read.entity.to_owned(),
            key: letter.source_key.clone(),
        });
        let written = write.named.map(|name| WrittenRecord {
            name: name.to_owned(),
            system: mapping.system.to_owned(),
            entity: mapping.entity.to_owned(),
            key: target_key.to_owned(),
            body: None,
        });
        let next = next_write_of(plan, flow, letter.write);
        let answer = Answer { target_key: target_key.to_owned(), next, link, written };
        self.operate_one(id, Action::AnswerThere(Box::new(answer)), reason).await
    }

    async fn operate_one(&self, id: MessageId, action: Action, reason: &str) -> Result<(), EngineError> {
        let selection = Selection { ids: vec![id], ..Selection::default() };
        match self.operate(selection, action, reason).await? {
            0 => Err(EngineError::Setup(format!(
                "message {id} does not stand so that this could be done: it is live, over, or of the other kind (dead, parked)"
            ))),
            _ => Ok(()),
        }
    }

    async fn operate_all(&self, selection: Selection, action: Action, reason: &str) -> Result<u64, EngineError> {
        let mut touched: u64 = 0;
        let now = self.clock.now();
        let selection = Selection { before: Some(selection.before.map_or(now, |before| before.min(now))), ..selection };
        loop {
            let now = self.operate(selection.clone(), action.clone(), reason).await?;
            touched += now;
            if now < u64::from(STEP) {
                return Ok(touched);
            }
            self.crash.reach("redrive.half");
        }
    }

    async fn operate(&self, selection: Selection, action: Action, reason: &str) -> Result<u64, EngineError> {
        let operation = Operation {
            selection,
            limit: STEP,
            action,
            operator: self.operator.clone(),
            reason: reason.to_owned(),
            now: self.clock.now(),
        };
        Ok(self.store.operate(operation).await?)
    }
}
