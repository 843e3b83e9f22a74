//! Filters that ask more than one record: leads, changes, who shares a telephone or an address.

use std::collections::BTreeMap;

use canvass_model::{Address, LeadPatch, LeadStatus, Phone, Provider, Source};
use canvass_store::SaveAll;
use jiff::SignedDuration;

use crate::{
    both::now,
    both_engines,
    leads::{edit, user},
    sample::{in_city, npi, people, person, practice},
    search::{check, check_each},
};

fn with_phone(n: u32, digits: &str) -> Provider {
    let mut p = person(n);
    practice(&mut p).line_1 = Some(format!("{n} ELM ST"));
    practice(&mut p).phone = Phone::parse(digits);
    p
}

both_engines! {
    async fn a_telephone_is_shared_by_all_who_have_it_in_any_segment(db: Database) {
        let switchboard = |n| with_phone(n, "5595550100");
        let mut both = switchboard(3);
        both.secondary = vec![Address { phone: Phone::parse("5595550177"), ..Address::default() }];
        db.write_providers(&[switchboard(0), switchboard(1), both, with_phone(4, "5595550144"), with_phone(5, "")], now()).await.unwrap();
        db.settle().await.unwrap();
        // Another segment, which the first knows nothing of.
        db.write_providers(&[switchboard(2), with_phone(6, "5595550144")], now()).await.unwrap();
        db.settle().await.unwrap();
        for (most, expected) in [("1", &[3][..]), ("2", &[3, 4, 6]), ("3", &[3, 4, 6]), ("4", &[0, 1, 2, 3, 4, 6])] {
            check(&db, &[("phone_shared_by", most)], expected).await;
        }
        // One of them moves on: what it had before counts no more.
        db.write_providers(&[with_phone(6, "5595550166")], now()).await.unwrap();
        db.settle().await.unwrap();
        check(&db, &[("phone_shared_by", "1")], &[3, 4, 6]).await;
    }

    async fn who_shares_a_telephone_is_known_at_any_moment(db: Database) {
        // So many have no telephone, one, or two, of few or of many; most are written again.
        let mut known: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let mut seed = 5_u32;
        let mut next = |below: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) % below
        };
        for round in 0..9 {
            let mut written = Vec::new();
            for _ in 0..(if round == 0 { 60 } else { 8 }) {
                let n = next(90);
                let phones: Vec<u32> = (0..next(3)).map(|_| { let of = 1 + next(40); next(of) }).collect();
                let mut p = with_phone(n, "");
                let numbers = phones.iter().map(|phone| Phone::parse(&format!("55955501{phone:02}")));
                p.secondary = numbers.map(|phone| Address { phone, ..Address::default() }).collect();
                known.insert(n, phones);
                written.retain(|p: &Provider| p.npi != npi(n));
                written.push(p);
            }
            db.write_providers(&written, now()).await.unwrap();
            // Some rounds are in a segment of their own when the next ones are written.
            if matches!(round, 2 | 6) {
                db.settle().await.unwrap();
            }
            let having = |phone: &u32| known.values().filter(|phones| phones.contains(phone)).count();
            for most in [1, 2, 3, 5, 8] {
                let shared = |phones: &&Vec<u32>| phones.iter().any(|phone| having(phone) <= most);
                let expected: Vec<u32> = known.iter().filter(|(_, phones)| shared(phones)).map(|(n, _)| *n).collect();
                check(&db, &[("phone_shared_by", &most.to_string())], &expected).await;
            }
        }
    }

    async fn the_same_practice_is_an_address_or_a_telephone(db: Database) {
        let mut suite = with_phone(1, "5595550101");
        practice(&mut suite).line_1 = Some("0 Elm St.".into());
        let mut elsewhere = with_phone(2, "5595550102");
        practice(&mut elsewhere).line_1 = Some("0 ELM ST".into());
        practice(&mut elsewhere).postal_code = Some("93650".into());
        let mut second = with_phone(3, "5595550103");
        second.secondary = vec![Address { phone: Phone::parse("5595550100"), ..Address::default() }];
        let mut other_suite = with_phone(4, "5595550104");
        practice(&mut other_suite).line_1 = Some("0 ELM ST".into());
        practice(&mut other_suite).line_2 = Some("STE 5".into());
        db.write_providers(&[with_phone(0, "5595550100"), suite, elsewhere, second, other_suite], now()).await.unwrap();
        let [of_0, of_3, unknown] = [0, 3, 77].map(|n| npi(n).to_string());
        check_each(&db, &[
            (&[("same_practice", &of_0)], &[0, 1, 3]),
            (&[("same_practice", &of_3)], &[0, 3]),
            (&[("same_practice", &of_0), ("q", "person000001")], &[1]),
            (&[("same_practice", &unknown)], &[]),
        ]).await;
    }

    async fn a_provider_is_found_by_what_became_of_its_lead(db: Database) {
        people(&db, 0..6).await;
        let all = (0..5).map(|n| npi(n).to_string()).collect();
        db.save_all(&SaveAll::Npis(all), None, now(), None).await.unwrap();
        let owner = user(&db, "lee").await.id;
        for (n, status) in [(1, LeadStatus::Contacted), (2, LeadStatus::DoNotCall)] {
            let patch = LeadPatch { status: Some(status), ..LeadPatch::default() };
            edit(&db, n, None, patch).await;
        }
        edit(&db, 3, None, LeadPatch { owner_id: Some(Some(owner.clone())), ..LeadPatch::default() }).await;
        check_each(&db, &[
            (&[("lead_status", "new")], &[0, 3, 4]),
            (&[("lead_status", "contacted")], &[1]),
            (&[("lead_status", "new"), ("lead_status", "do_not_call")], &[0, 2, 3, 4]),
            (&[("lead_owner", "none")], &[0, 1, 2, 4]),
            (&[("lead_owner", &owner)], &[3]),
            (&[("lead_owner", "nobody-has-this")], &[]),
            (&[("lead_owner", "none"), ("lead_status", "new")], &[0, 4]),
        ]).await;
    }

    async fn changes_are_found_by_their_day_and_field(db: Database) {
        people(&db, 0..4).await;
        let day = SignedDuration::from_hours(24);
        // Nothing changes where the day of the last update did not.
        let later = |mut p: Provider| {
            p.updated_on = Some(jiff::civil::date(2025, 1, 1));
            p
        };
        let called = |n, digits: &str| {
            let mut p = later(person(n));
            practice(&mut p).phone = Phone::parse(digits);
            p
        };
        db.write_providers(&[called(0, "5595550111")], now() + day).await.unwrap();
        db.write_providers(&[later(in_city(1, "CLOVIS", "CA"))], now() + day * 2).await.unwrap();
        let mut renamed = later(person(2));
        renamed.name.middle = Some("B".into());
        db.write_providers(&[renamed], now() + day * 3).await.unwrap();
        let days: Vec<String> = (0..5).map(|n| jiff::tz::TimeZone::UTC.to_datetime(now() + day * n).date().to_string()).collect();
        check_each(&db, &[
            (&[("changed_since", &days[0])], &[0, 1, 2]),
            (&[("changed_since", &days[2])], &[1, 2]),
            (&[("changed_since", &days[4])], &[]),
            (&[("changed_field", "practice.phone")], &[0]),
            (&[("changed_field", "practice")], &[0, 1]),
            (&[("changed_field", "practice"), ("changed_since", &days[2])], &[1]),
            (&[("changed_field", "name")], &[2]),
        ]).await;
        // What was found once is not what is found for ever.
        db.write_providers(&[called(3, "5595550112")], now() + day * 4).await.unwrap();
        check(&db, &[("changed_since", &days[4])], &[3]).await;
        assert_eq!(db.changes(npi(3), 1).await.unwrap()[0].source, Source::Api);
    }

    async fn a_place_can_be_that_of_the_mailing_address(db: Database) {
        let mut mailed = person(0);
        mailed.mailing = Some(Address {
            city: Some("RENO".into()),
            state: Some("NV".into()),
            postal_code: Some("895011234".into()),
            ..Address::default()
        });
        db.write_providers(&[mailed, in_city(1, "RENO", "NV")], now()).await.unwrap();
        check_each(&db, &[
            (&[("state", "NV")], &[1]),
            (&[("state", "NV"), ("place", "mailing")], &[0]),
            (&[("city", "reno"), ("place", "mailing")], &[0]),
            (&[("postal_code", "895"), ("place", "mailing")], &[0]),
            (&[("postal_code", "895011234"), ("place", "mailing")], &[0]),
            (&[("postal_code", "895011235"), ("place", "mailing")], &[]),
            (&[("state", "CA"), ("place", "mailing")], &[]),
        ]).await;
    }
}
