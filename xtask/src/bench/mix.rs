//! Thousands of different searches, narrow and broad, as a team would ask for them: how long a
//! page and a count take in the server.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use canvass_app::App;
use canvass_model::{PageRequest, ProviderFilter, ProviderSort};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng, seq::IndexedRandom};

use super::{Outcome, spread};

/// Different searches of a mix.
const SEARCHES: usize = 2_400;

const NAMES: &[&str] = &[
    "smith",
    "garcia",
    "nguyen",
    "johnson",
    "lee",
    "patel",
    "brown",
    "kim",
    "martinez",
    "o'brien",
    "muller",
    "chen",
    "wilson",
    "lopez",
    "davis",
    "james",
    "maria",
    "john",
    "robert",
    "jennifer",
    "clinic",
    "medical",
    "center",
    "health",
    "family",
    "dental",
    "group",
    "associates",
    "physicians",
    "therapy",
    "heart",
    "pediatrics",
    "home",
    "pharmacy",
    "surgical",
    "mar",
    "joh",
    "med",
    "ser",
    "car",
    "smth",
    "garcai",
    "jonhson",
];
const STATES: &[&str] = &[
    "CA", "TX", "NY", "FL", "PA", "IL", "OH", "GA", "NC", "MI", "NJ", "VA", "WA", "AZ", "MA", "TN",
    "IN", "MO", "MD", "WI", "CO", "MN", "WY", "VT", "AK",
];
const CITIES: &[&str] = &[
    "Houston",
    "Los Angeles",
    "New York",
    "Chicago",
    "Phoenix",
    "Philadelphia",
    "San Antonio",
    "San Diego",
    "Dallas",
    "Fresno",
    "Springfield",
    "Portland",
    "Columbus",
    "Miami",
    "Denver",
];
const SPECIALTIES: &[&str] = &[
    "Internal Medicine",
    "Family Medicine",
    "cardiology",
    "Nurse Practitioner",
    "Dentist",
    "Physical Therapist",
    "Pediatrics",
    "psychiatry",
    "dermatology",
    "Urology",
    "Pharmacy",
    "Clinical Social Worker",
    "Behavior Technician",
    "orthopedic surgery",
    "Chiropractor",
];
const AROUND: &[(&str, &str)] = &[
    ("10001", "100"),
    ("90012", "50"),
    ("60601", "25"),
    ("77002", "100"),
    ("Fresno, CA", "30"),
    ("Boston, MA", "100"),
    ("82001", "200"),
    ("33101", "10"),
];

/// Codes at any level of the NUCC tree, by name or by how they begin.
const TAXONOMIES: &[&str] = &[
    "Allopathic & Osteopathic Physicians",
    "Nursing Service Providers",
    "207",
    "207R",
    "363L",
    "1223",
    "261QM",
    "101YM0800X",
];
const COUNTIES: &[&str] = &[
    "Los Angeles, CA",
    "Cook, IL",
    "Harris, TX",
    "Kings, NY",
    "Fresno, CA",
    "Laramie, WY",
];
const TITLES: &[&str] = &[
    "medical director",
    "owner",
    "president",
    "ceo",
    "office manager",
];

type Pairs = Vec<(&'static str, String)>;

/// Kinds of searches.
const KINDS: usize = 26;

/// A search of some kind.
#[expect(clippy::too_many_lines, reason = "a list of kinds")]
fn draw(kind: usize, random: &mut ChaCha8Rng) -> (&'static str, Pairs) {
    let mut one =
        |from: &'static [&'static str]| from.choose(random).copied().unwrap_or_default().to_owned();
    let (name, state, city, specialty) = (one(NAMES), one(STATES), one(CITIES), one(SPECIALTIES));
    let other = one(NAMES);
    let flag = one(&["yes", "no"]);
    let (taxonomy, county, title) = (one(TAXONOMIES), one(COUNTIES), one(TITLES));
    let (second, sharing) = (one(STATES), one(&["1", "3", "20", "100", "200"]));
    let status = one(&["any", "deactivated", "unpublished"]);
    let zip = format!("{:03}", random.random_range(10..995));
    let day = format!(
        "20{:02}-0{}-15",
        random.random_range(6..27),
        random.random_range(1..10)
    );
    let (near, miles) = AROUND.choose(random).copied().unwrap_or(AROUND[0]);
    let (near, miles) = (near.to_owned(), miles.to_owned());
    match kind {
        0 => ("a name", vec![("q", name)]),
        1 => ("two names", vec![("q", format!("{name} {other}"))]),
        2 => ("a name in a state", vec![("q", name), ("state", state)]),
        3 => (
            "a name of a specialty",
            vec![("q", name), ("specialty", specialty)],
        ),
        4 => ("a state", vec![("state", state), ("has_phone", flag)]),
        5 => ("a specialty", vec![("specialty", specialty)]),
        6 => (
            "a specialty in a state",
            vec![("specialty", specialty), ("state", state)],
        ),
        7 => (
            "a specialty in a city",
            vec![("specialty", specialty), ("city", city)],
        ),
        8 => (
            "a city",
            vec![("city", city), ("entity", "individual".into())],
        ),
        9 => ("the beginning of a ZIP code", vec![("postal_code", zip)]),
        10 => (
            "around a place",
            vec![("near", near), ("radius_miles", miles)],
        ),
        11 => (
            "a specialty around a place",
            vec![
                ("specialty", specialty),
                ("near", near),
                ("radius_miles", miles),
            ],
        ),
        12 => (
            "since a day",
            vec![("enumerated_since", day), ("state", state)],
        ),
        13 => ("updated since a day", vec![("updated_since", day)]),
        14 => (
            "what is so or not",
            vec![
                ("sex", "F".into()),
                ("sole_proprietor", flag),
                ("state", state),
                ("credential", "MD".into()),
            ],
        ),
        15 => (
            "a level of the taxonomy",
            vec![("taxonomy", taxonomy), ("state", state)],
        ),
        16 => (
            "a primary taxonomy",
            vec![("taxonomy", taxonomy), ("primary_only", "yes".into())],
        ),
        17 => (
            "a county",
            vec![("county", county), ("entity", "organization".into())],
        ),
        18 => (
            "a licence",
            vec![
                ("licensed_in", state),
                ("has_license", "yes".into()),
                ("has_fax", flag),
            ],
        ),
        19 => (
            "an official's title",
            vec![("title", title), ("state", state)],
        ),
        20 => (
            "a subpart",
            vec![
                ("subpart", flag),
                ("same_address", "no".into()),
                ("specialty", specialty),
            ],
        ),
        21 => (
            "a mailing address",
            vec![("place", "mailing".into()), ("state", state), ("q", name)],
        ),
        22 => (
            "who shares a telephone",
            vec![("phone_shared_by", sharing), ("state", state)],
        ),
        23 => (
            "out of service or not",
            vec![("status", status), ("city", city)],
        ),
        24 => (
            "several states and specialties",
            vec![
                ("state", state),
                ("state", second),
                ("specialty", specialty),
                ("specialty", "Urology".into()),
            ],
        ),
        _ => (
            "everything together",
            vec![
                ("q", name),
                ("state", state),
                ("specialty", specialty),
                ("entity", "individual".into()),
                ("has_phone", "yes".into()),
                ("lead", "no".into()),
            ],
        ),
    }
}

/// What broad and narrow searches are like, each asked for twice: what is read first is kept.
async fn facets(app: &App) -> Outcome {
    for (name, value) in [
        ("q", "smith"),
        ("state", "CA"),
        ("specialty", "Internal Medicine"),
        ("entity", "organization"),
        ("city", "Fresno"),
        ("has_phone", "yes"),
    ] {
        let mut filter = ProviderFilter::default();
        filter.set(name, value)?;
        let mut times = Vec::new();
        for _ in 0..5 {
            let began = Instant::now();
            app.facets(&filter).await?;
            times.push(began.elapsed());
        }
        spread(&format!("{name}={value}: facets"), times);
    }
    Ok(())
}

/// Suggestions as names are typed letter by letter.
async fn names(app: &App) -> Outcome {
    let mut times = Vec::new();
    for name in NAMES {
        for letters in 2..=name.len() {
            let Some(typed) = name.get(..letters) else {
                continue;
            };
            let began = Instant::now();
            app.suggest_names(typed, 10).await?;
            times.push(began.elapsed());
        }
    }
    spread("a keystroke of a name", times);
    Ok(())
}

/// Runs the mix on a database that is filled.
pub(crate) async fn run(app: &App) -> Outcome {
    println!("Of a process that has read nothing yet");
    mix(app, 7).await?;
    println!("Other searches, of the same process");
    mix(app, 8).await?;
    beside(app).await
}

/// What is said beside a result and while a name is typed.
pub(crate) async fn beside(app: &App) -> Outcome {
    facets(app).await?;
    names(app).await
}

async fn mix(app: &App, seed: u64) -> Outcome {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut pages: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    let mut counts: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    let mut orders: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    let (mut all_pages, mut all_counts) = (Vec::new(), Vec::new());
    let mut known = std::collections::HashSet::new();
    let mut tries = 0;
    while known.len() < SEARCHES && tries < SEARCHES * 20 {
        tries += 1;
        let (kind, pairs) = draw(tries % KINDS, &mut random);
        let sort = *ProviderSort::ALL
            .choose(&mut random)
            .unwrap_or(&ProviderSort::Name);
        let near = pairs.iter().any(|(name, _)| *name == "near");
        let sort = match sort {
            ProviderSort::Distance if !near => ProviderSort::Relevance,
            sort => sort,
        };
        if !known.insert((pairs.clone(), sort.as_str())) {
            continue;
        }
        let mut filter = ProviderFilter::default();
        for (name, value) in &pairs {
            filter.set(name, value)?;
        }
        let began = Instant::now();
        let page = app.search(&filter, sort, &PageRequest::first(50)).await?;
        let took = began.elapsed();
        pages.entry(kind).or_default().push(took);
        orders.entry(sort.as_str()).or_default().push(took);
        all_pages.push(took);
        if let Some(next) = page.next {
            let request = PageRequest {
                limit: 50,
                after: Some(next),
            };
            let began = Instant::now();
            app.search(&filter, sort, &request).await?;
            let took = began.elapsed();
            orders.entry("a second page").or_default().push(took);
            pages.entry(kind).or_default().push(took);
            all_pages.push(took);
        }
        let began = Instant::now();
        app.count(&filter).await?;
        let took = began.elapsed();
        counts.entry(kind).or_default().push(took);
        all_counts.push(took);
    }
    println!("{} different searches", known.len());
    for (kind, times) in pages {
        spread(&format!("{kind}: page"), times);
    }
    for (order, times) in orders {
        spread(&format!("by {order}"), times);
    }
    for (kind, times) in counts {
        spread(&format!("{kind}: count"), times);
    }
    spread("all pages", all_pages);
    spread("all counts", all_counts);
    Ok(())
}
