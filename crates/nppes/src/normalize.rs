//! How single values of the registry are read, from whichever door they come.
//!
//! The same value is spelled differently by the API and by the files, and differently over the
//! years. After these rules it is spelled one way, so that an unchanged provider compares equal.

use canvass_model::{InvalidNpi, Npi};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// A text without the spaces around it; none where it only says that there is none: empty, `--`,
/// `<UNAVAIL>`, or a mask of `=`, `$` or `*`.
pub(crate) fn text(raw: &str) -> Option<String> {
    // PostgreSQL can't store a NUL inside a text.
    stated(raw).map(|text| {
        if text.contains('\0') {
            text.replace('\0', "")
        } else {
            text.to_owned()
        }
    })
}

/// As [`text`], without making a copy; a NUL inside stays.
pub(crate) fn stated(raw: &str) -> Option<&str> {
    // Nearly all values have nothing around them.
    let trimmed = match raw.as_bytes() {
        [] => return None,
        [b'!'..=b'~'] | [b'!'..=b'~', .., b'!'..=b'~'] => raw,
        _ => raw.trim_matches(|c: char| c.is_whitespace() || c == '\0'),
    };
    let (first, rest) = trimmed.as_bytes().split_first()?;
    let absent = match first {
        b'<' => trimmed.eq_ignore_ascii_case("<UNAVAIL>"),
        b'-' | b'=' | b'$' | b'*' => !rest.is_empty() && rest.iter().all(|b| b == first),
        _ => false,
    };
    (!absent).then_some(trimmed)
}

/// The prefixes and suffixes of names that CMS lists, as the API spells them now. Roman numerals
/// need no entry: they are upper case everywhere.
const AFFIXES: [&str; 9] = [
    "Dr.", "Mr.", "Mrs.", "Ms.", "Miss", "Prof.", "Jr.", "Sr.", "Esq.",
];

/// A prefix or suffix of a person's name: `DR.`, `DR` and `Dr.` are all `Dr.`; what is not listed
/// stays as it is.
pub(crate) fn affix(raw: &str) -> Option<String> {
    let bare = stated(raw)?.trim_end_matches('.');
    let listed = AFFIXES
        .into_iter()
        .find(|known| known.trim_end_matches('.').eq_ignore_ascii_case(bare));
    listed.map(str::to_owned).or_else(|| text(raw))
}

/// A yes or no. `X` means not answered.
///
/// # Errors
/// When it is neither.
pub(crate) fn flag(raw: &str) -> Result<Option<bool>, ()> {
    let Some(text) = stated(raw) else {
        return Ok(None);
    };
    let is = |words: [&str; 3]| {
        words
            .into_iter()
            .any(|word| text.eq_ignore_ascii_case(word))
    };
    if is(["Y", "YES", "TRUE"]) {
        Ok(Some(true))
    } else if is(["N", "NO", "FALSE"]) {
        Ok(Some(false))
    } else if text.eq_ignore_ascii_case("X") {
        Ok(None)
    } else {
        Err(())
    }
}

/// A postal code: the five or nine digits of a ZIP without hyphen, anything else as it is.
pub(crate) fn postal_code(raw: &str) -> Option<String> {
    let text = text(raw)?;
    let is_zip =
        |text: &str| matches!(text.len(), 5 | 9) && text.bytes().all(|b| b.is_ascii_digit());
    if is_zip(&text) {
        return Some(text);
    }
    let joined: String = text.chars().filter(|c| !matches!(c, '-' | ' ')).collect();
    Some(if is_zip(&joined) { joined } else { text })
}

/// A group taxonomy as code and upper-case label. The API writes
/// `193400000X - Single Specialty Group`, the files `193400000X SINGLE SPECIALTY  GROUP`.
pub(crate) fn taxonomy_group(raw: &str) -> Option<String> {
    let upper = text(raw)?.to_uppercase();
    let mut words: Vec<&str> = upper.split_whitespace().collect();
    if words.get(1) == Some(&"-") {
        words.remove(1);
    }
    Some(words.join(" "))
}

/// A calendar day, `2005-05-23` or `05/23/2005`, whatever time of day follows it. A spreadsheet
/// writes `5/23/2005`.
pub(crate) fn date(text: &str) -> Option<Date> {
    let Some((day, rest)) = text.split_at_checked(10) else {
        return short_date(text);
    };
    if rest.starts_with(|c: char| c.is_ascii_digit()) {
        return short_date(text);
    }
    if let [m1, m2, b'/', d1, d2, b'/', year @ ..] = day.as_bytes() {
        let number = |digits: &[u8]| {
            digits.iter().try_fold(0_i16, |sum, digit| {
                let digit = i16::from(*digit).checked_sub(i16::from(b'0'))?;
                (0..10).contains(&digit).then_some(sum * 10 + digit)
            })
        };
        let part = |digits| number(digits).and_then(|n| i8::try_from(n).ok());
        return Date::new(number(year)?, part(&[*m1, *m2])?, part(&[*d1, *d2])?).ok();
    }
    day.parse().ok().or_else(|| short_date(text))
}

/// A calendar day of which month and day have one digit or two.
fn short_date(text: &str) -> Option<Date> {
    let mut rest = text;
    let mut number = |longest: usize| {
        let end = rest.bytes().take_while(u8::is_ascii_digit).count();
        let digits = rest
            .get(..end)
            .filter(|d| (1..=longest).contains(&d.len()))?;
        rest = &rest[end..];
        let part = rest.chars().next();
        if let Some('/' | '-') = part {
            rest = &rest[1..];
        }
        Some((digits.len(), digits.parse::<i16>().ok()?, part))
    };
    let (a, b, c) = (number(4)?, number(2)?, number(4)?);
    if matches!(c.2, Some('/' | '-')) {
        return None;
    }
    let (year, month, day) = match (a.2?, b.2?) {
        ('/', '/') => (c, a, b),
        ('-', '-') => (a, b, c),
        _ => return None,
    };
    if year.0 != 4 || month.0 > 2 || day.0 > 2 {
        return None;
    }
    let part = |n: (_, i16, _)| i8::try_from(n.1).ok();
    Date::new(year.1, part(month)?, part(day)?).ok()
}

/// An NPI, also as spreadsheets leave it: with blanks, quotes or an apostrophe around it, as
/// `1234567893.0`, or as a power of ten that has all its digits.
///
/// # Errors
/// When it is none.
pub(crate) fn npi(raw: &str) -> Result<Npi, InvalidNpi> {
    raw.parse()
        .or_else(|error| npi_digits(raw).ok_or(error)?.parse())
}

/// The ten digits of a cell that a spreadsheet has rewritten.
pub(crate) fn npi_digits(raw: &str) -> Option<String> {
    let around = |c: char| c.is_whitespace() || matches!(c, '\0' | '"' | '\'' | '=' | '\u{feff}');
    let bare = raw.trim_matches(around);
    let zeros = |text: &str| text.bytes().all(|b| b == b'0');
    let digits = if let Some((head, power)) = bare.split_once(['e', 'E']) {
        let power = power.trim_start_matches('+').trim_start_matches('0');
        let (one, rest) = head.split_once('.')?;
        (power == "9" && one.len() == 1 && rest.len() == 9).then(|| format!("{one}{rest}"))?
    } else {
        let (whole, rest) = bare.split_once('.').unwrap_or((bare, ""));
        zeros(rest).then(|| whole.to_owned())?
    };
    let is_whole = digits.len() == 10 && digits.bytes().all(|b| b.is_ascii_digit());
    is_whole.then_some(digits)
}

/// The zone whose calendar days the registry's dates are.
pub(crate) fn eastern() -> TimeZone {
    // The zone is built into the binary, so the lookup can't fail.
    TimeZone::get("America/New_York").unwrap_or(TimeZone::UTC)
}

/// Epochs below this are seconds (until the year 5138), from it on milliseconds (since 1973).
const FIRST_MILLISECOND: i64 = 100_000_000_000;
const DAY: i64 = 24 * 60 * 60;

/// The calendar day of an epoch in seconds or milliseconds.
///
/// An epoch stands for the day it has in US Eastern time. The older answers also have epochs at
/// exactly midnight UTC, which stand for a day without a time.
pub(crate) fn day_of_epoch(epoch: i64) -> Option<Date> {
    let seconds = if epoch.checked_abs()? < FIRST_MILLISECOND {
        epoch
    } else {
        epoch.div_euclid(1_000)
    };
    let zone = if seconds % DAY == 0 {
        TimeZone::UTC
    } else {
        eastern()
    };
    Some(
        Timestamp::from_second(seconds)
            .ok()?
            .to_zoned_datetime(zone)
            .date(),
    )
}

#[cfg(test)]
mod tests {
    use jiff::civil::date as day;

    use super::*;

    #[test]
    fn every_way_to_say_nothing_is_nothing() {
        for raw in [
            "",
            "  ",
            "--",
            " -- ",
            "---",
            "<UNAVAIL>",
            "=========",
            "$$$$$$$$$",
            "********",
            "\0",
        ] {
            assert_eq!(text(raw), None, "{raw:?}");
        }
        for (raw, kept) in [("-", "-"), (" A ", "A"), ("*1", "*1"), ("X\0Y", "XY")] {
            assert_eq!(text(raw).as_deref(), Some(kept));
        }
    }

    #[test]
    fn a_title_has_one_spelling() {
        for (raw, one) in [
            ("DR.", "Dr."),
            ("Dr", "Dr."),
            ("MISS", "Miss"),
            ("JR.", "Jr."),
            ("III", "III"),
            ("REV.", "REV."),
        ] {
            assert_eq!(affix(raw).as_deref(), Some(one), "{raw}");
        }
    }

    #[test]
    fn flags_of_api_and_files_are_one() {
        assert_eq!((flag("YES"), flag("y")), (Ok(Some(true)), Ok(Some(true))));
        assert_eq!((flag("NO"), flag("N")), (Ok(Some(false)), Ok(Some(false))));
        assert_eq!((flag("X"), flag("")), (Ok(None), Ok(None)));
        assert_eq!(flag("maybe"), Err(()));
    }

    #[test]
    fn only_a_zip_loses_its_hyphen() {
        for (raw, one) in [
            ("30309-3702", "303093702"),
            ("30309", "30309"),
            ("K1A 0B1", "K1A 0B1"),
            ("100-0001", "100-0001"),
        ] {
            assert_eq!(postal_code(raw).as_deref(), Some(one));
        }
    }

    #[test]
    fn groups_of_api_and_files_are_one() {
        for raw in [
            "193400000X - Single Specialty Group",
            "193400000X SINGLE SPECIALTY  GROUP",
        ] {
            let one = taxonomy_group(raw);
            assert_eq!(one.as_deref(), Some("193400000X SINGLE SPECIALTY GROUP"));
        }
    }

    #[test]
    fn dates_of_api_and_files_are_one() {
        for text in [
            "2005-05-23",
            "05/23/2005",
            "2005-05-23 22:03",
            "5/23/2005 0:00",
        ] {
            assert_eq!(date(text), Some(day(2005, 5, 23)), "{text}");
        }
        for text in [
            "5/3/2005",
            "05/3/2005",
            "5/03/2005",
            "2005-5-3",
            "5/3/2005 12:00:00 AM",
        ] {
            assert_eq!(date(text), Some(day(2005, 5, 3)), "{text}");
        }
        for text in [
            "2005-02-30",
            "2005",
            "yesterday!",
            "1/2/05",
            "1-2-2005",
            "13/2/2005",
            "1/2/2005/3",
            "1/2/20055",
            "",
            "2005-05-231",
        ] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn an_npi_is_known_by_all_that_a_spreadsheet_makes_of_it() {
        for raw in [
            "1234567893",
            " 1234567893\u{a0}",
            "1234567893.0",
            "1234567893.00",
            "'1234567893",
            "=\"1234567893\"",
            "1.234567893E+09",
        ] {
            assert_eq!(npi(raw).unwrap().to_string(), "1234567893", "{raw}");
        }
        for raw in [
            "1234567893.5",
            "1.23457E+09",
            "123456789.3",
            "1234567890.0",
            "",
            ".0",
        ] {
            assert!(npi(raw).is_err(), "{raw}");
        }
    }

    #[test]
    fn an_epoch_is_an_eastern_day_unless_it_is_a_bare_day() {
        // 23:30 in New York, when it is the next day in UTC.
        assert_eq!(day_of_epoch(1_183_951_800), Some(day(2007, 7, 8)));
        assert_eq!(day_of_epoch(1_183_951_800_000), Some(day(2007, 7, 8)));
        assert_eq!(day_of_epoch(1_256_083_200), Some(day(2009, 10, 21)));
        assert_eq!(day_of_epoch(i64::MIN), None);
        assert_eq!(day_of_epoch(i64::MAX), None);
    }
}
