//! Providers to test with.

use canvass_model::{Address, Entity, Npi, Phone, Provider, ProviderTaxonomy, RecordStatus, Sex};
use canvass_store::Store;
use jiff::civil::date;

use crate::both::now;

pub const INTERNAL: &str = "207R00000X";
pub const CARDIOLOGY: &str = "207RC0000X";

/// The NPI with this place in the sample.
pub fn npi(n: u32) -> Npi {
    Npi::from_first_nine(100_000_000 + n).unwrap()
}

/// A person in Fresno, California, active, an internist with a telephone.
pub fn person(n: u32) -> Provider {
    let mut p = Provider::new(npi(n));
    p.entity = Some(Entity::Individual);
    p.name.first = Some("ANA".into());
    p.name.last = Some(format!("PERSON{n:06}"));
    p.sex = Some(Sex::F);
    p.practice = Some(Address {
        line_1: Some("1 MAIN ST".into()),
        city: Some("FRESNO".into()),
        state: Some("CA".into()),
        postal_code: Some("937011234".into()),
        country: Some("US".into()),
        phone: Phone::parse("5595550100"),
        ..Address::default()
    });
    p.taxonomies = vec![taxonomy(INTERNAL, true)];
    p.enumerated_on = Some(date(2020, 1, 1));
    p.updated_on = Some(date(2024, 1, 1));
    p
}

pub fn organization(n: u32, name: &str) -> Provider {
    let mut p = person(n);
    p.entity = Some(Entity::Organization);
    p.name = canvass_model::PersonName::default();
    p.sex = None;
    p.organization_name = Some(name.into());
    p
}

pub fn deactivated(n: u32) -> Provider {
    let mut p = person(n);
    p.status = RecordStatus::Deactivated;
    p
}

pub fn taxonomy(code: &str, primary: bool) -> ProviderTaxonomy {
    ProviderTaxonomy {
        code: code.into(),
        primary,
        ..ProviderTaxonomy::default()
    }
}

/// The place of practice, for changes to it.
pub fn practice(p: &mut Provider) -> &mut Address {
    p.practice.get_or_insert_default()
}

pub fn in_city(n: u32, city: &str, state: &str) -> Provider {
    let mut p = person(n);
    practice(&mut p).city = Some(city.into());
    practice(&mut p).state = Some(state.into());
    p
}

pub async fn people(store: &Store, places: std::ops::Range<u32>) {
    let all: Vec<Provider> = places.map(person).collect();
    store.write_providers(&all, now()).await.unwrap();
}
