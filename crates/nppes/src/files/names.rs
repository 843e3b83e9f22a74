//! What the name of a file tells of its extent.

use jiff::civil::{Date, date};

use super::Extent;

/// The day the registry began: full files say that they hold everything from it on.
const FIRST_DAY: Date = date(2005, 5, 23);

/// The extent that a name tells by its dates: `npidata_pfile_20050523-20260913.csv` is full,
/// `pl_pfile_20260831-20260906.csv` a week.
pub(super) fn dated(name: &str) -> Option<Extent> {
    let (from, until) = range(name)?;
    Some(if from == FIRST_DAY {
        Extent::Full { until: Some(until) }
    } else {
        Extent::Weekly {
            from: Some(from),
            until: Some(until),
        }
    })
}

/// The extent of a main or side file whose name has no dates, or one. Weekly when nothing says
/// otherwise: a full set takes what it lacks out of service.
pub(super) fn undated(name: &str) -> Extent {
    let until = day(name);
    let full = name
        .to_ascii_lowercase()
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| word == "full");
    if full {
        Extent::Full { until }
    } else {
        Extent::Weekly { from: None, until }
    }
}

/// The last day in a name: `NPPES Deactivated NPI Report 20231009.xlsx`.
pub(super) fn day(name: &str) -> Option<Date> {
    digit_runs(name).rev().find_map(parse)
}

/// The day in the title of the report of deactivations:
/// `NPPES Deactivated Records as of Oct 09 2023`.
pub(super) fn day_in_words(title: &str) -> Option<Date> {
    const MONTHS: &str = "janfebmaraprmayjunjulaugsepoctnovdec";
    let words: Vec<&str> = title
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    words.windows(3).find_map(|words| {
        let [month, day, year] = words else {
            return None;
        };
        let month = MONTHS
            .match_indices(&month.get(..3)?.to_ascii_lowercase())
            .find(|(at, _)| at % 3 == 0)?
            .0;
        let month = i8::try_from(month / 3 + 1).ok()?;
        Date::new(year.parse().ok()?, month, day.parse().ok()?).ok()
    })
}

/// Two days with a hyphen between them.
fn range(name: &str) -> Option<(Date, Date)> {
    name.match_indices('-').find_map(|(hyphen, _)| {
        let before = name[..hyphen]
            .rsplit(|c: char| !c.is_ascii_digit())
            .next()?;
        let after = name[hyphen + 1..]
            .split(|c: char| !c.is_ascii_digit())
            .next()?;
        let (from, until) = (parse(before)?, parse(after)?);
        (from <= until).then_some((from, until))
    })
}

fn digit_runs(name: &str) -> impl DoubleEndedIterator<Item = &str> {
    name.split(|c: char| !c.is_ascii_digit())
}

fn parse(digits: &str) -> Option<Date> {
    if digits.len() != 8 {
        return None;
    }
    let year = digits[..4].parse().ok()?;
    let month = digits[4..6].parse().ok()?;
    let day = digits[6..].parse().ok()?;
    let plausible = (2005..2100).contains(&year);
    Date::new(year, month, day).ok().filter(|_| plausible)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_cms_tell_their_days() {
        assert_eq!(
            dated("npidata_pfile_20050523-20260913.csv"),
            Some(Extent::Full {
                until: Some(date(2026, 9, 13))
            })
        );
        assert_eq!(
            dated("pl_pfile_20190902-20190908_part.csv"),
            Some(Extent::Weekly {
                from: Some(date(2019, 9, 2)),
                until: Some(date(2019, 9, 8))
            })
        );
        for name in [
            "npidata_pfile_20260913-20050523.csv",
            "npidata_pfile_20261313-20261413.csv",
            "npidata-pfile.csv",
            "é-20260913.csv",
        ] {
            assert_eq!(dated(name), None, "{name}");
        }
    }

    #[test]
    fn other_names_are_of_a_week_unless_they_say_full() {
        assert_eq!(
            undated("npidata_pfile_weekly_20260615_part.csv"),
            Extent::Weekly {
                from: None,
                until: Some(date(2026, 6, 15))
            }
        );
        assert_eq!(
            undated("npidata_pfile_full_head700_2025.csv"),
            Extent::Full { until: None }
        );
        assert_eq!(
            undated("fullerton.csv"),
            Extent::Weekly {
                from: None,
                until: None
            }
        );
        assert_eq!(
            day("NPPES Deactivated NPI Report 20231009.xlsx"),
            Some(date(2023, 10, 9))
        );
    }
}
