//! A provider as lines of the dissemination files.
//!
//! Every value stands in double quotes, the empty ones too, and a double quote inside a value has
//! become a single one, so nothing is escaped: so the registry writes them.

use canvass_model::{
    Address, Endpoint, Entity, Official, OtherName, PersonName, Phone, Provider, ProviderTaxonomy,
};
use jiff::civil::Date;

use super::Rows;
use crate::sample::draw::Draw;

/// Header lines, each with its line feed.
pub(super) const NPIDATA_HEADER: &str = include_str!("../../../data/headers/npidata.csv");
pub(super) const OTHERNAME_HEADER: &str = include_str!("../../../data/headers/othername.csv");
pub(super) const PL_HEADER: &str = include_str!("../../../data/headers/pl.csv");
pub(super) const ENDPOINT_HEADER: &str = include_str!("../../../data/headers/endpoint.csv");

/// What the files say instead of numbers and names that they keep to themselves.
const UNAVAILABLE: &str = "<UNAVAIL>";
/// What stands in place of an identifier that looks like a social security number.
const MASK: &str = "=========";

const TAXONOMIES: usize = 15;
const IDENTIFIERS: usize = 50;

/// Distinguishes the draws of this module from others of the same number.
const NOISE: u64 = 0x6e6f_6973_6521;

/// How the main file says that an organization has other names. Both kinds are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OtherNames {
    /// `<UNAVAIL>` with the type code 6, as in the monthly file.
    Masked,
    /// Nothing, as in the weekly ones.
    Blank,
}

/// Adds the lines of a provider to those of the four files.
pub(super) fn write(rows: &mut Rows, p: &Provider, other_names: OtherNames) {
    rows.main.count += 1;
    let mut line = Line::new(&mut rows.main.text);
    let Some(entity) = p.entity else {
        // Of a deactivated NPI the files say nothing else.
        line.npi(p);
        line.empty(38);
        line.date(p.deactivated_on);
        line.empty(290);
        line.end();
        return;
    };
    let mut noise = Draw::new(NOISE, u64::try_from(p.npi.as_i64()).unwrap_or(0));
    main(&mut line, p, entity, other_names, &mut noise);
    line.end();
    for name in &p.other_names {
        other_name(rows, p, name, &mut noise);
    }
    for address in &p.secondary {
        rows.pl.count += 1;
        let mut line = Line::new(&mut rows.pl.text);
        line.npi(p);
        line.titled(address.line_1.as_deref());
        line.titled(address.line_2.as_deref());
        line.titled(address.city.as_deref());
        line.opt(address.state.as_deref());
        line.opt(address.postal_code.as_deref());
        line.opt(address.country.as_deref());
        line.phone(address.phone.as_ref());
        let extension = address.phone.is_some() && noise.permille(20);
        line.text(if extension { "101" } else { "" });
        line.phone(address.fax.as_ref());
        line.end();
    }
    for e in &p.endpoints {
        rows.endpoint.count += 1;
        let mut line = Line::new(&mut rows.endpoint.text);
        line.npi(p);
        endpoint(&mut line, e);
        line.end();
    }
}

fn main(line: &mut Line, p: &Provider, entity: Entity, other_names: OtherNames, noise: &mut Draw) {
    let organization = entity == Entity::Organization;
    line.npi(p);
    line.text(if organization { "2" } else { "1" });
    line.empty(1);
    line.text(if organization { UNAVAILABLE } else { "" });
    line.opt(p.organization_name.as_deref());
    person(line, &p.name);
    let hidden =
        other_names == OtherNames::Masked && p.other_names.iter().any(|n| n.organization.is_some());
    line.text(if hidden { UNAVAILABLE } else { "" });
    line.text(if hidden { "6" } else { "" });
    match p.other_names.iter().find(|n| n.organization.is_none()) {
        Some(name) => {
            person(line, &name.person);
            line.opt(name.code.as_deref());
        }
        None => line.empty(7),
    }
    address(line, p.mailing.as_ref());
    address(line, p.practice.as_ref());
    line.date(p.enumerated_on);
    line.date(p.updated_on);
    line.empty(1);
    line.date(p.deactivated_on);
    line.date(p.reactivated_on);
    line.text(p.sex.map_or("", |sex| sex.as_str()));
    let nobody = Official::default();
    let official = p.official.as_ref().unwrap_or(&nobody);
    line.opt(official.name.last.as_deref());
    line.opt(official.name.first.as_deref());
    line.opt(official.name.middle.as_deref());
    line.opt(official.title.as_deref());
    line.phone(official.phone.as_ref());
    taxonomies(line, &p.taxonomies);
    identifiers(line, p, noise);
    if organization {
        line.empty(1);
        line.text(flag(p.subpart));
        line.opt(p.parent_organization.as_deref());
        let parent = p.parent_organization.is_some();
        line.text(if parent { UNAVAILABLE } else { "" });
    } else {
        // Who did not say is `X`, and only people are asked.
        line.text(p.sole_proprietor.map_or("X", |v| flag(Some(v))));
        line.empty(3);
    }
    line.upper(official.name.prefix.as_deref());
    line.upper(official.name.suffix.as_deref());
    line.opt(official.name.credential.as_deref());
    for i in 0..TAXONOMIES {
        let group = p.taxonomies.get(i).and_then(|t| t.group.as_deref());
        match group {
            Some("193400000X SINGLE SPECIALTY GROUP") => {
                line.text("193400000X SINGLE SPECIALTY  GROUP");
            }
            other => line.opt(other),
        }
    }
    line.date(p.certified_on);
}

fn person(line: &mut Line, name: &PersonName) {
    line.opt(name.last.as_deref());
    line.opt(name.first.as_deref());
    line.opt(name.middle.as_deref());
    line.upper(name.prefix.as_deref());
    line.upper(name.suffix.as_deref());
    line.opt(name.credential.as_deref());
}

fn address(line: &mut Line, address: Option<&Address>) {
    let Some(a) = address else {
        line.empty(8);
        return;
    };
    line.opt(a.line_1.as_deref());
    line.opt(a.line_2.as_deref());
    line.opt(a.city.as_deref());
    line.opt(a.state.as_deref());
    line.opt(a.postal_code.as_deref());
    line.opt(a.country.as_deref());
    line.phone(a.phone.as_ref());
    line.phone(a.fax.as_ref());
}

/// The switch is `Y` for the primary one and `N` for the others; a provider that has only one and
/// did not say whether it is primary has an `X`.
fn taxonomies(line: &mut Line, taxonomies: &[ProviderTaxonomy]) {
    let known = taxonomies.len().min(TAXONOMIES);
    for t in &taxonomies[..known] {
        line.text(&t.code);
        line.opt(t.license.as_deref());
        line.opt(t.state.as_deref());
        line.text(match (t.primary, known) {
            (true, _) => "Y",
            (false, 1) => "X",
            (false, _) => "N",
        });
    }
    line.empty((TAXONOMIES - known) * 4);
}

fn identifiers(line: &mut Line, p: &Provider, noise: &mut Draw) {
    let mut known = 0;
    if p.identifiers.len() < IDENTIFIERS && noise.permille(4) {
        line.text(MASK);
        line.text("01");
        line.empty(2);
        known += 1;
    }
    for i in &p.identifiers[..p.identifiers.len().min(IDENTIFIERS)] {
        line.text(&i.identifier);
        line.opt(i.code.as_deref());
        line.opt(i.state.as_deref());
        line.opt(i.issuer.as_deref());
        known += 1;
    }
    line.empty((IDENTIFIERS - known) * 4);
}

fn other_name(rows: &mut Rows, p: &Provider, name: &OtherName, noise: &mut Draw) {
    let Some(organization) = name.organization.as_deref() else {
        return;
    };
    rows.othername.count += 1;
    let mut line = Line::new(&mut rows.othername.text);
    line.npi(p);
    // Both kinds of spelling stand side by side in the registry's file.
    if noise.permille(600) {
        line.titled(Some(organization));
    } else {
        line.text(organization);
    }
    line.opt(name.code.as_deref());
    line.date(p.enumerated_on);
    line.end();
}

fn endpoint(line: &mut Line, e: &Endpoint) {
    line.opt(e.kind.as_deref());
    line.opt(e.kind_description.as_deref());
    line.opt(e.endpoint.as_deref());
    line.text(flag(e.affiliation));
    line.opt(e.description.as_deref());
    line.opt(e.affiliation_name.as_deref());
    line.opt(e.use_code.as_deref());
    line.opt(e.use_description.as_deref());
    line.opt(e.use_other.as_deref());
    line.opt(e.content.as_deref());
    line.opt(e.content_description.as_deref());
    line.opt(e.content_other.as_deref());
    line.titled(e.address.line_1.as_deref());
    line.titled(e.address.line_2.as_deref());
    line.titled(e.address.city.as_deref());
    line.opt(e.address.state.as_deref());
    line.opt(e.address.country.as_deref());
    line.opt(e.address.postal_code.as_deref());
}

fn flag(value: Option<bool>) -> &'static str {
    match value {
        Some(true) => "Y",
        Some(false) => "N",
        None => "",
    }
}

/// `""` and a comma, again and again: most of a line is that.
const EMPTY: [u8; 3 * 330] = {
    let mut text = [b'"'; 3 * 330];
    let mut i = 2;
    while i < text.len() {
        text[i] = b',';
        i += 3;
    }
    text
};

/// A line that is being written.
struct Line<'a>(&'a mut Vec<u8>);

impl<'a> Line<'a> {
    fn new(text: &'a mut Vec<u8>) -> Self {
        Self(text)
    }

    fn text(&mut self, value: &str) {
        self.0.push(b'"');
        let bytes = value.as_bytes();
        if bytes.iter().all(|b| *b != b'"' && *b >= b' ') {
            self.0.extend_from_slice(bytes);
        } else {
            self.0.extend(bytes.iter().map(|b| match b {
                b'"' => b'\'',
                0..b' ' => b' ',
                other => *other,
            }));
        }
        self.0.extend_from_slice(b"\",");
    }

    fn opt(&mut self, value: Option<&str>) {
        match value {
            Some(value) => self.text(value),
            None => self.empty(1),
        }
    }

    /// In upper case, as the files write titles that the API writes as `Dr.`.
    fn upper(&mut self, value: Option<&str>) {
        match value {
            Some(value) => self.text(&value.to_uppercase()),
            None => self.empty(1),
        }
    }

    /// In mixed case, as the side files have it: each word from its second letter on in small ones.
    fn titled(&mut self, value: Option<&str>) {
        let Some(value) = value else {
            self.empty(1);
            return;
        };
        let mut titled = String::with_capacity(value.len());
        let mut inside = false;
        for c in value.chars() {
            if inside {
                titled.extend(c.to_lowercase());
            } else {
                titled.push(c);
            }
            inside = c.is_alphanumeric() || c == '\'';
        }
        self.text(&titled);
    }

    fn phone(&mut self, phone: Option<&Phone>) {
        self.opt(phone.map(Phone::digits));
    }

    fn npi(&mut self, p: &Provider) {
        let mut digits = [b'0'; 10];
        decimal(&mut digits, p.npi.as_i64());
        self.quoted(&digits);
    }

    /// `MM/DD/YYYY`.
    fn date(&mut self, day: Option<Date>) {
        let Some(day) = day else {
            self.empty(1);
            return;
        };
        let mut text = *b"00/00/0000";
        decimal(&mut text[..2], i64::from(day.month()));
        decimal(&mut text[3..5], i64::from(day.day()));
        decimal(&mut text[6..], i64::from(day.year()));
        self.quoted(&text);
    }

    fn quoted(&mut self, clean: &[u8]) {
        self.0.push(b'"');
        self.0.extend_from_slice(clean);
        self.0.extend_from_slice(b"\",");
    }

    fn empty(&mut self, count: usize) {
        self.0.extend_from_slice(&EMPTY[..count * 3]);
    }

    fn end(self) {
        // The comma after the last value.
        self.0.pop();
        self.0.push(b'\n');
    }
}

/// The last digits of a number that is not negative.
fn decimal(digits: &mut [u8], number: i64) {
    let mut rest = number.unsigned_abs();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
}

#[cfg(test)]
mod tests {
    use canvass_model::Identifier;
    use jiff::civil::date;

    use super::*;

    fn names(header: &str) -> Vec<String> {
        let mut reader = csv::Reader::from_reader(header.as_bytes());
        reader
            .headers()
            .unwrap()
            .iter()
            .map(str::to_owned)
            .collect()
    }

    /// The values of the only line of a file, by column name, empty ones left out.
    fn line(header: &str, text: &[u8]) -> Vec<(String, String)> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(text);
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 1);
        let names = names(header);
        assert_eq!(rows[0].len(), names.len());
        names
            .into_iter()
            .zip(rows[0].iter().map(str::to_owned))
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }

    #[test]
    fn the_headers_have_the_columns_of_version_2() {
        let widths =
            [NPIDATA_HEADER, OTHERNAME_HEADER, PL_HEADER, ENDPOINT_HEADER].map(|h| names(h).len());
        assert_eq!(widths, [330, 4, 10, 19]);
    }

    #[test]
    fn an_individual_stands_in_its_columns() {
        let mut p = Provider::new("1679576722".parse().unwrap());
        p.entity = Some(Entity::Individual);
        p.name = PersonName {
            prefix: Some("Dr.".to_owned()),
            first: Some("DAVID".to_owned()),
            middle: Some("A".to_owned()),
            last: Some("WIEBE".to_owned()),
            suffix: Some("Jr.".to_owned()),
            credential: Some("M.D.".to_owned()),
        };
        p.other_names.push(OtherName {
            code: Some("1".to_owned()),
            organization: None,
            person: PersonName {
                last: Some("OTHER".to_owned()),
                prefix: Some("Mr.".to_owned()),
                ..PersonName::default()
            },
        });
        p.practice = Some(Address {
            line_1: Some("3500 \"CENTRAL\" AVE".to_owned()),
            city: Some("KEARNEY".to_owned()),
            phone: Phone::parse("308-865-2512"),
            ..Address::default()
        });
        p.taxonomies.push(ProviderTaxonomy {
            code: "207X00000X".to_owned(),
            primary: true,
            license: Some("12637".to_owned()),
            state: Some("NE".to_owned()),
            group: None,
        });
        p.identifiers.push(Identifier {
            identifier: "46969".to_owned(),
            code: Some("01".to_owned()),
            state: Some("KS".to_owned()),
            issuer: Some("BCBS".to_owned()),
        });
        p.sex = canvass_model::Sex::parse("M");
        p.enumerated_on = Some(date(2005, 5, 23));
        p.certified_on = Some(date(2026, 6, 4));
        let mut rows = Rows::default();
        write(&mut rows, &p, OtherNames::Masked);
        let expected = [
            ("NPI", "1679576722"),
            ("Entity Type Code", "1"),
            ("Provider Last Name (Legal Name)", "WIEBE"),
            ("Provider First Name", "DAVID"),
            ("Provider Middle Name", "A"),
            ("Provider Name Prefix Text", "DR."),
            ("Provider Name Suffix Text", "JR."),
            ("Provider Credential Text", "M.D."),
            ("Provider Other Last Name", "OTHER"),
            ("Provider Other Name Prefix Text", "MR."),
            ("Provider Other Last Name Type Code", "1"),
            (
                "Provider First Line Business Practice Location Address",
                "3500 'CENTRAL' AVE",
            ),
            (
                "Provider Business Practice Location Address City Name",
                "KEARNEY",
            ),
            (
                "Provider Business Practice Location Address Telephone Number",
                "3088652512",
            ),
            ("Provider Enumeration Date", "05/23/2005"),
            ("Provider Sex Code", "M"),
            ("Healthcare Provider Taxonomy Code_1", "207X00000X"),
            ("Provider License Number_1", "12637"),
            ("Provider License Number State Code_1", "NE"),
            ("Healthcare Provider Primary Taxonomy Switch_1", "Y"),
            ("Other Provider Identifier_1", "46969"),
            ("Other Provider Identifier Type Code_1", "01"),
            ("Other Provider Identifier State_1", "KS"),
            ("Other Provider Identifier Issuer_1", "BCBS"),
            ("Is Sole Proprietor", "X"),
            ("Certification Date", "06/04/2026"),
        ]
        .map(|(column, value)| (column.to_owned(), value.to_owned()));
        assert_eq!(line(NPIDATA_HEADER, &rows.main.text), expected);
        assert!(rows.othername.text.is_empty() && rows.pl.text.is_empty());
    }

    #[test]
    fn an_organization_keeps_its_numbers_and_its_other_name_out_of_the_main_file() {
        let mut p = Provider::new("1427983329".parse().unwrap());
        p.entity = Some(Entity::Organization);
        p.organization_name = Some("PEAK PLAY, PLLC".to_owned());
        p.parent_organization = Some("PEAK HOLDING".to_owned());
        p.subpart = Some(true);
        p.updated_on = Some(date(2026, 6, 15));
        p.official = Some(Official {
            name: PersonName {
                last: Some("GALBREATH".to_owned()),
                prefix: Some("Ms.".to_owned()),
                ..PersonName::default()
            },
            title: Some("OWNER".to_owned()),
            phone: Phone::parse("2693550561"),
        });
        p.taxonomies.push(ProviderTaxonomy {
            code: "235Z00000X".to_owned(),
            group: Some("193400000X SINGLE SPECIALTY GROUP".to_owned()),
            ..ProviderTaxonomy::default()
        });
        p.other_names.push(OtherName {
            code: Some("3".to_owned()),
            organization: Some("PEAK & PLAY".to_owned()),
            ..OtherName::default()
        });
        p.secondary.push(Address {
            line_1: Some("2200 CEDARCREST DR".to_owned()),
            city: Some("RICE LAKE".to_owned()),
            state: Some("WI".to_owned()),
            ..Address::default()
        });
        let mut rows = Rows::default();
        write(&mut rows, &p, OtherNames::Masked);
        let main = line(NPIDATA_HEADER, &rows.main.text);
        for (column, value) in [
            ("Employer Identification Number (EIN)", "<UNAVAIL>"),
            ("Provider Other Organization Name", "<UNAVAIL>"),
            ("Provider Other Organization Name Type Code", "6"),
            ("Last Update Date", "06/15/2026"),
            ("Authorized Official Last Name", "GALBREATH"),
            ("Authorized Official Title or Position", "OWNER"),
            ("Authorized Official Telephone Number", "2693550561"),
            ("Authorized Official Name Prefix Text", "MS."),
            ("Healthcare Provider Primary Taxonomy Switch_1", "X"),
            (
                "Healthcare Provider Taxonomy Group_1",
                "193400000X SINGLE SPECIALTY  GROUP",
            ),
            ("Is Organization Subpart", "Y"),
            ("Parent Organization LBN", "PEAK HOLDING"),
            ("Parent Organization TIN", "<UNAVAIL>"),
        ] {
            let found = main.iter().find(|(name, _)| name == column);
            assert_eq!(found.map(|(_, v)| v.as_str()), Some(value), "{column}");
        }
        let other = line(OTHERNAME_HEADER, &rows.othername.text);
        assert_eq!(other[1].1.to_uppercase(), "PEAK & PLAY");
        assert_eq!(other[2].1, "3");
        let pl = line(PL_HEADER, &rows.pl.text);
        assert_eq!(pl[1].1, "2200 Cedarcrest Dr");
        assert_eq!(pl[2].1, "Rice Lake");

        let mut weekly = Rows::default();
        write(&mut weekly, &p, OtherNames::Blank);
        let main = line(NPIDATA_HEADER, &weekly.main.text);
        assert!(main.iter().all(|(name, _)| !name.contains("Other Org")));
        assert_eq!(weekly.othername.text, rows.othername.text);
    }

    #[test]
    fn of_a_deactivated_npi_only_the_day_is_told() {
        let mut p = Provider::new("1306849450".parse().unwrap());
        p.status = canvass_model::RecordStatus::Deactivated;
        p.deactivated_on = Some(date(2021, 3, 3));
        let mut rows = Rows::default();
        write(&mut rows, &p, OtherNames::Masked);
        let expected = [
            ("NPI", "1306849450"),
            ("NPI Deactivation Date", "03/03/2021"),
        ]
        .map(|(column, value)| (column.to_owned(), value.to_owned()));
        assert_eq!(line(NPIDATA_HEADER, &rows.main.text), expected);
    }
}
