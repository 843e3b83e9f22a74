//! Reading dissemination files: the real ones, and ones that are broken or made to do harm.

mod deactivations;
mod doors;
mod fetched;
mod generated;
mod hostile;
mod kept;
mod real;
mod sets;
mod written;

use std::path::PathBuf;

use canvass_model::Provider;
use canvass_nppes::files::{Catalog, SetAside, Side, Warning};

/// A real file.
fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/dissemination")
        .join(name)
}

/// All that the main files of a set give.
#[derive(Default)]
struct Read {
    providers: Vec<Provider>,
    set_aside: Vec<SetAside>,
    warnings: Vec<Warning>,
}

fn read(catalog: &Catalog, side: &Side) -> Read {
    let mut all = Read::default();
    for member in catalog.main() {
        let mut rows = catalog.rows(member).unwrap();
        while let Some(batch) = rows.next_batch().unwrap() {
            for result in batch.parse_noting(side, &mut |warning| all.warnings.push(warning)) {
                match result {
                    Ok(provider) => all.providers.push(provider),
                    Err(row) => all.set_aside.push(row),
                }
            }
        }
        assert_eq!(rows.bytes_read(), member.bytes);
    }
    all
}
