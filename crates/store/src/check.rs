//! Whether the database holds together, for `canvass doctor`.

use roaring::RoaringBitmap;

use crate::{
    Error, Store,
    backend::{Durability, Engine},
    index::{Portion, read_id},
    value::params,
};

/// Rows that are looked at together.
const BATCH: i64 = 50_000;
/// NPIs and the like that are named of each kind of damage.
const MAX_NAMED: usize = 5;

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// What, with numbers.
    pub what: String,
    /// How it is mended.
    pub remedy: &'static str,
}

const REBUILD: &str =
    "run `canvass index rebuild` or `canvass doctor --mend`; searches go on meanwhile";
const RESTORE: &str = "restore a backup, or sync or import these providers again";
const FORGET: &str =
    "run `canvass doctor --mend`, which forgets them; the requests can be sent again";

impl Store {
    /// Looks at all that must hold: every provider is described by the search index exactly once,
    /// every lead has its provider, nothing of a transaction that was broken off is left, and every
    /// part of the index can be read. Nothing is written.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn check(&self) -> Result<Vec<Damage>, Error> {
        let mut found = Vec::new();
        self.check_file(&mut found).await?;
        self.check_segments(&mut found).await?;
        self.check_leads(&mut found).await?;
        self.check_leftovers(&mut found).await?;
        Ok(found)
    }

    /// Mends what can be mended without a backup: builds the search index anew, and forgets requests
    /// that have a key and no answer, of which nothing else is kept.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mend(&self) -> Result<(), Error> {
        let mut tx = self.begin(Durability::Full).await?;
        tx.execute("DELETE FROM idempotency WHERE response = ''", vec![])
            .await?;
        tx.commit().await?;
        self.rebuild_index().await.map(drop)
    }

    /// What the engine itself says of its file.
    async fn check_file(&self, found: &mut Vec<Damage>) -> Result<(), Error> {
        if self.engine() == Engine::Postgres {
            return Ok(());
        }
        for row in self.query("PRAGMA foreign_key_check", vec![]).await? {
            found.push(Damage {
                what: format!("a row of {} names what is not there", row.text(0)?),
                remedy: RESTORE,
            });
            if found.len() == MAX_NAMED {
                break;
            }
        }
        Ok(())
    }

    async fn check_segments(&self, found: &mut Vec<Damage>) -> Result<(), Error> {
        let portions = match self.stored_portions(None).await {
            Ok(portions) => portions,
            Err(Error::IndexMoved | Error::Corrupt(_)) => {
                found.push(Damage {
                    what: "a segment of the search index has lost its head".into(),
                    remedy: REBUILD,
                });
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        for portion in &portions {
            let number = portion.segment.number;
            if !self.is_segment_whole(number).await? {
                found.push(Damage {
                    what: format!("segment {number} of the search index is not as it was written"),
                    remedy: REBUILD,
                });
            }
        }
        self.check_cover(&portions, found).await
    }

    /// Whether segments and pending rows describe each provider exactly once.
    async fn check_cover(
        &self,
        portions: &[Portion],
        found: &mut Vec<Damage>,
    ) -> Result<(), Error> {
        let mut described = RoaringBitmap::new();
        let mut twice = RoaringBitmap::new();
        for Portion { segment, dead, .. } in portions {
            let mut alive = RoaringBitmap::new();
            alive.insert_range(0..segment.len);
            alive -= &**dead;
            let ids = segment.ids_at(&alive);
            twice |= &described & &ids;
            described |= ids;
        }
        let pending = self.ids_of("index_pending").await?;
        let providers = self.ids_of("providers").await?;
        // What is pending is described by whoever searches, whatever segments say.
        twice -= &pending;
        described |= &pending;
        let mut tell = |ids: &RoaringBitmap, what: &str| {
            if !ids.is_empty() {
                found.push(Damage {
                    what: format!("{} providers {what}", ids.len()),
                    remedy: REBUILD,
                });
            }
        };
        tell(
            &(&providers - &described),
            "are in no segment of the search index, nor pending",
        );
        tell(
            &(&described - &providers),
            "are in the search index and nowhere else",
        );
        tell(&twice, "are in two segments of the search index");
        let state = self.index_state().await?;
        for (there, counted, what) in [
            (providers.len(), state.providers, "providers"),
            (pending.len(), state.pending, "pending providers"),
        ] {
            if u64::try_from(counted) != Ok(there) {
                found.push(Damage {
                    what: format!("{there} {what}, but {counted} were counted"),
                    remedy: REBUILD,
                });
            }
        }
        Ok(())
    }

    async fn ids_of(&self, table: &'static str) -> Result<RoaringBitmap, Error> {
        let sql = format!("SELECT id FROM {table} WHERE id > $1 ORDER BY id LIMIT {BATCH}");
        let mut ids = RoaringBitmap::new();
        let mut after = -1;
        loop {
            let rows = self
                .query(crate::Sql::kept(sql.clone()), params![after])
                .await?;
            let Some(last) = rows.last() else {
                return Ok(ids);
            };
            after = last.int(0)?;
            for row in &rows {
                ids.insert(read_id(row, 0)?);
            }
        }
    }

    async fn check_leads(&self, found: &mut Vec<Damage>) -> Result<(), Error> {
        let orphans = self
            .query(
                "SELECT l.npi FROM leads l WHERE NOT EXISTS
                 (SELECT 1 FROM providers p WHERE p.npi = l.npi) ORDER BY l.npi LIMIT $1",
                params![BATCH],
            )
            .await?;
        if orphans.is_empty() {
            return Ok(());
        }
        let named: Vec<String> = orphans
            .iter()
            .take(MAX_NAMED)
            .map(|row| row.int(0).map(|npi| npi.to_string()))
            .collect::<Result<_, _>>()?;
        found.push(Damage {
            what: format!(
                "{} leads have no provider: {}",
                orphans.len(),
                named.join(", ")
            ),
            remedy: RESTORE,
        });
        Ok(())
    }

    /// What a transaction or a load that was broken off may have left.
    async fn check_leftovers(&self, found: &mut Vec<Damage>) -> Result<(), Error> {
        let empty = self
            .first(
                "SELECT COUNT(*) FROM idempotency WHERE response = ''",
                vec![],
            )
            .await?
            .map_or(Ok(0), |row| row.count(0))?;
        if empty > 0 {
            found.push(Damage {
                what: format!("{empty} requests have a key and no answer"),
                remedy: FORGET,
            });
        }
        Ok(())
    }
}
