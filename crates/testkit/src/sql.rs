//! Questions to the database itself, past canvass.

use std::{error::Error, time::Duration};

use rusqlite::{Connection, OpenFlags, types::ValueRef};
use tokio_postgres::{NoTls, SimpleQueryMessage};

/// The first column of what a statement gives, as text.
///
/// # Errors
/// When the database or the statement fails.
pub fn column(url: &str, statement: &str) -> Result<Vec<String>, Box<dyn Error>> {
    match url.strip_prefix("sqlite:") {
        Some(path) => of_sqlite(path, statement),
        None => of_postgres(url, statement),
    }
}

fn of_sqlite(path: &str, statement: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(Duration::from_secs(20))?;
    let mut prepared = connection.prepare(statement)?;
    let mut rows = prepared.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(match row.get_ref(0)? {
            ValueRef::Null => String::new(),
            ValueRef::Integer(n) => n.to_string(),
            ValueRef::Real(n) => n.to_string(),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8(bytes.to_vec())?,
        });
    }
    Ok(all)
}

fn of_postgres(url: &str, statement: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        let served = tokio::spawn(connection);
        let rows = client.simple_query(statement).await?;
        drop(client);
        served.await??;
        let texts = rows.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
            _ => None,
        });
        Ok(texts.collect())
    })
}
