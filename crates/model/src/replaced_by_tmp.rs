use crate::{Provider, RecordStatus, Source};

impl Provider {
    /// What is stored of a known provider when a source says `new` of it; nothing when what is known stays.
    pub fn replaced_by(&self, new: &Self, source: Source) -> Option<Self> {
        if new.is_bare_deactivation() {
            if self.reactivated_on.is_some() && self.reactivated_on >= new.deactivated_on {
                return None;
            }
            let next = self.clone().out_of_service(new.deactivated_on);
            return (next != *self).then_some(next);
        }
        let back = self.status == RecordStatus::Unpublished && new.status == RecordStatus::Active;
        let later = match (new.updated_on, self.updated_on) {
            (Some(a), Some(b)) if source == Source::Api || back => a >= b,
            (Some(a), Some(b)) => a > b,
            _ => true,
        };
        later.then(|| new.clone())
    }
}
