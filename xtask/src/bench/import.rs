//! Files of the NPPES dissemination into each engine, beside DuckDB loading the main file.

use std::{
    fs::File,
    io,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{Bench, Engine, Outcome};

/// What DuckDB does: every column of the main file, then four plain indexes.
const DUCKDB: &str = r#"
import sys, time
try:
    import duckdb
except ImportError:
    sys.exit("DuckDB is missing: python3 -m pip install duckdb")
csv, database = sys.argv[1:3]
con = duckdb.connect(database, config={"threads": 2})
con.execute("SET enable_progress_bar = false")
began = time.time()
con.execute("CREATE TABLE npi AS SELECT * FROM read_csv(?, all_varchar=true, header=true)", [csv])
loaded = time.time() - began
for name, columns in [
    ("by_npi", '"NPI"'),
    ("by_name", '"Provider Last Name (Legal Name)"'),
    ("by_city", '"Provider Business Practice Location Address City Name"'),
    ("by_taxonomy", '"Healthcare Provider Taxonomy Code_1"'),
]:
    con.execute(f"CREATE INDEX {name} ON npi ({columns})")
rows = con.execute("SELECT count(*) FROM npi").fetchone()[0]
con.close()
print(f"  DuckDB {duckdb.__version__}: {rows} rows, loaded in {loaded:.1f} s, with four indexes in {time.time() - began:.1f} s")
print(time.time() - began, file=sys.stderr)
"#;

/// Imports `archive` into both engines and loads its main file with DuckDB.
pub(crate) fn run(bench: &Bench, archive: &str) -> Outcome {
    let program = bench.program()?;
    println!("Import of {archive}");
    let mut times = Vec::new();
    for engine in Engine::ALL {
        let database = bench.database(engine)?;
        let began = Instant::now();
        let mut import = Command::new(&program)
            .args(["--database", &database, "import", archive])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let most = most_memory(&mut import)?;
        let took = began.elapsed();
        println!(
            "  {}: {:.1} s, at most {most:.0} MB",
            engine.name(),
            took.as_secs_f64()
        );
        times.push((engine, took));
    }
    let folder = tempfile::tempdir()?;
    let csv = folder.path().join("npidata.csv");
    unpack(Path::new(archive), &csv)?;
    let duckdb = Command::new("python3")
        .args(["-c", DUCKDB])
        .arg(&csv)
        .arg(folder.path().join("npi.duckdb"))
        .stderr(Stdio::piped())
        .stdout(Stdio::inherit())
        .spawn()?
        .wait_with_output()?;
    let said = String::from_utf8_lossy(&duckdb.stderr);
    let seconds: f64 = said.trim().parse().map_err(|_| said.clone().into_owned())?;
    for (engine, took) in times {
        println!(
            "  {} to DuckDB: {:.2}",
            engine.name(),
            took.as_secs_f64() / seconds
        );
    }
    Ok(())
}

/// Waits for a process; the most memory it held, in megabytes, as Linux tells it.
fn most_memory(process: &mut Child) -> Outcome<f64> {
    let mut most = 0.0;
    loop {
        if let Some(status) = process.try_wait()? {
            return if status.success() {
                Ok(most)
            } else {
                Err("the import failed".into())
            };
        }
        let status = std::fs::read_to_string(format!("/proc/{}/status", process.id()));
        let high = status.unwrap_or_default();
        let line = high.lines().find(|line| line.starts_with("VmHWM:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
        most = kilobytes.map_or(most, |kilobytes| kilobytes / 1_000.0 * 1.024);
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Unpacks the main file, which is not timed: DuckDB reads no archives.
fn unpack(archive: &Path, to: &Path) -> Outcome {
    let listed = Command::new("unzip").arg("-Z1").arg(archive).output()?;
    let names = String::from_utf8_lossy(&listed.stdout).into_owned();
    let main = names
        .lines()
        .find(|name| name.starts_with("npidata_pfile") && !name.contains("fileheader"))
        .ok_or("the archive has no main file")?;
    let mut unzip = Command::new("unzip")
        .args(["-p"])
        .arg(archive)
        .arg(main)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut out = unzip.stdout.take().ok_or("no output")?;
    io::copy(&mut out, &mut File::create(to)?)?;
    unzip.wait()?;
    Ok(())
}
