//! The server engine: a pool of connections, statements kept prepared.

use std::{pin::pin, time::Duration};

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use tokio_postgres::{
    NoTls,
    binary_copy::BinaryCopyInWriter,
    types::{ToSql, Type},
};

use super::{Durability, Sql, fault::Faults};
use crate::{
    Error,
    value::{Row, Value},
};

#[derive(Clone)]
pub(crate) struct Postgres {
    pool: Pool,
    config: tokio_postgres::Config,
    faults: Faults,
}

impl Postgres {
    pub(crate) fn open(url: &str) -> Result<Self, Error> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| Error::Open {
            what: "PostgreSQL".into(),
            source,
        };
        let mut config: tokio_postgres::Config = url.parse().map_err(|e| failed(Box::new(e)))?;
        config.application_name("canvass");
        // Compiling a statement takes longer than running any of ours.
        let options = config.get_options().map(|o| format!("{o} "));
        config.options(format!("{}-c jit=off", options.unwrap_or_default()));
        config.connect_timeout(Duration::from_secs(10));
        let manager = Manager::from_config(
            config.clone(),
            NoTls,
            ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let pool = Pool::builder(manager)
            .max_size(12)
            .wait_timeout(Some(Duration::from_mins(1)))
            .create_timeout(Some(Duration::from_secs(15)))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|e| failed(Box::new(e)))?;
        Ok(Self {
            pool,
            config,
            faults: Faults::default(),
        })
    }

    #[cfg(feature = "faults")]
    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    pub(crate) fn config(&self) -> &tokio_postgres::Config {
        &self.config
    }

    /// A connection that does not go back to the others: it ends when it is dropped.
    pub(crate) async fn lone_client(&self) -> Result<deadpool_postgres::ClientWrapper, Error> {
        Ok(Object::take(self.pool.get().await?))
    }

    pub(crate) async fn query(&self, sql: &Sql, params: &[Value]) -> Result<Vec<Row>, Error> {
        let fate = self.faults.next()?;
        fate.of(query(&self.pool.get().await?, sql, params).await)
    }

    pub(crate) async fn begin(&self, durability: Durability) -> Result<Tx, Error> {
        let client = self.pool.get().await?;
        let begin = match durability {
            Durability::Full => "BEGIN",
            Durability::Relaxed => "BEGIN; SET LOCAL synchronous_commit = off",
        };
        let mut tx = Tx {
            client: Some(client),
            faults: self.faults.clone(),
            failed: false,
        };
        tx.script(begin).await?;
        Ok(tx)
    }
}

async fn query(client: &Object, sql: &Sql, params: &[Value]) -> Result<Vec<Row>, Error> {
    let statement = if sql.keep {
        client.prepare_cached(&sql.text).await?
    } else {
        client.prepare(&sql.text).await?
    };
    let rows = client.query(&statement, &refs(params)).await?;
    rows.iter().map(from_postgres).collect()
}

fn refs(params: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    params.iter().map(|p| p as &(dyn ToSql + Sync)).collect()
}

fn from_postgres(row: &tokio_postgres::Row) -> Result<Row, Error> {
    let column = |i: usize, ty: &Type| -> Result<Value, Error> {
        let value = match *ty {
            // What a function gives that is called for its effect.
            Type::VOID => Value::Null,
            Type::INT8 => row.try_get::<_, Option<i64>>(i)?.into(),
            Type::INT4 => row.try_get::<_, Option<i32>>(i)?.into(),
            Type::FLOAT8 => row.try_get::<_, Option<f64>>(i)?.into(),
            Type::BOOL => row.try_get::<_, Option<bool>>(i)?.into(),
            Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(i)?.into(),
            Type::TIMESTAMPTZ => match row.try_get::<_, Option<std::time::SystemTime>>(i)? {
                Some(time) => Value::Time(
                    jiff::Timestamp::try_from(time).map_err(|e| Error::corrupt(e.to_string()))?,
                ),
                None => Value::Null,
            },
            _ => row.try_get::<_, Option<String>>(i)?.into(),
        };
        Ok(value)
    };
    let columns = row
        .columns()
        .iter()
        .enumerate()
        .map(|(i, c)| column(i, c.type_()))
        .collect::<Result<_, _>>()?;
    Ok(Row(columns))
}

/// A write transaction on a connection of its own. It ends with the first statement that fails.
pub(crate) struct Tx {
    client: Option<Object>,
    faults: Faults,
    failed: bool,
}

impl Tx {
    async fn within<T>(
        &mut self,
        work: impl AsyncFnOnce(&Object) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let client = self.client.as_ref().filter(|_| !self.failed);
        let Some(client) = client else {
            let over = "the transaction has ended before this statement";
            return Err(Error::Statement(over.into()));
        };
        // Until the answer is there: a caller that no longer waits for it can't know what came of it.
        self.failed = true;
        let done = match self.faults.next() {
            Ok(fate) => fate.of(work(client).await),
            Err(error) => Err(error),
        };
        self.failed = done.is_err();
        done
    }

    pub(crate) async fn query(&mut self, sql: &Sql, params: &[Value]) -> Result<Vec<Row>, Error> {
        self.within(async |client| query(client, sql, params).await)
            .await
    }

    pub(crate) async fn execute(&mut self, sql: &Sql, params: &[Value]) -> Result<u64, Error> {
        self.within(async |client| {
            let statement = if sql.keep {
                client.prepare_cached(&sql.text).await?
            } else {
                client.prepare(&sql.text).await?
            };
            Ok(client.execute(&statement, &refs(params)).await?)
        })
        .await
    }

    /// Sends rows by a `COPY ... FROM STDIN BINARY` whose columns are of these types.
    pub(crate) async fn copy(
        &mut self,
        sql: &str,
        types: &[Type],
        rows: &[Vec<Value>],
    ) -> Result<(), Error> {
        self.within(async |client| {
            let sink = client.copy_in(sql).await?;
            let writer = BinaryCopyInWriter::new(sink, types);
            let mut writer = pin!(writer);
            for row in rows {
                writer.as_mut().write(&refs(row)).await?;
            }
            writer.finish().await?;
            Ok(())
        })
        .await
    }

    pub(crate) async fn script(&mut self, sql: &str) -> Result<(), Error> {
        self.within(async |client| Ok(client.batch_execute(sql).await?))
            .await
    }

    pub(crate) async fn commit(mut self) -> Result<(), Error> {
        // A COMMIT of a transaction in which a statement failed rolls back and is no error; a query
        // before it is one.
        self.script("SELECT 1; COMMIT").await?;
        // A connection that is given back here is clean; one that is dropped below is not.
        drop(self.client.take());
        Ok(())
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        // Closing the connection rolls back, also while a statement is still running.
        if let Some(client) = self.client.take() {
            drop(Object::take(client));
        }
    }
}
