//! Each real file, with its counts pinned.

use canvass_model::{Entity, RecordStatus};
use canvass_nppes::files::{Catalog, Extent, FileKind, Side, Version};
use jiff::civil::date;

use super::{Read, fixture, read};

fn main_file(name: &str) -> (Catalog, Read) {
    let catalog = Catalog::open(&[fixture(name)]).unwrap();
    let all = read(&catalog, &Side::default());
    (catalog, all)
}

fn count(all: &Read, status: RecordStatus) -> usize {
    all.providers.iter().filter(|p| p.status == status).count()
}

#[test]
fn every_main_file_is_read_whole() {
    for (name, version, rows, deactivated, reactivated, organizations) in [
        (
            "npidata_pfile_full_head700_2025.csv",
            Version::V2,
            700,
            56,
            21,
            133,
        ),
        (
            "npidata_pfile_weekly_20260615_part.csv",
            Version::V2,
            612,
            1,
            0,
            111,
        ),
        (
            "npidata_pfile_v1_sample98_2023_verbatim.csv",
            Version::V1,
            98,
            4,
            1,
            22,
        ),
        (
            "npidata_pfile_v1_sample12_2020_verbatim.csv",
            Version::V1,
            12,
            0,
            0,
            12,
        ),
    ] {
        let (catalog, all) = main_file(name);
        let member = &catalog.members()[0];
        assert_eq!(catalog.members().len(), 1);
        assert_eq!(
            (member.kind, member.columns),
            (FileKind::Providers, 330),
            "{name}"
        );
        assert_eq!(member.version, Some(version), "{name}");
        assert_eq!(all.providers.len(), rows, "{name}");
        assert_eq!(all.set_aside, [], "{name}");
        assert_eq!(all.warnings, [], "{name}");
        assert_eq!(
            count(&all, RecordStatus::Deactivated),
            deactivated,
            "{name}"
        );
        let again = all.providers.iter().filter(|p| p.reactivated_on.is_some());
        assert_eq!(again.count(), reactivated, "{name}");
        let entity = |entity| all.providers.iter().filter(|p| p.entity == entity).count();
        assert_eq!(entity(Some(Entity::Organization)), organizations, "{name}");
        assert_eq!(entity(None), deactivated, "{name}");
    }
}

#[test]
fn every_side_file_is_read_whole() {
    for (name, kind, rows) in [
        (
            "pl_pfile_20190902-20190908_part.csv",
            FileKind::PracticeLocations,
            7_204,
        ),
        (
            "endpoint_pfile_20190902-20190908_part.csv",
            FileKind::Endpoints,
            669,
        ),
        (
            "othername_pfile_20190902-20190908_part.csv",
            FileKind::OtherNames,
            1_023,
        ),
        (
            "pl_pfile_2025_sample9_verbatim.csv",
            FileKind::PracticeLocations,
            9,
        ),
        (
            "othername_pfile_2025_sample9_verbatim.csv",
            FileKind::OtherNames,
            9,
        ),
    ] {
        let catalog = Catalog::open(&[fixture(name)]).unwrap();
        let mut bytes = 0;
        let mut set_aside = Vec::new();
        let side = catalog
            .side(&mut |count| bytes += count, &mut |row| set_aside.push(row))
            .unwrap();
        assert_eq!(set_aside, [], "{name}");
        assert_eq!(bytes, catalog.bytes(), "{name}");
        assert_eq!(side.files().len(), 1);
        assert_eq!(
            (side.files()[0].kind, side.files()[0].rows),
            (kind, rows),
            "{name}"
        );
        assert_eq!(side.unused(|_| true).count(), 0);
        let unused: Vec<_> = side.unused(|_| false).collect();
        assert_eq!(unused.len() as u64, rows, "{name}");
    }
}

#[test]
fn the_files_of_a_week_are_one_set() {
    let paths = ["pl", "endpoint", "othername"]
        .map(|kind| fixture(&format!("{kind}_pfile_20190902-20190908_part.csv")));
    let catalog = Catalog::open(&paths).unwrap();
    assert_eq!(
        catalog.extent(),
        Extent::Weekly {
            from: Some(date(2019, 9, 2)),
            until: Some(date(2019, 9, 8))
        }
    );
    let kinds: Vec<_> = catalog.members().iter().map(|m| m.kind).collect();
    assert_eq!(
        kinds,
        [
            FileKind::OtherNames,
            FileKind::PracticeLocations,
            FileKind::Endpoints
        ]
    );
    let side = catalog.side(&mut |_| {}, &mut |_| {}).unwrap();
    assert_eq!(side.rows(), 7_204 + 669 + 1_023);
}
