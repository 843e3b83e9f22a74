//! The generated files, read back.

use std::{ops::ControlFlow, path::Path};

use canvass_model::Provider;
use canvass_nppes::{
    files::Catalog,
    nucc,
    sample::files::{self, FullSettings},
};

use super::read;

/// Without the case of letters, in which the files differ among each other.
fn folded(p: &Provider) -> String {
    serde_json::to_string(p).unwrap().to_uppercase()
}

#[test]
fn a_generated_month_is_read_back() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../data/nucc/nucc_taxonomy_251.csv"
    );
    let taxonomies = nucc::load(Path::new(path)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let settings = FullSettings {
        rows: 3_000,
        seed: 7,
    };
    let report = files::write_full(&taxonomies, settings, folder.path(), &mut |_| {
        ControlFlow::Continue(())
    })
    .unwrap();
    let paths: Vec<_> = report.files.iter().map(|file| file.path.clone()).collect();
    let sets = Catalog::open_all(&paths).unwrap();
    let [month, report_of_deactivated] = &sets[..] else {
        panic!("{} sets", sets.len());
    };
    let side = month
        .side(&mut |_| {}, &mut |row| panic!("{row:?}"))
        .unwrap();
    let all = read(month, &side);
    assert_eq!(all.set_aside, []);
    assert_eq!(all.warnings, []);
    let expected: Vec<Provider> = files::providers(settings, &taxonomies).collect();
    assert_eq!(all.providers.len(), expected.len());
    for (read, expected) in all.providers.iter().zip(&expected) {
        assert_eq!(folded(read), folded(expected));
    }
    let npis: std::collections::HashSet<_> = expected.iter().map(|p| p.npi).collect();
    assert_eq!(side.unused(|npi| npis.contains(&npi)).count(), 0);

    let mut count = 0;
    let member = &report_of_deactivated.members()[0];
    report_of_deactivated
        .deactivations(
            member,
            &mut |_| {},
            &mut |row| panic!("{row:?}"),
            &mut |_| count += 1,
        )
        .unwrap();
    assert_eq!(count, report.deactivated);
}
