//! Shopware's state machines: which transition leads where.
//!
//! In: a machine, the present state, an action. Out: the next state or the vendor's refusal. Never: the record itself.

use super::problem::Problem;
use crate::text::hex_id;
use serde_json::{Value, json};

/// A state machine of the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Machine {
    /// `order.state`
    Order,
    /// `order_delivery.state`
    Delivery,
    /// `order_transaction.state`
    Transaction,
}

impl Machine {
    /// The machine behind `/_action/{segment}/{id}/state/{action}`.
    pub(super) fn named(segment: &str) -> Option<Self> {
        match segment {
            "order" => Some(Self::Order),
            "order_delivery" => Some(Self::Delivery),
            "order_transaction" => Some(Self::Transaction),
            _ => None,
        }
    }

    /// The entity whose records move in this machine.
    pub(super) fn entity(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Delivery => "order_delivery",
            Self::Transaction => "order_transaction",
        }
    }

    /// The actions possible in `state` and where they lead, in the vendor's order.
    fn steps(self, state: &str) -> &'static [(&'static str, &'static str)] {
        match (self, state) {
            (Self::Order, "open") => &[("process", "in_progress"), ("cancel", "cancelled")],
            (Self::Order, "in_progress") => &[("complete", "completed"), ("cancel", "cancelled")],
            (Self::Order, "completed" | "cancelled") | (Self::Delivery, "cancelled") => &[("reopen", "open")],
            (Self::Delivery, "open") => {
                &[("ship", "shipped"), ("ship_partially", "shipped_partially"), ("cancel", "cancelled")]
            }
            (Self::Delivery, "shipped_partially") => &[
                ("ship", "shipped"),
                ("retour", "returned"),
                ("retour_partially", "returned_partially"),
                ("cancel", "cancelled"),
            ],
            (Self::Delivery, "shipped") => &[
                ("retour", "returned"),
                ("retour_partially", "returned_partially"),
                ("cancel", "cancelled"),
                ("reopen", "open"),
            ],
            (Self::Delivery, "returned_partially") => &[("retour", "returned"), ("reopen", "open")],
            (Self::Transaction, "open" | "in_progress" | "authorized" | "unconfirmed" | "reminded") => &[
                ("do_pay", "in_progress"),
                ("paid", "paid"),
                ("pay", "paid"),
                ("paid_partially", "paid_partially"),
                ("authorize", "authorized"),
                ("remind", "reminded"),
                ("cancel", "cancelled"),
                ("fail", "failed"),
            ],
            (Self::Transaction, "paid" | "paid_partially") => &[
                ("refund", "refunded"),
                ("refund_partially", "refunded_partially"),
                ("paid", "paid"),
                ("chargeback", "chargeback"),
                ("cancel", "cancelled"),
            ],
            (Self::Transaction, "cancelled" | "failed" | "refunded" | "refunded_partially" | "chargeback") => {
                &[("reopen", "open"), ("refund", "refunded")]
            }
            (Self::Order | Self::Delivery | Self::Transaction, _) => &[],
        }
    }

    /// Where `action` leads from `state`.
    pub(super) fn step(self, state: &str, action: &str) -> Result<&'static str, Problem> {
        let steps = self.steps(state);
        if let Some((_, next)) = steps.iter().find(|(name, _)| *name == action) {
            return Ok(next);
        }
        let possible = steps.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let shown = german(state);
        let detail =
            format!("Illegal transition \"{action}\" from state \"{shown}\". Possible transitions are: {possible}");
        let parameters = json!({ "transition": action, "currentState": shown, "possibleTransitions": possible });
        Err(Problem::new(400, "SYSTEM__ILLEGAL_STATE_TRANSITION", detail).with_parameters(parameters))
    }
}

/// A `stateMachineState` record. The translated name is what a German shop shows.
pub(crate) fn state(machine: Machine, technical: &str) -> Value {
    let name = german(technical);
    json!({ "id": state_id(machine, technical), "technicalName": technical, "name": name, "translated": { "name": name } })
}

/// The id of a state; those of the samples are kept.
pub(crate) fn state_id(machine: Machine, technical: &str) -> String {
    match (machine, technical) {
        (Machine::Order, "open") => "4003378842f38d3bf8a44bbcf890b372".to_owned(),
        (Machine::Delivery, "open") => "e5a58c690bfa91e815fe5a378412bb28".to_owned(),
        (Machine::Transaction, "open") => "095d064215c13ccd5448f5991467dd50".to_owned(),
        (Machine::Transaction, "paid") => "e329183ed70d21afa6f0d12e2f4f1bf8".to_owned(),
        (Machine::Order | Machine::Delivery | Machine::Transaction, _) => {
            hex_id(&format!("state {machine:?} {technical}"))
        }
    }
}

fn german(technical: &str) -> &str {
    match technical {
        "open" => "Offen",
        "in_progress" => "In Bearbeitung",
        "completed" => "Abgeschlossen",
        "cancelled" => "Abgebrochen",
        "shipped" => "Versandt",
        "shipped_partially" => "Teilweise versandt",
        "returned" => "Retour",
        "paid" => "Bezahlt",
        other => other,
    }
}
