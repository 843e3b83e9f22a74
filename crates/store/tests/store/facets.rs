//! What a search finds is like, and what names are completed to.

use crate::{
    both::now,
    both_engines,
    sample::{CARDIOLOGY, INTERNAL, in_city, organization, person, taxonomy},
    search::filter,
};
use canvass_model::Facet;

fn pairs(facets: &[Facet]) -> Vec<(&str, u64)> {
    facets.iter().map(|f| (f.value.as_str(), f.count)).collect()
}

both_engines! {
    async fn facets_count_what_each_value_would_find(db: Database) {
        let mut two = in_city(0, "Fresno", "CA");
        two.taxonomies.push(taxonomy(CARDIOLOGY, false));
        two.secondary = vec![in_city(9, "RENO", "NV").practice.unwrap()];
        let mut all = vec![two, organization(1, "ACME"), in_city(2, "RENO", "NV")];
        all.extend((10..1_300).map(|n| in_city(n, if n % 3 == 0 { "LAS VEGAS" } else { "ELKO" }, "NV")));
        db.write_providers(&all, now()).await.unwrap();
        for _ in 0..2 {
            let found = db.facets(&filter(&[])).await.unwrap();
            assert_eq!(pairs(&found.specialty), [(INTERNAL, 1_293), (CARDIOLOGY, 1)]);
            assert_eq!(pairs(&found.state), [("NV", 1_292), ("CA", 2)]);
            assert_eq!(pairs(&found.city), [("ELKO, NV", 860), ("LAS VEGAS, NV", 430), ("FRESNO, CA", 2), ("RENO, NV", 2)]);
            assert_eq!(pairs(&found.entity), [("individual", 1_292), ("organization", 1)]);
            let some = db.facets(&filter(&[("state", "CA")])).await.unwrap();
            assert_eq!(pairs(&some.state), [("CA", 2), ("NV", 1)]);
            let primary = db.facets(&filter(&[("primary_only", "yes")])).await.unwrap();
            assert_eq!(pairs(&primary.specialty), [(INTERNAL, 1_293)]);
            assert_eq!(pairs(&db.counts_by_state(&filter(&[])).await.unwrap()), [("NV", 1_292), ("CA", 2)]);
            assert_eq!(pairs(&db.counts_by_zip3(&filter(&[("state", "CA")])).await.unwrap()), [("937", 2)]);
            assert_eq!(db.facets(&filter(&[("q", "nobody")])).await.unwrap(), canvass_model::Facets::default());
            db.settle().await.unwrap();
        }
        // What is written since is counted with what was settled.
        db.write_providers(&[in_city(10, "RENO", "NV"), in_city(2_000, "BOISE", "ID")], now()).await.unwrap();
        let found = db.facets(&filter(&[])).await.unwrap();
        assert_eq!(pairs(&found.city), [
            ("ELKO, NV", 859), ("LAS VEGAS, NV", 430), ("RENO, NV", 3), ("FRESNO, CA", 2), ("BOISE, ID", 1),
        ]);
        assert_eq!(pairs(&found.specialty), [(INTERNAL, 1_294), (CARDIOLOGY, 1)]);
    }

    async fn names_are_completed_by_those_there_are(db: Database) {
        let named = |n, first: &str, last: &str| {
            let mut p = person(n);
            p.name.first = Some(first.into());
            p.name.last = Some(last.into());
            p
        };
        let all = [
            named(0, "ANA", "SMITH"),
            named(1, "JOSÉ", "SMITH"),
            named(2, "JOSE", "SMILEY"),
            organization(3, "SMILE DENTAL"),
        ];
        db.write_providers(&all, now()).await.unwrap();
        for _ in 0..2 {
            let suggest = async |typed, limit| db.suggest_names(typed, limit).await.unwrap();
            assert_eq!(suggest("smi", 10).await, ["smith", "smile", "smiley"]);
            assert_eq!(suggest("smi", 1).await, ["smith"]);
            assert_eq!(suggest("José SMI", 10).await, ["jose smiley", "jose smith"]);
            assert_eq!(suggest("s", 10).await, [""; 0]);
            assert_eq!(suggest("nobody sm", 10).await, [""; 0]);
            db.settle().await.unwrap();
        }
    }
}
