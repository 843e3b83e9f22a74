//! Fetching files from where they are published: over HTTPS, going on where a connection broke off,
//! and holding what came against the length that was announced.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::{
    Response, StatusCode, Url,
    header::{
        ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, IF_RANGE,
        LAST_MODIFIED, RANGE,
    },
    redirect,
};
use serde::{Deserialize, Serialize};
use tokio::{
    fs::{File, OpenOptions},
    io::AsyncWriteExt as _,
};

use crate::api::{ClientError, is_loopback};

/// Redirects that are followed.
const REDIRECTS: usize = 5;

/// How files are fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchSettings {
    /// Bytes of a file at most.
    pub most: u64,
    /// Attempts in a row of which none brings a byte before it has failed for good.
    pub attempts: u32,
    /// Delay before the next attempt; it doubles with each further one.
    pub pause: Duration,
    /// How long a connection may stand still.
    pub still: Duration,
    /// Whether this machine may also be asked without TLS, for tests.
    pub plain_loopback: bool,
}

impl Default for FetchSettings {
    fn default() -> Self {
        Self {
            most: 4 << 30,
            attempts: 6,
            pause: Duration::from_secs(1),
            still: Duration::from_secs(30),
            plain_loopback: false,
        }
    }
}

/// Why a file was not fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The address is none from which files are fetched.
    #[error("{given:?} is no address to fetch from: {problem}")]
    Address {
        /// As it was given.
        given: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// The settings do not work.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The server does not give the file.
    #[error("the server answered {status}; look whether the address is right")]
    Refused {
        /// As HTTP says it, `404 Not Found`.
        status: String,
    },
    /// The file is larger than is allowed.
    #[error("the file has {bytes} bytes or more, and at most {most} are allowed")]
    TooLarge {
        /// Bytes that were announced, or had come.
        bytes: u64,
        /// The bound.
        most: u64,
    },
    /// The connection broke off time and again.
    #[error(
        "the file did not come whole: {cause}; {bytes} bytes are kept, ask again to go on from there"
    )]
    BrokenOff {
        /// What happened last.
        cause: String,
        /// What had come.
        bytes: u64,
    },
    /// It can't be kept.
    #[error("what was fetched can't be written to {}", path.display())]
    Write {
        /// Where to.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Fetches files. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Fetcher {
    http: reqwest::Client,
    settings: FetchSettings,
}

/// What is known of a file of which a part has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Partial {
    /// Where it comes from.
    url: String,
    /// `ETag` or `Last-Modified`: what tells that it is still the same.
    validator: Option<String>,
    /// Its whole length.
    total: Option<u64>,
}

/// Why an attempt did not bring the whole file.
enum Fault {
    /// Another may.
    Again(String),
    /// No other will.
    Last(FetchError),
}

impl From<FetchError> for Fault {
    fn from(error: FetchError) -> Self {
        Self::Last(error)
    }
}

impl Fetcher {
    /// One with these settings. `contact` is where the people behind it can be reached.
    ///
    /// # Errors
    /// When the settings or the contact do not work.
    pub fn new(settings: FetchSettings, contact: &str) -> Result<Self, FetchError> {
        // The error says that the process has a provider of cryptography already, which will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let agent = format!("canvass/{} (+{contact})", env!("CARGO_PKG_VERSION"));
        let plain = settings.plain_loopback;
        let mut http = reqwest::Client::builder()
            .user_agent(agent)
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(settings.still)
            .gzip(false)
            .redirect(redirect::Policy::custom(move |attempt| {
                if attempt.previous().len() > REDIRECTS {
                    attempt.error("it leads from one address to the next without end")
                } else if let Err(problem) = allowed(attempt.url(), plain) {
                    attempt.error(problem)
                } else {
                    attempt.follow()
                }
            }));
        if plain {
            // A proxy of the environment could not reach this machine's own server.
            http = http.no_proxy();
        }
        Ok(Self {
            http: http.build().map_err(ClientError::Settings)?,
            settings,
        })
    }

    /// Whether files may be fetched from an address, and the name of the file there.
    ///
    /// # Errors
    /// [`FetchError::Address`].
    pub fn name_of(&self, address: &str) -> Result<String, FetchError> {
        let url = self.url(address)?;
        let last = url.path_segments().and_then(|mut all| all.next_back());
        Ok(last.filter(|name| !name.is_empty()).map_or_else(
            || url.host_str().unwrap_or_default().to_owned(),
            str::to_owned,
        ))
    }

    fn url(&self, address: &str) -> Result<Url, FetchError> {
        let refused = |problem: String| FetchError::Address {
            given: address.to_owned(),
            problem,
        };
        let url = Url::parse(address.trim()).map_err(|e| refused(e.to_string()))?;
        allowed(&url, self.settings.plain_loopback).map_err(|p| refused(p.to_owned()))?;
        Ok(url)
    }

    /// Fetches what is at an address into the file `to`. Where `to` has a part of it already, from
    /// this address and of the same edition, it goes on there; what is needed for that is kept in a
    /// file beside it until the whole has come. `progress` is told how many bytes there are, and of
    /// how many, where the server says so.
    ///
    /// Whoever drops the future keeps what has come so far.
    ///
    /// # Errors
    /// When the file can't be had; see [`FetchError`].
    pub async fn fetch(
        &self,
        address: &str,
        to: &Path,
        progress: &mut (dyn FnMut(u64, Option<u64>) + Send),
    ) -> Result<(), FetchError> {
        let url = self.url(address)?;
        let mut fetch = Fetch::begin(self, url, to, progress).await?;
        let mut failures = 0;
        loop {
            let had = fetch.len;
            match fetch.attempt().await {
                Ok(()) => break,
                Err(Fault::Last(error)) => return Err(error),
                Err(Fault::Again(cause)) => {
                    failures = if fetch.len > had { 1 } else { failures + 1 };
                    if failures >= self.settings.attempts {
                        let bytes = fetch.len;
                        return Err(FetchError::BrokenOff { cause, bytes });
                    }
                    pause(self.settings.pause, failures).await;
                }
            }
        }
        fetch.end().await
    }
}

async fn pause(first: Duration, failures: u32) {
    tokio::time::sleep(first * 2_u32.saturating_pow(failures.saturating_sub(1).min(5))).await;
}

/// One file that is being fetched.
struct Fetch<'a> {
    fetcher: &'a Fetcher,
    url: Url,
    to: &'a Path,
    beside: PathBuf,
    progress: &'a mut (dyn FnMut(u64, Option<u64>) + Send),
    partial: Partial,
    /// Bytes that have come.
    len: u64,
}

impl<'a> Fetch<'a> {
    async fn begin(
        fetcher: &'a Fetcher,
        url: Url,
        to: &'a Path,
        progress: &'a mut (dyn FnMut(u64, Option<u64>) + Send),
    ) -> Result<Self, FetchError> {
        let mut beside = to.as_os_str().to_owned();
        beside.push(".from");
        let beside = PathBuf::from(beside);
        let mut fetch = Self {
            fetcher,
            to,
            beside,
            progress,
            partial: Partial::default(),
            len: 0,
            url,
        };
        let known = tokio::fs::read(&fetch.beside).await.unwrap_or_default();
        let known: Option<Partial> = serde_json::from_slice(&known).ok();
        let length = tokio::fs::metadata(to).await.map_or(0, |file| file.len());
        match known {
            Some(known) if known.url == fetch.url.as_str() && known.validator.is_some() => {
                fetch.partial = known;
                fetch.len = length;
            }
            _ => fetch.restart(Partial::default()).await?,
        }
        Ok(fetch)
    }

    /// Begins anew, with what is known of the file by now.
    async fn restart(&mut self, known: Partial) -> Result<(), FetchError> {
        self.len = 0;
        self.partial = Partial {
            url: self.url.as_str().to_owned(),
            ..known
        };
        let json = serde_json::to_vec(&self.partial).unwrap_or_default();
        File::create(self.to).await.map_err(|e| self.unwritten(e))?;
        tokio::fs::write(&self.beside, json)
            .await
            .map_err(|e| self.unwritten(e))
    }

    fn unwritten(&self, source: io::Error) -> FetchError {
        let path = self.to.to_owned();
        FetchError::Write { path, source }
    }

    async fn end(self) -> Result<(), FetchError> {
        match tokio::fs::remove_file(&self.beside).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.unwritten(error)),
            _ => Ok(()),
        }
    }

    /// Asks once for what is missing.
    async fn attempt(&mut self) -> Result<(), Fault> {
        if self.len > 0 && self.partial.total == Some(self.len) {
            return Ok(());
        }
        let mut request = self.fetcher.http.get(self.url.clone());
        request = request.header(ACCEPT_ENCODING, "identity");
        if let Some(validator) = self.partial.validator.as_ref().filter(|_| self.len > 0) {
            request = request
                .header(RANGE, format!("bytes={}-", self.len))
                .header(IF_RANGE, validator);
        }
        let response = request.send().await.map_err(|e| self.fault(e))?;
        let status = response.status();
        match status {
            StatusCode::PARTIAL_CONTENT => {
                let range = range_of(response.headers());
                let goes_on = range.is_some_and(|(from, total)| {
                    let known = self.partial.total;
                    from == self.len && (total.is_none() || known.is_none() || total == known)
                });
                if !goes_on {
                    self.restart(Partial::default()).await?;
                    let cause = "the server went on in the wrong place";
                    return Err(Fault::Again(cause.to_owned()));
                }
            }
            StatusCode::OK => {
                let total = length_of(response.headers());
                let validator = validator_of(response.headers());
                self.restart(Partial {
                    url: String::new(),
                    validator,
                    total,
                })
                .await?;
            }
            // What is there is shorter than what has come: it is another file by now.
            StatusCode::RANGE_NOT_SATISFIABLE if self.len > 0 => {
                self.restart(Partial::default()).await?;
                return Err(Fault::Again(answered(status)));
            }
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                return Err(Fault::Again(answered(status)));
            }
            status if status.is_server_error() => return Err(Fault::Again(answered(status))),
            status => {
                let status = status.to_string();
                return Err(FetchError::Refused { status }.into());
            }
        }
        self.bounded(self.partial.total.unwrap_or_default())?;
        self.receive(response).await
    }

    fn bounded(&self, bytes: u64) -> Result<(), FetchError> {
        let most = self.fetcher.settings.most;
        if bytes > most {
            return Err(FetchError::TooLarge { bytes, most });
        }
        Ok(())
    }

    async fn receive(&mut self, mut response: Response) -> Result<(), Fault> {
        let opened = OpenOptions::new().append(true).open(self.to).await;
        let mut file = opened.map_err(|e| self.unwritten(e))?;
        (self.progress)(self.len, self.partial.total);
        loop {
            let piece = match response.chunk().await {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(error) => {
                    file.flush().await.map_err(|e| self.unwritten(e))?;
                    return Err(self.fault(error));
                }
            };
            let len = self.len + piece.len() as u64;
            self.bounded(len)?;
            file.write_all(&piece)
                .await
                .map_err(|e| self.unwritten(e))?;
            self.len = len;
            (self.progress)(self.len, self.partial.total);
        }
        file.flush().await.map_err(|e| self.unwritten(e))?;
        match self.partial.total {
            Some(total) if self.len != total => Err(Fault::Again(format!(
                "it ended after {} of {total} bytes",
                self.len
            ))),
            _ => Ok(()),
        }
    }

    fn fault(&self, error: reqwest::Error) -> Fault {
        let is_redirect = error.is_redirect();
        // The address is known and long; the innermost cause is what helps.
        let error = error.without_url();
        let mut cause: &dyn std::error::Error = &error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        if is_redirect {
            return Fault::Last(FetchError::Address {
                given: self.url.to_string(),
                problem: cause.to_string(),
            });
        }
        Fault::Again(if error.is_timeout() {
            "the server was silent for too long".to_owned()
        } else {
            cause.to_string()
        })
    }
}

fn answered(status: StatusCode) -> String {
    format!("the server answered {status}")
}

fn allowed(url: &Url, plain_loopback: bool) -> Result<(), &'static str> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it may not hold a name and a password");
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if plain_loopback && is_loopback(url) => Ok(()),
        _ => Err("it does not begin with https://"),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn length_of(headers: &HeaderMap) -> Option<u64> {
    text(headers, &CONTENT_LENGTH)?.trim().parse().ok()
}

/// What a later request can name, so that it goes on only where the file is still the same. A weak
/// tag does not say that its bytes are.
fn validator_of(headers: &HeaderMap) -> Option<String> {
    let tag = text(headers, &ETAG).filter(|tag| !tag.starts_with("W/"));
    tag.or_else(|| text(headers, &LAST_MODIFIED))
        .map(str::to_owned)
}

/// `bytes 100-199/1000`: where the part begins, and the whole length where it is said.
fn range_of(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let range = text(headers, &CONTENT_RANGE)?
        .trim()
        .strip_prefix("bytes ")?;
    let (part, total) = range.split_once('/')?;
    let (from, _) = part.split_once('-')?;
    Some((from.trim().parse().ok()?, total.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetcher(plain_loopback: bool) -> Fetcher {
        let settings = FetchSettings {
            plain_loopback,
            ..FetchSettings::default()
        };
        Fetcher::new(settings, "https://canvass.example").unwrap()
    }

    #[test]
    fn only_https_is_fetched() {
        for (address, name) in [
            ("https://files.example/NPPES/week.zip?x=1", Some("week.zip")),
            (" https://files.example/ ", Some("files.example")),
            ("http://files.example/week.zip", None),
            ("http://127.0.0.1/week.zip", None),
            ("ftp://files.example/week.zip", None),
            ("file:///etc/passwd", None),
            ("https://lee:secret@files.example/week.zip", None),
            ("/var/week.zip", None),
            ("", None),
        ] {
            let got = fetcher(false).name_of(address).ok();
            assert_eq!(got.as_deref(), name, "{address}");
        }
        for address in [
            "http://127.0.0.1:9/x",
            "http://localhost/x",
            "http://[::1]/x",
        ] {
            assert!(fetcher(true).name_of(address).is_ok(), "{address}");
        }
        assert!(fetcher(true).name_of("http://files.example/x").is_err());
        assert!(fetcher(true).name_of("http://127.0.0.1.example/x").is_err());
    }

    #[test]
    fn ranges_are_read() {
        let range = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_RANGE, value.parse().unwrap());
            range_of(&headers)
        };
        assert_eq!(range("bytes 100-199/1000"), Some((100, Some(1_000))));
        assert_eq!(range("bytes 100-199/*"), Some((100, None)));
        for odd in ["bytes */1000", "lines 1-2/3", "", "bytes -5/9"] {
            assert_eq!(range(odd), None, "{odd}");
        }
    }
}
