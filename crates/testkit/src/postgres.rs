//! A throwaway PostgreSQL.
//!
//! A test asks [`postgres_url`] for an empty database of its own. The server behind it is the one
//! that [`ADMIN_VARIABLE`] names, or else one that the test's process starts for itself. The
//! binary `throwaway-postgres` starts one for a whole test run and sets the variable, which
//! saves each process the second that a new cluster takes.
//!
//! The owner of a server may end in any way, `kill -9` included. So the server hangs on a shell
//! that waits for the end of its standard input, a pipe that only the owner holds: when the owner
//! is gone the pipe ends, and the shell stops the server and removes the folder.

mod cluster;
mod database;
mod installation;

use std::{
    env,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

pub use cluster::{Cluster, ClusterError};

/// The environment variable with the URL of a server on which tests may create databases.
pub const ADMIN_VARIABLE: &str = "CANVASS_TEST_POSTGRES";

enum Server {
    Given(String),
    Own(Cluster),
}

impl Server {
    fn find() -> Result<Self, String> {
        match env::var(ADMIN_VARIABLE) {
            Ok(url) if !url.is_empty() => Ok(Self::Given(url)),
            _ => Cluster::start().map(Self::Own).map_err(|e| e.to_string()),
        }
    }

    fn admin_url(&self) -> &str {
        match self {
            Self::Given(url) => url,
            Self::Own(cluster) => cluster.admin_url(),
        }
    }
}

/// Creates an empty database and gives its URL, `postgres://.../name`.
///
/// Blocks, and may be called from within an async runtime. The database is on the server of
/// [`ADMIN_VARIABLE`], or on one that ends with this process.
///
/// # Panics
/// When there is no server and none can be started; the text says what to install.
pub fn postgres_url() -> String {
    static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    match SERVER.get_or_init(Server::find) {
        Ok(server) => database::create(server.admin_url(), || NEXT.fetch_add(1, Ordering::Relaxed))
            .unwrap_or_else(|e| panic!("cannot create a database for the test: {e}")),
        Err(e) => panic!("{e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn query_one(url: &str, sql: &str) -> String {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        client.query_one(sql, &[]).await.unwrap().get(0)
    }

    #[tokio::test]
    async fn each_call_gives_an_empty_database_of_its_own() {
        let (a, b) = (postgres_url(), postgres_url());
        assert_ne!(a, b);
        let made = "CREATE TABLE t (x INT); SELECT 1";
        let (client, connection) = tokio_postgres::connect(&a, tokio_postgres::NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        client.batch_execute(made).await.unwrap();
        let tables = "SELECT count(*)::TEXT FROM pg_class WHERE relname = 't'";
        assert_eq!(query_one(&a, tables).await, "1");
        assert_eq!(query_one(&b, tables).await, "0");
    }

    #[tokio::test]
    async fn databases_sort_text_unlike_bytes_so_that_a_forgotten_collation_shows() {
        let url = postgres_url();
        assert_eq!(query_one(&url, "SELECT ('a' < 'B')::TEXT").await, "true");
        assert_eq!(
            query_one(&url, "SELECT ('a' COLLATE \"C\" < 'B')::TEXT").await,
            "false"
        );
    }
}
