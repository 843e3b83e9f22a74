//! Bringing what a full file changes into use, at once.

use std::{sync::Arc, time::Duration};

use canvass_model::{ChangeKind, Provider};
use roaring::RoaringBitmap;

use super::{GROUP, NEXT, NEXT_CHANGES, OLD, Replaced, Replacement, stage::set_replacing};
use crate::{
    Error,
    backend::{Durability, Engine, Tx},
    import::load::COLUMNS,
    index::{self, BuiltBy, Portion, Segment, read_id, read_provider},
    lock::LockName,
    providers::{self, ChangeCounts, WRITERS, Written},
    value::params,
};

/// For how long the exclusive lock on the providers is waited for. Whoever searches meanwhile waits
/// behind it.
const LOCK_TIMEOUT: &str = "400ms";
/// How long after that it is tried again,
const LOCK_PAUSE: Duration = Duration::from_secs(1);
/// and how often.
const LOCK_TRIES: u32 = 900;

/// How what is staged comes into use.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Its rows are written over those in use.
    Merge,
    /// The staged table, which has all rows, takes the place of the one in use.
    Swap,
}

/// A segment of staged providers, all of it stored but its being in use.
struct Part {
    segment: Arc<Segment>,
    /// Ids that it describes and that must not be found in it.
    dead: RoaringBitmap,
}

/// What was staged and was written by others meanwhile.
#[derive(Default)]
struct Late {
    ids: RoaringBitmap,
    /// Of these, the records that the file has.
    providers: Vec<Provider>,
    /// Their changes that were staged.
    changes: ChangeCounts,
}

impl Replacement {
    /// Brings what was staged into use, and ends the import, whose last report `report` writes: all
    /// of it at once.
    ///
    /// What was written meanwhile is compared once more: the later update counts, and what a sync
    /// has just seen is not unpublished.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when somebody has stopped the import, [`Error::Busy`] when somebody
    /// keeps a lock on the providers, or when the database fails; then those in use stay as they
    /// are.
    pub async fn publish(
        mut self,
        import: &str,
        report: impl Fn(&Replaced) -> String + Send + Sync,
    ) -> Result<Replaced, Error> {
        let parts = self.parts().await?;
        let known = self.known.all.len() as u64;
        let way = if self.created.len() > known {
            self.copy_the_rest().await?;
            Way::Swap
        } else {
            Way::Merge
        };
        let lock = self.store.lock(LockName::Index).await?;
        let mut tries = 0;
        let done = loop {
            match self.publish_once(way, &parts, import, &report).await {
                Ok(done) => break done,
                Err(error @ (Error::Busy | Error::IndexMoved | Error::Conflict)) => {
                    tries += 1;
                    if tries == LOCK_TRIES {
                        return Err(error);
                    }
                    tokio::time::sleep(LOCK_PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        };
        drop(lock);
        // It is done, whether what it needs no longer goes away now or with the next one.
        if let Err(error) = self.store.clear_replacements().await {
            tracing::warn!(%error, "what an import has left could not be cleared away");
        }
        self.store.settle_soon();
        Ok(done)
    }

    /// The segments of what is staged: of new providers, made while the file was read, and of
    /// others.
    async fn parts(&mut self) -> Result<Vec<Part>, Error> {
        let mut parts = Vec::new();
        let builder = std::mem::replace(&mut self.builder, index::Builder::new());
        if builder.len() > 0 {
            // Those whose row was replaced by a later one are described below.
            let dead = &self.created & &self.changed;
            parts.push(self.part(self.segment, builder, dead).await?);
        }
        if !self.changed.is_empty() {
            let number = self.store.begin_segment(BuiltBy::Load).await?;
            let ids = self.changed.clone();
            let builder = self.store.fill_from(number, NEXT, ids).await?;
            parts.push(self.part(number, builder, RoaringBitmap::new()).await?);
        }
        Ok(parts)
    }

    async fn part(
        &self,
        number: i64,
        builder: index::Builder,
        dead: RoaringBitmap,
    ) -> Result<Part, Error> {
        let rest = self.store.finish_segment(number, builder).await?;
        self.store.write_blobs(number, rest, 0).await?;
        let segment = Arc::new(Segment::stored(&self.store, number).await?);
        Ok(Part { segment, dead })
    }

    /// Stages the known providers that stay as they are, with the ids that they have.
    async fn copy_the_rest(&self) -> Result<(), Error> {
        let mut after = -1;
        loop {
            let last = self
                .store
                .first(
                    "SELECT MAX(id) FROM (SELECT id FROM providers WHERE id > $1 ORDER BY id LIMIT $2)
                     AS group_of_ids",
                    params![after, i64::try_from(GROUP).unwrap_or(i64::MAX)],
                )
                .await?;
            let Some(last) = last.map(|row| row.int_opt(0)).transpose()?.flatten() else {
                return Ok(());
            };
            let mut tx = self.store.begin(Durability::Relaxed).await?;
            let sql = format!(
                "INSERT INTO {NEXT} ({COLUMNS}) SELECT {COLUMNS} FROM providers p
                 WHERE p.id > $1 AND p.id <= $2
                 AND NOT EXISTS (SELECT 1 FROM {NEXT} n WHERE n.npi = p.npi)"
            );
            tx.execute(crate::Sql::kept(sql), params![after, last])
                .await?;
            tx.commit().await?;
            after = last;
        }
    }

    async fn publish_once(
        &self,
        way: Way,
        parts: &[Part],
        import: &str,
        report: &(impl Fn(&Replaced) -> String + Send + Sync),
    ) -> Result<Replaced, Error> {
        let state = self.store.index_state().await?;
        let in_use = self.store.stored_portions(None).await?;
        let mut tx = self.store.begin(Durability::Full).await?;
        if tx.engine() == Engine::Postgres {
            tx.query("SELECT pg_advisory_xact_lock($1)", params![WRITERS])
                .await?;
        }
        index::hold_manifest(&mut tx, state.manifest).await?;
        let late = self.take_late(&mut tx, way).await?;
        let changed = &self.changed - &late.ids;
        for Portion { segment, dead, .. } in &in_use {
            let more = segment.positions(&changed);
            if !more.is_subset(dead) {
                index::set_dead(&mut tx, segment.number, &(&**dead | &more)).await?;
            }
        }
        for Part { segment, dead } in parts {
            let dead = segment.positions(&(dead | &late.ids));
            self.store
                .put_in_use(&mut tx, segment.number, segment.len, &dead)
                .await?;
        }
        let created = &self.created - &late.ids;
        let count = usize::try_from(created.len()).unwrap_or(usize::MAX);
        index::count_added(&mut tx, count).await?;
        set_replacing(&mut tx, false).await?;
        tx.script(format!(
            "INSERT INTO changes SELECT * FROM {NEXT_CHANGES} WHERE 1 = 1
             ON CONFLICT (npi, at, field) DO NOTHING;
             DELETE FROM written_meanwhile"
        ))
        .await?;
        match way {
            Way::Merge => {
                tx.script(format!(
                    "INSERT INTO providers ({COLUMNS}) SELECT {COLUMNS} FROM {NEXT} WHERE 1 = 1
                     ON CONFLICT (id) DO UPDATE SET hash = excluded.hash,
                     record = excluded.record, changed_at = excluded.changed_at"
                ))
                .await?;
            }
            Way::Swap => swap(&mut tx).await?,
        }
        let written = providers::write(&mut tx, &late.providers, &self.door, self.now).await?;
        let done = self.done_but_for(&late, written);
        crate::import::runs::end(&mut tx, import, &report(&done), self.now).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// What the file did, with what became of those that others have written meanwhile.
    fn done_but_for(&self, late: &Late, written: Written) -> Replaced {
        let among = |ids: &RoaringBitmap| ids.intersection_len(&late.ids);
        let unpublished = among(&self.unpublished);
        let updated = among(&self.changed).saturating_sub(unpublished);
        let done = &self.done;
        let mut changes = done.changes.clone();
        changes.take_off(&late.changes);
        let summary = written.summary();
        changes.append(written.changes);
        Replaced {
            created: done.created.saturating_sub(among(&self.created)) + summary.created,
            updated: done.updated.saturating_sub(updated) + summary.updated,
            unchanged: done.unchanged + summary.unchanged,
            unpublished: done.unpublished.saturating_sub(unpublished),
            changes,
        }
    }

    /// Takes out of what is staged what others have written meanwhile; what the file says of it is
    /// written like any other record. In a swap their rows come along.
    async fn take_late(&self, tx: &mut Tx, way: Way) -> Result<Late, Error> {
        let rows = tx
            .query(
                format!(
                    "SELECT n.id, n.npi, n.record FROM written_meanwhile w
                     JOIN {NEXT} n ON n.npi = w.npi ORDER BY n.npi"
                ),
                vec![],
            )
            .await?;
        let mut late = Late::default();
        for row in &rows {
            let id = read_id(row, 0)?;
            let is_staged = self.created.contains(id) || self.changed.contains(id);
            if is_staged {
                late.ids.insert(id);
            }
            // What was just seen is published.
            if is_staged && !self.unpublished.contains(id) {
                late.providers.push(read_provider(row, 1)?);
            }
        }
        let staged = tx
            .query(
                format!(
                    "SELECT npi, kind, field FROM {NEXT_CHANGES}
                     WHERE npi IN (SELECT npi FROM written_meanwhile) ORDER BY npi"
                ),
                vec![],
            )
            .await?;
        let mut changes = Vec::with_capacity(staged.len());
        for row in &staged {
            changes.push((row.npi(0)?, row.word(1, ChangeKind::parse)?, row.text(2)?));
        }
        for of_one in changes.chunk_by(|a, b| a.0 == b.0) {
            late.changes.note(
                of_one
                    .iter()
                    .map(|(_, kind, field)| (*kind, field.as_str())),
            );
        }
        tx.script(format!(
            "DELETE FROM {NEXT} WHERE npi IN (SELECT npi FROM written_meanwhile);
             DELETE FROM {NEXT_CHANGES} WHERE npi IN (SELECT npi FROM written_meanwhile)"
        ))
        .await?;
        if way == Way::Swap {
            tx.script(format!(
                "INSERT INTO {NEXT} ({COLUMNS}) SELECT {COLUMNS} FROM providers
                 WHERE npi IN (SELECT npi FROM written_meanwhile)"
            ))
            .await?;
        }
        Ok(late)
    }
}

/// Puts the staged table in the place of the one in use. Only this needs a lock that readers wait
/// for, so it comes last, and is not waited for long.
async fn swap(tx: &mut Tx) -> Result<(), Error> {
    if tx.engine() == Engine::Postgres {
        let lock = format!(
            "SET LOCAL lock_timeout = '{LOCK_TIMEOUT}';
             LOCK TABLE providers IN ACCESS EXCLUSIVE MODE;
             SET LOCAL lock_timeout TO DEFAULT"
        );
        tx.script(lock).await?;
    }
    tx.script(format!(
        "ALTER TABLE providers RENAME TO {OLD};
         ALTER TABLE {NEXT} RENAME TO providers"
    ))
    .await
}
