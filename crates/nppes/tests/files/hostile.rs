//! Archives and files that are broken, or made to do harm.

use std::{fs, io::Write, path::Path, sync::LazyLock};

use canvass_nppes::files::{Catalog, FileError, Side};
use proptest::prelude::*;
use zip::CompressionMethod;

use super::{
    fixture, read,
    written::{self, Table},
};

const NAME: &str = "npidata_pfile_20260831-20260906.csv";

fn main_file() -> Vec<u8> {
    fs::read(fixture("npidata_pfile_v1_sample98_2023_verbatim.csv")).unwrap()
}

/// Opens a set and reads all of it.
fn read_whole(path: &Path) -> Result<usize, FileError> {
    let mut count = 0;
    for catalog in Catalog::open_all(&[path.to_owned()])? {
        catalog.fingerprint(&mut |_| {})?;
        let side = catalog.side(&mut |_| {}, &mut |_| {})?;
        for member in catalog.members() {
            if let Ok(mut rows) = catalog.rows(member) {
                while let Some(batch) = rows.next_batch()? {
                    count += batch.parse(&side).len();
                }
            }
            let _ = catalog.deactivations(member, &mut |_| {}, &mut |_| {}, &mut |_| count += 1);
        }
    }
    Ok(count)
}

fn refused(path: &Path) -> String {
    match read_whole(path) {
        Ok(count) => panic!("{count} rows"),
        Err(error) => {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            format!("{error}: {}", source.unwrap_or_default())
        }
    }
}

#[test]
fn a_cut_archive_is_refused_wherever_it_was_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = written::archive(folder.path(), "a.zip", &[(NAME, &main_file())]);
    let whole = fs::read(&path).unwrap();
    assert_eq!(read_whole(&path).unwrap(), 98);
    for length in (4..whole.len()).step_by(97).chain([whole.len() - 1]) {
        let path = written::file(folder.path(), "cut.zip", &whole[..length]);
        let error = refused(&path);
        assert!(
            error.contains("cut.zip: the archive is cut or broken"),
            "{error}"
        );
    }
}

#[test]
fn a_cut_file_tells_line_and_byte() {
    let folder = tempfile::tempdir().unwrap();
    let content = main_file();
    let path = written::file(folder.path(), NAME, &content[..content.len() / 2]);
    let error = Catalog::open(&[path])
        .map(|catalog| {
            let mut rows = catalog.rows(&catalog.members()[0]).unwrap();
            loop {
                match rows.next_batch() {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("not cut"),
                    Err(error) => break error,
                }
            }
        })
        .unwrap();
    let half = &content[..content.len() / 2];
    let line = half.split(|b| *b == b'\n').count();
    let expected = format!("it ends within line {line}, at byte {}", content.len() / 2);
    assert!(error.to_string().contains(&expected), "{error}");
}

#[test]
fn a_damaged_member_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let members = [(NAME, &main_file()[..])];
        let path = written::archive_by(folder.path(), "a.zip", &members, method);
        let whole = fs::read(&path).unwrap();
        for at in (whole.len() / 4..whole.len() * 3 / 4).step_by(whole.len() / 13) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            let path = written::file(folder.path(), "b.zip", &damaged);
            let error = refused(&path);
            assert!(error.contains(&format!("b.zip: {NAME}")), "{error}");
        }
    }
}

#[test]
fn a_member_that_is_longer_than_it_says_is_not_read_on() {
    let folder = tempfile::tempdir().unwrap();
    let content = main_file();
    let path = written::archive(folder.path(), "a.zip", &[(NAME, &content)]);
    for (length, problem) in [
        (content.len() - 10, "longer than the archive says"),
        (content.len() + 10, "10 bytes are missing"),
    ] {
        let mut bytes = fs::read(&path).unwrap();
        let directory = find(&bytes, b"PK\x01\x02");
        let length = u32::try_from(length).unwrap();
        bytes[directory + 24..directory + 28].copy_from_slice(&length.to_le_bytes());
        let path = written::file(folder.path(), "b.zip", &bytes);
        let error = refused(&path);
        assert!(error.contains(problem), "{error}");
    }
}

fn find(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).position(|w| w == what).unwrap()
}

#[test]
fn what_was_packed_to_do_harm_is_not_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    let mut content = Table::main().bytes();
    content.resize(64 << 20, b' ');
    let path = written::archive(folder.path(), "a.zip", &[(NAME, &content)]);
    assert!(fs::metadata(&path).unwrap().len() < 1 << 20);
    let error = refused(&path);
    assert!(error.contains("made to do harm"), "{error}");
}

#[test]
fn an_archive_may_claim_only_so_much() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..1_001).map(|n| format!("{n}.csv")).collect();
    let members: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), &b""[..])).collect();
    let path = written::archive(folder.path(), "many.zip", &members);
    assert!(
        refused(&path).contains("claims 1001 entries"),
        "{}",
        refused(&path)
    );

    let path = written::archive(folder.path(), "a.zip", &[(NAME, &main_file())]);
    let whole = fs::read(&path).unwrap();
    let end = find(&whole, b"PK\x05\x06");
    for (at, value, problem) in [
        (12, 0xFF00_0000_u32, "claims 1 entries in a directory of"),
        (12, 0, "fewer entries than it says"),
        (16, 0xFF00_0000, "not where it says"),
        (10, 200, "fewer entries than it says"),
        (4, 1, "one part of several"),
    ] {
        let mut bytes = whole.clone();
        let length = if at < 12 { 2 } else { 4 };
        bytes[end + at..end + at + length].copy_from_slice(&value.to_le_bytes()[..length]);
        let path = written::file(folder.path(), "b.zip", &bytes);
        let error = refused(&path);
        assert!(error.contains(problem), "{error}");
    }
}

#[test]
fn names_of_members_are_names_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let main = main_file();
    let path = written::archive(
        folder.path(),
        "a.zip",
        &[
            ("../../outside/npidata_pfile_20260831-20260906.csv", &main),
            ("/etc/\x1b[31mred.csv", b"x"),
            ("C:\\temp\\inner.zip", b"PK\x05\x06 an archive"),
            ("folder/", b""),
            ("folder/notes.txt", b"nothing"),
        ],
    );
    let catalog = Catalog::open(&[path]).unwrap();
    let names: Vec<_> = catalog.members().iter().map(|m| m.name.as_str()).collect();
    assert_eq!(names, [NAME]);
    assert_eq!(read(&catalog, &Side::default()).providers.len(), 98);
    let passed_over: Vec<_> = catalog
        .passed_over()
        .iter()
        .map(|p| (p.name.as_str(), p.why.as_str()))
        .collect();
    let unknown = "its first line is the header of none of the registry's files";
    assert_eq!(
        passed_over,
        [
            ("[31mred.csv", unknown),
            (
                "inner.zip",
                "it is an archive within an archive, which is not opened"
            ),
            ("notes.txt", unknown),
        ]
    );
    assert!(!folder.path().parent().unwrap().join("outside").exists());
}

#[test]
fn two_members_of_one_name_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let members = [("aa.csv", &b"x"[..]), ("ab.csv", b"y")];
    let path = written::archive(folder.path(), "a.zip", &members);
    let mut bytes = fs::read(&path).unwrap();
    while let Some(at) = bytes.windows(6).position(|name| name == b"ab.csv") {
        bytes[at + 1] = b'a';
    }
    let path = written::file(folder.path(), "b.zip", &bytes);
    let error = refused(&path);
    assert!(error.contains("two entries named \"aa.csv\""), "{error}");
}

#[test]
fn an_encrypted_member_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = written::archive(folder.path(), "a.zip", &[(NAME, &main_file())]);
    let mut bytes = fs::read(&path).unwrap();
    let directory = find(&bytes, b"PK\x01\x02");
    bytes[directory + 8] |= 1;
    let path = written::file(folder.path(), "b.zip", &bytes);
    let error = refused(&path);
    assert!(
        error.contains(&format!("{NAME} was passed over: it is encrypted")),
        "{error}"
    );
}

/// An archive with one stored member, in the form for more than 4 GB.
fn wide_archive(content: &[u8], crc: u32) -> Vec<u8> {
    let length = (content.len() as u64).to_le_bytes();
    let mut out = Vec::new();
    let common = |out: &mut Vec<u8>| {
        out.extend([45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        out.extend(crc.to_le_bytes());
        out.extend([0xFF; 8]);
        out.extend(u16::try_from(NAME.len()).unwrap().to_le_bytes());
    };
    out.extend(b"PK\x03\x04");
    common(&mut out);
    out.extend([20, 0]);
    out.write_all(NAME.as_bytes()).unwrap();
    out.extend([1, 0, 16, 0]);
    out.extend(length);
    out.extend(length);
    out.extend(content);
    let directory = out.len() as u64;
    out.extend(b"PK\x01\x02");
    out.extend([45, 0]);
    common(&mut out);
    // Another extra field before the wide one.
    out.extend([34, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    out.extend([0xFF; 4]);
    out.write_all(NAME.as_bytes()).unwrap();
    out.extend([0x55, 0x54, 2, 0, 9, 9]);
    out.extend([1, 0, 24, 0]);
    out.extend(length);
    out.extend(length);
    out.extend(0_u64.to_le_bytes());
    let end = out.len() as u64;
    out.extend(b"PK\x06\x06");
    out.extend(44_u64.to_le_bytes());
    out.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    out.extend(1_u64.to_le_bytes());
    out.extend(1_u64.to_le_bytes());
    out.extend((end - directory).to_le_bytes());
    out.extend(directory.to_le_bytes());
    out.extend(b"PK\x06\x07");
    out.extend([0; 4]);
    out.extend(end.to_le_bytes());
    out.extend([1, 0, 0, 0]);
    out.extend(b"PK\x05\x06");
    out.extend([0; 4]);
    out.extend([0xFF; 12]);
    out.extend([3, 0]);
    out.extend(b"xyz");
    out
}

#[test]
fn an_archive_of_the_form_for_large_files_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let content = main_file();
    let mut crc = crc_of(&content);
    let path = written::file(folder.path(), "a.zip", &wide_archive(&content, crc));
    assert_eq!(read_whole(&path).unwrap(), 98);
    crc ^= 1;
    let path = written::file(folder.path(), "b.zip", &wide_archive(&content, crc));
    let error = refused(&path);
    assert!(error.contains("checksum"), "{error}");
}

/// The checksum of archives (CRC-32, ISO-HDLC).
fn crc_of(content: &[u8]) -> u32 {
    !content.iter().fold(!0, |sum: u32, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ if sum & 1 == 1 { 0xEDB8_8320 } else { 0 }
        })
    })
}

/// A small set with every kind of member, the spreadsheet included.
static EVERY_KIND: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let row = [
        ("NPI", "1234567893"),
        ("Entity Type Code", "1"),
        ("Provider Last Name (Legal Name)", "ROE"),
    ];
    let book = written::archive(
        folder,
        "report.xlsx",
        &[
            ("xl/workbook.xml", b"<workbook/>"),
            ("xl/sharedStrings.xml", b"<sst><si><t>NPI</t></si></sst>"),
            (
                "xl/worksheets/sheet1.xml",
                br#"<worksheet><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="inlineStr"><is><t>NPPES Deactivation Date</t></is></c></row><row><c><v>1234567893</v></c><c><v>45207</v></c></row></worksheet>"#,
            ),
        ],
    );
    let path = written::archive(
        folder,
        "all.zip",
        &[
            (NAME, &Table::main().with(row).bytes()),
            (
                "othername_pfile_20260831-20260906.csv",
                &fs::read(fixture("othername_pfile_2025_sample9_verbatim.csv")).unwrap(),
            ),
            ("report.xlsx", &fs::read(book).unwrap()),
        ],
    );
    fs::read(path).unwrap()
});

#[test]
fn every_kind_of_member_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = written::file(folder.path(), "all.zip", &EVERY_KIND);
    assert_eq!(read_whole(&path).unwrap(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn nothing_that_is_changed_in_an_archive_does_more_than_fail(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = EVERY_KIND.clone();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let path = written::file(folder.path(), "all.zip", &bytes);
        // Whatever comes, it comes as a result.
        let _ = read_whole(&path);
    }
}
