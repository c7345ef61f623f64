//! How SQLite carries out each statement of the ledger: by an index that leads to the rows that are needed, whatever the ledger
//! holds besides. In: the ledger's own sources, so that no statement is forgotten. Out: nothing, or the statements that would
//! become slower with every record.

use super::super::sql::for_sqlite;
use super::super::sqlite;

const SOURCES: &[(&str, &str)] = &[
    ("agreed", include_str!("agreed.rs")),
    ("alerts", include_str!("alerts.rs")),
    ("capture", include_str!("capture.rs")),
    ("conclude", include_str!("conclude.rs")),
    ("connections", include_str!("connections.rs")),
    ("gone", include_str!("gone.rs")),
    ("hints", include_str!("hints.rs")),
    ("lanes", include_str!("lanes.rs")),
    ("late", include_str!("late.rs")),
    ("lease", include_str!("lease.rs")),
    ("order", include_str!("order.rs")),
    ("people", include_str!("people.rs")),
    ("privacy", include_str!("privacy.rs")),
    ("query", include_str!("query.rs")),
    ("step", include_str!("step.rs")),
    ("subscriptions", include_str!("subscriptions.rs")),
    ("sweeping", include_str!("sweeping.rs")),
    ("turns", include_str!("turns.rs")),
];

/// Tables with a few rows, however many records there are: one a flow, a system, a cause.
const SMALL: &[&str] =
    &["alerts", "connections", "json_each", "lane", "l", "positions", "subscriptions", "t", "tallies", "turns"];

/// Reports look at all that is open, and only they may; nothing waits for them.
const REPORTS: &[(&str, &str)] = &[
    ("query", "write_no, shown, why"),
    ("query", "min(coalesce(r.stamp, r.captured_at))"),
    ("query", "SELECT t.flow, t.read"),
    // Once for each full scan, over the keys of its flow.
    ("gone", "count(*) FILTER"),
    ("gone", "SELECT source_key FROM seen"),
    // The hints of one flow that are not followed yet.
    ("hints", "SELECT count(*), min(first_at)"),
];

/// The first row of an index is all that is read.
const FIRST_ROWS: &[(&str, &str)] = &[("lanes", "WITH RECURSIVE lane")];

/// Sorts what one message, one record or one link has.
const SHORT_SORTS: &[(&str, &str)] = &[
    ("query", "ORDER BY reversed, part, found"),
    ("conclude", "SELECT message_id FROM link_waits"),
    ("order", "ORDER BY r.id, m.id"),
    ("alerts", "FROM alerts"),
];

/// The statements in a source: its texts that begin with a word of SQL.
fn statements(source: &str) -> Vec<String> {
    const WORDS: [&str; 5] = ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH "];
    let texts = source.split('"').skip(1).step_by(2).map(str::trim);
    texts.filter(|text| WORDS.iter().any(|word| text.starts_with(word))).map(str::to_owned).collect()
}

/// With what the sources put in when they run.
fn filled(sql: &str) -> Vec<String> {
    let sql = sql
        .replace("{ACTIVE}", super::order::ACTIVE)
        .replace("{NEEDS_PERSON}", super::query::NEEDS_PERSON)
        .replace("{LETTER}", super::query::LETTER)
        .replace("{UNPROVEN_BEFORE}", super::order::UNPROVEN_BEFORE)
        .replace("{ROW}", super::step::ROW)
        .replace("{also}", "")
        .replace("{MINE}", super::privacy::MINE);
    match sql.contains("{condition}") {
        true => [super::alerts::DUE, super::alerts::OPEN].map(|condition| sql.replace("{condition}", condition)).into(),
        false => vec![sql],
    }
}

fn plan(connection: &rusqlite::Connection, sql: &str) -> Vec<String> {
    let asked = format!("EXPLAIN QUERY PLAN {}", for_sqlite(sql));
    let mut statement = connection.prepare(&asked).unwrap_or_else(|error| panic!("{error}: {sql}"));
    let mut rows = statement.raw_query();
    let mut plan = Vec::new();
    while let Some(row) = rows.next().expect("a plan") {
        plan.push(row.get(3).expect("a step"));
    }
    plan
}

/// What is wrong with a step of a plan.
fn fault(step: &str, (report, short, first): (bool, bool, bool)) -> Option<&'static str> {
    let named = |rest: &str| rest.split_whitespace().next().unwrap_or_default().to_owned();
    if let Some(rest) = step.strip_prefix("SCAN ") {
        let table = named(rest);
        // An index of what needs a person holds nothing else.
        let whole = !(table == "CONSTANT" || table == "both_ways" || rest.contains("messages_person"));
        return (whole && !report && !SMALL.contains(&table.as_str())).then_some("reads a whole table");
    }
    if step.starts_with("USE TEMP B-TREE") {
        return (!report && !short).then_some("sorts by itself");
    }
    if step.contains("AUTOMATIC") {
        return Some("builds an index for itself");
    }
    let searched = |by: &str, tables: &[&str]| {
        let table = step.strip_prefix("SEARCH ").filter(|step| step.ends_with(by)).map(named);
        table.is_some_and(|table| tables.contains(&table.as_str()))
    };
    if searched("(flow=?)", &["messages", "m", "records", "r", "seen"]) && !report && !first {
        return Some("reads all that a flow has");
    }
    let of_target = searched("(system=? AND entity=?)", &["links", "l", "claims", "agreed"]);
    of_target.then_some("reads all that a target's entity has")
}

#[test]
fn every_statement_leads_to_its_rows_by_an_index() {
    let connection = sqlite::in_memory().expect("a store");
    let (mut faults, mut seen) = (Vec::new(), 0);
    for (file, source) in SOURCES {
        for sql in statements(source).iter().flat_map(|sql| filled(sql)) {
            seen += 1;
            let is_of = |list: &[(&str, &str)]| list.iter().any(|(of, part)| of == file && sql.contains(part));
            let spared = (is_of(REPORTS), is_of(SHORT_SORTS), is_of(FIRST_ROWS));
            for step in plan(&connection, &sql) {
                if let Some(fault) = fault(&step, spared) {
                    faults.push(format!("{file}: {fault}: {step}\n    {sql}"));
                }
            }
        }
    }
    assert!(seen > 120, "only {seen} statements were found in the sources");
    assert!(faults.is_empty(), "{} of {seen} statements:\n{}", faults.len(), faults.join("\n"));
}
