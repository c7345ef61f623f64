//! T13 and T14: what a person decides about messages that need one.
//!
//! In: a selection and an action. Out: how many messages it touched. A live message is refused by the state machine;
//! of a selection only dead and parked ones are taken, so that doing it twice does nothing the second time.

use super::super::sql::{Connection, params};

use super::conclude;
use super::step::{self, Circumstances, MessageRow};
use super::{Action, Answer, NewLink, Operation, StoreError, micros, order, query};
use crate::state::{Event, Reason, State};

/// Carries out an operation.
pub(super) fn operate(tx: &Connection, operation: &Operation) -> Result<u64, StoreError> {
    let now = micros(operation.now);
    let mut touched = 0;
    for id in query::selected(tx, &operation.selection, operation.limit)? {
        let Some(message) = step::load_in_order(tx, id)? else { continue };
        if act(tx, &message, operation, now)? {
            touched += 1;
            tx.prepare_cached(
                "INSERT INTO operations (message_id, action, operator, reason, at) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                id,
                action_name(&operation.action),
                operation.operator,
                operation.reason,
                now
            ])?;
        }
    }
    Ok(touched)
}

fn action_name(action: &Action) -> &'static str {
    match action {
        Action::Redrive => "retry",
        Action::Discard => "discard",
        Action::Edit { .. } => "edit",
        Action::AnswerAbsent => "answer_absent",
        Action::AnswerThere(_) => "answer_there",
    }
}

fn act(tx: &Connection, message: &MessageRow, operation: &Operation, now: i64) -> Result<bool, StoreError> {
    match &operation.action {
        Action::Redrive => redrive(tx, message, Event::Redrive, now),
        Action::Discard => {
            step::take(tx, message, Event::Discard, &Circumstances::default(), now)?;
            Ok(true)
        }
        Action::Edit { body } => {
            // What may be at the target was made of the old record: it must be asked for before anything is edited.
            if message.state != State::Dead {
                return Ok(false);
            }
            tx.execute(
                "INSERT INTO edits (record_id, n, body, operator, reason, at)
                 SELECT ?1, coalesce(max(n), 0) + 1, ?2, ?3, ?4, ?5 FROM edits WHERE record_id = ?1",
                params![message.record_id, body, operation.operator, operation.reason, now],
            )?;
            redrive(tx, message, Event::Redrive, now)
        }
        Action::AnswerAbsent if message.state == State::ParkedAmbiguous => {
            redrive(tx, message, Event::AnsweredAbsent, now)
        }
        Action::AnswerThere(answer) if message.state == State::ParkedAmbiguous => {
            answer_there(tx, message, answer, now)?;
            Ok(true)
        }
        Action::AnswerAbsent | Action::AnswerThere(_) => Ok(false),
    }
}

fn answer_there(tx: &Connection, message: &MessageRow, answer: &Answer, now: i64) -> Result<(), StoreError> {
    if let Some(link) = &answer.link {
        let new = NewLink { link: link.clone(), target_key: answer.target_key.clone(), exclusive: false, part: None };
        conclude::keep_link(tx, message, &new, now)?;
    }
    if let Some(written) = &answer.written {
        conclude::keep_written(tx, message, written)?;
    }
    tx.execute("UPDATE messages SET target_key = ?2 WHERE id = ?1", params![message.id, answer.target_key])?;
    let with = Circumstances { next: answer.next.as_ref(), ..Default::default() };
    step::take(tx, message, Event::AnsweredThere, &with, now)?;
    Ok(())
}

/// Sets a message going again; while another one of its key is under way it waits for its turn.
fn redrive(tx: &Connection, message: &MessageRow, event: Event, now: i64) -> Result<bool, StoreError> {
    let due = order::quiet_until(tx, &message.order_key, (&message.target.0, &message.target.1), now)?;
    let with = Circumstances { next_at: Some(due), ..Default::default() };
    let state = step::take(tx, message, event, &with, now)?;
    if state == State::Queued && order::is_blocked(tx, &message.order_key, message.record_id, message.id)? {
        let queued = MessageRow { state, ..message.clone() };
        step::take(tx, &queued, Event::Wait(Reason::KeyBlocked), &Circumstances::default(), now)?;
        order::hurry(tx, &message.order_key, &message.flow, now)?;
        // Whoever gave way to it is first again.
        order::wake_next(tx, &message.order_key, now)?;
    }
    Ok(true)
}
