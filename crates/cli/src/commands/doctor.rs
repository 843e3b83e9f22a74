//! `canvass doctor`: checks settings, database and registry.

use std::{io::Write, process::ExitCode};

use canvass_app::ImportSettings;
use canvass_nppes::api::{Answer, Client, ClientSettings, Query};

use crate::{args::DoctorArgs, config::Config, failure::Failure};

pub(crate) async fn run(config: &Config, args: DoctorArgs) -> Result<ExitCode, Failure> {
    let mut out = std::io::stdout().lock();
    let mut well = true;
    let mut say = |good: bool, what: String| {
        well &= good;
        writeln!(out, "{} {what}", if good { "ok  " } else { "FAIL" })
    };
    let settings = &config.settings;
    let nucc = canvass_nppes::nucc::load(&settings.nucc);
    match &nucc {
        Ok(nucc) => say(
            true,
            format!(
                "NUCC: {} codes in {}",
                nucc.taxonomies().len(),
                settings.nucc.display()
            ),
        )?,
        Err(error) => say(false, format!("NUCC: {error}"))?,
    }
    match config.open().await {
        Ok(app) => {
            say(true, format!("database: {}", app.store().describe()))?;
            let users = app.users().await?.iter().filter(|u| !u.disabled).count();
            say(
                true,
                format!("access: {users} users; with none, `canvass serve` prints a set-up code"),
            )?;
            let mut damages = app.store().check().await?;
            if args.mend && !damages.is_empty() {
                for damage in &damages {
                    say(true, format!("found: {}", damage.what))?;
                }
                app.store().mend().await?;
                damages = app.store().check().await?;
            }
            for damage in &damages {
                say(false, format!("{}; {}", damage.what, damage.remedy))?;
            }
            if damages.is_empty() {
                say(
                    true,
                    "integrity: the search index describes every provider, every lead has one"
                        .into(),
                )?;
            }
        }
        Err(error) => say(false, format!("database: {}", error.describe()))?,
    }
    let (good, what) = import_folder(&settings.imports);
    say(good, format!("imports: {what}"))?;
    let client = Client::new(&settings.registry.url, &ClientSettings::default());
    match (client, args.online) {
        (Err(error), _) => say(false, format!("registry: {error}"))?,
        (Ok(_), false) => say(
            true,
            format!(
                "registry: {} (not asked; add --online)",
                settings.registry.url
            ),
        )?,
        (Ok(client), true) => {
            let (good, what) = ask(&client).await;
            say(good, format!("registry: {} {what}", settings.registry.url))?;
        }
    }
    Ok(if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Whether files can be listed in the folder for imports, and kept there.
fn import_folder(imports: &ImportSettings) -> (bool, String) {
    let Some(folder) = &imports.folder else {
        return (
            true,
            "no folder is set; files come by upload or by address".into(),
        );
    };
    let shown = folder.display();
    let kept = tempfile::Builder::new()
        .prefix(".canvass-")
        .tempfile_in(folder);
    match std::fs::read_dir(folder).and(kept) {
        Ok(_) => (true, format!("from {shown}")),
        Err(error) => (false, format!("{shown} can't be used: {error}")),
    }
}

/// Asks the registry for the NPI of the CMS text's example, which no provider has.
async fn ask(client: &Client) -> (bool, String) {
    let query = Query {
        number: Some("1234567893".into()),
        ..Query::default()
    };
    match client.fetch(&query, 0).await {
        Ok(Answer::Page { .. }) => (true, "answers".into()),
        Ok(Answer::Refused(refusals)) => (false, format!("refuses: {refusals:?}")),
        Err(fault) => (false, format!("does not answer: {fault}")),
    }
}
