use serde_json::Value;

/// The records of a registry, in the order in which it lists them.
#[derive(Debug, Default)]
pub(super) struct Population {
    pub(super) entries: Vec<Entry>,
}

/// What queries look at in a record, and its text.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) json: String,
    pub(super) npi: String,
    pub(super) enumeration_type: String,
    pub(super) codes: Vec<String>,
    /// In upper case, as all that is compared without regard to case.
    pub(super) last_name: String,
    pub(super) first_name: String,
    /// Legal name and other names of an organization.
    pub(super) organization_names: Vec<String>,
    pub(super) addresses: Vec<EntryAddress>,
    sort_key: String,
}

#[derive(Debug)]
pub(super) struct EntryAddress {
    pub(super) purpose: Purpose,
    pub(super) city: String,
    pub(super) state: String,
    pub(super) postal_code: String,
    pub(super) country: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Mailing,
    Primary,
    Secondary,
}

impl Population {
    /// The registry sorts by `LAST FIRST` and organization name, as one text order; ties stay
    /// in the order in which they are given.
    pub(super) fn new(records: &[Value]) -> Self {
        let mut entries: Vec<Entry> = records.iter().map(Entry::new).collect();
        entries.sort_by(|a, b| a.sort_key.cmp(&b.sort_key));
        Self { entries }
    }
}

impl Entry {
    fn new(record: &Value) -> Self {
        let basic = &record["basic"];
        let last_name = upper(&basic["last_name"]);
        let first_name = upper(&basic["first_name"]);
        let enumeration_type = upper(&record["enumeration_type"]);
        let organization_names: Vec<String> = std::iter::once(&basic["organization_name"])
            .chain(
                list(&record["other_names"])
                    .iter()
                    .map(|n| &n["organization_name"]),
            )
            .map(upper)
            .filter(|name| !name.is_empty())
            .collect();
        let sort_key = if enumeration_type == "NPI-2" {
            upper(&basic["organization_name"])
        } else {
            format!("{last_name} {first_name}")
        };
        let primary_or_mailing = list(&record["addresses"]).iter().map(|a| {
            let purpose = match upper(&a["address_purpose"]).as_str() {
                "MAILING" => Purpose::Mailing,
                _ => Purpose::Primary,
            };
            EntryAddress::new(a, purpose)
        });
        let secondary = list(&record["practiceLocations"])
            .iter()
            .map(|a| EntryAddress::new(a, Purpose::Secondary));
        Self {
            json: record.to_string(),
            npi: match &record["number"] {
                Value::Number(number) => number.to_string(),
                other => upper(other),
            },
            enumeration_type,
            codes: list(&record["taxonomies"])
                .iter()
                .map(|t| upper(&t["code"]))
                .collect(),
            last_name,
            first_name,
            organization_names,
            addresses: primary_or_mailing.chain(secondary).collect(),
            sort_key,
        }
    }
}

impl EntryAddress {
    fn new(address: &Value, purpose: Purpose) -> Self {
        Self {
            purpose,
            city: upper(&address["city"]),
            state: upper(&address["state"]),
            postal_code: upper(&address["postal_code"]),
            country: upper(&address["country_code"]),
        }
    }
}

fn upper(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_uppercase()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
