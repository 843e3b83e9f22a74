use std::collections::{BTreeSet, HashMap, HashSet};

use canvass_model::{Entity, RecordStatus};

use super::*;

fn catalogue() -> Catalogue {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../data/nucc/nucc_taxonomy_251.csv"
    );
    crate::nucc::load(std::path::Path::new(path)).expect("the catalogue of the repository")
}

fn sample(count: u64) -> Vec<Provider> {
    let settings = SampleSettings {
        providers: count,
        ..SampleSettings::default()
    };
    providers(settings, &catalogue()).collect()
}

fn share(of: &[Provider], fits: impl Fn(&Provider) -> bool) -> f64 {
    let fitting = u32::try_from(of.iter().filter(|p| fits(p)).count()).unwrap();
    f64::from(fitting) / f64::from(u32::try_from(of.len()).unwrap())
}

fn state(p: &Provider) -> &str {
    p.practice.as_ref().unwrap().state.as_deref().unwrap()
}

#[test]
fn a_provider_depends_on_its_seed_and_place_alone() {
    let all = sample(300);
    let alone = Sample::new(SampleSettings::default().seed, &catalogue());
    for i in [0, 299, 7, 150] {
        assert_eq!(alone.provider(i), all[usize::try_from(i).unwrap()]);
    }
    let other = Sample::new(2, &catalogue());
    assert!(all.iter().zip(0..).all(|(p, i)| *p != other.provider(i)));
}

#[test]
fn npis_are_valid_distinct_scattered_and_nobodys() {
    let generator = Sample::new(1, &Catalogue::default());
    let npis: Vec<i64> = (0..200_000).map(|i| generator.npi(i).as_i64()).collect();
    for npi in &npis {
        assert!(Npi::new(u64::try_from(*npi).unwrap()).is_ok());
        assert_eq!(
            npi / 1_000_000_000,
            2,
            "no NPI that begins with 2 has been given out"
        );
    }
    assert_eq!(npis.iter().collect::<HashSet<_>>().len(), npis.len());
    assert!(npis.windows(2).all(|w| (w[0] - w[1]).abs() > 1_000_000));
    for tenth in 0..10 {
        let here = npis
            .iter()
            .filter(|n| (*n / 100_000_000) % 10 == tenth)
            .count();
        assert!(
            (15_000..25_000).contains(&here),
            "{here} of 200,000 in tenth {tenth}"
        );
    }
}

#[test]
fn practice_zip_codes_belong_to_their_state_but_for_a_few_typing_errors() {
    let all = sample(40_000);
    let places = Places::bundled();
    let wrong = share(&all, |p| {
        let zip = p.practice.as_ref().unwrap().zip5().unwrap();
        places.zip(zip).is_none_or(|place| place.state != state(p))
    });
    assert!((0.000_2..0.004).contains(&wrong), "{wrong}");
    let right =
        |a: &Address| places.zip(a.zip5().unwrap()).unwrap().state == a.state.as_deref().unwrap();
    assert!(all.iter().flat_map(|p| &p.secondary).all(right));
    assert!(all.iter().flat_map(|p| &p.mailing).all(right));
}

#[test]
fn telephone_numbers_are_fictional_with_an_area_code_of_their_state() {
    let mut seen = 0;
    for p in sample(20_000) {
        let addresses = p.practice.iter().chain(&p.mailing).chain(&p.secondary);
        for a in addresses {
            let codes = places::area_codes(a.state.as_deref().unwrap());
            for phone in [&a.phone, &a.fax].into_iter().flatten() {
                let digits = phone.digits();
                assert_eq!(digits.len(), 10);
                assert_eq!(&digits[3..8], "55501", "{digits}");
                assert!(codes.contains(&&digits[..3]), "{digits} in {:?}", a.state);
                assert!(phone.is_dialable());
                seen += 1;
            }
        }
        if let Some(phone) = p.official.and_then(|o| o.phone) {
            assert_eq!(&phone.digits()[3..8], "55501");
        }
    }
    assert!(seen > 30_000);
}

#[test]
fn the_country_is_filled_as_it_is_inhabited() {
    let all = sample(40_000);
    let california = share(&all, |p| state(p) == "CA");
    assert!((0.11..0.13).contains(&california), "{california}");
    let states: BTreeSet<&str> = all.iter().map(state).collect();
    assert!(states.len() >= 54);
    let cities: HashSet<_> = all
        .iter()
        .map(|p| &p.practice.as_ref().unwrap().city)
        .collect();
    assert!(cities.len() > 3_000);
    let of_la = share(&all, |p| {
        p.practice.as_ref().unwrap().city.as_deref() == Some("LOS ANGELES")
    });
    assert!((0.008..0.05).contains(&of_la), "{of_la}");
}

#[test]
fn california_has_enough_of_what_a_demo_pulls() {
    let all = sample(40_000);
    let catalogue = catalogue();
    let in_california = |name: &str| {
        let codes = catalogue.resolve(name).unwrap().codes;
        let fits = |p: &&Provider| {
            p.practice_locations()
                .any(|a| a.state.as_deref() == Some("CA"))
                && p.taxonomies.iter().any(|t| codes.contains(&t.code))
        };
        all.iter().filter(fits).count()
    };
    for (name, range) in [
        ("Nurse Practitioner", 400..1_000),
        ("Internal Medicine", 400..1_000),
        ("Family Medicine", 400..1_000),
        ("Pain Medicine", 40..300),
        ("General Practice", 60..500),
        ("Orthopaedic Surgery", 60..400),
    ] {
        let count = in_california(name);
        assert!(
            range.contains(&count),
            "{count} of {name}, not in {range:?}"
        );
    }
}

#[test]
fn most_have_one_taxonomy_and_a_few_have_fifteen() {
    let all = sample(40_000);
    let one = share(&all, |p| p.taxonomies.len() == 1);
    assert!((0.77..0.83).contains(&one), "{one}");
    let fifteen = all.iter().filter(|p| p.taxonomies.len() == 15).count();
    assert!((10..100).contains(&fifteen), "{fifteen}");
    let catalogue = catalogue();
    for p in &all {
        assert!((1..=15).contains(&p.taxonomies.len()));
        assert_eq!(p.taxonomies.iter().filter(|t| t.primary).count(), 1);
        let distinct: HashSet<_> = p.taxonomies.iter().collect();
        assert_eq!(distinct.len(), p.taxonomies.len());
        for t in &p.taxonomies {
            let known = catalogue.get(&t.code).expect("a code of the catalogue");
            let person = p.entity == Some(Entity::Individual);
            assert!(!person || known.section == "Individual", "{}", t.code);
            assert_ne!(known.grouping, "Group");
            assert!(!person || t.group.is_none());
            assert_eq!(t.license.is_some(), t.state.is_some());
        }
    }
}

#[test]
fn kinds_and_addresses_are_as_mixed_as_stated() {
    let all = sample(40_000);
    let near = |what: &str, share: f64, stated: f64| {
        assert!(
            (share - stated).abs() < 0.015,
            "{what}: {share}, not {stated}"
        );
    };
    near(
        "organizations",
        share(&all, |p| p.entity == Some(Entity::Organization)),
        0.30,
    );
    near(
        "other mailing",
        share(&all, |p| p.mailing != p.practice),
        0.36,
    );
    near("secondary", share(&all, |p| !p.secondary.is_empty()), 0.08);
    let abroad =
        |p: &Provider| p.mailing.as_ref().unwrap().state != p.practice.as_ref().unwrap().state;
    near("mailing in another state", share(&all, abroad), 0.085);
    near(
        "no telephone",
        share(&all, |p| p.practice.as_ref().unwrap().phone.is_none()),
        0.03,
    );
    near("endpoints", share(&all, |p| !p.endpoints.is_empty()), 0.015);
    assert!(
        all.iter()
            .any(|p| p.other_names.iter().any(|n| n.code.as_deref() == Some("3")))
    );
    assert!(all.iter().any(|p| {
        p.identifiers
            .iter()
            .any(|i| i.code.as_deref() == Some("05"))
    }));
}

#[test]
fn names_are_many_and_skewed() {
    let all = sample(40_000);
    let mut last: HashMap<&str, usize> = HashMap::new();
    let mut whole: HashSet<String> = HashSet::new();
    let people: Vec<&Provider> = all
        .iter()
        .filter(|p| p.organization_name.is_none())
        .collect();
    for p in &people {
        let name = p.name.last.as_deref().unwrap();
        *last.entry(name).or_default() += 1;
        whole.insert(p.name.display());
    }
    for name in [
        "SMITH",
        "GARCIA",
        "NGUYEN",
        "O'BRIEN",
        "MÜLLER",
        "DE LA CRUZ",
    ] {
        assert!(last.get(name).is_some_and(|n| *n > 3), "{name}");
    }
    assert!(last["SMITH"] > 100 && last["SMITH"] > 4 * last["O'BRIEN"]);
    assert!(last.keys().any(|n| n.contains('-')) && last.len() > 700);
    assert!(
        whole.len() * 10 > people.len() * 8,
        "{} of {}",
        whole.len(),
        people.len()
    );
    let businesses: HashSet<_> = all
        .iter()
        .filter_map(|p| p.organization_name.as_ref())
        .collect();
    assert!(businesses.len() > 6_000, "{}", businesses.len());
}

#[test]
fn dates_follow_each_other_within_the_years_of_the_registry() {
    for p in sample(20_000) {
        let (enumerated, updated) = (p.enumerated_on.unwrap(), p.updated_on.unwrap());
        assert!(FIRST_DAY <= enumerated && enumerated <= updated && updated <= LAST_DAY);
        assert!(
            p.certified_on
                .is_none_or(|c| c >= FIRST_CERTIFIED && c <= updated)
        );
        assert_eq!(p.status, RecordStatus::Active);
    }
}

#[test]
fn texts_are_as_the_registry_normalises_them() {
    fn tidy(text: &str) {
        assert!(
            !text.is_empty() && !text.contains("  ") && text.trim() == text,
            "{text:?}"
        );
    }
    for p in sample(20_000) {
        let official = p.official.clone().unwrap_or_default();
        for name in [&p.name, &official.name] {
            for text in [&name.first, &name.middle, &name.last, &name.credential]
                .into_iter()
                .flatten()
            {
                tidy(text);
                assert_eq!(*text, text.to_uppercase());
            }
            for text in [&name.prefix, &name.suffix].into_iter().flatten() {
                assert_eq!(crate::normalize::affix(text).as_ref(), Some(text));
            }
        }
        for text in [
            &p.organization_name,
            &p.parent_organization,
            &official.title,
        ]
        .into_iter()
        .flatten()
        {
            tidy(text);
            assert!(text.len() <= 100 && *text == text.to_uppercase());
        }
        for a in p.practice.iter().chain(&p.mailing).chain(&p.secondary) {
            for text in [&a.line_1, &a.line_2, &a.city].into_iter().flatten() {
                tidy(text);
                assert_eq!(*text, text.to_uppercase());
            }
            let code = a.postal_code.as_ref().unwrap();
            assert_eq!(crate::normalize::postal_code(code).as_ref(), Some(code));
        }
        for group in p.taxonomies.iter().filter_map(|t| t.group.as_ref()) {
            assert_eq!(
                crate::normalize::taxonomy_group(group).as_ref(),
                Some(group)
            );
        }
    }
}

#[test]
fn a_catalogue_without_codes_or_with_one_still_gives_providers() {
    for catalogue in [
        Catalogue::default(),
        Catalogue::new(catalogue().taxonomies()[..1].to_vec()),
    ] {
        let sample = Sample::new(1, &catalogue);
        assert!((0..500).all(|i| !sample.provider(i).taxonomies.is_empty()));
    }
}

#[test]
fn providers_survive_the_registry_api() {
    let catalogue = catalogue();
    for p in sample(20_000) {
        let record = crate::api::render(&p, &catalogue);
        let read = crate::api::normalise(&record).expect("a record of the API");
        assert_eq!((read.provider, read.warnings), (p, Vec::<String>::new()));
    }
}
