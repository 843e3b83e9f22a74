//! The database behind canvass' back.

use canvass_store::NewPartition;
use canvass_store::{LeasedPartition, NewSpecialty, Store};
use jiff::{SignedDuration, Timestamp};

use crate::both::now;

/// Runs statements.
pub async fn execute(url: &str, sql: &str) {
    if let Some(path) = url.strip_prefix("sqlite:") {
        let connection = rusqlite::Connection::open(path).unwrap();
        connection
            .busy_timeout(std::time::Duration::from_mins(1))
            .unwrap();
        connection.execute_batch(sql).unwrap();
        return;
    }
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
}

/// The one whole number that a query gives.
pub async fn number(url: &str, sql: &str) -> i64 {
    if let Some(path) = url.strip_prefix("sqlite:") {
        let connection = rusqlite::Connection::open(path).unwrap();
        return connection.query_row(sql, [], |row| row.get(0)).unwrap();
    }
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client.query_one(sql, &[]).await.unwrap().get(0)
}

/// The texts that a query of one column gives.
pub async fn texts(url: &str, sql: &str) -> Vec<String> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        let connection = rusqlite::Connection::open(path).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        return rows.collect::<Result<_, _>>().unwrap();
    }
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let rows = client.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Somebody else's transaction that is under way.
pub enum Other {
    Sqlite(rusqlite::Connection),
    Postgres(tokio_postgres::Client),
}

impl Other {
    /// Begins one and runs statements in it.
    pub async fn begin(url: &str, sql: &str) -> Self {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let connection = rusqlite::Connection::open(path).unwrap();
            connection
                .execute_batch(&format!("BEGIN IMMEDIATE; {sql}"))
                .unwrap();
            return Self::Sqlite(connection);
        }
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        client
            .batch_execute(&format!("BEGIN; {sql}"))
            .await
            .unwrap();
        Self::Postgres(client)
    }

    pub async fn commit(self) {
        match self {
            Self::Sqlite(connection) => connection.execute_batch("COMMIT").unwrap(),
            Self::Postgres(client) => client.batch_execute("COMMIT").await.unwrap(),
        }
    }
}

pub const OWNER: &str = "worker";

pub fn in_an_hour() -> Timestamp {
    now() + SignedDuration::from_hours(1)
}

pub fn part(query: &str) -> NewPartition {
    NewPartition {
        place: 0,
        depth: 0,
        query: query.into(),
        label: query.into(),
    }
}

/// A run of one specialty with these queries.
pub async fn run_of(store: &Store, id: &str, queries: &[&str]) {
    let specialty = NewSpecialty {
        name: "x".into(),
        texts: vec!["x".into()],
        codes: vec![],
        sift: false,
        unknown: None,
    };
    let parts: Vec<NewPartition> = queries.iter().map(|query| part(query)).collect();
    let request = serde_json::from_str("{\"specialties\": [\"x\"]}").unwrap();
    store
        .create_sync(id, &request, None, &[specialty], &parts, None, now())
        .await
        .unwrap();
}

/// The next partition of a run.
pub async fn leased(store: &Store, run: &str) -> LeasedPartition {
    let leased = store.lease_partition(OWNER, Some(run), in_an_hour(), now());
    leased.await.unwrap().unwrap()
}

/// The only partition there is, with the checkpoint that it has now.
pub async fn standing(url: &str, leased: &LeasedPartition) -> LeasedPartition {
    let checkpoint = texts(url, "SELECT checkpoint FROM sync_partitions").await;
    LeasedPartition {
        checkpoint: checkpoint[0].clone(),
        ..leased.clone()
    }
}

/// The rows of a query of two whole numbers.
pub async fn pairs(url: &str, sql: &str) -> Vec<(i64, i64)> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        let connection = rusqlite::Connection::open(path).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        return rows.unwrap().map(Result::unwrap).collect();
    }
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let rows = client.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Somebody who has read the providers in a transaction that is still open.
pub enum Reader {
    Sqlite(std::sync::Mutex<rusqlite::Connection>),
    Postgres(tokio_postgres::Client),
}

impl Reader {
    const READ: &str = "BEGIN; SELECT COUNT(*) FROM providers";

    pub async fn begin(url: &str) -> Self {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let connection = rusqlite::Connection::open(path).unwrap();
            connection.execute_batch("BEGIN").unwrap();
            let count = "SELECT COUNT(*) FROM providers";
            let _: i64 = connection.query_row(count, [], |row| row.get(0)).unwrap();
            return Self::Sqlite(std::sync::Mutex::new(connection));
        }
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        client.batch_execute(Self::READ).await.unwrap();
        Self::Postgres(client)
    }

    pub async fn end(self) {
        match self {
            Self::Sqlite(connection) => connection
                .lock()
                .unwrap()
                .execute_batch("ROLLBACK")
                .unwrap(),
            Self::Postgres(client) => client.batch_execute("ROLLBACK").await.unwrap(),
        }
    }
}
