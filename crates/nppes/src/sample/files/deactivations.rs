//! The deactivation report: a spreadsheet of two columns of text, as the registry makes it.

use std::{
    collections::HashMap,
    io::{self, BufWriter, Seek, Write},
};

use canvass_model::Npi;
use jiff::civil::Date;
use zip::{ZipWriter, write::SimpleFileOptions};

use super::archive;

const CONTENT_TYPES: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/><Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>"#;
const RELATIONS: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const WORKBOOK: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="DeactivatedNPIs" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
const WORKBOOK_RELATIONS: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/><Relationship Id="rId3" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>"#;
const STYLES: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts><fills count="1"><fill><patternFill patternType="none"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs></styleSheet>"#;

/// Places of the title and the two column names among the shared texts.
const TITLE: usize = 0;
const NPI: usize = 1;
const DAY: usize = 2;

/// Sorts the NPIs newest first and writes the workbook.
///
/// Texts are shared, as in the report of the registry: a day stands once however many NPIs went
/// out of service on it.
pub(super) fn write(
    out: impl Write + Seek,
    as_of: Date,
    deactivated: &mut [(Date, Npi)],
) -> Result<(), zip::result::ZipError> {
    deactivated.sort_unstable_by_key(|(day, npi)| (std::cmp::Reverse(*day), *npi));
    let mut zip = ZipWriter::new(out);
    let options = archive::options(as_of);
    for (name, text) in [
        ("[Content_Types].xml", CONTENT_TYPES),
        ("_rels/.rels", RELATIONS),
    ] {
        part(&mut zip, name, options, |out| {
            out.write_all(text.as_bytes())
        })?;
    }
    part(&mut zip, "xl/sharedStrings.xml", options, |out| {
        shared(out, as_of, deactivated)
    })?;
    for (name, text) in [
        ("xl/styles.xml", STYLES),
        ("xl/workbook.xml", WORKBOOK),
        ("xl/_rels/workbook.xml.rels", WORKBOOK_RELATIONS),
    ] {
        part(&mut zip, name, options, |out| {
            out.write_all(text.as_bytes())
        })?;
    }
    part(&mut zip, "xl/worksheets/sheet1.xml", options, |out| {
        sheet(out, deactivated)
    })?;
    zip.finish()?;
    Ok(())
}

fn part<W: Write + Seek>(
    zip: &mut ZipWriter<W>,
    name: &str,
    options: SimpleFileOptions,
    write: impl FnOnce(&mut BufWriter<&mut ZipWriter<W>>) -> io::Result<()>,
) -> Result<(), zip::result::ZipError> {
    zip.start_file(name, options)?;
    let mut out = BufWriter::with_capacity(64 * 1024, zip);
    write(&mut out)?;
    out.flush()?;
    Ok(())
}

/// Where each text stands among the shared ones: an NPI comes when its row does, a day when the
/// first row with it does.
fn places(
    deactivated: &[(Date, Npi)],
    mut row: impl FnMut(usize, usize, bool) -> io::Result<()>,
) -> io::Result<()> {
    let mut days: HashMap<Date, usize> = HashMap::new();
    let mut next = DAY + 1;
    for (day, _) in deactivated {
        let npi = next;
        next += 1;
        let known = days.get(day).copied();
        let at = known.unwrap_or(next);
        if known.is_none() {
            days.insert(*day, at);
            next += 1;
        }
        row(npi, at, known.is_none())?;
    }
    Ok(())
}

fn shared(out: &mut impl Write, as_of: Date, deactivated: &[(Date, Npi)]) -> io::Result<()> {
    let mut unique = DAY + 1;
    places(deactivated, |_, _, new| {
        unique += 1 + usize::from(new);
        Ok(())
    })?;
    let count = DAY + 1 + 2 * deactivated.len();
    write!(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<sst xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" \
         count=\"{count}\" uniqueCount=\"{unique}\">"
    )?;
    let title = as_of.strftime("NPPES Deactivated Records as of %b %d %Y");
    write!(
        out,
        "<si><t>{title}</t></si><si><t>NPI</t></si><si><t>NPPES Deactivation Date</t></si>"
    )?;
    let mut rows = deactivated.iter();
    places(deactivated, |_, _, new| {
        let Some((day, npi)) = rows.next() else {
            return Ok(());
        };
        write!(out, "<si><t>{npi}</t></si>")?;
        if new {
            let (month, of_month, year) = (day.month(), day.day(), day.year());
            write!(out, "<si><t>{month:02}/{of_month:02}/{year}</t></si>")?;
        }
        Ok(())
    })?;
    write!(out, "</sst>")
}

fn sheet(out: &mut impl Write, deactivated: &[(Date, Npi)]) -> io::Result<()> {
    let last = deactivated.len() + 2;
    write!(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\">\
         <dimension ref=\"A1:B{last}\"/><sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>{TITLE}</v></c></row>\
         <row r=\"2\"><c r=\"A2\" t=\"s\"><v>{NPI}</v></c><c r=\"B2\" t=\"s\"><v>{DAY}</v></c></row>"
    )?;
    let mut r = 2;
    places(deactivated, |npi, day, _| {
        r += 1;
        write!(
            out,
            "<row r=\"{r}\"><c r=\"A{r}\" t=\"s\"><v>{npi}</v></c><c r=\"B{r}\" t=\"s\"><v>{day}</v></c></row>"
        )
    })?;
    write!(out, "</sheetData></worksheet>")
}
