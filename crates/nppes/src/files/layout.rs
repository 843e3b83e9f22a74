//! Which column of a file holds what. Columns go by name, wherever they stand.

use std::collections::HashMap;

use super::{FileKind, Version};

/// The columns of the main file that are read, by slot.
pub(super) mod main {
    pub const NPI: usize = 0;
    pub const ENTITY: usize = 1;
    pub const ORGANIZATION: usize = 2;
    /// Last, first, middle, prefix, suffix, credential.
    pub const NAME: usize = 3;
    pub const OTHER_ORGANIZATION: usize = 9;
    pub const OTHER_ORGANIZATION_TYPE: usize = 10;
    /// As `NAME`.
    pub const OTHER_NAME: usize = 11;
    pub const OTHER_NAME_TYPE: usize = 17;
    /// Two lines, city, state, postal code, country, telephone, fax.
    pub const MAILING: usize = 18;
    /// As `MAILING`.
    pub const PRACTICE: usize = 26;
    pub const ENUMERATED: usize = 34;
    pub const UPDATED: usize = 35;
    pub const DEACTIVATED: usize = 36;
    pub const REACTIVATED: usize = 37;
    pub const SEX: usize = 38;
    /// As `NAME`.
    pub const OFFICIAL: usize = 39;
    pub const OFFICIAL_TITLE: usize = 45;
    pub const OFFICIAL_PHONE: usize = 46;
    pub const SOLE_PROPRIETOR: usize = 47;
    pub const SUBPART: usize = 48;
    pub const PARENT: usize = 49;
    pub const CERTIFIED: usize = 50;
    /// Five for each taxonomy: code, licence, state of the licence, primary switch, group.
    pub const TAXONOMIES: usize = 51;
    pub const TAXONOMY_COUNT: usize = 15;
    /// Four for each identifier: itself, type, state, issuer.
    pub const IDENTIFIERS: usize = TAXONOMIES + 5 * TAXONOMY_COUNT;
    pub const IDENTIFIER_COUNT: usize = 50;
}

/// The name of each slot before the taxonomies.
const MAIN: [&str; main::TAXONOMIES] = [
    "NPI",
    "Entity Type Code",
    "Provider Organization Name (Legal Business Name)",
    "Provider Last Name (Legal Name)",
    "Provider First Name",
    "Provider Middle Name",
    "Provider Name Prefix Text",
    "Provider Name Suffix Text",
    "Provider Credential Text",
    "Provider Other Organization Name",
    "Provider Other Organization Name Type Code",
    "Provider Other Last Name",
    "Provider Other First Name",
    "Provider Other Middle Name",
    "Provider Other Name Prefix Text",
    "Provider Other Name Suffix Text",
    "Provider Other Credential Text",
    "Provider Other Last Name Type Code",
    "Provider First Line Business Mailing Address",
    "Provider Second Line Business Mailing Address",
    "Provider Business Mailing Address City Name",
    "Provider Business Mailing Address State Name",
    "Provider Business Mailing Address Postal Code",
    "Provider Business Mailing Address Country Code (If outside U.S.)",
    "Provider Business Mailing Address Telephone Number",
    "Provider Business Mailing Address Fax Number",
    "Provider First Line Business Practice Location Address",
    "Provider Second Line Business Practice Location Address",
    "Provider Business Practice Location Address City Name",
    "Provider Business Practice Location Address State Name",
    "Provider Business Practice Location Address Postal Code",
    "Provider Business Practice Location Address Country Code (If outside U.S.)",
    "Provider Business Practice Location Address Telephone Number",
    "Provider Business Practice Location Address Fax Number",
    "Provider Enumeration Date",
    "Last Update Date",
    "NPI Deactivation Date",
    "NPI Reactivation Date",
    SEX,
    "Authorized Official Last Name",
    "Authorized Official First Name",
    "Authorized Official Middle Name",
    "Authorized Official Name Prefix Text",
    "Authorized Official Name Suffix Text",
    "Authorized Official Credential Text",
    "Authorized Official Title or Position",
    "Authorized Official Telephone Number",
    "Is Sole Proprietor",
    "Is Organization Subpart",
    "Parent Organization LBN",
    CERTIFIED,
];

const SEX: &str = "Provider Sex Code";
/// Its name until 2024.
const GENDER: &str = "Provider Gender Code";
/// Added about 2020.
const CERTIFIED: &str = "Certification Date";

/// The columns of the file of other names: NPI, name, type code.
const OTHER_NAMES: [&str; 3] = [
    "NPI",
    "Provider Other Organization Name",
    "Provider Other Organization Name Type Code",
];

/// The columns of the file of secondary practice locations: NPI, then as `main::MAILING`.
const PRACTICE_LOCATIONS: [&str; 9] = [
    "NPI",
    "Provider Secondary Practice Location Address- Address Line 1",
    "Provider Secondary Practice Location Address- Address Line 2",
    "Provider Secondary Practice Location Address - City Name",
    "Provider Secondary Practice Location Address - State Name",
    "Provider Secondary Practice Location Address - Postal Code",
    "Provider Secondary Practice Location Address - Country Code (If outside U.S.)",
    "Provider Secondary Practice Location Address - Telephone Number",
    "Provider Practice Location Address - Fax Number",
];

/// The columns of the file of endpoints: NPI, the endpoint, then its address as `main::MAILING`
/// without telephone and fax.
const ENDPOINTS: [&str; 19] = [
    "NPI",
    "Endpoint Type",
    "Endpoint Type Description",
    "Endpoint",
    "Endpoint Description",
    "Use Code",
    "Use Description",
    "Other Use Description",
    "Content Type",
    "Content Description",
    "Other Content Description",
    "Affiliation",
    "Affiliation Legal Business Name",
    "Affiliation Address Line One",
    "Affiliation Address Line Two",
    "Affiliation Address City",
    "Affiliation Address State",
    "Affiliation Address Postal Code",
    "Affiliation Address Country",
];

/// The columns of the report of deactivated NPIs.
const DEACTIVATIONS: [&str; 2] = ["NPI", "NPPES Deactivation Date"];

/// Which column of a file holds what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub kind: FileKind,
    /// How many fields each row has.
    pub columns: usize,
    /// Only of the main file, whose header tells it.
    pub version: Option<Version>,
    /// How many slots there are.
    pub slots: usize,
    /// Slot of each column; [`Layout::UNREAD`] for those that are not read.
    slot_of: Vec<u16>,
}

/// What a first line turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Header {
    Known(Layout),
    /// Of this kind, but without these columns.
    Incomplete(FileKind, Vec<String>),
    Unknown,
}

impl Layout {
    const UNREAD: u16 = u16::MAX;

    /// Tells by the names of its columns what a file is.
    pub fn recognise(names: &[String]) -> Header {
        let mut places = HashMap::new();
        for (column, name) in names.iter().enumerate() {
            places.entry(plain(name)).or_insert(column);
        }
        let has = |name: &str| places.contains_key(&plain(name));
        if !has("NPI") {
            return Header::Unknown;
        }
        let mut version = None;
        let (kind, wanted): (_, Vec<String>) = if has("Entity Type Code") {
            version = if has(SEX) {
                Some(Version::V2)
            } else {
                has(GENDER).then_some(Version::V1)
            };
            (FileKind::Providers, main_columns(has(SEX)))
        } else if has("Endpoint Type") {
            (FileKind::Endpoints, ENDPOINTS.map(str::to_owned).to_vec())
        } else if has(PRACTICE_LOCATIONS[1]) {
            (
                FileKind::PracticeLocations,
                PRACTICE_LOCATIONS.map(str::to_owned).to_vec(),
            )
        } else if has(OTHER_NAMES[1]) {
            (
                FileKind::OtherNames,
                OTHER_NAMES.map(str::to_owned).to_vec(),
            )
        } else if has(DEACTIVATIONS[1]) {
            (
                FileKind::Deactivations,
                DEACTIVATIONS.map(str::to_owned).to_vec(),
            )
        } else {
            return Header::Unknown;
        };
        let mut slot_of = vec![Self::UNREAD; names.len()];
        let mut missing = Vec::new();
        for (slot, name) in wanted.iter().enumerate() {
            match places.get(&plain(name)) {
                // There are fewer slots than a u16 counts.
                Some(column) => slot_of[*column] = u16::try_from(slot).unwrap_or(Self::UNREAD),
                None if name == CERTIFIED => {}
                None => missing.push(name.clone()),
            }
        }
        if !missing.is_empty() {
            return Header::Incomplete(kind, missing);
        }
        Header::Known(Self {
            kind,
            columns: names.len(),
            version,
            slots: wanted.len(),
            slot_of,
        })
    }

    /// The slot of a column, none when it is not read.
    pub fn slot(&self, column: usize) -> Option<usize> {
        let slot = *self.slot_of.get(column)?;
        (slot != Self::UNREAD).then_some(usize::from(slot))
    }

    /// One of so many columns, of which none is read.
    #[cfg(test)]
    pub fn of(columns: usize) -> Self {
        Self {
            kind: FileKind::Providers,
            columns,
            version: None,
            slots: 0,
            slot_of: vec![Self::UNREAD; columns],
        }
    }

    /// The column in which the NPI stands.
    pub fn npi_column(&self) -> usize {
        let npi = self.slot_of.iter().position(|slot| *slot == 0);
        npi.unwrap_or(0)
    }

    /// Name of a slot of the main file, for messages.
    pub fn main_name(slot: usize) -> String {
        let numbered = |of: usize, each: usize, names: &[&str]| {
            let at = slot - of;
            format!("{}_{}", names[at % each], at / each + 1)
        };
        match slot {
            0..main::TAXONOMIES => MAIN[slot].to_owned(),
            main::TAXONOMIES..main::IDENTIFIERS => numbered(main::TAXONOMIES, 5, &TAXONOMY),
            _ => numbered(main::IDENTIFIERS, 4, &IDENTIFIER),
        }
    }
}

/// The columns of each taxonomy, without its number.
const TAXONOMY: [&str; 5] = [
    "Healthcare Provider Taxonomy Code",
    "Provider License Number",
    "Provider License Number State Code",
    "Healthcare Provider Primary Taxonomy Switch",
    "Healthcare Provider Taxonomy Group",
];

/// The columns of each identifier, without its number.
const IDENTIFIER: [&str; 4] = [
    "Other Provider Identifier",
    "Other Provider Identifier Type Code",
    "Other Provider Identifier State",
    "Other Provider Identifier Issuer",
];

fn main_columns(sex: bool) -> Vec<String> {
    let mut names: Vec<String> = MAIN.map(str::to_owned).to_vec();
    if !sex {
        GENDER.clone_into(&mut names[main::SEX]);
    }
    for n in 1..=main::TAXONOMY_COUNT {
        names.extend(TAXONOMY.map(|name| format!("{name}_{n}")));
    }
    for n in 1..=main::IDENTIFIER_COUNT {
        names.extend(IDENTIFIER.map(|name| format!("{name}_{n}")));
    }
    names
}

/// A name without what differs between printings of the same header: case, and spaces at the ends,
/// in rows, and around hyphens.
fn plain(name: &str) -> String {
    let name = name.trim_start_matches('\u{feff}').to_ascii_lowercase();
    let parts: Vec<String> = name
        .split('-')
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &[&str]) -> Vec<String> {
        text.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn columns_are_found_wherever_they_stand() {
        let header = names(&[
            "Created Date",
            " provider other organization name ",
            "Provider Other Organization Name Type Code",
            "\u{feff}NPI",
        ]);
        let Header::Known(layout) = Layout::recognise(&header) else {
            panic!("{:?}", Layout::recognise(&header));
        };
        assert_eq!((layout.kind, layout.columns), (FileKind::OtherNames, 4));
        let slots: Vec<_> = (0..5).map(|column| layout.slot(column)).collect();
        assert_eq!(slots, [None, Some(1), Some(2), Some(0), None]);
    }

    #[test]
    fn each_slot_of_the_main_file_has_its_name() {
        for (slot, name) in main_columns(true).into_iter().enumerate() {
            assert_eq!(Layout::main_name(slot), name);
        }
    }

    #[test]
    fn spaces_around_hyphens_make_no_other_name() {
        for name in [
            "Provider Secondary Practice Location Address-  Address Line 2",
            "Provider Secondary Practice Location Address - Address Line 2",
            "Provider Secondary Practice Location Address-Address Line 2 ",
        ] {
            assert_eq!(plain(name), plain(PRACTICE_LOCATIONS[2]), "{name}");
        }
    }

    #[test]
    fn a_main_file_without_its_columns_is_named_with_what_it_lacks() {
        let mut header = main_columns(true);
        header.retain(|name| name != CERTIFIED);
        assert!(matches!(
            Layout::recognise(&header),
            Header::Known(Layout {
                columns: 325,
                version: Some(Version::V2),
                ..
            })
        ));
        header.retain(|name| name != "Last Update Date");
        assert_eq!(
            Layout::recognise(&header),
            Header::Incomplete(FileKind::Providers, names(&["Last Update Date"]))
        );
    }

    #[test]
    fn other_tables_are_not_recognised() {
        assert_eq!(Layout::recognise(&names(&["NPI", "Name"])), Header::Unknown);
        assert_eq!(
            Layout::recognise(&names(&["Code", "Grouping"])),
            Header::Unknown
        );
    }
}
