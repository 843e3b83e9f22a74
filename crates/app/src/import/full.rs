//! Full files: what they change is staged, looked at, and brought into use at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use canvass_model::Npi;
use canvass_nppes::files::{Member, Side};
use canvass_store::{DoubleOutcome, Missing, Prepared, Replacement};

use super::{Load, blocking, load::TWICE, read, report::ImportPhase};
use crate::Error;

/// Providers that are loaded together.
const TOGETHER: usize = 8_000;
/// Rows that are set aside together.
const ASIDE: usize = 5_000;
/// A full file that lacks more of the active providers is refused.
const MAX_MISSING_PERCENT: u64 = 5;
/// A full file of which more of the rows can't be read is refused.
const MAX_UNREAD_PERCENT: u64 = 1;
/// A single provider or row is no sign that a file is not whole, however few there are.
const MIN_LOSS: u64 = 2;

/// Where the rows of main files are, in the order in which they were added.
#[derive(Default)]
struct Rows {
    /// Each file, and the place of its first row among all.
    files: Vec<(Member, usize)>,
    /// The line and the NPI of each row, which fits: there are millions of them.
    all: Vec<(u32, u32)>,
}

impl Rows {
    fn begin(&mut self, file: &Member) {
        self.files.push((file.clone(), self.all.len()));
    }

    fn add(&mut self, line: u64, npi: Npi) {
        let narrow = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        let npi = u64::try_from(npi.as_i64()).unwrap_or(0);
        self.all.push((narrow(line), narrow(npi)));
    }

    /// The lines of rows that do not count, by file.
    fn lines_of(&self, doubles: &[DoubleOutcome]) -> BTreeMap<usize, BTreeSet<u64>> {
        let mut lines: BTreeMap<usize, BTreeSet<u64>> = BTreeMap::new();
        for double in doubles {
            let first_of = |npi: i64| {
                let mut all = self.all.iter();
                all.position(|(_, known)| i64::from(*known) == npi)
            };
            let at = double.set_aside.map_or_else(
                || first_of(double.npi.as_i64()),
                |at| usize::try_from(at).ok(),
            );
            let Some((at, (line, _))) = at.and_then(|at| Some((at, self.all.get(at)?))) else {
                continue;
            };
            let file = self.files.partition_point(|(_, first)| *first <= at);
            let lines = lines.entry(file.saturating_sub(1)).or_default();
            lines.insert(u64::from(*line));
        }
        lines
    }
}

impl Load<'_> {
    /// Brings what a full file changes into use.
    pub(super) async fn replace(&mut self, id: &str) -> Result<(), Error> {
        let mut new = self.staged(id).await?;
        self.progress
            .send_modify(|p| p.phase = ImportPhase::Publishing);
        new.unpublish_missing().await?;
        self.check()?;
        let summary = self.summary.clone();
        let done = new
            .publish(id, |done| {
                let mut summary = summary.clone();
                summary.replaced(done);
                summary.to_json()
            })
            .await?;
        self.summary.replaced(&done);
        Ok(())
    }

    /// Says what a full file would do.
    pub(super) async fn try_full(&mut self) -> Result<(), Error> {
        let new = self.staged("").await?;
        let missing = self.summary.unpublished;
        self.summary.replaced(new.done());
        self.summary.unpublished = missing;
        Ok(())
    }

    /// Reads a full file and stages what it changes; refuses one that would take too much away.
    async fn staged(&mut self, id: &str) -> Result<Replacement, Error> {
        let store = self.app.store().clone();
        let side = self.side(id).await?;
        let mut new = store
            .replace_providers(self.door(), self.options.dry_run, self.app.clock().now())
            .await?;
        let mut rows = Rows::default();
        for member in self.main() {
            self.stage(id, &member, &side, &mut new, &mut rows).await?;
        }
        let doubles = new.end_rows().await?;
        self.set_doubles_aside(id, &rows, &doubles).await?;
        let mut unused: Vec<_> = side.unused(|npi| new.has(npi)).collect();
        while !unused.is_empty() {
            let rest = unused.split_off(unused.len().min(ASIDE));
            self.set_aside(id, std::mem::replace(&mut unused, rest))
                .await?;
        }
        self.summary.sum_up();
        self.refuse_loss(&new).await?;
        Ok(new)
    }

    async fn stage(
        &mut self,
        id: &str,
        member: &Member,
        side: &Arc<Side>,
        new: &mut Replacement,
        rows: &mut Rows,
    ) -> Result<(), Error> {
        let before = self.progress.borrow().bytes;
        rows.begin(member);
        let mut made = read::providers(&self.catalog, member, side, |p| Prepared::new(&p))?;
        let mut together: Vec<Prepared> = Vec::with_capacity(TOGETHER + 1_000);
        loop {
            self.check()?;
            let batch = made.recv().await.transpose()?;
            let is_last = batch.is_none();
            if let Some(batch) = batch {
                let count = batch.rows.len() + batch.set_aside.len();
                self.read_on(before + batch.bytes, count);
                self.summary.add_rows(&member.name, count as u64);
                self.summary.add_left_out(batch.left_out);
                // What can't be read says nothing of its provider, not even that it is gone.
                let unread = batch.set_aside.iter().filter_map(|row| row.npi.as_deref());
                for npi in unread.filter_map(|npi| npi.trim().parse().ok()) {
                    new.keep(npi);
                }
                self.unread += batch.set_aside.len() as u64;
                self.set_aside(id, batch.set_aside).await?;
                for (line, prepared) in batch.rows {
                    rows.add(line, prepared.npi());
                    together.push(prepared);
                }
            }
            if together.len() >= TOGETHER || is_last {
                new.add(std::mem::take(&mut together)).await?;
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// Sets the rows aside that do not count of several with one NPI. They are few, and which they
    /// are shows at the end, so they are read once more.
    async fn set_doubles_aside(
        &mut self,
        id: &str,
        rows: &Rows,
        doubles: &[DoubleOutcome],
    ) -> Result<(), Error> {
        for (file, lines) in rows.lines_of(doubles) {
            let Some((member, _)) = rows.files.get(file) else {
                continue;
            };
            let (catalog, member) = (self.catalog.clone(), member.clone());
            let read = blocking(move || catalog.rows_at(&member, &lines, TWICE));
            self.set_aside(id, read.await??).await?;
        }
        Ok(())
    }

    /// Refuses a full file that can't be one: of which much can't be read, or without which many
    /// providers would be.
    async fn refuse_loss(&mut self, new: &Replacement) -> Result<(), Error> {
        let Missing { missing, active } = new.missing().await?;
        self.summary.unpublished = missing;
        let (unread, rows) = (self.unread, self.summary.rows);
        let many = |count: u64, of: u64, percent| count >= MIN_LOSS && count * 100 > of * percent;
        let too_much = if many(missing, active, MAX_MISSING_PERCENT) {
            format!(
                "{missing} of {active} active providers are not in this file, more than {MAX_MISSING_PERCENT} %"
            )
        } else if many(unread, rows, MAX_UNREAD_PERCENT) {
            format!("{unread} of {rows} rows can't be read, more than {MAX_UNREAD_PERCENT} %")
        } else {
            return Ok(());
        };
        self.summary.refusal = Some(too_much.clone());
        if self.options.force || self.options.dry_run {
            return Ok(());
        }
        Err(Error::Conflict(format!(
            "{too_much}; nothing was changed. Check that the file is whole; if it is, import it by force: tick the box at the file, or use --force"
        )))
    }
}
