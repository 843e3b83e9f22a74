use canvass_model::{
    AddressScope, Counts, Coverage, JobState, LeftOut, Shortfall, SpecialtyProgress,
    SpecialtyState, SyncRequest, SyncRun,
};
use jiff::SignedDuration;

use super::{Amount, now, receipt, text};
use crate::pages::sync::{History, RunPanel, RunView, SyncForm, SyncView};
use crate::problem::FieldError;

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
            doubtful: Vec::new(),
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
        importing: super::importing(amount),
        files: super::files(amount, errors),
        history: History::new(shown, &now()),
    }
}

/// The page of one run.
pub fn run(complete: bool) -> RunView {
    let id = "019a9f3c-5e4b-7d1c-8a52-b0c4f6e1d233";
    RunView::new(
        &run_of(id, JobState::Finished, complete),
        true,
        None,
        &now(),
    )
}
