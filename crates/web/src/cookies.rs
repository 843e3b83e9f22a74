//! The cookies: the session, the theme, and the notice that follows an action.

use std::fmt::Write as _;

use axum::http::{HeaderMap, HeaderValue, header};

use crate::ui::Notice;

/// Value of a cookie of the request.
pub fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// Whether the browser came over TLS, as far as is known: this server speaks plain HTTP, and what
/// stands before it says so. Nobody gains by lying here: it only makes their own cookie stricter.
pub fn is_secure(headers: &HeaderMap) -> bool {
    headers
        .get("x-forwarded-proto")
        .and_then(|v| v.to_str().ok())
        .is_some_and(|proto| proto.split(',').next().is_some_and(|p| p.trim() == "https"))
}

/// Name of the session's cookie. `__Host-` binds it to this host and to TLS (RFC 6265bis, 4.1.3.2);
/// browsers refuse that name without TLS.
fn session_name(secure: bool) -> &'static str {
    if secure { "__Host-canvass" } else { "canvass" }
}

/// The secret of the session that a request carries.
pub fn session(headers: &HeaderMap) -> Option<&str> {
    read(headers, session_name(is_secure(headers))).filter(|secret| !secret.is_empty())
}

/// `Set-Cookie` that begins a session. `secret` is hexadecimal, or of other letters that need no
/// escape in a cookie.
pub fn begin_session(headers: &HeaderMap, secret: &str, seconds: u64) -> HeaderValue {
    let secure = is_secure(headers);
    cookie(session_name(secure), secret, seconds, secure, true)
}

/// `Set-Cookie` that ends the session.
pub fn end_session(headers: &HeaderMap) -> HeaderValue {
    let secure = is_secure(headers);
    cookie(session_name(secure), "", 0, secure, true)
}

fn cookie(name: &str, value: &str, seconds: u64, secure: bool, http_only: bool) -> HeaderValue {
    let secure = if secure { "; Secure" } else { "" };
    let http_only = if http_only { "; HttpOnly" } else { "" };
    let text =
        format!("{name}={value}; Path=/; Max-Age={seconds}; SameSite=Lax{http_only}{secure}");
    let mut header = HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""));
    header.set_sensitive(true);
    header
}

/// Light, dark, or as the device has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the device has it.
    #[default]
    Auto,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

const THEME: &str = "canvass_theme";

impl Theme {
    /// All of them, with what people read.
    pub const ALL: [(Self, &'static str); 3] = [
        (Self::Auto, "As the device"),
        (Self::Light, "Light"),
        (Self::Dark, "Dark"),
    ];

    /// As in the cookie and in `data-theme`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// From its name; anything else is as the device has it.
    pub fn parse(text: &str) -> Self {
        match text {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::Auto,
        }
    }

    /// The theme that a request asks for.
    pub fn of(headers: &HeaderMap) -> Self {
        read(headers, THEME).map(Self::parse).unwrap_or_default()
    }

    /// `Set-Cookie` that keeps it for a year. The script of the pages writes it too.
    pub fn keep(self) -> HeaderValue {
        let seconds = if self == Self::Auto { 0 } else { 31_536_000 };
        cookie(THEME, self.as_str(), seconds, false, false)
    }
}

const NOTICE: &str = "canvass_notice";

/// `Set-Cookie` that brings a notice to the page that a redirect leads to.
pub fn leave_notice(notice: &Notice) -> HeaderValue {
    let json = serde_json::to_vec(notice).unwrap_or_default();
    let hex = json.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    cookie(NOTICE, &hex, 60, false, true)
}

/// The notice that the action before left.
pub fn notice(headers: &HeaderMap) -> Option<Notice> {
    let hex = read(headers, NOTICE).filter(|v| v.len() < 4_000 && v.is_ascii())?;
    let bytes: Vec<u8> = (0..hex.len() / 2)
        .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16))
        .collect::<Result<_, _>>()
        .ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// `Set-Cookie` that takes the notice away, once it was shown.
pub fn clear_notice() -> HeaderValue {
    cookie(NOTICE, "", 0, false, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(n, v)| (header::HeaderName::from_static(n), v.parse().unwrap()))
            .collect()
    }

    #[test]
    fn the_session_is_bound_to_tls_where_there_is_tls() {
        let plain = headers(&[("cookie", "a=1; canvass=s1; __Host-canvass=s2")]);
        assert_eq!(session(&plain), Some("s1"));
        let tls = headers(&[
            ("cookie", "canvass=s1; __Host-canvass=s2"),
            ("x-forwarded-proto", "https"),
        ]);
        assert_eq!(session(&tls), Some("s2"));
        assert_eq!(
            begin_session(&tls, "ab", 60).to_str().unwrap(),
            "__Host-canvass=ab; Path=/; Max-Age=60; SameSite=Lax; HttpOnly; Secure"
        );
        assert_eq!(
            begin_session(&plain, "ab", 60).to_str().unwrap(),
            "canvass=ab; Path=/; Max-Age=60; SameSite=Lax; HttpOnly"
        );
    }

    #[test]
    fn a_cookie_of_a_longer_name_is_another_one() {
        let h = headers(&[("cookie", "canvass_theme=dark; canvassx=no; canvass=yes")]);
        assert_eq!(session(&h), Some("yes"));
        assert_eq!(Theme::of(&h), Theme::Dark);
    }

    #[test]
    fn a_notice_survives_its_cookie_and_nonsense_is_no_notice() {
        let left = Notice::good("Saved 3 providers, “é”.");
        let set = leave_notice(&left);
        let pair = set.to_str().unwrap().split(';').next().unwrap();
        assert_eq!(notice(&headers(&[("cookie", pair)])), Some(left));
        for bad in ["zz", "7b", "7", "7b7d0"] {
            let h = headers(&[("cookie", &format!("canvass_notice={bad}"))]);
            assert_eq!(notice(&h), None, "{bad}");
        }
    }
}
