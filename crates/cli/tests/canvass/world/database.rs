use std::{error::Error, process::Command};

use super::{Outcome, Running, command, run};

/// An empty database of one engine.
pub struct Database {
    /// Its address.
    pub url: String,
    /// An SQLite database stands in it.
    folder: Option<tempfile::TempDir>,
}

impl Database {
    /// A file that is not there yet.
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            url: format!("sqlite:{}", folder.path().join("canvass.db").display()),
            folder: Some(folder),
        }
    }

    /// A database on a throwaway server.
    pub fn postgres() -> Self {
        Self {
            url: canvass_testkit::postgres_url(),
            folder: None,
        }
    }

    /// Another empty one of the same engine.
    pub fn another(&self) -> Self {
        match self.folder {
            Some(_) => Self::sqlite(),
            None => Self::postgres(),
        }
    }

    /// canvass on this database with these arguments.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = command(args);
        command.env("CANVASS_DATABASE_URL", &self.url);
        command
    }

    /// Runs canvass on this database to its end.
    pub fn canvass(&self, args: &[&str]) -> Outcome {
        run(self.command(args), "")
    }

    /// Runs canvass, which must end well, and gives what it printed.
    pub fn done(&self, args: &[&str]) -> String {
        self.canvass(args).expect(0).out
    }

    /// Starts canvass on this database.
    pub fn start(&self, args: &[&str]) -> Running {
        Running::start(self.command(args))
    }

    /// Pulls this from the registry as fast as it gives it.
    pub fn fill(&self, registry: &str, args: &[&str]) -> serde_json::Value {
        let mut command = self.command(args);
        command
            .env("CANVASS_REGISTRY_URL", registry)
            .env("CANVASS_MAX_STARTS", "100")
            .env("CANVASS_MAX_IN_FLIGHT", "6");
        run(command, "").expect(0).json()
    }

    /// The first column of what a statement gives, as text. For what no command shows.
    pub fn sql(&self, statement: &str) -> Vec<String> {
        self.try_sql(statement).unwrap()
    }

    /// The same, where the database may not have been made yet.
    pub fn try_sql(&self, statement: &str) -> Result<Vec<String>, Box<dyn Error>> {
        canvass_testkit::sql::column(&self.url, statement)
    }
}
