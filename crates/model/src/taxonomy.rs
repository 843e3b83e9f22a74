use serde::{Deserialize, Serialize};

/// One code of the NUCC Health Care Provider Taxonomy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taxonomy {
    /// Ten characters, the last an X: `207RC0000X`.
    pub code: String,
    /// `Individual` or `Non-Individual`.
    pub section: String,
    /// Grouping: `Allopathic & Osteopathic Physicians`.
    pub grouping: String,
    /// Classification: `Internal Medicine`.
    pub classification: String,
    /// Specialization: `Cardiovascular Disease`; empty for the classification itself.
    pub specialization: String,
    /// Display name: `Cardiovascular Disease Physician`.
    pub display_name: String,
}

impl Taxonomy {
    /// `Classification, Specialization`, as the registry describes a code.
    pub fn description(&self) -> String {
        if self.specialization.is_empty() {
            self.classification.clone()
        } else {
            format!("{}, {}", self.classification, self.specialization)
        }
    }
}
