//! Leads from a file: the way back of an export, and lists as people keep them.
//!
//! A file is decoded (`decode`), parted into rows (`records`, `workbook`, behind `table`), its columns
//! are found by their names (`header`), and each row is read (`cells`, `times`).

mod cells;
mod decode;
mod header;
mod records;
mod table;
mod times;
mod workbook;

use std::{
    collections::{BTreeSet, HashMap},
    io::Read,
};

use canvass_model::Role;
use canvass_store::{ImportOutcome, LeadRow};
use serde::Serialize;

use crate::{Actor, App, Error};
use cells::Reading;
use table::{Found, Table};

/// Rows that one transaction writes.
const BATCH: usize = 1_000;
/// Rejected rows that are listed; all are counted.
const MOST_LISTED: usize = 1_000;

/// A row that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejection {
    /// Line of the file, or row of the sheet, where it begins.
    pub line: u64,
    /// What it gave as NPI.
    pub npi: String,
    /// Why.
    pub reason: String,
}

/// The answer to an import: `rows = created + updated + unchanged + rejected`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// Rows read; the line of names, what stands above it and rows without content aside.
    pub rows: u64,
    /// New leads.
    pub created: u64,
    /// Leads that were there and have changed.
    pub updated: u64,
    /// Leads that were there and are as the file says.
    pub unchanged: u64,
    /// Rows not taken.
    pub rejected: u64,
    /// The first 1,000 of them.
    pub rejections: Vec<Rejection>,
    /// Rows of which the status was passed over, because the lead is marked `do_not_call`. They
    /// are among the updated and unchanged.
    pub suppressed: u64,
    /// Owners that are no users who may sign in; the rows that name them are among the rejected.
    pub unknown_owners: BTreeSet<String>,
}

impl App {
    /// Reads leads from a file: delimited text in any usual encoding, or a spreadsheet (XLSX). One of
    /// its first lines names the columns, in any order: `npi`, and as many of `status`, `notes`,
    /// `owner` (a name), `last_contact_at`, `last_contact_method` and `created_at` as there are, by
    /// these or other usual names; other columns are passed over.
    ///
    /// A column that is there is taken as it is: an empty cell clears, but for `status` and
    /// `created_at`, where it says nothing. Cells that are left away at the end of a row say nothing.
    /// Times without a zone are UTC. A lead marked `do_not_call` keeps its status. With `dry_run`
    /// nothing is kept.
    ///
    /// # Errors
    /// When the actor is no manager or the file can't be read. What was read before a row that
    /// can't be read is kept; importing again is harmless.
    pub async fn import_leads(
        &self,
        actor: &Actor,
        file: impl Read + Send,
        dry_run: bool,
    ) -> Result<ImportReport, Error> {
        self.import_leads_in(actor, file, None, dry_run).await
    }

    /// Does the same with a text of which somebody has said the character set.
    ///
    /// # Errors
    /// As [`App::import_leads`]; also when the character set is not known.
    pub async fn import_leads_in(
        &self,
        actor: &Actor,
        file: impl Read + Send,
        charset: Option<&str>,
        dry_run: bool,
    ) -> Result<ImportReport, Error> {
        actor.require(Role::Manager)?;
        let mut users = HashMap::new();
        for user in self.store().users().await? {
            if !user.disabled {
                users.insert(canvass_store::name_key(&user.name), user.id);
            }
        }
        let (mut table, columns) = Table::open(file, charset)?;
        let mut reading = Reading::new(columns, table.is_text(), users, self.clock().now());
        let mut report = ImportReport::default();
        let mut batch: Vec<Placed> = Vec::with_capacity(BATCH);
        let mut row = Vec::new();
        loop {
            match table.next(&mut row) {
                Ok(Found::End) => break,
                Ok(Found::Row(_)) if cells::is_blank(&row) => {}
                Ok(Found::Row(line)) => {
                    report.rows += 1;
                    match reading.row(&row) {
                        Ok(row) => batch.push(Placed { line, row }),
                        Err((npi, reason)) => report.reject(line, npi, reason),
                    }
                }
                Ok(Found::Unclosed(line)) => {
                    report.rows += 1;
                    let npi = reading.shown_npi(&row);
                    let reason = "the file ends inside a quote that begins on this line: neither \
                                  this row nor what follows was read";
                    report.reject(line, npi, reason.to_owned());
                }
                Err(error) => {
                    self.import_batch(actor, &mut batch, dry_run, &mut report)
                        .await?;
                    return Err(error);
                }
            }
            if batch.len() == BATCH {
                self.import_batch(actor, &mut batch, dry_run, &mut report)
                    .await?;
            }
        }
        self.import_batch(actor, &mut batch, dry_run, &mut report)
            .await?;
        report.unknown_owners = reading.unknown_owners;
        tracing::info!(by = %actor.name, rows = report.rows, created = report.created, dry_run, "imported leads");
        Ok(report)
    }

    async fn import_batch(
        &self,
        actor: &Actor,
        batch: &mut Vec<Placed>,
        dry_run: bool,
        report: &mut ImportReport,
    ) -> Result<(), Error> {
        let (lines, rows): (Vec<u64>, Vec<LeadRow>) =
            batch.drain(..).map(|p| (p.line, p.row)).unzip();
        let now = self.clock().now();
        let store = self.store();
        let mut attempts = 0;
        let outcomes = loop {
            match store.import_leads(&rows, actor.id(), dry_run, now).await {
                Err(canvass_store::Error::Conflict) if attempts < 5 => attempts += 1,
                other => break other?,
            }
        };
        for ((outcome, suppressed), (line, row)) in outcomes.iter().zip(lines.iter().zip(&rows)) {
            report.suppressed += u64::from(*suppressed);
            match outcome {
                ImportOutcome::Created => report.created += 1,
                ImportOutcome::Updated => report.updated += 1,
                ImportOutcome::Unchanged => report.unchanged += 1,
                ImportOutcome::NoSuchProvider => report.reject(
                    *line,
                    row.npi.to_string(),
                    "no provider with this NPI is known here; pull or import it first".to_owned(),
                ),
            }
        }
        Ok(())
    }
}

impl ImportReport {
    fn reject(&mut self, line: u64, npi: String, reason: String) {
        self.rejected += 1;
        if self.rejections.len() < MOST_LISTED {
            self.rejections.push(Rejection { line, npi, reason });
        }
    }
}

/// A row with its line.
struct Placed {
    line: u64,
    row: LeadRow,
}
