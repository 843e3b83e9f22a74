//! Spreadsheets: built in a temporary file, a row at a time, then streamed from there.

use std::fs::File;

use futures_util::{Stream, stream};
use rust_xlsxwriter::{Workbook, XlsxError};
use tokio::io::AsyncReadExt;

use super::{Row, Rows, columns::Columns};
use crate::{App, Error};

/// Rows that a sheet can have, the line of names among them (ECMA-376).
pub(super) const ROWS: u32 = 1_048_576;
/// Characters that a cell can have.
const CELL: usize = 32_767;
/// Bytes of a piece.
const PIECE: usize = 64 * 1024;

/// The rows as a workbook of sheets of so many rows.
pub(super) async fn file(
    mut rows: Rows,
    most: u32,
) -> Result<impl Stream<Item = Result<Vec<u8>, Error>> + Send, Error> {
    let mut book = Book::new(rows.columns.clone(), most)?;
    while let Some(page) = rows.next().await? {
        for row in &page {
            book.push(row, &rows.app)?;
        }
    }
    let file = tokio::task::spawn_blocking(move || book.save())
        .await
        .map_err(|e| Error::Internal(e.to_string()))??;
    Ok(pieces(tokio::fs::File::from_std(file)))
}

fn pieces(file: tokio::fs::File) -> impl Stream<Item = Result<Vec<u8>, Error>> + Send {
    stream::try_unfold(file, |mut file| async move {
        let mut piece = Vec::with_capacity(PIECE);
        (&mut file)
            .take(PIECE as u64)
            .read_to_end(&mut piece)
            .await?;
        Ok((!piece.is_empty()).then_some((piece, file)))
    })
}

struct Book {
    workbook: Workbook,
    columns: Columns,
    most: u32,
    sheets: usize,
    /// The next row of the last sheet.
    next: u32,
}

impl Book {
    fn new(columns: Columns, most: u32) -> Result<Self, Error> {
        let mut book = Self {
            workbook: Workbook::new(),
            columns,
            most,
            sheets: 0,
            next: 0,
        };
        book.add_sheet().map_err(failed)?;
        Ok(book)
    }

    fn add_sheet(&mut self) -> Result<(), XlsxError> {
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        sheet.set_freeze_panes(1, 0)?;
        for (place, column) in (0u16..).zip(self.columns.iter()) {
            sheet.write_string(0, place, column.name)?;
        }
        self.sheets += 1;
        self.next = 1;
        Ok(())
    }

    fn push(&mut self, row: &Row, app: &App) -> Result<(), Error> {
        self.write(row, app).map_err(failed)
    }

    fn write(&mut self, row: &Row, app: &App) -> Result<(), XlsxError> {
        if self.next == self.most {
            self.add_sheet()?;
        }
        let sheet = self.workbook.worksheet_from_index(self.sheets - 1)?;
        for (place, column) in (0u16..).zip(self.columns.iter()) {
            let mut cell = column.of(row, app);
            if let Some((end, _)) = cell.char_indices().nth(CELL) {
                cell.truncate(end);
            }
            // Written as a string, it is never taken for a formula.
            if !cell.is_empty() {
                sheet.write_string(self.next, place, cell)?;
            }
        }
        self.next += 1;
        Ok(())
    }

    fn save(mut self) -> Result<File, Error> {
        use std::io::Seek;
        let mut file = tempfile::tempfile()?;
        self.workbook.save_to_writer(&mut file).map_err(failed)?;
        file.rewind()?;
        Ok(file)
    }
}

fn failed(error: XlsxError) -> Error {
    match error {
        XlsxError::IoError(error) => Error::Io(error),
        other => Error::Internal(format!("a spreadsheet could not be written: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use canvass_model::Provider;

    use super::{super::ExportList, *};
    use crate::{Clock, ImportSettings, RegistrySettings, Settings};

    #[tokio::test]
    async fn a_full_sheet_is_followed_by_another() {
        let folder = tempfile::tempdir().unwrap();
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let settings = Settings {
            database: format!("sqlite:{}", folder.path().join("x.db").display()),
            nucc: root.join("../../data/nucc/nucc_taxonomy_251.csv"),
            registry: RegistrySettings::default(),
            imports: ImportSettings::default(),
        };
        let clock = Clock::from_fn(|| jiff::Timestamp::UNIX_EPOCH);
        let app = App::open(settings, clock).await.unwrap();
        let row = Row {
            provider: Provider::new("1234567893".parse().unwrap()),
            status: None,
            lead: None,
        };
        let mut book = Book::new(ExportList::Providers.chosen(&[]).unwrap(), 3).unwrap();
        let mut sheets = Vec::new();
        for _ in 0..5 {
            book.push(&row, &app).unwrap();
            sheets.push(book.workbook.worksheets().len());
        }
        assert_eq!(sheets, [1, 1, 2, 2, 3]);
        assert!(book.save().unwrap().metadata().unwrap().len() > 1_000);
    }
}
