//! `canvass user`: people with access.

use std::{
    io::{BufRead, IsTerminal, Write},
    process::ExitCode,
};

use canvass_app::Actor;
use canvass_model::Role;

use crate::{
    args::{UserArgs, UserCommand},
    config::Config,
    failure::Failure,
    table::Table,
};

pub(crate) async fn run(config: &Config, args: UserArgs) -> Result<ExitCode, Failure> {
    let actor = Actor::system();
    let app = config.open().await?;
    match args.command {
        UserCommand::Add { name, role } => {
            let role: Role = role
                .parse()
                .map_err(|e: canvass_model::InvalidRole| Failure::Usage(format!("--role: {e}")))?;
            let password = read_password()?;
            let user = app.add_user(&actor, &name, &password, role).await?;
            eprintln!("{} may sign in as {}", user.name, user.role);
        }
        UserCommand::List { json } => {
            let users = app.users().await?;
            let mut out = std::io::stdout().lock();
            if json {
                serde_json::to_writer(&mut out, &users)?;
                writeln!(out)?;
            } else {
                let mut table = Table::new(&["NAME", "ROLE", "ACCESS", "SINCE", "ID"]);
                for user in users {
                    table.row([
                        user.name,
                        user.role.to_string(),
                        if user.disabled { "disabled" } else { "active" }.to_owned(),
                        user.created_at.strftime("%Y-%m-%d").to_string(),
                        user.id,
                    ]);
                }
                table.print(&mut out)?;
            }
        }
        UserCommand::Disable { name } => {
            let user = app.user_by_name(&name).await?;
            app.disable_user(&actor, &user.id, true).await?;
            eprintln!(
                "{} may no longer sign in; sessions have ended, and tokens do nothing until access is given back",
                user.name
            );
        }
        UserCommand::Enable { name } => {
            let user = app.user_by_name(&name).await?;
            app.disable_user(&actor, &user.id, false).await?;
            eprintln!("{} may sign in again", user.name);
        }
        UserCommand::Password { name } => {
            let user = app.user_by_name(&name).await?;
            app.set_password(&actor, &user.id, &read_password()?)
                .await?;
            eprintln!(
                "{} has a new password; other sessions have ended",
                user.name
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// One line of standard input. It is not asked for on the command line, where other users of the
/// machine could see it.
fn read_password() -> Result<String, Failure> {
    let input = std::io::stdin();
    if input.is_terminal() {
        eprint!("Password (it is shown as you type): ");
    }
    let mut line = String::new();
    input.lock().read_line(&mut line)?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() {
        return Err(Failure::Usage(
            "give the password on standard input, as in: canvass user add lee < password.txt"
                .into(),
        ));
    }
    Ok(password)
}
