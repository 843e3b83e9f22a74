//! Save-all of 1,200, 100,000 and 1,000,000 providers, and the same once more.

use std::time::Instant;

use canvass_app::App;
use canvass_model::ProviderFilter;
use canvass_store::SaveAll;

use super::{Engine, Outcome, per_second};

pub(crate) async fn run(app: &App, engine: Engine, size: u64) -> Outcome {
    println!("Save-all, {} with {size} providers", engine.name());
    let some = app
        .store()
        .search(
            &ProviderFilter::default(),
            canvass_model::ProviderSort::Updated,
            &canvass_model::PageRequest::first(1_000),
        )
        .await?;
    let listed: Vec<String> = some.items.iter().map(|p| p.npi.to_string()).collect();
    save(app, "a list of NPIs", SaveAll::Npis(listed)).await?;
    let mut filter = ProviderFilter::default();
    filter.set("specialty", "Rheumatology")?;
    let few = filter.resolved(app.catalogue())?;
    save(app, "one specialty", SaveAll::Filter(few)).await?;
    save(
        app,
        "everything",
        SaveAll::Filter(ProviderFilter::default()),
    )
    .await?;
    save(
        app,
        "everything, again",
        SaveAll::Filter(ProviderFilter::default()),
    )
    .await
}

async fn save(app: &App, name: &str, what: SaveAll) -> Outcome {
    let began = Instant::now();
    let receipt = app
        .store()
        .save_all(&what, None, app.clock().now(), None)
        .await?;
    let seconds = began.elapsed().as_secs_f64();
    if !receipt.adds_up() {
        return Err(format!("{receipt:?} does not add up").into());
    }
    println!(
        "  {name:<24} requested {:>8}, created {:>8}: {seconds:.3} s ({:.0} a second)",
        receipt.requested,
        receipt.created,
        per_second(receipt.requested, seconds)
    );
    Ok(())
}
