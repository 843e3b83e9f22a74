//! Files that tests write themselves.

use std::{
    collections::HashMap,
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};

use csv::{QuoteStyle, StringRecord, WriterBuilder};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::fixture;

/// The header of a real file.
pub fn header(name: &str) -> StringRecord {
    csv::Reader::from_path(fixture(name))
        .unwrap()
        .headers()
        .unwrap()
        .clone()
}

/// A file of the registry: a real header, and rows by the names of its columns.
pub struct Table {
    header: StringRecord,
    rows: Vec<StringRecord>,
}

impl Table {
    pub fn main() -> Self {
        Self::like("npidata_v2_header.csv")
    }

    pub fn other_names() -> Self {
        Self::like("othername_v2_header.csv")
    }

    pub fn locations() -> Self {
        Self::like("pl_pfile_2025_sample9_verbatim.csv")
    }

    pub fn endpoints() -> Self {
        Self::like("endpoint_pfile_20190902-20190908_part.csv")
    }

    fn like(name: &str) -> Self {
        Self {
            header: header(name),
            rows: Vec::new(),
        }
    }

    pub fn push<K: AsRef<str>, V: AsRef<str>>(&mut self, values: impl IntoIterator<Item = (K, V)>) {
        let mut values: HashMap<String, String> = values
            .into_iter()
            .map(|(name, value)| (name.as_ref().to_owned(), value.as_ref().to_owned()))
            .collect();
        let row = self
            .header
            .iter()
            .map(|name| values.remove(name).unwrap_or_default())
            .collect();
        assert!(values.is_empty(), "no columns {values:?}");
        self.rows.push(row);
    }

    pub fn with<K: AsRef<str>, V: AsRef<str>>(
        mut self,
        values: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.push(values);
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut writer = WriterBuilder::new()
            .quote_style(QuoteStyle::Always)
            .from_writer(Vec::new());
        writer.write_record(&self.header).unwrap();
        for row in &self.rows {
            writer.write_record(row).unwrap();
        }
        writer.into_inner().unwrap()
    }
}

/// Writes a file into a folder.
pub fn file(folder: &Path, name: &str, content: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path
}

/// Writes an archive into a folder.
pub fn archive(folder: &Path, name: &str, members: &[(&str, &[u8])]) -> PathBuf {
    archive_by(folder, name, members, CompressionMethod::Deflated)
}

pub fn archive_by(
    folder: &Path,
    name: &str,
    members: &[(&str, &[u8])],
    method: CompressionMethod,
) -> PathBuf {
    let path = folder.join(name);
    let mut zip = ZipWriter::new(File::create(&path).unwrap());
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, content) in members {
        zip.start_file(*name, options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap();
    path
}
