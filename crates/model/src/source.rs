use serde::{Deserialize, Serialize};

/// Where what is known of a provider comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The read API of NPPES.
    Api,
    /// A full replacement file of the NPPES dissemination.
    FullFile,
    /// A weekly incremental file of it.
    WeeklyFile,
    /// The report of deactivated NPIs.
    DeactivationReport,
}

impl Source {
    /// All sources.
    pub const ALL: [Self; 4] = [
        Self::Api,
        Self::FullFile,
        Self::WeeklyFile,
        Self::DeactivationReport,
    ];

    /// As in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::FullFile => "full_file",
            Self::WeeklyFile => "weekly_file",
            Self::DeactivationReport => "deactivation_report",
        }
    }
}
