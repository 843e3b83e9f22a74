use serde::{Deserialize, Serialize};

/// How many providers of a search have one value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facet {
    /// The value, as the parameter of the search that asks for it.
    pub value: String,
    /// How many have it.
    pub count: u64,
}

/// What the providers of a search are like: the most frequent values, the largest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facets {
    /// NUCC codes.
    pub specialty: Vec<Facet>,
    /// Two-letter states.
    pub state: Vec<Facet>,
    /// Cities with their state, as in `FRESNO, CA`.
    pub city: Vec<Facet>,
    /// `individual` and `organization`.
    pub entity: Vec<Facet>,
}
