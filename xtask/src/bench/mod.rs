//! Figures of the whole pipeline, on both engines, each beside what it is measured against.
//!
//! Numbers depend on the machine; ratios say whether the design holds. `BENCHMARKS.md` keeps both.

mod access;
mod import;
mod leads;
mod load;
mod mix;
mod search;
mod server;
mod sync;

use std::{
    path::Path,
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use canvass_app::{App, Clock, RegistrySettings, Settings};
use canvass_nppes::sample::{self, SampleSettings};
use canvass_testkit::postgres::Cluster;

/// Result of a bench.
type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Runs the benches that `words` name, or all. In a debug build it starts itself again in release.
pub(crate) fn run(root: &Path, words: &[&str]) -> ExitCode {
    if cfg!(debug_assertions) {
        let status = Command::new("cargo")
            .args([
                "run",
                "--quiet",
                "--release",
                "--package",
                "xtask",
                "--",
                "bench",
            ])
            .args(words)
            .current_dir(root)
            .status();
        return match status {
            Ok(status) if status.success() => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        };
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    match runtime.block_on(all(root, words)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn all(root: &Path, words: &[&str]) -> Outcome {
    let (names, sizes): (Vec<&str>, Vec<&str>) =
        words.iter().partition(|w| w.parse::<u64>().is_err());
    let sizes: Vec<u64> = sizes.iter().filter_map(|s| s.parse().ok()).collect();
    let wanted = |name| names.is_empty() || names.contains(&name);
    if let Some(database) = names.iter().find(|n| n.contains(':')) {
        // A database that is there already, as one of all 9.8 million.
        let bench = Bench::new(root, "")?;
        let app = bench
            .open((*database).to_owned(), RegistrySettings::NPPES)
            .await?;
        if names.contains(&"mix") {
            mix::run(&app).await?;
        }
        if names.contains(&"facets") {
            mix::beside(&app).await?;
        }
        if names.contains(&"load") {
            load::run(&app).await?;
        }
        return Ok(());
    }
    let cluster = Cluster::start()?;
    let bench = Bench::new(root, cluster.admin_url())?;
    if let Some(archive) = names.iter().find(|n| {
        let extension = Path::new(n).extension();
        extension.is_some_and(|e| e.eq_ignore_ascii_case("zip"))
    }) {
        return import::run(&bench, archive);
    }
    if wanted("sync") {
        sync::run(&bench).await?;
    }
    let sizes = if sizes.is_empty() {
        vec![100_000, 1_000_000]
    } else {
        sizes
    };
    if wanted("search") || wanted("save-all") {
        for size in sizes {
            for engine in Engine::ALL {
                let app = bench.filled(engine, size).await?;
                if wanted("search") {
                    search::run(&app, engine, size).await?;
                    mix::run(&app).await?;
                }
                if wanted("save-all") {
                    leads::run(&app, engine, size).await?;
                }
            }
        }
    }
    if wanted("access") {
        access::run(&bench).await?;
    }
    if wanted("server") {
        server::run(&bench)?;
    }
    Ok(())
}

/// Which database a figure is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    pub(crate) const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// Where benches keep their databases.
pub(crate) struct Bench {
    pub(crate) root: std::path::PathBuf,
    folder: tempfile::TempDir,
    admin: String,
    count: std::sync::atomic::AtomicU32,
}

impl Bench {
    fn new(root: &Path, admin: &str) -> Outcome<Self> {
        Ok(Self {
            root: root.to_owned(),
            folder: tempfile::tempdir()?,
            admin: admin.to_owned(),
            count: 0.into(),
        })
    }

    /// Address of a new database.
    pub(crate) fn database(&self, engine: Engine) -> Outcome<String> {
        let n = self
            .count
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        match engine {
            Engine::Sqlite => {
                let path = self.folder.path().join(format!("bench{n}.db"));
                Ok(format!("sqlite:{}", path.display()))
            }
            Engine::Postgres => {
                let made = Command::new("psql")
                    .args([&self.admin, "-qc", &format!("CREATE DATABASE bench{n}")])
                    .status()?;
                if !made.success() {
                    return Err("no database could be made".into());
                }
                let (server, _) = self.admin.rsplit_once('/').ok_or("an odd address")?;
                Ok(format!("{server}/bench{n}"))
            }
        }
    }

    /// The program, built in release.
    pub(crate) fn program(&self) -> Outcome<std::path::PathBuf> {
        let built = Command::new("cargo")
            .args(["build", "--quiet", "--release", "--package", "canvass"])
            .current_dir(&self.root)
            .status()?;
        if !built.success() {
            return Err("the program does not build".into());
        }
        Ok(self.root.join("target/release/canvass"))
    }

    /// canvass on a database, with this registry.
    pub(crate) async fn open(&self, database: String, registry: &str) -> Outcome<App> {
        let settings = Settings {
            database,
            nucc: self.root.join("data/nucc/nucc_taxonomy_251.csv"),
            registry: RegistrySettings {
                url: registry.to_owned(),
                ..RegistrySettings::default()
            },
            imports: canvass_app::ImportSettings::default(),
        };
        Ok(App::open(settings, Clock::system()).await?)
    }

    /// canvass on a database with so many generated providers.
    async fn filled(&self, engine: Engine, providers: u64) -> Outcome<App> {
        let app = self
            .open(self.database(engine)?, RegistrySettings::NPPES)
            .await?;
        let began = Instant::now();
        let mut all = sample::providers(SampleSettings { providers, seed: 1 }, app.catalogue());
        loop {
            let batch: Vec<_> = all.by_ref().take(5_000).collect();
            if batch.is_empty() {
                break;
            }
            app.store()
                .write_providers(&batch, app.clock().now())
                .await?;
        }
        app.store().settle().await?;
        let seconds = began.elapsed().as_secs_f64();
        println!(
            "\n{} filled with {providers} providers in {seconds:.1} s ({:.0} a second)",
            engine.name(),
            per_second(providers, seconds)
        );
        Ok(app)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
pub(crate) fn per_second(n: u64, seconds: f64) -> f64 {
    n as f64 / seconds.max(1e-9)
}

/// Prints the median, the 99th percentile and the longest of some times.
pub(crate) fn spread(name: &str, mut times: Vec<Duration>) {
    times.sort();
    let at =
        |share: usize| times[(times.len() * share / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
    println!(
        "  {name:<44} p50 {:8.2} ms   p99 {:8.2} ms   max {:8.2} ms   ({} runs)",
        at(50),
        at(99),
        at(100),
        times.len()
    );
}
