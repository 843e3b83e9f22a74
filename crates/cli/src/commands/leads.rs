//! `canvass leads`: save, list, export, import.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    process::ExitCode,
};

use canvass_app::{Actor, App};
use canvass_model::{LeadFilter, LeadSort, PageRequest};
use canvass_store::SaveAll;

use super::rows::{self, TABLE_ROWS, copy, file_options, no_columns, print, walk};
use crate::{
    args::{Format, LeadFilterArgs, LeadsArgs, LeadsCommand},
    config::Config,
    failure::Failure,
    table::{Table, thousands},
};

pub(crate) async fn run(config: &Config, args: LeadsArgs) -> Result<ExitCode, Failure> {
    match args.command {
        LeadsCommand::SaveAll {
            filter,
            npi,
            idempotency_key,
            json,
        } => {
            let filter = filter.filter()?;
            let what = if npi.is_empty() {
                SaveAll::Filter(filter)
            } else if filter == canvass_model::ProviderFilter::default() {
                SaveAll::Npis(npi)
            } else {
                return Err(Failure::Usage("name NPIs or a search, not both".into()));
            };
            let app = config.open().await?;
            let receipt = app
                .save_all(&Actor::system(), &what, idempotency_key.as_deref())
                .await?;
            let mut out = std::io::stdout().lock();
            if json {
                serde_json::to_writer(&mut out, &receipt)?;
                writeln!(out)?;
            } else {
                writeln!(
                    out,
                    "{} requested: {} saved, {} were leads already, {} are not to be called, {} are not in service",
                    thousands(receipt.requested),
                    thousands(receipt.created),
                    thousands(receipt.existing),
                    thousands(receipt.suppressed),
                    thousands(receipt.rejected)
                )?;
            }
        }
        LeadsCommand::List {
            filter,
            sort,
            limit,
            format,
            json,
            columns,
        } => {
            let format = if json { Format::Json } else { format };
            if matches!(format, Format::Table | Format::Json) {
                no_columns(&columns)?;
            }
            let app = config.open().await?;
            let sort = LeadSort::parse(&sort)?;
            let filter = lead_filter(&app, &filter).await?;
            match format {
                Format::Table => table(&app, &filter, sort, limit.unwrap_or(TABLE_ROWS)).await?,
                Format::Json => {
                    let page = async |page: &PageRequest| app.leads(&filter, sort, page).await;
                    let total = app.count_leads(&filter).await?;
                    rows::json(total, limit, page, |lead| lead).await?;
                }
                format => {
                    let options = file_options(format, columns, limit)?;
                    let rows = app.export_leads(&filter, options)?;
                    copy(rows, &mut std::io::stdout().lock()).await?;
                }
            }
        }
        LeadsCommand::Export {
            filter,
            format,
            output,
            columns,
        } => {
            let app = config.open().await?;
            let filter = lead_filter(&app, &filter).await?;
            let rows = app.export_leads(&filter, file_options(format, columns, None)?)?;
            match output {
                Some(path) => copy(rows, &mut BufWriter::new(File::create(&path)?)).await?,
                None => copy(rows, &mut std::io::stdout().lock()).await?,
            }
        }
        LeadsCommand::Import {
            file,
            dry_run,
            json,
        } => {
            let app = config.open().await?;
            return import(&app, &file, dry_run, json).await;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn lead_filter(app: &App, args: &LeadFilterArgs) -> Result<LeadFilter, Failure> {
    let mut filter = LeadFilter::all();
    let many = [
        ("status", &args.status),
        ("specialty", &args.specialty),
        ("state", &args.state),
        ("city", &args.city),
    ];
    for (name, values) in many {
        for value in values {
            filter.set(name, value)?;
        }
    }
    if let Some(q) = &args.q {
        filter.set("q", q)?;
    }
    filter.owner = match args.owner.as_deref() {
        None => None,
        Some("none") => Some(String::new()),
        Some(name) => Some(app.user_by_name(name).await?.id),
    };
    Ok(filter)
}

async fn table(app: &App, filter: &LeadFilter, sort: LeadSort, limit: u64) -> Result<(), Failure> {
    let mut table = Table::new(&[
        "NPI", "NAME", "CITY", "STATE", "PHONE", "STATUS", "OWNER", "NOTES",
    ]);
    let page = async |page: &PageRequest| app.leads(filter, sort, page).await;
    walk(limit, page, |lead| {
        let p = lead.provider;
        table.row([
            lead.id.to_string(),
            p.name,
            p.city.unwrap_or_default(),
            p.state.unwrap_or_default(),
            p.phone.map(|n| n.to_string()).unwrap_or_default(),
            lead.status.label().to_owned(),
            lead.owner.unwrap_or_default(),
            lead.notes,
        ]);
        Ok(())
    })
    .await?;
    print(&table, app.count_leads(filter).await?, "leads")
}

async fn import(app: &App, file: &Path, dry_run: bool, json: bool) -> Result<ExitCode, Failure> {
    let actor = Actor::system();
    let report = if file == Path::new("-") {
        app.import_leads(&actor, std::io::stdin(), dry_run).await?
    } else {
        let opened = File::open(file)
            .map_err(|e| Failure::Usage(format!("{}: can't be read: {e}", file.display())))?;
        app.import_leads(&actor, opened, dry_run).await?
    };
    let mut out = std::io::stdout().lock();
    if json {
        serde_json::to_writer(&mut out, &report)?;
        writeln!(out)?;
    } else {
        writeln!(
            out,
            "{} rows: {} leads new, {} changed, {} the same, {} rejected",
            thousands(report.rows),
            thousands(report.created),
            thousands(report.updated),
            thousands(report.unchanged),
            thousands(report.rejected)
        )?;
        for rejection in report.rejections.iter().take(20) {
            writeln!(
                out,
                "  line {}: {} {}",
                rejection.line, rejection.npi, rejection.reason
            )?;
        }
        for owner in &report.unknown_owners {
            writeln!(
                out,
                "  owner {owner:?} is no user here; rows that name it were not taken"
            )?;
        }
    }
    Ok(if report.rejected == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(3)
    })
}
