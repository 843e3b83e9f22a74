//! Times as American offices and spreadsheets write them.

use jiff::{SignedDuration, Timestamp, civil::Date, civil::Time, tz::Offset};

/// The months, which are also called by their first letters.
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
/// The days of the week.
const DAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];
/// Days from 30 December 1899, where spreadsheets begin to count, to 1970.
const UNIX_DAY: f64 = 25_569.0;

/// What a cell says: a time with its zone, one without, which is UTC, or the beginning of a day.
pub(super) fn read(cell: &str) -> Option<Timestamp> {
    let text: String = cell.chars().filter_map(plain).collect();
    let text = text.trim();
    if let Ok(at) = text.parse() {
        return Some(at);
    }
    if let Some(at) = serial(text) {
        return Some(at);
    }
    let mut words = Words(words(text)?);
    let date = words.date()?;
    let time = words.time()?;
    words.0.is_empty().then_some(())?;
    Offset::UTC.to_timestamp(date.to_datetime(time)).ok()
}

/// A letter without its peculiarities: spreadsheets put special blanks before AM and PM.
fn plain(letter: char) -> Option<char> {
    match letter {
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{feff}' => None,
        '\u{2010}'..='\u{2013}' | '\u{2212}' => Some('-'),
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - 0xfee0),
        _ if letter.is_whitespace() => Some(' '),
        _ => Some(letter),
    }
}

/// The time of a number of days, as spreadsheets count them, from 1970 to 2199.
fn serial(text: &str) -> Option<Timestamp> {
    if !text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    let days: f64 = text.parse().ok()?;
    if !(UNIX_DAY..109_575.0).contains(&days) {
        return None;
    }
    let seconds = ((days - UNIX_DAY) * 86_400.0).round();
    let since = SignedDuration::try_from_secs_f64(seconds).ok()?;
    Timestamp::UNIX_EPOCH.checked_add(since).ok()
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    /// A number and how many digits it has.
    Number(i16, usize),
    /// Small letters.
    Name(String),
    Mark(char),
}

/// The words and numbers of a text, the first one last.
fn words(text: &str) -> Option<Vec<Word>> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let of = |is: fn(char) -> bool| rest.find(|c| !is(c)).unwrap_or(rest.len());
        let length = if first.is_ascii_digit() {
            let length = of(|c| c.is_ascii_digit());
            // A fraction of a second may have nine digits; four say enough.
            let number = rest[..length.min(4)].parse().ok()?;
            words.push(Word::Number(number, length));
            length
        } else if first.is_ascii_alphabetic() {
            let length = of(|c| c.is_ascii_alphabetic());
            words.push(Word::Name(rest[..length].to_ascii_lowercase()));
            length
        } else {
            if first != ' ' {
                words.push(Word::Mark(first));
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    words.reverse();
    Some(words)
}

/// What is left to read, the next one last.
struct Words(Vec<Word>);

impl Words {
    fn mark(&mut self, mark: char) -> bool {
        let found = self.0.last() == Some(&Word::Mark(mark));
        if found {
            self.0.pop();
        }
        found
    }

    fn name(&mut self, is: impl Fn(&str) -> bool) -> bool {
        let found = matches!(self.0.last(), Some(Word::Name(name)) if is(name));
        if found {
            self.0.pop();
        }
        found
    }

    fn number(&mut self, digits: std::ops::RangeInclusive<usize>) -> Option<i16> {
        match self.0.pop()? {
            Word::Number(number, length) if digits.contains(&length) => Some(number),
            _ => None,
        }
    }

    fn small(&mut self) -> Option<i8> {
        i8::try_from(self.number(1..=2)?).ok()
    }

    /// A year of four digits, or of two: from 70 on it is one of the last century.
    fn year(&mut self) -> Option<i16> {
        match self.0.pop()? {
            Word::Number(year, 4) => Some(year),
            Word::Number(year, 2) if year < 70 => Some(2000 + year),
            Word::Number(year, 2) => Some(1900 + year),
            _ => None,
        }
    }

    fn month(&mut self) -> Option<i8> {
        let Word::Name(name) = self.0.pop()? else {
            return None;
        };
        let name = if name == "sept" { "sep" } else { &name };
        let begins = |month: &&str| name.len() >= 3 && month.starts_with(name);
        let found = MONTHS.iter().position(begins)?;
        self.mark('.');
        i8::try_from(found + 1).ok()
    }

    fn date(&mut self) -> Option<Date> {
        let is_day = |name: &str| name.len() >= 3 && DAYS.iter().any(|day| day.starts_with(name));
        if self.name(is_day) {
            self.mark('.');
            self.mark(',');
        }
        match self.0.last()? {
            Word::Name(_) => {
                let month = self.month()?;
                let day = self.small()?;
                self.name(|name| matches!(name, "st" | "nd" | "rd" | "th"));
                self.mark(',');
                Date::new(self.year()?, month, day).ok()
            }
            Word::Number(_, 4) => {
                let year = self.year()?;
                let parts = if self.mark('-') { '-' } else { '/' };
                if parts == '/' && !self.mark('/') {
                    return None;
                }
                let month = self.small()?;
                self.mark(parts).then_some(())?;
                Date::new(year, month, self.small()?).ok()
            }
            Word::Number(..) => {
                let first = self.small()?;
                let parts = if self.mark('/') { '/' } else { '-' };
                let parted = parts == '/' || self.mark('-');
                if matches!(self.0.last()?, Word::Name(_)) {
                    let month = self.month()?;
                    let _ = self.mark('-') || self.mark('/') || self.mark(',');
                    return Date::new(self.year()?, month, first).ok();
                }
                parted.then_some(())?;
                // An American writes the month first.
                let day = self.small()?;
                self.mark(parts).then_some(())?;
                Date::new(self.year()?, first, day).ok()
            }
            Word::Mark(_) => None,
        }
    }

    /// The time of the day, midnight when there is none.
    fn time(&mut self) -> Option<Time> {
        let _ = self.mark(',') || self.name(|name| matches!(name, "t" | "at"));
        if self.0.is_empty() {
            return Some(Time::midnight());
        }
        let hour = self.small()?;
        let (mut minute, mut second) = (None, 0);
        if self.mark(':') {
            minute = Some(i8::try_from(self.number(2..=2)?).ok()?);
            if self.mark(':') {
                second = i8::try_from(self.number(2..=2)?).ok()?;
                if self.mark('.') {
                    self.number(1..=9)?;
                }
            }
        }
        let hour = match self.half() {
            Some(_) if !(1..=12).contains(&hour) => return None,
            Some(half) => hour % 12 + half,
            // "5" alone is no time.
            None if minute.is_none() => return None,
            None => hour,
        };
        self.name(|name| matches!(name, "utc" | "gmt" | "z"));
        Time::new(hour, minute.unwrap_or(0), second, 0).ok()
    }

    /// The hours that AM or PM adds, when one of them is said.
    fn half(&mut self) -> Option<i8> {
        let is = |name: &str| matches!(name, "a" | "am" | "p" | "pm");
        let Some(Word::Name(name)) = self
            .0
            .last()
            .filter(|w| matches!(w, Word::Name(n) if is(n)))
        else {
            return None;
        };
        let half = if name.starts_with('a') { 0 } else { 12 };
        self.0.pop();
        if self.mark('.') && self.name(|name| name == "m") {
            self.mark('.');
        }
        Some(half)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn times_are_read_as_offices_write_them() {
        let evening = at("2026-01-31T17:00:00Z");
        for cell in [
            "2026-01-31T17:00:00Z",
            "2026-01-31T12:00:00-05:00",
            "1/31/2026 5:00 PM",
            "1/31/26 5:00 pm",
            "01/31/2026 17:00",
            "01/31/2026, 5:00:00\u{202f}PM",
            "1-31-2026 5PM",
            "2026-01-31 17:00",
            "2026-01-31T17:00",
            "2026/1/31 17:00:00.000",
            "2026-01-31 17:00 UTC",
            "Jan 31, 2026 5:00 p.m.",
            "January 31 2026 5 PM",
            "Saturday, January 31, 2026 at 5:00 PM",
            "Jan. 31st, 2026, 5 p",
            "31-Jan-2026 17:00",
            "31 January 2026 5 PM",
            "46053.708333333336",
        ] {
            assert_eq!(read(cell), Some(evening), "{cell}");
        }
        for cell in [
            "1/31/2026",
            "1/31/26",
            "01/31/2026",
            "Jan 31, 2026",
            "31-Jan-26",
            "2026-01-31",
            " 2026-1-31 ",
            "46053",
            "46053.0",
            "1/31/2026 12:00 AM",
        ] {
            assert_eq!(read(cell), Some(at("2026-01-31T00:00:00Z")), "{cell}");
        }
        assert_eq!(read("9/1/99"), Some(at("1999-09-01T00:00:00Z")));
        assert_eq!(
            read("Sept 1, 1999 12:30 PM"),
            Some(at("1999-09-01T12:30:00Z"))
        );
    }

    #[test]
    fn what_could_be_something_else_is_no_time() {
        for cell in [
            "",
            "yesterday",
            "2026",
            "1/31",
            "31/1/2026",
            "31.01.2026",
            "13/13/2026",
            "2/30/2026",
            "1/31/2026 5",
            "1/31/2026 13:00 PM",
            "1/31/2026 0:30 AM",
            "1/31/2026 25:00",
            "1/31/2026 5:00 PM EST",
            "1/31-2026",
            "1/31/026",
            "Ja 31, 2026",
            "5:00 PM",
            "-1",
            "1e5",
            "12",
            "20260131000000",
            "1/31/2026 5:0",
            "Jan 2026",
            "2026-01-31 x",
        ] {
            assert_eq!(read(cell), None, "{cell}");
        }
    }

    proptest! {
        #[test]
        fn every_moment_is_read_in_every_spelling(minutes in 0i64..70_000_000, form in 0usize..7) {
            let moment = Timestamp::from_second(minutes * 60).unwrap();
            let there = Offset::UTC.to_datetime(moment);
            let format = [
                "%Y-%m-%d %H:%M", "%-m/%-d/%Y %-I:%M %p", "%m/%d/%Y %H:%M:%S", "%B %-d, %Y %I:%M %p",
                "%d-%b-%Y %H:%M", "%b %-d %Y, %-I:%M%P", "%A, %B %d, %Y %H:%M",
            ][form];
            let cell = there.strftime(format).to_string();
            prop_assert_eq!(read(&cell), Some(moment), "{}", cell);
            #[expect(clippy::cast_precision_loss, reason = "minutes of some decades are exact")]
            let days = minutes as f64 / 1_440.0 + UNIX_DAY;
            prop_assert_eq!(read(&days.to_string()), Some(moment), "{}", days);
        }

        #[test]
        fn no_text_breaks_it(cell in "[0-9/: .,-]{0,16}|(Jan|[0-9]{1,5}|PM|[-/:., ]){0,9}|.{0,20}") {
            let _ = read(&cell);
        }
    }
}
