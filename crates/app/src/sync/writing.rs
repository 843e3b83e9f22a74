//! Writing what was taken in, whatever the database makes of it.

use std::sync::Arc;

use canvass_model::{JobState, Provider};
use canvass_nppes::api::Reach;
use canvass_store::{LeasedPartition, PageWrite, SetAsideRecord};

use super::{partition::Batch, runner::Shared};
use crate::Error;

/// One write of a partition.
pub(super) struct Writing {
    pub(super) shared: Arc<Shared>,
    /// The partition as it stands before the write.
    pub(super) leased: LeasedPartition,
    /// The checkpoint that speaks of what is to be written.
    pub(super) checkpoint: String,
}

impl Writing {
    /// Writes what was taken in with its checkpoint. False when the run was stopped or the partition
    /// was taken over.
    ///
    /// What the database refuses is set aside with its reason: it is looked for by halves, which are
    /// written under the checkpoint before, so that it does not matter where that breaks off.
    pub(super) async fn write(self, mut batch: Batch, sent: (u32, u32)) -> Result<bool, Error> {
        match self.attempt(&batch, &self.checkpoint, sent).await {
            Err(error) if error.is_refusal() && !batch.providers.is_empty() => {}
            other => return Ok(other?),
        }
        let mut open = vec![std::mem::take(&mut batch.providers)];
        while let Some(mut providers) = open.pop() {
            let part = Batch {
                providers: providers.clone(),
                ..Batch::default()
            };
            match self.attempt(&part, &self.leased.checkpoint, (0, 0)).await {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(error) if error.is_refusal() => {
                    if let [refused] = providers.as_slice() {
                        batch.set_aside.push(set_aside(refused, &error));
                    } else {
                        let half = providers.split_off(providers.len() / 2);
                        open.extend([half, providers]);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.attempt(&batch, &self.checkpoint, sent).await?)
    }

    async fn attempt(
        &self,
        batch: &Batch,
        checkpoint: &str,
        (requests, retries): (u32, u32),
    ) -> Result<bool, canvass_store::Error> {
        let Shared { app, owner, .. } = &*self.shared;
        let reach = batch.reach.map(reach_name);
        let page = PageWrite {
            partition: &self.leased,
            owner,
            providers: &batch.providers,
            set_aside: &batch.set_aside,
            checkpoint,
            reach: reach.as_deref(),
            requests,
            retries,
            lease_until: self.shared.lease_until(),
        };
        loop {
            match app.store().write_page(&page, app.clock().now()).await {
                Ok(state) => return Ok(state == JobState::Running),
                Err(canvass_store::Error::LeaseLost) => return Ok(false),
                Err(canvass_store::Error::Conflict) => tokio::task::yield_now().await,
                Err(error) => return Err(error),
            }
        }
    }
}

fn set_aside(provider: &Provider, error: &canvass_store::Error) -> SetAsideRecord {
    let mut reason = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        reason = format!("{reason}: {inner}");
        cause = inner.source();
    }
    SetAsideRecord {
        npi: Some(provider.npi.to_string()),
        reason,
        record: serde_json::to_string(provider).unwrap_or_default(),
    }
}

/// What is known of the reach, as a run keeps it.
fn reach_name(reach: Reach) -> String {
    match reach {
        Reach::Unknown => String::new(),
        Reach::Deep => "deep".to_owned(),
        Reach::Capped { last } => format!("capped:{last}"),
    }
}

/// The same, read.
pub(super) fn reach_of(name: &str) -> Reach {
    match name.split_once(':') {
        Some(("capped", last)) => last
            .parse()
            .map_or(Reach::Unknown, |last| Reach::Capped { last }),
        None if name == "deep" => Reach::Deep,
        _ => Reach::Unknown,
    }
}
