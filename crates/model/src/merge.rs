//! What is kept of a provider when its record comes anew, by whichever door.

use jiff::civil::Date;

use crate::{
    Address, PersonName, Provider, RecordStatus, Source,
    compare::{Says, is_placeholder, says_all},
};

/// The door a record came by: what it can know, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Door {
    /// Which it is.
    pub source: Source,
    /// The last day of which it knows, where it says so. The API knows of today.
    pub until: Option<Date>,
    /// Whether it has the other names of organizations.
    pub other_names: bool,
    /// Whether it has the secondary practice locations.
    pub secondary: bool,
    /// Whether it has the endpoints.
    pub endpoints: bool,
}

impl Door {
    /// The read API.
    pub const API: Self = Self::whole(Source::Api, None);

    /// A door that has all lists of a provider.
    pub const fn whole(source: Source, until: Option<Date>) -> Self {
        Self {
            source,
            until,
            other_names: true,
            secondary: true,
            endpoints: true,
        }
    }
}

/// What a record is to the one that is known of the same NPI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is older, or says only whether the provider is in service: what is known stays.
    Keep,
    /// It is as old: it may say what is not known.
    Fill,
    /// It is younger: it counts.
    Replace,
}

impl Provider {
    /// What this record, which was just read, is to the one that is known: only a later day of the
    /// last update replaces. Where neither has a day, what was read last counts; the API knows of
    /// today, and a record may be updated twice in a day.
    ///
    /// Whether the provider is in service is a question of its own: see [`Provider::onto`].
    pub fn verdict(&self, known: &Self, door: &Door) -> Verdict {
        if self.is_bare_deactivation() {
            return Verdict::Keep;
        }
        match (self.updated_on, known.updated_on) {
            (None | Some(_), None) => Verdict::Replace,
            (None, Some(_)) => Verdict::Fill,
            (Some(new), Some(known)) if new > known => Verdict::Replace,
            (Some(new), Some(known)) if new == known && door.source == Source::Api => {
                Verdict::Replace
            }
            (Some(new), Some(known)) if new == known => Verdict::Fill,
            (Some(_), Some(_)) => Verdict::Keep,
        }
    }

    /// What is to be stored when this record came by a door and another one is known.
    ///
    /// The younger record counts; what its door does not carry stays as it is known, and a
    /// placeholder replaces no value. Out of service or in service again is what was said of the
    /// later day.
    #[must_use]
    pub fn onto(&self, known: &Self, door: &Door) -> Self {
        let mut kept = match self.verdict(known, door) {
            Verdict::Keep => known.clone(),
            Verdict::Fill => self.filling(known, door),
            Verdict::Replace => self.replacing(known, door),
        };
        self.service(known, door, &mut kept);
        kept
    }

    /// What of this record replaces the known one.
    fn replacing(&self, known: &Self, door: &Door) -> Self {
        let mut kept = self.clone();
        kept.entity = self.entity.or(known.entity);
        kept.enumerated_on = self.enumerated_on.or(known.enumerated_on);
        kept.certified_on = self.certified_on.max(known.certified_on);
        if kept.entity == known.entity {
            kept.keep_values_over_placeholders(known);
        }
        if !door.endpoints {
            kept.endpoints.clone_from(&known.endpoints);
        }
        if !door.secondary {
            kept.secondary.clone_from(&known.secondary);
        }
        if !door.other_names {
            // Those of persons stand in the main file, those of organizations no longer do.
            let of_organizations = known.other_names.iter().filter(|name| {
                let key = |of: &str| crate::compare::folded(of);
                let organization = name.organization.as_deref().map(key);
                organization.is_some_and(|name| {
                    let others = self.other_names.iter();
                    let mut others = others.filter_map(|other| other.organization.as_deref());
                    !others.any(|other| key(other) == name)
                })
            });
            kept.other_names.extend(of_organizations.cloned());
        }
        kept
    }

    fn keep_values_over_placeholders(&mut self, known: &Self) {
        keep_name(&mut self.name, &known.name);
        keep(
            &mut self.organization_name,
            known.organization_name.as_ref(),
        );
        keep(
            &mut self.parent_organization,
            known.parent_organization.as_ref(),
        );
        if let (Some(official), Some(known)) = (&mut self.official, &known.official) {
            keep_name(&mut official.name, &known.name);
            keep(&mut official.title, known.title.as_ref());
        }
        for (address, known) in [
            (&mut self.practice, &known.practice),
            (&mut self.mailing, &known.mailing),
        ] {
            // The second line belongs to the first.
            if let (Some(address), Some(known)) = (address, known)
                && address.line_1 == known.line_1
            {
                keep(&mut address.line_2, known.line_2.as_ref());
            }
        }
        for taxonomy in &mut self.taxonomies {
            let same = |t: &&crate::ProviderTaxonomy| {
                t.code == taxonomy.code && (t.state == taxonomy.state || taxonomy.state.is_none())
            };
            if let Some(known) = known.taxonomies.iter().find(same) {
                keep(&mut taxonomy.license, known.license.as_ref());
            }
        }
    }

    /// The known record with what this one says beyond it.
    fn filling(&self, known: &Self, door: &Door) -> Self {
        let mut kept = known.clone();
        kept.entity = kept.entity.or(self.entity);
        kept.sex = kept.sex.or(self.sex);
        kept.sole_proprietor = kept.sole_proprietor.or(self.sole_proprietor);
        kept.subpart = kept.subpart.or(self.subpart);
        kept.enumerated_on = kept.enumerated_on.or(self.enumerated_on);
        kept.certified_on = kept.certified_on.max(self.certified_on);
        fill_name(&mut kept.name, &self.name);
        fill(&mut kept.organization_name, self.organization_name.as_ref());
        fill(
            &mut kept.parent_organization,
            self.parent_organization.as_ref(),
        );
        match (&mut kept.official, &self.official) {
            (Some(kept), Some(new)) => {
                fill_name(&mut kept.name, &new.name);
                fill(&mut kept.title, new.title.as_ref());
                fill(&mut kept.phone, new.phone.as_ref());
            }
            (kept, new) => fill(kept, new.as_ref()),
        }
        fill_address(&mut kept.practice, self.practice.as_ref());
        fill_address(&mut kept.mailing, self.mailing.as_ref());
        fill_list(&mut kept.taxonomies, &self.taxonomies);
        fill_list(&mut kept.identifiers, &self.identifiers);
        fill_list(&mut kept.other_names, &self.other_names);
        if door.secondary {
            fill_list(&mut kept.secondary, &self.secondary);
        }
        if door.endpoints {
            fill_list(&mut kept.endpoints, &self.endpoints);
        }
        kept
    }

    /// Whether the provider is in service, and since when not or again.
    fn service(&self, known: &Self, door: &Door, kept: &mut Self) {
        let out = self.status == RecordStatus::Deactivated;
        if out && known.status == RecordStatus::Active && self.is_overtaken_by(known, door) {
            kept.status = known.status;
            kept.deactivated_on = known.deactivated_on;
            kept.reactivated_on = known.reactivated_on;
            return;
        }
        // The API has neither day, and no later record takes either back.
        kept.deactivated_on = self.deactivated_on.max(known.deactivated_on);
        kept.reactivated_on = self.reactivated_on.max(known.reactivated_on);
        kept.status = match known.status {
            _ if out => RecordStatus::Deactivated,
            RecordStatus::Deactivated if !self.is_back_since(known, door) => known.status,
            // What is older than the known record is no proof that it is published again.
            RecordStatus::Unpublished
                if door.source != Source::Api && self.verdict(known, door) == Verdict::Keep =>
            {
                known.status
            }
            _ => RecordStatus::Active,
        };
    }

    /// Whether this record, of a provider in service, speaks of a day after the known deactivation.
    fn is_back_since(&self, known: &Self, door: &Door) -> bool {
        let Some(out) = known.deactivated_on else {
            return true;
        };
        let days = [self.reactivated_on, self.updated_on, door.until];
        door.source == Source::Api || days.into_iter().flatten().any(|day| day > out)
    }

    /// Whether what is known, of a provider in service, speaks of a day after this deactivation.
    fn is_overtaken_by(&self, known: &Self, door: &Door) -> bool {
        let Some(out) = self.deactivated_on else {
            return false;
        };
        // Who tells of a deactivation knows until a later day that it was not taken back.
        let until = door.until.map_or(out, |until| until.max(out));
        let is_after = |known: Option<Date>, day| known.is_some_and(|known| known > day);
        is_after(known.reactivated_on, out) || is_after(known.updated_on, until)
    }
}

/// Keeps a known value where the new one says only that there is none.
fn keep(new: &mut Option<String>, known: Option<&String>) {
    if new.as_deref().is_some_and(is_placeholder) && known.is_some() {
        *new = known.cloned();
    }
}

/// First and last name are left: people are called `NA`.
fn keep_name(new: &mut PersonName, known: &PersonName) {
    keep(&mut new.prefix, known.prefix.as_ref());
    keep(&mut new.middle, known.middle.as_ref());
    keep(&mut new.suffix, known.suffix.as_ref());
    keep(&mut new.credential, known.credential.as_ref());
}

fn fill<T: Clone>(kept: &mut Option<T>, new: Option<&T>) {
    if kept.is_none() {
        *kept = new.cloned();
    }
}

fn fill_name(kept: &mut PersonName, new: &PersonName) {
    fill(&mut kept.prefix, new.prefix.as_ref());
    fill(&mut kept.first, new.first.as_ref());
    fill(&mut kept.middle, new.middle.as_ref());
    fill(&mut kept.last, new.last.as_ref());
    fill(&mut kept.suffix, new.suffix.as_ref());
    fill(&mut kept.credential, new.credential.as_ref());
}

/// An address is filled as a whole; into one that is known go only its numbers and its country.
fn fill_address(kept: &mut Option<Address>, new: Option<&Address>) {
    match (kept, new) {
        (Some(kept), Some(new)) => {
            fill(&mut kept.phone, new.phone.as_ref());
            fill(&mut kept.fax, new.fax.as_ref());
            fill(&mut kept.country, new.country.as_ref());
        }
        (kept, new) => fill(kept, new),
    }
}

/// A list that says all that is known, and more, takes its place.
fn fill_list<T: Clone + Says>(kept: &mut Vec<T>, new: &[T]) {
    if says_all(new, kept) && !says_all(kept, new) {
        *kept = new.to_vec();
    }
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, civil::date};

    use super::*;
    use crate::{
        ChangeKind, Endpoint, Entity, Identifier, OtherName, Phone, ProviderTaxonomy,
        changes_between,
    };

    const OLD: Option<Date> = Some(date(2023, 4, 1));
    const NEW: Option<Date> = Some(date(2025, 6, 1));

    fn provider(updated_on: Option<Date>) -> Provider {
        let mut p = Provider::new("1234567893".parse().unwrap());
        p.entity = Some(Entity::Organization);
        p.organization_name = Some("ST. MARY CLINIC".into());
        p.practice = Some(Address {
            line_1: Some("12 MAIN ST".into()),
            phone: Phone::parse("5595550142"),
            ..Address::default()
        });
        p.taxonomies = vec![taxonomy("207R00000X", "A1"), taxonomy("208D00000X", "A2")];
        p.other_names = vec![organization("THE DBA")];
        p.enumerated_on = Some(date(2005, 5, 23));
        p.updated_on = updated_on;
        p
    }

    fn taxonomy(code: &str, license: &str) -> ProviderTaxonomy {
        ProviderTaxonomy {
            code: code.into(),
            license: Some(license.into()),
            ..ProviderTaxonomy::default()
        }
    }

    fn organization(name: &str) -> OtherName {
        OtherName {
            code: Some("3".into()),
            organization: Some(name.into()),
            ..OtherName::default()
        }
    }

    fn location(line: &str) -> Address {
        Address {
            line_1: Some(line.into()),
            ..Address::default()
        }
    }

    fn bare(on: Date) -> Provider {
        Provider::new("1234567893".parse().unwrap()).out_of_service(Some(on))
    }

    /// The fields that change when one record comes after another.
    fn changed(known: &Provider, new: &Provider, door: &Door) -> Vec<String> {
        let kept = new.onto(known, door);
        let changes = changes_between(known, &kept, door.source, Timestamp::UNIX_EPOCH);
        changes.into_iter().map(|change| change.field).collect()
    }

    #[test]
    fn only_a_later_day_of_update_replaces() {
        for (known, new, verdict) in [
            (OLD, NEW, Verdict::Replace),
            (NEW, OLD, Verdict::Keep),
            (NEW, NEW, Verdict::Fill),
            (None, NEW, Verdict::Replace),
            (NEW, None, Verdict::Fill),
            (None, None, Verdict::Replace),
        ] {
            let (known, mut new) = (provider(known), provider(new));
            new.organization_name = Some("ANOTHER".into());
            let file = Door::whole(Source::FullFile, None);
            assert_eq!(new.verdict(&known, &file), verdict);
            let kept = new.onto(&known, &file);
            let is_new = kept.organization_name == new.organization_name;
            assert_eq!(is_new, verdict == Verdict::Replace);
        }
        assert_eq!(
            bare(date(2026, 1, 1)).verdict(&provider(None), &Door::API),
            Verdict::Keep
        );
    }

    #[test]
    fn the_api_replaces_what_was_updated_on_the_same_day() {
        let (known, mut new) = (provider(NEW), provider(NEW));
        new.organization_name = Some("ANOTHER".into());
        assert_eq!(new.verdict(&known, &Door::API), Verdict::Replace);
        let kept = new.onto(&known, &Door::API);
        assert_eq!(kept.organization_name, new.organization_name);
    }

    #[test]
    fn what_says_the_same_is_no_change() {
        let known = provider(OLD);
        let say = |with: fn(&mut Provider)| {
            let mut new = provider(NEW);
            with(&mut new);
            changed(&known, &new, &Door::API)
        };
        let none: [&str; 0] = [];
        assert_eq!(say(|_| {}), none);
        assert_eq!(say(|p| p.taxonomies.reverse()), none);
        assert_eq!(
            say(|p| p.organization_name = Some("St Mary Clinic".into())),
            none
        );
        let other_line = |line: &str| Address {
            line_2: Some("NA".into()),
            phone: Phone::parse("5595550142"),
            ..location(line)
        };
        let mut new = provider(NEW);
        new.practice = Some(other_line("12 Main St."));
        assert_eq!(changed(&known, &new, &Door::API), none);
        assert_eq!(say(|p| p.taxonomies[0].license = Some("NA".into())), none);
        assert_eq!(
            say(|p| p.other_names.push(organization("THE D.B.A."))),
            none
        );
        assert_eq!(
            say(|p| p.taxonomies[0].license = Some("B1".into())),
            ["taxonomies"]
        );
        assert_eq!(say(|p| p.other_names.clear()), ["other_names"]);
    }

    #[test]
    fn the_only_taxonomy_is_the_primary_one_whether_it_is_marked_or_not() {
        let mut known = provider(OLD);
        known.taxonomies.truncate(1);
        let mut new = provider(NEW);
        new.taxonomies = known.taxonomies.clone();
        new.taxonomies[0].primary = true;
        assert_eq!(changed(&known, &new, &Door::API), [""; 0]);
        known.taxonomies.push(taxonomy("208D00000X", "A2"));
        new.taxonomies.push(taxonomy("208D00000X", "A2"));
        assert_eq!(changed(&known, &new, &Door::API), ["taxonomies"]);
    }

    #[test]
    fn what_a_door_does_not_carry_stays() {
        let mut known = provider(OLD);
        known.secondary = vec![location("1 SECOND ST")];
        known.endpoints = vec![Endpoint {
            endpoint: Some("a@example.org".into()),
            ..Endpoint::default()
        }];
        known.deactivated_on = Some(date(2010, 1, 1));
        known.reactivated_on = Some(date(2010, 2, 1));
        let mut new = provider(NEW);
        new.other_names.clear();
        let mut bare_set = Door::whole(Source::FullFile, NEW);
        (bare_set.other_names, bare_set.secondary, bare_set.endpoints) = (false, false, false);
        assert_eq!(changed(&known, &new, &bare_set), [""; 0]);
        let kept = new.onto(&known, &bare_set);
        assert_eq!(kept.secondary, known.secondary);
        assert_eq!(kept.endpoints, known.endpoints);
        assert_eq!(kept.other_names, known.other_names);
        assert_eq!(
            changed(&known, &new, &Door::API),
            ["secondary", "other_names", "endpoints"]
        );
        new.other_names = vec![organization("THE D.B.A.")];
        assert_eq!(new.onto(&known, &bare_set).other_names, new.other_names);
    }

    #[test]
    fn a_record_of_the_same_day_fills_and_changes_nothing() {
        let mut known = provider(NEW);
        known.enumerated_on = None;
        known.taxonomies.truncate(1);
        let mut new = provider(NEW);
        new.practice.as_mut().unwrap().phone = Phone::parse("5595550199");
        new.secondary = vec![location("1 SECOND ST")];
        new.identifiers = vec![Identifier {
            identifier: "X1".into(),
            ..Identifier::default()
        }];
        let file = Door::whole(Source::FullFile, None);
        let kept = new.onto(&known, &file);
        assert_eq!(kept.enumerated_on, new.enumerated_on);
        assert_eq!(kept.taxonomies, new.taxonomies);
        assert_eq!(kept.secondary, new.secondary);
        assert_eq!(kept.identifiers, new.identifiers);
        assert_eq!(kept.practice, known.practice);
        assert_eq!(changed(&known, &new, &file), [""; 0]);
        assert_eq!(new.onto(&kept, &file), kept);
    }

    #[test]
    fn a_deactivation_counts_unless_what_is_known_is_younger() {
        let day = date(2026, 3, 1);
        let report = Door::whole(Source::DeactivationReport, None);
        let as_of = |day| Door::whole(Source::DeactivationReport, Some(day));
        let mut back = provider(OLD);
        back.deactivated_on = Some(date(2026, 2, 1));
        back.reactivated_on = Some(date(2026, 2, 20));
        for (what, known, door, out) in [
            ("in service", provider(OLD), report, true),
            ("back before", back.clone(), report, true),
            (
                "back since",
                Provider {
                    reactivated_on: Some(date(2026, 3, 2)),
                    ..back.clone()
                },
                as_of(date(2026, 9, 1)),
                false,
            ),
            (
                "back the same day",
                Provider {
                    reactivated_on: Some(day),
                    ..back
                },
                report,
                true,
            ),
            (
                "updated since",
                provider(Some(date(2026, 4, 1))),
                report,
                false,
            ),
            (
                "updated since, but out by a later report",
                provider(Some(date(2026, 4, 1))),
                as_of(date(2026, 5, 1)),
                true,
            ),
        ] {
            let kept = bare(day).onto(&known, &door);
            assert_eq!(kept.status == RecordStatus::Deactivated, out, "{what}");
            assert_eq!(kept.organization_name, known.organization_name, "{what}");
            let kinds: Vec<_> = changes_between(&known, &kept, door.source, Timestamp::UNIX_EPOCH)
                .into_iter()
                .map(|change| change.kind)
                .collect();
            assert_eq!(kinds.contains(&ChangeKind::Deactivated), out, "{what}");
        }
    }

    #[test]
    fn a_deactivation_that_is_overtaken_changes_nothing() {
        let mut known = provider(OLD);
        known.deactivated_on = Some(date(2012, 1, 1));
        known.reactivated_on = Some(date(2012, 6, 1));
        let report = Door::whole(Source::DeactivationReport, None);
        assert_eq!(bare(date(2012, 1, 1)).onto(&known, &report), known);
        let known = provider(Some(date(2026, 4, 1)));
        assert_eq!(bare(date(2012, 1, 1)).onto(&known, &report), known);
    }

    #[test]
    fn in_service_again_is_what_speaks_of_a_later_day() {
        let known = provider(OLD).out_of_service(Some(date(2025, 1, 1)));
        let file = |day| Door::whole(Source::FullFile, Some(day));
        for (what, new, door, back) in [
            ("the API", provider(OLD), Door::API, true),
            (
                "an older file",
                provider(OLD),
                file(date(2024, 9, 1)),
                false,
            ),
            (
                "a younger file",
                provider(OLD),
                file(date(2025, 2, 1)),
                true,
            ),
            (
                "a younger record",
                provider(NEW),
                file(date(2024, 9, 1)),
                true,
            ),
            (
                "a day of reactivation",
                Provider {
                    deactivated_on: Some(date(2025, 1, 1)),
                    reactivated_on: Some(date(2025, 1, 9)),
                    ..provider(OLD)
                },
                file(date(2024, 9, 1)),
                true,
            ),
        ] {
            let kept = new.onto(&known, &door);
            assert_eq!(kept.status == RecordStatus::Active, back, "{what}");
        }
        let gone = Provider {
            status: RecordStatus::Unpublished,
            ..provider(OLD)
        };
        assert_eq!(provider(OLD).onto(&gone, &Door::API), provider(OLD));
        assert_eq!(changed(&gone, &provider(OLD), &Door::API), ["status"]);
        let older = provider(Some(date(2020, 1, 1)));
        let kept = older.onto(&gone, &file(date(2025, 1, 1)));
        assert_eq!(kept, gone);
    }

    #[test]
    fn a_placeholder_replaces_no_value() {
        let mut known = provider(OLD);
        known.name.credential = Some("M.D.".into());
        let mut new = provider(NEW);
        new.name.credential = Some("N/A".into());
        new.taxonomies[0].license = Some("NA".into());
        let kept = new.onto(&known, &Door::API);
        assert_eq!(kept.name.credential, known.name.credential);
        assert_eq!(kept.taxonomies, known.taxonomies);
    }
}
