//! The command line.

use std::{net::SocketAddr, path::PathBuf};

use canvass_model::AddressScope;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{config::LogFormat, filter::FilterArgs};

/// Finds, keeps and works healthcare-provider leads.
#[derive(Debug, Parser)]
#[command(
    version,
    propagate_version = true,
    after_help = "Examples:\n  canvass demo\n  canvass sync --specialty \"Internal Medicine\" --state CA\n  \
                  canvass search --q smith --state CA\n  canvass serve\n\n\
                  Exit codes: 0 done, 1 failed, 2 wrong usage, 3 finished but incomplete."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Settings that every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Settings")]
pub(crate) struct Global {
    /// Database: sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME [default: a file in the user's data folder]
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "CANVASS_DATABASE_URL",
        hide_env_values = true
    )]
    pub(crate) database: Option<String>,
    /// Registry: address of an NPPES read API [default: the public one]
    #[arg(long, global = true, value_name = "URL", env = "CANVASS_REGISTRY_URL")]
    pub(crate) registry: Option<String>,
    /// Address to listen on [default: 127.0.0.1:7878]
    #[arg(long, global = true, value_name = "ADDR", env = "CANVASS_LISTEN")]
    pub(crate) listen: Option<SocketAddr>,
    /// Settings file [default: canvass.toml here, else in the user's configuration folder]
    #[arg(long, global = true, value_name = "FILE", env = "CANVASS_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// File of the NUCC taxonomy [default: the one that came with canvass]
    #[arg(long, global = true, value_name = "FILE", env = "CANVASS_NUCC")]
    pub(crate) nucc: Option<PathBuf>,
    /// What to log: error, warn, info, debug, or a filter such as canvass_app=debug
    #[arg(long, global = true, value_name = "FILTER", env = "CANVASS_LOG")]
    pub(crate) log: Option<String>,
    /// How to log
    #[arg(long, global = true, value_enum, env = "CANVASS_LOG_FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
    /// Folder of which files may be loaded from the pages and the API, and in which what is sent or
    /// fetched is kept meanwhile [default: none, and the system's folder for temporary files]
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "FOLDER",
        env = "CANVASS_IMPORT_FOLDER"
    )]
    pub(crate) import_folder: Option<PathBuf>,
    /// Bytes of a file at most that is sent for an import, or fetched from an address [default: 4 GiB]
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "BYTES",
        env = "CANVASS_IMPORT_BYTES"
    )]
    pub(crate) import_bytes: Option<u64>,
    /// Requests to the registry under way at one time
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "N",
        env = "CANVASS_MAX_IN_FLIGHT"
    )]
    pub(crate) max_in_flight: Option<u32>,
    /// Requests to the registry started in any 200 ms
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "N",
        env = "CANVASS_MAX_STARTS"
    )]
    pub(crate) max_starts: Option<u32>,
    /// Longest time for one request to the registry, in milliseconds
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "MS",
        env = "CANVASS_REQUEST_TIMEOUT_MS"
    )]
    pub(crate) request_timeout_ms: Option<u64>,
    /// Attempts per page before it has failed for good
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "N",
        env = "CANVASS_ATTEMPTS"
    )]
    pub(crate) attempts: Option<u32>,
    /// Delay before the first retry, in milliseconds
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "MS",
        env = "CANVASS_BACKOFF_MS"
    )]
    pub(crate) backoff_ms: Option<u64>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Try it: a sample registry, a sync of eight specialties in California, leads, the pages
    Demo(DemoArgs),
    /// Serve pages, API and jobs
    Serve(ServeArgs),
    /// Work on jobs only, beside other servers on one PostgreSQL
    #[command(after_help = "Example:\n  canvass worker --database postgres://canvass@db/canvass")]
    Worker,
    /// Pull providers from the registry
    Sync(SyncArgs),
    /// Load the registry's dissemination files
    Import(ImportArgs),
    /// Search the providers that are stored
    Search(SearchArgs),
    /// Save, list, export and import leads
    Leads(LeadsArgs),
    /// Give people access
    User(UserArgs),
    /// Give programs access
    Token(TokenArgs),
    /// A sample registry, for trying and testing
    Registry(RegistryArgs),
    /// Check settings, database and registry
    Doctor(DoctorArgs),
    /// Care of the search index
    #[command(subcommand, after_help = "Example:\n  canvass index rebuild")]
    Index(IndexCommand),
    /// Print the OpenAPI document
    #[command(after_help = "Example:\n  canvass openapi > openapi.json")]
    Openapi,
}

/// Try canvass without an account, the internet, or anything of yours.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  canvass demo\n  canvass demo --once")]
pub(crate) struct DemoArgs {
    /// End after printing the summary
    #[arg(long)]
    pub(crate) once: bool,
    /// Providers of the sample registry
    #[arg(long, default_value_t = 40_000, value_name = "N")]
    pub(crate) providers: u64,
    /// Time that each of its answers takes, in milliseconds
    #[arg(long, default_value_t = 150, value_name = "MS")]
    pub(crate) latency: u64,
}

/// Migrates the database, then serves.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  canvass --database postgres://canvass@db/canvass serve --listen 0.0.0.0:7878"
)]
pub(crate) struct ServeArgs {
    /// Leave the jobs to `canvass worker`
    #[arg(long)]
    pub(crate) no_jobs: bool,
}

/// Pulls specialties at a place from the registry, with a bar for each.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  canvass sync --specialty \"Internal Medicine\" --state CA\n  \
                  canvass sync --specialty cardiology --specialty 207Q00000X --state NY --city \"NEW YORK\" --json\n\n\
                  The same command again after an interruption goes on where it was."
)]
pub(crate) struct SyncArgs {
    /// Specialty: a name, an everyday word or a NUCC code; may repeat
    #[arg(long, required = true, value_name = "NAME")]
    pub(crate) specialty: Vec<String>,
    /// State, two letters
    #[arg(long)]
    pub(crate) state: Option<String>,
    /// City
    #[arg(long)]
    pub(crate) city: Option<String>,
    /// Postal code, or its beginning and a star: 937*
    #[arg(long)]
    pub(crate) postal_code: Option<String>,
    /// Which addresses count as the place
    #[arg(long, value_enum, default_value_t)]
    pub(crate) address: Address,
    /// Save what is found as leads
    #[arg(long)]
    pub(crate) save_leads: bool,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Loads zip archives, CSV files and the spreadsheet of deactivated NPIs, in any mix: what each is,
/// its content tells.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  canvass import NPPES_Data_Dissemination_September_2026_V2.zip\n  \
                  canvass import --dry-run weekly/*.zip\n\n\
                  A full file takes the place of all that is stored, others change a part of it; either is\n\
                  seen at once and whole, or not at all. Leads stay."
)]
pub(crate) struct ImportArgs {
    /// Files
    #[arg(required_unless_present = "set_asides", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Print, as CSV, the rows that an earlier import has set aside
    #[arg(long, value_name = "IMPORT", conflicts_with = "files")]
    pub(crate) set_asides: Option<String>,
    /// Only tell what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Also load what is older than what is known, or was loaded before
    #[arg(long)]
    pub(crate) force: bool,
    /// Print the result as one JSON object per set of files
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Address {
    /// Practice locations
    #[default]
    Practice,
    /// Any address, mailing included
    Any,
}

impl From<Address> for AddressScope {
    fn from(address: Address) -> Self {
        match address {
            Address::Practice => Self::Practice,
            Address::Any => Self::Any,
        }
    }
}

/// Searches the providers that are stored.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  canvass search --q garcia --state CA\n  \
                  canvass search --specialty \"Family Medicine\" --lead no --format csv > new.csv\n  \
                  canvass search --saved \"New in Fresno\" --format xlsx --columns npi,name,phone > new.xlsx")]
pub(crate) struct SearchArgs {
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// A saved search of the team instead of filters
    #[arg(long, value_name = "NAME")]
    pub(crate) saved: Option<String>,
    /// Order: name, city, enumerated, updated, relevance (to --q) or distance (from --near)
    /// [default: that of the saved search, else name; in csv, ndjson and xlsx as they are stored, which
    /// is quickest]
    #[arg(long)]
    pub(crate) sort: Option<String>,
    /// Rows at most [default: 50 in a table, all otherwise]
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// The same as --format json
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) columns: ColumnArgs,
}

/// Which columns a file has, and how it begins.
#[derive(Debug, Default, Args)]
pub(crate) struct ColumnArgs {
    /// Columns of a file (csv, ndjson or xlsx) from left to right, with commas between them; one that
    /// is none is answered with the list of all [default: the usual ones]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Begin CSV without the byte order mark, by which Excel knows UTF-8
    #[arg(long)]
    pub(crate) no_bom: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Table,
    /// One object with all rows
    Json,
    /// A header and a line per row
    Csv,
    /// One object per line
    Ndjson,
    /// A spreadsheet
    Xlsx,
}

/// Leads: providers that the team works.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  canvass leads save-all --state CA\n  canvass leads export > leads.csv"
)]
pub(crate) struct LeadsArgs {
    #[command(subcommand)]
    pub(crate) command: LeadsCommand,
}

#[expect(
    clippy::large_enum_variant,
    reason = "there is one per run of the program"
)]
#[derive(Debug, Subcommand)]
pub(crate) enum LeadsCommand {
    /// Save all providers of a search, or a list of NPIs, as leads
    #[command(
        after_help = "Example:\n  canvass leads save-all --state CA --specialty \"Pain Management\" --json"
    )]
    SaveAll {
        #[command(flatten)]
        filter: FilterArgs,
        /// NPIs instead of a search; may repeat
        #[arg(long, value_name = "NPI", value_delimiter = ',')]
        npi: Vec<String>,
        /// The same key gives the same receipt again
        #[arg(long, value_name = "KEY")]
        idempotency_key: Option<String>,
        /// Print the receipt as JSON
        #[arg(long)]
        json: bool,
    },
    /// List leads
    #[command(after_help = "Example:\n  canvass leads list --lead-status interested --state CA")]
    List {
        #[command(flatten)]
        filter: LeadFilterArgs,
        /// Order: updated, name or created
        #[arg(long, default_value = "updated")]
        sort: String,
        /// Rows at most [default: 50 in a table, all otherwise]
        #[arg(long, value_name = "N")]
        limit: Option<u64>,
        /// How to print
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        /// The same as --format json
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        columns: ColumnArgs,
    },
    /// Write leads to standard output or a file
    #[command(after_help = "Example:\n  canvass leads export --status interested > interested.csv")]
    Export {
        #[command(flatten)]
        filter: LeadFilterArgs,
        /// csv, ndjson or xlsx
        #[arg(long, value_enum, default_value = "csv")]
        format: Format,
        /// File to write [default: standard output]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
        #[command(flatten)]
        columns: ColumnArgs,
    },
    /// Read leads from a file with a column npi: CSV (also with semicolons, tabs or |) or XLSX
    #[command(
        long_about = "Read leads from a file with a column npi: CSV (also with semicolons, tabs or |) \
                      or XLSX.\n\nOther columns that are read: status, notes, owner, last_contact_at, \
                      last_contact_method, created_at, by these names or usual ones such as \"NPI \
                      Number\", \"Comments\", \"Assigned to\" and \"Last contact\". Text may be UTF-8, \
                      UTF-16 or Windows-1252. Times without a time zone are UTC. A row with an owner who \
                      is no user is rejected.",
        after_help = "Example:\n  canvass leads import leads.csv --dry-run"
    )]
    Import {
        /// The file, or - for standard input
        file: PathBuf,
        /// Say what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,
        /// Print the report as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Which leads.
#[derive(Debug, Args)]
pub(crate) struct LeadFilterArgs {
    /// Status of the lead; may repeat
    #[arg(long = "status", visible_alias = "lead-status", value_name = "STATUS")]
    pub(crate) status: Vec<String>,
    /// Name of the user who works it, or none
    #[arg(long)]
    pub(crate) owner: Option<String>,
    /// Words of a name
    #[arg(long)]
    pub(crate) q: Option<String>,
    /// Specialty of the provider; may repeat
    #[arg(long, value_name = "NAME")]
    pub(crate) specialty: Vec<String>,
    /// State of a practice location; may repeat
    #[arg(long)]
    pub(crate) state: Vec<String>,
    /// City of a practice location; may repeat
    #[arg(long)]
    pub(crate) city: Vec<String>,
}

/// People with access.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  canvass user add lee --role manager < password.txt\n  canvass user list"
)]
pub(crate) struct UserArgs {
    #[command(subcommand)]
    pub(crate) command: UserCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add a user; the password is read from standard input
    #[command(after_help = "Example:\n  canvass user add lee --role manager < password.txt")]
    Add {
        /// Name
        name: String,
        /// Role: caller, manager or admin
        #[arg(long, default_value = "caller")]
        role: String,
    },
    /// List users
    #[command(after_help = "Example:\n  canvass user list --json")]
    List {
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Take away access
    #[command(after_help = "Example:\n  canvass user disable lee")]
    Disable {
        /// Name
        name: String,
    },
    /// Give access back
    #[command(after_help = "Example:\n  canvass user enable lee")]
    Enable {
        /// Name
        name: String,
    },
    /// Set a password, read from standard input
    #[command(after_help = "Example:\n  canvass user password lee < password.txt")]
    Password {
        /// Name
        name: String,
    },
}

/// Secrets with which programs use the API.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  TOKEN=$(canvass token create --user lee)\n  canvass token list --user lee"
)]
pub(crate) struct TokenArgs {
    #[command(subcommand)]
    pub(crate) command: TokenCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token; it is printed once
    #[command(after_help = "Example:\n  TOKEN=$(canvass token create --user lee)")]
    Create {
        /// Name of the user it acts for
        #[arg(long)]
        user: String,
        /// What it is for
        #[arg(long, default_value = "command line")]
        name: String,
    },
    /// List the tokens of a user
    #[command(after_help = "Example:\n  canvass token list --user lee")]
    List {
        /// Name of the user
        #[arg(long)]
        user: String,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// End a token
    #[command(after_help = "Example:\n  canvass token revoke 01a20c91-3517-777a-b96e-f96e31ead79c")]
    Revoke {
        /// Identifier, from the list
        id: String,
    },
}

/// A sample registry.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  canvass registry serve --listen 127.0.0.1:9100")]
pub(crate) struct RegistryArgs {
    #[command(subcommand)]
    pub(crate) command: RegistryCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RegistryCommand {
    /// Serve generated providers as an NPPES-compatible registry at /api/?version=2.1
    #[command(
        after_help = "Example:\n  canvass registry serve --providers 40000 --latency 300 --listen 127.0.0.1:9100"
    )]
    Serve {
        /// How many providers
        #[arg(long, default_value_t = 40_000, value_name = "N")]
        providers: u64,
        /// Time that each answer takes, in milliseconds
        #[arg(long, default_value_t = 0, value_name = "MS")]
        latency: u64,
        /// The same seed gives the same providers
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Write generated providers as NPPES dissemination files: a monthly set, or a week after it
    #[command(
        after_help = "Examples:\n  canvass registry generate --rows 1000000 --out files\n  \
                      canvass registry generate --weekly files --out weekly --json"
    )]
    Generate(GenerateArgs),
}

/// Which files to generate.
#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// Lines of the main file, deactivated NPIs included
    #[arg(long, default_value_t = 40_000, value_name = "N")]
    pub(crate) rows: u64,
    /// Folder to write to; it is made when it is not there
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// The same seed gives the same files
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Write a week that follows this set: the folder or the zip of an earlier call
    #[arg(long, value_name = "OF", conflicts_with_all = ["rows", "seed"])]
    pub(crate) weekly: Option<PathBuf>,
    /// Lines of the weekly set [default: 3 of 1,000]
    #[arg(long, value_name = "N", requires = "weekly")]
    pub(crate) changes: Option<u64>,
    /// Print what was written, and what a weekly set changes, as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Care of the search index.
#[derive(Debug, Subcommand)]
pub(crate) enum IndexCommand {
    /// Builds the search index anew from the providers; searches go on meanwhile.
    #[command(after_help = "Examples:\n  canvass index rebuild")]
    Rebuild,
}

/// Checks settings, database and registry.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  canvass doctor\n  canvass doctor --mend\n  canvass doctor --online"
)]
pub(crate) struct DoctorArgs {
    /// Mend what can be mended without a backup: the search index, and what requests that broke off
    /// have left
    #[arg(long)]
    pub(crate) mend: bool,
    /// Also ask the registry one question
    #[arg(long)]
    pub(crate) online: bool,
}
