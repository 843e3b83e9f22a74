//! Random populations, requests and faults against the set that should be found.

use std::{
    collections::{BTreeSet, HashMap},
    sync::LazyLock,
};

use canvass_app::App;
use canvass_model::{AddressScope, Npi, SyncRequest};
use canvass_nppes::geo::Places;
use canvass_testkit::{Deep, Fault, Faults, FaultyRegistry, Record, registry::npi};
use proptest::{
    prelude::*,
    test_runner::{Config, TestError, TestRunner},
};
use rand::{SeedableRng as _, rngs::ChaCha8Rng, seq::IndexedRandom as _};

use crate::{
    both::Database,
    both_engines,
    world::{catalogue, found, hurried, knowing, last_name, sync},
};

const SPECIALTIES: [&str; 3] = ["Internal Medicine", "Family Medicine", "Pain Management"];
const STATES: [&str; 3] = ["CA", "NV", "DE"];
const CITIES: [&str; 5] = ["FRESNO", "LOS ANGELES", "NEWARK", "RENO", "ST JOHN'S"];

both_engines! {
    async fn where_deep_pages_are_served(db: Database) {
        hold(db, Deep::Served).await;
    }

    async fn where_pages_past_the_reach_repeat(db: Database) {
        hold(db, Deep::Repeats).await;
    }

    async fn where_nothing_is_served_past_the_reach(db: Database) {
        hold(db, Deep::Empty).await;
    }
}

#[derive(Clone, Debug)]
struct Case {
    seed: u64,
    size: u32,
    request: SyncRequest,
    fault_probability: f64,
}

/// Much of a state or the country, which often has to be split: most people are internists of
/// California.
fn wide() -> impl Strategy<Value = (u32, SyncRequest)> {
    let others = proptest::option::weighted(0.3, proptest::sample::select(&SPECIALTIES[1..]));
    let request = (
        others,
        proptest::option::of(Just("CA".to_owned())),
        address(),
    );
    let request = request.prop_map(|(other, state, address)| SyncRequest {
        specialties: other
            .into_iter()
            .chain([SPECIALTIES[0]])
            .map(str::to_owned)
            .collect(),
        state,
        address,
        ..SyncRequest::default()
    });
    (1_400u32..1_900, request)
}

/// A place, or a whole state with few providers.
fn narrow() -> impl Strategy<Value = (u32, SyncRequest)> {
    let zips = vec!["90*", "937*", "93701", "19*", "19711"];
    let request = (
        proptest::sample::subsequence(SPECIALTIES.to_vec(), 1..=2),
        prop_oneof![3 => Just(Some("CA")), 1 => Just(Some("DE")), 1 => Just(None)],
        proptest::option::weighted(0.2, proptest::sample::select(CITIES.to_vec())),
        proptest::option::weighted(0.3, proptest::sample::select(zips)),
        address(),
    );
    let request = request.prop_map(|(specialties, state, city, postal_code, address)| {
        let text = |part: Option<&str>| part.map(str::to_owned);
        SyncRequest {
            specialties: specialties.into_iter().map(str::to_owned).collect(),
            state: text(state),
            city: text(city),
            postal_code: text(postal_code),
            address,
            save_leads: false,
        }
    });
    (prop_oneof![0u32..300, 300u32..900], request)
}

fn address() -> impl Strategy<Value = AddressScope> {
    prop_oneof![Just(AddressScope::Practice), Just(AddressScope::Any)]
}

fn any_case() -> impl Strategy<Value = Case> {
    let request = prop_oneof![wide().boxed(), narrow().boxed()];
    let fault_probability = prop_oneof![Just(0.0), 0.0..0.08f64];
    (any::<u64>(), request, fault_probability).prop_map(
        |(seed, (size, request), fault_probability)| Case {
            seed,
            size,
            request,
            fault_probability,
        },
    )
}

/// An address as the test knows it: state, city, ZIP code.
type Spot = (&'static str, &'static str, String);

struct Person {
    npi: Npi,
    name: Option<&'static str>,
    codes: Vec<String>,
    practice: Spot,
    mailing: Option<Spot>,
    secondary: Vec<Spot>,
}

impl Person {
    fn draw(n: u32, rng: &mut ChaCha8Rng, codes: &[Vec<String>; 3]) -> Self {
        let count = rng.random_range(1..=2);
        let of_codes: Vec<String> = (0..count)
            .map(|_| {
                let which = if rng.random_bool(0.7) {
                    0
                } else {
                    rng.random_range(1..codes.len())
                };
                let of_one = &codes[which];
                of_one.choose(rng).unwrap().clone()
            })
            .collect();
        Self {
            npi: npi(n),
            name: rng.random_bool(0.8).then(|| last_name(rng.random())),
            codes: of_codes,
            practice: spot(rng),
            mailing: rng.random_bool(0.3).then(|| spot(rng)),
            secondary: (0..rng.random_range(0..20u32).saturating_sub(17))
                .map(|_| spot(rng))
                .collect(),
        }
    }

    fn record(&self) -> serde_json::Value {
        let mut record = match self.name {
            Some(last) => Record::individual(self.npi, last, "ALEX"),
            None => Record::organization(self.npi, &format!("CLINIC {}", self.npi)),
        };
        let codes: Vec<&str> = self.codes.iter().map(String::as_str).collect();
        let (state, city, zip) = &self.practice;
        record = record.codes(&codes).practice(state, city, zip);
        if let Some((state, city, zip)) = &self.mailing {
            record = record.mailing(state, city, zip);
        }
        for (state, city, zip) in &self.secondary {
            record = record.secondary(state, city, zip);
        }
        record.build()
    }

    /// The rule of the registry, written once more: one address fits as a whole.
    fn is_asked_for(&self, request: &SyncRequest, codes: &BTreeSet<String>) -> bool {
        let mut spots = vec![&self.practice];
        spots.extend(&self.secondary);
        if request.address == AddressScope::Any {
            spots.extend(&self.mailing);
        }
        let fits = |(state, city, zip): &&Spot| {
            request.state.as_deref().is_none_or(|s| s == *state)
                && request.city.as_deref().is_none_or(|c| c == *city)
                && request
                    .postal_code
                    .as_deref()
                    .is_none_or(|p| zip.starts_with(p.trim_end_matches('*')))
        };
        self.codes.iter().any(|c| codes.contains(c)) && spots.iter().any(fits)
    }
}

fn zips_of(state: &str) -> &'static [&'static str] {
    type Zips = HashMap<&'static str, Vec<&'static str>>;
    static ZIPS: LazyLock<Zips> = LazyLock::new(|| {
        let of = |state| Places::bundled().of_state(state).step_by(13);
        let zips = |state| (state, of(state).map(|p| p.zip).collect());
        STATES.into_iter().map(zips).collect()
    });
    &ZIPS[state]
}

fn spot(rng: &mut ChaCha8Rng) -> Spot {
    let state = STATES[if rng.random_bool(0.9) {
        0
    } else {
        rng.random_range(1..STATES.len())
    }];
    let city = *CITIES.choose(rng).unwrap();
    let zip = match rng.random_range(0..1_000) {
        // One that is none of the state's, as typing errors make them.
        0..4 => format!("{:05}", rng.random_range(0..100_000u32)),
        4..300 => if state == "CA" { "93701" } else { "19711" }.to_owned(),
        _ => zips_of(state).choose(rng).unwrap().to_string(),
    };
    let long = rng.random_bool(0.7);
    let zip = if long {
        format!("{zip}{:04}", rng.random_range(1..10_000u32))
    } else {
        zip
    };
    (state, city, zip)
}

/// The property holds for so many random cases, one after the other on one database.
async fn hold(db: Database, deep: Deep) {
    let cases = db.less(&[5], &[2])[0];
    let registry = FaultyRegistry::start(&[], knowing().deep(deep));
    let app = db.open(hurried(&registry)).await;
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        let first = std::cell::Cell::new(0);
        let config = Config {
            cases,
            max_shrink_iters: 20,
            failure_persistence: None,
            ..Config::default()
        };
        let tested = TestRunner::new(config).run(&any_case(), |case| {
            first.set(first.get() + 10_000);
            runtime.block_on(check(&app, &registry, &case, deep, first.get()))
        });
        match tested {
            Ok(()) => {}
            Err(TestError::Fail(why, case)) => panic!("{why}\nwith {case:?}"),
            Err(error) => panic!("{error}"),
        }
    });
}

async fn check(
    app: &App,
    registry: &FaultyRegistry,
    case: &Case,
    deep: Deep,
    first: u32,
) -> Result<(), TestCaseError> {
    let mut rng = ChaCha8Rng::seed_from_u64(case.seed);
    let known = SPECIALTIES.map(|s| catalogue().resolve(s).unwrap().codes);
    let people: Vec<Person> = (0..case.size)
        .map(|i| Person::draw(first + i, &mut rng, &known))
        .collect();
    let records: Vec<_> = people.iter().map(Person::record).collect();
    registry.set_records(&records);
    let kinds = [
        Fault::TooManyRequests { retry_after: None },
        Fault::ServerError,
        Fault::Html200,
        Fault::HalfBody,
        Fault::Reset,
        Fault::RepeatPreviousPage,
        Fault::RepeatRecordsInPage,
    ];
    registry.set_faults(Faults::random(case.seed, case.fault_probability, kinds));

    let wanted: BTreeSet<String> = case
        .request
        .specialties
        .iter()
        .flat_map(|s| catalogue().resolve(s).unwrap().codes)
        .collect();
    let expected: BTreeSet<Npi> = people
        .iter()
        .filter(|p| p.is_asked_for(&case.request, &wanted))
        .map(|p| p.npi)
        .collect();

    let run = sync(app, case.request.clone()).await;
    let found = found(app, &run.id).await;
    let odd: Vec<_> = found.difference(&expected).collect();
    prop_assert!(odd.is_empty(), "not asked for: {:?}\n{:?}", odd, run);
    prop_assert_eq!(run.counts.found, found.len() as u64);
    let missing = expected.difference(&found).count();
    prop_assert!(
        missing == 0 || !run.complete,
        "{} missing: {:?}",
        missing,
        run
    );
    if deep == Deep::Served {
        prop_assert!(
            missing == 0 && run.complete,
            "{} missing: {:?}",
            missing,
            run
        );
    }
    // What can be missing are the strays that a split leaves out, and says that it does; and what
    // failed, or never agreed.
    let coverage = &run.coverage;
    let lacks = [&coverage.failed, &coverage.truncated, &coverage.doubtful];
    let told = !coverage.left_out.is_empty() || lacks.iter().any(|l| !l.is_empty());
    prop_assert!(
        missing == 0 || told,
        "{} of {} missing: {:?}",
        missing,
        expected.len(),
        run
    );
    Ok(())
}
