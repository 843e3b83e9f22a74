//! The registry-compatible endpoint: a page of 200 at growing depth.

use std::time::Instant;

use canvass_app::registry::RegistryEndpoint;

use super::{Bench, Engine, Outcome, spread};

pub(crate) async fn run(bench: &Bench) -> Outcome {
    for engine in Engine::ALL {
        let app = bench.filled(engine, 100_000).await?;
        let endpoint = RegistryEndpoint::new(app.store().clone(), app.catalogue().clone())?;
        println!(
            "Registry-compatible endpoint, {} with 100000 providers, pages of 200",
            engine.name()
        );
        for (name, taxonomy, state) in [
            ("Internal Medicine, CA", "Internal Medicine", "CA"),
            ("Nurse Practitioner, TX", "Nurse Practitioner", "TX"),
        ] {
            let mut times = Vec::new();
            for skip in 0..6 {
                let params = [
                    ("version", "2.1".to_owned()),
                    ("taxonomy_description", taxonomy.to_owned()),
                    ("state", state.to_owned()),
                    ("limit", "200".to_owned()),
                    ("skip", (skip * 200).to_string()),
                ]
                .map(|(name, value)| (name.to_owned(), value));
                let began = Instant::now();
                endpoint.answer(&params).await?;
                times.push(began.elapsed());
            }
            spread(name, times);
        }
    }
    Ok(())
}
