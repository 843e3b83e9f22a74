//! Turns files into providers: one thread unpacks and finds the rows, others make sense of them.

use std::{
    any::Any,
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, sync_channel},
    },
    thread,
};

use canvass_model::Provider;
use canvass_nppes::files::{Catalog, FileError, Member, RowBatch, SetAside, Side};
use tokio::sync::mpsc;

use super::unused::LeftOut;

/// Threads that make providers of rows.
const WORKERS: usize = 2;
/// Batches that wait between threads.
const WAITING: usize = 4;

/// What became of a batch of rows.
pub(super) struct Batch<T> {
    /// What was made of each row that was understood, with its line.
    pub(super) rows: Vec<(u64, T)>,
    pub(super) set_aside: Vec<SetAside>,
    /// Values that were left out because they could not be understood.
    pub(super) left_out: LeftOut,
    /// Uncompressed bytes of the file up to here.
    pub(super) bytes: u64,
    /// The rows as they stand in the file, for the text of those that turn out not to count.
    pub(super) raw: RowBatch,
}

/// The batches of a file as they come from several threads, given in the order of the file: what a
/// load does must not depend on which thread was quicker.
pub(super) struct Batches<T> {
    made: mpsc::Receiver<Result<(u64, Batch<T>), FileError>>,
    next: u64,
    early: BTreeMap<u64, Batch<T>>,
}

impl<T> Batches<T> {
    /// The next batch; none at the end. An error is the last that comes.
    pub(super) async fn recv(&mut self) -> Option<Result<Batch<T>, FileError>> {
        loop {
            if let Some(batch) = self.early.remove(&self.next) {
                self.next += 1;
                return Some(Ok(batch));
            }
            match self.made.recv().await? {
                Ok((number, batch)) => {
                    self.early.insert(number, batch);
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// Reads a main file; `make` is done with each provider on one of several threads.
pub(super) fn providers<T: Send + 'static>(
    catalog: &Catalog,
    member: &Member,
    side: &Arc<Side>,
    make: fn(Provider) -> T,
) -> Result<Batches<T>, FileError> {
    let mut reader = catalog.rows(member)?;
    let (raw, rows) = sync_channel::<Numbered>(WAITING);
    let (done, made) = mpsc::channel(WAITING);
    let file: Arc<str> = member.shown().into();
    let (failed, shown) = (done.clone(), file.clone());
    thread::spawn(move || {
        let mut line = 1;
        for number in 0.. {
            let next = whole(&shown, line, || {
                let batch = reader.next_batch()?;
                Ok(batch.map(|batch| (number, batch, reader.bytes_read())))
            });
            match next {
                Ok(Some(batch)) => {
                    line = batch.1.first_line();
                    if raw.send(batch).is_err() {
                        return;
                    }
                }
                Ok(None) => return,
                Err(error) => {
                    // Whoever reads may have gone away.
                    let _ = failed.blocking_send(Err(error));
                    return;
                }
            }
        }
    });
    let rows = Arc::new(Mutex::new(rows));
    for _ in 0..WORKERS {
        let (rows, done, side, file) = (rows.clone(), done.clone(), side.clone(), file.clone());
        thread::spawn(move || {
            while let Some((number, batch, bytes)) = next(&rows) {
                let line = batch.first_line();
                let parsed = whole(&file, line, || {
                    Ok((number, parse(batch, bytes, &side, make)))
                });
                let failed = parsed.is_err();
                if done.blocking_send(parsed).is_err() || failed {
                    return;
                }
            }
        });
    }
    Ok(Batches {
        made,
        next: 0,
        early: BTreeMap::new(),
    })
}

/// Rows with their place among the batches, and how many bytes were read when they were.
type Numbered = (u64, RowBatch, u64);

/// Does a piece of work on a thread of its own kind. A panic in it is an error: otherwise the rest
/// of the file would be missing without a word.
fn whole<T>(
    file: &str,
    line: u64,
    work: impl FnOnce() -> Result<T, FileError>,
) -> Result<T, FileError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        Err(FileError::Broken {
            file: file.to_owned(),
            line,
            problem: what(panic.as_ref()).to_owned(),
        })
    })
}

/// What a panic said.
fn what(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a text")
}

fn next(rows: &Mutex<Receiver<Numbered>>) -> Option<Numbered> {
    rows.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .recv()
        .ok()
}

fn parse<T>(raw: RowBatch, bytes: u64, side: &Side, make: fn(Provider) -> T) -> Batch<T> {
    let mut left_out = LeftOut::default();
    let parsed = raw.parse_noting(side, &mut |warning| left_out.note(warning));
    let mut rows = Vec::with_capacity(raw.len());
    let mut set_aside = Vec::new();
    for (line, parsed) in raw.lines().zip(parsed) {
        match parsed {
            Ok(provider) => rows.push((line, make(provider))),
            Err(aside) => set_aside.push(aside),
        }
    }
    Batch {
        rows,
        set_aside,
        left_out,
        bytes,
        raw,
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use canvass_model::Catalogue;
    use canvass_nppes::sample::files::{FullSettings, write_full};

    use super::*;

    async fn read<T: Send + 'static>(make: fn(Provider) -> T) -> Vec<Result<Batch<T>, FileError>> {
        let folder = tempfile::tempdir().unwrap();
        let settings = FullSettings {
            rows: 6_000,
            seed: 1,
        };
        let go_on = &mut |_| ControlFlow::Continue(());
        let made = write_full(&Catalogue::default(), settings, folder.path(), go_on);
        drop(made.unwrap());
        let files = std::fs::read_dir(folder.path()).unwrap();
        let files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        let full = files.into_iter().filter(|path| {
            let name = path.to_string_lossy();
            name.contains("Dissemination")
        });
        let catalog = Catalog::open(&full.collect::<Vec<_>>()).unwrap();
        let member = catalog.main().next().unwrap().clone();
        let mut made = providers(&catalog, &member, &Arc::default(), make).unwrap();
        let mut all = Vec::new();
        while let Some(batch) = made.recv().await {
            all.push(batch);
        }
        all
    }

    #[tokio::test]
    async fn each_row_has_its_line_and_its_text() {
        let mut lines = Vec::new();
        for batch in read(|p| p.npi).await {
            let batch = batch.unwrap();
            assert_eq!(batch.left_out, LeftOut::default());
            for (line, npi) in batch.rows {
                let aside = batch.raw.aside(line, "twice").unwrap();
                assert_eq!(aside.npi, Some(npi.to_string()));
                assert!(aside.row.starts_with(&format!("\"{npi}\"")));
                lines.push(line);
            }
        }
        assert_eq!(lines, (2..6_002).collect::<Vec<u64>>());
    }

    #[tokio::test]
    async fn a_panic_of_whoever_makes_providers_is_an_error() {
        let read = read(|p| assert!(p.npi.as_i64() % 1_000 != 7, "a fault")).await;
        let failed = read.iter().find_map(|batch| batch.as_ref().err());
        let Some(FileError::Broken { line, problem, .. }) = failed else {
            panic!("{failed:?}");
        };
        assert!(*line >= 1 && problem.contains("a fault"), "{problem}");
    }
}
