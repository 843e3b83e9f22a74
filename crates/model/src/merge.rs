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
mod tests;
