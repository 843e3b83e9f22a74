//! What is shown of a load.

use canvass_store::{ImportRun, ImportState};
use jiff::{Timestamp, civil::Date};
use serde::{Serialize, Serializer};

use super::{ImportPhase, ImportProgress, ImportSummary};

/// One load of files: what they are, how far it is, what it did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImportView {
    /// Identifier.
    pub id: String,
    /// What the files are, in words; until that is known, what they are called.
    pub what: String,
    /// Where they came from: a name or an address. Absent where the command line has loaded them.
    pub source: Option<String>,
    /// Whether they are the whole registry.
    pub full: bool,
    /// The last day they know of.
    pub known_until: Option<Date>,
    /// Where it stands.
    #[serde(serialize_with = "as_word")]
    pub state: ImportState,
    /// Why it failed.
    pub reason: Option<String>,
    /// How far it is, while it goes on.
    pub progress: Option<ImportOutlook>,
    /// What it did, when it is done.
    pub report: Option<ImportSummary>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// From then until its end, or until now.
    pub seconds: f64,
}

/// How far a load is.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ImportOutlook {
    /// What it is at.
    pub phase: ImportPhase,
    /// Bytes that have come, or were read.
    pub bytes: u64,
    /// Of so many; 0 where that is not known.
    pub of_bytes: u64,
    /// Rows of the main file that were read.
    pub rows: u64,
    /// Rows that were set aside.
    pub set_aside: u64,
    /// How much of what it is at is done, in percent; less than 100 while it goes on.
    pub percent: u8,
    /// Bytes in a second.
    pub bytes_per_second: Option<u64>,
    /// Rows in a second.
    pub rows_per_second: Option<u64>,
    /// Seconds until it has come, or was read.
    pub seconds_left: Option<f64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn as_word<S: Serializer>(state: &ImportState, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(state.as_str())
}

impl ImportView {
    pub(super) fn new(run: &ImportRun, now: Timestamp) -> Self {
        let mut progress: ImportProgress = serde_json::from_str(&run.report).unwrap_or_default();
        let before = matches!(progress.phase, ImportPhase::Fetching | ImportPhase::Waiting);
        if run.state == ImportState::Running && before {
            // It has begun since its progress was told.
            progress = ImportProgress {
                source: progress.source,
                ..ImportProgress::default()
            };
        }
        let done = run.state == ImportState::Done;
        let mut report: Option<ImportSummary> = done
            .then(|| serde_json::from_str(&run.report).ok())
            .flatten();
        let until = run.finished_at.unwrap_or(now);
        let seconds = until.duration_since(run.created_at).as_secs_f64().max(0.0);
        if let Some(report) = report.as_mut().filter(|r| r.seconds <= 0.0) {
            report.seconds = seconds;
        }
        Self {
            id: run.id.clone(),
            what: run.what.clone(),
            source: progress.source.clone(),
            full: run.full,
            known_until: run.known_until,
            state: run.state,
            reason: run.reason.clone(),
            progress: (!run.state.is_over()).then(|| ImportOutlook::new(&progress)),
            report,
            created_at: run.created_at,
            finished_at: run.finished_at,
            seconds,
        }
    }
}

impl ImportOutlook {
    fn new(p: &ImportProgress) -> Self {
        let seconds = std::time::Duration::from_millis(p.phase_ms).as_secs_f64();
        let moves = matches!(p.phase, ImportPhase::Fetching | ImportPhase::Reading);
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "rates and times for people; a float cast saturates"
        )]
        let (of_a_second, left, percent) = {
            let of_a_second =
                |n: u64| (moves && seconds >= 1.0 && n > 0).then(|| (n as f64 / seconds) as u64);
            let left = p.of_bytes.saturating_sub(p.bytes) as f64 * seconds / p.bytes.max(1) as f64;
            let share = match p.of_bytes {
                0 => 0.0,
                of => p.bytes as f64 / of as f64,
            };
            (of_a_second, left, (share * 100.0).clamp(0.0, 99.0) as u8)
        };
        let told = of_a_second(p.bytes).is_some() && p.of_bytes > 0;
        Self {
            phase: p.phase,
            bytes: p.bytes,
            of_bytes: p.of_bytes,
            rows: p.rows,
            set_aside: p.set_aside,
            percent,
            bytes_per_second: of_a_second(p.bytes),
            rows_per_second: of_a_second(p.rows),
            seconds_left: told.then_some(left),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_and_a_time_are_told_once_they_mean_something() {
        let outlook = |phase, bytes, of_bytes, phase_ms| {
            ImportOutlook::new(&ImportProgress {
                phase,
                bytes,
                of_bytes,
                phase_ms,
                rows: bytes / 10,
                ..ImportProgress::default()
            })
        };
        let reading = outlook(ImportPhase::Reading, 1_000, 4_000, 2_000);
        assert_eq!(reading.percent, 25);
        assert_eq!(reading.bytes_per_second, Some(500));
        assert_eq!(reading.rows_per_second, Some(50));
        assert_eq!(reading.seconds_left, Some(6.0));
        let soon = outlook(ImportPhase::Reading, 1_000, 4_000, 999);
        assert_eq!((soon.bytes_per_second, soon.seconds_left), (None, None));
        let unknown = outlook(ImportPhase::Fetching, 1_000, 0, 2_000);
        assert_eq!(unknown.bytes_per_second, Some(500));
        assert_eq!((unknown.seconds_left, unknown.percent), (None, 0));
        let publishing = outlook(ImportPhase::Publishing, 4_000, 4_000, 9_000);
        assert_eq!((publishing.seconds_left, publishing.percent), (None, 99));
        assert_eq!(outlook(ImportPhase::Opening, 0, 0, 0).percent, 0);
    }
}
