//! Turns files into providers: one thread unpacks and finds the rows, others make sense of them.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, sync_channel},
    },
    thread,
};

use canvass_model::Provider;
use canvass_nppes::files::{Catalog, FileError, Member, RowBatch, SetAside, Side};
use tokio::sync::mpsc;

/// Threads that make providers of rows.
const WORKERS: usize = 2;
/// Batches that wait between threads.
const WAITING: usize = 4;

/// What became of a batch of rows.
pub(super) struct Batch<T> {
    /// What was made of each row that was understood, with its line.
    pub(super) rows: Vec<(u64, T)>,
    pub(super) set_aside: Vec<SetAside>,
    /// Uncompressed bytes of the file up to here.
    pub(super) bytes: u64,
}

/// Reads a main file; `make` is done with each provider on one of several threads. Batches come in
/// no fixed order. An error is the last that comes.
pub(super) fn providers<T: Send + 'static>(
    catalog: &Catalog,
    member: &Member,
    side: &Arc<Side>,
    make: fn(Provider) -> T,
) -> Result<mpsc::Receiver<Result<Batch<T>, FileError>>, FileError> {
    let mut reader = catalog.rows(member)?;
    let (raw, rows) = sync_channel::<(RowBatch, u64)>(WAITING);
    let (done, made) = mpsc::channel(WAITING);
    let failed = done.clone();
    thread::spawn(move || {
        loop {
            match reader.next_batch() {
                Ok(Some(batch)) => {
                    if raw.send((batch, reader.bytes_read())).is_err() {
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
        let (rows, done, side) = (rows.clone(), done.clone(), side.clone());
        thread::spawn(move || {
            while let Some((batch, bytes)) = next(&rows) {
                if done
                    .blocking_send(Ok(parse(&batch, bytes, &side, make)))
                    .is_err()
                {
                    return;
                }
            }
        });
    }
    Ok(made)
}

fn next(rows: &Mutex<Receiver<(RowBatch, u64)>>) -> Option<(RowBatch, u64)> {
    rows.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .recv()
        .ok()
}

fn parse<T>(batch: &RowBatch, bytes: u64, side: &Side, make: fn(Provider) -> T) -> Batch<T> {
    let mut made = Batch {
        rows: Vec::with_capacity(batch.len()),
        set_aside: Vec::new(),
        bytes,
    };
    for (line, parsed) in (batch.first_line()..).zip(batch.parse(side)) {
        match parsed {
            Ok(provider) => made.rows.push((line, make(provider))),
            Err(aside) => made.set_aside.push(aside),
        }
    }
    made
}
