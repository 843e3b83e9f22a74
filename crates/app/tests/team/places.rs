//! Places of a search that stand for ZIP codes.

use canvass_app::Error;
use canvass_model::{Npi, PageRequest, Provider, ProviderFilter, ProviderSort};

use crate::{
    both::now,
    both_engines,
    opened::{Opened, npi, person},
};

fn at(n: u32, city: &str, state: &str, zip: &str) -> Provider {
    let mut p = person(n);
    let practice = p.practice.get_or_insert_default();
    practice.city = Some(city.into());
    practice.state = Some(state.into());
    practice.postal_code = Some(zip.into());
    p
}

async fn found(app: &Opened, pairs: &[(&str, &str)]) -> Result<Vec<Npi>, Error> {
    let mut filter = ProviderFilter::default();
    for (name, value) in pairs {
        assert!(filter.set(name, value).unwrap());
    }
    let page = PageRequest::first(50);
    let page = app.search(&filter, ProviderSort::Name, &page).await?;
    let mut npis: Vec<Npi> = page.items.iter().map(|p| p.npi).collect();
    npis.sort_unstable();
    assert_eq!(app.count(&filter).await?.count, npis.len() as u64);
    Ok(npis)
}

both_engines! {
    async fn near_and_county_stand_for_their_zip_codes(db: Database) {
        let app = Opened::on(&db).await;
        let all = [
            at(0, "FRESNO", "CA", "937011234"),
            at(1, "CLOVIS", "CA", "93612"),
            at(2, "BAKERSFIELD", "CA", "93301"),
            at(3, "RENO", "NV", "89501"),
            at(4, "NEW YORK", "NY", "10001"),
        ];
        app.store().write_providers(&all, now()).await.unwrap();
        for (pairs, expected) in [
            (&[("near", "93701")][..], &[0, 1][..]),
            (&[("near", "fresno, ca"), ("radius_miles", "1")], &[]),
            (&[("near", "Fresno CA"), ("radius_miles", "10")], &[0, 1]),
            (&[("near", "93701-1234"), ("radius_miles", "120")], &[0, 1, 2]),
            (&[("near", "93701"), ("radius_miles", "500")], &[0, 1, 2, 3]),
            // A radius around nothing asks for nothing.
            (&[("radius_miles", "5")], &[0, 1, 2, 3, 4]),
            (&[("county", "Fresno, CA")], &[0, 1]),
            (&[("county", "Fresno"), ("state", "CA")], &[0, 1]),
            (&[("county", "fresno county, ca"), ("county", "Kern, CA")], &[0, 1, 2]),
            (&[("county", "Kern, CA"), ("near", "93701"), ("radius_miles", "120")], &[2]),
            (&[("county", "Kern, CA"), ("near", "10001")], &[]),
            (&[("county", "Fresno, CA"), ("city", "Clovis")], &[1]),
        ] {
            let expected: Vec<Npi> = expected.iter().map(|&n| npi(n)).collect();
            assert_eq!(found(&app, pairs).await.unwrap(), expected, "{pairs:?}");
        }
    }

    async fn a_place_that_is_none_is_named(db: Database) {
        let app = Opened::on(&db).await;
        for (name, value) in [
            ("near", "00000"),
            ("near", "Fresno"),
            ("near", "Nowhere, CA"),
            ("county", "Fresno"),
            ("county", "Atlantis, CA"),
        ] {
            match found(&app, &[(name, value)]).await {
                Err(Error::Invalid(fields)) => {
                    assert_eq!(fields.len(), 1);
                    assert_eq!(fields[0].name, name);
                    assert!(fields[0].problem.contains(value), "{}", fields[0].problem);
                }
                other => panic!("{value}: {other:?}"),
            }
        }
    }
}
