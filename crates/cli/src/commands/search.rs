//! `canvass search`: the same search as the page's.

use std::{io::Write, process::ExitCode};

use canvass_app::{App, ExportFormat, ExportStream};
use canvass_model::{PageRequest, ProviderFilter, ProviderSort, ProviderSummary};
use futures_util::StreamExt;
use serde::Serialize;

use crate::{
    args::{Format, SearchArgs},
    config::Config,
    failure::Failure,
    table::{Table, thousands},
};

/// Rows of a table when nobody says otherwise.
pub(crate) const TABLE_ROWS: u64 = 50;

/// A row as the API shows it.
#[derive(Serialize)]
struct Item {
    #[serde(flatten)]
    summary: ProviderSummary,
    specialty: Option<String>,
}

pub(crate) async fn run(config: &Config, args: SearchArgs) -> Result<ExitCode, Failure> {
    let filter = args.filter.filter()?;
    let sort = ProviderSort::parse(&args.sort)?;
    let app = config.open().await?;
    let format = if args.json { Format::Json } else { args.format };
    match format {
        Format::Table => table(&app, &filter, sort, args.limit.unwrap_or(TABLE_ROWS)).await?,
        Format::Json => json(&app, &filter, sort, args.limit).await?,
        Format::Csv | Format::Ndjson | Format::Xlsx => {
            let rows = app.export_providers_up_to(
                &filter,
                sort,
                file_format(format)?,
                args.limit.unwrap_or(u64::MAX),
            )?;
            copy(rows, &mut std::io::stdout().lock()).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The export format of a flag.
pub(crate) fn file_format(format: Format) -> Result<ExportFormat, Failure> {
    match format {
        Format::Csv => Ok(ExportFormat::Csv),
        Format::Ndjson => Ok(ExportFormat::Ndjson),
        Format::Xlsx => Ok(ExportFormat::Xlsx),
        Format::Table | Format::Json => Err(Failure::Usage("--format: csv, ndjson or xlsx".into())),
    }
}

/// Writes an export as it comes.
pub(crate) async fn copy(mut rows: ExportStream, out: &mut impl Write) -> Result<(), Failure> {
    while let Some(piece) = rows.next().await {
        out.write_all(&piece?)?;
    }
    Ok(out.flush()?)
}

/// Calls `each` with the rows of a search, page after page, until there are so many.
async fn walk(
    app: &App,
    filter: &ProviderFilter,
    sort: ProviderSort,
    limit: u64,
    mut each: impl FnMut(ProviderSummary) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut left = limit;
    let mut after = None;
    while left > 0 {
        let size = u32::try_from(left)
            .unwrap_or(u32::MAX)
            .min(PageRequest::MAX_LIMIT);
        let page = app
            .search(filter, sort, &PageRequest { limit: size, after })
            .await?;
        left -= page.items.len() as u64;
        for row in page.items {
            each(row)?;
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(())
}

async fn table(
    app: &App,
    filter: &ProviderFilter,
    sort: ProviderSort,
    limit: u64,
) -> Result<(), Failure> {
    let mut table = Table::new(&["NPI", "NAME", "SPECIALTY", "CITY", "STATE", "PHONE", "LEAD"]);
    walk(app, filter, sort, limit, |p| {
        let specialty = p
            .taxonomy
            .as_deref()
            .map(|code| app.catalogue().describe(code));
        table.row([
            p.npi.to_string(),
            p.name,
            specialty.unwrap_or_default(),
            p.city.unwrap_or_default(),
            p.state.unwrap_or_default(),
            p.phone.map(|n| n.to_string()).unwrap_or_default(),
            p.lead.map(|l| l.label().to_owned()).unwrap_or_default(),
        ]);
        Ok(())
    })
    .await?;
    let total = app.count(filter).await?;
    table.print(&mut std::io::stdout().lock())?;
    let about = if total.exact { "" } else { "about " };
    eprintln!(
        "{} of {about}{} providers",
        thousands(table.len()),
        thousands(total.count)
    );
    Ok(())
}

async fn json(
    app: &App,
    filter: &ProviderFilter,
    sort: ProviderSort,
    limit: Option<u64>,
) -> Result<(), Failure> {
    let total = app.count(filter).await?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    write!(
        out,
        "{{\"total\":{},\"items\":[",
        serde_json::to_string(&total)?
    )?;
    let mut first = true;
    walk(app, filter, sort, limit.unwrap_or(u64::MAX), |summary| {
        if !first {
            out.write_all(b",")?;
        }
        first = false;
        let specialty = summary
            .taxonomy
            .as_deref()
            .map(|code| app.catalogue().describe(code));
        serde_json::to_writer(&mut out, &Item { summary, specialty })?;
        Ok(())
    })
    .await?;
    writeln!(out, "]}}")?;
    Ok(out.flush()?)
}
