use canvass_model::{
    Address, Npi, OtherName, PageRequest, ProviderFilter, ProviderSort, ProviderSummary, Sex,
};
use canvass_store::{SaveAll, Store};
use jiff::civil::date;

use crate::{
    both::now,
    both_engines,
    sample::{
        CARDIOLOGY, INTERNAL, deactivated, in_city, npi, organization, people, person, practice,
        taxonomy,
    },
};

pub async fn pages(
    store: &Store,
    filter: &ProviderFilter,
    sort: ProviderSort,
    limit: u32,
) -> Vec<ProviderSummary> {
    let mut all = Vec::new();
    let mut page = PageRequest::first(limit);
    loop {
        let got = store.search(filter, sort, &page).await.unwrap();
        assert!(got.items.len() <= limit as usize);
        all.extend(got.items);
        match got.next {
            Some(next) => page.after = Some(next),
            None => return all,
        }
    }
}

pub fn filter(pairs: &[(&str, &str)]) -> ProviderFilter {
    let mut filter = ProviderFilter::default();
    for (name, value) in pairs {
        assert!(filter.set(name, value).unwrap());
    }
    // What the NUCC catalogue would make of them.
    filter.taxonomy_codes.clone_from(&filter.taxonomy);
    filter
}

/// The providers found, by their place in the sample; the count has to agree.
pub async fn found(store: &Store, filter: &ProviderFilter) -> Vec<Npi> {
    let mut found: Vec<Npi> = pages(store, filter, ProviderSort::Name, 50)
        .await
        .iter()
        .map(|p| p.npi)
        .collect();
    found.sort_unstable();
    let total = store.count(filter).await.unwrap();
    assert_eq!((total.count, total.exact), (found.len() as u64, true));
    found
}

pub async fn check(store: &Store, pairs: &[(&str, &str)], expected: &[u32]) {
    let expected: Vec<Npi> = expected.iter().map(|&n| npi(n)).collect();
    assert_eq!(found(store, &filter(pairs)).await, expected, "{pairs:?}");
}

/// Parameters of a search, and the places in the sample of whom it finds.
pub type Case<'a> = (&'a [(&'a str, &'a str)], &'a [u32]);

/// Asks the same of providers that no segment describes yet, and of those that one does.
pub async fn check_each(store: &Store, cases: &[Case<'_>]) {
    for _ in 0..2 {
        for (pairs, expected) in cases {
            check(store, pairs, expected).await;
        }
        store.settle().await.unwrap();
    }
}

both_engines! {
    async fn names_are_found_by_beginnings_of_words_whatever_case_and_accents(db: Database) {
        let mut obrien = person(0);
        obrien.name.last = Some("O'BRIEN".into());
        obrien.name.first = Some("Núria".into());
        let mut dba = organization(1, "VALLEY MEDICAL GROUP, INC.");
        dba.other_names = vec![OtherName { organization: Some("Sunrise Clinic".into()), ..OtherName::default() }];
        db.write_providers(&[obrien, dba, person(2)], now()).await.unwrap();
        for q in ["obrien", "O’Brien", "nuria o'br", "NÚRIA", "obr nur"] {
            check(&db, &[("q", q)], &[0]).await;
        }
        check(&db, &[("q", "medical val")], &[1]).await;
        check(&db, &[("q", "sunrise")], &[1]).await;
        check(&db, &[("q", "alley group")], &[1]).await;
        check(&db, &[("q", "lley")], &[]).await;
        for q in ["vallley", "vallye", "vxlley", "valey medical", "brienn sunrise"] {
            let expected: &[u32] = if q.contains("sunrise") { &[] } else { &[1] };
            check(&db, &[("q", q)], expected).await;
        }
        check(&db, &[("q", "obrein"), ("state", "NV")], &[]).await;
        check(&db, &[("q", "obrien sunrise")], &[]).await;
        check(&db, &[("q", &npi(2).to_string())], &[2]).await;
        check(&db, &[("q", "(559) 555-0100")], &[0, 1, 2]).await;
        check(&db, &[("q", "an")], &[]).await;
        check(&db, &[("q", "ana")], &[2]).await;
        check(&db, &[("q", "***")], &[]).await;
        check(&db, &[("q", "\" OR 1=1 --")], &[]).await;
    }

    async fn places_are_those_of_practice_and_all_of_one_address(db: Database) {
        let mut mailing = person(0);
        mailing.mailing = Some(Address { city: Some("RENO".into()), state: Some("NV".into()), ..Address::default() });
        let mut second = person(1);
        second.secondary = vec![Address { city: Some("Reno".into()), state: Some("NV".into()), postal_code: Some("895010000".into()), ..Address::default() }];
        let mut springs = in_city(3, "ST. HELENA", "CA");
        practice(&mut springs).postal_code = Some("94574".into());
        db.write_providers(&[mailing, second, in_city(2, "RENO", "NV"), springs], now()).await.unwrap();
        check(&db, &[("state", "nv")], &[1, 2]).await;
        check(&db, &[("city", "reno")], &[1, 2]).await;
        check(&db, &[("state", "CA"), ("city", "reno")], &[]).await;
        check(&db, &[("city", "st helena")], &[3]).await;
        check(&db, &[("city", "reno"), ("city", "St. Helena")], &[1, 2, 3]).await;
        check(&db, &[("state", "CA"), ("state", "NV")], &[0, 1, 2, 3]).await;
        check(&db, &[("postal_code", "945")], &[3]).await;
        check(&db, &[("postal_code", "93701-1234")], &[0, 1, 2]).await;
    }

    async fn taxonomies_primary_or_any(db: Database) {
        let mut both = person(0);
        both.taxonomies.push(taxonomy(CARDIOLOGY, false));
        let mut cardiologist = person(1);
        cardiologist.taxonomies = vec![taxonomy(CARDIOLOGY, true)];
        db.write_providers(&[both, cardiologist, person(2)], now()).await.unwrap();
        check(&db, &[("taxonomy", CARDIOLOGY)], &[0, 1]).await;
        check(&db, &[("taxonomy", CARDIOLOGY), ("primary_only", "yes")], &[1]).await;
        check(&db, &[("taxonomy", CARDIOLOGY), ("taxonomy", INTERNAL)], &[0, 1, 2]).await;
        let mut by_name = filter(&[("specialty", "Cardiology")]);
        by_name.specialty_codes = vec![CARDIOLOGY.into()];
        assert_eq!(found(&db, &by_name).await, [npi(0), npi(1)]);
        by_name.specialty_codes.clear();
        assert_eq!(found(&db, &by_name).await, []);
    }

    async fn kinds_states_and_dates(db: Database) {
        let mut man = person(0);
        man.sex = Some(Sex::M);
        let mut silent = person(1);
        practice(&mut silent).phone = None;
        let mut recent = person(3);
        recent.updated_on = Some(date(2026, 3, 1));
        db.write_providers(&[man, silent, organization(2, "ACME"), recent, deactivated(4)], now()).await.unwrap();
        check(&db, &[], &[0, 1, 2, 3]).await;
        check(&db, &[("status", "any")], &[0, 1, 2, 3, 4]).await;
        check(&db, &[("status", "deactivated")], &[4]).await;
        check(&db, &[("sex", "M")], &[0]).await;
        check(&db, &[("entity", "organization")], &[2]).await;
        check(&db, &[("has_phone", "no")], &[1]).await;
        check(&db, &[("has_phone", "yes")], &[0, 2, 3]).await;
        check(&db, &[("updated_since", "2026-03-01")], &[3]).await;
        check(&db, &[("updated_since", "2026-03-02")], &[]).await;
    }

    async fn leads_or_not(db: Database) {
        people(&db, 0..4).await;
        let some = SaveAll::Npis(vec![npi(1).to_string()]);
        db.save_all(&some, None, now(), None).await.unwrap();
        check(&db, &[("lead", "yes")], &[1]).await;
        check(&db, &[("lead", "no")], &[0, 2, 3]).await;
        let shown = pages(&db, &filter(&[("lead", "yes")]), ProviderSort::Name, 5).await;
        assert_eq!(shown[0].lead, Some(canvass_model::LeadStatus::New));
    }

    async fn pages_cover_everything_once_in_order(db: Database) {
        let cities = ["Fresno", "FRESNO", "Ávila Beach", "Zzyzx"];
        let all: Vec<_> = (0..97).map(|n| {
            let mut p = in_city(n, cities[n as usize % 4], "CA");
            p.name.last = Some(["Ángel", "ANGEL", "de la Cruz", "Smith"][n as usize / 7 % 4].into());
            p.enumerated_on = (n % 5 != 0).then(|| date(2020, 1, 1 + i8::try_from(n % 9).unwrap()));
            p.updated_on = (n % 6 != 0).then(|| date(2021, 1, 1 + i8::try_from(n % 3).unwrap()));
            p
        }).collect();
        db.write_providers(&all, now()).await.unwrap();
        for sort in ProviderSort::ALL {
            for pairs in [&[][..], &[("state", "CA")], &[("q", "ana")]] {
                let got = pages(&db, &filter(pairs), sort, 8).await;
                let mut npis: Vec<Npi> = got.iter().map(|p| p.npi).collect();
                let key = |p: &ProviderSummary| match sort {
                    // Ana is no last name, and nobody is near anything.
                    ProviderSort::Name | ProviderSort::Relevance | ProviderSort::Distance => canvass_store::sort_key(&p.name).replace(',', ""),
                    ProviderSort::City => canvass_store::sort_key(p.city.as_deref().unwrap()),
                    ProviderSort::Enumerated => p.enumerated_on.map(|d| d.to_string()).unwrap_or_default(),
                    ProviderSort::Updated => p.updated_on.map(|d| d.to_string()).unwrap_or_default(),
                };
                let mut keys: Vec<(String, Npi)> = got.iter().map(|p| (key(p), p.npi)).collect();
                if matches!(sort, ProviderSort::Enumerated | ProviderSort::Updated) {
                    keys.reverse();
                }
                assert!(keys.is_sorted(), "{sort:?} {pairs:?}");
                npis.sort_unstable();
                npis.dedup();
                assert_eq!((npis.len(), got.len()), (97, 97), "{sort:?} {pairs:?}");
            }
        }
    }

    async fn a_count_is_exact_however_many_there_are(db: Database) {
        for chunk in 0..3 {
            people(&db, chunk * 4_000..(chunk + 1) * 4_000).await;
        }
        let far: Vec<_> = (12_000..16_000).map(|n| in_city(n, "RENO", "NV")).collect();
        db.write_providers(&far, now()).await.unwrap();
        for settled in [false, true] {
            for (state, count) in [("NV", 4_000), ("CA", 12_000)] {
                let total = db.count(&filter(&[("state", state)])).await.unwrap();
                assert_eq!((total.count, total.exact), (count, true), "{state} {settled}");
            }
            db.settle().await.unwrap();
        }
    }
}
