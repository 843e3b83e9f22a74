//! Pages and counts of searches, narrow and broad, as a person would ask for them.

use std::time::Instant;

use canvass_app::App;
use canvass_model::{PageRequest, ProviderFilter, ProviderSort};

use super::{Engine, Outcome, spread};

/// Names and values of one search.
type Parameters = &'static [(&'static str, &'static str)];

/// Searches by kind, each as the parameters of the API.
const KINDS: &[(&str, &[Parameters])] = &[
    ("everything", &[&[]]),
    (
        "a name",
        &[
            &[("q", "garcia")],
            &[("q", "smith")],
            &[("q", "nguyen maria")],
            &[("q", "heart")],
        ],
    ),
    (
        "part of a name",
        &[&[("q", "gar")], &[("q", "med")], &[("q", "joh smi")]],
    ),
    (
        "a state",
        &[&[("state", "CA")], &[("state", "TX")], &[("state", "WY")]],
    ),
    (
        "a city",
        &[
            &[("state", "CA"), ("city", "Fresno")],
            &[("city", "Springfield")],
        ],
    ),
    (
        "a postal code",
        &[&[("postal_code", "937")], &[("postal_code", "10001")]],
    ),
    (
        "a specialty",
        &[
            &[("specialty", "Internal Medicine")],
            &[("specialty", "Nurse Practitioner")],
            &[("specialty", "Urology")],
        ],
    ),
    (
        "a specialty in a state",
        &[
            &[("specialty", "Internal Medicine"), ("state", "CA")],
            &[("specialty", "cardiology"), ("state", "TX")],
            &[
                ("specialty", "Dentist"),
                ("state", "NY"),
                ("primary_only", "yes"),
            ],
        ],
    ),
    (
        "a name in a state",
        &[
            &[("q", "smith"), ("state", "TX")],
            &[("q", "group"), ("state", "CA")],
        ],
    ),
    (
        "columns",
        &[
            &[("entity", "organization"), ("state", "FL")],
            &[("sex", "F"), ("has_phone", "yes")],
            &[("updated_since", "2026-06-01")],
            &[("lead", "no"), ("state", "OH")],
        ],
    ),
];

pub(crate) async fn run(app: &App, engine: Engine, size: u64) -> Outcome {
    println!("Search, {} with {size} providers", engine.name());
    for (kind, searches) in KINDS {
        let mut pages = Vec::new();
        let mut counts = Vec::new();
        for pairs in *searches {
            let mut filter = ProviderFilter::default();
            for (name, value) in *pairs {
                filter.set(name, value)?;
            }
            let filter = filter.resolved(app.catalogue())?;
            for round in 0..5 {
                for sort in ProviderSort::ALL {
                    let began = Instant::now();
                    let mut page = app
                        .store()
                        .search(&filter, sort, &PageRequest::first(50))
                        .await?;
                    pages.push(began.elapsed());
                    if let (0, Some(next)) = (round, page.next.take()) {
                        let began = Instant::now();
                        let request = PageRequest {
                            limit: 50,
                            after: Some(next),
                        };
                        app.store().search(&filter, sort, &request).await?;
                        pages.push(began.elapsed());
                    }
                }
                let began = Instant::now();
                app.store().count(&filter).await?;
                counts.push(began.elapsed());
            }
        }
        spread(&format!("{kind}: page"), pages);
        spread(&format!("{kind}: count"), counts);
    }
    Ok(())
}
