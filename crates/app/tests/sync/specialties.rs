//! Specialties that the registry does not know, and records that nobody understands.

use canvass_model::{Catalogue, JobState, SpecialtyState, SyncRequest};
use canvass_testkit::{Deep, FaultyRegistry, Record, Settings, registry::npi};
use serde_json::Value;

use crate::{
    both_engines,
    world::{
        INTERNIST, assert_whole, catalogue, found, hurried, internists, internists_of_california,
        knowing, npis, sync,
    },
};

both_engines! {
    async fn a_specialty_that_the_registry_refuses_fails_alone(db: Database) {
        let records = internists_of_california(0..300);
        let registry = FaultyRegistry::start(
            &records,
            Settings::with_texts(&[("Internal Medicine", &[INTERNIST])]),
        );
        let app = db.open(hurried(&registry)).await;
        let run = sync(&app, SyncRequest {
            specialties: vec!["Urgent Care".into(), "Internal Medicine".into()],
            ..internists()
        }).await;
        assert_eq!((run.state, run.complete), (JobState::Finished, false));
        let refused = &run.specialties[0];
        assert_eq!(refused.state, SpecialtyState::Incomplete);
        assert!(
            refused.reason.as_deref().unwrap().contains("No taxonomy codes found with entered description"),
            "{refused:?}"
        );
        // Of a whole state three pages are asked for at once.
        let counts = refused.counts;
        assert!(counts.requests <= 3 && counts.retries == 0, "a refusal is not asked again: {refused:?}");
        assert_eq!(run.specialties[1].state, SpecialtyState::Complete);
        assert_eq!(found(&app, &run.id).await, npis(&records));
    }

    async fn the_eight_are_pulled_without_the_two_that_do_not_exist(db: Database) {
        let eight = Catalogue::presets()[0].specialties;
        let known: Vec<Vec<String>> = eight
            .iter()
            .filter_map(|s| catalogue().resolve(s).ok())
            .map(|s| s.codes)
            .collect();
        let records: Vec<Value> = (0..900)
            .map(|i| {
                let codes = &known[i as usize % known.len()];
                let code = &codes[i as usize % codes.len()];
                Record::individual(npi(i), crate::world::last_name(i), &format!("PERSON{i}"))
                    .codes(&[code])
                    .practice("CA", "FRESNO", "93701")
                    .build()
            })
            .collect();
        let registry = FaultyRegistry::start(&records, knowing());
        let app = db.open(hurried(&registry)).await;
        let run = sync(&app, SyncRequest {
            specialties: eight.iter().map(|&s| s.to_owned()).collect(),
            ..internists()
        }).await;
        assert_whole(&app, &run, &npis(&records), "the eight").await;
        let in_state = |state| run.specialties.iter().filter(move |s| s.state == state);
        assert_eq!(in_state(SpecialtyState::Complete).count(), 6, "{run:?}");
        assert_eq!(in_state(SpecialtyState::Unknown).count(), 2, "{run:?}");
        for unknown in in_state(SpecialtyState::Unknown) {
            assert_eq!(unknown.nearest.len(), 3, "{unknown:?}");
            assert!(unknown.reason.as_deref().unwrap().contains(&unknown.nearest[0]));
        }
    }

    async fn a_specialty_of_one_code_passes_over_what_its_text_finds_besides(db: Database) {
        // The registry is asked with "Addiction Medicine" or the like, which many codes have.
        let (code, others) = shared_text();
        let of = |range: std::ops::Range<u32>, code: &str| -> Vec<Value> {
            range
                .map(|i| {
                    Record::individual(npi(i), crate::world::last_name(i), &format!("PERSON{i}"))
                        .codes(&[code])
                        .practice("CA", "FRESNO", "93701")
                        .build()
                })
                .collect()
        };
        let wanted = of(0..3, &code);
        let mut records = of(3..900, &others);
        records.extend(wanted.clone());
        let registry = FaultyRegistry::start(&records, knowing());
        let app = db.open(hurried(&registry)).await;
        let run = sync(&app, SyncRequest { specialties: vec![code], ..internists() }).await;
        assert_whole(&app, &run, &npis(&wanted), "sifted").await;
        assert_eq!(run.coverage.split, 0, "pages without any of them are no repetitions: {run:?}");
    }

    async fn a_record_that_is_not_understood_is_set_aside_once(db: Database) {
        for deep in [Deep::Served, Deep::Repeats] {
            let mut records = internists_of_california(0..1_500);
            let understood = npis(&records);
            let mut odd = records[3].clone();
            odd["number"] = "1234567890".into();
            odd["taxonomies"][0]["code"] = INTERNIST.into();
            odd["taxonomies"].as_array_mut().unwrap().push(serde_json::json!({
                "code": "207Q00000X", "desc": null, "license": null, "state": null,
                "primary": false, "taxonomy_group": "",
            }));
            records.push(odd);
            let registry = FaultyRegistry::start(&records, knowing().deep(deep));
            let app = db.open(hurried(&registry)).await;
            let run = sync(&app, SyncRequest {
                specialties: vec!["Internal Medicine".into(), "Family Medicine".into()],
                ..internists()
            }).await;
            assert_whole(&app, &run, &understood, &format!("{deep:?}")).await;
            assert_eq!(run.counts.set_aside, 1, "counted once in the run: {run:?}");
            assert_eq!(run.specialties[0].counts.set_aside, 1, "{run:?}");
            let aside = app.set_asides(&run.id, 10).await.unwrap();
            let [aside] = aside.as_slice() else {
                panic!("{aside:?}");
            };
            assert_eq!(aside.npi.as_deref(), Some("1234567890"));
            assert!(aside.reason.contains("check digit"), "{aside:?}");
            assert!(aside.record.contains("1234567890"));
        }
    }
}

/// A code that is asked for with a text which finds other codes too, and one of those.
fn shared_text() -> (String, String) {
    catalogue()
        .taxonomies()
        .iter()
        .find_map(|t| {
            let known = catalogue().resolve(&t.code).ok()?;
            let [text] = known.texts.as_slice() else {
                return None;
            };
            let mut found = catalogue().codes_of_text(text).into_iter();
            let other = found.find(|c| !known.codes.contains(c))?;
            (known.sift && known.codes.len() == 1).then(|| (t.code.clone(), other))
        })
        .expect("a text of several codes")
}
