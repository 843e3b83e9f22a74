//! Settings: default, `canvass.toml`, environment, flag, the later before the earlier.

use std::{
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use canvass_app::{App, Clock, ImportSettings, RegistrySettings, Settings};
use serde::Deserialize;

use crate::{args::Global, failure::Failure};

/// Name of the catalogue's file, wherever it stands.
const NUCC: &str = "nucc_taxonomy_251.csv";

/// What `canvass.toml` may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    database: Option<String>,
    registry: Option<String>,
    listen: Option<SocketAddr>,
    nucc: Option<PathBuf>,
    log: Option<String>,
    log_format: Option<LogFormat>,
    contact: Option<String>,
    import_folder: Option<PathBuf>,
    import_bytes: Option<u64>,
    pace: Pace,
}

/// The `[pace]` section: how the registry is asked.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Pace {
    in_flight: Option<u32>,
    starts: Option<u32>,
    window_ms: Option<u64>,
    timeout_ms: Option<u64>,
    attempts: Option<u32>,
    backoff_ms: Option<u64>,
    breaker_failures: Option<u32>,
    breaker_pause_ms: Option<u64>,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// All settings of one call.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) settings: Settings,
    pub(crate) listen: SocketAddr,
    pub(crate) log: String,
    pub(crate) log_format: LogFormat,
}

impl Config {
    pub(crate) fn load(global: &Global) -> Result<Self, Failure> {
        let file = read_file(global.config.as_deref())?;
        let database = match global.database.clone().or(file.database) {
            Some(url) => url,
            None => format!("sqlite:{}", data_folder()?.join("canvass.db").display()),
        };
        let defaults = RegistrySettings::default();
        let imports = ImportSettings::default();
        let millis = |given: Option<u64>, default| given.map_or(default, Duration::from_millis);
        let registry = RegistrySettings {
            url: global
                .registry
                .clone()
                .or(file.registry)
                .unwrap_or(defaults.url),
            contact: file.contact.unwrap_or(defaults.contact),
            in_flight: global
                .max_in_flight
                .or(file.pace.in_flight)
                .unwrap_or(defaults.in_flight),
            starts: global
                .max_starts
                .or(file.pace.starts)
                .unwrap_or(defaults.starts),
            window: millis(file.pace.window_ms, defaults.window),
            timeout: millis(
                global.request_timeout_ms.or(file.pace.timeout_ms),
                defaults.timeout,
            ),
            attempts: global
                .attempts
                .or(file.pace.attempts)
                .unwrap_or(defaults.attempts),
            backoff: millis(global.backoff_ms.or(file.pace.backoff_ms), defaults.backoff),
            breaker_failures: file
                .pace
                .breaker_failures
                .unwrap_or(defaults.breaker_failures),
            breaker_pause: millis(file.pace.breaker_pause_ms, defaults.breaker_pause),
            ..defaults
        };
        Ok(Self {
            settings: Settings {
                database,
                nucc: nucc_file(global.nucc.clone().or(file.nucc))?,
                registry,
                imports: ImportSettings {
                    folder: global.import_folder.clone().or(file.import_folder),
                    most: global
                        .import_bytes
                        .or(file.import_bytes)
                        .unwrap_or(imports.most),
                    ..imports
                },
            },
            listen: global
                .listen
                .or(file.listen)
                .unwrap_or(SocketAddr::from(([127, 0, 0, 1], 7878))),
            log: global
                .log
                .clone()
                .or(file.log)
                .unwrap_or_else(|| "warn".into()),
            log_format: global.log_format.or(file.log_format).unwrap_or_default(),
        })
    }

    /// Opens canvass on the database of these settings.
    pub(crate) async fn open(&self) -> Result<App, Failure> {
        Ok(App::open(self.settings.clone(), Clock::system()).await?)
    }
}

fn read_file(named: Option<&Path>) -> Result<File, Failure> {
    let here = PathBuf::from("canvass.toml");
    let home = folder("XDG_CONFIG_HOME", ".config").map(|f| f.join("canvass/canvass.toml"));
    let found = || {
        [Some(here), home]
            .into_iter()
            .flatten()
            .find(|p| p.is_file())
    };
    let Some(path) = named.map(Path::to_owned).or_else(found) else {
        return Ok(File::default());
    };
    let text = fs::read_to_string(&path)
        .map_err(|e| Failure::Usage(format!("{}: can't be read: {e}", path.display())))?;
    toml::from_str(&text).map_err(|e| Failure::Usage(format!("{}: {e}", path.display())))
}

/// A folder of the user's, by the XDG base directory specification.
fn folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    match env::var_os(variable).filter(|v| !v.is_empty()) {
        Some(folder) => Some(folder.into()),
        None => Some(PathBuf::from(env::var_os("HOME")?).join(below_home)),
    }
}

/// Where canvass keeps its data when nobody says otherwise.
pub(crate) fn data_folder() -> Result<PathBuf, Failure> {
    folder("XDG_DATA_HOME", ".local/share")
        .map(|f| f.join("canvass"))
        .ok_or_else(|| Failure::Usage("there is no home folder; say where with --database".into()))
}

/// The NUCC catalogue: as set, else beside the program, else in the user's data folder, else in
/// the source tree that the program was built from.
fn nucc_file(set: Option<PathBuf>) -> Result<PathBuf, Failure> {
    if let Some(set) = set {
        return Ok(set);
    }
    let program = env::current_exe().ok();
    let beside = program.iter().flat_map(|p| p.ancestors().skip(1).take(4));
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .map(Path::to_owned);
    let data = data_folder().ok();
    beside
        .map(Path::to_owned)
        .chain(data)
        .chain(source)
        .flat_map(|folder| [folder.join(NUCC), folder.join("data/nucc").join(NUCC)])
        .find(|path| path.is_file())
        .ok_or_else(|| {
            Failure::Usage(format!(
                "the NUCC catalogue {NUCC} is not beside the program; name its file with --nucc"
            ))
        })
}
