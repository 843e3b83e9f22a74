use askama::Template;
use canvass_model::{Entity, LeadStatus, PlaceOf, ProviderFilter, Sex, StatusFilter};
use jiff::civil::Date;

use super::states_box_of;
use crate::problem::FieldError;
use crate::ui::{Combobox, Field, Select};

/// The filters that are asked for less often, folded away until one of them is set.
#[derive(Clone, Debug, Template)]
#[template(path = "providers/more_filters.html")]
pub struct MoreFilters {
    /// What is asked for.
    pub filter: ProviderFilter,
    /// What is wrong, field by field.
    pub errors: Vec<FieldError>,
    /// Whether leads are looked for: `status` is theirs then, not that of a record.
    pub of_leads: bool,
}

/// The parameters that stand above the fold, or nowhere in the form.
const ABOVE: [&str; 7] = [
    "q",
    "specialty",
    "state",
    "city",
    "lead",
    "sync",
    "postal_code",
];

/// Miles around a place that are offered; the one that is meant when none is chosen is left out.
const MILES: [u32; 5] = [5, 10, 50, 100, 200];

impl MoreFilters {
    fn open(&self) -> bool {
        let below = |name: &str| {
            let is_status = self.of_leads && name == "status";
            let is_zip = self.of_leads && name == "postal_code";
            is_zip || !is_status && !ABOVE.contains(&name) && name != "sort" && name != "owner"
        };
        self.filter.pairs().iter().any(|(name, _)| below(name))
            || self.errors.iter().any(|error| below(&error.field))
    }

    fn text(&self, name: &'static str, label: &'static str, value: Option<&str>) -> Field {
        Field::text(name, label)
            .value(value.unwrap_or_default())
            .errors(&self.errors)
    }

    fn place(&self) -> Select {
        Select::new(
            "place",
            "Places are those of",
            match self.filter.place {
                PlaceOf::Practice => "",
                PlaceOf::Mailing => PlaceOf::Mailing.as_str(),
            },
            [
                ("", "Practice locations"),
                (PlaceOf::Mailing.as_str(), "The mailing address"),
            ],
        )
    }

    fn phone_shared_by(&self) -> Field {
        let most = self.filter.phone_shared_by.map(|n| n.to_string());
        Field {
            placeholder: Some("3"),
            hint: Some("A direct line is shared by few".to_owned()),
            ..self.text(
                "phone_shared_by",
                "Telephone shared by at most",
                most.as_deref(),
            )
        }
    }

    fn same_practice(&self) -> Field {
        let npi = self.filter.same_practice.map(|npi| npi.to_string());
        Field {
            placeholder: Some("NPI"),
            ..self.text("same_practice", "At the practice of", npi.as_deref())
        }
    }

    fn changed_field(&self) -> Select {
        let chosen = self.filter.changed_field.as_deref().unwrap_or_default();
        let mut options = vec![
            ("", "Anything"),
            ("practice", "Practice location"),
            ("practice.phone", "Telephone"),
            ("mailing", "Mailing address"),
            ("name", "Name"),
            ("organization_name", "Name of the organization"),
            ("official", "Authorized official"),
            ("taxonomies", "Taxonomies"),
            ("status", "State of the record"),
        ];
        if !options.iter().any(|(field, _)| *field == chosen) {
            options.push((chosen, chosen));
        }
        Select::new("changed_field", "What changed", chosen, options)
    }

    fn lead_status(&self) -> Combobox {
        let shown = |status: LeadStatus| (status.as_str().to_owned(), status.label().to_owned());
        Combobox {
            values: self.filter.lead_status.iter().copied().map(shown).collect(),
            options: LeadStatus::ALL.into_iter().map(shown).collect(),
            placeholder: "Contacted",
            ..Combobox::new("lead_status", "Status of the lead")
        }
        .errors(&self.errors)
    }

    fn lead_owner(&self) -> Select {
        let chosen = match self.filter.lead_owner.as_deref() {
            None => "",
            Some("") => "none",
            Some(id) => id,
        };
        let mut options = vec![("", "Anybody or nobody"), ("none", "Nobody")];
        if !matches!(chosen, "" | "none") {
            options.push((chosen, "One of the team"));
        }
        Select::new("lead_owner", "Owner of the lead", chosen, options)
    }

    fn near(&self) -> Field {
        Field {
            placeholder: Some("93701 or Fresno, CA"),
            ..self.text("near", "Near", self.filter.near.as_deref())
        }
    }

    fn within(&self) -> Select {
        let chosen = self.filter.radius_miles.filter(|m| *m != 25);
        let odd = chosen.filter(|m| !MILES.contains(m));
        let mut miles: Vec<u32> = MILES.into_iter().chain(odd).collect();
        miles.sort_unstable();
        let mut options: Vec<(String, String)> = miles
            .into_iter()
            .map(|m| (m.to_string(), format!("{m} miles")))
            .collect();
        let usual = miles_below(&options, 25);
        options.insert(usual, (String::new(), "25 miles".to_owned()));
        let chosen = chosen.map(|m| m.to_string()).unwrap_or_default();
        Select {
            hint: Some("Straight line between ZIP code middles".to_owned()),
            ..Select::new("radius_miles", "Within", &chosen, options).errors(&self.errors)
        }
    }

    fn county(&self) -> Combobox {
        Combobox {
            placeholder: "Fresno, CA",
            ..Combobox::new("county", "County")
                .values(&self.filter.county)
                .errors(&self.errors)
        }
    }

    fn zip(&self) -> Field {
        super::zip_field(&self.filter).errors(&self.errors)
    }

    fn credential(&self) -> Combobox {
        Combobox {
            placeholder: "MD",
            ..Combobox::new("credential", "Credential")
                .values(&self.filter.credential)
                .errors(&self.errors)
        }
    }

    fn licensed_in(&self) -> Combobox {
        states_box_of("licensed_in", "Licensed in", &self.filter.licensed_in).errors(&self.errors)
    }

    fn has_license(&self) -> Select {
        yes_no(
            "has_license",
            "Licence",
            self.filter.has_license,
            ["With or without", "With a licence", "Without"],
        )
    }

    fn codes(&self) -> Combobox {
        Combobox {
            placeholder: "207RC0000X",
            ..Combobox::new("taxonomy", "Taxonomy")
                .values(&self.filter.taxonomy)
                .errors(&self.errors)
        }
    }

    fn entity(&self) -> Select {
        Select::new(
            "entity",
            "Kind",
            self.filter.entity.map_or("", Entity::as_str),
            [
                ("", "People and organizations"),
                (Entity::Individual.as_str(), "People"),
                (Entity::Organization.as_str(), "Organizations"),
            ],
        )
    }

    fn sex(&self) -> Select {
        Select::new(
            "sex",
            "Sex",
            self.filter.sex.map_or("", Sex::as_str),
            [
                ("", "Any"),
                ("F", "Female"),
                ("M", "Male"),
                ("X", "Another answer"),
                ("U", "Not disclosed"),
            ],
        )
    }

    fn sole_proprietor(&self) -> Select {
        yes_no(
            "sole_proprietor",
            "Sole proprietor",
            self.filter.sole_proprietor,
            ["Either", "Sole proprietors", "Others"],
        )
    }

    fn title(&self) -> Field {
        Field {
            placeholder: Some("Medical director"),
            ..self.text(
                "title",
                "Title of the official",
                self.filter.title.as_deref(),
            )
        }
    }

    fn subpart(&self) -> Select {
        yes_no(
            "subpart",
            "Subpart",
            self.filter.subpart,
            ["Either", "Subparts of another", "Others"],
        )
    }

    fn contact(&self) -> [Select; 3] {
        let f = &self.filter;
        let number = ["With or without", "With a number", "Without"];
        [
            yes_no("has_phone", "Telephone", f.has_phone, number),
            yes_no("has_fax", "Fax", f.has_fax, number),
            yes_no(
                "same_address",
                "Mailing address",
                f.same_address,
                [
                    "Either",
                    "Same as the practice",
                    "Another than the practice",
                ],
            ),
        ]
    }

    fn dates(&self) -> [Field; 5] {
        let f = &self.filter;
        let day = |name, label, value: Option<Date>| Field {
            kind: "date",
            ..Field::text(name, label)
                .value(value.map(|d| d.to_string()).unwrap_or_default())
                .errors(&self.errors)
        };
        [
            day("enumerated_since", "NPI given since", f.enumerated_since),
            day("enumerated_until", "NPI given until", f.enumerated_until),
            day("updated_since", "Updated since", f.updated_since),
            day("updated_until", "Updated until", f.updated_until),
            day("changed_since", "Changed since", f.changed_since),
        ]
    }

    fn status(&self) -> Select {
        Select::new(
            "status",
            "Record",
            match self.filter.status {
                StatusFilter::Active => "",
                other => other.as_str(),
            },
            [
                ("", "In service"),
                (StatusFilter::Deactivated.as_str(), "Deactivated"),
                (StatusFilter::Unpublished.as_str(), "No longer published"),
                (StatusFilter::Any.as_str(), "Any"),
            ],
        )
    }
}

/// How many of the options are of fewer miles.
fn miles_below(options: &[(String, String)], miles: u32) -> usize {
    options
        .iter()
        .filter(|(value, _)| value.parse::<u32>().is_ok_and(|m| m < miles))
        .count()
}

fn yes_no(
    name: &'static str,
    label: &'static str,
    chosen: Option<bool>,
    [either, yes, no]: [&'static str; 3],
) -> Select {
    let chosen = chosen.map_or("", |v| if v { "yes" } else { "no" });
    Select::new(
        name,
        label,
        chosen,
        [("", either), ("yes", yes), ("no", no)],
    )
}

crate::ui::shown_as_html!(MoreFilters);

#[cfg(test)]
mod tests {
    use super::*;

    fn more(pairs: &[(&str, &str)], of_leads: bool) -> MoreFilters {
        let mut filter = ProviderFilter::default();
        for (name, value) in pairs {
            filter.set(name, value).unwrap();
        }
        MoreFilters {
            filter,
            errors: Vec::new(),
            of_leads,
        }
    }

    #[test]
    fn it_is_unfolded_where_something_in_it_is_set_or_wrong() {
        assert!(!more(&[("q", "a"), ("state", "CA"), ("sync", "1")], false).open());
        assert!(more(&[("near", "93701")], false).open());
        assert!(more(&[("status", "any")], false).open());
        assert!(!more(&[("status", "any")], true).open());
        assert!(!more(&[("postal_code", "937")], false).open());
        assert!(more(&[("postal_code", "937")], true).open());
        let wrong = MoreFilters {
            errors: vec![FieldError::new("county", "There is no such county.")],
            ..more(&[], false)
        };
        assert!(wrong.open());
    }

    #[test]
    fn a_radius_that_is_not_offered_is_offered_when_it_is_set() {
        let miles = |radius: &str| -> Vec<(String, bool)> {
            let options = more(&[("radius_miles", radius)], false).within().options;
            options.into_iter().map(|o| (o.value, o.selected)).collect()
        };
        let chosen = |radius: &str| miles(radius).into_iter().find(|(_, on)| *on).unwrap().0;
        assert_eq!(chosen(""), "");
        assert_eq!(chosen("25"), "");
        assert_eq!(chosen("100"), "100");
        assert_eq!(chosen("37"), "37");
        let order: Vec<String> = miles("37").into_iter().map(|(value, _)| value).collect();
        assert_eq!(order, ["5", "10", "", "37", "50", "100", "200"]);
    }

    #[test]
    fn every_part_of_a_filter_has_a_field() {
        let members = serde_json::to_value(ProviderFilter::default()).unwrap();
        let html = more(&[], false).to_string();
        for name in members.as_object().unwrap().keys() {
            let here = html.contains(&format!("name=\"{name}\""));
            assert_eq!(here, !ABOVE.contains(&name.as_str()), "{name}");
        }
    }
}
