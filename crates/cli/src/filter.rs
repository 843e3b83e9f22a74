//! The flags of a search: the API's filters, with dashes.

use canvass_model::ProviderFilter;
use clap::Args;

use crate::failure::Failure;

/// Which providers.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Filters")]
pub(crate) struct FilterArgs {
    /// Words of a name, in any order
    #[arg(long)]
    q: Option<String>,
    /// Specialty: a name, an everyday word or a NUCC code; may repeat
    #[arg(long, value_name = "NAME")]
    specialty: Vec<String>,
    /// NUCC code, the beginning of codes, or a name of any level of the NUCC; may repeat
    #[arg(long, value_name = "CODE")]
    taxonomy: Vec<String>,
    /// Look at the primary taxonomy only
    #[arg(long)]
    primary_only: bool,
    /// Which address the places are those of: practice or mailing
    #[arg(long)]
    place: Option<String>,
    /// State of the address, two letters; may repeat
    #[arg(long)]
    state: Vec<String>,
    /// City of the address; may repeat
    #[arg(long)]
    city: Vec<String>,
    /// Beginning of the postal code of the address
    #[arg(long)]
    postal_code: Option<String>,
    /// A ZIP code, or a city and its state as in "Fresno, CA", around which the address is
    #[arg(long, value_name = "PLACE")]
    near: Option<String>,
    /// How far around, in a straight line between the middles of ZIP codes [default: 25]
    #[arg(long, value_name = "MILES")]
    radius_miles: Option<String>,
    /// County of the address, as in "Fresno, CA"; may repeat
    #[arg(long)]
    county: Vec<String>,
    /// individual or organization
    #[arg(long)]
    entity: Option<String>,
    /// M, F, X or U
    #[arg(long)]
    sex: Option<String>,
    /// Degree or licence letters, as in MD; full stops and case are irrelevant; may repeat
    #[arg(long, value_name = "LETTERS")]
    credential: Vec<String>,
    /// State of a licence, two letters; may repeat
    #[arg(long, value_name = "STATE")]
    licensed_in: Vec<String>,
    /// Whether any taxonomy has a licence: yes or no
    #[arg(long, value_name = "YES|NO", num_args = 0..=1, default_missing_value = "yes")]
    has_license: Option<String>,
    /// Words of the title of an organization's authorized official
    #[arg(long, value_name = "WORDS")]
    title: Option<String>,
    /// Whether a person is a sole proprietor: yes or no
    #[arg(long, value_name = "YES|NO", num_args = 0..=1, default_missing_value = "yes")]
    sole_proprietor: Option<String>,
    /// Whether an organization is a subpart of another: yes or no
    #[arg(long, value_name = "YES|NO", num_args = 0..=1, default_missing_value = "yes")]
    subpart: Option<String>,
    /// Whether there is a telephone number: yes or no
    #[arg(long, value_name = "YES|NO", num_args = 0..=1, default_missing_value = "yes")]
    has_phone: Option<String>,
    /// Whether a practice location has a fax number: yes or no
    #[arg(long, value_name = "YES|NO", num_args = 0..=1, default_missing_value = "yes")]
    has_fax: Option<String>,
    /// Whether the practice location is the mailing address: yes or no
    #[arg(long, value_name = "YES|NO", num_args = 0..=1, default_missing_value = "yes")]
    same_address: Option<String>,
    /// State of the record: active, deactivated, unpublished or any
    #[arg(long)]
    status: Option<String>,
    /// Whether it is a lead: yes or no
    #[arg(long, value_name = "YES|NO")]
    lead: Option<String>,
    /// Status of its lead, as in new or do_not_call; may repeat
    #[arg(long, value_name = "STATUS")]
    lead_status: Vec<String>,
    /// Identifier of the owner of its lead; none for nobody's
    #[arg(long, value_name = "ID")]
    lead_owner: Option<String>,
    /// Has a telephone number that at most so many providers share
    #[arg(long, value_name = "N")]
    phone_shared_by: Option<String>,
    /// Has a practice address or telephone number of this provider
    #[arg(long, value_name = "NPI")]
    same_practice: Option<String>,
    /// Enumerated on this day or later: 2026-01-31
    #[arg(long, value_name = "DAY")]
    enumerated_since: Option<String>,
    /// Enumerated on this day or earlier
    #[arg(long, value_name = "DAY")]
    enumerated_until: Option<String>,
    /// Updated in the registry on this day or later
    #[arg(long, value_name = "DAY")]
    updated_since: Option<String>,
    /// Updated in the registry on this day or earlier
    #[arg(long, value_name = "DAY")]
    updated_until: Option<String>,
    /// Changed, as canvass saw it, since this day began (UTC)
    #[arg(long, value_name = "DAY")]
    changed_since: Option<String>,
    /// The field that changed, or what it is a part of: practice.phone, practice
    #[arg(long, value_name = "FIELD")]
    changed_field: Option<String>,
    /// Found by this sync
    #[arg(long, value_name = "ID")]
    sync: Option<String>,
}

impl FilterArgs {
    /// The filter that the flags say.
    pub(crate) fn filter(&self) -> Result<ProviderFilter, Failure> {
        let mut filter = ProviderFilter::default();
        let many = [
            ("specialty", &self.specialty),
            ("taxonomy", &self.taxonomy),
            ("state", &self.state),
            ("city", &self.city),
            ("county", &self.county),
            ("credential", &self.credential),
            ("licensed_in", &self.licensed_in),
            ("lead_status", &self.lead_status),
        ];
        for (name, values) in many {
            for value in values {
                filter.set(name, value)?;
            }
        }
        let one = [
            ("q", &self.q),
            ("place", &self.place),
            ("postal_code", &self.postal_code),
            ("near", &self.near),
            ("radius_miles", &self.radius_miles),
            ("entity", &self.entity),
            ("sex", &self.sex),
            ("has_license", &self.has_license),
            ("title", &self.title),
            ("sole_proprietor", &self.sole_proprietor),
            ("subpart", &self.subpart),
            ("has_phone", &self.has_phone),
            ("has_fax", &self.has_fax),
            ("same_address", &self.same_address),
            ("status", &self.status),
            ("lead", &self.lead),
            ("lead_owner", &self.lead_owner),
            ("phone_shared_by", &self.phone_shared_by),
            ("same_practice", &self.same_practice),
            ("enumerated_since", &self.enumerated_since),
            ("enumerated_until", &self.enumerated_until),
            ("updated_since", &self.updated_since),
            ("updated_until", &self.updated_until),
            ("changed_since", &self.changed_since),
            ("changed_field", &self.changed_field),
            ("sync", &self.sync),
        ];
        for (name, value) in one {
            if let Some(value) = value {
                filter.set(name, value)?;
            }
        }
        filter.primary_only = self.primary_only;
        Ok(filter)
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser};

    use super::*;

    #[derive(Parser)]
    struct Search {
        #[command(flatten)]
        filters: FilterArgs,
    }

    fn filter(args: &[&str]) -> ProviderFilter {
        let args = std::iter::once(&"search").chain(args);
        Search::try_parse_from(args)
            .unwrap()
            .filters
            .filter()
            .unwrap()
    }

    #[test]
    fn a_flag_says_what_the_parameter_of_its_name_says() {
        let mut command = Search::command();
        command.build();
        let flags: Vec<String> = command
            .get_arguments()
            .filter_map(|arg| arg.get_long().map(ToOwned::to_owned))
            .filter(|long| long != "help")
            .collect();
        let values = [
            ("entity", "organization"),
            ("sex", "F"),
            ("status", "any"),
            ("state", "CA"),
            ("licensed-in", "OR"),
            ("radius-miles", "50"),
            ("place", "mailing"),
            ("taxonomy", "207R"),
            ("lead-status", "new"),
            ("phone-shared-by", "3"),
            ("same-practice", "1234567893"),
            ("changed-field", "practice.phone"),
        ];
        for flag in &flags {
            let name = flag.replace('-', "_");
            let value = match values.iter().find(|(of, _)| of == flag) {
                Some((_, value)) => value,
                None if flag.ends_with("since") || flag.ends_with("until") => "2026-01-31",
                None => "yes",
            };
            let mut said = ProviderFilter::default();
            assert!(said.set(&name, value).unwrap(), "{flag}");
            let long = format!("--{flag}");
            let got = if flag == "primary-only" {
                filter(&[&long])
            } else {
                filter(&[&long, value])
            };
            assert_eq!(got, said, "{flag}");
        }
        // A part that is added to the filter is missed here.
        let members = serde_json::to_value(ProviderFilter::default()).unwrap();
        for name in members.as_object().unwrap().keys() {
            assert!(
                flags.contains(&name.replace('_', "-")),
                "{name} has no flag"
            );
        }
    }

    #[test]
    fn a_flag_may_repeat_where_its_parameter_may() {
        for name in ProviderFilter::MANY {
            let long = format!("--{}", name.replace('_', "-"));
            let [one, other] = match name {
                "lead_status" => ["new", "contacted"],
                _ => ["CA", "NV"],
            };
            let said = filter(&[&long, one, &long, other]);
            assert_eq!(said.pairs(), [(name, one.into()), (name, other.into())]);
        }
        assert_eq!(filter(&["--has-fax"]).has_fax, Some(true));
    }
}
