use std::{path::PathBuf, time::Duration};

/// How a registry is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrySettings {
    /// Address of the read API.
    pub url: String,
    /// Whom the registry's people can turn to, in the User-Agent.
    pub contact: String,
    /// Requests under way at one time, over all processes on the database.
    pub in_flight: u32,
    /// Requests started within any window.
    pub starts: u32,
    /// Length of the window.
    pub window: Duration,
    /// Longest time for a request, from its start to the last byte of its answer.
    pub timeout: Duration,
    /// Attempts per page before it has failed for good.
    pub attempts: u32,
    /// Delay before the first retry; it doubles with each further one.
    pub backoff: Duration,
    /// Longest delay between two attempts.
    pub backoff_most: Duration,
    /// Failures in a row after which the registry is left alone for a while.
    pub breaker_failures: u32,
    /// How long it is left alone.
    pub breaker_pause: Duration,
}

impl RegistrySettings {
    /// Address of the public NPPES read API.
    pub const NPPES: &'static str = "https://npiregistry.cms.hhs.gov/api/";
}

impl Default for RegistrySettings {
    fn default() -> Self {
        Self {
            url: Self::NPPES.to_owned(),
            contact: String::new(),
            in_flight: 3,
            starts: 3,
            window: Duration::from_millis(200),
            timeout: Duration::from_secs(15),
            attempts: 8,
            backoff: Duration::from_millis(250),
            backoff_most: Duration::from_secs(20),
            breaker_failures: 6,
            breaker_pause: Duration::from_secs(5),
        }
    }
}

/// How dissemination files come in from the pages and the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportSettings {
    /// Folder of which files may be loaded, and in which what is sent or fetched is kept meanwhile.
    pub folder: Option<PathBuf>,
    /// Bytes of a file that is sent, or fetched from an address, at most.
    pub most: u64,
    /// Whether files may also be fetched from this machine without TLS, for tests.
    pub plain_loopback: bool,
}

impl Default for ImportSettings {
    fn default() -> Self {
        Self {
            folder: None,
            most: 4 << 30,
            plain_loopback: false,
        }
    }
}

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `sqlite:PATH` or `postgres://...`.
    pub database: String,
    /// File of the NUCC catalogue.
    pub nucc: PathBuf,
    /// The registry.
    pub registry: RegistrySettings,
    /// Dissemination files.
    pub imports: ImportSettings,
}
