//! The tables, as numbered migrations. In: nothing. Out: each migration's SQL, which means the same to every database
//! (PostgreSQL's types are respelled by its own store). It never changes a migration that was released: a new one is appended.

use super::StoreError;

/// Each migration runs once, in one transaction with its own entry.
pub(super) const MIGRATIONS: &[&str] = &[
    // 1: the ledger. Times are microseconds since 1970 in UTC.
    "
CREATE TABLE policies (flow TEXT PRIMARY KEY, latest_wins INTEGER NOT NULL, channel TEXT) WITHOUT ROWID;
CREATE TABLE records (
  id INTEGER PRIMARY KEY, flow TEXT NOT NULL, pass TEXT NOT NULL, system TEXT NOT NULL, entity TEXT NOT NULL,
  source_key TEXT NOT NULL, capture_key TEXT NOT NULL UNIQUE, stamp INTEGER, hash TEXT NOT NULL, body TEXT NOT NULL,
  captured_at INTEGER NOT NULL);
CREATE TABLE edits (
  record_id INTEGER NOT NULL, n INTEGER NOT NULL, body TEXT NOT NULL, operator TEXT NOT NULL, reason TEXT NOT NULL,
  at INTEGER NOT NULL, PRIMARY KEY (record_id, n)) WITHOUT ROWID;
CREATE TABLE messages (
  id INTEGER PRIMARY KEY, record_id INTEGER NOT NULL, flow TEXT NOT NULL, write_no INTEGER NOT NULL, part TEXT,
  source_key TEXT NOT NULL, target_system TEXT NOT NULL, target_entity TEXT NOT NULL, order_key TEXT NOT NULL,
  state TEXT NOT NULL, reason TEXT, waits_for TEXT,
  next_at INTEGER, owner TEXT, fence INTEGER NOT NULL DEFAULT 0, deliveries INTEGER NOT NULL DEFAULT 0,
  generation INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0,
  waits INTEGER NOT NULL DEFAULT 0, probes INTEGER NOT NULL DEFAULT 0,
  first_attempt_at INTEGER, waiting_since INTEGER, quiet_until INTEGER,
  mapping_version TEXT, deed TEXT, request TEXT, request_hash TEXT, create_key TEXT, sent_at INTEGER,
  target_key TEXT, response_digest TEXT, by_probe INTEGER NOT NULL DEFAULT 0, superseded_by INTEGER,
  class TEXT, status INTEGER, code TEXT, message TEXT, cause TEXT, rejections TEXT,
  created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL);
CREATE INDEX messages_due ON messages (next_at, id) WHERE next_at IS NOT NULL;
CREATE INDEX messages_order ON messages (order_key, record_id, write_no, part);
CREATE INDEX messages_state ON messages (flow, write_no, state, reason, target_system, changed_at);
CREATE INDEX messages_record ON messages (record_id);
CREATE INDEX messages_cause ON messages (flow, cause) WHERE cause IS NOT NULL;
CREATE TABLE attempts (
  id INTEGER PRIMARY KEY, message_id INTEGER NOT NULL, n INTEGER NOT NULL, kind TEXT NOT NULL, generation INTEGER NOT NULL,
  started_at INTEGER NOT NULL, finished_at INTEGER, class TEXT, status INTEGER, code TEXT, message TEXT, request_hash TEXT);
CREATE INDEX attempts_message ON attempts (message_id, id);
CREATE TABLE links (
  of_system TEXT NOT NULL, of_entity TEXT NOT NULL, source_key TEXT NOT NULL, system TEXT NOT NULL, entity TEXT NOT NULL,
  part TEXT NOT NULL, target_key TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (of_system, of_entity, source_key, system, entity, part)) WITHOUT ROWID;
CREATE INDEX links_target ON links (system, entity, target_key);
CREATE TABLE link_waits (
  system TEXT NOT NULL, entity TEXT NOT NULL, of_system TEXT NOT NULL, of_entity TEXT NOT NULL, source_key TEXT NOT NULL,
  message_id INTEGER NOT NULL, PRIMARY KEY (of_system, of_entity, source_key, system, entity, message_id)) WITHOUT ROWID;
CREATE INDEX link_waits_message ON link_waits (message_id);
CREATE TABLE claims (
  system TEXT NOT NULL, entity TEXT NOT NULL, value TEXT NOT NULL, create_key TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (system, entity, value)) WITHOUT ROWID;
CREATE TABLE last_written (
  flow TEXT NOT NULL, write_no INTEGER NOT NULL, source_key TEXT NOT NULL, part TEXT NOT NULL, hash TEXT NOT NULL,
  PRIMARY KEY (flow, write_no, source_key, part)) WITHOUT ROWID;
CREATE TABLE written (
  flow TEXT NOT NULL, source_key TEXT NOT NULL, name TEXT NOT NULL, system TEXT NOT NULL, entity TEXT NOT NULL,
  target_key TEXT NOT NULL, body TEXT, PRIMARY KEY (flow, source_key, name)) WITHOUT ROWID;
CREATE TABLE seen (
  flow TEXT NOT NULL, source_key TEXT NOT NULL, hash TEXT NOT NULL, changes INTEGER NOT NULL, repeats INTEGER NOT NULL,
  last_at INTEGER NOT NULL, PRIMARY KEY (flow, source_key)) WITHOUT ROWID;
CREATE TABLE positions (
  flow TEXT NOT NULL, pass TEXT NOT NULL, read_wm INTEGER, open INTEGER NOT NULL, since INTEGER, until INTEGER,
  cursor TEXT, PRIMARY KEY (flow, pass)) WITHOUT ROWID;
CREATE TABLE tallies (
  flow TEXT PRIMARY KEY, read INTEGER NOT NULL DEFAULT 0, unchanged INTEGER NOT NULL DEFAULT 0,
  filtered INTEGER NOT NULL DEFAULT 0, accepted INTEGER NOT NULL DEFAULT 0, last_read_at INTEGER,
  last_error TEXT) WITHOUT ROWID;
CREATE TABLE connections (
  alias TEXT PRIMARY KEY, halted_since INTEGER, reason TEXT, canary_at INTEGER) WITHOUT ROWID;
CREATE TABLE alerts (
  id INTEGER PRIMARY KEY, subject TEXT NOT NULL, channel TEXT NOT NULL, cause TEXT NOT NULL, message TEXT NOT NULL,
  count INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, closed INTEGER NOT NULL,
  told INTEGER NOT NULL DEFAULT 0, told_closed INTEGER NOT NULL DEFAULT 0, next_at INTEGER,
  failures INTEGER NOT NULL DEFAULT 0, error TEXT);
CREATE UNIQUE INDEX alerts_open ON alerts (subject, channel, cause) WHERE closed = 0;
CREATE INDEX alerts_due ON alerts (next_at) WHERE next_at IS NOT NULL;
CREATE TABLE operations (
  id INTEGER PRIMARY KEY, message_id INTEGER NOT NULL, action TEXT NOT NULL, operator TEXT NOT NULL, reason TEXT NOT NULL,
  at INTEGER NOT NULL);
",
    // 2: silence of flows, deadlines of what is held, circuits and canaries of connections.
    "
ALTER TABLE tallies ADD COLUMN watched_since INTEGER;
ALTER TABLE tallies ADD COLUMN last_new_at INTEGER;
ALTER TABLE tallies ADD COLUMN silent_since INTEGER;
ALTER TABLE messages ADD COLUMN held_since INTEGER;
CREATE INDEX messages_held ON messages (held_since) WHERE held_since IS NOT NULL;
CREATE INDEX messages_waits ON messages (waits_for) WHERE waits_for IS NOT NULL;
ALTER TABLE connections ADD COLUMN halted_flow TEXT;
ALTER TABLE connections ADD COLUMN halted_code TEXT;
ALTER TABLE connections ADD COLUMN opened_at INTEGER;
ALTER TABLE connections ADD COLUMN open_until INTEGER;
ALTER TABLE connections ADD COLUMN open_reason TEXT;
",
    // 3: records that are gone, states that two sides agree on, batches; links are asked both ways.
    "
ALTER TABLE records ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;
ALTER TABLE seen ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN batch TEXT;
ALTER TABLE messages ADD COLUMN alone INTEGER NOT NULL DEFAULT 0;
CREATE INDEX messages_batch ON messages (batch) WHERE batch IS NOT NULL;
CREATE TABLE agreed (
  system TEXT NOT NULL, entity TEXT NOT NULL, record_key TEXT NOT NULL, body TEXT NOT NULL, writer TEXT,
  at INTEGER NOT NULL, PRIMARY KEY (system, entity, record_key)) WITHOUT ROWID;
",
    // Notices of systems, retention, erasure.
    "
CREATE TABLE notices (id TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX notices_at ON notices (at);
CREATE TABLE hints (
  flow TEXT NOT NULL, source_key TEXT NOT NULL, told INTEGER NOT NULL, first_at INTEGER NOT NULL, next_at INTEGER NOT NULL,
  failures INTEGER NOT NULL DEFAULT 0, error TEXT, PRIMARY KEY (flow, source_key)) WITHOUT ROWID;
CREATE INDEX hints_due ON hints (flow, next_at);
CREATE INDEX records_age ON records (flow, captured_at);
CREATE TABLE purged (
  flow TEXT NOT NULL, write_no INTEGER NOT NULL, state TEXT NOT NULL, messages INTEGER NOT NULL,
  PRIMARY KEY (flow, write_no, state)) WITHOUT ROWID;
CREATE TABLE erasures (
  id INTEGER PRIMARY KEY, flow TEXT NOT NULL, key_digest TEXT NOT NULL, records INTEGER NOT NULL, operator TEXT NOT NULL,
  reason TEXT NOT NULL, at INTEGER NOT NULL);
",
    // Accepted messages in several counters, so that writers need not wait for one another; who reads which flow.
    "
CREATE TABLE accepted (
  flow TEXT NOT NULL, shard INTEGER NOT NULL, messages INTEGER NOT NULL, PRIMARY KEY (flow, shard)) WITHOUT ROWID;
INSERT INTO accepted (flow, shard, messages) SELECT flow, 0, accepted FROM tallies;
CREATE TABLE turns (
  flow TEXT PRIMARY KEY, owner TEXT NOT NULL, fence INTEGER NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX messages_owner ON messages (owner) WHERE owner IS NOT NULL;
",
    // Subscriptions at systems, which tell us of their own accord.
    "
CREATE TABLE subscriptions (
  system TEXT NOT NULL, name TEXT NOT NULL, address TEXT NOT NULL, held TEXT NOT NULL, made_at INTEGER, renewed_at INTEGER,
  expires_at INTEGER, next_at INTEGER NOT NULL, lost INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0,
  error TEXT, PRIMARY KEY (system, name)) WITHOUT ROWID;
",
    // A ledger of any size: what has ended is counted once and leaves the indexes, what is due is found without looking past it.
    "
ALTER TABLE messages ADD COLUMN ended_at INTEGER;
UPDATE messages SET ended_at = changed_at WHERE state IN ('DONE','NOOP','SUPERSEDED','SKIPPED','DISCARDED');
CREATE TABLE ended (
  flow TEXT NOT NULL, write_no INTEGER NOT NULL, state TEXT NOT NULL, shard INTEGER NOT NULL, messages INTEGER NOT NULL,
  PRIMARY KEY (flow, write_no, state, shard)) WITHOUT ROWID;
INSERT INTO ended (flow, write_no, state, shard, messages)
  SELECT flow, write_no, state, 0, sum(messages) FROM (
    SELECT flow, write_no, state, messages FROM purged
    UNION ALL
    SELECT flow, write_no, state, 1 FROM messages WHERE ended_at IS NOT NULL) AS counted
  GROUP BY flow, write_no, state;
DROP TABLE purged;
CREATE TABLE lost_claims (
  message_id INTEGER NOT NULL, fence INTEGER NOT NULL, PRIMARY KEY (message_id, fence)) WITHOUT ROWID;
DROP INDEX messages_due;
DROP INDEX messages_order;
DROP INDEX messages_state;
DROP INDEX messages_cause;
DROP INDEX messages_waits;
DROP INDEX messages_held;
CREATE INDEX messages_turn ON messages (flow, target_system, next_at, id) WHERE next_at IS NOT NULL;
CREATE INDEX messages_order ON messages (order_key, record_id, write_no, part) WHERE ended_at IS NULL;
CREATE INDEX messages_quiet ON messages (order_key, target_system, target_entity, quiet_until) WHERE quiet_until IS NOT NULL;
CREATE INDEX messages_open ON messages (flow, write_no, state, reason, target_system, changed_at) WHERE ended_at IS NULL;
CREATE INDEX messages_cause ON messages (flow, cause) WHERE cause IS NOT NULL AND ended_at IS NULL;
CREATE INDEX messages_waits ON messages (waits_for, changed_at, id) WHERE waits_for IS NOT NULL;
CREATE INDEX messages_held ON messages (flow, held_since) WHERE held_since IS NOT NULL;
CREATE INDEX messages_retry ON messages (flow, first_attempt_at) WHERE state = 'RETRY_WAIT';
CREATE INDEX messages_waiting ON messages (flow, waiting_since) WHERE state = 'WAITING';
CREATE INDEX messages_person ON messages (id) WHERE state IN ('DEAD','PARKED_AMBIGUOUS');
CREATE INDEX messages_failed ON messages (flow, changed_at) WHERE state IN ('DEAD','PARKED_AMBIGUOUS');
DROP INDEX records_age;
CREATE INDEX records_age ON records (flow, captured_at, id);
CREATE INDEX records_key ON records (flow, source_key, id);
CREATE INDEX operations_message ON operations (message_id);
",
    // The natural keys of a record that was removed are found by its creates.
    "
CREATE INDEX claims_create ON claims (create_key);
",
];

/// The number of the newest migration.
pub(in crate::store) fn newest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Every migration with its number.
pub(in crate::store) fn migrations() -> impl Iterator<Item = (i64, &'static str)> {
    (1..).zip(MIGRATIONS.iter().copied())
}

/// Refuses a store that a newer program has changed.
pub(in crate::store) fn check_version(found: i64) -> Result<(), StoreError> {
    match found > newest() {
        false => Ok(()),
        true => Err(StoreError::new(format!(
            "the store has schema version {found}, this program knows {}: run the newer program, or restore an older copy of the store",
            newest()
        ))),
    }
}
