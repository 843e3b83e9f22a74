//! Keeping up with what is written, so that a search need not first read what others wrote.

use std::time::Duration;

use crate::{Error, Store};

impl Store {
    /// Reads into the index what is written, as it comes, for as long as the future is polled: a
    /// search that came first after much was written would have to read it, and others would wait
    /// for that one. Looks every `pause`.
    pub async fn follow_index(&self, pause: Duration) {
        loop {
            // Where it fails, a search tells.
            if let Err(error) = self.keep_up().await {
                tracing::debug!(%error, "the search index was not followed");
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn keep_up(&self) -> Result<(), Error> {
        self.view().await?;
        self.lead_sets().await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use canvass_model::{Npi, Provider};
    use jiff::Timestamp;

    use super::*;

    #[tokio::test]
    async fn what_is_written_is_known_before_anybody_searches() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        let writing = Store::open(&url, Timestamp::UNIX_EPOCH).await.unwrap();
        let searching = Store::open(&url, Timestamp::UNIX_EPOCH).await.unwrap();
        let following = searching.clone();
        let follower = tokio::spawn(async move {
            following.follow_index(Duration::from_millis(1)).await;
        });
        let all = [Provider::new(Npi::from_first_nine(100_000_000).unwrap())];
        let written = writing.write_providers(&all, Timestamp::UNIX_EPOCH).await;
        written.unwrap();
        while searching.index().providers_known().await != 1 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        follower.abort();
    }
}
