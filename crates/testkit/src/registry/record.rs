use canvass_model::Npi;
use jiff::civil::{Date, date};
use serde_json::{Map, Value, json};

/// The n-th NPI of the tests, with a valid check digit. `n` is below 200,000,000.
///
/// # Panics
/// When `n` is not.
pub fn npi(n: u32) -> Npi {
    n.checked_add(100_000_000)
        .and_then(|nine| Npi::from_first_nine(nine).ok())
        .expect("an NPI has room for a number below 200,000,000")
}

/// Builds a record in the shape of the registry's API (the current one, of 2025 and 2026): all
/// eleven keys, absent values as absent keys, a mailing and a practice address.
#[derive(Clone, Debug)]
pub struct Record {
    npi: Npi,
    basic: Map<String, Value>,
    organization: bool,
    practice: Value,
    mailing: Option<Value>,
    secondary: Vec<Value>,
    taxonomies: Vec<Value>,
    other_names: Vec<Value>,
    enumerated: Date,
    updated: Date,
}

impl Record {
    /// A person. Enumerated 2010-01-15 and updated 2024-03-01 unless told otherwise.
    pub fn individual(npi: Npi, last: &str, first: &str) -> Self {
        Self::new(
            npi,
            false,
            json!({
                "last_name": last, "first_name": first, "sex": "F", "sole_proprietor": "NO",
            }),
        )
    }

    /// An organization, with the same dates.
    pub fn organization(npi: Npi, name: &str) -> Self {
        Self::new(
            npi,
            true,
            json!({
                "organization_name": name, "organizational_subpart": "NO",
                "authorized_official_first_name": "PAT",
                "authorized_official_last_name": "OFFICIAL",
                "authorized_official_title_or_position": "OWNER",
                "authorized_official_telephone_number": "2025550100",
            }),
        )
    }

    fn new(npi: Npi, organization: bool, basic: Value) -> Self {
        let Value::Object(basic) = basic else {
            unreachable!("both callers give an object")
        };
        Self {
            npi,
            basic,
            organization,
            practice: address("CA", "LOS ANGELES", "900120000"),
            mailing: None,
            secondary: Vec::new(),
            taxonomies: Vec::new(),
            other_names: Vec::new(),
            enumerated: date(2010, 1, 15),
            updated: date(2024, 3, 1),
        }
    }

    /// These NUCC codes, the first of them primary, without licences.
    #[must_use]
    pub fn codes(mut self, codes: &[&str]) -> Self {
        self.taxonomies = codes
            .iter()
            .enumerate()
            .map(|(i, code)| {
                json!({
                    "code": code, "desc": null, "license": null, "state": null,
                    "primary": i == 0, "taxonomy_group": "",
                })
            })
            .collect();
        self
    }

    /// The primary practice address; the mailing address too unless that is given.
    #[must_use]
    pub fn practice(mut self, state: &str, city: &str, postal_code: &str) -> Self {
        self.practice = address(state, city, postal_code);
        self
    }

    /// The mailing address.
    #[must_use]
    pub fn mailing(mut self, state: &str, city: &str, postal_code: &str) -> Self {
        self.mailing = Some(address(state, city, postal_code));
        self
    }

    /// One more practice location.
    #[must_use]
    pub fn secondary(mut self, state: &str, city: &str, postal_code: &str) -> Self {
        self.secondary.push(address(state, city, postal_code));
        self
    }

    /// Telephone of the primary practice, as `nnn-nnn-nnnn`.
    #[must_use]
    pub fn phone(mut self, number: &str) -> Self {
        self.practice["telephone_number"] = number.into();
        self
    }

    /// Another name of an organization, doing business as.
    #[must_use]
    pub fn doing_business_as(mut self, name: &str) -> Self {
        self.other_names.push(json!({
            "code": "3", "type": "Doing Business As", "organization_name": name,
        }));
        self
    }

    /// A value under `basic`: `middle_name`, `credential`, `sex`, `name_prefix` and the like.
    #[must_use]
    pub fn basic(mut self, key: &str, value: &str) -> Self {
        self.basic.insert(key.to_owned(), value.into());
        self
    }

    /// The US Eastern days of enumeration and of the last update.
    #[must_use]
    pub fn dates(mut self, enumerated: Date, updated: Date) -> Self {
        (self.enumerated, self.updated) = (enumerated, updated);
        self
    }

    /// The record.
    pub fn build(mut self) -> Value {
        self.basic.insert("status".into(), "A".into());
        self.basic.insert(
            "enumeration_date".into(),
            self.enumerated.to_string().into(),
        );
        self.basic
            .insert("last_updated".into(), self.updated.to_string().into());
        let mailing = self.mailing.unwrap_or_else(|| self.practice.clone());
        let secondary: Vec<Value> = self
            .secondary
            .into_iter()
            .map(|address| purpose(address, "LOCATION"))
            .collect();
        json!({
            "number": self.npi.to_string(),
            "enumeration_type": if self.organization { "NPI-2" } else { "NPI-1" },
            "created_epoch": epoch(self.enumerated),
            "last_updated_epoch": epoch(self.updated),
            "basic": self.basic,
            "addresses": [purpose(mailing, "MAILING"), purpose(self.practice, "LOCATION")],
            "practiceLocations": secondary,
            "taxonomies": self.taxonomies,
            "identifiers": [],
            "other_names": self.other_names,
            "endpoints": [],
        })
    }
}

fn address(state: &str, city: &str, postal_code: &str) -> Value {
    json!({
        "address_1": "1 MAIN ST", "city": city, "state": state, "postal_code": postal_code,
        "country_code": "US", "country_name": "United States", "address_type": "DOM",
        "telephone_number": "202-555-0100",
    })
}

fn purpose(mut address: Value, purpose: &str) -> Value {
    address["address_purpose"] = purpose.into();
    address
}

/// Milliseconds of 16:00 UTC as text: the same day in US Eastern time all year round.
fn epoch(day: Date) -> String {
    jiff::tz::TimeZone::UTC
        .to_timestamp(day.at(16, 0, 0, 0))
        .expect("a day of a test lies within the range of timestamps")
        .as_millisecond()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_the_eleven_keys_of_the_registry() {
        let record = Record::individual(npi(0), "DOE", "JANE")
            .codes(&["207R00000X"])
            .build();
        let mut keys: Vec<&str> = record
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        keys.sort_unstable();
        assert_eq!(
            keys,
            [
                "addresses",
                "basic",
                "created_epoch",
                "endpoints",
                "enumeration_type",
                "identifiers",
                "last_updated_epoch",
                "number",
                "other_names",
                "practiceLocations",
                "taxonomies"
            ]
        );
        assert_eq!(record["number"], "1000000004");
        // 2010-01-15T16:00:00Z
        assert_eq!(record["created_epoch"], "1263571200000");
    }
}
