//! Made-up data for every page: fictional people, telephone numbers 555-01xx.

use canvass_model::{
    Activity, ActivityKind, Address, AddressScope, Catalogue, Change, ChangeKind, ContactMethod,
    Counts, Coverage, Cursor, Endpoint, Entity, Identifier, JobState, Lead, LeadFilter,
    LeadPresence, LeadSort, LeadStatus, LeftOut, Npi, Official, OtherName, Page, PageRequest,
    PersonName, Phone, Provider, ProviderFilter, ProviderSort, ProviderSummary, ProviderTaxonomy,
    Receipt, RecordStatus, Role, Sex, Shortfall, SpecialtyProgress, SpecialtyState, SyncRequest,
    SyncRun, Taxonomy, Total,
};
use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::format::{Now, When};
use crate::pages::Viewer;
use crate::pages::leads::{
    self, ImportPanel, ImportReport, LeadFilters, LeadForm, LeadView, LeadsResults, LeadsView,
    Owner, RejectedLine, Timeline,
};
use crate::pages::providers::{
    self, ChangeHistory, Filters, ProviderView, ProvidersResults, ProvidersView, SaveAll,
};
use crate::pages::sync::{History, RunPanel, RunView, SyncForm, SyncView};
use crate::pages::team::{AddUser, TeamView, TokenRow, Tokens, UserRow, Users};
use crate::problem::FieldError;

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
    Total {
        count,
        exact: count <= 10_000,
    }
}

fn cursor() -> Cursor {
    Cursor {
        key: "garcia".to_owned(),
        npi: npi(1),
    }
}

/// The page of providers.
pub fn providers(amount: Amount) -> ProvidersView {
    let mut filter = ProviderFilter::default();
    if amount == Amount::Much {
        filter.specialty = vec![
            "Cardiology".to_owned(),
            "Physical Medicine & Rehabilitation".to_owned(),
        ];
        filter.state = vec!["CA".to_owned()];
        filter.lead = Some(LeadPresence::No);
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
    let results = ProvidersResults::new(
        providers::Asked {
            filter: &filter,
            sort,
            page: &page,
        },
        &found,
        total(amount, 12_418),
        Some(save),
        &catalogue(),
    );
    ProvidersView {
        filters: Filters {
            filter,
            sort,
            errors: Vec::new(),
        },
        results,
    }
}

/// The page of providers after a search that can't be understood.
pub fn providers_refused() -> ProvidersView {
    ProvidersView {
        filters: Filters {
            filter: ProviderFilter::default(),
            sort: ProviderSort::Name,
            errors: vec![FieldError::new(
                "state",
                "A state has two letters, as in CA.",
            )],
        },
        results: ProvidersResults::refused("A state has two letters, as in CA."),
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
    let history = ChangeHistory::new(&changes, Some(When::day(day(2025, 1, 3))), &now);
    ProviderView::new(
        &provider,
        lead.as_ref(),
        history,
        true,
        "k".to_owned(),
        &catalogue(),
    )
}

fn lead_of(n: usize, status: LeadStatus) -> Lead {
    let now = now().at;
    let owners = ["Lee Okafor", "Ana María García", "Priya Raman"];
    let contacted = status != LeadStatus::New;
    let mut provider = summary(n);
    provider.lead = Some(status);
    let notes = [
        "",
        "Asked for a price list; ring again after ten.\nFront desk is Dana.",
        "Uses a billing company already, contract ends in March, wants a comparison with three others before then",
    ];
    Lead {
        id: provider.npi,
        status,
        notes: notes[n % 3].to_owned(),
        owner_id: (n % 4 != 3).then(|| format!("u{}", n % 3 + 1)),
        owner: (n % 4 != 3).then(|| owners[n % 3].to_owned()),
        last_contact_at: contacted
            .then(|| now - SignedDuration::from_hours(i64::try_from(n * 7).unwrap_or_default())),
        last_contact_method: contacted.then(|| ContactMethod::ALL[n % 3]),
        version: 3,
        created_at: now - SignedDuration::from_hours(24 * 12),
        updated_at: now,
        provider,
    }
}

fn owners() -> Vec<Owner> {
    ["Lee Okafor", "Ana María García", "Priya Raman"]
        .into_iter()
        .enumerate()
        .map(|(i, name)| Owner {
            id: format!("u{}", i + 1),
            name: name.to_owned(),
        })
        .collect()
}

/// The page of leads.
pub fn leads(amount: Amount) -> LeadsView {
    let filter = LeadFilter::all();
    let page = PageRequest::first(PageRequest::DEFAULT_LIMIT);
    let found = Page {
        items: rows(amount, |n| lead_of(n, LeadStatus::ALL[n % 7])),
        next: (amount == Amount::Much).then(cursor),
    };
    let counts = LeadStatus::ALL.map(|s| (s, total(amount, 1_204 - s as u64 * 171).count));
    let mut results = LeadsResults::new(
        leads::Asked {
            filter: &filter,
            sort: LeadSort::Updated,
            page: &page,
        },
        &found,
        total(amount, 4_837),
        &counts,
        &viewer(),
        &catalogue(),
        &now(),
    );
    if amount == Amount::Much {
        let row = results.rows.remove(1);
        let error = "Priya Raman changed this lead meanwhile. Your change was not saved.";
        results.rows.insert(1, row.with_error(error));
    }
    let report = (amount == Amount::Much).then(|| ImportReport {
        rows: 1_204,
        created: 12,
        updated: 1_007,
        unchanged: 183,
        rejected: vec![RejectedLine {
            line: 17,
            reason: "\"123456789\" is no NPI: an NPI has ten digits.".to_owned(),
        }],
        rejected_count: 2,
    });
    LeadsView {
        filters: LeadFilters {
            filter,
            sort: LeadSort::Updated,
            owners: owners(),
            errors: Vec::new(),
        },
        results,
        import: Some(ImportPanel {
            report,
            error: None,
        }),
    }
}

/// The page of a lead.
pub fn lead(amount: Amount) -> LeadView {
    let status = match amount {
        Amount::Much => LeadStatus::Interested,
        Amount::Little => LeadStatus::DoNotCall,
        Amount::None => LeadStatus::New,
    };
    let lead = lead_of(if amount == Amount::None { 3 } else { 1 }, status);
    let now = now();
    let activity = |hours: i64, kind, text: &str| Activity {
        id: format!("a{hours}"),
        lead_id: lead.id,
        kind,
        text: text.to_owned(),
        user: Some("Lee Okafor".to_owned()),
        at: now.at - SignedDuration::from_hours(hours),
    };
    let activities = [
        activity(
            2,
            ActivityKind::Call,
            "Spoke with Dana at the front desk. The doctor decides; wants the price list by e-mail first.\nRing again after ten.",
        ),
        activity(2, ActivityKind::Status, "interested"),
        activity(26, ActivityKind::Email, "Sent the introduction."),
        activity(
            60,
            ActivityKind::Note,
            "Two other practices at the same address.",
        ),
    ];
    let (activities, changes) = match amount {
        Amount::Much => (&activities[..], changes(lead.id)),
        _ => (&activities[..0], Vec::new()),
    };
    let timeline = Timeline::new(&lead, activities, &changes, &now);
    let form = LeadForm::new(&lead, &owners(), &viewer(), &now);
    let provider = (amount != Amount::None).then(individual);
    LeadView::new(
        &lead,
        provider.as_ref(),
        form,
        timeline,
        "k".to_owned(),
        &catalogue(),
    )
}

fn specialty(name: &str, state: SpecialtyState, found: u64) -> SpecialtyProgress {
    let unknown = state == SpecialtyState::Unknown;
    SpecialtyProgress {
        name: name.to_owned(),
        texts: vec![name.to_owned()],
        state,
        counts: Counts {
            found,
            created: found * 3 / 4,
            updated: found / 200,
            unchanged: found - found * 3 / 4 - found / 200,
            set_aside: u64::from(found > 4_000),
            requests: found.div_ceil(190),
            retries: 0,
        },
        complete: state == SpecialtyState::Complete,
        reason: match state {
            SpecialtyState::Unknown => text("not a specialty of the registry"),
            SpecialtyState::Incomplete => {
                text("2 queries reached the registry's cap and can't be split further")
            }
            _ => None,
        },
        nearest: if unknown {
            [
                "Preventive Medicine",
                "General Practice",
                "Internal Medicine",
            ]
            .map(ToOwned::to_owned)
            .into()
        } else {
            Vec::new()
        },
        seconds: 12.0,
    }
}

fn run_of(id: &str, state: JobState, complete: bool) -> SyncRun {
    let going = state == JobState::Running;
    let second = match (going, complete) {
        (true, _) => SpecialtyState::Running,
        (false, true) => SpecialtyState::Complete,
        (false, false) => SpecialtyState::Incomplete,
    };
    let third = if going {
        SpecialtyState::Pending
    } else {
        SpecialtyState::Complete
    };
    let mut specialties = vec![
        specialty("Family Medicine", SpecialtyState::Complete, 2_741),
        specialty("Internal Medicine", second, 4_210),
        specialty("Nurse Practitioners", third, if going { 0 } else { 3_101 }),
    ];
    if !complete || going {
        specialties.push(specialty("Medical Officer", SpecialtyState::Unknown, 0));
    }
    let coverage = if complete || going {
        Coverage {
            partitions: 48,
            complete: 44,
            split: 4,
            ..Coverage::default()
        }
    } else {
        Coverage {
            partitions: 61,
            complete: 52,
            split: 6,
            truncated: vec![Shortfall {
                query: "Internal Medicine, individuals, CA, ZIP 90027, last name SM*".to_owned(),
                reason: "1,200 of them and no finer query is left".to_owned(),
            }],
            failed: vec![Shortfall {
                query: "Internal Medicine, organizations, CA, ZIP 94*".to_owned(),
                reason: "the registry answered 503 six times".to_owned(),
            }],
            left_out: vec![LeftOut {
                query: "Internal Medicine, CA".to_owned(),
                what: "addresses without a ZIP code".to_owned(),
            }],
        }
    };
    let begun = now().at - SignedDuration::from_secs(68);
    SyncRun {
        id: id.to_owned(),
        request: SyncRequest {
            specialties: specialties.iter().map(|s| s.name.clone()).collect(),
            state: text("CA"),
            postal_code: text("93*"),
            save_leads: true,
            ..SyncRequest::default()
        },
        state,
        counts: specialties.iter().fold(Counts::default(), |mut sum, s| {
            sum.found += s.counts.found;
            sum.created += s.counts.created;
            sum.updated += s.counts.updated;
            sum.unchanged += s.counts.unchanged;
            sum.set_aside += s.counts.set_aside;
            sum.requests += s.counts.requests;
            sum
        }),
        complete: complete && state == JobState::Finished,
        seconds: 68.0,
        seconds_left: going.then_some(41.0),
        note: going.then(|| "The registry asked for a pause; goes on in 12 s.".to_owned()),
        specialties,
        coverage,
        leads: (state == JobState::Finished && complete).then(receipt),
        created_at: begun,
        started_at: Some(begun),
        finished_at: (state == JobState::Finished).then(|| now().at),
    }
}

/// The page of syncs.
pub fn sync(amount: Amount, errors: &[FieldError]) -> SyncView {
    let much = amount == Amount::Much;
    let request = SyncRequest {
        specialties: if much {
            [
                "Nurse Practitioners",
                "Internal Medicine",
                "Pain Management",
                "Medical Officer",
            ]
            .map(ToOwned::to_owned)
            .into()
        } else {
            Vec::new()
        },
        state: much.then(|| "CA".to_owned()),
        address: AddressScope::Practice,
        save_leads: much,
        ..SyncRequest::default()
    };
    let past = [
        run_of("r2", JobState::Finished, true),
        run_of("r3", JobState::Finished, false),
        run_of("r4", JobState::Cancelled, false),
    ];
    let shown = match amount {
        Amount::Much => &past[..],
        Amount::Little => &past[..1],
        Amount::None => &[],
    };
    let running = run_of("r1", JobState::Running, false);
    SyncView {
        form: SyncForm {
            request,
            errors: errors.to_vec(),
            idempotency_key: "k".to_owned(),
        },
        running: much
            .then(|| RunPanel::new(&running, true))
            .into_iter()
            .collect(),
        history: History::new(shown, &now()),
    }
}

/// The page of one run.
pub fn run(complete: bool) -> RunView {
    let id = "019a9f3c-5e4b-7d1c-8a52-b0c4f6e1d233";
    RunView::new(&run_of(id, JobState::Finished, complete), true, &now())
}

fn users(amount: Amount) -> Vec<UserRow> {
    let now = now();
    let user = |id: &str, name: &str, role, disabled| UserRow {
        id: id.to_owned(),
        name: name.to_owned(),
        role,
        disabled,
        is_viewer: id == "u1",
        created: When::day(day(2025, 10, 2)),
        last_login: (id != "u4")
            .then(|| When::moment(now.at - SignedDuration::from_hours(3), &now)),
    };
    let mut all = vec![
        user("u1", "Lee Okafor", Role::Admin, false),
        user("u2", "Ana María García", Role::Manager, false),
        user("u3", "Priya Raman", Role::Caller, false),
        user(
            "u4",
            "Bartholomew Featherstonehaugh-Cholmondeley",
            Role::Caller,
            false,
        ),
        user("u5", "Sam Whitfield", Role::Caller, true),
    ];
    if amount != Amount::Much {
        all.truncate(1);
    }
    all
}

/// The page of the team, for an administrator.
pub fn team(amount: Amount) -> TeamView {
    let now = now();
    let token = |id: &str, name: &str, used: bool| TokenRow {
        id: id.to_owned(),
        name: name.to_owned(),
        user: "Lee Okafor".to_owned(),
        created: When::day(day(2025, 10, 2)),
        last_used: used.then(|| When::moment(now.at - SignedDuration::from_hours(30), &now)),
        may_revoke: true,
    };
    let much = amount == Amount::Much;
    TeamView {
        users: Users {
            rows: users(amount),
            may_edit: true,
        },
        add: Some(AddUser::default()),
        tokens: Tokens {
            rows: if much {
                vec![
                    token("t1", "Nightly export", true),
                    token("t2", "Warehouse", false),
                ]
            } else {
                Vec::new()
            },
            secret: much.then(|| "canvass_0123456789abcdef0123456789abcdef".to_owned()),
            errors: Vec::new(),
        },
    }
}

/// The page of the team, for a caller.
pub fn team_of_a_caller() -> TeamView {
    TeamView {
        users: Users {
            rows: users(Amount::Much),
            may_edit: false,
        },
        add: None,
        tokens: Tokens::default(),
    }
}
