//! What canvass does: sync, search, leads, exports, accounts.
//!
//! Pages, JSON API and command line call the same functions of [`App`]; none of them knows SQL or
//! a rule of the business, and nothing here knows HTTP requests or terminals.

mod accounts;
mod actor;
mod clock;
mod error;
mod export;
mod import;
mod leads;
pub mod registry;
mod saved;
mod search;
mod settings;
mod sync;

use std::sync::Arc;

use canvass_model::Catalogue;
use canvass_store::Store;

pub use accounts::{LEAST_PASSWORD, Login, Secret, TOKEN_PREFIX};
pub use actor::Actor;
pub use clock::Clock;
pub use error::{Error, Field};
pub use export::{ExportFormat, ExportList, ExportOptions, ExportStream};
pub use import::{
    FileReport, ImportFile, ImportOptions, ImportOutlook, ImportPhase, ImportProgress,
    ImportSource, ImportSummary, ImportView, NewUpload, ValueLeftOut, ValuesLeftOut,
};
pub use leads::{ImportReport, MOST_TEXT, Rejection};
pub use saved::{MOST_SEARCH_NAME, SearchQuery};
pub use search::ProviderView;
pub use settings::{ImportSettings, RegistrySettings, Settings};
pub use sync::Runner;

/// canvass, opened on one database. Cheap to clone.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    catalogue: Catalogue,
    clock: Clock,
    settings: Settings,
    /// Wakes the runners of this process when there is new work.
    wake: tokio::sync::Notify,
    /// Imports that this process runs in the background.
    imports: import::Background,
}

impl App {
    /// Opens the database, migrates it, and reads the NUCC catalogue.
    ///
    /// # Errors
    /// When the database can't be opened or the catalogue can't be read.
    pub async fn open(settings: Settings, clock: Clock) -> Result<Self, Error> {
        let catalogue = canvass_nppes::nucc::load(&settings.nucc)?;
        let store = Store::open(&settings.database, clock.now()).await?;
        Ok(Self {
            inner: Arc::new(Inner {
                store,
                catalogue,
                clock,
                settings,
                wake: tokio::sync::Notify::new(),
                imports: import::Background::default(),
            }),
        })
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The NUCC catalogue.
    pub fn catalogue(&self) -> &Catalogue {
        &self.inner.catalogue
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    fn imports(&self) -> &import::Background {
        &self.inner.imports
    }

    fn wake(&self) -> &tokio::sync::Notify {
        &self.inner.wake
    }
}
