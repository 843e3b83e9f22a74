//! A search finds what people type, however the registry spells it.

use canvass_model::{Official, Phone, Provider, ProviderFilter};

use crate::{
    both::{Database, now},
    both_engines,
    sample::{organization, person},
};

fn called(n: u32, first: &str, last: &str) -> Provider {
    let mut p = person(n);
    p.name.first = Some(first.into());
    p.name.last = Some(last.into());
    p
}

fn in_city(n: u32, city: &str) -> Provider {
    let mut p = called(n, "ANN", city);
    p.practice.as_mut().unwrap().city = Some(city.into());
    p
}

fn with_phone(n: u32, last: &str, phone: &str) -> Provider {
    let mut p = called(n, "ANN", last);
    p.practice.as_mut().unwrap().phone = Phone::parse(phone);
    p
}

/// The last names, or names of organizations, that a filter finds.
async fn names(db: &Database, filter: &[(&str, &str)]) -> Vec<String> {
    let mut asked = ProviderFilter::default();
    for (name, value) in filter {
        assert!(asked.set(name, value).unwrap(), "{name}");
    }
    let page = canvass_model::PageRequest::first(50);
    let sort = canvass_model::ProviderSort::Name;
    let found = db.search_records(&asked, sort, &page).await.unwrap();
    let name = |p: Provider| p.name.last.or(p.organization_name).unwrap();
    let mut names: Vec<String> = found.items.into_iter().map(name).collect();
    names.sort();
    names
}

both_engines! {
    async fn a_name_is_found_with_what_people_write_around_it(db: Database) {
        let mut smith = called(1, "JOHN", "SMITH");
        smith.name.prefix = Some("DR.".into());
        smith.name.suffix = Some("JR.".into());
        smith.name.credential = Some("M.D.".into());
        let all = [
            smith,
            called(2, "ANN", "SMITH"),
            called(3, "MARY", "O'BRIEN"),
            called(4, "ANN", "O BRIEN"),
            called(5, "TOM", "OBRIEN"),
            called(6, "ANA", "GARCIA-LOPEZ"),
            called(7, "EVA", "GARCIALOPEZ"),
            called(8, "ROSA", "DE LA CRUZ"),
            called(9, "PEDRO", "DELACRUZ"),
            called(10, "DELANEY", "CRUZ"),
            organization(11, "HARBOR & BAY DENTAL"),
        ];
        db.write_providers(&all, now()).await.unwrap();
        for q in ["John Smith", "Dr. John Smith", "John Smith MD", "John Smith, M.D.", "john smith m d",
                  "SMITH, JOHN A., M.D.", "smith jr", "John Smith Jr., MD"] {
            assert_eq!(names(&db, &[("q", q)]).await, ["SMITH"], "{q}");
        }
        let of_one: &[(&[&str], &[&str])] = &[
            (&["obrien", "o'brien", "O’Brien"], &["O BRIEN", "O'BRIEN", "OBRIEN"]),
            (&["garcia lopez", "garcia-lopez", "garcialopez"], &["GARCIA-LOPEZ", "GARCIALOPEZ"]),
            (&["delacruz", "de la cruz"], &["DE LA CRUZ", "DELACRUZ"]),
            (&["harbor and bay", "harbor & bay", "Harbor Bay Dental"], &["HARBOR & BAY DENTAL"]),
        ];
        for (spellings, found) in of_one {
            for q in *spellings {
                assert_eq!(names(&db, &[("q", q)]).await, *found, "{q}");
            }
        }
        let obrien = names(&db, &[("q", "o brien")]).await;
        assert!(["O BRIEN", "O'BRIEN", "OBRIEN"].iter().all(|name| obrien.contains(&(*name).to_owned())), "{obrien:?}");
    }

    async fn a_number_is_found_as_it_is_pasted(db: Database) {
        let mut clinic = organization(1, "NOPHONE CLINIC");
        clinic.practice.as_mut().unwrap().phone = Phone::parse("0");
        clinic.official = Some(Official { phone: Phone::parse("5595550104"), ..Official::default() });
        let mut mailing = with_phone(6, "MAILING", "5595550109");
        mailing.mailing = mailing.practice.clone();
        mailing.mailing.as_mut().unwrap().phone = Phone::parse("5595550110");
        mailing.practice.as_mut().unwrap().fax = Phone::parse("5595550111");
        let all = [
            clinic,
            with_phone(2, "EXTENDED", "5595550106X12"),
            with_phone(3, "ZEROS", "0000000000"),
            with_phone(4, "ZEROS TOO", "0000000000"),
            with_phone(5, "TWO", "5595550131/5595550132"),
            mailing,
        ];
        db.write_providers(&all, now()).await.unwrap();
        for (q, found) in [
            ("559-555-0104", "NOPHONE CLINIC"),
            ("559-555-0106", "EXTENDED"),
            ("559-555-0106 x12", "EXTENDED"),
            ("(559) 555-0132", "TWO"),
            ("559-555-0110", "MAILING"),
            ("559-555-0111", "MAILING"),
        ] {
            assert_eq!(names(&db, &[("q", q)]).await, [found], "{q}");
        }
        let npi = all[1].npi.to_string();
        for q in [
            format!("{} {} {}", &npi[..3], &npi[3..6], &npi[6..]),
            format!("{}-{}-{}", &npi[..3], &npi[3..6], &npi[6..]),
            format!("NPI {npi}"),
            format!("{npi}.0"),
        ] {
            assert_eq!(names(&db, &[("q", &q)]).await, ["EXTENDED"], "{q}");
        }
        assert_eq!(names(&db, &[("has_phone", "no")]).await, ["ZEROS", "ZEROS TOO"]);
        // What stands where there is no number is shared by nobody.
        assert_eq!(names(&db, &[("phone_shared_by", "5"), ("q", "zeros")]).await, [""; 0]);
        let zeros = all[2].npi.to_string();
        assert_eq!(names(&db, &[("same_practice", &zeros)]).await.len(), 6, "one address");
    }

    async fn a_city_a_credential_and_a_postal_code_are_found_in_every_spelling(db: Database) {
        let mut all = vec![
            in_city(1, "ST LOUIS"),
            in_city(2, "SAINT LOUIS"),
            in_city(3, "ST. LOUIS"),
            in_city(4, "O FALLON"),
            in_city(5, "WASHINGTON"),
        ];
        for (n, text) in (10..).zip(["M. D.", "MD;MPH", "MD-PHD", "M D", "M.D.", "R. N."]) {
            let mut p = called(n, "ANN", text);
            p.name.credential = Some(text.into());
            all.push(p);
        }
        let mut abroad = called(20, "ANN", "ONTARIO");
        abroad.practice.as_mut().unwrap().postal_code = Some("M5G 2C4".into());
        let mut newark = called(21, "ANN", "NEWARK");
        newark.practice.as_mut().unwrap().postal_code = Some("071021234".into());
        all.extend([abroad, newark]);
        db.write_providers(&all, now()).await.unwrap();
        for city in ["St. Louis", "Saint Louis", "st louis", "SAINT LOUIS"] {
            assert_eq!(names(&db, &[("city", city)]).await, ["SAINT LOUIS", "ST LOUIS", "ST. LOUIS"], "{city}");
        }
        assert_eq!(names(&db, &[("city", "O'Fallon")]).await, ["O FALLON"]);
        assert_eq!(names(&db, &[("city", "Washington D.C.")]).await, ["WASHINGTON"]);
        for credential in ["MD", "M.D.", "M. D.", "m d"] {
            assert_eq!(
                names(&db, &[("credential", credential)]).await,
                ["M D", "M. D.", "M.D.", "MD-PHD", "MD;MPH"],
                "{credential}"
            );
        }
        assert_eq!(names(&db, &[("credential", "MD, PhD")]).await, ["MD-PHD"]);
        for code in ["M5G 2C4", "M5G2C4", "m5g 2c4", "M5G"] {
            assert_eq!(names(&db, &[("postal_code", code)]).await, ["ONTARIO"], "{code}");
        }
        for code in ["07102", "7102", "7102-1234", "071*"] {
            assert_eq!(names(&db, &[("postal_code", code)]).await, ["NEWARK"], "{code}");
        }
    }
}
