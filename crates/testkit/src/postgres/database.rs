use std::{future::Future, path::Path, process, thread};

use tokio_postgres::{Client, NoTls, error::SqlState};

const PREFIX: &str = "canvass_test_";

/// Creates a database whose name holds this process's id, and gives its URL.
pub(super) fn create(
    admin_url: &str,
    mut next: impl FnMut() -> u32 + Send,
) -> Result<String, tokio_postgres::Error> {
    on_own_runtime(async {
        let client = connect(admin_url).await?;
        loop {
            let name = format!("{PREFIX}{}_{}", process::id(), next());
            match client
                .execute(&format!("CREATE DATABASE {name}"), &[])
                .await
            {
                Ok(_) => return Ok(with_database(admin_url, &name)),
                // Process ids come round again within one long test run.
                Err(e) if e.code() == Some(&SqlState::DUPLICATE_DATABASE) => {}
                Err(e) => return Err(e),
            }
        }
    })
}

/// Drops the databases of processes that are gone, so that a long run does not fill the disk.
pub(super) fn drop_abandoned(admin_url: &str) -> Result<(), tokio_postgres::Error> {
    if !Path::new("/proc/self").exists() {
        return Ok(()); // no way to tell who is alive
    }
    on_own_runtime(async {
        let client = connect(admin_url).await?;
        for row in client
            .query("SELECT datname::TEXT FROM pg_database", &[])
            .await?
        {
            let name: String = row.get(0);
            if owner(&name).is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
                client
                    .execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), &[])
                    .await?;
            }
        }
        Ok(())
    })
}

/// The process that created a database of this name.
fn owner(name: &str) -> Option<u32> {
    let (pid, _) = name.strip_prefix(PREFIX)?.split_once('_')?;
    pid.parse().ok()
}

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The URL with another database in it.
fn with_database(url: &str, name: &str) -> String {
    let (base, options) = match url.split_once('?') {
        Some((base, options)) => (base, format!("?{options}")),
        None => (url, String::new()),
    };
    let host = base.find("://").map_or(0, |i| i + 3);
    let end = base[host..].find('/').map_or(base.len(), |i| host + i);
    format!("{}/{name}{options}", &base[..end])
}

/// Runs to its end on a thread of its own: the caller may itself be inside a runtime, where
/// blocking on another is refused.
fn on_own_runtime<T: Send>(work: impl Future<Output = T> + Send) -> T {
    thread::scope(|scope| {
        scope
            .spawn(|| {
                tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .expect("a runtime can be made")
                    .block_on(work)
            })
            .join()
            .expect("the thread does not panic")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_of_a_url_is_replaced_and_its_options_stay() {
        for (url, expected) in [
            ("postgres://u@h:1/postgres", "postgres://u@h:1/x"),
            (
                "postgres://u:p@h/a?sslmode=disable",
                "postgres://u:p@h/x?sslmode=disable",
            ),
            ("postgres://h:1", "postgres://h:1/x"),
        ] {
            assert_eq!(with_database(url, "x"), expected);
        }
    }

    #[test]
    fn only_databases_of_tests_have_an_owner() {
        assert_eq!(owner("canvass_test_42_7"), Some(42));
        assert_eq!(owner("canvass"), None);
        assert_eq!(owner("postgres"), None);
    }
}
