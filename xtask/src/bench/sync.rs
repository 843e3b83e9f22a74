//! Sync against a registry that answers in 300 ms: beside what the pacing rule allows, and beside
//! the way in which pages are asked for one after the other and written row by row.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use canvass_app::{App, Runner, registry::RegistryEndpoint};
use canvass_model::{Address, Provider, ProviderTaxonomy, SyncRequest, SyncRun};
use canvass_nppes::{
    api::{Answer, Client, ClientSettings, PAGE, Purpose, Query, normalise},
    sample::{Sample, SampleSettings},
};
use tokio_util::sync::CancellationToken;

use super::{Bench, Engine, Outcome};

const LATENCY: Duration = Duration::from_millis(300);
const EACH: u64 = 1_200;

/// Eight specialties with one code each, so that each is exactly as large as is said.
const EIGHT: [(&str, &str); 8] = [
    ("Dermatology", "207N00000X"),
    ("Nephrology", "207RN0300X"),
    ("Rheumatology", "207RR0500X"),
    ("Gastroenterology", "207RG0100X"),
    ("Hospitalist", "208M00000X"),
    ("Optometrist", "152W00000X"),
    ("Chiropractor", "111N00000X"),
    ("Urology", "208800000X"),
];

pub(crate) async fn run(bench: &Bench) -> Outcome {
    let registry = registry(bench).await?;
    println!("\nSync, registry at {} ms", LATENCY.as_millis());
    for engine in Engine::ALL {
        println!("{}", engine.name());
        for specialties in [1, 8] {
            let app = bench.open(bench.database(engine)?, &registry).await?;
            let first = pull(&app, specialties).await?;
            report(&format!("{specialties} x {EACH}, first"), &first);
            let again = pull(&app, specialties).await?;
            report(&format!("{specialties} x {EACH}, again"), &again);
            if again.counts.created + again.counts.updated > 0 {
                return Err("an unchanged provider was written".into());
            }
        }
        let app = bench.open(bench.database(engine)?, &registry).await?;
        let began = Instant::now();
        let found = one_after_the_other(&app, &registry).await?;
        let slow = began.elapsed().as_secs_f64();
        println!("  1 x {found}, one page after the other, row by row: {slow:.2} s");
    }
    Ok(())
}

/// Prints a run beside the least time that three requests in flight need for its requests.
fn report(name: &str, run: &SyncRun) {
    let rounds = u32::try_from(run.counts.requests.div_ceil(3)).unwrap_or(u32::MAX);
    let allowed = (LATENCY * rounds).as_secs_f64();
    println!(
        "  {name}: {} found, {} created, {} unchanged, complete: {}; {} requests, {:.2} s; pacing allows {allowed:.2} s; ratio {:.3}",
        run.counts.found,
        run.counts.created,
        run.counts.unchanged,
        run.complete,
        run.counts.requests,
        run.seconds,
        run.seconds / allowed
    );
}

async fn pull(app: &App, specialties: usize) -> Outcome<SyncRun> {
    let request = SyncRequest {
        specialties: EIGHT[..specialties]
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect(),
        state: Some("CA".into()),
        ..SyncRequest::default()
    };
    let run = app.start_sync(None, request, None).await?;
    Runner::new(app, Some(run.id.clone()))?
        .run(CancellationToken::new())
        .await?;
    app.sync_run(&run.id)
        .await?
        .ok_or_else(|| "the run is gone".into())
}

/// A registry with exactly so many providers of each specialty in California, and some elsewhere.
async fn registry(bench: &Bench) -> Outcome<String> {
    let app = bench
        .open(bench.database(Engine::Sqlite)?, "http://127.0.0.1:9/")
        .await?;
    let sample = Sample::new(SampleSettings::default().seed, app.catalogue());
    let mut all: Vec<Provider> = Vec::new();
    let mut index = 0;
    for (_, code) in EIGHT {
        for n in 0..EACH * 2 {
            let mut provider = sample.provider(index);
            index += 1;
            provider.taxonomies = vec![ProviderTaxonomy {
                code: code.to_owned(),
                primary: true,
                ..ProviderTaxonomy::default()
            }];
            provider.secondary.clear();
            let (state, city, zip) = if n < EACH {
                ("CA", "FRESNO", format!("93{:03}", 700 + n % 30))
            } else {
                ("NV", "RENO", "89501".to_owned())
            };
            provider.practice = Some(Address {
                city: Some(city.into()),
                state: Some(state.into()),
                postal_code: Some(zip),
                country: Some("US".into()),
                ..provider.practice.unwrap_or_default()
            });
            all.push(provider);
        }
    }
    app.store().write_providers(&all, app.clock().now()).await?;
    let endpoint = RegistryEndpoint::new(app.store().clone(), app.catalogue().clone())?;
    let router = canvass_web::registry::router(Arc::new(endpoint), LATENCY);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/api/", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}

/// As the system that canvass replaces did it before it was made faster: each page after the
/// other, each provider looked up and written by itself.
async fn one_after_the_other(app: &App, registry: &str) -> Outcome<u64> {
    let client = Client::new(registry, &ClientSettings::default())?;
    let query = Query {
        taxonomy_description: Some(EIGHT[0].0.to_owned()),
        state: Some("CA".into()),
        address_purpose: Some(Purpose::Location),
        ..Query::default()
    };
    let mut found = 0;
    for page in 0.. {
        let Answer::Page { records } = client.fetch(&query, page * PAGE).await? else {
            return Err("the registry refused".into());
        };
        for record in &records {
            let provider = normalise(record)?.provider;
            app.store().provider(provider.npi).await?;
            app.store()
                .write_providers(&[provider], app.clock().now())
                .await?;
            found += 1;
        }
        if records.len() < 200 {
            return Ok(found);
        }
    }
    Ok(found)
}
