//! The week after a monthly set: which lines change, and how.

use std::ops::Range;

use canvass_model::{
    Address, Change, Entity, OtherName, PersonName, Phone, Provider, RecordStatus, Source,
    changes_between,
};
use jiff::{Timestamp, ToSpan, civil::Date};

use super::{
    MONTH_ENDS,
    file_sample::{self, FileSample, Standing},
};
use crate::sample::{self, draw::Draw, names};

/// Distinguish the draws of this module.
const PLAN: u64 = 0x0077_6565_6b6c_7921;
const EDIT: u64 = 0x6564_6974_2121_2121;

/// What happens to a provider in a week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Action {
    Created,
    Updated,
    /// Its line is there again, the same as before.
    Unchanged,
    Deactivated,
    Reactivated,
}

/// How many lines each action takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shares {
    created: u64,
    updated: u64,
    unchanged: u64,
    deactivated: u64,
    reactivated: u64,
}

impl Shares {
    /// 30 of 100 new, 15 the same, 5 out of service, 2 in service again, the rest changed; of five
    /// lines or more at least one each.
    fn of(changes: u64) -> Self {
        let share = |percent: u64| (changes * percent / 100).max(u64::from(changes >= 5));
        let (created, unchanged, deactivated, reactivated) =
            (share(30), share(15), share(5), share(2));
        Self {
            created,
            updated: changes - created - unchanged - deactivated - reactivated,
            unchanged,
            deactivated,
            reactivated,
        }
    }

    /// Takes one of the actions that befall a provider in service, the frequent ones more often.
    fn take(&mut self, draw: &mut Draw) -> Option<Action> {
        let at = draw.below(self.updated + self.unchanged + self.deactivated);
        let (action, left) = if at < self.updated {
            (Action::Updated, &mut self.updated)
        } else if at < self.updated + self.unchanged {
            (Action::Unchanged, &mut self.unchanged)
        } else {
            (Action::Deactivated, &mut self.deactivated)
        };
        *left = left.checked_sub(1)?;
        Some(action)
    }
}

/// The lines of a week in the order of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Week {
    /// Its days, the last included.
    pub(super) first: Date,
    pub(super) last: Date,
    /// Place of each provider in the sample, and what happens to it.
    pub(super) lines: Vec<(u64, Action)>,
}

impl Week {
    /// The last of some weeks after a monthly set of so many rows, each with so many changes.
    ///
    /// No provider is touched in two weeks, so that what was known before is always what the
    /// monthly set tells.
    pub(super) fn plan(sample: &FileSample, seed: u64, rows: u64, weeks: &[u64]) -> Self {
        let mut touched = Scattered::new(seed, rows);
        let mut created = rows;
        let mut lines = Vec::new();
        for (week, changes) in (0..).zip(weeks) {
            lines.clear();
            let mut left = Shares::of(*changes);
            let draw = &mut Draw::new(seed ^ PLAN, week);
            while left.updated + left.unchanged + left.deactivated + left.reactivated > 0 {
                let Some(index) = touched.next() else {
                    break;
                };
                let action = match sample.standing(index) {
                    Standing::Deactivated if left.reactivated > 0 => {
                        left.reactivated -= 1;
                        Some(Action::Reactivated)
                    }
                    Standing::Deactivated => None,
                    Standing::Active | Standing::Reactivated => left.take(draw),
                };
                lines.extend(action.map(|action| (index, action)));
            }
            let new: Range<u64> = created..created + left.created;
            created = new.end;
            lines.extend(new.map(|index| (index, Action::Created)));
        }
        lines.sort_unstable();
        let [first, last] = days(weeks.len());
        Self { first, last, lines }
    }

    /// What was known of a provider before, and what this week tells; nothing was known of a new
    /// one.
    pub(super) fn provider(
        &self,
        sample: &FileSample,
        seed: u64,
        (index, action): (u64, Action),
    ) -> (Option<Provider>, Provider) {
        let draw = &mut Draw::new(seed ^ EDIT, index);
        let day = self.day(draw);
        if action == Action::Created {
            let mut after = sample.whole(index);
            after.enumerated_on = Some(day);
            after.updated_on = Some(day);
            after.certified_on = Some(day);
            return (None, after);
        }
        let before = sample.listed(index);
        let after = match action {
            Action::Deactivated => file_sample::deactivated(&before, day),
            Action::Reactivated => {
                let mut after = sample.whole(index);
                after.deactivated_on = before.deactivated_on;
                after.enumerated_on = after.enumerated_on.min(before.deactivated_on);
                after.reactivated_on = Some(day);
                after.updated_on = Some(day);
                after
            }
            Action::Updated => {
                let mut after = before.clone();
                edit(sample, draw, &mut after);
                if changed(&known(&before), &known(&after)).is_empty() {
                    // Whatever the edit found nothing to do for.
                    other_room(&mut after);
                }
                after.updated_on = Some(day);
                after.certified_on = draw.permille(800).then_some(day).or(after.certified_on);
                after
            }
            _ => before.clone(),
        };
        debug_assert_eq!(
            after.status == RecordStatus::Deactivated,
            action == Action::Deactivated
        );
        (Some(before), after)
    }

    fn day(&self, draw: &mut Draw) -> Date {
        let after = i64::try_from(draw.below(7)).unwrap_or(0);
        self.first.checked_add(after.days()).unwrap_or(self.first)
    }
}

/// Monday and Sunday of the nth week after the monthly set, from 1.
fn days(week: usize) -> [Date; 2] {
    let ends = i64::try_from(week).unwrap_or(0) * 7;
    [ends - 6, ends].map(|day| MONTH_ENDS.checked_add(day.days()).unwrap_or(MONTH_ENDS))
}

/// What a load would tell of it.
fn changed(before: &Provider, after: &Provider) -> Vec<Change> {
    changes_between(before, after, Source::WeeklyFile, Timestamp::UNIX_EPOCH)
}

/// All but what every update touches.
fn known(p: &Provider) -> Provider {
    Provider {
        updated_on: None,
        certified_on: None,
        ..p.clone()
    }
}

/// The places below a number, each once, neighbours far from each other.
struct Scattered {
    rows: u64,
    step: u64,
    at: u64,
    left: u64,
}

impl Scattered {
    fn new(seed: u64, rows: u64) -> Self {
        // The golden section scatters best; the next number that has no divisor in common with the
        // rows comes by every place.
        let mut step = (rows.saturating_mul(618) / 1000).max(1);
        while divisor(step, rows) != 1 {
            step += 1;
        }
        Self {
            rows,
            step,
            at: Draw::new(seed ^ PLAN, u64::MAX).below(rows),
            left: rows,
        }
    }
}

impl Iterator for Scattered {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.left = self.left.checked_sub(1)?;
        self.at = (self.at + self.step) % self.rows;
        Some(self.at)
    }
}

/// The greatest common one.
fn divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { divisor(b, a % b) }
}

/// One edit, as providers make them: mostly telephone numbers, moves and taxonomies.
fn edit(sample: &FileSample, draw: &mut Draw, p: &mut Provider) {
    let person = p.entity == Some(Entity::Individual);
    match draw.below(100) {
        0..24 => practice_phone(draw, p),
        24..30 => {
            if let Some(practice) = &mut p.practice {
                practice.fax = other_number(draw, practice.fax.as_ref());
            }
        }
        30..46 => {
            let at = place(sample, draw, p);
            p.practice = Some(at);
        }
        46..54 => {
            let at = place(sample, draw, p);
            p.mailing = Some(at);
        }
        54..60 if person => rename(draw, p),
        54..57 => {
            let proud = draw.one_of(&sample.sample.proud);
            let name = p.organization_name.clone().unwrap_or_default();
            p.organization_name = Some(format!("{proud} {name}").chars().take(100).collect());
        }
        57..60 => p.other_names.push(sample.trade_name(draw, p)),
        60..64 if person => {
            let other = file_sample::colleague(draw, p).credential;
            p.name.credential = other;
        }
        60..68 if !person => {
            if let Some(official) = p.official.clone() {
                let name = file_sample::colleague(draw, p);
                p.official = Some(canvass_model::Official { name, ..official });
            }
        }
        64..66 => p.sole_proprietor = Some(p.sole_proprietor != Some(true)),
        66..68 => p.name.suffix = draw.permille(500).then(|| "Jr.".to_owned()),
        68..82 => taxonomies(draw, p),
        82..88 => {
            let state = file_sample::practice_state(p);
            sample::identifiers(draw, p, &state);
            p.identifiers.truncate(50);
        }
        88..95 => {
            if p.secondary.is_empty() || draw.permille(700) {
                let at = place(sample, draw, p);
                p.secondary.push(at);
            } else {
                p.secondary.remove(0);
            }
        }
        _ => {
            let endpoint = sample::endpoint(draw, p);
            p.endpoints.push(endpoint);
        }
    }
}

/// Another number of the practice, which for many is where mail goes too.
fn practice_phone(draw: &mut Draw, p: &mut Provider) {
    let Some(practice) = &mut p.practice else {
        return;
    };
    let before = practice.phone.take();
    practice.phone = other_number(draw, before.as_ref());
    if let Some(mailing) = &mut p.mailing
        && mailing.phone == before
        && draw.permille(700)
    {
        mailing.phone.clone_from(&practice.phone);
    }
}

/// Another of the hundred numbers kept free for fiction in an area.
fn other_number(draw: &mut Draw, number: Option<&Phone>) -> Option<Phone> {
    let digits = number?.digits();
    let (head, tail) = digits.split_at_checked(digits.len().checked_sub(2)?)?;
    let tail = (tail.parse::<u64>().ok()? + draw.between(1..100)) % 100;
    Phone::parse(&format!("{head}{tail:02}"))
}

/// A house in the same state, if the sample knows it.
fn place(sample: &FileSample, draw: &mut Draw, p: &Provider) -> Address {
    let addresses = &sample.sample.addresses;
    let state = addresses
        .place_of(&file_sample::practice_state(p))
        .unwrap_or_else(|| addresses.state(draw));
    addresses.practice(draw, state)
}

/// Another last name; the former one stays known. The main file has room for one only.
fn rename(draw: &mut Draw, p: &mut Provider) {
    let former = p.name.last.replace(names::last(draw).to_owned());
    if p.other_names.is_empty() && former != p.name.last {
        p.other_names.push(OtherName {
            code: Some("1".to_owned()),
            organization: None,
            person: PersonName {
                first: p.name.first.clone(),
                last: former,
                ..PersonName::default()
            },
        });
    }
}

/// A licence more or another one, or another taxonomy that is primary.
fn taxonomies(draw: &mut Draw, p: &mut Provider) {
    let count = p.taxonomies.len();
    let mut license = String::from("T");
    draw.digits(&mut license, 6);
    let state = Some(file_sample::practice_state(p)).filter(|s| !s.is_empty());
    match draw.below(3) {
        0 if count > 1 => {
            let was = p.taxonomies.iter().position(|t| t.primary).unwrap_or(0);
            for (i, t) in p.taxonomies.iter_mut().enumerate() {
                t.primary = i == (was + 1) % count;
            }
        }
        1 if (1..15).contains(&count) => {
            let mut more = p.taxonomies[draw.index(count)].clone();
            more.primary = false;
            more.license = Some(license);
            more.state = state;
            p.taxonomies.push(more);
        }
        _ => {
            if let Some(first) = p.taxonomies.first_mut() {
                first.license = Some(license);
                first.state = state;
            }
        }
    }
}

/// Another room in the same house.
fn other_room(p: &mut Provider) {
    let practice = p.practice.get_or_insert_default();
    let room = practice.line_2.as_deref();
    practice.line_2 = Some(
        if room == Some("STE 7") {
            "STE 8"
        } else {
            "STE 7"
        }
        .to_owned(),
    );
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use canvass_model::Catalogue;
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn weeks_run_from_monday_to_sunday() {
        assert_eq!(days(1), [date(2026, 11, 2), date(2026, 11, 8)]);
        assert_eq!(days(2), [date(2026, 11, 9), date(2026, 11, 15)]);
        assert_eq!(days(1)[0].weekday(), jiff::civil::Weekday::Monday);
    }

    proptest! {
        #[test]
        fn scattered_places_are_all_places(seed: u64, rows in 1u64..3_000) {
            let places: HashSet<u64> = Scattered::new(seed, rows).collect();
            prop_assert_eq!(places, (0..rows).collect::<HashSet<_>>());
        }

        #[test]
        fn shares_add_up(changes in 0u64..1_000_000) {
            let s = Shares::of(changes);
            prop_assert_eq!(s.created + s.updated + s.unchanged + s.deactivated + s.reactivated, changes);
        }
    }

    #[test]
    fn no_provider_is_touched_in_two_weeks() {
        let sample = FileSample::new(1, &Catalogue::default());
        let weeks = [300, 200, 400];
        let mut seen = HashSet::new();
        for n in 1..=3 {
            let week = Week::plan(&sample, 1, 20_000, &weeks[..n]);
            assert_eq!(week.lines.len() as u64, weeks[n - 1]);
            assert!(week.lines.is_sorted());
            for (index, action) in week.lines {
                assert!(seen.insert(index));
                assert_eq!(index >= 20_000, action == Action::Created);
                let out = index < 20_000 && sample.standing(index) == Standing::Deactivated;
                assert_eq!(out, action == Action::Reactivated);
            }
        }
    }

    #[test]
    fn a_set_too_small_for_its_changes_gives_what_it_can() {
        let sample = FileSample::new(1, &Catalogue::default());
        let week = Week::plan(&sample, 1, 10, &[40]);
        let created = week.lines.iter().filter(|l| l.1 == Action::Created).count();
        assert_eq!(created, 12);
        assert!(week.lines.len() <= 22);
    }

    #[test]
    fn each_action_does_what_it_says() {
        let sample = FileSample::new(1, &Catalogue::default());
        let week = Week::plan(&sample, 1, 30_000, &[3_000]);
        let mut fields = HashSet::new();
        for line in &week.lines {
            let (before, after) = week.provider(&sample, 1, *line);
            let Some(before) = before else {
                assert_eq!(line.1, Action::Created);
                continue;
            };
            let changes = changed(&before, &after);
            let kinds: HashSet<&str> = changes.iter().map(|c| c.kind.as_str()).collect();
            match line.1 {
                Action::Unchanged => assert_eq!(before, after),
                Action::Updated => {
                    assert_eq!(kinds, HashSet::from(["field"]), "{before:?}");
                    fields.extend(changes.into_iter().map(|c| c.field));
                }
                Action::Deactivated => assert!(kinds.contains("deactivated")),
                Action::Reactivated => assert!(kinds.contains("reactivated")),
                Action::Created => unreachable!("nothing is known before"),
            }
            if line.1 != Action::Unchanged {
                let days = [after.updated_on, after.deactivated_on];
                assert!(
                    days.iter()
                        .flatten()
                        .any(|d| (week.first..=week.last).contains(d))
                );
            }
        }
        for field in [
            "practice.phone",
            "practice.fax",
            "practice.line_1",
            "mailing.phone",
            "name.last",
            "name.credential",
            "organization_name",
            "official.last",
            "taxonomies",
            "identifiers",
            "other_names",
            "secondary",
            "endpoints",
            "sole_proprietor",
        ] {
            assert!(fields.contains(field), "{field}");
        }
    }
}
