use canvass_app::{ImportReport, Rejection};
use canvass_model::{
    Activity, ActivityKind, ContactMethod, Lead, LeadFilter, LeadSort, LeadStatus, Page,
    PageRequest,
};
use jiff::SignedDuration;

use super::{Amount, catalogue, changes, cursor, individual, now, rows, summary, total, viewer};
use crate::pages::leads::{
    self, ImportPanel, LeadFilters, LeadForm, LeadView, LeadsResults, LeadsView, Owner, Timeline,
};

pub(super) fn lead_of(n: usize, status: LeadStatus) -> Lead {
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
        rejected: 2,
        rejections: vec![Rejection {
            line: 17,
            npi: "123456789".to_owned(),
            reason: "an NPI has ten digits, the first 1 or 2".to_owned(),
        }],
        ..ImportReport::default()
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
