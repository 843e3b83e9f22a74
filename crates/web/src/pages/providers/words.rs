//! What a search asks for, in words.

use canvass_model::LeadStatus;
use jiff::civil::Date;

use crate::format::When;
use crate::geography::state_name;

/// What a parameter asks for, in words. `beside` are all parameters of the search: a radius is
/// told with the place around which it is.
pub(crate) fn chip_label(name: &str, value: &str, beside: &[(&'static str, String)]) -> String {
    if let Some(fixed) = fixed(name, value) {
        return fixed.to_owned();
    }
    match name {
        "q" => format!("“{value}”"),
        "state" => state_name(value).to_owned(),
        "licensed_in" => format!("Licensed in {}", state_name(value)),
        "postal_code" => format!("ZIP {value}…"),
        "near" => {
            let radius = beside.iter().find(|(name, _)| *name == "radius_miles");
            let miles = radius.map_or("25", |(_, miles)| miles);
            format!("Within {miles} miles of {value}")
        }
        "radius_miles" => format!("Within {value} miles"),
        "county" => format!("County: {value}"),
        "credential" => format!("Credential {value}"),
        "title" => format!("Official: “{value}”"),
        "lead_status" => {
            let status = value.parse::<LeadStatus>();
            status.map_or_else(|_| value.to_owned(), |s| format!("Lead: {}", s.label()))
        }
        "lead_owner" => "Leads of one owner".to_owned(),
        "phone_shared_by" => format!("Telephone shared by at most {value}"),
        "same_practice" => format!("At the practice of {value}"),
        "changed_since" => format!("Changed since {}", day(value)),
        "changed_field" => format!("Changed: {value}"),
        "enumerated_since" => format!("NPI given since {}", day(value)),
        "enumerated_until" => format!("NPI given until {}", day(value)),
        "updated_since" => format!("Updated since {}", day(value)),
        "updated_until" => format!("Updated until {}", day(value)),
        _ => value.to_owned(),
    }
}

/// Whether a parameter is told by another's chip, and goes with it.
pub(crate) fn told_by_another(name: &str, beside: &[(&'static str, String)]) -> bool {
    name == "radius_miles" && beside.iter().any(|(name, _)| *name == "near")
}

fn fixed(name: &str, value: &str) -> Option<&'static str> {
    Some(match (name, value) {
        ("entity", "individual") => "People",
        ("entity", "organization") => "Organizations",
        ("has_phone", "yes") => "With a telephone",
        ("has_phone", "no") => "Without a telephone",
        ("has_fax", "yes") => "With a fax",
        ("has_fax", "no") => "Without a fax",
        ("has_license", "yes") => "With a licence",
        ("has_license", "no") => "Without a licence",
        ("same_address", "yes") => "Mail goes to the practice",
        ("same_address", "no") => "Mail goes elsewhere",
        ("sole_proprietor", "yes") => "Sole proprietors",
        ("sole_proprietor", "no") => "Not sole proprietors",
        ("subpart", "yes") => "Subparts",
        ("subpart", "no") => "Not subparts",
        ("lead", "no") => "Not yet leads",
        ("lead", "yes") => "Leads",
        ("primary_only", _) => "Primary taxonomy only",
        ("status", "any") => "Any state of the record",
        ("status", "deactivated") => "Deactivated",
        ("status", "unpublished") => "No longer published",
        ("sync", _) => "Found by one sync",
        ("place", "mailing") => "By mailing address",
        ("lead_owner", "none") => "Leads that nobody owns",
        ("sex", "F") => "Female",
        ("sex", "M") => "Male",
        ("sex", "X") => "Sex: another answer",
        ("sex", "U") => "Sex not disclosed",
        _ => return None,
    })
}

fn day(value: &str) -> String {
    let day = value.parse::<Date>();
    day.map_or_else(|_| value.to_owned(), |d| When::day(d).text().to_owned())
}

#[cfg(test)]
mod tests {
    use canvass_model::ProviderFilter;

    use super::*;

    #[test]
    fn every_part_of_a_filter_has_words() {
        let said = [
            ("entity", "individual"),
            ("sex", "U"),
            ("status", "any"),
            ("state", "CA"),
            ("licensed_in", "CA"),
            ("radius_miles", "50"),
            ("place", "mailing"),
            ("lead_status", "new"),
            ("phone_shared_by", "3"),
            ("same_practice", "1234567893"),
            ("changed_field", "practice.phone"),
        ];
        // What people write themselves needs no words.
        let own = ["specialty", "taxonomy", "city"];
        let members = serde_json::to_value(ProviderFilter::default()).unwrap();
        for name in members.as_object().unwrap().keys() {
            let value = match said.iter().find(|(of, _)| of == name) {
                Some((_, value)) => value,
                None if name.ends_with("since") || name.ends_with("until") => "2026-01-31",
                None => "yes",
            };
            let mut filter = ProviderFilter::default();
            assert!(filter.set(name, value).unwrap());
            let pairs = filter.pairs();
            let (_, value) = &pairs[0];
            let label = chip_label(name, value, &pairs);
            assert_eq!(label == *value, own.contains(&name.as_str()), "{name}");
        }
    }

    #[test]
    fn a_radius_is_told_with_its_place() {
        let pairs = [
            ("near", "93701".to_owned()),
            ("radius_miles", "50".to_owned()),
        ];
        assert_eq!(
            chip_label("near", "93701", &pairs),
            "Within 50 miles of 93701"
        );
        assert_eq!(
            chip_label("near", "93701", &pairs[..1]),
            "Within 25 miles of 93701"
        );
        assert!(told_by_another("radius_miles", &pairs));
        assert!(!told_by_another("radius_miles", &pairs[1..]));
        assert!(!told_by_another("near", &pairs));
    }
}
