//! What a request asks for, and the refusals of the registry.
//!
//! The rules, numbers and texts are those of the NPPES read API 2.1: its help page, recorded
//! answers of 2022 to 2026, and the notes of people who probed it in 2026.

use serde_json::{Value, json};

use super::{
    Deep, Params,
    population::{Entry, EntryAddress, Purpose},
};

const LIMIT_DEFAULT: usize = 10;
const LIMIT_MAX: usize = 200;
const SKIP_DOCUMENTED: usize = 1000;

/// One entry of `Errors`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    number: &'static str,
    field: &'static str,
    description: &'static str,
}

impl Refusal {
    fn new(number: &'static str, field: &'static str) -> Self {
        let description = match number {
            "03" => "Wildcards require at least two leading characters",
            "04" => "No valid search criteria provided",
            "05" => "Field contains special character(s) or wrong number of characters",
            "06" => "NPI must be 10 digits",
            "07" => "Field state requires additional search criteria",
            "08" => "Field skip must be between 0 and 1000",
            "09" => "enumeration_type requires additional search criteria",
            "14" => "No taxonomy codes found with entered description",
            "17" => "Unsupported Version",
            _ => unreachable!("a refusal that has no text: {number}"),
        };
        Self {
            number,
            field,
            description,
        }
    }

    /// Why a page past the reach is refused, where it is.
    pub(super) fn of_skip() -> Self {
        Self::new("08", "skip")
    }

    pub(super) fn to_json(&self) -> Value {
        json!({"description": self.description, "field": self.field, "number": self.number})
    }
}

/// A text to compare with a field: the whole of it, or its beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Text {
    Whole(String),
    Beginning(String),
}

impl Text {
    fn fits(&self, field: &str) -> bool {
        match self {
            Self::Whole(text) => field == text,
            Self::Beginning(text) => field.starts_with(text.as_str()),
        }
    }
}

/// The criteria of a request that the registry accepts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Criteria {
    number: Option<String>,
    enumeration_type: Option<String>,
    codes: Option<Vec<String>>,
    last_name: Option<Text>,
    first_name: Option<Text>,
    organization_name: Option<Text>,
    purposes: Option<&'static [Purpose]>,
    city: Option<String>,
    state: Option<String>,
    postal_code: Option<Text>,
    country: Option<String>,
}

impl Criteria {
    /// The criteria, or why they are refused. An empty parameter counts as absent.
    pub(super) fn parse(
        params: &Params,
        codes_of_text: impl Fn(&str) -> Vec<String>,
    ) -> Result<Self, Vec<Refusal>> {
        let given = |name: &str| {
            params
                .get(name)
                .map(|value| value.trim())
                .filter(|value| !value.is_empty())
        };
        if given("version") != Some("2.1") {
            return Err(vec![Refusal::new("17", "version")]);
        }
        let mut refusals = Vec::new();
        let mut text = |name: &'static str| {
            let value = given(name)?.to_uppercase();
            let Some(beginning) = value.strip_suffix('*') else {
                return Some(Text::Whole(value));
            };
            if beginning.chars().count() < 2 {
                refusals.push(Refusal::new("03", name));
            }
            Some(Text::Beginning(beginning.to_owned()))
        };
        let last_name = text("last_name");
        let first_name = text("first_name");
        let organization_name = text("organization_name");
        let postal_code = text("postal_code").map(|code| match code {
            // Five digits stand for all the nine-digit codes that begin with them.
            Text::Whole(code) if code.len() == 5 => Text::Beginning(code),
            other => other,
        });
        let description = text("taxonomy_description").and(given("taxonomy_description"));
        let number = given("number").map(str::to_owned);
        if number
            .as_ref()
            .is_some_and(|n| n.len() != 10 || !n.bytes().all(|b| b.is_ascii_digit()))
        {
            refusals.push(Refusal::new("06", "number"));
        }
        let enumeration_type = given("enumeration_type").map(str::to_uppercase);
        if enumeration_type
            .as_ref()
            .is_some_and(|t| t != "NPI-1" && t != "NPI-2")
        {
            refusals.push(Refusal::new("05", "enumeration_type"));
        }
        let purposes: Option<&'static [Purpose]> =
            match given("address_purpose").map(str::to_uppercase).as_deref() {
                None => None,
                Some("LOCATION") => Some(&[Purpose::Primary, Purpose::Secondary]),
                Some("PRIMARY") => Some(&[Purpose::Primary]),
                Some("SECONDARY") => Some(&[Purpose::Secondary]),
                Some("MAILING") => Some(&[Purpose::Mailing]),
                Some(_) => {
                    refusals.push(Refusal::new("05", "address_purpose"));
                    None
                }
            };
        let codes = description.map(codes_of_text);
        if refusals.is_empty() && codes.as_ref().is_some_and(Vec::is_empty) {
            refusals.push(Refusal::new("14", "taxonomy_description"));
        }
        let criteria = Self {
            number,
            enumeration_type,
            codes,
            last_name,
            first_name,
            organization_name,
            purposes,
            city: given("city").map(str::to_uppercase),
            state: given("state").map(str::to_uppercase),
            postal_code,
            country: given("country_code").map(str::to_uppercase),
        };
        if refusals.is_empty() {
            refusals = criteria.too_few();
        }
        if refusals.is_empty() {
            Ok(criteria)
        } else {
            Err(refusals)
        }
    }

    /// State and entity type are not enough, not even together; nor is the United States.
    fn too_few(&self) -> Vec<Refusal> {
        let enough = self.number.is_some()
            || self.codes.is_some()
            || self.last_name.is_some()
            || self.first_name.is_some()
            || self.organization_name.is_some()
            || self.city.is_some()
            || self.postal_code.is_some()
            || self.country.as_ref().is_some_and(|c| c != "US");
        if enough {
            return Vec::new();
        }
        let mut refusals = Vec::new();
        if self.state.is_some() {
            refusals.push(Refusal::new("07", "state"));
        }
        if self.enumeration_type.is_some() {
            refusals.push(Refusal::new("09", "enumeration_type"));
        }
        if refusals.is_empty() {
            refusals.push(Refusal::new("04", "generic"));
        }
        refusals
    }

    /// Whether all criteria fit a record; those of a place must fit one and the same address.
    pub(super) fn fit(&self, entry: &Entry) -> bool {
        let name_fits = |wanted: &Option<Text>, name: &str| {
            wanted
                .as_ref()
                .is_none_or(|text| entry.enumeration_type == "NPI-1" && text.fits(name))
        };
        self.number.as_ref().is_none_or(|n| *n == entry.npi)
            && self
                .enumeration_type
                .as_ref()
                .is_none_or(|t| *t == entry.enumeration_type)
            && self
                .codes
                .as_ref()
                .is_none_or(|codes| codes.iter().any(|c| entry.codes.contains(c)))
            && name_fits(&self.last_name, &entry.last_name)
            && name_fits(&self.first_name, &entry.first_name)
            && self
                .organization_name
                .as_ref()
                .is_none_or(|t| entry.organization_names.iter().any(|n| t.fits(n)))
            && entry.addresses.iter().any(|a| self.fit_address(a))
    }

    fn fit_address(&self, address: &EntryAddress) -> bool {
        self.purposes.is_none_or(|p| p.contains(&address.purpose))
            && self.city.as_ref().is_none_or(|c| *c == address.city)
            && self.state.as_ref().is_none_or(|s| *s == address.state)
            && self.country.as_ref().is_none_or(|c| *c == address.country)
            && self
                .postal_code
                .as_ref()
                .is_none_or(|p| p.fits(&address.postal_code))
    }
}

/// The part of the matches that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) skip: usize,
    pub(super) limit: usize,
}

impl Window {
    /// 0 and what is no number count as absent; a limit above 200 is silently 200.
    pub(super) fn parse(params: &Params) -> Self {
        let number = |name: &str| {
            params
                .get(name)
                .and_then(|value| value.trim().parse::<usize>().ok())
        };
        Self {
            skip: number("skip").unwrap_or(0),
            limit: match number("limit") {
                None | Some(0) => LIMIT_DEFAULT,
                Some(limit) => limit.min(LIMIT_MAX),
            },
        }
    }

    /// Whether the registry refuses this page, whatever it holds.
    pub(super) fn is_refused(self, deep: Deep) -> bool {
        deep == Deep::Refused && self.skip > SKIP_DOCUMENTED
    }

    pub(super) fn page_before(self) -> Self {
        Self {
            skip: self.skip.saturating_sub(self.limit),
            ..self
        }
    }

    /// The matches of this page.
    pub(super) fn of(self, matches: &[usize], deep: Deep) -> &[usize] {
        let skip = match deep {
            Deep::Empty if self.skip > SKIP_DOCUMENTED => return &[],
            Deep::EmptyFrom(place) if self.skip >= place => return &[],
            Deep::Repeats => self.skip.min(SKIP_DOCUMENTED),
            Deep::Served | Deep::Empty | Deep::Refused | Deep::EmptyFrom(_) => self.skip,
        };
        let rest = matches.get(skip..).unwrap_or_default();
        &rest[..rest.len().min(self.limit)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{Record, npi, population::Population};

    const INTERNIST: &str = "207R00000X";

    fn params(query: &str) -> Params {
        let mut params: Params = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect();
        params.entry("version".into()).or_insert("2.1".into());
        params
    }

    fn criteria(query: &str) -> Result<Criteria, Vec<Refusal>> {
        Criteria::parse(&params(query), |text| match text {
            "Internal Medicine" | "Int*" => vec![INTERNIST.to_owned()],
            _ => Vec::new(),
        })
    }

    fn refused(query: &str) -> Vec<(&'static str, &'static str)> {
        criteria(query)
            .expect_err(query)
            .iter()
            .map(|r| (r.number, r.field))
            .collect()
    }

    /// Names of the records that a query finds, in order.
    fn found(query: &str) -> Vec<String> {
        let population = Population::new(&[
            Record::organization(npi(1), "GARDEN CLINIC")
                .doing_business_as("ZEBRA HEALTH")
                .codes(&["261Q00000X"])
                .practice("NV", "RENO", "895010000")
                .build(),
            Record::individual(npi(2), "GARDEN", "AMY")
                .codes(&["363L00000X", INTERNIST])
                .practice("CA", "LOS ANGELES", "900121234")
                .mailing("NY", "NEW YORK", "10001")
                .build(),
            Record::individual(npi(3), "ADAMS", "BOB")
                .codes(&[INTERNIST])
                .practice("NV", "RENO", "89501")
                .secondary("CA", "FRESNO", "937010000")
                .build(),
        ]);
        let criteria = criteria(query).unwrap();
        population
            .entries
            .iter()
            .filter(|e| criteria.fit(e))
            .map(|e| match e.organization_names.first() {
                Some(name) => name.clone(),
                None => format!("{} {}", e.last_name, e.first_name),
            })
            .collect()
    }

    #[test]
    fn refusals_have_the_numbers_of_the_registry() {
        for (query, expected) in [
            ("", vec![("04", "generic")]),
            ("limit=200&skip=0", vec![("04", "generic")]),
            ("state=CA", vec![("07", "state")]),
            ("state=CA&last_name=", vec![("07", "state")]),
            ("enumeration_type=NPI-1", vec![("09", "enumeration_type")]),
            (
                "state=CA&enumeration_type=NPI-1",
                vec![("07", "state"), ("09", "enumeration_type")],
            ),
            (
                "enumeration_type=NPI-3&city=RENO",
                vec![("05", "enumeration_type")],
            ),
            ("number=123", vec![("06", "number")]),
            ("last_name=s*", vec![("03", "last_name")]),
            ("first_name=*", vec![("03", "first_name")]),
            ("postal_code=9*", vec![("03", "postal_code")]),
            (
                "taxonomy_description=OB-GYN",
                vec![("14", "taxonomy_description")],
            ),
            ("version=2.0&city=RENO", vec![("17", "version")]),
            ("country_code=US", vec![("04", "generic")]),
        ] {
            assert_eq!(refused(query), expected, "{query}");
        }
        assert_eq!(
            Refusal::new("04", "generic").to_json().to_string(),
            r#"{"description":"No valid search criteria provided","field":"generic","number":"04"}"#
        );
    }

    #[test]
    fn records_come_sorted_by_display_name_people_and_organizations_together() {
        assert_eq!(found("postal_code=89501"), ["ADAMS BOB", "GARDEN CLINIC"]);
        assert_eq!(
            found("country_code=US&state=NV&city=RENO"),
            ["ADAMS BOB", "GARDEN CLINIC"]
        );
    }

    #[test]
    fn a_taxonomy_text_looks_at_all_taxonomies_of_a_provider() {
        assert_eq!(
            found("taxonomy_description=Internal Medicine"),
            ["ADAMS BOB", "GARDEN AMY"]
        );
        assert_eq!(found("taxonomy_description=Int*").len(), 2);
    }

    #[test]
    fn the_purpose_says_which_addresses_count() {
        let with = |purpose| found(&format!("taxonomy_description=Int*&state=CA{purpose}"));
        assert_eq!(with(""), ["ADAMS BOB", "GARDEN AMY"]);
        assert_eq!(
            with("&address_purpose=LOCATION"),
            ["ADAMS BOB", "GARDEN AMY"]
        );
        assert_eq!(with("&address_purpose=PRIMARY"), ["GARDEN AMY"]);
        assert_eq!(with("&address_purpose=SECONDARY"), ["ADAMS BOB"]);
        assert!(found("postal_code=10001&address_purpose=LOCATION").is_empty());
        assert_eq!(found("postal_code=10001"), ["GARDEN AMY"]);
    }

    #[test]
    fn a_place_must_fit_one_address() {
        assert_eq!(found("state=CA&city=FRESNO"), ["ADAMS BOB"]);
        assert!(found("state=NV&city=FRESNO").is_empty());
        assert!(found("state=NY&postal_code=900*").is_empty());
    }

    #[test]
    fn postal_codes_fit_whole_by_five_digits_or_by_their_beginning() {
        assert_eq!(found("postal_code=90012"), ["GARDEN AMY"]);
        assert_eq!(found("postal_code=900121234"), ["GARDEN AMY"]);
        assert_eq!(found("postal_code=90*"), ["GARDEN AMY"]);
        assert!(found("postal_code=9001").is_empty());
        assert!(found("postal_code=900129999").is_empty());
    }

    #[test]
    fn names_fit_whole_or_by_their_beginning_without_regard_to_case() {
        assert_eq!(found("last_name=garden"), ["GARDEN AMY"]);
        assert!(found("last_name=GARD").is_empty());
        assert_eq!(found("last_name=gard*&first_name=am*"), ["GARDEN AMY"]);
        assert_eq!(found("organization_name=gard*"), ["GARDEN CLINIC"]);
        assert_eq!(found("organization_name=ZEBRA HEALTH"), ["GARDEN CLINIC"]);
        assert!(found("organization_name=adams*").is_empty());
    }

    #[test]
    fn a_number_goes_together_with_the_other_criteria() {
        let number = npi(3);
        assert_eq!(found(&format!("number={number}")), ["ADAMS BOB"]);
        assert!(found(&format!("number={number}&state=TX")).is_empty());
        assert!(found("number=1234567890").is_empty());
    }

    #[test]
    fn the_limit_is_clamped() {
        let limit = |query| Window::parse(&params(query)).limit;
        assert_eq!(limit(""), 10);
        assert_eq!(limit("limit=0"), 10);
        assert_eq!(limit("limit=many"), 10);
        assert_eq!(limit("limit=200"), 200);
        assert_eq!(limit("limit=1200"), 200);
    }

    #[test]
    fn pages_beyond_the_documented_reach_follow_the_setting() {
        let matches: Vec<usize> = (0..1500).collect();
        let page = |skip, deep| Window { skip, limit: 200 }.of(&matches, deep);
        for deep in [Deep::Served, Deep::Repeats, Deep::Empty] {
            assert_eq!(page(1000, deep), &matches[1000..1200]);
        }
        assert_eq!(page(1200, Deep::Served), &matches[1200..1400]);
        assert_eq!(page(1400, Deep::Served).len(), 100);
        assert!(page(1600, Deep::Served).is_empty());
        assert_eq!(page(1200, Deep::Repeats), &matches[1000..1200]);
        assert!(page(1200, Deep::Empty).is_empty());
    }
}
