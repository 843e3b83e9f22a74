//! Asking the registry, one attempt at a time. How often, how many at once and when again is for
//! the caller to say: that is shared by all processes on one database.

use std::{error::Error, net::IpAddr, time::Duration};

use reqwest::{
    Response, Url,
    header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, RETRY_AFTER},
    redirect,
};

use super::{
    answer::{Answer, Fault, parse_answer},
    query::{PAGE_SIZE, Query},
};

/// Where the public registry answers.
pub const REGISTRY_URL: &str = "https://npiregistry.cms.hhs.gov/api/";

/// How the registry is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSettings {
    /// Where the people behind the requests can be reached, for the User-Agent.
    pub contact: String,
    /// Longest time until there is a connection.
    pub connect_timeout: Duration,
    /// Longest time of one request, its answer included.
    pub timeout: Duration,
    /// Longest answer that is read, in bytes after decompression.
    pub max_body: usize,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            contact: "https://canvass.example/contact".to_owned(),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(15),
            max_body: 32 << 20,
        }
    }
}

/// Why there can be no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The registry's address is none.
    #[error("{given:?} is no address of a registry: {problem}")]
    Address {
        /// As it was given.
        given: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The settings do not work.
    #[error("the settings of the registry's client do not work")]
    Settings(#[source] reqwest::Error),
}

/// A client of the registry. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    max_body: usize,
}

impl Client {
    /// A client of the registry at this address, for example [`REGISTRY_URL`].
    ///
    /// # Errors
    /// When the address is not one of HTTP, or the contact does not fit into a header.
    pub fn new(base_url: &str, settings: &ClientSettings) -> Result<Self, ClientError> {
        let base = address(base_url)?;
        // The error says that the process has a provider of cryptography already, which will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let agent = format!(
            "canvass/{} (+{})",
            env!("CARGO_PKG_VERSION"),
            settings.contact
        );
        let mut http = reqwest::Client::builder()
            .user_agent(agent)
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.timeout)
            .gzip(true)
            .redirect(redirect::Policy::custom(same_host));
        if is_loopback(&base) {
            // A proxy of the environment could not reach this machine's own registry.
            http = http.no_proxy();
        }
        Ok(Self {
            http: http.build().map_err(ClientError::Settings)?,
            base,
            max_body: settings.max_body,
        })
    }

    /// Asks for the page of a query that begins after `skip` records, once.
    ///
    /// # Errors
    /// When there is no answer that can be read; [`retry_delay`] says whether to ask again.
    pub async fn fetch(&self, query: &Query, skip: u32) -> Result<Answer, Fault> {
        let request = self
            .http
            .get(self.base.clone())
            .query(&query.params(PAGE_SIZE, skip));
        let response = request.send().await.map_err(fault)?;
        let status = response.status();
        if !status.is_success() {
            return Err(Fault::Status {
                code: status.as_u16(),
                retry_after: retry_after(response.headers()),
            });
        }
        let content_type = header(response.headers(), &CONTENT_TYPE).map(str::to_owned);
        let body = self.body(response).await?;
        parse_answer(status.as_u16(), content_type.as_deref(), &body)
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, Fault> {
        let too_large = Fault::TooLarge {
            limit: self.max_body,
        };
        let limit = self.max_body as u64;
        if response.content_length().is_some_and(|n| n > limit) {
            return Err(too_large);
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(fault)? {
            if body.len() + chunk.len() > self.max_body {
                return Err(too_large);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

fn address(given: &str) -> Result<Url, ClientError> {
    let refused = |problem: String| ClientError::Address {
        given: given.to_owned(),
        problem,
    };
    let url = Url::parse(given.trim()).map_err(|e| refused(e.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused("it begins with neither http nor https".to_owned()));
    }
    Ok(url)
}

/// Whether an address is of this machine itself.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

/// Follows a redirect that stays at the registry and does not leave HTTPS. Any other is answered
/// as its status: what another host says is not the registry.
fn same_host(attempt: redirect::Attempt) -> redirect::Action {
    let follow = attempt.previous().first().is_some_and(|asked| {
        let to = attempt.url();
        let port = |url: &Url| url.port_or_known_default();
        let upgraded = asked.scheme() == "http" && to.scheme() == "https";
        asked.host_str() == to.host_str()
            && (asked.scheme() == to.scheme() && port(asked) == port(to) || upgraded)
            && attempt.previous().len() <= 3
    });
    if follow {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

fn fault(error: reqwest::Error) -> Fault {
    if error.is_timeout() {
        return Fault::Timeout;
    }
    let connecting = error.is_connect();
    // The address is known and long; the innermost cause is what helps.
    let error = error.without_url();
    let mut cause: &dyn Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if connecting {
        Fault::Connect(cause.to_string())
    } else {
        Fault::Broken(cause.to_string())
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Seconds, or a date (RFC 9110, 10.2.3), which is measured against the date of the same answer,
/// so that it does not matter how well the two clocks agree.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = header(headers, &RETRY_AFTER)?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = |text: &str| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text);
    let until = at(text).ok()?;
    let sent = at(header(headers, &DATE)?.trim()).ok()?;
    Some(Duration::try_from(until.duration_since(sent)).unwrap_or_default())
}

/// How often a page is asked for, and how long the waits between are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetrySettings {
    /// Attempts in all, the first included.
    pub attempts: u32,
    /// Wait after the first attempt; it doubles with each further one.
    pub first_delay: Duration,
    /// Longest wait that doubling leads to.
    pub longest_delay: Duration,
    /// Longest wait that the registry may ask for.
    pub longest_retry_after: Duration,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            attempts: 6,
            first_delay: Duration::from_millis(500),
            longest_delay: Duration::from_secs(30),
            longest_retry_after: Duration::from_mins(5),
        }
    }
}

/// How long to wait before the next attempt, after `attempt` of them (from 1) of which the last
/// ended in `fault`; none when there should be no other.
///
/// The wait is at least what the registry asks for, within its bound. `jitter`, drawn from 0 to 1,
/// spreads the waits of those who failed together over the upper half of the wait.
pub fn retry_delay(
    attempt: u32,
    fault: &Fault,
    settings: &RetrySettings,
    jitter: f64,
) -> Option<Duration> {
    if attempt >= settings.attempts || !fault.is_passing() {
        return None;
    }
    let doublings = attempt.saturating_sub(1).min(31);
    let whole = settings
        .first_delay
        .saturating_mul(1 << doublings)
        .min(settings.longest_delay);
    let half = whole / 2;
    let delay = half + half.mul_f64(jitter.clamp(0.0, 1.0));
    Some(match fault {
        Fault::Status {
            retry_after: Some(asked),
            ..
        } => (*asked).min(settings.longest_retry_after) + delay,
        _ => delay,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delay(attempt: u32, fault: &Fault, jitter: f64) -> Option<u128> {
        let delay = retry_delay(attempt, fault, &RetrySettings::default(), jitter);
        delay.map(|d| d.as_millis())
    }

    fn status(code: u16, retry_after: Option<u64>) -> Fault {
        Fault::Status {
            code,
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    #[test]
    fn waits_double_up_to_a_bound_and_end() {
        let waits: Vec<_> = (1..8).map(|n| delay(n, &Fault::Timeout, 1.0)).collect();
        let expected = [500, 1_000, 2_000, 4_000, 8_000].map(Some);
        assert_eq!(waits[..5], expected);
        assert_eq!(waits[5..], [None, None]);
        let patient = RetrySettings {
            attempts: 100,
            ..RetrySettings::default()
        };
        let long = retry_delay(90, &Fault::Html, &patient, 1.0);
        assert_eq!(long, Some(Duration::from_secs(30)));
    }

    #[test]
    fn jitter_spreads_over_the_upper_half() {
        assert_eq!(delay(2, &Fault::Html, 0.0), Some(500));
        assert_eq!(delay(2, &Fault::Html, 0.5), Some(750));
        assert_eq!(delay(2, &Fault::Html, 7.0), Some(1_000));
    }

    #[test]
    fn the_registry_is_waited_for_within_a_bound() {
        assert_eq!(delay(1, &status(429, Some(7)), 0.0), Some(7_250));
        assert_eq!(delay(1, &status(503, Some(86_400)), 0.0), Some(300_250));
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for code in [403, 408, 429, 500, 502, 503, 504] {
            assert!(delay(1, &status(code, None), 0.0).is_some(), "{code}");
        }
        for code in [301, 302, 400, 401, 404, 405, 410] {
            assert_eq!(delay(1, &status(code, None), 0.0), None, "{code}");
        }
    }

    #[test]
    fn an_address_must_be_one_of_http() {
        let refused = |url| Client::new(url, &ClientSettings::default()).unwrap_err();
        for url in ["", "npiregistry.cms.hhs.gov", "ftp://example.org/"] {
            assert!(matches!(refused(url), ClientError::Address { .. }), "{url}");
        }
        let odd = ClientSettings {
            contact: "a\nb".into(),
            ..ClientSettings::default()
        };
        let refused = Client::new(REGISTRY_URL, &odd);
        assert!(matches!(refused, Err(ClientError::Settings(_))));
    }
}
