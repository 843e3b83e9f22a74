//! The two engines behind one set of calls.

pub(crate) mod fault;
pub(crate) mod postgres;
pub(crate) mod sqlite;

use std::borrow::Cow;

use crate::{
    Error,
    value::{Row, Value},
};

/// Which engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The embedded database.
    Sqlite,
    /// The server.
    Postgres,
}

impl Engine {
    /// Whether a column is among the whole numbers that the parameter `place` lists as [`listed`]
    /// writes them: one statement however many there are.
    pub(crate) fn among(self, column: &str, place: &str) -> String {
        match self {
            Self::Sqlite => {
                format!("{column} IN (SELECT value FROM json_each('[' || {place} || ']'))")
            }
            Self::Postgres => {
                format!("{column} = ANY (string_to_array({place}, ',')::BIGINT[])")
            }
        }
    }

    /// A table `each` of one column `value`: the whole numbers that the parameter `place` lists as
    /// [`listed`] writes them, in that order.
    pub(crate) fn each(self, place: &str) -> String {
        match self {
            Self::Sqlite => format!("json_each('[' || {place} || ']') AS each"),
            Self::Postgres => {
                format!("unnest(string_to_array({place}, ',')::BIGINT[]) AS each (value)")
            }
        }
    }

    /// What ends a `SELECT` of rows `of` that the transaction is going to change. The embedded
    /// engine has one writer at a time, so nothing needs to be locked there.
    pub(crate) fn for_update(self, of: &str) -> String {
        match self {
            Self::Sqlite => String::new(),
            Self::Postgres => format!(" FOR UPDATE OF {of}"),
        }
    }
}

/// The parameter of [`Engine::among`].
pub(crate) fn listed(numbers: impl IntoIterator<Item = i64>) -> Value {
    use std::fmt::Write as _;
    let mut text = String::new();
    for number in numbers {
        let comma = if text.is_empty() { "" } else { "," };
        let _ = write!(text, "{comma}{number}");
    }
    Value::Text(text)
}

/// What a commit must survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// A loss of power: what a person did.
    Full,
    /// A crash of this process: what can be pulled again.
    Relaxed,
}

/// The text of a statement. One that is built for a single call is not kept prepared.
#[derive(Clone, Debug)]
pub(crate) struct Sql {
    pub(crate) text: Cow<'static, str>,
    pub(crate) keep: bool,
}

impl Sql {
    /// A built statement that comes again often enough to be kept prepared.
    pub(crate) fn kept(text: String) -> Self {
        Self {
            text: Cow::Owned(text),
            keep: true,
        }
    }
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Self {
        Self {
            text: Cow::Borrowed(text),
            keep: true,
        }
    }
}

impl From<String> for Sql {
    fn from(text: String) -> Self {
        Self {
            text: Cow::Owned(text),
            keep: false,
        }
    }
}

/// A write transaction. Dropped without [`Tx::commit`], it is rolled back.
pub(crate) enum Tx {
    Sqlite(sqlite::Tx),
    Postgres(Box<postgres::Tx>),
}

impl Tx {
    pub(crate) fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    pub(crate) async fn query(
        &mut self,
        sql: impl Into<Sql>,
        params: Vec<Value>,
    ) -> Result<Vec<Row>, Error> {
        match self {
            Self::Sqlite(tx) => tx.query(sql.into(), params).await,
            Self::Postgres(tx) => tx.query(&sql.into(), &params).await,
        }
    }

    /// The first row, if there is one.
    pub(crate) async fn first(
        &mut self,
        sql: impl Into<Sql>,
        params: Vec<Value>,
    ) -> Result<Option<Row>, Error> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// Runs a statement and says how many rows it touched.
    pub(crate) async fn execute(
        &mut self,
        sql: impl Into<Sql>,
        params: Vec<Value>,
    ) -> Result<u64, Error> {
        match self {
            Self::Sqlite(tx) => tx.execute(sql.into(), params).await,
            Self::Postgres(tx) => tx.execute(&sql.into(), &params).await,
        }
    }

    /// Runs a script of statements without parameters.
    pub(crate) async fn script(&mut self, sql: String) -> Result<(), Error> {
        match self {
            Self::Sqlite(tx) => tx.script(sql).await,
            Self::Postgres(tx) => tx.script(&sql).await,
        }
    }

    pub(crate) async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
    }

    /// Inserts rows by as few statements as the engines' limits on parameters allow.
    ///
    /// `head` ends before `VALUES`; `tail` follows the values. Rows go in groups whose sizes are
    /// powers of two, so that few statements need to be kept prepared.
    pub(crate) async fn insert(
        &mut self,
        head: &str,
        tail: &str,
        rows: Vec<Vec<Value>>,
    ) -> Result<u64, Error> {
        let width = rows.first().map_or(1, Vec::len);
        let mut rows = rows.into_iter();
        let mut touched = 0;
        while rows.len() > 0 {
            let most = (8_192 / width).clamp(1, 512).min(rows.len());
            let size = 1 << most.ilog2();
            let sql = Sql::kept(format!("{head} VALUES {} {tail}", tuples(size, width)));
            let values = rows.by_ref().take(size).flatten().collect();
            touched += self.execute(sql, values).await?;
        }
        Ok(touched)
    }
}

/// `($1,$2),($3,$4)` for two rows of two.
fn tuples(rows: usize, width: usize) -> String {
    let mut text = String::with_capacity(rows * width * 6);
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ",(" });
        for column in 0..width {
            if column > 0 {
                text.push(',');
            }
            text.push('$');
            text.push_str(&(row * width + column + 1).to_string());
        }
        text.push(')');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;

    async fn on_both_engines(check: impl AsyncFn(&Store)) {
        let now = jiff::Timestamp::UNIX_EPOCH;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("canvass.db").display().to_string();
        let server = tokio::task::spawn_blocking(canvass_testkit::postgres_url).await;
        for url in [format!("sqlite:{file}"), server.unwrap()] {
            check(&Store::open(&url, now).await.unwrap()).await;
        }
    }

    async fn set(tx: &mut Tx, key: &str) -> Result<u64, Error> {
        let sql = "INSERT INTO settings (key, value) VALUES ($1, 'x')";
        tx.execute(sql, vec![key.into()]).await
    }

    async fn settings(store: &Store) -> u64 {
        let row = store.first("SELECT COUNT(*) FROM settings", vec![]).await;
        row.unwrap().unwrap().count(0).unwrap()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nothing_of_a_transaction_is_kept_in_which_a_statement_failed() {
        on_both_engines(async |store| {
            let mut tx = store.begin(Durability::Full).await.unwrap();
            set(&mut tx, "a").await.unwrap();
            assert!(set(&mut tx, "a").await.is_err());
            assert!(set(&mut tx, "b").await.is_err());
            assert!(tx.commit().await.is_err());
            assert_eq!(settings(store).await, 0);
            let mut tx = store.begin(Durability::Relaxed).await.unwrap();
            set(&mut tx, "c").await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(settings(store).await, 1);
        })
        .await;
    }

    #[tokio::test]
    async fn a_transaction_that_was_left_open_does_not_stand_in_the_way_of_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = sqlite::Sqlite::open(&folder.path().join("x.db")).unwrap();
        let mut tx = sqlite.begin(Durability::Full).await.unwrap();
        tx.script("CREATE TABLE t (x INTEGER)".into())
            .await
            .unwrap();
        // As if its roll-back had never run.
        tx.forget();
        let mut tx = sqlite.begin(Durability::Relaxed).await.unwrap();
        tx.script("CREATE TABLE t (x INTEGER)".into())
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
}
