//! What a load tells of the rows and the values that it could not use.

use std::collections::BTreeMap;

use canvass_model::Npi;
use canvass_nppes::files::{SetAside, Warning};
use serde::{Deserialize, Serialize};

use super::ImportSummary;

/// Most rows of a load that are kept with their text; further ones are counted.
const MAX_KEPT: u64 = 10_000;
/// Most reasons that are counted each by itself.
const MAX_REASONS: usize = 50;
/// How many examples are told of values that were left out for one reason.
const MAX_EXAMPLES: usize = 5;

/// Values of one column that were left out for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ValuesLeftOut {
    /// The file, within its archive.
    pub file: String,
    /// The column, without the number that those of taxonomies and identifiers have.
    pub column: String,
    /// What is wrong with them: `is no date`.
    pub reason: String,
    /// How many there are.
    pub count: u64,
    /// The first of them.
    pub examples: Vec<ValueLeftOut>,
}

/// A value that was left out because it could not be understood.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ValueLeftOut {
    /// Its line in the file, from 1.
    pub line: u64,
    /// Whose it is.
    pub npi: Npi,
    /// Which value, and what is wrong with it.
    pub problem: String,
}

/// Values that were left out of some rows, counted by column and reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LeftOut(Vec<ValuesLeftOut>);

impl LeftOut {
    pub(super) fn note(&mut self, warning: Warning) {
        let column = without_number(&warning.column);
        let one = ValueLeftOut {
            line: warning.line,
            npi: warning.npi,
            problem: warning.problem,
        };
        add(
            &mut self.0,
            ValuesLeftOut {
                file: warning.file,
                column: column.to_owned(),
                reason: warning.reason,
                count: 1,
                examples: vec![one],
            },
        );
    }
}

fn add(all: &mut Vec<ValuesLeftOut>, some: ValuesLeftOut) {
    let same = |of: &&mut ValuesLeftOut| {
        (&of.column, &of.reason, &of.file) == (&some.column, &some.reason, &some.file)
    };
    let Some(same) = all.iter_mut().find(same) else {
        all.push(some);
        return;
    };
    same.count += some.count;
    same.examples.extend(some.examples);
    if same.examples.len() > MAX_EXAMPLES {
        // Rows come from several threads, in no order.
        same.examples.sort_unstable();
        same.examples.truncate(MAX_EXAMPLES);
    }
}

/// A column that stands once in the table for all of its kind.
fn without_number(column: &str) -> &str {
    match column.rsplit_once('_') {
        Some((name, number)) if number.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => column,
    }
}

impl ImportSummary {
    /// Counts rows that were set aside, and gives those of which there is still room for the text.
    pub(super) fn keep_aside(&mut self, mut rows: Vec<SetAside>) -> Vec<SetAside> {
        self.add_aside(&rows);
        let room = MAX_KEPT.saturating_sub(self.set_aside_kept);
        rows.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        self.set_aside_kept += rows.len() as u64;
        rows
    }

    /// Counts rows that were set aside, by file and by reason.
    pub(super) fn add_aside(&mut self, rows: &[SetAside]) {
        self.set_aside += rows.len() as u64;
        for row in rows {
            if let Some(report) = self.files.iter_mut().find(|f| f.file == row.file) {
                report.set_aside += 1;
            }
            count_reason(&mut self.set_aside_reasons, &row.reason);
        }
    }

    /// Counts values that were left out of the rows of a batch.
    pub(super) fn add_left_out(&mut self, some: LeftOut) {
        for some in some.0 {
            self.values_left_out += some.count;
            add(&mut self.left_out, some);
        }
    }

    /// Whether something of the files is missing in the database.
    pub fn is_incomplete(&self) -> bool {
        self.already_imported.is_none() && self.set_aside > 0
    }
}

fn count_reason(reasons: &mut BTreeMap<String, u64>, reason: &str) {
    let mut kind = in_general(reason);
    if reasons.len() >= MAX_REASONS && !reasons.contains_key(&kind) {
        "other reasons".clone_into(&mut kind);
    }
    *reasons.entry(kind).or_default() += 1;
}

/// A reason without what is of one row alone: what stands in quotes, and numbers.
fn in_general(reason: &str) -> String {
    let mut general = String::with_capacity(reason.len());
    let mut rest = reason.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => {
                general.push('…');
                let mut escaped = false;
                for c in rest.by_ref() {
                    match c {
                        '"' if !escaped => break,
                        _ => escaped = c == '\\' && !escaped,
                    }
                }
            }
            // The digit of a name, such as UTF-8, is none of a row.
            '0'..='9' if general.ends_with('-') => general.push(c),
            '0'..='9' => {
                while rest.next_if(char::is_ascii_digit).is_some() {}
                general.push('…');
            }
            _ => general.push(c),
        }
    }
    general
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aside(line: u64, reason: &str) -> SetAside {
        SetAside {
            file: "a.csv".into(),
            line,
            npi: None,
            reason: reason.into(),
            row: String::new(),
        }
    }

    fn warning(line: u64, column: &str) -> Warning {
        Warning {
            file: "a.csv".into(),
            line,
            npi: "1234567893".parse().unwrap(),
            column: column.into(),
            reason: "is no date".into(),
            problem: format!("{column}: \"x\" is no date"),
        }
    }

    #[test]
    fn rows_set_aside_beyond_a_bound_are_only_counted() {
        let mut summary = ImportSummary::default();
        let mut kept = 0;
        for group in 0..30 {
            let rows = (0..700).map(|line| {
                let reason = format!("the row has {line} fields and the header 330");
                aside(group * 700 + line, &reason)
            });
            kept += summary.keep_aside(rows.collect()).len() as u64;
        }
        assert_eq!((kept, summary.set_aside_kept), (MAX_KEPT, MAX_KEPT));
        assert_eq!(summary.set_aside, 21_000);
        let reasons: Vec<_> = summary.set_aside_reasons.iter().collect();
        let only = "the row has … fields and the header …".to_owned();
        assert_eq!(reasons, [(&only, &21_000)]);
        assert!(summary.is_incomplete());
    }

    #[test]
    fn there_are_no_more_reasons_than_are_read() {
        let mut summary = ImportSummary::default();
        let letters = |n: u32| ('a'..='z').nth(n as usize % 26).unwrap();
        for n in 0..500 {
            let reason = format!(
                "{}{} is \"no \\\" row\" of {n}",
                letters(n),
                letters(n / 26)
            );
            summary.add_aside(&[aside(1, &reason)]);
        }
        assert_eq!(summary.set_aside_reasons.len(), MAX_REASONS + 1);
        assert_eq!(summary.set_aside_reasons.values().sum::<u64>(), 500);
        assert!(summary.set_aside_reasons.contains_key("aa is … of …"));
    }

    #[test]
    fn values_left_out_are_counted_by_column_with_the_first_of_them() {
        let mut summary = ImportSummary::default();
        for lines in [200..300, 0..100] {
            let mut left_out = LeftOut::default();
            for line in lines {
                left_out.note(warning(line, "Last Update Date"));
                left_out.note(warning(line, "Provider License Number_7"));
                left_out.note(warning(line, "Provider License Number_8"));
            }
            summary.add_left_out(left_out);
        }
        assert_eq!(summary.values_left_out, 600);
        let told: Vec<_> = summary
            .left_out
            .iter()
            .map(|of| (of.column.as_str(), of.count, of.examples.len()))
            .collect();
        assert_eq!(
            told,
            [
                ("Last Update Date", 200, MAX_EXAMPLES),
                ("Provider License Number", 400, MAX_EXAMPLES)
            ]
        );
        let lines: Vec<_> = summary.left_out[0]
            .examples
            .iter()
            .map(|e| e.line)
            .collect();
        assert_eq!(lines, [0, 1, 2, 3, 4]);
        assert!(!summary.is_incomplete());
    }
}
