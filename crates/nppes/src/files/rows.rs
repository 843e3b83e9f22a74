//! The rows of the main file, in batches that several threads can work on.

use std::sync::Arc;

use canvass_model::Provider;

use super::{
    FileError, SetAside, Side, Warning,
    layout::Layout,
    provider,
    records::{Chunk, Records, not_text},
    split,
};

/// Reads the main file in batches.
///
/// This is the part that one thread must do: unpacking, and finding where rows end.
pub struct RowReader {
    records: Records,
    layout: Arc<Layout>,
    name: Arc<str>,
}

impl RowReader {
    pub(super) fn new(records: Records, layout: Arc<Layout>, name: &str) -> Self {
        Self {
            records,
            layout,
            name: name.into(),
        }
    }

    /// The next batch, of about a thousand rows; none at the end of the file.
    ///
    /// # Errors
    /// When the file can't be read on, or ends within a row. No row of the file should count then.
    pub fn next_batch(&mut self) -> Result<Option<RowBatch>, FileError> {
        Ok(self.records.next()?.map(|chunk| RowBatch {
            chunk,
            layout: Arc::clone(&self.layout),
            name: Arc::clone(&self.name),
        }))
    }

    /// How many bytes of the uncompressed content were read so far.
    pub fn bytes_read(&self) -> u64 {
        self.records.bytes_read()
    }
}

/// Some rows of the main file as they stand in it.
pub struct RowBatch {
    chunk: Chunk,
    layout: Arc<Layout>,
    name: Arc<str>,
}

impl RowBatch {
    /// Line of the file at which it begins, from 1: before its first row where that is preceded by
    /// a header or by blank lines.
    pub fn first_line(&self) -> u64 {
        self.chunk.first_line()
    }

    /// The line of each of its rows, as they come from [`RowBatch::parse`].
    pub fn lines(&self) -> impl Iterator<Item = u64> {
        let rows = self.chunk.rows().map(|(line, _)| line);
        rows.chain(self.chunk.set_aside.iter().map(|row| row.line))
    }

    /// The row at a line as one that is set aside, with its text; none where it has no such row.
    pub fn aside(&self, line: u64, reason: &str) -> Option<SetAside> {
        let row = self.chunk.row(line)?;
        let column = self.layout.npi_column();
        Some(SetAside::new(&self.name, line, row, column, reason))
    }

    /// How many rows it has, with those that will be set aside.
    pub fn len(&self) -> usize {
        self.chunk.len() + self.chunk.set_aside.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes a provider of each row, completed by what the side files know of it. As many results
    /// as [`RowBatch::len`] says.
    pub fn parse(&self, side: &Side) -> Vec<Result<Provider, SetAside>> {
        self.parse_noting(side, &mut |_| {})
    }

    /// As [`RowBatch::parse`], and tells of each single value that was left out because it could
    /// not be understood.
    pub fn parse_noting(
        &self,
        side: &Side,
        on_warning: &mut dyn FnMut(Warning),
    ) -> Vec<Result<Provider, SetAside>> {
        let mut results = Vec::with_capacity(self.len());
        let mut row = Row::default();
        for (line, bytes) in self.chunk.rows() {
            let result = row
                .split(bytes, &self.layout)
                .and_then(|fields| provider::read(&fields, &self.name, line, side, on_warning));
            results.push(result.map_err(|reason| {
                SetAside::new(&self.name, line, bytes, self.layout.npi_column(), reason)
            }));
        }
        results.extend(self.chunk.set_aside.iter().cloned().map(Err));
        results
    }
}

/// Room for the fields of one row, used for one after another.
#[derive(Default)]
pub(super) struct Row {
    spans: Vec<(u32, u32)>,
    /// Slots that hold something.
    filled: Vec<u16>,
    /// Values of a row that is not in the usual form.
    values: String,
}

impl Row {
    /// Splits a row into the fields that are read.
    ///
    /// # Errors
    /// With what is wrong, in words, when it is no row of the file.
    pub fn split<'a>(&'a mut self, row: &'a [u8], layout: &Layout) -> Result<Fields<'a>, String> {
        let text = std::str::from_utf8(row).map_err(|error| not_text(&error))?;
        self.clear(layout.slots);
        let quick = split::quick(row, |column, start, end| {
            note(
                layout,
                &mut self.spans,
                &mut self.filled,
                column,
                start,
                end,
            );
        });
        let (count, values) = if let Some(count) = quick {
            (count, text)
        } else {
            self.clear(layout.slots);
            let count = split::strict(text, &mut self.values, |column, start, end| {
                note(
                    layout,
                    &mut self.spans,
                    &mut self.filled,
                    column,
                    start,
                    end,
                );
            })
            .map_err(|error| error.to_string())?;
            (count, self.values.as_str())
        };
        if count != layout.columns {
            return Err(format!(
                "the row has {count} fields and the header {}",
                layout.columns
            ));
        }
        // They come in the order of columns, which is not quite that of slots.
        let end = self.filled.iter().max().map_or(0, |slot| slot + 1);
        Ok(Fields {
            text: values,
            spans: &self.spans[..usize::from(end)],
        })
    }

    fn clear(&mut self, slots: usize) {
        self.spans.resize(slots, (0, 0));
        for slot in self.filled.drain(..) {
            self.spans[usize::from(slot)] = (0, 0);
        }
    }
}

fn note(
    layout: &Layout,
    spans: &mut [(u32, u32)],
    filled: &mut Vec<u16>,
    column: usize,
    start: usize,
    end: usize,
) {
    // Rows are shorter than 2^32 and have fewer columns than 2^16, so that nothing is lost here.
    if let Some(slot) = layout.slot(column)
        && let (Ok(start), Ok(end)) = (u32::try_from(start), u32::try_from(end))
        && let Ok(number) = u16::try_from(slot)
    {
        spans[slot] = (start, end);
        filled.push(number);
    }
}

/// The fields of one row, by slot.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    text: &'a str,
    /// Up to the last slot that holds something.
    spans: &'a [(u32, u32)],
}

impl<'a> Fields<'a> {
    /// The value in a slot, empty when the file has no such column.
    pub fn get(&self, slot: usize) -> &'a str {
        let (start, end) = self.spans.get(slot).copied().unwrap_or_default();
        self.text
            .get(start as usize..end as usize)
            .unwrap_or_default()
    }

    /// The number of slots up to the last that holds something.
    pub fn end(&self) -> usize {
        self.spans.len()
    }

    /// Whether a slot holds something.
    pub fn has(&self, slot: usize) -> bool {
        self.spans.get(slot).is_some_and(|(start, end)| start < end)
    }
}
