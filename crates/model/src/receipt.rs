use serde::{Deserialize, Serialize};

/// The answer to a bulk action: `requested = created + existing + suppressed + rejected`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// How many were asked for.
    pub requested: u64,
    /// New leads.
    pub created: u64,
    /// Were leads already.
    pub existing: u64,
    /// Left out because somebody asked not to be called.
    pub suppressed: u64,
    /// Left out because there is no such provider in service.
    pub rejected: u64,
}

impl Receipt {
    /// Whether the parts add up to the whole.
    pub fn adds_up(&self) -> bool {
        self.requested == self.created + self.existing + self.suppressed + self.rejected
    }
}
