//! Made-up data for every page: fictional people, telephone numbers 555-01xx.

mod imports;
mod leads;
mod map;
mod sync;
mod team;

use canvass_app::Actor;
use canvass_model::{
    Address, Catalogue, Change, ChangeKind, Cursor, Endpoint, Entity, Identifier, LeadPresence,
    LeadStatus, Npi, Official, OtherName, Page, PageRequest, PersonName, Phone, Provider,
    ProviderFilter, ProviderSort, ProviderSummary, ProviderTaxonomy, Receipt, RecordStatus, Role,
    Sex, Source, Taxonomy, Total,
};
use canvass_store::SavedSearch;
use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

pub use imports::{files, import, importing};
pub use leads::{lead, leads};
pub use map::providers_on_a_map;
pub use sync::{run, sync};
pub use team::{team, team_of_a_caller};

use crate::format::Now;
use crate::pages::Viewer;
use crate::pages::providers::{
    self, Colleagues, FacetsPanel, Filters, Origins, ProviderView, ProvidersResults, ProvidersView,
    SaveAll, SavedMenu,
};
use crate::problem::FieldError;
use leads::lead_of;

/// How much data a page shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Amount {
    /// A whole page, with the longest values.
    #[default]
    Much,
    /// Two rows.
    Little,
    /// Nothing yet.
    None,
}

/// Now, in the gallery.
pub fn now() -> Now {
    Now::utc(Timestamp::new(1_763_044_920, 0).unwrap_or_default())
}

/// The administrator who looks at the gallery.
pub fn viewer() -> Viewer {
    Viewer {
        id: "u1".to_owned(),
        name: "Lee Okafor".to_owned(),
        role: Role::Admin,
    }
}

/// A receipt with all its parts.
pub fn receipt() -> Receipt {
    Receipt {
        requested: 12_418,
        created: 11_902,
        existing: 507,
        suppressed: 8,
        rejected: 1,
    }
}

fn catalogue() -> Catalogue {
    let rows = [
        ("207R00000X", "Internal Medicine", ""),
        ("207RC0000X", "Internal Medicine", "Cardiovascular Disease"),
        ("207Q00000X", "Family Medicine", ""),
        ("208100000X", "Physical Medicine & Rehabilitation", ""),
        ("261QM1300X", "Clinic/Center", "Multi-Specialty"),
        ("363LF0000X", "Nurse Practitioner", "Family"),
    ];
    let taxonomy = |(code, classification, specialization): (&str, &str, &str)| Taxonomy {
        code: code.to_owned(),
        classification: classification.to_owned(),
        specialization: specialization.to_owned(),
        ..Taxonomy::default()
    };
    Catalogue::new(rows.map(taxonomy).into())
}

fn npi(n: u32) -> Npi {
    // Nine digits from 100,000,000 to 299,999,999 always make an NPI.
    match Npi::from_first_nine(123_000_000 + n) {
        Ok(npi) => npi,
        Err(error) => unreachable!("{error}"),
    }
}

fn day(year: i16, month: i8, day: i8) -> Date {
    date(year, month, day)
}

fn text(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_owned())
}

const PEOPLE: [(&str, &str, &str, &str, &str); 12] = [
    ("GARCIA, ANA MARIA", "MD", "207RC0000X", "FRESNO", "CA"),
    (
        "O'BRIEN, PADRAIG",
        "M.D., PH.D.",
        "207R00000X",
        "SAN LUIS OBISPO",
        "CA",
    ),
    (
        "HEART GROUP OF CENTRAL CALIFORNIA, A PROFESSIONAL MEDICAL CORPORATION",
        "",
        "261QM1300X",
        "FRESNO",
        "CA",
    ),
    (
        "NGUYEN, THI",
        "NP",
        "363LF0000X",
        "RANCHO SANTA MARGARITA",
        "CA",
    ),
    (
        "SMITH-WOLFESCHLEGELSTEINHAUSEN, MAXIMILIAN ALEXANDER",
        "DO",
        "208100000X",
        "CLOVIS",
        "CA",
    ),
    ("ABARA, CHIDI", "MD", "207Q00000X", "LOS ANGELES", "CA"),
    (
        "CASTILLO, ROSA",
        "FNP-BC",
        "363LF0000X",
        "BAKERSFIELD",
        "CA",
    ),
    (
        "VALLEY FAMILY CLINIC LLC",
        "",
        "261QM1300X",
        "VISALIA",
        "CA",
    ),
    ("LINDQVIST, ÅSA", "MD", "207RC0000X", "SACRAMENTO", "CA"),
    ("PATEL, NEHA", "MD", "207R00000X", "SAN JOSE", "CA"),
    ("JOHNSON, EARL", "", "207Q00000X", "EUREKA", "CA"),
    ("WU, MEI", "DO", "207R00000X", "OAKLAND", "CA"),
];

fn summary(n: usize) -> ProviderSummary {
    let (name, credential, taxonomy, city, state) = PEOPLE[n % PEOPLE.len()];
    let organization = credential.is_empty() && !name.contains(", E");
    let n32 = u32::try_from(n).unwrap_or_default();
    ProviderSummary {
        npi: npi(n32),
        entity: Some(if organization {
            Entity::Organization
        } else {
            Entity::Individual
        }),
        name: name.to_owned(),
        credential: text(credential),
        taxonomy: text(taxonomy),
        city: text(city),
        state: text(state),
        postal_code: text("93701"),
        phone: (n % 7 != 5)
            .then(|| Phone::parse(&format!("5595550{:03}", 100 + n % 100)))
            .flatten(),
        enumerated_on: Some(day(2005 + i16::try_from(n % 20).unwrap_or_default(), 3, 14)),
        updated_on: Some(day(2025, 6, 2)),
        status: match n % 12 {
            10 => RecordStatus::Deactivated,
            _ => RecordStatus::Active,
        },
        lead: (n % 5 == 2).then(|| LeadStatus::ALL[n / 5 % 7]),
    }
}

fn rows<T>(amount: Amount, row: impl Fn(usize) -> T) -> Vec<T> {
    let n = match amount {
        Amount::Much => 50,
        Amount::Little => 2,
        Amount::None => 0,
    };
    (0..n).map(row).collect()
}

fn total(amount: Amount, much: u64) -> Total {
    let count = match amount {
        Amount::Much => much,
        Amount::Little => 2,
        Amount::None => 0,
    };
    Total { count, exact: true }
}

fn cursor() -> Cursor {
    Cursor {
        key: "garcia".to_owned(),
        npi: npi(1),
    }
}

/// The page of providers.
pub fn providers(amount: Amount) -> ProvidersView {
    providers_with(amount, &providers::Columns::default())
}

/// The page of providers with every column that there is.
pub fn providers_with_all_columns(amount: Amount) -> ProvidersView {
    providers_with(amount, &providers::Columns::all())
}

fn providers_with(amount: Amount, columns: &providers::Columns) -> ProvidersView {
    let mut filter = ProviderFilter::default();
    if amount == Amount::Much {
        filter.specialty = vec![
            "Cardiology".to_owned(),
            "Physical Medicine & Rehabilitation".to_owned(),
        ];
        filter.state = vec!["CA".to_owned()];
        filter.lead = Some(LeadPresence::No);
        filter.near = text("San Luis Obispo, CA");
        filter.radius_miles = Some(100);
        filter.licensed_in = vec!["CA".to_owned(), "OR".to_owned()];
        filter.has_fax = Some(true);
        filter.enumerated_since = Some(day(2024, 1, 31));
    }
    let page = PageRequest {
        after: (amount == Amount::Much).then(cursor),
        ..PageRequest::first(PageRequest::DEFAULT_LIMIT)
    };
    let found = Page {
        items: rows(amount, summary),
        next: (amount == Amount::Much).then(cursor),
    };
    let save = SaveAll {
        not_yet: total(amount, 11_902),
        pairs: filter.pairs(),
        idempotency_key: "k".to_owned(),
    };
    let sort = ProviderSort::Name;
    let asked = providers::Asked {
        filter: &filter,
        sort,
        page: &page,
        shown: providers::Shown::Table,
        columns,
    };
    let total = total(amount, 12_418);
    let results = ProvidersResults::new(
        asked,
        &found,
        total,
        Some(save),
        saved(amount),
        true,
        &catalogue(),
    );
    ProvidersView {
        facets: FacetsPanel::new(asked, &map::facets(amount), total.count, &catalogue()),
        filters: Filters {
            filter,
            sort,
            columns: columns.chosen(),
            errors: Vec::new(),
        },
        results,
    }
}

/// Searches that people keep.
fn saved(amount: Amount) -> SavedMenu {
    let saved = |id: &str, name: &str, query: &str, owner: Option<&str>| SavedSearch {
        id: id.to_owned(),
        name: name.to_owned(),
        query: query.to_owned(),
        team: owner.is_some(),
        owner_id: if owner.is_some() { "u2" } else { "u1" }.to_owned(),
        owner: owner.unwrap_or("Lee Okafor").to_owned(),
        created_at: now().at,
    };
    let saved = match amount {
        Amount::Much => vec![
            saved(
                "s1",
                "Cardiologists near San Luis Obispo who are not yet leads and have a fax",
                "near=93401",
                None,
            ),
            saved("s2", "New in Fresno", "city=Fresno&sort=enumerated", None),
            saved(
                "s3",
                "Dentists of the valley",
                "specialty=Dentist",
                Some("Kim Alvarez"),
            ),
        ],
        Amount::Little => vec![saved("s3", "All", "", Some("Kim Alvarez"))],
        Amount::None => Vec::new(),
    };
    let actor = Actor {
        user_id: Some("u1".to_owned()),
        name: "Lee Okafor".to_owned(),
        role: Role::Admin,
    };
    SavedMenu::new(saved, &actor, "state=CA".to_owned(), "")
}

/// The page of providers after a search that can't be understood.
pub fn providers_refused() -> ProvidersView {
    ProvidersView {
        facets: FacetsPanel::of_nothing(),
        filters: Filters {
            filter: ProviderFilter::default(),
            sort: ProviderSort::Name,
            columns: None,
            errors: vec![FieldError::new(
                "state",
                "\"Calfornia\" is no state; write two letters, as in CA.",
            )],
        },
        results: ProvidersResults::refused(
            "\"Calfornia\" is no state; write two letters, as in CA.",
        ),
    }
}

fn address(line: &str, city: &str, phone: &str) -> Address {
    Address {
        line_1: text(line),
        line_2: text("STE 4"),
        city: text(city),
        state: text("CA"),
        postal_code: text("937012204"),
        country: text("US"),
        phone: Phone::parse(phone),
        fax: Phone::parse("5595550199"),
    }
}

fn individual() -> Provider {
    let mut p = Provider::new(npi(0));
    p.entity = Some(Entity::Individual);
    p.name = PersonName {
        prefix: text("DR."),
        first: text("ANA"),
        middle: text("MARIA"),
        last: text("GARCIA"),
        suffix: text("III"),
        credential: text("MD"),
    };
    p.sex = Some(Sex::F);
    p.sole_proprietor = Some(true);
    p.practice = Some(address("1200 MAIN ST", "FRESNO", "5595550142"));
    p.mailing = Some(address("PO BOX 1187", "CLOVIS", "5595550100"));
    p.secondary = vec![address(
        "88 SOUTH MEDICAL CENTER PARKWAY NORTHWEST",
        "VISALIA",
        "5595550177",
    )];
    let taxonomy = |code: &str, primary, license: &str| ProviderTaxonomy {
        code: code.to_owned(),
        primary,
        license: text(license),
        state: text("CA"),
        group: None,
    };
    p.taxonomies = vec![
        taxonomy("207RC0000X", true, "A123456"),
        taxonomy("207R00000X", false, "A123456"),
    ];
    p.identifiers = vec![Identifier {
        identifier: "00A1234560".to_owned(),
        code: text("05"),
        state: text("CA"),
        issuer: None,
    }];
    p.other_names = vec![OtherName {
        code: text("1"),
        organization: None,
        person: PersonName {
            first: text("ANA"),
            last: text("LOPEZ"),
            ..PersonName::default()
        },
    }];
    p.endpoints = vec![Endpoint {
        kind: text("DIRECT"),
        kind_description: text("Direct Messaging Address"),
        endpoint: text("ana.garcia.cardiology@direct.heartgroup-of-central-california.example"),
        use_description: text("Health Information Exchange"),
        ..Endpoint::default()
    }];
    p.enumerated_on = Some(day(2006, 5, 23));
    p.updated_on = Some(day(2025, 6, 2));
    p.certified_on = Some(day(2025, 6, 2));
    p
}

fn organization() -> Provider {
    let mut p = Provider::new(npi(2));
    p.entity = Some(Entity::Organization);
    p.status = RecordStatus::Deactivated;
    p.organization_name = text(PEOPLE[2].0);
    p.subpart = Some(true);
    p.parent_organization = text("CENTRAL VALLEY HEALTH SYSTEM");
    p.official = Some(Official {
        name: PersonName {
            first: text("CHIDI"),
            last: text("ABARA"),
            ..PersonName::default()
        },
        title: text("MEDICAL DIRECTOR"),
        phone: Phone::parse("5595550101"),
    });
    p.practice = Some(address("1200 MAIN ST", "FRESNO", "5595550100"));
    p.taxonomies = vec![ProviderTaxonomy {
        code: "261QM1300X".to_owned(),
        primary: true,
        group: text("193200000X MULTI-SPECIALTY GROUP"),
        ..ProviderTaxonomy::default()
    }];
    p.deactivated_on = Some(day(2025, 9, 1));
    p
}

fn changes(of: Npi) -> Vec<Change> {
    let change = |days: i64, kind, field: &str, before: &str, after: &str| Change {
        npi: of,
        at: now().at - SignedDuration::from_hours(24 * days),
        kind,
        field: field.to_owned(),
        before: text(before),
        after: text(after),
        source: if days < 10 {
            Source::Api
        } else {
            Source::WeeklyFile
        },
    };
    vec![
        change(
            9,
            ChangeKind::Field,
            "practice.phone",
            "559-555-0141",
            "559-555-0142",
        ),
        change(
            9,
            ChangeKind::Field,
            "practice.line_1",
            "310 OAK AVENUE",
            "1200 MAIN ST",
        ),
        change(
            300,
            ChangeKind::Reactivated,
            "status",
            "deactivated",
            "active",
        ),
    ]
}

/// The page of a provider.
pub fn provider(of_organization: bool, amount: Amount) -> ProviderView {
    let (provider, lead) = match (of_organization, amount) {
        (true, _) => (organization(), None),
        (false, Amount::None) => (Provider::new(npi(7)), None),
        (false, _) => (individual(), Some(lead_of(0, LeadStatus::FollowUp))),
    };
    let now = now();
    let changes = match amount {
        Amount::Much => changes(provider.npi),
        _ => Vec::new(),
    };
    let origins = Origins {
        first: (
            Source::FullFile,
            now.at - SignedDuration::from_hours(24 * 400),
        ),
        changes: &changes,
        now: &now,
    };
    let others = Page {
        items: rows(amount, summary).into_iter().take(11).collect(),
        next: None,
    };
    let catalogue = catalogue();
    let in_service = provider.status == RecordStatus::Active;
    let count = total(amount, 24);
    let colleagues = Colleagues::new(provider.npi, in_service, &others, count, &catalogue);
    ProviderView {
        colleagues: Some(colleagues),
        ..ProviderView::new(
            &provider,
            lead.as_ref(),
            &origins,
            true,
            "k".to_owned(),
            &catalogue,
        )
    }
}
