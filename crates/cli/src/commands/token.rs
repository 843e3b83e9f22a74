//! `canvass token`: secrets with which programs use the API.

use std::{io::Write, process::ExitCode};

use canvass_app::Actor;

use crate::{
    args::{TokenArgs, TokenCommand},
    config::Config,
    failure::Failure,
    table::Table,
};

pub(crate) async fn run(config: &Config, args: TokenArgs) -> Result<ExitCode, Failure> {
    let actor = Actor::system();
    let app = config.open().await?;
    let mut out = std::io::stdout().lock();
    match args.command {
        TokenCommand::Create { user, name } => {
            let user = app.user_by_name(&user).await?;
            let (secret, info) = app.create_token(&actor, &user.id, &name).await?;
            writeln!(out, "{}", secret.expose())?;
            eprintln!(
                "token {} acts for {} as {}; it is not shown again",
                info.id, user.name, user.role
            );
        }
        TokenCommand::List { user, json } => {
            let user = app.user_by_name(&user).await?;
            let tokens = app.tokens(&actor, &user.id).await?;
            if json {
                serde_json::to_writer(&mut out, &tokens)?;
                writeln!(out)?;
            } else {
                let mut table = Table::new(&["ID", "NAME", "MADE", "LAST USED"]);
                for token in tokens {
                    let day = |t: jiff::Timestamp| t.strftime("%Y-%m-%d").to_string();
                    let used = token.last_used_at.map_or_else(|| "never".to_owned(), day);
                    table.row([token.id, token.name, day(token.created_at), used]);
                }
                table.print(&mut out)?;
            }
        }
        TokenCommand::Revoke { id } => {
            for user in app.users().await? {
                match app.revoke_token(&actor, &user.id, &id).await {
                    Ok(()) => {
                        eprintln!("the token {id} has ended");
                        return Ok(ExitCode::SUCCESS);
                    }
                    Err(canvass_app::Error::NotFound(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            return Err(canvass_app::Error::NotFound("token").into());
        }
    }
    Ok(ExitCode::SUCCESS)
}
