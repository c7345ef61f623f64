//! A session of PostgreSQL as the ledger sees it.
//!
//! In: the ledger's SQL. Out: rows. The caller's thread drives the connection: a session has a runtime of its own that only
//! runs while something is asked. A failure inside a transaction is remembered until the transaction is over.
//!
//! What answers no rows is not waited for: it goes to the server together with the next question, and the server carries all
//! of it out in order. INVARIANT: no question is answered, and no transaction kept, before each of them has succeeded.

use std::cell::{Cell as Remembered, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::BytesMut;
use tokio::runtime::Runtime;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Error, Row, Statement};

use super::{Cell, Lock, LockSpace, SqlError, Value};
use crate::store::StoreError;

/// Takes a counter that no other session has, for as long as this one lasts: two that count never wait for one another.
const OWN_COUNTER: &str =
    "SELECT CAST(n AS BIGINT) FROM generate_series(0, 9999) AS n WHERE pg_try_advisory_lock(6017193, n) LIMIT 1";
/// A lock's number holds its space's above so many bits. The server keeps numbers of one part apart from those of two.
const SPACE_SHIFT: u32 = 24;
/// Stands for the character that PostgreSQL cannot keep in a text, and is itself written as two.
const ESCAPE: char = '\u{e000}';

/// How a transaction failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Trouble {
    /// It got in another's way: it may be run again.
    Again,
    /// The session is over: it may be run again in another one, unless its commit was on its way.
    Gone,
    /// The same would happen again.
    Lasting,
}

/// A statement that is on its way.
type Sent = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// A connection to a server.
pub(in crate::store) struct Session {
    runtime: Runtime,
    client: Arc<Client>,
    statements: RefCell<HashMap<String, Statement>>,
    /// What was sent and is not answered yet, in order.
    sent: RefCell<Vec<Sent>>,
    /// Counters that the transaction adds to: statement, values, amount.
    sums: RefCell<Vec<(String, Vec<Cell<'static>>, i64)>>,
    /// The locks of the transaction that were asked for.
    locks: RefCell<BTreeSet<(i64, u32)>>,
    /// Locks are only tried: whoever has them may wait for what this transaction holds.
    tries: Remembered<bool>,
    trouble: Remembered<Option<Trouble>>,
    shard: i64,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Session").field("shard", &self.shard).finish_non_exhaustive()
    }
}

impl Session {
    /// A session over a connection that `runtime` drives.
    pub(in crate::store) fn new(runtime: Runtime, client: Client) -> Result<Self, SqlError> {
        let row = runtime.block_on(client.query_one(OWN_COUNTER, &[])).map_err(SqlError::Postgres)?;
        let shard = row.try_get(0).map_err(SqlError::Postgres)?;
        Ok(Self {
            runtime,
            client: Arc::new(client),
            statements: RefCell::default(),
            sent: RefCell::default(),
            sums: RefCell::default(),
            locks: RefCell::default(),
            tries: Remembered::new(false),
            trouble: Remembered::new(None),
            shard,
        })
    }

    /// Begins a transaction that keeps others out of these names. INVARIANT: the locks of all spaces are taken in one order,
    /// so that two transactions that know theirs beforehand never wait for each other. `tries`: what it asks for besides is
    /// only tried, and somebody else's is a reason to run it again.
    pub(in crate::store) fn begin(&self, words: &str, names: &[Lock], tries: bool) -> Result<(), SqlError> {
        self.locks.borrow_mut().clear();
        self.sums.borrow_mut().clear();
        self.tries.set(false);
        let (client, words) = (Arc::clone(&self.client), words.to_owned());
        self.send(Box::pin(async move { client.batch_execute(&words).await }))?;
        self.take_locks(names.iter().map(|(space, name)| (*space as i64, number_of(*space, name))).collect())?;
        self.tries.set(tries);
        Ok(())
    }

    /// What went wrong since this was asked last.
    pub(in crate::store) fn take_trouble(&self) -> Option<Trouble> {
        self.trouble.take()
    }

    /// Is the connection over?
    pub(in crate::store) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    pub(super) fn shard(&self) -> i64 {
        self.shard
    }

    fn noted<T>(&self, result: Result<T, Error>) -> Result<T, SqlError> {
        result.map_err(|error| {
            // What follows the first failure of a transaction tells nothing new.
            if self.trouble.get().is_none() {
                self.trouble.set(Some(kind_of(&error, self.client.is_closed())));
            }
            SqlError::Postgres(error)
        })
    }

    /// Prepares a statement once for each text and each list of its values' types: the server would guess some of them wrong
    /// from the text alone. A value that is not there stands in the text itself.
    fn prepare(&self, sql: &str, values: &[Value<'_>]) -> Result<Statement, SqlError> {
        let mut name = String::with_capacity(sql.len() + values.len());
        name.extend(values.iter().map(|value| match value {
            Value::Null => 'n',
            Value::Integer(_) => 'i',
            Value::Text(_) => 't',
        }));
        name.push_str(sql);
        if let Some(known) = self.statements.borrow().get(&name) {
            return Ok(known.clone());
        }
        let types: Vec<Type> = values
            .iter()
            .map(|value| match value {
                Value::Integer(_) => Type::INT8,
                Value::Null | Value::Text(_) => Type::TEXT,
            })
            .collect();
        let statement = self.wait(self.client.prepare_typed(&respell(sql, values), &types))?;
        self.statements.borrow_mut().insert(name, statement.clone());
        Ok(statement)
    }

    /// Waits for an answer and for those of all that was sent before.
    fn wait<T>(&self, asked: impl Future<Output = Result<T, Error>>) -> Result<T, SqlError> {
        let sent = self.sent.take();
        let all = async {
            for one in sent {
                one.await?;
            }
            Ok(())
        };
        let (before, answer) = self.runtime.block_on(async { tokio::join!(all, asked) });
        // The first failure says why the transaction is over; what follows only that it is.
        self.noted(before)?;
        self.noted(answer)
    }

    /// Puts a statement on its way.
    fn send(&self, mut one: Sent) -> Result<(), SqlError> {
        // It is handed to the connection when it is looked at first; nobody has to be woken for its answer.
        match one.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => self.noted(result),
            Poll::Pending => {
                self.sent.borrow_mut().push(one);
                Ok(())
            }
        }
    }

    pub(super) fn put(&self, sql: &str, values: &[Value<'_>]) -> Result<(), SqlError> {
        let statement = self.prepare(sql, values)?;
        let client = Arc::clone(&self.client);
        let values: Vec<Parameter<'static>> = parameters(values).into_iter().map(Parameter::into_owned).collect();
        self.send(Box::pin(async move { client.execute_raw(&statement, values).await.map(drop) }))
    }

    /// Adds to a counter when the transaction ends.
    pub(super) fn add(&self, sql: &str, which: &[Value<'_>], amount: i64) {
        let which: Vec<Cell<'static>> = which.iter().map(|value| Parameter::of(*value).into_owned().0).collect();
        let mut sums = self.sums.borrow_mut();
        match sums.iter_mut().find(|(known, of, _)| known == sql && *of == which) {
            Some((_, _, sum)) => *sum = sum.saturating_add(amount),
            None => sums.push((sql.to_owned(), which, amount)),
        }
    }

    /// Writes what the transaction adds to counters. INVARIANT: no transaction is kept without it.
    pub(in crate::store) fn put_sums(&self) -> Result<(), SqlError> {
        for (sql, which, amount) in self.sums.take() {
            let values: Vec<Value<'_>> = which.iter().map(value_of).chain([Value::Integer(amount)]).collect();
            self.put(&sql, &values)?;
        }
        Ok(())
    }

    pub(super) fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize, SqlError> {
        let statement = self.prepare(sql, values)?;
        let touched = self.wait(self.client.execute_raw(&statement, parameters(values)))?;
        Ok(usize::try_from(touched).unwrap_or(usize::MAX))
    }

    pub(super) fn query(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, SqlError> {
        let statement = self.prepare(sql, values)?;
        let held = parameters(values);
        let given: Vec<&(dyn ToSql + Sync)> = held.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        self.wait(self.client.query(&statement, &given))
    }

    pub(super) fn batch(&self, sql: &str) -> Result<(), SqlError> {
        self.wait(self.client.batch_execute(sql))
    }

    /// INVARIANT: the locks of one call are taken in the order of their numbers, so that two calls never wait for each other.
    pub(super) fn lock(&self, space: LockSpace, names: &[&str]) -> Result<(), SqlError> {
        self.take_locks(names.iter().map(|name| (space as i64, number_of(space, name))).collect())
    }

    fn take_locks(&self, mut wanted: BTreeSet<(i64, u32)>) -> Result<(), SqlError> {
        wanted.retain(|lock| self.locks.borrow_mut().insert(*lock));
        if wanted.is_empty() {
            return Ok(());
        }
        let mut list = String::from("[");
        for (space, number) in &wanted {
            let comma = if list.len() == 1 { "" } else { "," };
            // Writing to a text cannot fail.
            let _ = write!(list, "{comma}{}", (space << SPACE_SHIFT) + i64::from(*number));
        }
        list.push(']');
        if !self.tries.get() {
            return self
                .put("SELECT pg_advisory_xact_lock(CAST(value AS bigint)) FROM json_each(?1)", &[Value::Text(&list)]);
        }
        let sql = "SELECT 1 FROM json_each(?1) WHERE NOT pg_try_advisory_xact_lock(CAST(value AS bigint)) LIMIT 1";
        match self.query(sql, &[Value::Text(&list)])?.is_empty() {
            true => Ok(()),
            false => {
                self.trouble.set(Some(Trouble::Again));
                Err(SqlError::InTheWay)
            }
        }
    }
}

/// Which of its space's locks a name has. How many there are bounds what one transaction can hold, for the server has room for
/// some thousands: a page locks the key of each of its records, so there are few of those; a conclusion locks a handful.
fn number_of(space: LockSpace, name: &str) -> u32 {
    let locks = match space {
        LockSpace::Order | LockSpace::Cause => 1 << 12,
        LockSpace::Link | LockSpace::Target => 1 << 20,
    };
    let digest = crate::keys::digest(&["lock", name]);
    let short: String = digest.chars().take(7).collect();
    u32::from_str_radix(&short, 16).unwrap_or_default() % locks
}

fn kind_of(error: &Error, closed: bool) -> Trouble {
    match error.code() {
        Some(code)
            if [
                &SqlState::T_R_SERIALIZATION_FAILURE,
                &SqlState::T_R_DEADLOCK_DETECTED,
                &SqlState::LOCK_NOT_AVAILABLE,
            ]
            .contains(&code) =>
        {
            Trouble::Again
        }
        Some(code)
            if [&SqlState::ADMIN_SHUTDOWN, &SqlState::CRASH_SHUTDOWN, &SqlState::CANNOT_CONNECT_NOW]
                .contains(&code) =>
        {
            Trouble::Gone
        }
        Some(code) if code.code().starts_with("08") || code.code() == "25P03" => Trouble::Gone,
        Some(_) => Trouble::Lasting,
        None if closed || error.is_closed() => Trouble::Gone,
        None => match std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<std::io::Error>()) {
            Some(_) => Trouble::Gone,
            None => Trouble::Lasting,
        },
    }
}

/// A failure in words, with what to do.
pub(in crate::store) fn failed(error: &Error) -> StoreError {
    let advice = match error.code().map(SqlState::code) {
        Some("53100") => ": free some space on the server",
        Some("28P01" | "28000") => ": mend user and password of `store`",
        Some("3D000") => ": create the database, or mend its name in `store`",
        Some("42501") => ": grant the user the right to create and use tables in the database",
        Some("53300") => ": the server has no connection left; raise its max_connections",
        Some("25006") => ": the server is read-only (a replica?); name the primary in `store`",
        Some(_) => "",
        None => ": look whether the server runs and can be reached",
    };
    let said = match error.as_db_error() {
        Some(said) => said.message().to_owned(),
        None => match std::error::Error::source(error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        },
    };
    StoreError::new(format!("the store failed: PostgreSQL says {said}{advice}"))
}

/// The ledger's SQL as PostgreSQL spells it.
fn respell(sql: &str, values: &[Value<'_>]) -> String {
    let mut text = numbered(sql, values);
    if let Some(rest) = text.strip_prefix("INSERT OR IGNORE") {
        let (values, returning) = rest.split_once(" RETURNING").map_or((rest, None), |(a, b)| (a, Some(b)));
        let returning = returning.map(|columns| format!(" RETURNING{columns}")).unwrap_or_default();
        text = format!("INSERT{values} ON CONFLICT DO NOTHING{returning}");
    }
    let mut whole = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("json_each(") {
        let (list, behind) = after.split_once(')').unwrap_or((after, ""));
        whole.push_str(before);
        whole.push_str("json_array_elements_text(CAST(");
        whole.push_str(list);
        whole.push_str(" AS json))");
        rest = behind;
    }
    whole.push_str(rest);
    whole
}

/// `?2` as `$2`, or as `NULL` where there is no value.
fn numbered(sql: &str, values: &[Value<'_>]) -> String {
    let mut text = String::with_capacity(sql.len());
    let mut pieces = sql.split('?');
    text.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let end = piece.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(piece.len());
        let (number, rest) = piece.split_at_checked(end).unwrap_or((piece, ""));
        let place = number.parse::<usize>().unwrap_or_default().checked_sub(1);
        match place.and_then(|place| values.get(place)) {
            Some(Value::Null) => text.push_str("NULL"),
            Some(Value::Integer(_) | Value::Text(_)) | None => {
                text.push('$');
                text.push_str(number);
            }
        }
        text.push_str(rest);
    }
    text
}

/// The tables as PostgreSQL spells them: numbers of 64 bits, texts compared byte by byte as SQLite does.
pub(in crate::store) fn respell_schema(sql: &str) -> String {
    sql.replace("id INTEGER PRIMARY KEY", "id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY")
        .replace(" WITHOUT ROWID", "")
        .replace("INTEGER", "BIGINT")
        .replace(" TEXT", " TEXT COLLATE \"C\"")
}

/// A value on its way to the server.
#[derive(Debug)]
struct Parameter<'v>(Cell<'v>);

fn parameters<'v>(values: &[Value<'v>]) -> Vec<Parameter<'v>> {
    values.iter().map(|value| Parameter::of(*value)).collect()
}

fn value_of<'v>(cell: &'v Cell<'_>) -> Value<'v> {
    match cell {
        Cell::Null => Value::Null,
        Cell::Integer(number) => Value::Integer(*number),
        Cell::Text(text) => Value::Text(text),
    }
}

impl<'v> Parameter<'v> {
    fn of(value: Value<'v>) -> Self {
        Self(match value {
            Value::Null => Cell::Null,
            Value::Integer(number) => Cell::Integer(number),
            Value::Text(text) => Cell::Text(text.into()),
        })
    }

    /// The same, to outlive the call which sends it.
    fn into_owned(self) -> Parameter<'static> {
        Parameter(match self.0 {
            Cell::Null => Cell::Null,
            Cell::Integer(number) => Cell::Integer(number),
            Cell::Text(text) => Cell::Text(text.into_owned().into()),
        })
    }
}

impl ToSql for Parameter<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match &self.0 {
            Cell::Null => Ok(IsNull::Yes),
            Cell::Text(text) => match text.contains(['\0', ESCAPE]) {
                false => text.to_sql(kind, out),
                true => escaped(text).to_sql(kind, out),
            },
            Cell::Integer(number) if *kind == Type::BOOL => (*number != 0).to_sql(kind, out),
            Cell::Integer(number) if *kind == Type::INT4 => i32::try_from(*number)?.to_sql(kind, out),
            Cell::Integer(number) => number.to_sql(&Type::INT8, out),
        }
    }

    fn accepts(_kind: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        match letter {
            '\0' => out.extend([ESCAPE, '0']),
            ESCAPE => out.extend([ESCAPE, '1']),
            letter => out.push(letter),
        }
    }
    out
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ESCAPE => match letters.next() {
                Some('0') => out.push('\0'),
                Some(_) | None => out.push(ESCAPE),
            },
            letter => out.push(letter),
        }
    }
    out
}

/// A column's value.
pub(super) fn cell(row: &Row, place: usize) -> Result<Cell<'_>, SqlError> {
    let kind = row.columns().get(place).map(|column| column.type_().clone());
    let integer = |number: Option<i64>| number.map_or(Cell::Null, Cell::Integer);
    match kind {
        Some(Type::INT8) => Ok(integer(row.try_get(place).map_err(SqlError::Postgres)?)),
        Some(Type::INT4) => {
            Ok(integer(row.try_get::<_, Option<i32>>(place).map_err(SqlError::Postgres)?.map(i64::from)))
        }
        Some(Type::BOOL) => {
            Ok(integer(row.try_get::<_, Option<bool>>(place).map_err(SqlError::Postgres)?.map(i64::from)))
        }
        Some(Type::TEXT | Type::VARCHAR | Type::NAME) => {
            let text: Option<&str> = row.try_get(place).map_err(SqlError::Postgres)?;
            Ok(text.map_or(Cell::Null, |text| match text.contains(ESCAPE) {
                true => Cell::Text(unescaped(text).into()),
                false => Cell::Text(text.into()),
            }))
        }
        Some(kind) => Err(SqlError::Column(format!("a value of the type {kind}"))),
        None => Err(SqlError::Column("no such column".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_sqlite_understands_is_respelled() {
        assert_eq!(
            respell("INSERT OR IGNORE INTO t (a) VALUES (?1)", &[]),
            "INSERT INTO t (a) VALUES ($1) ON CONFLICT DO NOTHING"
        );
        assert_eq!(
            respell("INSERT OR IGNORE INTO t (a) VALUES (?1) RETURNING id", &[]),
            "INSERT INTO t (a) VALUES ($1) ON CONFLICT DO NOTHING RETURNING id"
        );
        assert_eq!(
            respell("SELECT 1 WHERE a IN (SELECT value FROM json_each(?2)) LIMIT ?3", &[Value::Null, Value::Text("")]),
            "SELECT 1 WHERE a IN (SELECT value FROM json_array_elements_text(CAST($2 AS json))) LIMIT $3"
        );
    }

    #[test]
    fn a_text_keeps_the_character_that_the_server_cannot_keep() {
        for text in ["a\0b", "\0", "\u{e000}0", "\u{e000}\0\u{e000}1", "plain"] {
            assert!(!escaped(text).contains('\0'));
            assert_eq!(unescaped(&escaped(text)), text);
        }
    }
}
