//! How numbers, days and names are written for people.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};

/// A number with thousands separators: `1,204`.
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `1 provider`, `1,204 providers`.
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(n), noun(n, one, many))
}

/// The noun for so many: `provider` for 1, `providers` for 0 and 1,204.
pub fn noun<'a>(n: u64, one: &'a str, many: &'a str) -> &'a str {
    if n == 1 { one } else { many }
}

/// A number of bytes as people say it: `812 bytes`, `3.4 MB`, `11.5 GB`.
pub fn bytes(n: u64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    let Some((size, unit)) = units.into_iter().find(|(size, _)| n >= *size) else {
        return counted(n, "byte", "bytes");
    };
    let tenths = n / (size / 10);
    if tenths >= 1_000 {
        return format!("{} {unit}", number(tenths / 10));
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// A length of time as people say it: `41 s`, `3 min 20 s`, `2 h 5 min`.
pub fn duration(seconds: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float cast saturates, and a negative length is shown as none"
    )]
    let s = seconds.round() as u64;
    match s {
        0..60 => format!("{s} s"),
        60..3600 if s.is_multiple_of(60) => format!("{} min", s / 60),
        60..3600 => format!("{} min {} s", s / 60, s % 60),
        _ => format!("{} h {} min", s / 3600, s % 3600 / 60),
    }
}

/// The present moment and the zone in which times are written.
#[derive(Clone, Debug)]
pub struct Now {
    /// Now.
    pub at: Timestamp,
    /// Zone of the times on a page.
    pub zone: TimeZone,
}

impl Now {
    /// Now, with times in UTC.
    pub fn utc(at: Timestamp) -> Self {
        Self {
            at,
            zone: TimeZone::UTC,
        }
    }
}

const YESTERDAY: &str = "yesterday";

/// A moment or a day, written as people write it, with the exact one in its `<time>` element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    exact: String,
    is_moment: bool,
    text: String,
}

impl When {
    /// A calendar day: `12 Nov 2025`.
    pub fn day(day: Date) -> Self {
        Self {
            exact: day.to_string(),
            is_moment: false,
            text: day.strftime("%-d %b %Y").to_string(),
        }
    }

    /// A moment: `14:02` of today, `yesterday 14:02`, `12 Nov`, `12 Nov 2024`.
    pub fn moment(at: Timestamp, now: &Now) -> Self {
        let then = at.to_zoned_datetime(now.zone.clone());
        let today = now.at.to_zoned_datetime(now.zone.clone()).date();
        Self {
            exact: at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            is_moment: true,
            text: moment_text(&then, today),
        }
    }

    /// A moment for a narrow column: like [`Self::moment`], with the time of today only.
    pub fn short(at: Timestamp, now: &Now) -> Self {
        let mut when = Self::moment(at, now);
        if let Some(day) = when.text.split(' ').next().filter(|day| *day == YESTERDAY) {
            when.text = day.to_owned();
        }
        when
    }

    /// As people write it.
    pub fn text(&self) -> &str {
        &self.text
    }
}

fn moment_text(then: &ZonedDateTime, today: Date) -> String {
    let day = then.date();
    if day == today {
        return then.strftime("%H:%M").to_string();
    }
    if day.tomorrow().is_ok_and(|next| next == today) {
        return format!("{YESTERDAY} {}", then.strftime("%H:%M"));
    }
    if day.year() == today.year() {
        return then.strftime("%-d %b").to_string();
    }
    then.strftime("%-d %b %Y").to_string()
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { exact, text, .. } = self;
        if self.is_moment {
            let (day, time) = exact
                .trim_end_matches('Z')
                .split_once('T')
                .unwrap_or((exact, ""));
            write!(
                f,
                r#"<time datetime="{exact}" title="{day} {time} UTC" data-exact>{text}</time>"#
            )
        } else {
            write!(f, r#"<time datetime="{exact}">{text}</time>"#)
        }
    }
}

// Both texts are made of digits, letters and blanks by jiff; nothing from outside is in them.
impl askama::filters::HtmlSafe for When {}

/// Words that stay large: postal abbreviations, numerals, forms of companies.
const LARGE: [&str; 14] = [
    "PO", "NE", "NW", "SE", "SW", "II", "III", "IV", "LLC", "PLLC", "PC", "PA", "USA", "US",
];

/// Words that the registry writes in capitals, with only their first letters large. A text with
/// small letters is somebody's own spelling and stays.
pub fn unshouted(text: &str) -> String {
    if text.chars().any(char::is_lowercase) {
        return text.to_owned();
    }
    text.split_inclusive(|c: char| !c.is_alphanumeric() && c != '\'')
        .map(|word| {
            let bare = word.trim_end_matches(|c: char| !c.is_alphanumeric());
            let mut letters = word.chars();
            match letters.next() {
                Some(first) if !LARGE.contains(&bare) => {
                    let rest = letters.flat_map(char::to_lowercase);
                    std::iter::once(first).chain(rest).collect()
                }
                _ => word.to_owned(),
            }
        })
        .collect()
}

/// The name of a person for a list: `GARCIA, Ana Maria`. The last name stays large, so that the eye
/// finds it; a name without a comma stays as it is.
pub fn person(name: &str) -> String {
    match name.split_once(", ") {
        Some((last, given)) => format!("{last}, {}", unshouted(given)),
        None => name.to_owned(),
    }
}

/// A ZIP code as people write it: `93701`, `93701-2204`.
pub fn postal_code(code: &str) -> String {
    if code.len() == 9 && code.bytes().all(|b| b.is_ascii_digit()) {
        format!("{}-{}", &code[..5], &code[5..])
    } else {
        code.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_said_in_the_unit_that_fits() {
        for (n, said) in [
            (1, "1 byte"),
            (812, "812 bytes"),
            (1_000, "1.0 kB"),
            (99_999, "99.9 kB"),
            (123_456, "123 kB"),
            (3_400_000, "3.4 MB"),
            (4 << 30, "4.2 GB"),
            (11_534_336_000, "11.5 GB"),
            (2_000_000_000_000, "2,000 GB"),
        ] {
            assert_eq!(bytes(n), said);
        }
    }

    #[test]
    fn thousands_are_separated() {
        let shown: Vec<String> = [0, 999, 1_000, 12_418, 1_000_000].map(number).into();
        assert_eq!(shown, ["0", "999", "1,000", "12,418", "1,000,000"]);
    }

    #[test]
    fn a_moment_gets_shorter_the_nearer_it_is() {
        let now = Now::utc("2025-11-12T15:00:00Z".parse().unwrap());
        let text = |at: &str| When::moment(at.parse().unwrap(), &now).text().to_owned();
        assert_eq!(text("2025-11-12T09:05:00Z"), "09:05");
        assert_eq!(text("2025-11-11T23:59:00Z"), "yesterday 23:59");
        let short = |at: &str| When::short(at.parse().unwrap(), &now).text().to_owned();
        assert_eq!(short("2025-11-11T23:59:00Z"), "yesterday");
        assert_eq!(short("2025-11-12T09:05:00Z"), "09:05");
        assert_eq!(short("2025-01-03T08:00:00Z"), "3 Jan");
        assert_eq!(text("2025-01-03T08:00:00Z"), "3 Jan");
        assert_eq!(text("2024-01-03T08:00:00Z"), "3 Jan 2024");
    }

    #[test]
    fn the_exact_time_stands_in_the_element() {
        let now = Now::utc("2025-11-12T15:00:00Z".parse().unwrap());
        let when = When::moment("2025-11-12T09:05:00.25Z".parse().unwrap(), &now);
        assert_eq!(
            when.to_string(),
            r#"<time datetime="2025-11-12T09:05:00Z" title="2025-11-12 09:05:00 UTC" data-exact>09:05</time>"#
        );
    }

    #[test]
    fn capitals_of_the_registry_are_softened_and_spellings_are_kept() {
        assert_eq!(unshouted("SAN LUIS OBISPO"), "San Luis Obispo");
        assert_eq!(unshouted("PO BOX 12, NW SUITE"), "PO Box 12, NW Suite");
        assert_eq!(unshouted("McAllen"), "McAllen");
        assert_eq!(person("O'BRIEN, MARY-ANN"), "O'BRIEN, Mary-Ann");
        assert_eq!(person("HEART GROUP LLC"), "HEART GROUP LLC");
    }

    #[test]
    fn lengths_of_time_are_said_in_two_units_at_most() {
        assert_eq!(duration(41.2), "41 s");
        assert_eq!(duration(200.0), "3 min 20 s");
        assert_eq!(duration(7_500.0), "2 h 5 min");
    }
}
