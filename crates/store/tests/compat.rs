//! Queries of the registry-compatible endpoint, on both engines.

use canvass_model::{
    Address, Entity, Npi, Official, OtherName, PersonName, Provider, ProviderTaxonomy, RecordStatus,
};
use canvass_store::{
    AddressPurpose, NameKey, PersonQuery, PlaceQuery, PostalKey, RegistryQuery, Store, fold,
    sort_key,
};
use jiff::Timestamp;

const INTERNIST: &str = "207R00000X";
const NURSE: &str = "363L00000X";

/// The same test on a SQLite file and on a PostgreSQL database.
macro_rules! on_both_engines {
    ($($name:ident)+) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite:{}", folder.path().join("test.db").display());
                super::$name(super::open(&url).await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::open(&canvass_testkit::postgres_url()).await).await;
            })+
        }
    };
}

on_both_engines! {
    every_criterion_is_anded
    order_is_that_of_the_names_then_of_the_numbers
    pages_are_slices_of_one_order
    names_are_whole_or_begin_so
    names_of_officials_are_apart
    a_place_must_fit_one_address_of_the_purpose
    postal_codes_are_whole_five_digits_or_a_beginning
    a_country_abroad_is_found_by_itself
    only_providers_in_service_are_found
    the_watch_tells_of_every_commit
}

async fn open(url: &str) -> Store {
    let store = Store::open(url, Timestamp::UNIX_EPOCH).await.unwrap();
    write(&store, &people()).await;
    store
}

async fn write(store: &Store, providers: &[Provider]) {
    store
        .write_providers(providers, Timestamp::UNIX_EPOCH)
        .await
        .unwrap();
}

fn npi(n: u32) -> Npi {
    Npi::from_first_nine(100_000_000 + n).unwrap()
}

fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn address(city: &str, state: &str, postal_code: &str) -> Address {
    Address {
        city: text(city),
        state: text(state),
        postal_code: text(postal_code),
        country: text("US"),
        ..Address::default()
    }
}

fn person(n: u32, last: &str, first: &str, codes: &[&str]) -> Provider {
    let mut p = Provider::new(npi(n));
    p.entity = Some(Entity::Individual);
    p.name = person_name(last, first);
    p.taxonomies = codes
        .iter()
        .map(|&code| ProviderTaxonomy {
            code: code.into(),
            ..ProviderTaxonomy::default()
        })
        .collect();
    p
}

fn person_name(last: &str, first: &str) -> PersonName {
    PersonName {
        last: text(last),
        first: text(first),
        ..PersonName::default()
    }
}

fn people() -> Vec<Provider> {
    let mut adams = person(3, "ADAMS", "BOB", &[INTERNIST, NURSE]);
    adams.practice = Some(address("RENO", "NV", "89501"));
    adams.secondary = vec![address("FRESNO", "CA", "937010000")];
    adams.mailing = Some(address("SAN DIEGO", "CA", "921011234"));

    let mut garden = person(2, "GARDEN", "AMY", &[INTERNIST]);
    garden.practice = Some(address("SAN DIEGO", "CA", "921012222"));
    garden.mailing = Some(address("NEW YORK", "NY", "10001"));

    let mut clinic = Provider::new(npi(1));
    clinic.entity = Some(Entity::Organization);
    clinic.organization_name = text("GARDEN CLINIC");
    clinic.other_names = vec![OtherName {
        code: text("3"),
        organization: text("ZEBRA HEALTH"),
        person: PersonName::default(),
    }];
    clinic.official = Some(Official {
        name: person_name("ADAMS", "RUTH"),
        ..Official::default()
    });
    clinic.practice = Some(address("RENO", "NV", "895010000"));

    let mut retired = person(4, "ADAMS", "ZOE", &[INTERNIST]);
    retired.status = RecordStatus::Deactivated;
    vec![adams, garden, clinic, retired]
}

async fn page(store: &Store, query: &RegistryQuery, limit: u64, skip: u64) -> Vec<String> {
    let providers = store.registry_query(query, limit, skip).await.unwrap();
    providers.iter().map(Provider::registry_sort_name).collect()
}

async fn found(store: &Store, query: &RegistryQuery) -> Vec<String> {
    page(store, query, 100, 0).await
}

fn codes(codes: &[&str]) -> RegistryQuery {
    RegistryQuery {
        codes: Some(codes.iter().map(|&c| c.to_owned()).collect()),
        ..RegistryQuery::default()
    }
}

fn exact(name: &str) -> NameKey {
    NameKey::Exact(sort_key(name))
}

fn prefix(name: &str) -> NameKey {
    NameKey::Prefix(sort_key(name))
}

fn named(last: Option<NameKey>, first: Vec<NameKey>) -> RegistryQuery {
    RegistryQuery {
        person: Some(PersonQuery {
            official: false,
            last,
            first,
        }),
        ..RegistryQuery::default()
    }
}

fn organization(name: NameKey) -> RegistryQuery {
    RegistryQuery {
        organization: Some(name),
        ..RegistryQuery::default()
    }
}

fn at(place: PlaceQuery) -> RegistryQuery {
    RegistryQuery {
        place,
        ..RegistryQuery::default()
    }
}

async fn every_criterion_is_anded(store: Store) {
    let both = codes(&[INTERNIST, NURSE]);
    assert_eq!(found(&store, &both).await, ["ADAMS BOB", "GARDEN AMY"]);
    let number = RegistryQuery {
        npi: Some(npi(3)),
        ..both.clone()
    };
    assert_eq!(found(&store, &number).await, ["ADAMS BOB"]);
    let elsewhere = RegistryQuery {
        place: PlaceQuery {
            state: text("TX"),
            ..PlaceQuery::default()
        },
        ..number
    };
    assert!(found(&store, &elsewhere).await.is_empty());
    let organizations = RegistryQuery {
        entity: Some(Entity::Organization),
        ..both
    };
    assert!(found(&store, &organizations).await.is_empty());
}

async fn order_is_that_of_the_names_then_of_the_numbers(store: Store) {
    let more = [
        person(9, "DEAN-WAGONER", "JO", &[NURSE]),
        person(8, "DEAN", "JOSIE", &[NURSE]),
        person(7, "DEAN", "JO", &[NURSE]),
        person(6, "dean", "Jo", &[NURSE]),
    ];
    write(&store, &more).await;
    let npis = store.registry_npis(&codes(&[NURSE]), 100, 0).await.unwrap();
    assert_eq!(npis, [npi(3), npi(6), npi(7), npi(8), npi(9)]);
}

async fn pages_are_slices_of_one_order(store: Store) {
    let many: Vec<Provider> = (100..150)
        .map(|n| person(n, &format!("LAST{}", n * 7 % 50), "ANN", &[NURSE]))
        .collect();
    write(&store, &many).await;
    let query = codes(&[NURSE]);
    let all = page(&store, &query, 1_000, 0).await;
    assert_eq!(all.len(), 51);
    for skip in [0, 20, 40, 51, 100_000] {
        let rest = all.get(skip..).unwrap_or_default();
        let wanted = &rest[..rest.len().min(20)];
        let found = page(&store, &query, 20, skip as u64).await;
        assert_eq!(found, wanted, "skip {skip}");
    }
}

async fn names_are_whole_or_begin_so(store: Store) {
    let last = |key| named(Some(key), vec![]);
    assert_eq!(found(&store, &last(exact("garden"))).await, ["GARDEN AMY"]);
    assert!(found(&store, &last(exact("GARD"))).await.is_empty());
    assert_eq!(found(&store, &last(prefix("Gard"))).await, ["GARDEN AMY"]);
    let first = named(None, vec![exact("ROBERT"), exact("BOB")]);
    assert_eq!(found(&store, &first).await, ["ADAMS BOB"]);
    let both = named(Some(exact("ADAMS")), vec![prefix("AM")]);
    assert!(found(&store, &both).await.is_empty());
    for name in ["ZEBRA HEALTH", "Garden Clinic"] {
        let found = found(&store, &organization(exact(name))).await;
        assert_eq!(found, ["GARDEN CLINIC"], "{name}");
    }
    let person = organization(prefix("ADAMS"));
    assert!(found(&store, &person).await.is_empty());
}

async fn names_of_officials_are_apart(store: Store) {
    let mut query = named(Some(exact("ADAMS")), vec![]);
    assert_eq!(found(&store, &query).await, ["ADAMS BOB"]);
    query.person.as_mut().unwrap().official = true;
    assert_eq!(found(&store, &query).await, ["GARDEN CLINIC"]);
}

async fn a_place_must_fit_one_address_of_the_purpose(store: Store) {
    use AddressPurpose::{Any, Location, Mailing, Primary, Secondary};
    let bob = ["ADAMS BOB"].as_slice();
    let amy = ["GARDEN AMY"].as_slice();
    let both = ["ADAMS BOB", "GARDEN AMY"].as_slice();
    for (city, state, purpose, wanted) in [
        ("San Diego", "CA", Any, both),
        ("SAN DIEGO", "CA", Mailing, bob),
        ("SAN DIEGO", "CA", Location, amy),
        ("SAN DIEGO", "", Mailing, bob),
        ("FRESNO", "CA", Secondary, bob),
        ("FRESNO", "CA", Primary, &[]),
        ("FRESNO", "NV", Any, &[]),
        ("", "CA", Any, both),
        ("", "CA", Location, both),
        ("", "CA", Primary, amy),
        ("", "NY", Mailing, amy),
        ("", "NY", Location, &[]),
    ] {
        let mut query = codes(&[INTERNIST]);
        query.place = PlaceQuery {
            city: (!city.is_empty()).then(|| fold(city)),
            state: text(state),
            purpose,
            ..PlaceQuery::default()
        };
        let with_codes = found(&store, &query).await;
        assert_eq!(with_codes, wanted, "{city} {state} {purpose:?}");
        query.codes = None;
        query.entity = Some(Entity::Individual);
        let alone = found(&store, &query).await;
        assert_eq!(alone, wanted, "{city} {state} {purpose:?} without codes");
    }
}

async fn postal_codes_are_whole_five_digits_or_a_beginning(store: Store) {
    let mut abroad = person(20, "TAN", "MEI", &[]);
    abroad.practice = Some(Address {
        country: text("SG"),
        ..address("SINGAPORE", "", "895012")
    });
    write(&store, &[abroad]).await;
    let exact = |code: &str| PostalKey::Exact(code.to_owned());
    let beginning = |code: &str| PostalKey::Prefix(code.to_owned());
    let bob_and_clinic = ["ADAMS BOB", "GARDEN CLINIC"].as_slice();
    for (key, wanted) in [
        (exact("89501"), bob_and_clinic),
        (exact("895010000"), &["GARDEN CLINIC"]),
        (exact("895019999"), &[]),
        (exact("8950"), &[]),
        (beginning("93"), &["ADAMS BOB"]),
        (
            beginning("8950"),
            &["ADAMS BOB", "GARDEN CLINIC", "TAN MEI"],
        ),
    ] {
        let query = at(PlaceQuery {
            postal_code: Some(key.clone()),
            ..PlaceQuery::default()
        });
        assert_eq!(found(&store, &query).await, wanted, "{key:?}");
    }
    let mailing = at(PlaceQuery {
        purpose: AddressPurpose::Mailing,
        postal_code: Some(exact("10001")),
        ..PlaceQuery::default()
    });
    assert_eq!(found(&store, &mailing).await, ["GARDEN AMY"]);
}

async fn a_country_abroad_is_found_by_itself(store: Store) {
    let mut abroad = person(20, "ROUX", "LEA", &[]);
    abroad.mailing = Some(Address {
        country: text("FR"),
        ..address("PARIS", "", "75001")
    });
    write(&store, &[abroad]).await;
    let mut query = at(PlaceQuery {
        country: text("FR"),
        ..PlaceQuery::default()
    });
    assert_eq!(found(&store, &query).await, ["ROUX LEA"]);
    query.place.purpose = AddressPurpose::Location;
    assert!(found(&store, &query).await.is_empty());
    let home = at(PlaceQuery {
        country: text("US"),
        city: Some(fold("PARIS")),
        ..PlaceQuery::default()
    });
    assert!(found(&store, &home).await.is_empty());
}

async fn only_providers_in_service_are_found(store: Store) {
    let number = RegistryQuery {
        npi: Some(npi(4)),
        ..RegistryQuery::default()
    };
    assert!(found(&store, &number).await.is_empty());
    let back = person(4, "ADAMS", "ZOE", &[INTERNIST]);
    write(&store, &[back]).await;
    assert_eq!(found(&store, &number).await, ["ADAMS ZOE"]);
}

async fn the_watch_tells_of_every_commit(store: Store) {
    let watch = store.change_watch().unwrap();
    for n in 30..33 {
        let before = watch.version().await.unwrap();
        found(&store, &codes(&[INTERNIST])).await;
        // Another test's commit on the same server counts as well on PostgreSQL.
        if store.engine() == canvass_store::Engine::Sqlite {
            assert_eq!(watch.version().await.unwrap(), before);
        }
        write(&store, &[person(n, "NEW", "ONE", &[])]).await;
        assert_ne!(watch.version().await.unwrap(), before);
    }
}
