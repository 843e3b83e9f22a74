//! What the registry can be asked.

use std::fmt;

use canvass_model::Entity;
use serde::{Deserialize, Serialize};

/// The most records that one answer holds. The registry answers a larger `limit` with this many.
pub const PAGE_SIZE: u32 = 200;

/// Which addresses of a provider the place of a query speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A practice location, primary or secondary.
    Location,
    /// The mailing address.
    Mailing,
    /// The primary practice location.
    Primary,
    /// A secondary practice location.
    Secondary,
}

impl Purpose {
    /// As the registry spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Location => "LOCATION",
            Self::Mailing => "MAILING",
            Self::Primary => "PRIMARY",
            Self::Secondary => "SECONDARY",
        }
    }
}

/// One query of the registry's API. All parts are ANDed; an absent part asks for nothing.
///
/// Names, cities and postal codes may end in `*` after two characters at least; without it the
/// whole field must be equal, whatever the case.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Query {
    /// A NUCC classification or specialization. The registry looks at every taxonomy of a provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taxonomy_description: Option<String>,
    /// Two-letter state. Not enough alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Postal code. Five digits find nine-digit codes too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// Persons or organizations. Not enough alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enumeration_type: Option<Entity>,
    /// Last name of a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// First name of a person. Without `*` the registry finds its aliases too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Legal or other name of an organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_name: Option<String>,
    /// An NPI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Which addresses the place speaks of; any where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address_purpose: Option<Purpose>,
    /// Two-letter country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country_code: Option<String>,
}

impl Query {
    /// The parameters of one page of this query: its length, and how many records stand before it.
    pub fn params(&self, limit: u32, skip: u32) -> Vec<(&'static str, String)> {
        let mut params = vec![
            ("version", "2.1".to_owned()),
            ("limit", limit.to_string()),
            ("skip", skip.to_string()),
        ];
        let kind = self
            .enumeration_type
            .map(|e| e.enumeration_type().to_owned());
        let purpose = self.address_purpose.map(|p| p.as_str().to_owned());
        let criteria = [
            ("number", &self.number),
            ("enumeration_type", &kind),
            ("taxonomy_description", &self.taxonomy_description),
            ("first_name", &self.first_name),
            ("last_name", &self.last_name),
            ("organization_name", &self.organization_name),
            ("address_purpose", &purpose),
            ("city", &self.city),
            ("state", &self.state),
            ("postal_code", &self.postal_code),
            ("country_code", &self.country_code),
        ];
        for (key, value) in criteria {
            params.extend(value.as_ref().map(|v| (key, v.clone())));
        }
        params
    }
}

/// As people read it: `Internal Medicine, CA, ZIP 900*`. That practice locations are meant, which
/// is the rule, is not said.
impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.enumeration_type.map(|e| match e {
            Entity::Individual => "individuals".to_owned(),
            Entity::Organization => "organizations".to_owned(),
        });
        let purpose = self.address_purpose.and_then(|p| match p {
            Purpose::Location => None,
            Purpose::Mailing => Some("mailing address".to_owned()),
            Purpose::Primary => Some("primary location".to_owned()),
            Purpose::Secondary => Some("secondary location".to_owned()),
        });
        let parts = [
            ("", &self.taxonomy_description),
            ("NPI ", &self.number),
            ("", &kind),
            ("", &self.city),
            ("", &self.state),
            ("ZIP ", &self.postal_code),
            ("country ", &self.country_code),
            ("last name ", &self.last_name),
            ("first name ", &self.first_name),
            ("name ", &self.organization_name),
            ("", &purpose),
        ];
        let mut first = true;
        for (label, value) in parts {
            let Some(value) = value else { continue };
            let comma = if first { "" } else { ", " };
            write!(f, "{comma}{label}{value}")?;
            first = false;
        }
        if first {
            f.write_str("everything")
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_reads_as_people_say_it() {
        let query = Query {
            taxonomy_description: Some("Internal Medicine".into()),
            state: Some("CA".into()),
            postal_code: Some("900*".into()),
            address_purpose: Some(Purpose::Location),
            ..Query::default()
        };
        assert_eq!(query.to_string(), "Internal Medicine, CA, ZIP 900*");
        let query = Query {
            enumeration_type: Some(Entity::Individual),
            last_name: Some("SM*".into()),
            address_purpose: Some(Purpose::Mailing),
            ..Query::default()
        };
        assert_eq!(
            query.to_string(),
            "individuals, last name SM*, mailing address"
        );
        assert_eq!(Query::default().to_string(), "everything");
    }

    #[test]
    fn every_part_is_a_parameter_and_survives_storage() {
        let text = |v: &str| Some(v.to_owned());
        let query = Query {
            taxonomy_description: text("Internal Medicine"),
            state: text("CA"),
            city: text("LOS ANGELES"),
            postal_code: text("900*"),
            enumeration_type: Some(Entity::Organization),
            last_name: text("AB*"),
            first_name: text("JO"),
            organization_name: text("CLINIC*"),
            number: text("1234567893"),
            address_purpose: Some(Purpose::Location),
            country_code: text("US"),
        };
        let params: Vec<String> = query
            .params(200, 400)
            .into_iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        assert_eq!(
            params.join("&"),
            "version=2.1&limit=200&skip=400&number=1234567893&enumeration_type=NPI-2\
             &taxonomy_description=Internal Medicine&first_name=JO&last_name=AB*\
             &organization_name=CLINIC*&address_purpose=LOCATION&city=LOS ANGELES&state=CA\
             &postal_code=900*&country_code=US"
        );
        let stored = serde_json::to_string(&query).unwrap();
        assert_eq!(serde_json::from_str::<Query>(&stored).unwrap(), query);
        assert_eq!(Query::default().params(10, 0).len(), 3);
        assert_eq!(serde_json::to_string(&Query::default()).unwrap(), "{}");
    }
}
