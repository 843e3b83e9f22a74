//! Providers that the test knows all about: each a list of versions, every one with a later day of
//! last update than the one before.

use canvass_model::Npi;
use jiff::{
    ToSpan as _,
    civil::{Date, date},
};
use rand::{Rng, RngExt as _};
use serde_json::Value;

use crate::registry::{Record, npi};

/// Specialties: what the registry calls them, and their code. The last is never synced, so that
/// only files bring its providers.
pub(super) const SPECIALTIES: [(&str, &str); 5] = [
    ("Dermatology", "207N00000X"),
    ("Optometrist", "152W00000X"),
    ("Chiropractor", "111N00000X"),
    ("Nephrology", "207RN0300X"),
    ("Urology", "208800000X"),
];
/// How many of them syncs pull.
pub(super) const SYNCED: usize = 4;

/// State, city and ZIP code.
pub(super) const PLACES: [(&str, &str, &str); 12] = [
    ("CA", "LOS ANGELES", "90012"),
    ("CA", "FRESNO", "93701"),
    ("CA", "SAN DIEGO", "92101"),
    ("TX", "HOUSTON", "77002"),
    ("TX", "DALLAS", "75201"),
    ("TX", "AUSTIN", "78701"),
    ("NY", "NEW YORK", "10001"),
    ("NY", "BUFFALO", "14202"),
    ("NY", "ALBANY", "12207"),
    ("FL", "MIAMI", "33130"),
    ("FL", "ORLANDO", "32801"),
    ("FL", "TAMPA", "33602"),
];
pub(super) const STATES: [&str; 4] = ["CA", "TX", "NY", "FL"];

/// Last names in use.
const LAST_NAMES: u32 = 13 * 13;
const CREDENTIALS: [&str; 3] = ["MD", "DO", "NP"];
/// Columns of the taxonomies.
const CODES: [&str; 2] = [
    "Healthcare Provider Taxonomy Code_1",
    "Healthcare Provider Taxonomy Code_2",
];
/// Columns that say which of them is primary.
const PRIMARY: [&str; 2] = [
    "Healthcare Provider Primary Taxonomy Switch_1",
    "Healthcare Provider Primary Taxonomy Switch_2",
];

/// The day of round 0.
const FIRST_ROUND: Date = date(2010, 1, 1);

/// The day that a round stands for.
pub(super) fn day(round: u32) -> Date {
    FIRST_ROUND
        .checked_add(i64::from(round).days())
        .expect("a run of fewer than a million days")
}

/// A day before all rounds.
pub(super) fn long_ago(days: i64) -> Date {
    FIRST_ROUND
        .checked_sub((20 + days).days())
        .expect("a few years")
}

/// One provider.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) npi: Npi,
    number: u32,
    pub(super) organization: bool,
    pub(super) enumerated: Date,
    /// Oldest first; never empty.
    pub(super) versions: Vec<Version>,
    /// Whether it is no longer in the registry. It never comes back.
    pub(super) vanished: bool,
}

/// What was known of a provider from a day on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) updated: Date,
    pub(super) place: usize,
    pub(super) secondary: Option<usize>,
    /// Places in [`SPECIALTIES`], the first primary.
    pub(super) specialties: Vec<usize>,
    pub(super) phone: u32,
    credential: usize,
}

impl Version {
    fn draw(rng: &mut impl Rng, updated: Date) -> Self {
        let first = rng.random_range(0..SPECIALTIES.len());
        let mut specialties = vec![first];
        if rng.random_bool(0.2) {
            let second = rng.random_range(0..SPECIALTIES.len());
            if second != first {
                specialties.push(second);
            }
        }
        Self {
            updated,
            place: rng.random_range(0..PLACES.len()),
            secondary: rng
                .random_bool(0.15)
                .then(|| rng.random_range(0..PLACES.len())),
            specialties,
            phone: rng.random_range(0..10_000_000),
            credential: rng.random_range(0..CREDENTIALS.len()),
        }
    }

    pub(super) fn phone(&self) -> String {
        format!("202{:07}", 2_000_000 + self.phone % 7_000_000)
    }

    /// States and cities of its practice locations.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        [Some(self.place), self.secondary].into_iter().flatten()
    }
}

impl Person {
    pub(super) fn draw(rng: &mut impl Rng, number: u32, enumerated: Date) -> Self {
        Self {
            npi: npi(number),
            number,
            organization: number % 7 == 3,
            enumerated,
            versions: vec![Version::draw(rng, enumerated)],
            vanished: false,
        }
    }

    /// Another version from this day on: one thing changes, or several.
    pub(super) fn change(&mut self, rng: &mut impl Rng, updated: Date) {
        let other = Version::draw(rng, updated);
        let mut version = self.newest().clone();
        version.updated = updated;
        match rng.random_range(0..4) {
            0 => version.phone = other.phone,
            1 => version.place = other.place,
            2 => version.specialties = other.specialties,
            _ => version = other,
        }
        self.versions.push(version);
    }

    pub(super) fn newest(&self) -> &Version {
        self.versions.last().expect("each has a version")
    }

    pub(super) fn newest_number(&self) -> usize {
        self.versions.len() - 1
    }

    /// The version that has this day of last update.
    pub(super) fn version_of(&self, updated: &str) -> Option<usize> {
        let updated: Date = updated.parse().ok()?;
        self.versions.iter().position(|v| v.updated == updated)
    }

    pub(super) fn last_name(&self) -> String {
        // Any two differ in four letters or more, so that none is found for another by mistake.
        let (first, second) = (self.number % LAST_NAMES / 13, self.number % LAST_NAMES % 13);
        let letter = |n: u32| char::from(b'A' + u8::try_from(n % 13).unwrap_or(0));
        let [a, b, c] = [first, second, first + second].map(letter);
        format!("LE{a}{a}{b}{b}{c}{c}")
    }

    fn first_name(&self) -> String {
        format!("FIRST{:06}", self.number)
    }

    fn organization_name(&self) -> String {
        format!("CLINIC{:06} {}", self.number, self.last_name())
    }

    /// Its kind, as the API says it.
    pub(super) fn entity(&self) -> &'static str {
        if self.organization {
            "organization"
        } else {
            "individual"
        }
    }

    /// A word that is in no other name.
    pub(super) fn own_word(&self) -> String {
        if self.organization {
            format!("CLINIC{:06}", self.number)
        } else {
            self.first_name()
        }
    }

    /// As the registry's API gives it.
    pub(super) fn record(&self, version: &Version) -> Value {
        let mut record = if self.organization {
            Record::organization(self.npi, &self.organization_name())
        } else {
            Record::individual(self.npi, &self.last_name(), &self.first_name())
                .basic("credential", CREDENTIALS[version.credential])
        };
        let codes: Vec<&str> = version
            .specialties
            .iter()
            .map(|s| SPECIALTIES[*s].1)
            .collect();
        let (state, city, zip) = PLACES[version.place];
        let phone = version.phone();
        record = record
            .codes(&codes)
            .practice(state, city, zip)
            .phone(&format!("{}-{}-{}", &phone[..3], &phone[3..6], &phone[6..]))
            .dates(self.enumerated, version.updated);
        if let Some(place) = version.secondary {
            let (state, city, zip) = PLACES[place];
            record = record.secondary(state, city, zip);
        }
        record.build()
    }

    /// The values of the row of a dissemination file, by column.
    pub(super) fn row(&self, version: &Version) -> Vec<(&'static str, String)> {
        let mut row = vec![("NPI", self.npi.to_string())];
        let mut set = |column: &'static str, value: &str| row.push((column, value.to_owned()));
        if self.organization {
            set("Entity Type Code", "2");
            set(
                "Provider Organization Name (Legal Business Name)",
                &self.organization_name(),
            );
            set("Is Organization Subpart", "N");
            set("Authorized Official Last Name", "OFFICIAL");
            set("Authorized Official First Name", "PAT");
            set("Authorized Official Title or Position", "OWNER");
            set("Authorized Official Telephone Number", "2025550100");
        } else {
            set("Entity Type Code", "1");
            set("Provider Last Name (Legal Name)", &self.last_name());
            set("Provider First Name", &self.first_name());
            set("Provider Credential Text", CREDENTIALS[version.credential]);
            set("Provider Sex Code", "F");
            set("Is Sole Proprietor", "N");
        }
        let (state, city, zip) = PLACES[version.place];
        let phone = version.phone();
        for kind in ["Mailing", "Practice Location"] {
            let columns: [(&'static str, &str); 6] = match kind {
                "Mailing" => [
                    ("Provider First Line Business Mailing Address", "1 MAIN ST"),
                    ("Provider Business Mailing Address City Name", city),
                    ("Provider Business Mailing Address State Name", state),
                    ("Provider Business Mailing Address Postal Code", zip),
                    (
                        "Provider Business Mailing Address Country Code (If outside U.S.)",
                        "US",
                    ),
                    ("Provider Business Mailing Address Telephone Number", &phone),
                ],
                _ => [
                    (
                        "Provider First Line Business Practice Location Address",
                        "1 MAIN ST",
                    ),
                    (
                        "Provider Business Practice Location Address City Name",
                        city,
                    ),
                    (
                        "Provider Business Practice Location Address State Name",
                        state,
                    ),
                    (
                        "Provider Business Practice Location Address Postal Code",
                        zip,
                    ),
                    (
                        "Provider Business Practice Location Address Country Code (If outside U.S.)",
                        "US",
                    ),
                    (
                        "Provider Business Practice Location Address Telephone Number",
                        &phone,
                    ),
                ],
            };
            for (column, value) in columns {
                set(column, value);
            }
        }
        set(
            "Provider Enumeration Date",
            &self.enumerated.strftime("%m/%d/%Y").to_string(),
        );
        set(
            "Last Update Date",
            &version.updated.strftime("%m/%d/%Y").to_string(),
        );
        for (i, specialty) in version.specialties.iter().enumerate() {
            set(CODES[i], SPECIALTIES[*specialty].1);
            set(PRIMARY[i], if i == 0 { "Y" } else { "N" });
        }
        row
    }

    /// What differs between a row of the API and this version; none when nothing does.
    pub(super) fn differs(&self, version: &Version, row: &Value) -> Option<String> {
        let (state, city, zip) = PLACES[version.place];
        let name = if self.organization {
            self.organization_name()
        } else {
            format!("{}, {}", self.last_name(), self.first_name())
        };
        let phone = version.phone();
        let enumerated = self.enumerated.to_string();
        let wanted = [
            ("name", name.as_str()),
            ("state", state),
            ("city", city),
            ("postal_code", zip),
            ("phone", &phone),
            ("taxonomy", SPECIALTIES[version.specialties[0]].1),
            ("enumerated_on", &enumerated),
        ];
        wanted.into_iter().find_map(|(field, value)| {
            let given = row.get(field)?;
            (given != value).then(|| format!("{field} is {given} instead of {value:?}"))
        })
    }
}
