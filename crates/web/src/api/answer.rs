//! What the API answers with.

use axum::http::HeaderValue;
use canvass_app::{App, ProviderView};
use canvass_model::{
    Activity, Catalogue, Change, ContactMethod, Entity, Lead, LeadStatus, Npi, Page, Phone,
    Provider, ProviderSummary, RecordStatus, Source, Total,
};
use jiff::{Timestamp, civil::Date};
use serde::Serialize;
use utoipa::ToSchema;

use super::schema;

/// A list, or a page of one.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// The rows.
    pub items: Vec<T>,
    /// `cursor` of the next page; null on the last one.
    pub next_cursor: Option<String>,
    /// How many there are in all.
    #[schema(value_type = schema::Total)]
    pub total: Total,
}

impl<T> List<T> {
    /// All of a list that has no pages. One of `most` rows may be longer.
    pub fn whole(items: Vec<T>, most: Option<u32>) -> Self {
        let count = items.len() as u64;
        Self {
            items,
            next_cursor: None,
            total: Total {
                count,
                exact: most.is_none_or(|most| count < u64::from(most)),
            },
        }
    }

    /// A page of a list of so many, each row as `shown` shows it.
    pub fn page<R>(found: Page<R>, total: Total, shown: impl Fn(R) -> T) -> Self {
        Self {
            items: found.items.into_iter().map(shown).collect(),
            next_cursor: found.next.map(|cursor| cursor.to_string()),
            total,
        }
    }
}

/// One row of a list of providers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProviderSummary)]
pub struct ProviderRow {
    /// The NPI.
    #[schema(value_type = String, example = "1234567893")]
    pub npi: Npi,
    /// Person or organization.
    #[schema(value_type = Option<schema::Entity>)]
    pub entity: Option<Entity>,
    /// The name to show.
    #[schema(example = "GARCIA, ANA")]
    pub name: String,
    /// Degree or licence letters.
    pub credential: Option<String>,
    /// NUCC code of the primary taxonomy.
    #[schema(example = "207Q00000X")]
    pub taxonomy: Option<String>,
    /// What the registry calls that code.
    #[schema(example = "Family Medicine")]
    pub specialty: Option<String>,
    /// City of the primary practice location.
    pub city: Option<String>,
    /// State of the primary practice location.
    pub state: Option<String>,
    /// Postal code of the primary practice location.
    pub postal_code: Option<String>,
    /// The telephone number to ring, digits only.
    #[schema(value_type = Option<String>)]
    pub phone: Option<Phone>,
    /// Day the NPI was given.
    #[schema(value_type = Option<String>, format = Date)]
    pub enumerated_on: Option<Date>,
    /// Day of the last update in the registry.
    #[schema(value_type = Option<String>, format = Date)]
    pub updated_on: Option<Date>,
    /// In service or not.
    #[schema(value_type = schema::RecordStatus)]
    pub status: RecordStatus,
    /// Status of its lead; null when it is none.
    #[schema(value_type = Option<schema::LeadStatus>)]
    pub lead: Option<LeadStatus>,
}

impl ProviderRow {
    /// A row with what its taxonomy is called.
    pub fn new(row: ProviderSummary, catalogue: &Catalogue) -> Self {
        Self {
            npi: row.npi,
            entity: row.entity,
            name: row.name,
            credential: row.credential,
            specialty: row.taxonomy.as_deref().map(|code| catalogue.describe(code)),
            taxonomy: row.taxonomy,
            city: row.city,
            state: row.state,
            postal_code: row.postal_code,
            phone: row.phone,
            enumerated_on: row.enumerated_on,
            updated_on: row.updated_on,
            status: row.status,
            lead: row.lead,
        }
    }
}

/// A provider that the team works.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Lead)]
pub struct LeadRow {
    /// The NPI, which is also the lead's identifier.
    #[schema(value_type = String, example = "1234567893")]
    pub id: Npi,
    /// Where it stands.
    #[schema(value_type = schema::LeadStatus)]
    pub status: LeadStatus,
    /// Free text.
    pub notes: String,
    /// Identifier of the user who works it.
    pub owner_id: Option<String>,
    /// Name of that user.
    pub owner: Option<String>,
    /// When somebody was last in touch.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_contact_at: Option<Timestamp>,
    /// How.
    #[schema(value_type = Option<schema::ContactMethod>)]
    pub last_contact_method: Option<ContactMethod>,
    /// Counts the edits; the `ETag` holds it too.
    pub version: i64,
    /// When it became a lead.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last edited.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Its provider.
    pub provider: ProviderRow,
}

impl LeadRow {
    /// A lead with what its provider's taxonomy is called.
    pub fn new(lead: Lead, catalogue: &Catalogue) -> Self {
        Self {
            id: lead.id,
            status: lead.status,
            notes: lead.notes,
            owner_id: lead.owner_id,
            owner: lead.owner,
            last_contact_at: lead.last_contact_at,
            last_contact_method: lead.last_contact_method,
            version: lead.version,
            created_at: lead.created_at,
            updated_at: lead.updated_at,
            provider: ProviderRow::new(lead.provider, catalogue),
        }
    }

    /// Its `ETag`.
    pub fn etag(&self) -> HeaderValue {
        etag(self.version)
    }
}

/// The `ETag` of this version of a lead.
pub fn etag(version: i64) -> HeaderValue {
    HeaderValue::try_from(format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

/// All that is known of one provider.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProviderDetail)]
pub struct ProviderDetail {
    /// The record.
    #[schema(value_type = schema::Provider)]
    pub provider: Provider,
    /// What the registry calls its primary taxonomy.
    pub specialty: Option<String>,
    /// Its latest changes, newest first.
    #[schema(value_type = Vec<schema::Change>)]
    pub changes: Vec<Change>,
    /// Its lead; null when it is none.
    pub lead: Option<LeadRow>,
    /// When canvass first saw it.
    #[schema(value_type = String, format = DateTime)]
    pub first_seen_at: Timestamp,
    /// Where it was first seen.
    #[schema(value_type = schema::Source)]
    pub first_source: Source,
    /// When its record last changed here.
    #[schema(value_type = String, format = DateTime)]
    pub changed_at: Timestamp,
}

impl ProviderDetail {
    /// A provider with what its taxonomy is called.
    pub fn new(view: ProviderView, app: &App) -> Self {
        let primary = view.provider.primary_taxonomy();
        Self {
            specialty: primary.map(|t| app.catalogue().describe(&t.code)),
            provider: view.provider,
            changes: view.changes,
            lead: view.lead.map(|lead| LeadRow::new(lead, app.catalogue())),
            first_seen_at: view.first_seen_at,
            first_source: view.first_source,
            changed_at: view.changed_at,
        }
    }
}

/// A lead after an entry was added to its timeline.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActivityAdded {
    /// The lead as it is now.
    pub lead: LeadRow,
    /// The entry.
    #[schema(value_type = Option<schema::Activity>)]
    pub activity: Option<Activity>,
}
