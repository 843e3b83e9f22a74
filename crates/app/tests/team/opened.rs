//! canvass on a database of a test, with a clock that the test moves.

use std::{
    ops::Deref,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use canvass_app::{Actor, App, Clock, ImportSettings, RegistrySettings, Settings};
use canvass_model::{Address, Entity, Npi, Phone, Provider, ProviderTaxonomy, Role};
use canvass_store::{SaveAll, User};
use jiff::SignedDuration;

use crate::both::{Database, now};

pub const PASSWORD: &str = "a long password";

pub struct Opened {
    app: App,
    milliseconds: Arc<AtomicI64>,
}

impl Deref for Opened {
    type Target = App;

    fn deref(&self) -> &App {
        &self.app
    }
}

impl Opened {
    pub async fn on(db: &Database) -> Self {
        let milliseconds = Arc::new(AtomicI64::new(0));
        let clock = {
            let milliseconds = milliseconds.clone();
            Clock::from_fn(move || {
                now() + SignedDuration::from_millis(milliseconds.load(Ordering::SeqCst))
            })
        };
        let nucc =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/nucc/nucc_taxonomy_251.csv");
        let settings = Settings {
            database: db.url.clone(),
            nucc,
            registry: RegistrySettings::default(),
            imports: ImportSettings::default(),
        };
        Self {
            app: App::open(settings, clock).await.unwrap(),
            milliseconds,
        }
    }

    pub fn pass(&self, seconds: i64) {
        self.milliseconds
            .fetch_add(seconds * 1_000, Ordering::SeqCst);
    }

    /// Somebody of this role, with [`PASSWORD`].
    pub async fn user(&self, name: &str, role: Role) -> User {
        self.add_user(&Actor::system(), name, PASSWORD, role)
            .await
            .unwrap()
    }

    /// Providers, and leads of all of them.
    pub async fn leads_of(&self, providers: &[Provider]) {
        self.store()
            .write_providers(providers, now())
            .await
            .unwrap();
        let npis = providers.iter().map(|p| p.npi.to_string()).collect();
        self.save_all(&Actor::system(), &SaveAll::Npis(npis), None)
            .await
            .unwrap();
    }
}

pub fn npi(n: u32) -> Npi {
    Npi::from_first_nine(100_000_000 + n).unwrap()
}

pub fn person(n: u32) -> Provider {
    let mut p = Provider::new(npi(n));
    p.entity = Some(Entity::Individual);
    p.name.first = Some("ANA".into());
    p.name.last = Some(format!("PERSON{n}"));
    p.practice = Some(Address {
        line_1: Some("1 MAIN ST".into()),
        city: Some("FRESNO".into()),
        state: Some("CA".into()),
        postal_code: Some("937011234".into()),
        phone: Phone::parse("5595550100"),
        fax: Phone::parse("5595550101"),
        ..Address::default()
    });
    p.taxonomies = vec![ProviderTaxonomy {
        code: "207RC0000X".into(),
        primary: true,
        ..ProviderTaxonomy::default()
    }];
    p
}

pub fn people(places: std::ops::Range<u32>) -> Vec<Provider> {
    places.map(person).collect()
}
