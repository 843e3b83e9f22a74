use askama::Template;
use canvass_model::{Coverage, JobState, SpecialtyState, SyncRun};

use crate::format::number;
use crate::ui::{Bar, BarChart, Stat};

/// How completely a run covered what was asked for, with every part that is missing.
#[derive(Clone, Debug, Template)]
#[template(path = "sync/coverage.html")]
pub struct CoverageReport {
    /// The coverage.
    pub coverage: Coverage,
    /// Whether everything was pulled.
    pub complete: bool,
    /// Whether the run goes on, so that the report is not yet there.
    pub live: bool,
    /// Whether the run was stopped before its end.
    pub stopped: bool,
    /// Providers per specialty.
    pub chart: BarChart,
}

impl CoverageReport {
    /// The report of a run.
    pub fn new(run: &SyncRun) -> Self {
        Self {
            coverage: run.coverage.clone(),
            complete: run.complete,
            live: !run.state.is_over(),
            stopped: run.state == JobState::Cancelled,
            chart: BarChart {
                title: "Providers found per specialty".to_owned(),
                bars: run
                    .specialties
                    .iter()
                    .filter(|s| s.state != SpecialtyState::Unknown)
                    .map(|s| Bar {
                        label: s.name.clone(),
                        value: s.counts.found,
                    })
                    .collect(),
            },
        }
    }

    fn stats(&self) -> [Stat; 6] {
        let c = &self.coverage;
        let stat = |label, n: u64| Stat {
            label,
            value: number(n),
        };
        [
            stat("Queries", c.partitions),
            stat("Complete", c.complete),
            stat("Split further", c.split),
            stat("Truncated", c.truncated.len() as u64),
            stat("Failed", c.failed.len() as u64),
            stat("Doubtful", c.doubtful.len() as u64),
        ]
    }

    /// What is missing: the query, why, and what kind of lack it is.
    fn missing(&self) -> Vec<(&'static str, &str, &str)> {
        let c = &self.coverage;
        let truncated = c
            .truncated
            .iter()
            .map(|s| ("Truncated", &s.query, &s.reason));
        let failed = c.failed.iter().map(|s| ("Failed", &s.query, &s.reason));
        let doubtful = c.doubtful.iter().map(|s| ("Doubtful", &s.query, &s.reason));
        let left_out = c
            .left_out
            .iter()
            .map(|l| ("Not asked for", &l.query, &l.what));
        truncated
            .chain(failed)
            .chain(doubtful)
            .chain(left_out)
            .map(|(kind, query, why)| (kind, query.as_str(), why.as_str()))
            .collect()
    }
}

crate::ui::shown_as_html!(CoverageReport);
