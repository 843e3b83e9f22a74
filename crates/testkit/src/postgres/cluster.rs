use std::{
    fs, io,
    net::TcpListener,
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{ADMIN_VARIABLE, database, installation};

/// Longer than any start on a busy machine; a server that needs more is taken for broken.
const START_LIMIT: Duration = Duration::from_mins(1);

/// Starts the server and, when its standard input ends, stops it and removes the folder.
///
/// Arguments: folder, port, folder of the programs, then the command that switches the user.
/// The signals that a terminal or a test runner sends must not end the keeper. A background command
/// of a shell ignores SIGQUIT until it has set its own handlers, hence the loop. Should the keeper be
/// killed all the same, the kernel stops the server (see `run_as`) and the inner shell, which lives
/// on, removes the folder.
const KEEPER: &str = r#"
trap '' HUP INT TERM
dir=$1 port=$2 bin=$3
shift 3
exec 3<&0
initialize() {
    "$@" "$bin/initdb" -D "$dir/data" -U postgres --auth=trust --no-sync --encoding=UTF8 \
        --locale=C --locale-provider=icu --icu-locale=en >>"$dir/log" 2>&1
}
if initialize "$@"; then
    "$@" "$bin/postgres" -D "$dir/data" -p "$port" -k "$dir" \
        -c listen_addresses=127.0.0.1 -c max_connections=200 -c shared_buffers=64MB \
        -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
        -c wal_level=minimal -c max_wal_senders=0 >>"$dir/log" 2>&1 &
    server=$!
    (
        cat <&3 >/dev/null
        while [ ! -e "$dir/ended" ] && kill -0 $$ 2>/dev/null; do
            kill -QUIT "$server" 2>/dev/null
            sleep 0.05
        done
        rm -rf "$dir"
    ) &
    remover=$!
    wait "$server"
    : >"$dir/ended"
    wait "$remover"
else
    : >"$dir/ended"
    cat <&3 >/dev/null
    rm -rf "$dir"
fi
"#;

/// A PostgreSQL server in a folder of its own, listening on a free port of 127.0.0.1.
///
/// It is stopped, and the folder removed, when the value is dropped or its process ends.
#[derive(Debug)]
pub struct Cluster {
    keeper: Child,
    admin_url: String,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The programs are not on this machine.
    #[error(
        "tests need the server programs of PostgreSQL 15 or newer (initdb, postgres), which are \
         neither in PATH nor in /usr/lib/postgresql: install the package `postgresql` \
         (Debian, Ubuntu), `postgresql-server` (Fedora) or `postgresql@15` (Homebrew), or set \
         {ADMIN_VARIABLE} to the URL of a server on which databases may be created"
    )]
    NotInstalled,
    /// The server refuses to run as root and there is no other user to run it as.
    #[error(
        "PostgreSQL refuses to run as root, and to run it as another user needs the command \
         `setpriv` (package `util-linux`) and a user `postgres` or `nobody`"
    )]
    NoOtherUser,
    /// It did not start.
    #[error("PostgreSQL did not start; its log ends:\n{0}")]
    NotStarted(String),
    /// The folder or the processes could not be made.
    #[error("cannot prepare a PostgreSQL server: {0}")]
    Io(#[from] io::Error),
}

impl Cluster {
    /// Starts a server and waits until it takes connections.
    ///
    /// # Errors
    /// When PostgreSQL is missing or does not start.
    pub fn start() -> Result<Self, ClusterError> {
        let programs = installation::find().ok_or(ClusterError::NotInstalled)?;
        // Another process may take the free port before the server does.
        let mut last = ClusterError::NotInstalled;
        for _ in 0..5 {
            match Self::attempt(&programs) {
                Err(ClusterError::NotStarted(log)) if log.contains("could not bind") => {
                    last = ClusterError::NotStarted(log);
                }
                outcome => return outcome,
            }
        }
        Err(last)
    }

    fn attempt(programs: &Path) -> Result<Self, ClusterError> {
        let user = OtherUser::needed()?;
        let dir = tempfile::Builder::new().prefix("canvass-pg-").tempdir()?;
        if let Some(user) = &user {
            chown(dir.path(), Some(user.uid), Some(user.gid))?;
        }
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "canvass-test-postgres"])
            .arg(dir.path())
            .arg(port.to_string())
            .arg(programs)
            .args(run_as(user.as_ref()))
            .current_dir(dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        // From here on the folder is the keeper's to remove.
        let dir = dir.keep();
        let cluster = Self {
            keeper,
            admin_url: format!("postgres://postgres@127.0.0.1:{port}/postgres"),
        };
        match wait_until_ready(&dir) {
            Ok(()) => Ok(cluster),
            Err(()) => Err(ClusterError::NotStarted(last_lines(&dir.join("log")))),
        }
    }

    /// URL of the database `postgres`, for a user who may do everything.
    pub fn admin_url(&self) -> &str {
        &self.admin_url
    }

    /// Drops the databases that tests of ended processes left.
    ///
    /// # Errors
    /// When the server does not answer or refuses.
    pub fn drop_abandoned(&self) -> Result<(), tokio_postgres::Error> {
        database::drop_abandoned(&self.admin_url)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// Waits for the server to write into its lock file that it is ready, which, unlike an answer on
/// the port, no other server can do in its stead.
fn wait_until_ready(dir: &Path) -> Result<(), ()> {
    const STATUS_LINE: usize = 7; // PostgreSQL 10 and later, miscadmin.h: LOCK_FILE_LINE_PM_STATUS
    let started = Instant::now();
    while started.elapsed() < START_LIMIT && !dir.join("ended").exists() {
        let lock = fs::read_to_string(dir.join("data/postmaster.pid")).unwrap_or_default();
        if lock
            .lines()
            .nth(STATUS_LINE)
            .is_some_and(|s| s.starts_with("ready"))
        {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(10));
    }
    Err(())
}

fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

/// Whom the server runs as when the tests run as root.
struct OtherUser {
    uid: u32,
    gid: u32,
}

impl OtherUser {
    fn needed() -> Result<Option<Self>, ClusterError> {
        if id("-u", None) != Some(0) {
            return Ok(None);
        }
        if find_program("setpriv").is_none() {
            return Err(ClusterError::NoOtherUser);
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| {
                Some(Self {
                    uid: id("-u", Some(name))?,
                    gid: id("-g", Some(name))?,
                })
            })
            .map(Some)
            .ok_or(ClusterError::NoOtherUser)
    }
}

/// The command before `initdb` and `postgres`: it switches the user where that is needed, and
/// where it can it asks the kernel to end the server should even the keeper be killed.
fn run_as(user: Option<&OtherUser>) -> Vec<String> {
    let Some(setpriv) = find_program("setpriv") else {
        return Vec::new();
    };
    let mut command = vec![setpriv.display().to_string(), "--pdeathsig=QUIT".into()];
    if let Some(OtherUser { uid, gid }) = user {
        command.push(format!("--reuid={uid}"));
        command.push(format!("--regid={gid}"));
        command.push("--clear-groups".into());
    }
    command.push("--".into());
    command
}

fn id(what: &str, user: Option<&str>) -> Option<u32> {
    let out = Command::new("id").arg(what).args(user).output().ok()?;
    out.status
        .success()
        .then(|| String::from_utf8_lossy(&out.stdout).trim().parse().ok())?
}

fn find_program(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_cluster_leaves_neither_server_nor_folder() {
        let cluster = Cluster::start().unwrap();
        let port: u16 = cluster
            .admin_url()
            .rsplit_once(':')
            .and_then(|(_, rest)| rest.split('/').next())
            .unwrap()
            .parse()
            .unwrap();
        let folders = || {
            fs::read_dir(std::env::temp_dir())
                .unwrap()
                .flatten()
                .filter(|e| e.path().join(format!(".s.PGSQL.{port}")).exists())
                .count()
        };
        assert_eq!(folders(), 1);
        drop(cluster);
        assert_eq!(folders(), 0);
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
    }
}
