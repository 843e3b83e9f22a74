//! One row of the main file, read into a provider by the same rules as a record of the API.

use canvass_model::{
    Address, Endpoint, Entity, Identifier, Npi, Official, OtherName, PersonName, Phone, Provider,
    ProviderTaxonomy, RecordStatus, Sex,
};
use jiff::civil::Date;

use super::{
    Side, Warning,
    layout::{Layout, main},
    rows::Fields,
};
use crate::normalize;

/// Whom to tell of values that could not be understood.
pub(super) struct Notes<'a> {
    pub file: &'a str,
    pub line: u64,
    pub npi: Npi,
    pub on_warning: &'a mut dyn FnMut(Warning),
}

impl Notes<'_> {
    /// Tells of a value that is left out, or of one that is missing.
    fn warn(&mut self, column: String, value: Option<&str>, reason: String) {
        let problem = match value {
            Some(value) => format!("{column}: {:?} {reason}", short(value)),
            None => format!("{column}: {reason}"),
        };
        (self.on_warning)(Warning {
            file: self.file.to_owned(),
            line: self.line,
            npi: self.npi,
            column,
            reason,
            problem,
        });
    }

    /// A value by a rule; none, with a warning, when it is there and the rule does not know it.
    fn parsed<T>(
        &mut self,
        raw: &str,
        column: impl Fn() -> String,
        what: &str,
        rule: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = normalize::stated(raw)?;
        let value = rule(text);
        if value.is_none() {
            self.warn(column(), Some(text), format!("is no {what}"));
        }
        value
    }

    fn flag(&mut self, raw: &str, column: impl Fn() -> String) -> Option<bool> {
        normalize::flag(raw).unwrap_or_else(|()| {
            self.warn(column(), Some(raw), "is neither yes nor no".to_owned());
            None
        })
    }
}

/// Makes a provider of a row.
///
/// # Errors
/// With what is wrong, in words, when the row has no valid NPI or does not say what it stands for.
pub(super) fn read(
    fields: &Fields,
    file: &str,
    line: u64,
    side: &Side,
    on_warning: &mut dyn FnMut(Warning),
) -> Result<Provider, String> {
    let npi = normalize::npi(fields.get(main::NPI)).map_err(|error| error.to_string())?;
    let mut row = Main {
        fields,
        notes: Notes {
            file,
            line,
            npi,
            on_warning,
        },
    };
    let mut p = Provider::new(npi);
    p.deactivated_on = row.date(main::DEACTIVATED);
    p.reactivated_on = row.date(main::REACTIVATED);
    if p.deactivated_on.is_some() && p.reactivated_on <= p.deactivated_on {
        p.status = RecordStatus::Deactivated;
    }
    p.organization_name = row.text(main::ORGANIZATION);
    p.name = row.name(main::NAME);
    p.entity = row.entity(&p);
    if p.entity.is_none() && p.status != RecordStatus::Deactivated {
        return Err("the row has neither a type of provider nor a day of deactivation".to_owned());
    }
    p.sex = row.parsed(main::SEX, "sex", Sex::parse);
    p.sole_proprietor = row.flag(main::SOLE_PROPRIETOR);
    p.subpart = row.flag(main::SUBPART);
    p.parent_organization = row.text(main::PARENT);
    p.official = row.official();
    p.mailing = row.address(main::MAILING);
    p.practice = row.address(main::PRACTICE);
    p.taxonomies = row.taxonomies();
    p.identifiers = row.identifiers();
    p.enumerated_on = row.date(main::ENUMERATED);
    p.updated_on = row.date(main::UPDATED);
    p.certified_on = row.date(main::CERTIFIED);
    side.complete(&mut p, row.notes.on_warning);
    row.other_names(&mut p.other_names);
    Ok(p)
}

struct Main<'a, 'b> {
    fields: &'a Fields<'a>,
    notes: Notes<'b>,
}

impl Main<'_, '_> {
    fn text(&self, slot: usize) -> Option<String> {
        normalize::text(self.fields.get(slot))
    }

    fn parsed<T>(
        &mut self,
        slot: usize,
        what: &str,
        rule: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let column = || Layout::main_name(slot);
        self.notes.parsed(self.fields.get(slot), column, what, rule)
    }

    fn date(&mut self, slot: usize) -> Option<Date> {
        self.parsed(slot, "date", normalize::date)
    }

    fn phone(&mut self, slot: usize) -> Option<Phone> {
        self.parsed(slot, "telephone number", Phone::parse)
    }

    fn flag(&mut self, slot: usize) -> Option<bool> {
        let column = || Layout::main_name(slot);
        self.notes.flag(self.fields.get(slot), column)
    }

    fn name(&self, at: usize) -> PersonName {
        PersonName {
            last: self.text(at),
            first: self.text(at + 1),
            middle: self.text(at + 2),
            prefix: normalize::affix(self.fields.get(at + 3)),
            suffix: normalize::affix(self.fields.get(at + 4)),
            credential: self.text(at + 5),
        }
    }

    fn entity(&mut self, p: &Provider) -> Option<Entity> {
        let stated = self.parsed(main::ENTITY, "type of provider", Entity::parse);
        stated.or_else(|| {
            if p.organization_name.is_some() {
                Some(Entity::Organization)
            } else {
                p.name.last.as_ref().map(|_| Entity::Individual)
            }
        })
    }

    fn official(&mut self) -> Option<Official> {
        let official = Official {
            name: self.name(main::OFFICIAL),
            title: self.text(main::OFFICIAL_TITLE),
            phone: self.phone(main::OFFICIAL_PHONE),
        };
        (official != Official::default()).then_some(official)
    }

    fn address(&mut self, at: usize) -> Option<Address> {
        let fields = self.fields;
        let address = address(
            [0, 1, 2, 3, 4, 5, 6, 7].map(|part| fields.get(at + part)),
            &mut self.notes,
            |part| Layout::main_name(at + part),
        );
        (!address.is_empty()).then_some(address)
    }

    fn taxonomies(&mut self) -> Vec<ProviderTaxonomy> {
        let mut taxonomies = Vec::new();
        let end = self.fields.end().min(main::IDENTIFIERS);
        for at in (main::TAXONOMIES..end).step_by(5) {
            let Some(code) = normalize::stated(self.fields.get(at)) else {
                // What belongs to a code says nothing without it.
                if (1..3).any(|part| normalize::stated(self.fields.get(at + part)).is_some()) {
                    self.missing(at);
                }
                continue;
            };
            let code = code.to_ascii_uppercase();
            taxonomies.push(ProviderTaxonomy {
                code,
                license: self.text(at + 1),
                state: self.text(at + 2),
                primary: self.flag(at + 3).unwrap_or(false),
                group: normalize::taxonomy_group(self.fields.get(at + 4)),
            });
        }
        taxonomies
    }

    fn identifiers(&mut self) -> Vec<Identifier> {
        let mut identifiers = Vec::new();
        for at in (main::IDENTIFIERS..self.fields.end()).step_by(4) {
            let Some(identifier) = self.text(at) else {
                // A masked one is withheld, not missing.
                if !self.fields.has(at) && (1..4).any(|part| self.fields.has(at + part)) {
                    self.missing(at);
                }
                continue;
            };
            identifiers.push(Identifier {
                identifier,
                code: self.text(at + 1).map(|code| match code.as_str() {
                    // A spreadsheet takes the leading zero away.
                    one if one.len() == 1 => format!("0{one}"),
                    _ => code,
                }),
                state: self.text(at + 2),
                issuer: self.text(at + 3),
            });
        }
        identifiers
    }

    fn missing(&mut self, slot: usize) {
        let reason = "is absent, so the entry is passed over".to_owned();
        self.notes.warn(Layout::main_name(slot), None, reason);
    }

    /// The other names that the main file itself has: that of a person, and of an organization
    /// what it does not mask and the file of other names does not have as well.
    fn other_names(&self, names: &mut Vec<OtherName>) {
        if let Some(organization) = self.text(main::OTHER_ORGANIZATION) {
            let name = OtherName {
                code: self.text(main::OTHER_ORGANIZATION_TYPE),
                organization: Some(organization),
                person: PersonName::default(),
            };
            let known = |other: &OtherName| {
                other.organization.as_deref().is_some_and(|other| {
                    other.eq_ignore_ascii_case(name.organization.as_deref().unwrap_or_default())
                })
            };
            if !names.iter().any(known) {
                names.insert(0, name);
            }
        }
        let person = self.name(main::OTHER_NAME);
        if !person.is_empty() {
            names.push(OtherName {
                code: self.text(main::OTHER_NAME_TYPE),
                organization: None,
                person,
            });
        }
    }
}

/// An address from two lines, city, state, postal code, country, telephone and fax.
fn address(parts: [&str; 8], notes: &mut Notes, column: impl Fn(usize) -> String) -> Address {
    let [
        line_1,
        line_2,
        city,
        state,
        postal_code,
        country,
        phone,
        fax,
    ] = parts;
    Address {
        line_1: normalize::text(line_1),
        line_2: normalize::text(line_2),
        city: normalize::text(city),
        state: normalize::text(state),
        postal_code: normalize::postal_code(postal_code),
        country: normalize::text(country),
        phone: notes.parsed(phone, || column(6), "telephone number", Phone::parse),
        fax: notes.parsed(fax, || column(7), "telephone number", Phone::parse),
    }
}

/// A row of the file of other names, without its NPI.
pub(super) fn other_name([name, code]: [&str; 2]) -> Option<OtherName> {
    Some(OtherName {
        organization: Some(normalize::text(name)?),
        code: normalize::text(code),
        person: PersonName::default(),
    })
}

/// A row of the file of secondary practice locations, without its NPI.
pub(super) fn location(parts: [&str; 8], notes: &mut Notes) -> Option<Address> {
    let address = address(parts, notes, |part| {
        ["Telephone Number", "Fax Number"][part - 6].to_owned()
    });
    (!address.is_empty()).then_some(address)
}

/// A row of the file of endpoints, without its NPI.
pub(super) fn endpoint(parts: &[&str; 18], notes: &mut Notes) -> Option<Endpoint> {
    let [
        kind,
        kind_description,
        endpoint,
        description,
        use_code,
        use_description,
        use_other,
        content,
        content_description,
        content_other,
        affiliation,
        affiliation_name,
        line_1,
        line_2,
        city,
        state,
        postal_code,
        country,
    ] = parts;
    let text = normalize::text;
    let endpoint = Endpoint {
        kind: text(kind),
        kind_description: text(kind_description),
        endpoint: text(endpoint),
        description: text(description),
        use_code: text(use_code),
        use_description: text(use_description),
        use_other: text(use_other),
        content: text(content),
        content_description: text(content_description),
        content_other: text(content_other),
        affiliation: notes.flag(affiliation, || "Affiliation".to_owned()),
        affiliation_name: text(affiliation_name),
        address: Address {
            line_1: text(line_1),
            line_2: text(line_2),
            city: text(city),
            state: text(state),
            postal_code: normalize::postal_code(postal_code),
            country: text(country),
            phone: None,
            fax: None,
        },
    };
    (endpoint != Endpoint::default()).then_some(endpoint)
}

/// Enough of a text to recognise it in a message.
fn short(text: &str) -> String {
    text.chars().take(40).collect()
}
