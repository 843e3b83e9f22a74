//! The registry-compatible endpoint under load: requests at a fixed rate, whatever their answers
//! take, each timed from the moment it was due.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use canvass_app::{App, registry::RegistryEndpoint};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng, seq::IndexedRandom};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::Mutex,
};

use super::{Outcome, spread};

/// Requests a second.
const RATE: u32 = 500;
const SECONDS: u32 = 20;
const CONNECTIONS: usize = 64;

const LAST: &[&str] = &[
    "smith", "garcia", "nguyen", "jo*", "patel", "brown", "mart*",
];
const FIRST: &[&str] = &["john", "maria", "bob", "james", "jen*"];
const STATES: &[&str] = &["CA", "TX", "NY", "FL", "PA", "OH", "WY"];
const TAXONOMIES: &[&str] = &["Internal+Medicine", "Family+Medicine", "Dentist", "Urology"];
const CITIES: &[&str] = &["Houston", "Fresno", "Chicago", "Miami", "Boston"];
const ORGANIZATIONS: &[&str] = &["medical*", "dental*", "heart*", "family*"];

fn query(random: &mut ChaCha8Rng) -> String {
    let kind = random.random_range(0..6);
    let zip = random.random_range(100..995);
    let mut one = |from: &[&'static str]| from.choose(random).copied().unwrap_or_default();
    match kind {
        0 => format!("last_name={}&state={}", one(LAST), one(STATES)),
        1 => format!("first_name={}&last_name={}", one(FIRST), one(LAST)),
        2 => format!(
            "taxonomy_description={}&state={}",
            one(TAXONOMIES),
            one(STATES)
        ),
        3 => format!(
            "taxonomy_description={}&city={}",
            one(TAXONOMIES),
            one(CITIES)
        ),
        4 => format!("postal_code={zip}*&enumeration_type=NPI-1"),
        _ => format!(
            "organization_name={}&state={}",
            one(ORGANIZATIONS),
            one(STATES)
        ),
    }
}

/// Asks over one connection, and takes the answer whole.
async fn ask(connection: &mut BufReader<TcpStream>, query: &str) -> Outcome {
    let request = format!("GET /api/?version=2.1&{query} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    connection.get_mut().write_all(request.as_bytes()).await?;
    let mut length = 0;
    let mut line = String::new();
    connection.read_line(&mut line).await?;
    if !line.starts_with("HTTP/1.1 200") {
        return Err(format!("{query}: {line}").into());
    }
    loop {
        line.clear();
        connection.read_line(&mut line).await?;
        let header = line.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await?;
    Ok(())
}

/// Runs the load on a database that is filled.
pub(crate) async fn run(app: &App) -> Outcome {
    let endpoint = RegistryEndpoint::new(app.store().clone(), app.catalogue().clone())?;
    let router = canvass_web::registry::router(Arc::new(endpoint), Duration::ZERO);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    let mut free = Vec::new();
    for _ in 0..CONNECTIONS {
        free.push(BufReader::new(TcpStream::connect(address).await?));
    }
    let mut random = ChaCha8Rng::seed_from_u64(11);
    // What each search reads first of the index is read once by a server that runs for days.
    let mut alone: BTreeMap<String, Vec<Duration>> = BTreeMap::new();
    for _ in 0..1_000 {
        let query = query(&mut random);
        let began = Instant::now();
        ask(&mut free[0], &query).await?;
        let kind: Vec<&str> = query
            .split('&')
            .filter_map(|p| p.split('=').next())
            .collect();
        alone
            .entry(kind.join(", "))
            .or_default()
            .push(began.elapsed());
    }
    println!("Registry-compatible endpoint: 1000 requests, one after the other");
    for (kind, times) in alone {
        spread(&kind, times);
    }
    let free = Arc::new(Mutex::new(free));
    let begin = tokio::time::Instant::now();
    let mut asked = Vec::new();
    for n in 0..RATE * SECONDS {
        let due = begin + Duration::from_secs(1) * n / RATE;
        tokio::time::sleep_until(due).await;
        let (free, query) = (free.clone(), query(&mut random));
        asked.push(tokio::spawn(async move {
            let known = free.lock().await.pop();
            let mut connection = match known {
                Some(connection) => connection,
                None => BufReader::new(TcpStream::connect(address).await?),
            };
            ask(&mut connection, &query).await?;
            free.lock().await.push(connection);
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(due.elapsed())
        }));
    }
    let mut times = Vec::with_capacity(asked.len());
    for one in asked {
        times.push(one.await??);
    }
    spread(&format!("{RATE} requests a second for {SECONDS} s"), times);
    Ok(())
}
