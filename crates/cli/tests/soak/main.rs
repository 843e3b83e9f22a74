//! The randomized test of the whole, short and with a fixed seed. `cargo xtask soak` runs it long.

use canvass_testkit::soak::{Settings, run};

fn soak(postgres: Option<String>, seed: u64, kill: bool) {
    // To look for the cause of a fault: CANVASS_SOAK="7 50 full-half,old" is a seed, rounds, and
    // kinds of operations to leave out.
    let asked = std::env::var("CANVASS_SOAK").unwrap_or_default();
    let mut asked = asked.split(' ');
    let mut number = |or: u64| asked.next().and_then(|n| n.parse().ok()).unwrap_or(or);
    let (seed, rounds) = (number(seed), number(10));
    let without = asked.next().unwrap_or_default();
    let report = run(Settings {
        binary: env!("CARGO_BIN_EXE_canvass").into(),
        nucc: concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../data/nucc/nucc_taxonomy_251.csv"
        )
        .into(),
        postgres,
        seed,
        rounds: rounds.try_into().unwrap_or(u32::MAX),
        people: 2_000,
        looked_up: 150,
        kill,
        without: without.split(',').map(str::to_owned).collect(),
        verbose: false,
    });
    let report = report.unwrap_or_else(|e| panic!("the soak does not begin: {e}"));
    assert!(report.faults.is_empty(), "{report}");
    println!("{report}");
}

#[test]
fn whatever_is_done_at_once_sqlite_ends_like_the_model() {
    soak(None, 8, false);
}

#[test]
fn whatever_is_done_at_once_postgres_ends_like_the_model() {
    soak(Some(canvass_testkit::postgres_url()), 8, false);
}

#[test]
fn whoever_is_killed_sqlite_ends_like_the_model() {
    soak(None, 9, true);
}

#[test]
fn whoever_is_killed_postgres_ends_like_the_model() {
    soak(Some(canvass_testkit::postgres_url()), 9, true);
}
