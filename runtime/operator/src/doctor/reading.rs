//! What the flows read, tried once: a page of each entity as its flow asks for it, the fields of what came, both clocks.
//!
//! In: a plan and a connection that answers. Out: findings. It asks for one or two pages of each entity and keeps nothing.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use mapwright_engine::clock::{Clock, SystemClock, earlier, later};
use mapwright_engine::connector::{Connector, Page, PageRequest, Window};
use mapwright_values::plan::{EntityPlan, FieldPlan, Kind, Plan, SystemPlan, TermPlan};
use mapwright_values::{Json, Term};

use super::Finding;

/// Changes of so long are asked for first.
const RECENT: Duration = Duration::from_secs(24 * 3600);
/// A stamp may be so far ahead of its own system's clock: rounding, and several servers behind one address.
const AHEAD_MAX: Duration = Duration::from_secs(5 * 60);
/// A difference of clocks that nobody needs to know.
const AGREE: SignedDuration = SignedDuration::from_secs(2);

/// Something that a flow reads.
struct Read {
    flow: &'static str,
    entity: &'static str,
    filter: &'static [TermPlan],
    select: &'static [&'static str],
}

/// Tries everything that flows read from a system.
pub(super) async fn examine(plan: &'static Plan, system: &SystemPlan, connection: &dyn Connector) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut clock: Option<Difference> = None;
    for read in reads(plan, system.alias) {
        let place = format!("{}.{}", system.alias, read.entity);
        let reading = connection.reading(read.entity);
        let passes = !reading.passes.is_empty();
        let mut found = Found::default();
        for recent in [true, false] {
            // Without a change of late, anything shows whether the fields are there.
            if (recent && !passes) || found.rows > 0 {
                continue;
            }
            let began = SystemClock.now();
            match connection.fetch_page(&question(&read, recent.then_some(began))).await {
                Ok(page) => {
                    let now = SystemClock.now();
                    let bound = Difference::of(&page, (began, now), reading.overlap);
                    if clock.as_ref().is_none_or(|known| bound.as_ref().is_some_and(|new| new.is_worse_than(known))) {
                        clock = bound.or(clock);
                    }
                    found.add(&page, system.entity(read.entity), read.select, recent);
                }
                Err(failure) => {
                    findings.push(Finding::failed(place.clone(), &failure));
                    found.failed = true;
                    break;
                }
            }
        }
        if !found.failed {
            findings.extend(found.findings(&place, read.flow));
        }
    }
    let clock = clock.map(|difference| difference.finding(system.alias));
    let clock = clock.into_iter();
    clock.chain(findings).collect()
}

fn reads(plan: &'static Plan, alias: &str) -> Vec<Read> {
    let mut reads: Vec<Read> = Vec::new();
    for flow in plan.flows {
        let own = (flow.read.system, flow.read.entity, flow.read.filter, flow.read.select);
        let also = flow.read.also.iter().map(|also| (also.system, also.entity, also.filter, also.select));
        for (system, entity, filter, select) in std::iter::once(own).chain(also) {
            if system == alias && !reads.iter().any(|known| known.entity == entity && known.select == select) {
                reads.push(Read { flow: flow.name, entity, filter, select });
            }
        }
    }
    reads
}

fn question(read: &Read, changed_until: Option<Timestamp>) -> PageRequest {
    let term = |term: &TermPlan| Term { field: term.field.to_owned(), test: term.test, value: term.value.to_owned() };
    PageRequest {
        entity: read.entity.to_owned(),
        filter: read.filter.iter().map(term).collect(),
        select: read.select.iter().map(|path| (*path).to_owned()).collect(),
        window: changed_until.map(|now| Window { pass: 0, since: Some(earlier(now, RECENT)), until: None }),
        cursor: None,
    }
}

/// How far a system's clock stands from ours.
struct Difference {
    ahead: SignedDuration,
    overlap: Duration,
}

impl Difference {
    /// The answer was written at some moment between question and answer: the nearer end is taken.
    fn of(page: &Page, (began, now): (Timestamp, Timestamp), overlap: Duration) -> Option<Self> {
        let theirs = page.server_time?;
        let ahead = match (theirs < began, theirs > now) {
            (true, _) => theirs.duration_since(began),
            (_, true) => theirs.duration_since(now),
            (false, false) => SignedDuration::ZERO,
        };
        Some(Self { ahead, overlap })
    }

    fn is_worse_than(&self, known: &Self) -> bool {
        let beyond =
            |one: &Self| one.ahead.abs() - SignedDuration::try_from(one.overlap).unwrap_or(SignedDuration::MAX);
        beyond(self) > beyond(known)
    }

    fn finding(&self, alias: &str) -> Finding {
        let seconds = self.ahead.abs().as_secs();
        let way = if self.ahead.is_negative() { "behind" } else { "ahead of" };
        if self.ahead.abs() <= AGREE {
            return Finding::fine(alias, "its clock agrees with this machine's");
        }
        let words = format!("its clock is {seconds} s {way} this machine's");
        match self.ahead.unsigned_abs() > self.overlap {
            false => Finding::fine(alias, words),
            true => Finding::sick(
                alias,
                format!(
                    "{words}, more than the {} s that each reading of changes reaches back: set the clock that is wrong (NTP), or raise `overlap` in the connector's manifest",
                    self.overlap.as_secs()
                ),
            ),
        }
    }
}

/// What the pages of one entity showed.
#[derive(Default)]
struct Found {
    rows: u64,
    failed: bool,
    /// Rows that lack a field which is always there, by its path.
    lacking: Vec<(&'static str, u64)>,
    /// How far the newest stamp is ahead of its own system's clock.
    ahead: Option<SignedDuration>,
}

impl Found {
    fn add(&mut self, page: &Page, entity: Option<&EntityPlan>, select: &[&'static str], stamped: bool) {
        for row in &page.rows {
            self.rows += 1;
            let (Some(entity), Ok(record)) = (entity, Json::parse(&row.record)) else { continue };
            for path in select.iter().filter(|path| lacks(&record, entity.fields, path)) {
                match self.lacking.iter_mut().find(|(known, _)| known == path) {
                    Some((_, rows)) => *rows += 1,
                    None => self.lacking.push((path, 1)),
                }
            }
        }
        let newest = page.rows.iter().filter_map(|row| row.stamp).max().filter(|_| stamped);
        if let (Some(newest), Some(theirs)) = (newest, page.server_time)
            && newest > later(theirs, AHEAD_MAX)
        {
            self.ahead = Some(newest.duration_since(theirs));
        }
    }

    fn findings(self, place: &str, flow: &str) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (path, rows) in &self.lacking {
            findings.push(Finding::sick(
                place,
                format!(
                    "{rows} of {} records have no `{path}`, which the catalogue says is always there: give the system's user the right to see it, or correct the catalogue (`mapwright drift`; `?` where it may be missing)",
                    self.rows
                ),
            ));
        }
        if let Some(ahead) = self.ahead {
            findings.push(Finding::sick(
                place,
                format!(
                    "its newest change is stamped {} minutes after the system's own clock: the time zone in `config` is wrong, or the clock of the server that stamps is",
                    ahead.as_mins()
                ),
            ));
        }
        if findings.is_empty() {
            let words = match self.rows {
                0 => format!("the flow {flow} may read it; there is no record, so its fields were not seen"),
                rows => {
                    format!("the flow {flow} may read it; {rows} records looked at have every field they must have")
                }
            };
            findings.push(Finding::fine(place, words));
        }
        findings
    }
}

/// Does the record lack what the catalogue says is always there? What may be missing on the way may be missing.
fn lacks(record: &Json<'_>, fields: &[FieldPlan], path: &str) -> bool {
    let (step, rest) = path.split_once('.').unwrap_or((path, ""));
    let Some(field) = fields.iter().find(|field| field.name == step && !field.optional) else { return false };
    match record.get(step) {
        None | Some(Json::Null) => true,
        Some(_) if rest.is_empty() => false,
        Some(value) => lacks_within(value, &field.kind, rest),
    }
}

fn lacks_within(value: &Json<'_>, kind: &Kind, rest: &str) -> bool {
    match (kind, value) {
        (Kind::Record(fields), value) => lacks(value, fields, rest),
        (Kind::List(inner), Json::List(items)) => items.iter().any(|item| lacks_within(item, inner, rest)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use mapwright_engine::connector::Row;

    use super::*;

    const fn field(name: &'static str, kind: Kind, optional: bool) -> FieldPlan {
        FieldPlan { optional, ..FieldPlan::new(name, kind) }
    }

    static LINE: &[FieldPlan] = &[field("sku", Kind::Text(None), false), field("note", Kind::Text(None), true)];
    static FIELDS: &[FieldPlan] = &[
        field("id", Kind::Text(None), false),
        field("mail", Kind::Text(None), true),
        field("lines", Kind::List(&Kind::Record(LINE)), false),
    ];
    static ORDER: EntityPlan =
        EntityPlan { name: "order", action: false, key: &["id"], natural_keys: &[], fields: FIELDS };
    const SELECT: &[&str] = &["id", "lines.note", "lines.sku", "mail"];

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_764_000_000 + second).unwrap()
    }

    fn page(records: &[&str], stamp: i64, server: Option<i64>) -> Page {
        let row = |record: &&str| Row { record: (*record).to_owned(), stamp: Some(at(stamp)) };
        Page { rows: records.iter().map(row).collect(), next: None, server_time: server.map(at) }
    }

    fn found(page: &Page) -> Vec<Finding> {
        let mut found = Found::default();
        found.add(page, Some(&ORDER), SELECT, true);
        found.findings("shop.order", "orders")
    }

    #[test]
    fn what_must_be_there_and_is_not_is_told_by_its_path() {
        let whole = r#"{"id":"1","lines":[{"sku":"A"}]}"#;
        assert_eq!(found(&page(&[whole], 0, Some(0))).iter().filter(|finding| finding.sick).count(), 0);
        let findings =
            found(&page(&[whole, r#"{"id":"2","lines":[{"sku":"A"},{"note":"x"}]}"#, r#"{"id":"3"}"#], 0, Some(0)));
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings.iter().all(|finding| finding.sick));
        assert!(findings[0].words.contains("2 of 3 records have no `lines.sku`"), "{findings:?}");
        assert!(findings[1].words.contains("1 of 3 records have no `lines.note`"), "{findings:?}");
        assert!(found(&page(&[], 0, None))[0].words.contains("no record"));
    }

    #[test]
    fn a_change_in_the_future_is_a_wrong_zone_or_clock() {
        let whole = [r#"{"id":"1","lines":[]}"#];
        assert!(!found(&page(&whole, 200, Some(0)))[0].sick);
        let findings = found(&page(&whole, 7_200, Some(0)));
        assert!(findings[0].sick && findings[0].words.contains("120 minutes after"), "{findings:?}");
        assert!(!found(&page(&whole, 7_200, None))[0].sick, "without its own clock nothing can be said");
    }

    #[test]
    fn clocks_that_differ_by_more_than_the_overlap_are_a_finding() {
        let overlap = Duration::from_secs(600);
        let difference = |server: i64| Difference::of(&page(&[], 0, Some(server)), (at(0), at(4)), overlap).unwrap();
        for (server, sick, words) in [
            (2, false, "agrees"),
            (5, false, "agrees"),
            (-90, false, "90 s behind"),
            (604, false, "600 s ahead of"),
            (605, true, "601 s ahead of this machine's, more than the 600 s"),
            (-700, true, "700 s behind this machine's, more than the 600 s"),
        ] {
            let finding = difference(server).finding("shop");
            assert_eq!(finding.sick, sick, "{server}: {finding:?}");
            assert!(finding.words.contains(words), "{server}: {finding:?}");
        }
        assert!(difference(-700).is_worse_than(&difference(300)));
        assert!(Difference::of(&page(&[], 0, None), (at(0), at(4)), overlap).is_none());
    }
}
