//! What the tests share: databases, processes that end with their test, registries, plain HTTP.

pub mod http;

mod database;
mod process;
mod registry;

pub use database::Database;
pub use process::{Outcome, Running, command, run};
pub use registry::{Sample, internists, knowing};

/// The eight specialties of the preset, two of which the registry does not know.
pub const EIGHT: [&str; 8] = [
    "Nurse Practitioners",
    "Internal Medicine",
    "Pain Management",
    "General Physicians",
    "Family Medicine",
    "Orthopaedic",
    "Medical Officer",
    "Medical Director",
];

/// The arguments of a sync of these specialties, with its result as JSON.
pub fn sync_of<'a>(specialties: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    let named = specialties.iter().flat_map(|name| ["--specialty", name]);
    let mut args: Vec<&str> = std::iter::once("sync").chain(named).collect();
    args.push("--json");
    args.extend(more);
    args
}

/// Makes of each function a test per engine: `a_rule::sqlite` and `a_rule::postgres`.
macro_rules! both_engines {
    ($(fn $name:ident($db:ident: Database) $body:block)+) => {$(
        fn $name($db: $crate::world::Database) $body

        mod $name {
            #[test]
            fn sqlite() {
                super::$name($crate::world::Database::sqlite());
            }

            #[test]
            fn postgres() {
                super::$name($crate::world::Database::postgres());
            }
        }
    )+};
}

pub(crate) use both_engines;
