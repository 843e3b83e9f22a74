mod leads;
mod parts;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{Catalogue, Entity, LeadStatus, Npi, Sex};

pub use leads::LeadFilter;
pub use parts::{FilterError, LeadPresence, PlaceOf, StatusFilter};
use parts::{date, flag, parsed, postal_code, state};

/// One search over providers: what the pages, the API, the command line and save-all speak.
///
/// All parts are ANDed; the values of one part are ORed. An empty part asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderFilter {
    /// Words of a name, in any order, each the beginning of a word.
    pub q: Option<String>,
    /// Names of specialties, as a person wrote them.
    pub specialty: Vec<String>,
    /// NUCC codes, or names of any level of the NUCC: groupings, classifications,
    /// specializations, display names.
    pub taxonomy: Vec<String>,
    /// Look at the primary taxonomy only.
    pub primary_only: bool,
    /// Which addresses the places below are those of.
    pub place: PlaceOf,
    /// Two-letter states.
    pub state: Vec<String>,
    /// Cities.
    pub city: Vec<String>,
    /// Beginning of the postal code.
    pub postal_code: Option<String>,
    /// Person or organization.
    pub entity: Option<Entity>,
    /// Sex of a person.
    pub sex: Option<Sex>,
    /// Whether there is a telephone number.
    pub has_phone: Option<bool>,
    /// State of the record.
    pub status: StatusFilter,
    /// Whether it is a lead.
    pub lead: Option<LeadPresence>,
    /// Statuses of its lead, ORed.
    pub lead_status: Vec<LeadStatus>,
    /// Identifier of the owner of its lead; the empty text asks for leads that nobody owns.
    pub lead_owner: Option<String>,
    /// A ZIP code, or a city with its state, around which the address is.
    pub near: Option<String>,
    /// How far around, in miles, as the crow flies from the middle of the ZIP codes.
    pub radius_miles: Option<u32>,
    /// Counties, as in `Fresno, CA`.
    pub county: Vec<String>,
    /// Degree or licence letters; full stops and case are irrelevant.
    pub credential: Vec<String>,
    /// Two-letter states of a licence.
    pub licensed_in: Vec<String>,
    /// Whether any taxonomy has a licence.
    pub has_license: Option<bool>,
    /// Words of the authorized official's title or position.
    pub title: Option<String>,
    /// Whether a person is a sole proprietor.
    pub sole_proprietor: Option<bool>,
    /// Whether an organization is a subpart of another.
    pub subpart: Option<bool>,
    /// Whether a practice location has a fax number.
    pub has_fax: Option<bool>,
    /// Whether the practice location is the mailing address.
    pub same_address: Option<bool>,
    /// Has a telephone number that at most so many providers share.
    pub phone_shared_by: Option<u32>,
    /// Has a practice address or a telephone number of this provider, who is among them.
    pub same_practice: Option<Npi>,
    /// Enumerated on this day or later.
    pub enumerated_since: Option<Date>,
    /// Enumerated on this day or earlier.
    pub enumerated_until: Option<Date>,
    /// Updated in the registry on this day or later.
    pub updated_since: Option<Date>,
    /// Updated in the registry on this day or earlier.
    pub updated_until: Option<Date>,
    /// Changed, as canvass saw it, since this day began (UTC).
    pub changed_since: Option<Date>,
    /// The field that changed then, as a change names it: `practice.phone`.
    pub changed_field: Option<String>,
    /// Found by this sync run.
    pub sync: Option<String>,
    /// The NUCC codes that [`ProviderFilter::specialty`] stands for; filled by
    /// [`ProviderFilter::resolved`].
    #[serde(skip)]
    pub specialty_codes: Vec<String>,
    /// The NUCC codes that [`ProviderFilter::taxonomy`] stands for; filled with those.
    #[serde(skip)]
    pub taxonomy_codes: Vec<String>,
    /// The ZIP codes that [`ProviderFilter::near`] and [`ProviderFilter::county`] stand for, in
    /// order; filled by who knows the places. Absent when neither is asked for.
    #[serde(skip)]
    pub zips: Option<Vec<String>>,
    /// Those of [`ProviderFilter::zips`] that [`ProviderFilter::near`] stands for, the nearest
    /// first; empty where it is absent.
    #[serde(skip)]
    pub nearest: Vec<String>,
}

impl ProviderFilter {
    /// The parameters that may have several values.
    pub const MANY: [&'static str; 8] = [
        "specialty",
        "taxonomy",
        "state",
        "city",
        "county",
        "credential",
        "licensed_in",
        "lead_status",
    ];

    /// Takes one parameter of the API, a page's address or the command line. Returns false when
    /// the name is none of a filter's. An empty value counts as absent.
    ///
    /// # Errors
    /// When the value can't be understood.
    pub fn set(&mut self, name: &str, value: &str) -> Result<bool, FilterError> {
        let value = value.trim();
        let text = || (!value.is_empty()).then(|| value.to_owned());
        if value.chars().count() > 200 || value.contains('\0') {
            return Err(FilterError::new(
                name,
                "at most 200 characters, none of them NUL",
            ));
        }
        match name {
            "q" => self.q = text(),
            "specialty" => self.specialty.extend(text()),
            "taxonomy" => self.taxonomy.extend(text()),
            "place" => {
                self.place =
                    parsed(name, value, PlaceOf::parse, "practice or mailing")?.unwrap_or_default();
            }
            "state" => self.state.extend(state(name, value)?),
            "licensed_in" => self.licensed_in.extend(state(name, value)?),
            "near" => self.near = text(),
            "radius_miles" => {
                let miles = |v: &str| v.parse().ok().filter(|n| (1..=500).contains(n));
                self.radius_miles = parsed(name, value, miles, "a number of miles from 1 to 500")?;
            }
            "county" => self.county.extend(text()),
            "credential" => self.credential.extend(text()),
            "title" => self.title = text(),
            "has_license" => self.has_license = flag(name, value)?,
            "sole_proprietor" => self.sole_proprietor = flag(name, value)?,
            "subpart" => self.subpart = flag(name, value)?,
            "has_fax" => self.has_fax = flag(name, value)?,
            "same_address" => self.same_address = flag(name, value)?,
            "city" => self.city.extend(text()),
            "postal_code" => self.postal_code = text().as_deref().map(postal_code),
            "primary_only" => self.primary_only = flag(name, value)?.unwrap_or(false),
            "has_phone" => self.has_phone = flag(name, value)?,
            "entity" => {
                self.entity = parsed(name, value, Entity::parse, "individual or organization")?;
            }
            "sex" => self.sex = parsed(name, value, Sex::parse, "M, F, X or U")?,
            "status" => {
                let find = |v: &str| {
                    [
                        StatusFilter::Active,
                        StatusFilter::Deactivated,
                        StatusFilter::Unpublished,
                        StatusFilter::Any,
                    ]
                    .into_iter()
                    .find(|s| s.as_str() == v)
                };
                self.status = parsed(name, value, find, "active, deactivated, unpublished or any")?
                    .unwrap_or_default();
            }
            "lead" => {
                self.lead = flag(name, value)?.map(|yes| {
                    if yes {
                        LeadPresence::Yes
                    } else {
                        LeadPresence::No
                    }
                });
            }
            "lead_status" => {
                let status = |v: &str| v.parse::<LeadStatus>().ok();
                let expected = "a status of a lead, as in new or do_not_call";
                self.lead_status
                    .extend(parsed(name, value, status, expected)?);
            }
            "lead_owner" => {
                self.lead_owner = text().map(|id| if id == "none" { String::new() } else { id });
            }
            "phone_shared_by" => {
                let number = |v: &str| v.parse().ok().filter(|n| (1..=200).contains(n));
                self.phone_shared_by = parsed(name, value, number, "a number from 1 to 200")?;
            }
            "same_practice" => {
                self.same_practice = parsed(name, value, |v| v.parse().ok(), "an NPI")?;
            }
            "changed_since" => self.changed_since = date(name, value)?,
            "changed_field" => {
                let field = |v: &str| crate::is_field(v).then(|| v.to_owned());
                let expected = "a field as changes name it, as in practice.phone or practice";
                self.changed_field = parsed(name, value, field, expected)?;
            }
            "enumerated_since" => self.enumerated_since = date(name, value)?,
            "enumerated_until" => self.enumerated_until = date(name, value)?,
            "updated_since" => self.updated_since = date(name, value)?,
            "updated_until" => self.updated_until = date(name, value)?,
            "sync" => self.sync = text(),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The parameters that say this filter again: the inverse of [`ProviderFilter::set`].
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        let mut many = |name, values: &[String]| {
            pairs.extend(values.iter().map(|v| (name, v.clone())));
        };
        many("q", self.q.as_slice());
        many("specialty", &self.specialty);
        many("taxonomy", &self.taxonomy);
        many("state", &self.state);
        many("city", &self.city);
        many("postal_code", self.postal_code.as_slice());
        many("sync", self.sync.as_slice());
        many("near", self.near.as_slice());
        many("county", &self.county);
        many("credential", &self.credential);
        many("licensed_in", &self.licensed_in);
        many("title", self.title.as_slice());
        many("changed_field", self.changed_field.as_slice());
        pairs.extend(self.radius_miles.map(|v| ("radius_miles", v.to_string())));
        if self.place != PlaceOf::default() {
            pairs.push(("place", self.place.as_str().to_owned()));
        }
        pairs.extend(
            self.phone_shared_by
                .map(|v| ("phone_shared_by", v.to_string())),
        );
        pairs.extend(self.same_practice.map(|v| ("same_practice", v.to_string())));
        let yes_no = |v: bool| if v { "yes" } else { "no" }.to_owned();
        if self.primary_only {
            pairs.push(("primary_only", yes_no(true)));
        }
        pairs.extend(self.entity.map(|v| ("entity", v.as_str().to_owned())));
        pairs.extend(self.sex.map(|v| ("sex", v.as_str().to_owned())));
        for (name, flag) in [
            ("has_phone", self.has_phone),
            ("has_fax", self.has_fax),
            ("has_license", self.has_license),
            ("sole_proprietor", self.sole_proprietor),
            ("subpart", self.subpart),
            ("same_address", self.same_address),
        ] {
            pairs.extend(flag.map(|v| (name, yes_no(v))));
        }
        if self.status != StatusFilter::Active {
            pairs.push(("status", self.status.as_str().to_owned()));
        }
        pairs.extend(self.lead.map(|v| ("lead", yes_no(v == LeadPresence::Yes))));
        let statuses = self.lead_status.iter();
        pairs.extend(statuses.map(|v| ("lead_status", v.as_str().to_owned())));
        pairs.extend(self.lead_owner.as_ref().map(|id| {
            let id = if id.is_empty() { "none" } else { id };
            ("lead_owner", id.to_owned())
        }));
        for (name, day) in [
            ("enumerated_since", self.enumerated_since),
            ("enumerated_until", self.enumerated_until),
            ("updated_since", self.updated_since),
            ("updated_until", self.updated_until),
            ("changed_since", self.changed_since),
        ] {
            pairs.extend(day.map(|v| (name, v.to_string())));
        }
        pairs
    }

    /// The same filter with the codes that its specialties and taxonomies stand for.
    ///
    /// # Errors
    /// When nobody knows one of them.
    pub fn resolved(mut self, catalogue: &Catalogue) -> Result<Self, FilterError> {
        let all = |names: &[String], field, find: fn(&Catalogue, &str) -> _| {
            let mut codes: Vec<String> = Vec::new();
            for name in names {
                let found: Result<Vec<String>, crate::UnknownSpecialty> = find(catalogue, name);
                codes.extend(found.map_err(|e| FilterError::new(field, e.to_string()))?);
            }
            codes.sort();
            codes.dedup();
            Ok(codes)
        };
        self.specialty_codes = all(&self.specialty, "specialty", |catalogue, name| {
            catalogue.resolve(name).map(|known| known.codes)
        })?;
        self.taxonomy_codes = all(&self.taxonomy, "taxonomy", Catalogue::codes_of_level)?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn filter(pairs: &[(&str, &str)]) -> Result<ProviderFilter, FilterError> {
        let mut filter = ProviderFilter::default();
        for (name, value) in pairs {
            assert!(filter.set(name, value)?, "{name} is not known");
        }
        Ok(filter)
    }

    #[test]
    fn a_filter_says_itself_again() {
        let all = filter(&[
            ("q", "smith"),
            ("specialty", "Family Medicine"),
            ("specialty", "Pain Medicine"),
            ("taxonomy", "207Q00000X"),
            ("place", "mailing"),
            ("primary_only", "on"),
            ("state", "ca"),
            ("state", "NV"),
            ("city", "Fresno"),
            ("postal_code", "937*"),
            ("entity", "NPI-1"),
            ("sex", "F"),
            ("has_phone", "true"),
            ("status", "any"),
            ("lead", "no"),
            ("lead_status", "new"),
            ("lead_status", "do_not_call"),
            ("lead_owner", "none"),
            ("phone_shared_by", "3"),
            ("same_practice", "1234567893"),
            ("changed_since", "2026-10-01"),
            ("changed_field", "practice.phone"),
            ("near", "Fresno, CA"),
            ("radius_miles", "100"),
            ("county", "Fresno, CA"),
            ("county", "Kern, CA"),
            ("credential", "M.D."),
            ("credential", "DO"),
            ("licensed_in", "ca"),
            ("licensed_in", "OR"),
            ("has_license", "yes"),
            ("title", "medical director"),
            ("sole_proprietor", "no"),
            ("subpart", "yes"),
            ("has_fax", "0"),
            ("same_address", "1"),
            ("enumerated_since", "2020-02-29"),
            ("enumerated_until", "2025-12-31"),
            ("updated_since", "2026-01-31"),
            ("updated_until", "2026-02-01"),
            ("sync", "0199"),
        ])
        .unwrap();
        let mut again = ProviderFilter::default();
        for (name, value) in all.pairs() {
            assert!(again.set(name, &value).unwrap());
        }
        assert_eq!(again, all);
        assert_eq!(all.state, ["CA", "NV"]);
        assert_eq!(all.postal_code.as_deref(), Some("937"));
        assert_eq!(all.licensed_in, ["CA", "OR"]);
        // A part that is added to the filter is missed here.
        let named: BTreeSet<&str> = all.pairs().into_iter().map(|(name, _)| name).collect();
        let members = serde_json::to_value(&all).unwrap();
        for name in members.as_object().unwrap().keys() {
            assert!(named.contains(name.as_str()), "{name} is not said again");
        }
    }

    #[test]
    fn parts_that_may_have_several_values_are_those_that_keep_them() {
        let members = serde_json::to_value(ProviderFilter::default()).unwrap();
        for (name, value) in members.as_object().unwrap() {
            let many = ProviderFilter::MANY.contains(&name.as_str());
            assert_eq!(value.is_array(), many, "{name}");
        }
    }

    #[test]
    fn empty_values_are_absent_and_odd_ones_are_refused() {
        let empty = filter(&[
            ("q", " "),
            ("state", ""),
            ("sex", ""),
            ("lead", ""),
            ("near", ""),
            ("radius_miles", " "),
            ("county", ""),
            ("credential", ""),
            ("licensed_in", ""),
            ("title", ""),
            ("has_fax", ""),
            ("enumerated_until", ""),
            ("place", ""),
            ("lead_status", ""),
            ("lead_owner", ""),
            ("phone_shared_by", ""),
            ("same_practice", ""),
            ("changed_since", ""),
            ("changed_field", ""),
        ]);
        assert_eq!(empty.unwrap(), ProviderFilter::default());
        for (name, value) in [
            ("state", "Calfornia"),
            ("sex", "Q"),
            ("lead", "maybe"),
            ("updated_since", "31/1/26"),
            ("enumerated_since", "2026-02-30"),
            ("enumerated_until", "tomorrow"),
            ("updated_until", "2026"),
            ("radius_miles", "0"),
            ("radius_miles", "501"),
            ("radius_miles", "2.5"),
            ("licensed_in", "Orgon"),
            ("has_license", "often"),
            ("has_fax", "2"),
            ("sole_proprietor", "Y"),
            ("subpart", "part"),
            ("same_address", "same"),
            ("place", "home"),
            ("lead_status", "old"),
            ("phone_shared_by", "0"),
            ("same_practice", "1234567890"),
            ("changed_since", "lately"),
            ("changed_field", "practice.telephone"),
        ] {
            assert_eq!(filter(&[(name, value)]).unwrap_err().field, name);
        }
    }
}
