//! Each rule of the rarer filters, as the index answers it.

use canvass_model::{Address, Official, Phone, Provider};
use jiff::civil::date;

use crate::{
    both::now,
    both_engines,
    sample::{CARDIOLOGY, in_city, npi, organization, person, practice, taxonomy},
    search::{check_each, filter, found},
};

fn with_zip(n: u32, zip: &str) -> Provider {
    let mut p = person(n);
    practice(&mut p).postal_code = Some(zip.into());
    p
}

fn with_title(n: u32, title: &str) -> Provider {
    let mut p = organization(n, "ACME CLINIC");
    p.official = Some(Official {
        title: Some(title.into()),
        ..Official::default()
    });
    p
}

both_engines! {
    async fn near_and_county_are_the_zip_codes_of_any_practice_location(db: Database) {
        let mut second = with_zip(1, "89501");
        second.secondary = vec![Address { postal_code: Some("937021111".into()), ..Address::default() }];
        let mut mailing = with_zip(2, "89501");
        mailing.mailing = Some(Address { postal_code: Some("93701".into()), ..Address::default() });
        let all = [with_zip(0, "937011234"), second, mailing, with_zip(3, "93711"), with_zip(4, "9370")];
        db.write_providers(&all, now()).await.unwrap();
        for _ in 0..2 {
            for (zips, expected) in [
                (&["93701", "93702"][..], &[0, 1][..]),
                (&["93711"], &[3]),
                (&["89501", "93701"], &[0, 1, 2]),
                (&[], &[]),
            ] {
                let mut near = filter(&[]);
                near.zips = Some(zips.iter().map(|&z| z.to_owned()).collect());
                let expected: Vec<_> = expected.iter().map(|&n| npi(n)).collect();
                assert_eq!(found(&db, &near).await, expected, "{zips:?}");
            }
            db.settle().await.unwrap();
        }
    }

    async fn credentials_are_letters_whatever_their_full_stops(db: Database) {
        let lettered = |n, credential: &str| {
            let mut p = person(n);
            p.name.credential = Some(credential.into());
            p
        };
        let all = [
            lettered(0, "M.D."),
            lettered(1, "MD, Ph.D."),
            lettered(2, "do/mph"),
            lettered(3, "MDIV"),
            person(4),
        ];
        db.write_providers(&all, now()).await.unwrap();
        check_each(&db, &[
            (&[("credential", "md")], &[0, 1]),
            (&[("credential", "M.D.")], &[0, 1]),
            (&[("credential", "phd")], &[1]),
            (&[("credential", "MPH")], &[2]),
            (&[("credential", "PhD, MD")], &[1]),
            (&[("credential", "MD/MPH")], &[]),
            (&[("credential", "/")], &[]),
            (&[("credential", "md"), ("credential", "DO")], &[0, 1, 2]),
            (&[("credential", "m")], &[]),
        ]).await;
    }

    async fn a_licence_has_a_number_and_a_state(db: Database) {
        let licensed = |n, license: Option<&str>, state: Option<&str>| {
            let mut p = person(n);
            let mut t = taxonomy(CARDIOLOGY, false);
            t.license = license.map(str::to_owned);
            t.state = state.map(str::to_owned);
            p.taxonomies.push(t);
            p
        };
        let all = [
            licensed(0, Some("A1"), Some("CA")),
            licensed(1, Some("A2"), Some("OR")),
            licensed(2, None, Some("CA")),
            licensed(3, Some("A3"), None),
            in_city(4, "PORTLAND", "OR"),
        ];
        db.write_providers(&all, now()).await.unwrap();
        check_each(&db, &[
            (&[("licensed_in", "CA")], &[0]),
            (&[("licensed_in", "ca"), ("licensed_in", "OR")], &[0, 1]),
            (&[("licensed_in", "OR"), ("state", "CA")], &[1]),
            (&[("licensed_in", "NV")], &[]),
            (&[("has_license", "yes")], &[0, 1, 3]),
            (&[("has_license", "no")], &[2, 4]),
        ]).await;
    }

    async fn a_title_is_found_by_beginnings_of_its_words(db: Database) {
        let mut named = organization(2, "MEDICAL DIRECTORS OF FRESNO");
        named.official = Some(Official { title: Some("OWNER".into()), ..Official::default() });
        let all = [with_title(0, "MEDICAL DIRECTOR"), with_title(1, "Director, Medical Affairs"), named, person(3)];
        db.write_providers(&all, now()).await.unwrap();
        check_each(&db, &[
            (&[("title", "medical director")], &[0, 1]),
            (&[("title", "DIR")], &[0, 1]),
            (&[("title", "affairs")], &[1]),
            (&[("title", "owner")], &[2]),
            (&[("title", "rector")], &[]),
            (&[("title", "medical owner")], &[]),
        ]).await;
    }

    async fn sole_proprietors_and_subparts(db: Database) {
        let mut sole = person(0);
        sole.sole_proprietor = Some(true);
        let mut no = person(1);
        no.sole_proprietor = Some(false);
        let mut part = organization(3, "A PART");
        part.subpart = Some(true);
        let mut whole = organization(4, "A WHOLE");
        whole.subpart = Some(false);
        db.write_providers(&[sole, no, person(2), part, whole], now()).await.unwrap();
        check_each(&db, &[
            (&[("sole_proprietor", "yes")], &[0]),
            (&[("sole_proprietor", "no"), ("entity", "individual")], &[1, 2]),
            (&[("subpart", "yes")], &[3]),
            (&[("subpart", "no"), ("entity", "organization")], &[4]),
        ]).await;
    }

    async fn a_fax_of_any_practice_location_counts(db: Database) {
        let fax = || Phone::parse("5595550199");
        let mut here = person(0);
        practice(&mut here).fax = fax();
        let mut there = person(1);
        there.secondary = vec![Address { fax: fax(), ..Address::default() }];
        let mut mailing = person(2);
        mailing.mailing = Some(Address { fax: fax(), ..Address::default() });
        db.write_providers(&[here, there, mailing, person(3)], now()).await.unwrap();
        check_each(&db, &[
            (&[("has_fax", "yes")], &[0, 1]),
            (&[("has_fax", "no")], &[2, 3]),
            (&[("has_fax", "yes"), ("has_phone", "no")], &[]),
        ]).await;
    }

    async fn the_same_address_is_line_city_and_state(db: Database) {
        let mailed = |n, change: fn(&mut Address)| {
            let mut p = person(n);
            let mut mailing = practice(&mut p).clone();
            change(&mut mailing);
            p.mailing = Some(mailing);
            p
        };
        let all = [
            mailed(0, |_| {}),
            mailed(1, |a| a.phone = None),
            mailed(2, |a| a.line_1 = Some("PO BOX 1".into())),
            mailed(3, |a| a.city = Some("CLOVIS".into())),
            person(4),
        ];
        db.write_providers(&all, now()).await.unwrap();
        check_each(&db, &[
            (&[("same_address", "yes")], &[0, 1]),
            (&[("same_address", "no")], &[2, 3, 4]),
        ]).await;
    }

    async fn days_are_bounded_on_both_sides_and_a_missing_one_is_within_none(db: Database) {
        let dated = |n, enumerated, updated| {
            let mut p = person(n);
            p.enumerated_on = enumerated;
            p.updated_on = updated;
            p
        };
        let all = [
            dated(0, Some(date(2006, 5, 23)), Some(date(2007, 7, 8))),
            dated(1, Some(date(2026, 1, 31)), Some(date(2026, 1, 31))),
            dated(2, Some(date(2026, 2, 1)), Some(date(2026, 3, 1))),
            dated(3, None, None),
        ];
        db.write_providers(&all, now()).await.unwrap();
        check_each(&db, &[
            (&[("enumerated_since", "2026-01-31")], &[1, 2]),
            (&[("enumerated_since", "2026-02-02")], &[]),
            (&[("enumerated_until", "2026-01-31")], &[0, 1]),
            (&[("enumerated_until", "2006-05-22")], &[]),
            (&[("enumerated_since", "2026-01-31"), ("enumerated_until", "2026-01-31")], &[1]),
            (&[("enumerated_since", "2026-02-01"), ("enumerated_until", "2026-01-31")], &[]),
            (&[("updated_until", "2026-01-31")], &[0, 1]),
            (&[("updated_since", "2026-01-31"), ("updated_until", "2026-02-28")], &[1]),
            (&[("enumerated_until", "2026-12-31"), ("updated_since", "2026-02-01")], &[2]),
        ]).await;
    }

    async fn days_before_the_first_and_after_the_last_that_the_index_can_tell_are_days(db: Database) {
        let on = |n, day| {
            let mut p = person(n);
            (p.enumerated_on, p.updated_on) = (Some(day), Some(day));
            p
        };
        let mut dateless = person(3);
        (dateless.enumerated_on, dateless.updated_on) = (None, None);
        let mut changed = on(0, date(1960, 2, 1));
        db.write_providers(&[changed.clone()], now()).await.unwrap();
        changed.updated_on = Some(date(1960, 2, 2));
        changed.name.middle = Some("B".into());
        let all = [changed, on(1, date(2026, 1, 31)), on(2, date(2200, 1, 1)), dateless];
        db.write_providers(&all, now()).await.unwrap();
        for _ in 0..2 {
            check_each(&db, &[
                (&[("enumerated_until", "9999-12-31")], &[0, 1, 2]),
                (&[("enumerated_since", "0001-01-01")], &[0, 1, 2]),
                (&[("enumerated_since", "1900-01-01"), ("enumerated_until", "2199-12-31")], &[0, 1, 2]),
                (&[("updated_since", "1900-01-01"), ("updated_until", "9999-12-31")], &[0, 1, 2]),
                (&[("updated_since", "1970-01-03"), ("updated_until", "2149-06-04")], &[1]),
                (&[("updated_since", "2149-06-05")], &[2]),
                (&[("updated_until", "1970-01-02")], &[0]),
                (&[("changed_since", "0001-01-01")], &[0]),
                (&[("changed_since", "1900-01-01")], &[0]),
                (&[("changed_since", "9999-12-30")], &[]),
                (&[("changed_since", "9999-12-31")], &[]),
            ]).await;
            db.settle().await.unwrap();
        }
    }

    async fn filters_hold_together(db: Database) {
        let mut all: Vec<Provider> = (0..8).map(person).collect();
        for p in &mut all {
            let n = p.npi.as_i64() % 2 == 0;
            p.sole_proprietor = Some(n);
            p.name.credential = Some(if n { "MD" } else { "DO" }.into());
        }
        all[3].name.credential = Some("MD DO".into());
        let even: Vec<u32> = (0..8).filter(|&n| npi(n).as_i64() % 2 == 0).collect();
        let both: Vec<u32> = (0..8).filter(|n| even.contains(n) || *n == 3).collect();
        let plain: Vec<u32> = (0..8).filter(|n| !even.contains(n)).collect();
        db.write_providers(&all, now()).await.unwrap();
        check_each(&db, &[
            (&[("credential", "md")], &both),
            (&[("credential", "md"), ("q", "ana"), ("state", "CA")], &both),
            (&[("sole_proprietor", "no"), ("updated_until", "2024-01-01")], &plain),
        ]).await;
    }
}
