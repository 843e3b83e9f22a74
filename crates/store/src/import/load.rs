//! Many rows into one table, by the quickest way that each engine has.

use crate::{Error, backend::Tx, value::Value};

/// The rows of `providers`, in the order of its columns.
pub(super) const COLUMNS: &str = "id, npi, hash, record, first_seen_at, changed_at, source";

impl Tx {
    /// Adds rows of [`COLUMNS`] to a table of providers.
    pub(super) async fn load_providers(
        &mut self,
        table: &'static str,
        rows: Vec<Vec<Value>>,
    ) -> Result<(), Error> {
        match self {
            Self::Sqlite(tx) => {
                let sql = format!("INSERT INTO {table} ({COLUMNS}) VALUES ($1,$2,$3,$4,$5,$6,$7)");
                tx.execute_each(crate::Sql::kept(sql), rows).await
            }
            Self::Postgres(tx) => {
                use tokio_postgres::types::Type;
                let sql = format!("COPY {table} ({COLUMNS}) FROM STDIN BINARY");
                let types = [
                    Type::INT8,
                    Type::INT8,
                    Type::INT8,
                    Type::BYTEA,
                    Type::INT8,
                    Type::INT8,
                    Type::INT8,
                ];
                tx.copy(&sql, &types, &rows).await
            }
        }
    }
}
