//! The real files that the reader is tested with, into a database.

use std::path::{Path, PathBuf};

use crate::{both_engines, count, load, opened::Opened};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../nppes/tests/fixtures/dissemination")
        .join(name)
}

both_engines! {
    async fn the_real_files_load_one_after_the_other(db: Database) {
        let app = Opened::on(&db).await;
        let full = load(&app, vec![fixture("npidata_pfile_full_head700_2025.csv")]).await;
        assert_eq!((full[0].rows, full[0].created, full[0].set_aside), (700, 700, 0));
        assert_eq!(count(&app, &[("status", "deactivated")]).await, 56);
        assert_eq!(count(&app, &[("entity", "organization")]).await, 133);

        // Older editions, of which many providers are among the first too.
        for (name, rows) in [
            ("npidata_pfile_v1_sample98_2023_verbatim.csv", 98),
            ("npidata_pfile_v1_sample12_2020_verbatim.csv", 12),
        ] {
            let done = load(&app, vec![fixture(name)]).await;
            let d = &done[0];
            assert_eq!((d.rows, d.set_aside), (rows, 0), "{name}");
            assert_eq!(
                d.created + d.updated + d.unchanged + d.deactivated + d.reactivated,
                rows,
                "{name}: {d:?}"
            );
        }
        let week = load(&app, vec![fixture("npidata_pfile_weekly_20260615_part.csv")]).await;
        assert_eq!((week[0].rows, week[0].set_aside), (612, 0));

        // Side files of a week of 2019 without their main file: rows of providers that are known
        // are taken over, the others set aside.
        for (name, rows) in [
            ("pl_pfile_20190902-20190908_part.csv", 7_204),
            ("endpoint_pfile_20190902-20190908_part.csv", 669),
            ("othername_pfile_20190902-20190908_part.csv", 1_023),
        ] {
            let options = canvass_app::ImportOptions { force: true, ..Default::default() };
            let done = crate::import(&app, vec![fixture(name)], &options).await.unwrap();
            let file = &done[0].files[0];
            assert_eq!(file.rows, rows, "{name}");
            assert!(file.set_aside > 0 && file.set_aside <= rows, "{name}: {file:?}");
        }
        let before = count(&app, &[("status", "any")]).await;
        let report = load(&app, vec![fixture("deactivated_npi_report_20231009_head500.csv")]).await;
        let r = &report[0];
        assert_eq!((r.rows, r.set_aside), (500, 0));
        assert_eq!(r.created + r.updated + r.unchanged + r.deactivated, 500);
        assert_eq!(count(&app, &[("status", "any")]).await, before + r.created);
    }
}
