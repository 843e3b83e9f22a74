//! `canvass demo`: everything once, without an account, the internet, or anything of the user's.

use std::{
    io::Write,
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
    time::{Duration, Instant},
};

use canvass_app::Actor;
use canvass_model::{Catalogue, Role, SyncRequest};
use canvass_nppes::sample::SampleSettings;

use crate::{
    args::DemoArgs,
    commands::{
        registry::Registry,
        serve::listen,
        stop_on_signal,
        sync::{follow, summary},
    },
    config::Config,
    failure::Failure,
};

/// Name of the demo's user.
const USER: &str = "demo";

pub(crate) async fn run(config: &Config, args: DemoArgs) -> Result<ExitCode, Failure> {
    let began = Instant::now();
    let stop = stop_on_signal();
    // Bound first, so that a port in use is told before the work and not after it.
    let listener = if args.once {
        None
    } else {
        Some(listen(config.listen).await?)
    };
    eprintln!(
        "starting a registry with {} fictional providers that answers in {} ms",
        args.providers, args.latency
    );
    let registry = Registry::start(
        config,
        SampleSettings {
            providers: args.providers,
            ..SampleSettings::default()
        },
        Duration::from_millis(args.latency),
        SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        stop.child_token(),
    )
    .await?;

    let folder = tempfile::Builder::new().prefix("canvass-demo-").tempdir()?;
    let mut config = config.clone();
    config.settings.database = format!("sqlite:{}", folder.path().join("demo.db").display());
    config.settings.registry.url = format!("http://{}/api/", registry.address);
    let app = config.open().await?;

    let preset = Catalogue::presets()
        .first()
        .ok_or_else(|| Failure::Other("no preset".into()))?;
    let request = SyncRequest {
        specialties: preset.specialties.iter().map(|s| (*s).to_owned()).collect(),
        state: Some("CA".into()),
        save_leads: true,
        ..SyncRequest::default()
    };
    let run = app.start_sync(None, request, None).await?;
    let run = follow(&app, run, &stop).await?;
    let mut out = std::io::stdout().lock();
    summary(&mut out, &run)?;
    writeln!(out, "total: {:.1} s", began.elapsed().as_secs_f64())?;
    out.flush()?;
    drop(out);
    if stop.is_cancelled() {
        return Ok(ExitCode::from(1));
    }
    let Some(listener) = listener else {
        stop.cancel();
        return Ok(if run.complete {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(3)
        });
    };

    let password = canvass_app::Secret::password()?;
    app.add_user(&Actor::system(), USER, password.expose(), Role::Admin)
        .await?;
    println!();
    println!("Open     http://{}/", listener.local_addr()?);
    println!("Name     {USER}");
    println!("Password {}", password.expose());
    println!("It ends, and is forgotten, with Ctrl-C.");
    canvass_web::server::serve(app, listener, stop, true)
        .await
        .map_err(|e| Failure::Other(e.to_string()))?;
    Ok(ExitCode::SUCCESS)
}
