//! Orders that depend on what is asked.

use canvass_model::{Address, Npi, OtherName, PlaceOf, Provider, ProviderFilter, ProviderSort};
use canvass_store::Store;

use crate::{
    both::now,
    both_engines,
    sample::{npi, organization, person, practice},
    search::{filter, pages},
};

fn named(n: u32, first: &str, last: &str) -> Provider {
    let mut p = person(n);
    p.name.first = Some(first.into());
    p.name.last = Some(last.into());
    p
}

fn in_zip(n: u32, zip: &str) -> Provider {
    let mut p = person(n);
    practice(&mut p).postal_code = Some(zip.into());
    p
}

async fn order(store: &Store, filter: &ProviderFilter, sort: ProviderSort, limit: u32) -> Vec<Npi> {
    let rows = pages(store, filter, sort, limit).await;
    rows.iter().map(|row| row.npi).collect()
}

fn near(zips: &[&str]) -> ProviderFilter {
    let mut filter = filter(&[("near", "93701")]);
    filter.nearest = zips.iter().map(|&zip| zip.to_owned()).collect();
    let mut sorted = filter.nearest.clone();
    sorted.sort();
    filter.zips = Some(sorted);
    filter
}

both_engines! {
    async fn relevance_is_whole_words_and_last_names_first(db: Database) {
        let mut once = named(3, "ZOE", "ADAMS");
        once.other_names = vec![OtherName {
            person: canvass_model::PersonName { last: Some("SMITH".into()), ..Default::default() },
            ..OtherName::default()
        }];
        let all = [
            named(0, "SMITH", "BAKER"),
            named(1, "ANA", "SMITHSON"),
            named(2, "ZED", "SMITH"),
            once,
            organization(4, "SMITH DENTAL"),
            organization(5, "DENTAL SMITH"),
            named(6, "ANA", "OTHER"),
        ];
        db.write_providers(&all, now()).await.unwrap();
        let expected = [4, 2, 3, 0, 5, 1].map(npi);
        for _ in 0..2 {
            for limit in [1, 2, 4, 50] {
                let got = order(&db, &filter(&[("q", "smith")]), ProviderSort::Relevance, limit).await;
                assert_eq!(got, expected, "{limit} at a time");
            }
            db.settle().await.unwrap();
        }
        let by_name = order(&db, &filter(&[]), ProviderSort::Name, 50).await;
        assert_eq!(order(&db, &filter(&[]), ProviderSort::Relevance, 50).await, by_name);
    }

    async fn who_has_no_name_or_city_comes_last(db: Database) {
        // As a row of the files that says no more than that an NPI is out of service.
        let nameless = |n| Provider::new(npi(n));
        let all = [nameless(0), named(1, "ZED", "ZYLKA"), nameless(2), organization(3, "ÉCOLE"), named(4, "ANA", "9")];
        db.write_providers(&all, now()).await.unwrap();
        for _ in 0..2 {
            for limit in [1, 3, 50] {
                let by_name = order(&db, &ProviderFilter::default(), ProviderSort::Name, limit).await;
                assert_eq!(by_name, [4, 3, 1, 0, 2].map(npi), "in pages of {limit}");
                let by_city = order(&db, &ProviderFilter::default(), ProviderSort::City, limit).await;
                assert_eq!(by_city[3..], [0, 2].map(npi), "in pages of {limit}");
            }
            db.settle().await.unwrap();
        }
    }

    async fn distance_is_that_of_the_nearest_address(db: Database) {
        let mut two = in_zip(0, "93999");
        two.secondary = vec![Address { postal_code: Some("937011234".into()), ..Address::default() }];
        let mut mailed = in_zip(5, "93701");
        mailed.mailing = Some(Address { postal_code: Some("93650".into()), ..Address::default() });
        let mut all = vec![two, in_zip(1, "93650"), in_zip(2, "93702"), in_zip(3, "93701"), in_zip(4, "10001"), mailed];
        // More than are read together, in one ZIP code, so that it is gone along by names.
        all.extend((10..700).map(|n| in_zip(n, "93703")));
        db.write_providers(&all, now()).await.unwrap();
        let zips = ["93701", "93702", "93703", "93650", "93999"];
        let mut expected: Vec<u32> = vec![0, 3, 5, 2];
        expected.extend(10..700);
        expected.push(1);
        let expected: Vec<Npi> = expected.into_iter().map(npi).collect();
        for _ in 0..2 {
            for limit in [1, 7, 100, 1_000] {
                assert_eq!(order(&db, &near(&zips), ProviderSort::Distance, limit).await, expected, "{limit} at a time");
            }
            db.settle().await.unwrap();
        }
        let mut few = near(&zips);
        few.set("q", "person000003").unwrap();
        assert_eq!(order(&db, &few, ProviderSort::Distance, 1).await, [npi(3)]);
        let mut mail = near(&zips);
        mail.place = PlaceOf::Mailing;
        assert_eq!(order(&db, &mail, ProviderSort::Distance, 1).await, [npi(5)]);
    }
}
