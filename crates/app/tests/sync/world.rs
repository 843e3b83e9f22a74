//! What the tests share: the catalogue, settings without waiting, populations, running a sync.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{LazyLock, Mutex},
    time::Duration,
};

use canvass_app::{App, RegistrySettings, Runner};
use canvass_model::{
    Catalogue, Npi, PageRequest, ProviderFilter, ProviderSort, StatusFilter, SyncRequest, SyncRun,
};
use canvass_testkit::{FaultyRegistry, Record, Settings, registry::npi};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// The file of the NUCC catalogue.
pub const NUCC: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../data/nucc/nucc_taxonomy_251.csv"
);

/// A code of Internal Medicine.
pub const INTERNIST: &str = "207R00000X";

/// The NUCC catalogue.
pub fn catalogue() -> &'static Catalogue {
    static CATALOGUE: LazyLock<Catalogue> =
        LazyLock::new(|| canvass_nppes::nucc::load(NUCC.as_ref()).unwrap());
    &CATALOGUE
}

/// A registry that knows the texts of the whole catalogue.
pub fn knowing() -> Settings {
    static CODES: LazyLock<Mutex<HashMap<String, Vec<String>>>> = LazyLock::new(Mutex::default);
    Settings::new(|text| {
        let mut codes = CODES.lock().unwrap();
        codes
            .entry(text.to_owned())
            .or_insert_with(|| catalogue().codes_of_text(text))
            .clone()
    })
}

/// Settings that wait for nothing.
pub fn hurried(registry: &FaultyRegistry) -> RegistrySettings {
    RegistrySettings {
        url: registry.url().to_owned(),
        contact: "tests@canvass.example".into(),
        in_flight: 6,
        starts: 6,
        window: Duration::from_millis(1),
        timeout: Duration::from_secs(20),
        attempts: 10,
        backoff: Duration::from_millis(2),
        backoff_most: Duration::from_millis(10),
        breaker_failures: 6,
        breaker_pause: Duration::from_millis(10),
    }
}

/// Internists of California.
pub fn internists() -> SyncRequest {
    SyncRequest {
        specialties: vec!["Internal Medicine".into()],
        state: Some("CA".into()),
        ..SyncRequest::default()
    }
}

/// Starts a sync and works on it until it is over.
pub async fn sync(app: &App, request: SyncRequest) -> SyncRun {
    let run = app.start_sync(None, request, None).await.unwrap();
    work(app, &run.id).await
}

/// Works on a sync until it is over.
pub async fn work(app: &App, run: &str) -> SyncRun {
    let runner = Runner::new(app, Some(run.to_owned())).unwrap();
    tokio::time::timeout(
        Duration::from_secs(100),
        runner.run(CancellationToken::new()),
    )
    .await
    .expect("the sync does not come to its end")
    .unwrap();
    state(app, run).await
}

/// How far a sync is.
pub async fn state(app: &App, run: &str) -> SyncRun {
    app.sync_run(run).await.unwrap().unwrap()
}

/// The NPIs that a sync found, by the search's filter.
pub async fn found(app: &App, run: &str) -> BTreeSet<Npi> {
    let filter = ProviderFilter {
        sync: Some(run.to_owned()),
        status: StatusFilter::Any,
        ..ProviderFilter::default()
    };
    let mut all = BTreeSet::new();
    let mut page = PageRequest::first(PageRequest::MAX_LIMIT);
    loop {
        let rows = app
            .store()
            .search(&filter, ProviderSort::Name, &page)
            .await
            .unwrap();
        for row in rows.items {
            assert!(all.insert(row.npi), "{} is listed twice", row.npi);
        }
        match rows.next {
            Some(next) => page.after = Some(next),
            None => return all,
        }
    }
}

/// The NPIs of records.
pub fn npis(records: &[Value]) -> BTreeSet<Npi> {
    records
        .iter()
        .map(|r| r["number"].as_str().unwrap().parse().unwrap())
        .collect()
}

/// A sync that found these, all of them, and says so; where a split left something out that nobody
/// can be asked for, it says that instead.
pub async fn assert_whole(app: &App, run: &SyncRun, expected: &BTreeSet<Npi>, what: &str) {
    let found = found(app, &run.id).await;
    let missing = expected.difference(&found).count();
    let odd = found.difference(expected).count();
    assert_eq!((missing, odd), (0, 0), "{what}: missing and odd, {run:?}");
    let coverage = &run.coverage;
    assert_eq!(
        run.complete,
        coverage.left_out.is_empty(),
        "{what}: {run:?}"
    );
    assert!(coverage.split > 0 || run.complete, "{what}: {run:?}");
    let lacks = [&coverage.failed, &coverage.truncated, &coverage.doubtful];
    assert!(lacks.iter().all(|l| l.is_empty()), "{what}: {run:?}");
    assert_eq!(run.counts.found, expected.len() as u64, "{what}");
}

const LAST: [&str; 24] = [
    "ABBOTT", "BAKER", "CHEN", "DIAZ", "EVANS", "FOSTER", "GARCIA", "HUGHES", "IBARRA", "JONES",
    "KELLY", "LE", "MOORE", "NG", "O'BRIEN", "PATEL", "QUINN", "ROSS", "SMITH", "TRAN", "UNGER",
    "VU", "WONG", "YOUNG",
];

/// The `i`th last name of a population.
pub fn last_name(i: u32) -> &'static str {
    LAST[i as usize % LAST.len()]
}

/// ZIP codes of California, nine digits each, spread as its ZIP codes are.
pub fn zips_of_california() -> Vec<String> {
    let places = canvass_nppes::geo::Places::bundled();
    places
        .of_state("CA")
        .map(|p| format!("{}{:04}", p.zip, 1234))
        .collect()
}

/// The `i`th internist of California, at a ZIP code of California.
pub fn internist(i: u32, zips: &[String]) -> Record {
    // A step that shares no factor with the number of ZIP codes spreads them.
    let zip = &zips[(i as usize * 7_919) % zips.len()];
    let first = format!("PERSON{i}");
    Record::individual(npi(i), last_name(i), &first)
        .codes(&[INTERNIST])
        .practice("CA", "SOMEWHERE", zip)
}

/// So many internists of California, from this number on.
pub fn internists_of_california(numbers: std::ops::Range<u32>) -> Vec<Value> {
    let zips = zips_of_california();
    numbers.map(|i| internist(i, &zips).build()).collect()
}

/// Requests that the bounds of the design speak of.
pub fn pages(matches: usize) -> u64 {
    matches.div_ceil(200) as u64
}
