//! One connection to a database, whichever it is: the ledger's SQL is written once and runs on SQLite and PostgreSQL.
//!
//! In: SQL in SQLite's spelling (`?1`, `INSERT OR IGNORE`, `json_each`) that means the same to both. Out: rows of whole
//! numbers and texts. It never knows a table. What only one of them understands is respelled in that one's file here.

mod cell;
#[cfg(feature = "postgres")]
pub(in crate::store) mod postgres;

use super::StoreError;
#[cfg(feature = "postgres")]
pub(in crate::store) use cell::Cell;
pub(in crate::store) use cell::{FromCell, ToValue, Value};

/// Why a statement failed.
#[derive(Debug)]
pub(in crate::store) enum SqlError {
    /// One row was asked for and there is none.
    NoRow,
    /// A column holds what it must not.
    Column(String),
    /// Another transaction has a lock that was only tried.
    #[cfg(feature = "postgres")]
    InTheWay,
    /// SQLite's own reason.
    Sqlite(rusqlite::Error),
    /// PostgreSQL's own reason.
    #[cfg(feature = "postgres")]
    Postgres(tokio_postgres::Error),
}

impl From<rusqlite::Error> for SqlError {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::QueryReturnedNoRows => Self::NoRow,
            error => Self::Sqlite(error),
        }
    }
}

impl From<SqlError> for StoreError {
    fn from(error: SqlError) -> Self {
        match error {
            SqlError::NoRow => Self::new("the store failed: a row that must be there is not: restore it from a backup"),
            SqlError::Column(what) => Self::new(format!("the store holds what this program does not know: {what}")),
            SqlError::Sqlite(error) => error.into(),
            #[cfg(feature = "postgres")]
            SqlError::InTheWay => Self::new("the store failed: another transaction was in the way: try again"),
            #[cfg(feature = "postgres")]
            SqlError::Postgres(error) => postgres::failed(&error),
        }
    }
}

/// Which space a lock is taken in; locks of two spaces never meet.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) enum LockSpace {
    /// The sequence of one key.
    Order = 1,
    /// A link, asked for from its source.
    Link = 2,
    /// The owner of a target record.
    Target = 3,
    /// The alert of a cause.
    Cause = 4,
}

/// A name that is locked.
pub(in crate::store) type Lock = (LockSpace, String);

/// A connection within a transaction.
#[derive(Debug)]
pub(in crate::store) enum Connection {
    /// A file, or the memory of one process.
    Sqlite {
        /// The connection.
        connection: rusqlite::Connection,
        /// Several engines work on it as if they were processes: simulations alone do so.
        shared: bool,
    },
    /// A session of a server.
    #[cfg(feature = "postgres")]
    Postgres(postgres::Session),
}

/// A prepared statement.
pub(in crate::store) enum Statement<'c> {
    Sqlite(rusqlite::CachedStatement<'c>),
    #[cfg(feature = "postgres")]
    Postgres(&'c postgres::Session, String),
}

/// A row of an answer.
pub(in crate::store) enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    #[cfg(feature = "postgres")]
    Postgres(&'r tokio_postgres::Row),
}

/// The values of a statement, in order.
pub(in crate::store) trait Params {
    /// The values.
    fn values(&self) -> Vec<Value<'_>>;
}

impl Params for [Value<'_>; 0] {
    fn values(&self) -> Vec<Value<'_>> {
        Vec::new()
    }
}

/// Values of several types, from [`params`].
pub(in crate::store) struct Mixed<'v>(pub(in crate::store) Vec<Value<'v>>);

impl Params for Mixed<'_> {
    fn values(&self) -> Vec<Value<'_>> {
        self.0.clone()
    }
}

macro_rules! lists_of_one_type {
    ($($length:literal)+) => { $(
        impl<T: ToValue> Params for [T; $length] {
            fn values(&self) -> Vec<Value<'_>> {
                self.iter().map(ToValue::to_value).collect()
            }
        }
    )+ };
}
lists_of_one_type!(1 2 3 4 5 6 7 8);

/// Values of several types as the parameters of a statement.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        $crate::store::sql::Mixed(vec![$($crate::store::sql::ToValue::to_value(&$value)),*])
    };
}
pub(in crate::store) use params;

/// No row is no error here.
pub(in crate::store) trait OptionalExtension<T> {
    /// `None` when there was no row.
    fn optional(self) -> Result<Option<T>, SqlError>;
}

impl<T> OptionalExtension<T> for Result<T, SqlError> {
    fn optional(self) -> Result<Option<T>, SqlError> {
        match self {
            Ok(value) => Ok(Some(value)),
            Err(SqlError::NoRow) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Connection {
    /// Prepares a statement, once for each text.
    pub(in crate::store) fn prepare_cached(&self, sql: &str) -> Result<Statement<'_>, SqlError> {
        match self {
            Self::Sqlite { connection, .. } => Ok(Statement::Sqlite(connection.prepare_cached(&for_sqlite(sql))?)),
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => Ok(Statement::Postgres(session, sql.to_owned())),
        }
    }

    /// Prepares a statement.
    pub(in crate::store) fn prepare(&self, sql: &str) -> Result<Statement<'_>, SqlError> {
        self.prepare_cached(sql)
    }

    /// Carries out a statement that answers no rows; answers how many it touched.
    pub(in crate::store) fn execute(&self, sql: &str, params: impl Params) -> Result<usize, SqlError> {
        self.prepare_cached(sql)?.execute(params)
    }

    /// Adds to a counter: a statement that takes the amount as its last value. A server is told once in a transaction, at its end,
    /// what all of them add to one.
    pub(in crate::store) fn add(&self, sql: &str, which: impl Params, amount: i64) -> Result<(), SqlError> {
        match self {
            Self::Sqlite { .. } => {
                let mut values = which.values();
                values.push(Value::Integer(amount));
                self.prepare_cached(sql)?.put(Mixed(values))
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => {
                session.add(sql, &which.values(), amount);
                Ok(())
            }
        }
    }

    /// Asks for one row.
    pub(in crate::store) fn query_row<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        self.prepare_cached(sql)?.query_row(params, read)
    }

    /// Carries out statements that take no values.
    pub(in crate::store) fn execute_batch(&self, sql: &str) -> Result<(), SqlError> {
        match self {
            Self::Sqlite { connection, .. } => Ok(connection.execute_batch(sql)?),
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => session.batch(sql),
        }
    }

    /// Do other processes work on this store at the same time?
    pub(in crate::store) fn is_shared(&self) -> bool {
        match self {
            Self::Sqlite { shared, .. } => *shared,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => true,
        }
    }

    /// Keeps others out of these names until the transaction ends. SQLite has one writer, which is enough.
    pub(in crate::store) fn lock(&self, space: LockSpace, names: &[&str]) -> Result<(), SqlError> {
        match self {
            Self::Sqlite { .. } => {
                tracing::trace!(?space, names = names.len(), "one writer needs no lock");
                Ok(())
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => session.lock(space, names),
        }
    }

    /// In which of the counters that are added up this connection counts, so that no two wait for one another.
    pub(in crate::store) fn shard(&self) -> i64 {
        match self {
            Self::Sqlite { .. } => 0,
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => session.shard(),
        }
    }
}

/// SQLite locks the whole store: rows need no lock of their own.
pub(in crate::store) fn for_sqlite(sql: &str) -> std::borrow::Cow<'_, str> {
    match sql.find(" FOR UPDATE") {
        Some(at) => sql.get(..at).unwrap_or(sql).into(),
        None => sql.into(),
    }
}

impl Statement<'_> {
    /// Carries it out; answers how many rows it touched.
    pub(in crate::store) fn execute(&mut self, params: impl Params) -> Result<usize, SqlError> {
        match self {
            Self::Sqlite(statement) => Ok(statement.execute(rusqlite::params_from_iter(params.values()))?),
            #[cfg(feature = "postgres")]
            Self::Postgres(session, sql) => session.execute(sql, &params.values()),
        }
    }

    /// Carries it out where nothing is to be known but that it worked: a server is not waited for.
    pub(in crate::store) fn put(&mut self, params: impl Params) -> Result<(), SqlError> {
        match self {
            Self::Sqlite(statement) => Ok(statement.execute(rusqlite::params_from_iter(params.values())).map(drop)?),
            #[cfg(feature = "postgres")]
            Self::Postgres(session, sql) => session.put(sql, &params.values()),
        }
    }

    /// Asks for one row.
    pub(in crate::store) fn query_row<T>(
        &mut self,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        match self {
            Self::Sqlite(statement) => {
                let mut rows = statement.query(rusqlite::params_from_iter(params.values()))?;
                rows.next()?.map_or(Err(SqlError::NoRow), |row| read(&Row::Sqlite(row)))
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(session, sql) => {
                let rows = session.query(sql, &params.values())?;
                rows.first().map_or(Err(SqlError::NoRow), |row| read(&Row::Postgres(row)))
            }
        }
    }

    /// Asks for rows.
    pub(in crate::store) fn query_map<T>(
        &mut self,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T, SqlError>,
    ) -> Result<std::vec::IntoIter<Result<T, SqlError>>, SqlError> {
        let mut found = Vec::new();
        match self {
            Self::Sqlite(statement) => {
                let mut rows = statement.query(rusqlite::params_from_iter(params.values()))?;
                while let Some(row) = rows.next()? {
                    found.push(read(&Row::Sqlite(row)));
                }
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(session, sql) => {
                found.extend(session.query(sql, &params.values())?.iter().map(|row| read(&Row::Postgres(row))));
            }
        }
        Ok(found.into_iter())
    }
}

/// A column's place.
pub(in crate::store) trait Place {
    /// From 0.
    fn place(self) -> usize;
}

impl Place for usize {
    fn place(self) -> usize {
        self
    }
}

impl Row<'_> {
    /// A column's value.
    pub(in crate::store) fn get<P: Place, T: FromCell>(&self, place: P) -> Result<T, SqlError> {
        let place = place.place();
        let cell = match self {
            Self::Sqlite(row) => cell::of_sqlite(row.get_ref(place)?)?,
            #[cfg(feature = "postgres")]
            Self::Postgres(row) => postgres::cell(row, place)?,
        };
        T::from_cell(cell).map_err(|what| SqlError::Column(format!("{what} in column {place}")))
    }
}
