//! `canvass search`: the same search as the page's.

use std::process::ExitCode;

use canvass_app::{App, SearchQuery};
use canvass_model::{PageRequest, ProviderFilter, ProviderSort, ProviderSummary};
use serde::Serialize;

use super::rows::{self, TABLE_ROWS, copy, file_options, no_columns, print, walk};
use crate::{
    args::{Format, SearchArgs},
    config::Config,
    failure::Failure,
    table::Table,
};

/// A row as the API shows it.
#[derive(Serialize)]
struct Item {
    #[serde(flatten)]
    summary: ProviderSummary,
    specialty: Option<String>,
}

pub(crate) async fn run(config: &Config, args: SearchArgs) -> Result<ExitCode, Failure> {
    let filter = args.filter.filter()?;
    let asked = args.sort.as_deref().map(ProviderSort::parse).transpose()?;
    let format = if args.json { Format::Json } else { args.format };
    if matches!(format, Format::Table | Format::Json) {
        no_columns(&args.columns)?;
    }
    if args.saved.is_some() && filter != ProviderFilter::default() {
        return Err(Failure::Usage(
            "name a saved search or filters, not both".into(),
        ));
    }
    let app = config.open().await?;
    let search = match &args.saved {
        Some(name) => app.team_search(name).await?,
        None => SearchQuery {
            filter,
            sort: ProviderSort::default(),
        },
    };
    let filter = search.filter;
    // The order that is meant when none is named is no wish: a file is quicker without.
    let kept = Some(search.sort).filter(|sort| *sort != ProviderSort::default());
    let asked = asked.or(kept);
    let sort = asked.unwrap_or_default();
    match format {
        Format::Table => table(&app, &filter, sort, args.limit.unwrap_or(TABLE_ROWS)).await?,
        Format::Json => json(&app, &filter, sort, args.limit).await?,
        Format::Csv | Format::Ndjson | Format::Xlsx => {
            let options = file_options(format, args.columns, args.limit)?;
            let rows = app.export_providers(&filter, asked, options)?;
            copy(rows, &mut std::io::stdout().lock()).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn table(
    app: &App,
    filter: &ProviderFilter,
    sort: ProviderSort,
    limit: u64,
) -> Result<(), Failure> {
    let mut table = Table::new(&["NPI", "NAME", "SPECIALTY", "CITY", "STATE", "PHONE", "LEAD"]);
    let page = async |page: &PageRequest| app.search(filter, sort, page).await;
    walk(limit, page, |p| {
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
    print(&table, app.count(filter).await?, "providers")
}

async fn json(
    app: &App,
    filter: &ProviderFilter,
    sort: ProviderSort,
    limit: Option<u64>,
) -> Result<(), Failure> {
    let page = async |page: &PageRequest| app.search(filter, sort, page).await;
    let shown = |summary: ProviderSummary| {
        let code = summary.taxonomy.as_deref();
        let specialty = code.map(|code| app.catalogue().describe(code));
        Item { summary, specialty }
    };
    rows::json(app.count(filter).await?, limit, page, shown).await
}
