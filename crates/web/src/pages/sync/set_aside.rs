use askama::Template;
use canvass_model::SyncRun;
use canvass_store::SetAsideRecord;

use crate::format::number;

/// Records that a run could not understand, with their reasons.
#[derive(Clone, Debug, Template)]
#[template(path = "sync/set_aside.html")]
pub struct SetAsides {
    /// How many there are.
    pub count: String,
    /// NPI and reason of the first of them.
    pub rows: Vec<(String, String)>,
    /// Where all of them are, as they came.
    pub all: String,
}

impl SetAsides {
    /// How many are listed.
    pub const LISTED: u32 = 50;

    /// The records of a run.
    pub fn new(run: &SyncRun, records: &[SetAsideRecord]) -> Self {
        let row = |record: &SetAsideRecord| {
            let npi = record.npi.clone().unwrap_or_else(|| "none".to_owned());
            (npi, record.reason.clone())
        };
        Self {
            count: number(run.counts.set_aside),
            rows: records.iter().map(row).collect(),
            all: format!("/api/sync/{}/set-asides?limit=1000", run.id),
        }
    }
}

crate::ui::shown_as_html!(SetAsides);
