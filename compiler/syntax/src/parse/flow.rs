//! Flows.

use super::Reader;
use super::expression::{path, word};
use super::grammar::Rule;
use super::node::Node;
use crate::faults;
use crate::tree::{Duty, DutyKind, Flow, Text, TimeSpan, WriteDuty, WriteManner, Zone};

impl Reader<'_> {
    pub(super) fn flow(&self, node: &Node<'_>) -> Option<Flow> {
        let mut duties = Vec::new();
        for child in node.children() {
            match child.rule() {
                Rule::duty => match child.children().next().and_then(|kind| self.duty(&kind)) {
                    Some(kind) => duties.push(Duty { kind, span: child.span() }),
                    None => self.report(faults::unreadable(child.span(), "line of a flow")),
                },
                Rule::bad_duty => self.bad_line(&child),
                // Name, title and braces.
                _ => {}
            }
        }
        Some(Flow { name: word(node)?, doc: self.doc(node), duties, span: node.span() })
    }

    fn duty(&self, node: &Node<'_>) -> Option<DutyKind> {
        let everything = node.has(Rule::everything);
        let text = || node.child(Rule::text).map(|text| self.plain_text(&text));
        let entity = || node.child(Rule::path).map(|entity| path(&entity));
        Some(match node.rule() {
            Rule::every => DutyKind::Every { span: self.time_span(node)?, everything },
            Rule::daily => {
                let at = node.child(Rule::clock)?;
                DutyKind::Daily {
                    at: Text { text: at.text().to_owned(), span: at.span() },
                    zone: self.zone(node)?,
                    everything,
                }
            }
            Rule::cron => DutyKind::Cron { expression: text()?, zone: self.zone(node)?, everything },
            Rule::on_demand => DutyKind::OnDemand,
            Rule::on_webhook => DutyKind::Webhook { topic: text()?, system: word(node)? },
            Rule::read => DutyKind::Read { entity: entity()?, name: word(node)?, condition: self.condition(node)? },
            Rule::also_read => DutyKind::AlsoRead {
                entity: entity()?,
                name: word(node)?,
                key: self.operation(&node.child(Rule::operation)?)?,
                condition: self.condition(node)?,
            },
            Rule::write => DutyKind::Write(self.write(node)?),
            Rule::on_delete => match node.child(Rule::write) {
                Some(write) => DutyKind::OnDeleteWrite(self.write(&write)?),
                None => DutyKind::OnDeleteLeave(text()?),
            },
            Rule::after_flows => {
                DutyKind::After(node.all(Rule::word).map(|flow| super::expression::name(&flow)).collect())
            }
            Rule::latest_wins => DutyKind::LatestWins,
            Rule::strict_order => DutyKind::StrictOrder,
            Rule::on_conflict => DutyKind::ConflictWins(word(node)?),
            Rule::retry => DutyKind::RetryUpTo(self.time_span(node)?),
            Rule::on_failure => DutyKind::OnFailure(word(node)?),
            Rule::on_silence => DutyKind::OnSilence { span: self.time_span(node)?, channel: word(node)? },
            _ => DutyKind::Remark(self.remark(node)?),
        })
    }

    fn write(&self, node: &Node<'_>) -> Option<WriteDuty> {
        let manner = match node.child(Rule::keyed) {
            Some(keyed) => {
                let keys = keyed.all(Rule::target).map(|key| path(&key)).collect();
                match keyed.children().next()?.rule() {
                    Rule::k_create => WriteManner::CreateOnce(keys),
                    Rule::k_upsert => WriteManner::Upsert(keys),
                    Rule::k_update => WriteManner::Update(keys),
                    _ => WriteManner::Delete(keys),
                }
            }
            None => WriteManner::Action,
        };
        let mut words = node.all(Rule::word).map(|part| super::expression::name(&part));
        Some(WriteDuty {
            mapping: words.next()?,
            manner,
            together: node.child(Rule::keyed).is_some_and(|keyed| keyed.has(Rule::k_together)),
            batch: node
                .child(Rule::batches)
                .and_then(|part| Some((part.child(Rule::number)?.text().to_owned(), part.span()))),
            name: words.next(),
        })
    }

    fn zone(&self, node: &Node<'_>) -> Option<Zone> {
        let zone = node.child(Rule::zone)?;
        match zone.child(Rule::text) {
            Some(text) => Some(Zone::Text(self.plain_text(&text))),
            None => Some(Zone::Setting(word(&zone)?)),
        }
    }

    fn time_span(&self, node: &Node<'_>) -> Option<TimeSpan> {
        let span = node.child(Rule::span)?;
        let number = span.child(Rule::number)?;
        let unit = match span.child(Rule::span_unit)?.text().trim_end_matches('s') {
            "second" => 1,
            "minute" => 60,
            "hour" => 3_600,
            _ => 86_400,
        };
        let seconds = number.text().parse::<u64>().ok().and_then(|count| count.checked_mul(unit));
        if seconds.is_none() {
            self.report(faults::time_span_not_whole(number.span()));
        }
        Some(TimeSpan { seconds: seconds.unwrap_or(unit), span: span.span() })
    }
}
