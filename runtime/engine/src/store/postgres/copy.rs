//! A copy of a store in a file of SQLite: what may be played on while the store itself stays as it is.
//!
//! In: a session, a path. Out: a file that holds what the database held at one moment, at the same version of the tables.

use std::path::Path;

use rusqlite::types::Value as Kept;

use super::super::StoreError;
use super::super::sql::postgres::Session;
use super::super::sql::{Cell, Connection, FromCell};
use super::super::sqlite;
use super::migrate;

/// Rows that are held at once.
const ROWS: usize = 1_000;

/// Copies what is there, if there is anything.
pub(super) fn copy(session: Session, to: &Path) -> Result<(), StoreError> {
    let connection = Connection::Postgres(session);
    connection.execute_batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
    let Some(version) = migrate::version(&connection)? else { return Ok(()) };
    let mut file = sqlite::made_at(to, version)?;
    let inserting = file.transaction()?;
    for table in tables(&inserting)? {
        copy_table(&connection, &inserting, &table)?;
    }
    inserting.commit()?;
    // The session ends here, and its transaction, which has changed nothing.
    Ok(())
}

fn tables(file: &rusqlite::Connection) -> Result<Vec<String>, StoreError> {
    let mut named = file.prepare(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'migrations' AND name NOT LIKE 'sqlite%' ORDER BY name",
    )?;
    let names = named.query_map([], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

fn copy_table(from: &Connection, to: &rusqlite::Connection, table: &str) -> Result<(), StoreError> {
    let mut described = to.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let columns: Vec<String> = described.query_map([table], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let places: Vec<String> = (1..=columns.len()).map(|place| format!("?{place}")).collect();
    let names = columns.join(", ");
    let mut insert = to.prepare(&format!("INSERT INTO {table} ({names}) VALUES ({})", places.join(", ")))?;
    from.execute_batch(&format!("DECLARE copy_{table} NO SCROLL CURSOR FOR SELECT {names} FROM {table}"))?;
    let fetch = format!("FETCH {ROWS} FROM copy_{table}");
    loop {
        let rows: Vec<Vec<Kept>> = from
            .prepare(&fetch)?
            .query_map([], |row| (0..columns.len()).map(|place| Ok(row.get::<_, Held>(place)?.0)).collect())?
            .collect::<Result<_, _>>()?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            insert.execute(rusqlite::params_from_iter(row))?;
        }
    }
}

/// A value of either kind.
struct Held(Kept);

impl FromCell for Held {
    fn from_cell(cell: Cell<'_>) -> Result<Self, String> {
        Ok(Self(match cell {
            Cell::Null => Kept::Null,
            Cell::Integer(number) => Kept::Integer(number),
            Cell::Text(text) => Kept::Text(text.into_owned()),
        }))
    }
}
